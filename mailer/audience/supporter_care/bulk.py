"""One thing done to everybody that a search or a saved segment finds: how many they are, and the deed in batches.

What is done to a batch may be done again after a crash: nobody is tagged, put on a list or taken off it twice. Putting
people on a list asks what an import asks: how they agreed, and to which words. Those who left, or whose address is
stopped, aren't put on it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TextIO

from sqlalchemy import Connection, Select, exists, func, insert, literal, select

from mailer.audience.consent.changes import consent_source, list_id
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.consent.recheck import change_consent
from mailer.audience.fields import known_fields
from mailer.audience.people.csv_export import guarded
from mailer.audience.people.people import FIELDS, supporters
from mailer.audience.people.search import PeopleSearch, matching
from mailer.audience.selection.saved_segments import known_names, read_segment, written_out
from mailer.audience.selection.segment_sql import condition
from mailer.audience.supporter_care.edit import unsubscribe_person
from mailer.audience.tags import add_tags, remove_tags
from mailer.compose.expressions.tagged import LONGEST_TAG, sound_tag
from mailer.errors import MailerError
from mailer.staff.actor import Actor, NotAllowed
from mailer.staff.rights import Right
from mailer.store.tables.core import Instant, consents, people, subscriptions, suppressions
from mailer.store.tables.states import Membership
from mailer.workspace import Workspace

LONGEST_WORDING = 1_000  # characters


class BulkDeed(StrEnum):
    """What is done to all of them."""

    TAG = "tag"
    UNTAG = "untag"
    LIST = "list"  # put on a list
    LEAVE = "leave"  # taken off a list, or off every list
    EXPORT = "export"  # a file of them


@dataclass(frozen=True, slots=True)
class BulkOrder:
    """Which people, and what is done. `tag` is of the deeds tag and untag, `name` the list of list and leave ("" every
    list); `source` and `wording` say how people agreed, and to what."""

    deed: BulkDeed
    search: Mapping[str, str]  # words, tag, list, segment
    lists: Sequence[str] | None  # those that the actor may work with
    tag: str = ""
    name: str = ""
    source: str = ""
    wording: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BulkOrder:
        given: dict[str, Any] = {**data, "deed": BulkDeed(data["deed"])}
        return cls(**given)


def search_for(
    connection: Connection,
    workspace: Workspace,
    asked: Mapping[str, str],
    lists: Sequence[str] | None,
    *,
    now: datetime,
) -> PeopleSearch:
    """The search that `asked` describes: words, tag, list and the name of a saved segment. Raises `MailerError`."""
    also = None
    if name := asked.get("segment", ""):
        fields = known_fields(connection, workspace.sound_lists())
        known = known_names(connection, workspace, fields=fields)
        also = condition(written_out(read_segment(workspace, name).expression, known), now=now)
    return PeopleSearch(asked.get("words", ""), asked.get("tag", ""), asked.get("list", ""), lists, also)


def count_people(connection: Connection, search: PeopleSearch) -> int:
    """How many a search means."""
    who = matching(connection, search).subquery()
    return int(connection.execute(select(func.count()).select_from(who)).scalar_one())


def people_of(connection: Connection, workspace: Workspace, order: BulkOrder, *, now: datetime) -> list[int]:
    """The numbers of everybody an order is about, in their order."""
    search = search_for(connection, workspace, order.search, order.lists, now=now)
    return [int(one) for one in connection.execute(matching(connection, search).order_by(people.c.id)).scalars()]


def check_order(workspace: Workspace, actor: Actor, order: BulkOrder) -> None:
    """Raise `MailerError` for what can't be done, and `NotAllowed` for what the actor may not do."""
    actor.require(Right.EXPORT_PEOPLE if order.deed is BulkDeed.EXPORT else Right.IMPORT, order.name or None)
    actor.require(Right.SEE_PEOPLE)
    if order.deed in (BulkDeed.TAG, BulkDeed.UNTAG) and not sound_tag(order.tag):
        raise MailerError("this can’t be a tag", remedy=f"At most {LONGEST_TAG} characters, without , ; or |.")
    if order.deed is BulkDeed.LEAVE and not order.name and actor.lists is not None:
        raise NotAllowed(Right.IMPORT, "every list")
    if order.deed is BulkDeed.LIST:
        if not order.name:
            raise MailerError("choose the list they come onto")
        if not order.source.strip() or not order.wording.strip():
            raise MailerError(
                "say how these people agreed, and to which words",
                remedy="Without both you couldn’t show that you may mail them.",
            )
        if len(order.wording) > LONGEST_WORDING or len(order.source) > LONGEST_WORDING:
            raise MailerError(f"at most {LONGEST_WORDING:,} characters say how they agreed, and to what")
    if order.name:
        workspace.list_definition(order.name)


def do_to_batch(connection: Connection, actor: Actor, order: BulkOrder, numbers: Sequence[int], *, at: datetime) -> int:
    """Do it to these people; how many of them it changed. At most a few hundred at once."""
    who = select(people.c.id).where(people.c.id.in_(numbers))
    match order.deed:
        case BulkDeed.TAG:
            return add_tags(connection, who, [sound_tag(order.tag)], source=actor.name, at=at)
        case BulkDeed.UNTAG:
            return remove_tags(connection, who, [order.tag])
        case BulkDeed.LIST:
            return _put_on_list(connection, order, who, at=at)
        case BulkDeed.LEAVE:
            on = _on_list(connection, order, who)
            for number in on:
                unsubscribe_person(connection, actor, number, order.name or None, source="studio", at=at)
            return len(on)
        case BulkDeed.EXPORT:
            return len(numbers)


def _put_on_list(connection: Connection, order: BulkOrder, who: Select[int], *, at: datetime) -> int:
    change_consent(connection)
    number = list_id(connection, order.name)
    source = consent_source(connection, how="staff", source=order.source.strip(), wording=order.wording.strip())
    on = exists().where(subscriptions.c.person_id == people.c.id, subscriptions.c.list_id == number)
    stopped = exists().where(
        suppressions.c.address_hash == people.c.address_hash, suppressions.c.list_id.in_([EVERY_LIST, number])
    )
    joining = [int(one) for one in connection.execute(who.where(~on, ~stopped)).scalars()]
    if not joining:
        return 0
    them = select(people.c.id).where(people.c.id.in_(joining))
    status, moment = literal(Membership.SUBSCRIBED.value), literal(at, Instant())
    proofs = them.add_columns(literal(number), status, moment, literal(source))
    connection.execute(insert(consents).from_select(["person_id", "list_id", "status", "at", "source_id"], proofs))
    rows = them.add_columns(literal(number), status, moment)
    connection.execute(insert(subscriptions).from_select(["person_id", "list_id", "status", "changed_at"], rows))
    return len(joining)


def _on_list(connection: Connection, order: BulkOrder, who: Select[int]) -> list[int]:
    """Those of them for which leaving changes something."""
    if not order.name:
        everywhere = exists().where(
            suppressions.c.address_hash == people.c.address_hash, suppressions.c.list_id == EVERY_LIST,
            suppressions.c.reason == "unsubscribed",
        )  # fmt: skip
        return [int(one) for one in connection.execute(who.where(~everywhere)).scalars()]
    on = exists().where(
        subscriptions.c.person_id == people.c.id, subscriptions.c.list_id == list_id(connection, order.name),
        subscriptions.c.status != Membership.UNSUBSCRIBED.value,
    )  # fmt: skip
    return [int(one) for one in connection.execute(who.where(on)).scalars()]


def export_columns(connection: Connection, numbers: Sequence[int]) -> list[str]:
    """The fields that any of these people have beside those of everybody."""
    found: set[str] = set()
    for values in supporters(connection, numbers).values():
        found.update(name for name, value in values.items() if value)
    return sorted(found - set(FIELDS))


def export_batch(connection: Connection, numbers: Sequence[int], own: Sequence[str], file: TextIO) -> None:
    """Write these people as rows of a CSV that no spreadsheet takes for formulas."""
    writer, known = csv.writer(file), supporters(connection, numbers)
    for number in numbers:
        if number in known:
            writer.writerow([guarded(known[number].get(name, "")) for name in (*FIELDS, *own)])
