"""Takes staged people over into the list, by a few statements on sets, in one transaction, the caller's.

People who left come first: their addresses are suppressed before anybody is put on the list. Sets let the database sort
a million addresses before it puts them into its index, in little memory, and compare rows with who is known without
asking for each.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from mailer.audience.consent.eligibility import BY_RANK, EVERY_LIST, Reason, suppression_rank
from mailer.audience.consent.recheck import change_consent
from mailer.audience.imports.attributes import as_json, differ, merged
from mailer.audience.imports.load.journal import Journal
from mailer.audience.imports.load.row_tags import has_new_tags, put_tags, stage_tags
from mailer.audience.imports.load.staging import TEXTS, StagedRows, known, stage
from mailer.audience.imports.meaning.statuses import LEFT, NO_CONSENT, STOPS, UNSUBSCRIBED
from mailer.audience.imports.subscribe import ImportTarget
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import consents, people, subscriptions, suppressions
from mailer.store.tables.states import Membership, ZoneSource

SUBSCRIBED, PENDING, OFF = (member.value for member in Membership)
STAYING = (SUBSCRIBED, PENDING)
NEW, JOINED, UPDATED, UNCHANGED, GONE = "new", "joined", "updated", "unchanged", "gone"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of the staged rows became what; all of them together are the rows staged."""

    added: int
    updated: int
    unchanged: int
    duplicate: int
    no_consent: int
    suppressed: dict[str, int]  # reason → rows
    pending: int  # of the first four


class Writer:
    """Takes the staged rows over into the list, in the caller's write transaction."""

    def __init__(self, staged: StagedRows, joining: ImportTarget, journal: Journal) -> None:
        self.connection = staged.connection
        self.staged, self.joining, self.journal = staged, joining, journal
        self.now, self.list_id = joining.now, joining.list_id
        # Whether a row says more of its person than fields, and that consent is given, now, in the only file.
        self.tells_more = bool(
            PENDING in staged.statuses or staged.has_moments or staged.has_tags or len(joining.origin.sources) > 1
        )

    def finish(self) -> Counts:
        """Take over what was staged, and count what became of the rows."""
        self._block()
        suppressed = self._count_suppressed()
        no_consent = self._count(stage.c.status == NO_CONSENT.value, self._free()) if self._has(NO_CONSENT) else 0
        new = self._add()
        if self.staged.has_tags:
            stage_tags(self.connection)
        rest = self.staged.rows - suppressed.total() - no_consent - new
        outcomes: Counter[str] = Counter()
        if rest or self.tells_more:
            self._find_known()
            counted = self.connection.execute(select(known.c.outcome, func.count()).group_by(known.c.outcome))
            outcomes.update({str(outcome): int(number) for outcome, number in counted if outcome != NEW})
            self.journal.keep_people(changed=(JOINED, UPDATED), joined=JOINED, added=NEW)
            self._update_known()
        if not self.tells_more:
            everyone = select(people.c.id, _no_moment(), self.joining.source).where(people.c.id > self.joining.newest)
            self._join(everyone, SUBSCRIBED)
        if self.staged.stops:
            self._let_go()
            change_consent(self.connection)  # last, so that a hand-over meanwhile waits only for the commit
        gone = outcomes[GONE]
        if gone:
            suppressed[Reason.UNSUBSCRIBED.value] += gone
        return Counts(
            added=new + outcomes[JOINED],
            updated=outcomes[UPDATED],
            unchanged=outcomes[UNCHANGED],
            duplicate=rest - outcomes.total(),
            no_consent=no_consent,
            suppressed=dict(suppressed),
            pending=self._count_pending(),
        )

    def _has(self, status: str) -> bool:
        return str(status) in self.staged.statuses

    def _block(self) -> None:
        """Remember which addresses left or must not be mailed, without keeping who they are."""
        source = self.joining.of_file(list(self.joining.origin.sources))
        for status, bit in STOPS.items():
            if not self.staged.stops & bit:
                continue
            where = self.list_id if status == UNSUBSCRIBED else EVERY_LIST
            reason = UNSUBSCRIBED.value if status == LEFT else status.value
            rows = select(stage.c.address_hash, literal(where), literal(reason), self.now, source).where(_stops(bit))
            names = ["address_hash", "list_id", "reason", "at", "source"]
            statement = insert_for(self.connection, suppressions).from_select(names, rows).on_conflict_do_nothing()
            self.connection.execute(statement)
            self.journal.claim(_stops(bit), where, reason, source=source)

    def _suppressed(self) -> ColumnElement[bool]:
        """Staged rows whose address is suppressed, on this list or on every list."""
        return exists().where(suppressions.c.address_hash == stage.c.address_hash, self._here())

    def _here(self) -> ColumnElement[bool]:
        return suppressions.c.list_id.in_((EVERY_LIST, self.list_id))

    def _free(self) -> ColumnElement[bool]:
        return ~self._suppressed()

    def _eligible(self) -> ColumnElement[bool]:
        return and_(stage.c.status.in_(STAYING), self._free())

    def _count(self, *conditions: ColumnElement[bool]) -> int:
        return self.connection.execute(select(func.count()).select_from(stage).where(*conditions)).scalar_one()

    def _count_suppressed(self) -> Counter[str]:
        """Rows of suppressed addresses, by the gravest reason."""
        # Looked up for each row: joined with a query, SQLite would go through all rows for each suppression.
        theirs = select(func.max(suppression_rank())).where(
            suppressions.c.address_hash == stage.c.address_hash, self._here()
        )
        gravest = select(theirs.correlate(stage).scalar_subquery().label("rank")).select_from(stage).subquery()
        rows = select(gravest.c.rank, func.count()).where(gravest.c.rank.is_not(None)).group_by(gravest.c.rank)
        return Counter({BY_RANK[rank].value: int(number) for rank, number in self.connection.execute(rows)})

    def _count_pending(self) -> int:
        """Rows whose people are on the list and have not confirmed."""
        waiting = and_(subscriptions.c.list_id == self.list_id, subscriptions.c.status == PENDING)
        if self.connection.execute(select(subscriptions.c.person_id).where(waiting).limit(1)).first() is None:
            return 0
        joined = stage.join(people, people.c.address == stage.c.address).join(
            subscriptions, and_(subscriptions.c.person_id == people.c.id, waiting)
        )
        return self.connection.execute(select(func.count()).select_from(joined).where(self._eligible())).scalar_one()

    def _add(self) -> int:
        """Add people who are not known, the first row of each address; how many they are."""
        columns = [stage.c[name] for name in ("address", "address_hash", *TEXTS)]
        names = [*(column.name for column in columns), "timezone_source", "attributes", "created_at", "updated_at"]
        source = case((stage.c.timezone != "", ZoneSource.IMPORT.value), else_="")
        # In the order of the index on addresses, where each then goes to the end of the one before.
        rows = (
            select(*columns, source, as_json(stage.c.attributes), self.now, self.now)
            .where(self._eligible())
            .order_by(stage.c.address, stage.c.row)
        )
        added = insert_for(self.connection, people).from_select(names, rows)
        statement = added.on_conflict_do_nothing(index_elements=["address"])
        return self.connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount

    def _find_known(self) -> None:
        """For each person known and named by the files: the first row that does, and what becomes of them."""
        first = (
            select(stage.c.address, func.min(stage.c.row).label("row"))
            .where(self._eligible())
            .group_by(stage.c.address)
            .subquery()
        )
        here = and_(subscriptions.c.person_id == people.c.id, subscriptions.c.list_id == self.list_id)
        texts = [and_(self._says(name), stage.c[name] != people.c[name]) for name in TEXTS]
        attributes = and_(stage.c.attributes != "{}", differ(people.c.attributes, stage.c.attributes))
        confirmed = and_(subscriptions.c.status == PENDING, stage.c.status == SUBSCRIBED)
        if self.staged.has_tags:
            texts.append(has_new_tags(people.c.id, first.c.row))
        outcome = case(
            (people.c.id > self.joining.newest, NEW),
            (subscriptions.c.status.is_(None), JOINED),
            (subscriptions.c.status == OFF, GONE),
            (or_(confirmed, *texts, attributes), UPDATED),
            else_=UNCHANGED,
        )
        rows = select(people.c.id, first.c.row, outcome).select_from(
            first.join(stage, stage.c.row == first.c.row)
            .join(people, people.c.address == first.c.address)
            .outerjoin(subscriptions, here)
        )
        if not self.tells_more:
            rows = rows.where(people.c.id <= self.joining.newest)
        self.connection.execute(insert(known).from_select(["person_id", "row", "outcome"], rows))

    def _update_known(self) -> None:
        """Bring people who were known up to date. An empty cell leaves what is known as it is."""
        newer = {name: case((self._says(name), stage.c[name]), else_=people.c[name]) for name in TEXTS}
        source = case((self._says("timezone"), ZoneSource.IMPORT.value), else_=people.c.timezone_source)
        self.connection.execute(
            update(people)
            .where(
                people.c.id == known.c.person_id,
                known.c.row == stage.c.row,
                known.c.outcome.in_((JOINED, UPDATED)),
            )
            .values(
                **newer,
                timezone_source=source,
                attributes=merged(people.c.attributes, stage.c.attributes),
                updated_at=self.now,
            )
        )
        if self.staged.has_tags:
            who = select(known.c.person_id, known.c.row).where(known.c.outcome.in_((NEW, JOINED, UPDATED)))
            put_tags(self.connection, who, at=self.now, source=self.joining.of_file(self.joining.origin.sources))
        for status in STAYING:
            if self._has(status):
                self._join(self._named(status).where(known.c.outcome.in_((JOINED, NEW))), status)
        waiting = and_(subscriptions.c.list_id == self.list_id, subscriptions.c.status == PENDING)
        same = and_(waiting, subscriptions.c.person_id == known.c.person_id)
        confirming = self._named(SUBSCRIBED).join(subscriptions, same).where(known.c.outcome == UPDATED)
        self.joining.prove(confirming, SUBSCRIBED)
        theirs = subscriptions.c.person_id.in_(select(known.c.person_id).join(stage, stage.c.row == known.c.row).where(
            known.c.outcome == UPDATED, stage.c.status == SUBSCRIBED
        ))  # fmt: skip
        self.journal.keep_subscriptions(and_(waiting, theirs))
        changed = {"status": SUBSCRIBED, "changed_at": self.now}
        self.connection.execute(update(subscriptions).where(waiting, theirs).values(changed))

    def _says(self, name: str) -> ColumnElement[bool]:
        """Whether a row says more of its person than is known. Their own choice of a zone goes before a file."""
        filled = stage.c[name] != ""
        return and_(filled, people.c.timezone_source != ZoneSource.OWN.value) if name == "timezone" else filled

    def _named(self, status: str) -> Select[Any, Any, Any]:
        """People whose first row says this status: themselves, since when they agreed, and the origin."""
        moment = stage.c.given_at if status == SUBSCRIBED else _no_moment()
        named = select(known.c.person_id, moment, self.joining.source)
        return named.join(stage, stage.c.row == known.c.row).where(stage.c.status == status)

    def _join(self, who: Select[Any, Any, Any], status: str) -> None:
        self.joining.prove(who, status)
        self.joining.subscribe(who, status)

    def _let_go(self) -> None:
        """Take off the list, or off every list, people who left, as the files say."""
        source = self.joining.leaving_source()
        gone = (
            select(
                people.c.id,
                func.min(source).label("source"),
                func.max(case((_stops(STOPS[LEFT]), 1), else_=0)).label("everywhere"),
            )
            .join(stage, stage.c.address == people.c.address)
            .where(_stops(STOPS[UNSUBSCRIBED] | STOPS[LEFT]))
            .group_by(people.c.id)
            .subquery()
        )
        on_it = and_(
            subscriptions.c.status != OFF, or_(gone.c.everywhere == 1, subscriptions.c.list_id == self.list_id)
        )
        theirs = subscriptions.join(gone, gone.c.id == subscriptions.c.person_id)
        proofs = select(
            subscriptions.c.person_id, subscriptions.c.list_id, literal(OFF), self.now, gone.c.source
        ).select_from(theirs).where(on_it)  # fmt: skip
        names = ["person_id", "list_id", "status", "at", "source_id"]
        self.connection.execute(insert(consents).from_select(names, proofs))
        here = and_(subscriptions.c.list_id == self.list_id, subscriptions.c.person_id.in_(select(gone.c.id)))
        everywhere = subscriptions.c.person_id.in_(select(gone.c.id).where(gone.c.everywhere == 1))
        leaving = and_(subscriptions.c.status != OFF, or_(here, everywhere))
        self.journal.keep_subscriptions(leaving)
        self.connection.execute(update(subscriptions).where(leaving).values(status=OFF, changed_at=self.now))


def _stops(bits: int) -> ColumnElement[bool]:
    return stage.c.stops.op("&")(bits) != 0


def _no_moment() -> ColumnElement[Any]:
    return cast(null(), BigInteger())
