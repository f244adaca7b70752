"""When people last acted, for a warm-up plan: those a mailbox provider will see open and answer are mailed first.

Acting is a click by a person, a signature, or a wish to join. What another program knew, an import keeps as the field
`last_active`, a date as ISO 8601 writes it. So all are compared as such texts, of UTC: staff may write anything into a
field, and no engine may fail on it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Subquery, Text, case, func, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mailer.audience.consent.changes import IMPORT
from mailer.store.engine.by_campaign import about
from mailer.store.tables.core import consent_sources, consents, deliveries, hits, people
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import Membership, Verdict

LAST_ACTIVE = "last_active"  # the field: when they opened, clicked or changed something at another program
NEVER = ""
EARLIEST = "1990"


class iso_text(FunctionElement[str]):  # noqa: N801 - SQL functions are written in small letters
    """iso_text(moment): an `Instant` as ISO 8601 writes it, to the second."""

    type = Text()
    inherit_cache = True


@compiles(iso_text, "sqlite")
def _iso_text_sqlite(element: iso_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%S', {compiler.process(element.clauses, **kw)} / 1000000, 'unixepoch')"


@compiles(iso_text, "postgresql")
def _iso_text_postgresql(element: iso_text, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = f"to_timestamp(({compiler.process(element.clauses, **kw)}) / 1000000)"
    return f"to_char({seconds} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')"


def last_acted(*, today: str) -> ColumnElement[str]:
    """When a row of `people` joined with `deeds` last acted, as ISO 8601 writes it; `NEVER` where nothing is known.
    What a field says of a time after `today` isn't believed."""
    said = func.coalesce(people.c.attributes[LAST_ACTIVE].as_string(), NEVER)
    believed = case((said.between(EARLIEST, f"{today}~"), said), else_=NEVER)
    seen = func.coalesce(iso_text(deeds.c.at), NEVER)
    return case((seen > believed, seen), else_=believed)


def _deeds() -> Subquery:
    clicked = (
        select(deliveries.c.person_id, hits.c.at.label("at"))
        .join_from(hits, deliveries, about(hits))
        .where(hits.c.n > 0, hits.c.verdict != Verdict.MACHINE.value)
    )
    signed = select(signatures.c.person_id, signatures.c.changed_at)
    # The day of an import says nothing of its people: only what the file says does.
    moment = case((consent_sources.c.how == IMPORT, consents.c.given_at), else_=consents.c.at)
    joined = (
        select(consents.c.person_id, moment)
        .join_from(consents, consent_sources, consent_sources.c.id == consents.c.source_id)
        .where(consents.c.status == Membership.SUBSCRIBED.value)
    )
    each = union_all(clicked, signed, joined).subquery()
    return select(each.c.person_id, func.max(each.c.at).label("at")).group_by(each.c.person_id).subquery("deeds")


deeds = _deeds()  # person_id and `at`, the last thing that each did here
