"""Who followed a link of their mail to one of our pages, as its signed visit tells; read from the database.

Only while the visit is fresh, and only what a page may use: somebody the mail was forwarded to may be looking.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, literal_column, select

from mailer.delivery.ledger.mailed_message import NotKept, proof_message
from mailer.locale.language import Language
from mailer.store.engine.by_campaign import campaign_of
from mailer.store.engine.prepared import ByNumber, PreparedStatement
from mailer.store.tables.core import deliveries, lists, people, subscriptions
from mailer.store.tables.states import Membership
from mailer.tracking.tokens import LinkVisit
from mailer.web.pages.templates import mask

AHEAD = timedelta(minutes=5)  # clocks of several servers differ
_KNOWN = (
    people.c.id, people.c.address, people.c.first_name, people.c.last_name, people.c.country, people.c.tracking,
    people.c.language,
)  # fmt: skip
_PERSON = PreparedStatement(select(*_KNOWN).where(people.c.id == bindparam("person")))
_RECIPIENT = ByNumber(
    deliveries.c.id,
    lambda which: (
        select(*_KNOWN).select_from(deliveries).join(people, people.c.id == deliveries.c.person_id).where(which)
    ),
)
_SUBSCRIPTION = PreparedStatement(
    select(subscriptions.c.list_id)
    .join(lists, lists.c.id == subscriptions.c.list_id)
    .where(
        lists.c.name == bindparam("list"),
        subscriptions.c.person_id == bindparam("person"),
        subscriptions.c.status == literal_column(f"'{Membership.SUBSCRIBED}'"),
    )
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person a fresh visit stands for. `person_id` is None for a proof that was merged for nobody."""

    visit: LinkVisit
    person_id: int | None
    address: str
    first_name: str
    last_name: str
    country: str
    tracking: bool
    language: str = ""  # BCP 47

    @property
    def proof(self) -> bool:
        """Whether the mail was a test: then nothing may be changed."""
        return self.visit.named.proof

    @property
    def campaign_id(self) -> int | None:
        return None if self.proof else campaign_of(self.visit.named.id)

    @property
    def initials(self) -> str:
        """The first letters of their names, not joined; those of the address when there is no name."""
        names = [name for name in (self.first_name, self.last_name) if name] or [self.address]
        return "\u200c".join(name[0].upper() for name in names if name)

    def masked(self, language: Language) -> str:
        """What they recognise themselves by and others don't: "M. K., United Kingdom"; "" for nobody."""
        initials = " ".join(f"{name[0].upper()}." for name in (self.first_name, self.last_name) if name)
        shown = initials or (mask(self.address) if self.address else "")
        if shown and language.direction == "rtl":
            shown = f"\u2068{shown}\u2069"  # isolated (Unicode UAX #9), else the country goes in among the initials
        return f"{shown}{language.comma} {language.country(self.country)}" if shown and self.country else shown


def visitor(connection: Connection, visit: LinkVisit, *, now: datetime, fresh: timedelta) -> Visitor | None:
    """The visitor behind the visit; None when it is stale, or the person is not known any more."""
    if not -AHEAD <= now - visit.at <= fresh:
        return None
    if visit.named.proof:
        try:
            person_id = proof_message(connection, visit.named.id)[1]
        except NotKept:
            return None
        found = _PERSON.rows(connection, {"person": person_id}) if person_id is not None else []
    else:
        found = _RECIPIENT.rows(connection, [visit.named.id], {})
    if not found:
        return Visitor(visit, None, "", "", "", "", False) if visit.named.proof else None
    number, address, first_name, last_name, country, tracking, language = found[0]
    return Visitor(visit, number, address, first_name, last_name, country, bool(tracking), language)


def is_on(connection: Connection, person_id: int, list_name: str) -> bool:
    """Whether a person gets mail through this list."""
    return bool(_SUBSCRIPTION.rows(connection, {"person": person_id, "list": list_name}))
