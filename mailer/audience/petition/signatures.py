"""Stores signatures: one per person and sign page, with the wording of the statement and what brought the person.

`web.public.petition` decides which fields a form has and in whose name a visitor may sign. Callers have a write
transaction open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from unicodedata import category

from sqlalchemy import ColumnElement, Connection, Executable, and_, bindparam, case, func, select, true, update

from mailer.audience.addresses import address_hash
from mailer.audience.names import clean_name, holds_address
from mailer.petition_fields.table import KEPT, KNOWN, FieldKind, SignatureField
from mailer.store.engine.dialects import insert_for
from mailer.store.engine.prepared import PreparedStatement
from mailer.store.tables.core import campaigns, people
from mailer.store.tables.inbound import signatures, statements
from mailer.store.tables.states import CommentState

# Anybody can type anything as a first name: only what looks like a name is shown, so that nobody advertises there.
LONGEST_SHOWN = 24  # characters
BETWEEN_LETTERS = " .'’·-\u200c\u200d"  # the last two join letters of some scripts
LONGEST_SOURCE = 60
COMMENT = "comment"  # the field that pages may show
_SAME_STATEMENT = PreparedStatement(
    select(statements.c.id).where(statements.c.page == bindparam("page"), statements.c.text == bindparam("text"))
)
_SET = [one for one in signatures.c if one.name not in ("id", "thanks")]  # by who signs


def _adding(connection: Connection) -> Executable:
    row = {one.name: bindparam(one.name, type_=one.type) for one in _SET}
    insert = insert_for(connection, signatures).values(row).on_conflict_do_nothing(index_elements=["page", "person_id"])
    return insert.returning(signatures.c.id)


_ADD = PreparedStatement(_adding)


@dataclass(frozen=True, slots=True)
class Particulars:
    """What somebody filled in to sign, checked and cut to length. Raises ValueError for a field no signature has."""

    texts: Mapping[str, str]  # by the names of `petition_fields.table.KEPT`; a missing one is ""
    shown: bool | None = None  # agreed to have the first name shown on the page; None: wasn't asked
    own: Mapping[str, str] = field(default_factory=dict[str, str])  # answers to the page's own questions, none empty
    comment_shown: bool = False  # agreed to have the comment shown on the page as well

    def __post_init__(self) -> None:
        if unknown := self.texts.keys() - {one.name for one in KEPT}:
            raise ValueError(f"a signature has no such fields: {sorted(unknown)}")

    def of(self, fields: Iterable[SignatureField]) -> dict[str, str]:
        """What was filled in for these fields, by their names."""
        return {one.name: self.texts.get(one.name, "") for one in fields}

    @property
    def comment_state(self) -> str:
        """How the comment begins."""
        return (CommentState.NEW if self.comment_shown else CommentState.PRIVATE).value

    @property
    def asked(self) -> dict[str, object]:
        """The columns of what was asked for, filled in or left empty."""
        own = {"own": dict(self.own)} if self.own else {}
        return {**self.texts, **own, **({} if self.shown is None else {"shown": self.shown})}


@dataclass(frozen=True, slots=True)
class SignatureOrigin:
    """What brought somebody: a link in a mail, or the source named in the page's address."""

    campaign_id: int | None = None
    delivery_id: int | None = None  # also None for people who are not to be tracked
    n: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class SignResult:
    """A stored signature. `new`: the person had not signed this page before. `kept`: the earlier one was left."""

    id: int
    new: bool
    kept: bool = False


@dataclass(frozen=True, slots=True)
class LatestName:
    """The first name of somebody who signed and agreed that it is shown, and when that was."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SignatureCount:
    """How many signed a page, and the last few of those whose names may be shown, newest first."""

    signatures: int
    latest: Sequence[LatestName] = ()


def sign(
    connection: Connection,
    *,
    page: str,
    statement: str,
    person_id: int,
    who: Particulars,
    origin: SignatureOrigin,
    at: datetime,
    language: str = "",
) -> SignResult:
    """Put a person's name under a statement; `language` is that of the page. Signing again counts once and replaces
    what is asked for again.

    What first brought the person stays. A signature made through the person's own link is replaced only through such a
    link: anybody can type any address into the blank form.
    """
    values = {
        "statement_id": _statement(connection, page, statement), **who.asked, "changed_at": at, "language": language,
    }  # fmt: skip
    brought = {"campaign_id": origin.campaign_id, "delivery_id": origin.delivery_id, "n": origin.n}
    row: dict[str, object] = {
        "own": {}, "shown": False, **who.of(KEPT), **values, **brought, "page": page, "person_id": person_id,
        "signed_at": at, "source": origin.source, "comment_state": who.comment_state,
    }  # fmt: skip
    added = _ADD.rows(connection, row)
    if added:
        return SignResult(int(added[0][0]), new=True)
    theirs = (signatures.c.page == page) & (signatures.c.person_id == person_id)
    by_link = signatures.c.campaign_id.is_not(None)
    if origin.campaign_id is not None:
        # If no mail had brought them before, their first link gets the credit.
        connection.execute(update(signatures).where(theirs, ~by_link).values(brought))
        allowed = theirs
    else:
        allowed = theirs & ~by_link
    changed = _change(connection, allowed, values, who)
    number = connection.execute(select(signatures.c.id).where(theirs)).scalar_one()
    return SignResult(int(number), new=False, kept=changed is None)


def add_to_signature(
    connection: Connection, signature_id: int, who: Particulars, *, by_link: bool, at: datetime
) -> bool:
    """Add what somebody wrote after signing; what they left empty stays as it is. Returns whether anything was added.

    The rule is that of `sign`: `by_link` says that they signed by a link in their mail, and nobody else adds to such a
    signature. Forgotten people have none any more.
    """
    values: dict[str, object] = {name: text for name, text in who.asked.items() if text}
    if not values:
        return False
    theirs = (signatures.c.id == signature_id) & signatures.c.person_id.is_not(None)
    if not by_link:
        theirs &= signatures.c.campaign_id.is_(None)
    return _change(connection, theirs, {**values, "changed_at": at}, who) is not None


def _change(
    connection: Connection, which: ColumnElement[bool], values: dict[str, object], who: Particulars
) -> int | None:
    """Change columns of the one signature, and return its number; None when there is none."""
    if who.own:  # answers to questions that weren't asked again stay
        kept = connection.execute(select(signatures.c.own).where(which).with_for_update()).scalar()
        values["own"] = {**(kept or {}), **who.own}
    state = signatures.c.comment_state
    decided = state != CommentState.PRIVATE.value
    if COMMENT in values:  # whatever was decided of a comment was about those words
        same = and_(signatures.c.comment == values[COMMENT], decided)
        values["comment_state"] = case((same, state), else_=who.comment_state)
    elif who.comment_shown:
        values["comment_state"] = case((decided, state), else_=who.comment_state)
    return connection.execute(update(signatures).where(which).values(values).returning(signatures.c.id)).scalar()


def signer(
    connection: Connection, *, address: str, address_key: bytes, who: Particulars, language: str, at: datetime
) -> int:
    """The number of the person with this normalised address, added if nobody has it.

    Somebody who is known already is left unchanged, since anybody can type any address into a form. Being known is not
    consent, so a new person is on no list.
    """
    names = [one for one in KNOWN if one.kind is FieldKind.NAME]
    row = {
        **who.of(KNOWN), **{name: clean_name(text) for name, text in who.of(names).items()}, "language": language,
        "address": address, "address_hash": address_hash(address, address_key), "created_at": at, "updated_at": at,
    }  # fmt: skip
    connection.execute(insert_for(connection, people).values(row).on_conflict_do_nothing(index_elements=["address"]))
    return int(connection.execute(select(people.c.id).where(people.c.address == address)).scalar_one())


def tally(connection: Connection, page: str, *, names: int) -> SignatureCount:
    """How many signed a page, and the last `names` first names of those who agreed."""
    number = connection.execute(select(func.count()).where(signatures.c.page == page)).scalar_one()
    rows = connection.execute(
        select(signatures.c.first_name, signatures.c.signed_at)
        .where(signatures.c.page == page, signatures.c.shown, signatures.c.first_name != "")
        .order_by(signatures.c.signed_at.desc(), signatures.c.id.desc())
        .limit(4 * names)
    )
    fit = [LatestName(name, at) for name, at in rows if showable(name)] if names else []
    return SignatureCount(int(number), tuple(fit[:names]))


def showable(name: str) -> bool:
    """Whether a first name may be shown on a public page."""
    letters = all(category(c)[0] in "LM" or c in BETWEEN_LETTERS for c in name)
    fits = letters and 0 < len(name) <= LONGEST_SHOWN and name[0].isalpha() and ". " not in name
    return fits and not holds_address(name)


def source_of(text: str) -> str:
    """The source named in a page's address, fit to be stored: hostile input, so printable and short."""
    return "".join(c for c in text if c.isprintable()).strip()[:LONGEST_SOURCE]


def signed_pages(connection: Connection) -> set[str]:
    """Pages that at least one person signed."""
    return set(connection.execute(select(statements.c.page).distinct()).scalars())


def brought_by(connection: Connection, page: str, *, since: datetime | None = None) -> list[tuple[str, int]]:
    """What brought the signatures of a page, most first: a campaign's slug, a source, or "" for neither."""
    what = func.coalesce(campaigns.c.slug, signatures.c.source)
    query = (
        select(what, func.count())
        .select_from(signatures.outerjoin(campaigns, campaigns.c.id == signatures.c.campaign_id))
        .where(signatures.c.page == page, _since(since))
        .group_by(what)
        .order_by(func.count().desc(), what)
    )
    return [(str(name), int(number)) for name, number in connection.execute(query)]


def count(connection: Connection, page: str, *, since: datetime | None = None) -> int:
    """How many signed a page, at `since` or later if that is given."""
    query = select(func.count()).select_from(signatures).where(signatures.c.page == page, _since(since))
    return int(connection.execute(query).scalar_one())


def _since(moment: datetime | None) -> ColumnElement[bool]:
    return true() if moment is None else signatures.c.signed_at >= moment


def _statement(connection: Connection, page: str, text: str) -> int:
    """The number of this wording, which is stored if it is new."""
    row = {"page": page, "text": text}
    known = _SAME_STATEMENT.rows(connection, row)
    if not known:
        connection.execute(insert_for(connection, statements).values(row).on_conflict_do_nothing())
        known = _SAME_STATEMENT.rows(connection, row)
    return int(known[0][0])
