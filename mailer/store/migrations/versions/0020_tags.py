"""Tags get tables of their own; those that imports kept as an attribute move there"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONGEST = 100  # characters
BATCH = 2_000  # people


def upgrade() -> None:
    op.create_table(
        "tags",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("key", name=op.f("uq_tags_key")),
    )
    keys = [sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_people_tags_person_id", ondelete="CASCADE")]
    if op.get_bind().dialect.name == "sqlite":
        keys.append(sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name="fk_people_tags_tag_id"))
    op.create_table(
        "people_tags",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("tag_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("person_id", "tag_id", name=op.f("pk_people_tags")),
        *keys,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_people_tags_tag_id_person_id", "people_tags", ["tag_id", "person_id"])
    _move()


people = sa.table("people", *map(sa.column, ("id", "attributes", "updated_at")))
tags = sa.table("tags", *map(sa.column, ("id", "name", "key")))
people_tags = sa.table("people_tags", *map(sa.column, ("person_id", "tag_id", "at", "source")))


def _move() -> None:
    """Each person's tags out of their attributes. What is too long for a tag stays, as `tags_as_given`."""
    bind = op.get_bind()
    numbers: dict[str, int] = {}
    for batch in _with_tags(bind):
        theirs: list[dict[str, object]] = []
        for number, text, at in batch:
            attributes = json.loads(text)
            found = [" ".join(one.split()) for one in str(attributes.pop("tags")).split(",")]
            for name in filter(None, found):
                if len(name) > LONGEST:
                    attributes["tags_as_given"] = name
                    continue
                tag_id = numbers.setdefault(name.casefold(), len(numbers) + 1)
                if tag_id == len(numbers) and not _known(bind, tag_id):
                    bind.execute(sa.insert(tags).values(id=tag_id, name=name, key=name.casefold()))
                theirs.append({"person_id": number, "tag_id": tag_id, "at": at, "source": "imported"})
            _keep(bind, number, attributes)
        unique = {(row["person_id"], row["tag_id"]): row for row in theirs}
        if unique:
            bind.execute(sa.insert(people_tags), list(unique.values()))
    if numbers and bind.dialect.name == "postgresql":
        bind.execute(sa.text("SELECT setval(pg_get_serial_sequence('tags', 'id'), :last)"), {"last": len(numbers)})


def _with_tags(bind: sa.Connection) -> Iterator[list[tuple[int, str, int]]]:
    last = 0
    text = sa.cast(people.c.attributes, sa.Text)
    while True:
        query = sa.select(people.c.id, text, people.c.updated_at).where(people.c.id > last, text.contains('"tags"'))
        rows = [
            (int(row[0]), str(row[1]), int(row[2])) for row in bind.execute(query.order_by(people.c.id).limit(BATCH))
        ]
        if not rows:
            return
        last = rows[-1][0]
        yield [row for row in rows if "tags" in json.loads(row[1])]


def _known(bind: sa.Connection, tag_id: int) -> bool:
    return bind.execute(sa.select(tags.c.id).where(tags.c.id == tag_id)).first() is not None


def _keep(bind: sa.Connection, number: int, attributes: dict[str, str]) -> None:
    kept: sa.BindParameter[Any] = sa.bindparam(
        "kept", json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))
    )
    value: sa.ColumnElement[Any] = sa.cast(kept, sa.JSON) if bind.dialect.name == "postgresql" else kept
    bind.execute(sa.update(people).where(people.c.id == number).values(attributes=value))
