"""Automations: their versions, who is inside, and how far each has looked"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSIDE, OUT = sa.text("due_at IS NOT NULL"), sa.text("due_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "automations",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version_id", sa.BigInteger()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("looked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automations")),
        sa.UniqueConstraint("slug", name=op.f("uq_automations_slug")),
    )
    op.create_index("ix_automations_due_at", "automations", ["due_at"])
    op.create_table(
        "automation_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("automation_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name=op.f("fk_automation_versions_automation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_versions")),
        sa.UniqueConstraint("automation_id", "number", name=op.f("uq_automation_versions_automation_id_number")),
    )
    op.create_table(
        "automation_sends",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["automation_versions.id"], name=op.f("fk_automation_sends_version_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_automation_sends")),
        sa.UniqueConstraint("version_id", "step", name=op.f("uq_automation_sends_version_id_step")),
    )
    op.create_table(
        "automation_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("automation_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name=op.f("fk_automation_entries_automation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_entries")),
        sa.UniqueConstraint(
            "automation_id", "person_id", "number", name=op.f("uq_automation_entries_automation_id_person_id_number")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_automation_entries_person_id", "automation_entries", ["person_id"])
    op.create_index(
        "ix_automation_entries_inside", "automation_entries", ["version_id", "step", "due_at", "id"],
        sqlite_where=INSIDE, postgresql_where=INSIDE,
    )  # fmt: skip
    op.create_index(
        "ix_automation_entries_out", "automation_entries", ["version_id", "state", "reason"],
        sqlite_where=OUT, postgresql_where=OUT,
    )  # fmt: skip
    op.create_table(
        "automation_marks",
        sa.Column("automation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["automation_id"], ["automations.id"], name=op.f("fk_automation_marks_automation_id")),
        sa.PrimaryKeyConstraint("automation_id", "feed", name=op.f("pk_automation_marks")),
    )
    if op.get_bind().dialect.name == "sqlite":  # there a deleted row's number would be given again
        with op.batch_alter_table("consents", recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass
