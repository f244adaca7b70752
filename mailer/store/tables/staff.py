"""The tables of staff: accounts, how they sign in, their sessions, and the audit log of what staff and cron did.

No secret is kept as it is: passwords are Argon2id, tokens and codes are hashes, the seed of the code is encrypted.
"""

from __future__ import annotations

from sqlalchemy import DDL, JSON, BigInteger, Column, ForeignKey, LargeBinary, Table, Text, event

from mailer.store.tables.types import Id, Instant, metadata

staff = Table(
    "staff",
    metadata,
    Column("id", Id, primary_key=True),  # never used again: the audit log names it
    Column("address", Text, nullable=False, unique=True),  # normalised
    Column("name", Text, nullable=False, server_default=""),  # as colleagues know them; "": the address
    Column("role", Text, nullable=False),  # Role
    Column("lists", JSON(none_as_null=True)),  # names of the lists they work with; null: all
    Column("handle", LargeBinary, nullable=False, unique=True),  # random, what their passkeys know them by
    Column("password", Text, nullable=False, server_default=""),  # PHC string of Argon2id; "": none
    Column("totp", LargeBinary),  # the seed of the six-digit codes, encrypted; null: none
    Column("totp_step", BigInteger, nullable=False, server_default="0"),  # the last code's step: each works once
    Column("sso", Text, unique=True),  # issuer and subject of the single sign-on; null: never used
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),  # null: may sign in
    sqlite_autoincrement=True,
)

staff_passkeys = Table(
    "staff_passkeys",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),  # what the authenticator calls it
    Column("account_id", BigInteger, ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False),  # COSE
    Column("sign_count", BigInteger, nullable=False, server_default="0"),  # a copy is noticed when it runs backwards
    Column("label", Text, nullable=False, server_default=""),  # as its owner calls the device
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
)

staff_recovery_codes = Table(
    "staff_recovery_codes",
    metadata,
    Column("account_id", BigInteger, ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", LargeBinary, primary_key=True),  # SHA-256; the row goes when the code is used
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),  # SHA-256 of the cookie
    Column("account_id", BigInteger, ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("opened_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # to within some minutes
    Column("network", Text, nullable=False, server_default=""),  # the address it was opened from
    Column("browser", Text, nullable=False, server_default=""),  # what it calls itself, cut short
    sqlite_autoincrement=True,
)

staff_links = Table(  # one-time links with which somebody sets up how they sign in
    "staff_links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),  # SHA-256; the row goes when it is used
    Column("account_id", BigInteger, ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Instant, nullable=False),
)

staff_challenges = Table(  # what a browser has to bring back: of passkeys and of the single sign-on
    "staff_challenges",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),  # SHA-256 of what the browser keeps
    Column("data", JSON, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

audit_log = Table(  # what staff, commands and cron did, appended and never changed
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # who: a member of staff's address, "terminal: NAME", "cron"
    Column("action", Text, nullable=False),  # such as: suppression lifted
    Column("address_hash", LargeBinary, index=True),  # whose: the keyed hash, so it outlives the person's deletion
    Column("detail", Text, nullable=False, server_default=""),  # what it changed, without addresses
    Column("reason", Text, nullable=False, server_default=""),  # as staff gave it
    Column("account_id", BigInteger),  # the member of staff; null: no account
    Column("via", Text, nullable=False, server_default=""),  # from where: terminal, cron, studio and its network
    Column("subject", Text, nullable=False, server_default="", index=True),  # such as: newsletter 2026-11-appeal
    Column("before", Text, nullable=False, server_default=""),  # digest of what was changed, before …
    Column("after", Text, nullable=False, server_default=""),  # … and after; "" where there is no content
    sqlite_autoincrement=True,
)

# The engine itself refuses what would rewrite the log. The migrations equal this, by test.
REFUSALS = {
    "sqlite": (
        "CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log"
        " BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END",
        "CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log"
        " BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit log is only appended to'; END $$",
        "CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE ON audit_log"
        " FOR EACH ROW EXECUTE FUNCTION audit_log_refuse()",
    ),
}
for _engine, _statements in REFUSALS.items():
    for _statement in _statements:
        event.listen(audit_log, "after_create", DDL(_statement).execute_if(dialect=_engine))
