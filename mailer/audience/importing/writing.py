"""Takes staged people over into the list, by a few statements on sets, in one transaction, the caller's.

This lets the database sort a million addresses before it puts them into its index, in little memory, and compare rows
with who is known without asking for each.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, exists, func, insert, literal, or_, select, true, update

from mailer.audience.consent import consent_source, insert_for
from mailer.audience.handover import change_consent
from mailer.audience.importing.attributes import as_json, differ, merged
from mailer.audience.importing.joining import Joining
from mailer.audience.importing.staging import TEXTS, Stage, known, stage
from mailer.audience.standing import EVERY_LIST
from mailer.store.states import Membership
from mailer.store.tables import people, subscriptions, suppressions

SUBSCRIBED, PENDING, LEFT = (member.value for member in Membership)
STAYING = (SUBSCRIBED, PENDING)
JOINED, UPDATED, UNCHANGED, GONE = "joined", "updated", "unchanged", "gone"


class Writer:
    """Takes the staged rows over into the list, in the caller's write transaction."""

    def __init__(self, staged: Stage, joining: Joining) -> None:
        self.connection = staged.connection
        self.staged, self.statuses = staged.rows, staged.statuses
        self.joining = joining
        self.now, self.list_id = joining.now, joining.list_id

    def finish(self) -> dict[str, int]:
        """Take over what was staged; how many rows became what: added, updated, unchanged, duplicate, suppressed."""
        blocked = self._block()
        condition = self._suppressed()
        suppressed = 0 if condition is None else self._count(condition)
        new = self._add()
        outcomes: dict[str, int] = {}
        if new + suppressed < self.staged:
            self._find_known()
            counted = self.connection.execute(select(known.c.outcome, func.count()).group_by(known.c.outcome))
            outcomes = {str(outcome): int(number) for outcome, number in counted}
            self._update_known()
        self._subscribe_new()
        if blocked:
            self._let_go()
            change_consent(self.connection)  # last: whoever hands over meanwhile waits only for the commit
        return {
            "added": new + outcomes.get(JOINED, 0),
            "updated": outcomes.get(UPDATED, 0),
            "unchanged": outcomes.get(UNCHANGED, 0),
            "duplicate": self.staged - suppressed - new - sum(outcomes.values()),
            "suppressed": suppressed + outcomes.get(GONE, 0),
        }

    def _block(self) -> bool:
        """Remember which addresses left or must not be mailed, without keeping who they are. Whether there are any."""
        if self.statuses <= set(STAYING):
            return False
        where = case((stage.c.status == LEFT, self.list_id), else_=EVERY_LIST)
        rows = select(stage.c.address_hash, where, stage.c.status, self.now, literal(self.joining.source)).where(
            stage.c.status.not_in(STAYING)
        )
        names = ["address_hash", "list_id", "reason", "at", "source"]
        self.connection.execute(
            insert_for(self.connection, suppressions).from_select(names, rows).on_conflict_do_nothing()
        )
        return True

    def _suppressed(self) -> ColumnElement[bool] | None:
        """Staged rows whose address is suppressed, on this list or on every list; None when no address is."""
        lists = suppressions.c.list_id.in_((EVERY_LIST, self.list_id))
        if self.connection.execute(select(suppressions.c.reason).where(lists).limit(1)).first() is None:
            return None
        return exists().where(suppressions.c.address_hash == stage.c.address_hash, lists)

    def _free(self) -> ColumnElement[bool]:
        condition = self._suppressed()
        return true() if condition is None else ~condition

    def _count(self, condition: ColumnElement[bool]) -> int:
        return self.connection.execute(select(func.count()).select_from(stage).where(condition)).scalar_one()

    def _add(self) -> int:
        """Add people who are not known, the first row of each address; how many they are."""
        names = ["address", "address_hash", *TEXTS, "attributes", "created_at", "updated_at"]
        columns = [stage.c[name] for name in names[:-3]]
        # In the order of the index on addresses, where each then goes to the end of the one before.
        rows = (
            select(*columns, as_json(stage.c.attributes), self.now, self.now)
            .where(self._free())
            .order_by(stage.c.address, stage.c.line)
        )
        added = insert_for(self.connection, people).from_select(names, rows)
        statement = added.on_conflict_do_nothing(index_elements=["address"])
        return self.connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount

    def _find_known(self) -> None:
        """For each person known before and named by the file: the first line that does, and what becomes of it."""
        first = (
            select(stage.c.address, func.min(stage.c.line).label("line"))
            .where(self._free())
            .group_by(stage.c.address)
            .subquery()
        )
        here = and_(subscriptions.c.person_id == people.c.id, subscriptions.c.list_id == self.list_id)
        texts = [and_(stage.c[name] != "", stage.c[name] != people.c[name]) for name in TEXTS]
        attributes = and_(stage.c.attributes != "{}", differ(people.c.attributes, stage.c.attributes))
        confirmed = and_(subscriptions.c.status == PENDING, stage.c.status == SUBSCRIBED)
        outcome = case(
            (subscriptions.c.status.is_(None), JOINED),
            (subscriptions.c.status == LEFT, GONE),
            (or_(confirmed, *texts, attributes), UPDATED),
            else_=UNCHANGED,
        )
        rows = (
            select(people.c.id, first.c.line, outcome)
            .select_from(
                first.join(stage, stage.c.line == first.c.line)
                .join(people, people.c.address == first.c.address)
                .outerjoin(subscriptions, here)
            )
            .where(people.c.id <= self.joining.newest)
        )
        self.connection.execute(insert(known).from_select(["person_id", "line", "outcome"], rows))

    def _update_known(self) -> None:
        """Bring people who were known up to date. An empty cell leaves what is known as it is."""
        newer = {name: case((stage.c[name] != "", stage.c[name]), else_=people.c[name]) for name in TEXTS}
        self.connection.execute(
            update(people)
            .where(
                people.c.id == known.c.person_id,
                known.c.line == stage.c.line,
                known.c.outcome.in_((JOINED, UPDATED)),
            )
            .values(**newer, attributes=merged(people.c.attributes, stage.c.attributes), updated_at=self.now)
        )
        for status in STAYING:
            wanted = select(known.c.person_id).join(stage, stage.c.line == known.c.line)
            joined = wanted.where(known.c.outcome == JOINED, stage.c.status == status)
            self.joining.prove(joined, status)
            self.joining.subscribe(joined, status)
        confirmed = and_(
            subscriptions.c.list_id == self.list_id,
            subscriptions.c.status == PENDING,
            subscriptions.c.person_id.in_(
                select(known.c.person_id)
                .join(stage, stage.c.line == known.c.line)
                .where(known.c.outcome == UPDATED, stage.c.status == SUBSCRIBED)
            ),
        )
        self.joining.prove(select(subscriptions.c.person_id).where(confirmed), SUBSCRIBED)
        self.connection.execute(update(subscriptions).where(confirmed).values(status=SUBSCRIBED, changed_at=self.now))

    def _subscribe_new(self) -> None:
        """Put the new people on the list, with the proof of it: those who have not confirmed as such."""
        everyone = select(people.c.id).where(people.c.id > self.joining.newest)
        if PENDING in self.statuses:
            first = select(func.min(stage.c.line)).where(stage.c.status.in_(STAYING)).group_by(stage.c.address)
            addresses = select(stage.c.address).where(stage.c.line.in_(first), stage.c.status == PENDING)
            waiting = everyone.where(people.c.address.in_(addresses))
            self.joining.prove(waiting, PENDING)
            self.joining.subscribe(waiting, PENDING)
            theirs = and_(subscriptions.c.person_id == people.c.id, subscriptions.c.list_id == self.list_id)
            everyone = everyone.where(~exists().where(theirs))
        self.joining.prove(everyone, SUBSCRIBED)
        self.joining.subscribe(everyone, SUBSCRIBED)

    def _let_go(self) -> None:
        """Take off the list those of whom the file says that they left."""
        left = select(people.c.id).join(stage, stage.c.address == people.c.address).where(stage.c.status == LEFT)
        leaving = and_(
            subscriptions.c.list_id == self.list_id, subscriptions.c.status != LEFT, subscriptions.c.person_id.in_(left)
        )
        source_id = consent_source(self.connection, how="import", source=self.joining.source, wording="")
        self.joining.prove(select(subscriptions.c.person_id).where(leaving), LEFT, source_id=source_id)
        self.connection.execute(update(subscriptions).where(leaving).values(status=LEFT, changed_at=self.now))
