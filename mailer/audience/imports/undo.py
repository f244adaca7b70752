"""Takes an import back within a day: exactly what it changed, and nothing that came after.

What somebody else did since counts more. A person who acted, changed something or was mailed stays, with all of it;
a subscription, a field or a suppression that is no longer as the import left it stays as it is; and people that a later
import names too stay as that one found them, until it is taken back. Nobody who left is on a list again by this.
Proofs of consent go with what they proved, unless somebody was mailed on them: then they stay, with a proof of the end.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    RowMapping,
    Table,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from mailer.audience.consent.changes import IMPORT, consent_source
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.consent.recheck import change_consent
from mailer.audience.imports.load.journal import BEFORE
from mailer.audience.imports.past import drop_kept, find_import
from mailer.audience.people.sqlite_search import drop_search
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.core import (
    Id,
    Instant,
    campaigns,
    consent_sources,
    consents,
    deliveries,
    metadata,
    people,
    people_tags,
    subscriptions,
    suppressions,
)
from mailer.store.tables.imports import import_people, import_subscriptions, import_suppressions, imports
from mailer.store.tables.states import Frequency, Membership, SuppressionReason

MANY = 10_000  # people to delete, beyond which the search index is quicker made again than kept
OFF = Membership.UNSUBSCRIBED.value
_temporary = MetaData()
back = Table(  # subscriptions that are as the import left them: they become what they were
    "import_back",
    _temporary,
    Column("list_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Text),  # before; null: there was none
    Column("changed_at", Instant),
    prefixes=["TEMPORARY"],
)
gone = Table(  # people that the import added and nobody needs
    "import_gone",
    _temporary,
    Column("person_id", Id, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking an import back did, in people."""

    deleted: int  # added by it, and not otherwise used since
    taken_off: int  # it had put them on the list; they are kept for what else is known of them
    restored: int  # their names and fields are as they were
    back_on: int  # it had taken them off a list, and they are on it again, or it had confirmed them and they wait again
    freed: int  # suppressions that nobody else speaks for
    stayed: int  # changed by somebody else since, or named by a later import: they stay as they are


def undo_import(connection: Connection, number: int, *, by: Actor, at: datetime) -> Undone:
    """Take an import back, in the caller's write transaction. Raises `MailerError` when it can't be any more."""
    found = find_import(connection, number)
    if found is None:
        raise MailerError(f"there is no import {number}", remedy="See: mailer imports")
    by.require(Right.IMPORT, found.list)
    if not found.can_be_undone(at):
        over = f"was taken back by {found.undone_by}" if found.undone_at else "is more than a day old"
        raise MailerError(f"import {number} {over}", remedy="What it did stays as it is.")
    row = connection.execute(select(imports).where(imports.c.id == number)).mappings().one()
    undone = _Undo(connection, row, at).do()
    connection.execute(
        update(imports)
        .where(imports.c.id == number)
        .values(undone_at=at, undone_by=by.name, undone=asdict(undone), undo_until=None)
    )
    detail = f"import {number}: {undone.deleted:,} deleted, {undone.taken_off:,} off the list, {undone.stayed:,} stayed"
    audit.record(connection, by, "import taken back", at=at, subject=f"list {found.list}", detail=detail)
    return undone


class _Undo:
    """One import being taken back."""

    def __init__(self, connection: Connection, row: RowMapping, at: datetime) -> None:
        self.connection, self.row, self.at = connection, row, at
        self.id, self.list_id = int(self.row["id"]), int(self.row["list_id"])

    def do(self) -> Undone:
        self._hold()
        self._find_back()
        freed = self._free()
        self._leave_out_those_who_left()
        self._end_proofs()
        taken_off = self._count(back.c.status.is_(None))
        back_on = self._put_back()
        self._take_tags()
        restored, changed = self._restore()
        deleted, used = self._delete_people()
        drop_kept(self.connection, [self.id])
        for table in _temporary.sorted_tables:
            table.drop(self.connection)
        return Undone(deleted, taken_off - deleted, restored, back_on, freed, changed + used)

    def _hold(self) -> None:
        """Let nobody be mailed, leave or act while it is decided who did."""
        change_consent(self.connection)
        if self.connection.dialect.name == "postgresql":
            names = ", ".join(sorted({"people", "suppressions", *(table.name for table in _about_people())}))
            self.connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        for table in _temporary.sorted_tables:
            self.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}")
        _temporary.create_all(self.connection, checkfirst=False)

    def _added(self, person: ColumnElement[int]) -> ColumnElement[bool]:
        return and_(person > self.row["people_after"], person <= self.row["people_until"])

    def _named_later(self, person: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a later import, which still can be taken back, names a person."""
        later = import_people.alias()
        return exists().where(later.c.person_id == person, later.c.import_id > self.id)

    def _own(self, proofs: FromClause) -> ColumnElement[bool]:
        """Whether proofs are those of the import."""
        inside = and_(proofs.c.id > self.row["consents_after"], proofs.c.id <= self.row["consents_until"])
        return and_(inside, proofs.c.source_id.in_(self.row["sources"]))

    def _untouched(self) -> ColumnElement[bool]:
        """Whether a subscription is as the import left it, and nobody else has said anything of it since."""
        later = exists().where(
            consents.c.person_id == subscriptions.c.person_id, consents.c.list_id == subscriptions.c.list_id,
            consents.c.id > self.row["consents_after"], ~self._own(consents),
        )  # fmt: skip
        return and_(subscriptions.c.changed_at == self.row["at"], ~later, ~self._named_later(subscriptions.c.person_id))

    def _find_back(self) -> None:
        names = ["list_id", "person_id", "status", "changed_at"]
        before = import_subscriptions
        changed = and_(
            before.c.import_id == self.id, before.c.list_id == subscriptions.c.list_id,
            before.c.person_id == subscriptions.c.person_id,
        )  # fmt: skip
        rows = select(before.c.list_id, before.c.person_id, before.c.status, before.c.changed_at)
        rows = rows.join_from(before, subscriptions, changed).where(self._untouched())
        self.connection.execute(insert(back).from_select(names, rows))
        joined = exists().where(
            import_people.c.import_id == self.id, import_people.c.person_id == subscriptions.c.person_id,
            import_people.c.joined,
        )  # fmt: skip
        put_on = or_(self._added(subscriptions.c.person_id), joined)
        here = and_(subscriptions.c.list_id == self.list_id, subscriptions.c.status != OFF, put_on)
        fresh = select(subscriptions.c.list_id, subscriptions.c.person_id).where(here, self._untouched())
        self.connection.execute(insert(back).from_select(names[:2], fresh))
        if self.connection.dialect.name == "postgresql":
            self.connection.exec_driver_sql(f"ANALYZE {back.name}")

    def _free(self) -> int:
        """Delete suppressions that only this import speaks for; how many."""
        mine, other = import_suppressions, import_suppressions.alias()
        names = ("address_hash", "list_id", "reason")
        is_mine = exists().where(mine.c.import_id == self.id, *(mine.c[name] == suppressions.c[name] for name in names))
        others = exists().where(
            other.c.import_id != self.id, *(other.c[name] == suppressions.c[name] for name in names)
        )
        freed = self.connection.execute(delete(suppressions).where(is_mine, ~others)).rowcount
        self.connection.execute(delete(mine).where(mine.c.import_id == self.id))
        return freed

    def _leave_out_those_who_left(self) -> None:
        """Where anybody else says that somebody left, they stay off."""
        left = exists().where(
            people.c.id == back.c.person_id, suppressions.c.address_hash == people.c.address_hash,
            suppressions.c.reason == SuppressionReason.UNSUBSCRIBED.value,
            suppressions.c.list_id.in_((EVERY_LIST, back.c.list_id)),
        )  # fmt: skip
        self.connection.execute(delete(back).where(back.c.status.is_not(None), left))

    def _end_proofs(self) -> None:
        """Delete the proofs of what is taken back; where somebody was mailed on them, add one of the end instead."""
        same = and_(consents.c.person_id == back.c.person_id, consents.c.list_id == back.c.list_id)
        mailed = exists().where(
            deliveries.c.person_id == back.c.person_id, campaigns.c.id == deliveries.c.campaign_id,
            or_(campaigns.c.launched_at.is_(None), campaigns.c.launched_at >= self.row["at"]),
        )  # fmt: skip
        source = consent_source(self.connection, how=IMPORT, source=f"import {self.id}, taken back", wording="")
        ends = select(
            back.c.person_id, back.c.list_id, func.coalesce(back.c.status, OFF), literal(self.at, Instant()),
            literal(source),
        ).where(mailed)  # fmt: skip
        names = ["person_id", "list_id", "status", "at", "source_id"]
        taken_back = exists().where(same, ~mailed)
        self.connection.execute(delete(consents).where(self._own(consents), taken_back))
        self.connection.execute(insert(consents).from_select(names, ends))

    def _put_back(self) -> int:
        same = and_(back.c.list_id == subscriptions.c.list_id, back.c.person_id == subscriptions.c.person_id)
        self.connection.execute(delete(subscriptions).where(exists().where(same, back.c.status.is_(None))))
        before = {"status": back.c.status, "changed_at": back.c.changed_at}
        return self.connection.execute(update(subscriptions).where(same).values(before)).rowcount

    def _take_tags(self) -> None:
        origins = select(consent_sources.c.source).where(consent_sources.c.id.in_(self.row["sources"]))
        own = and_(people_tags.c.at == self.row["at"], people_tags.c.source.in_(origins))
        named = select(import_people.c.person_id).where(import_people.c.import_id == self.id)
        theirs = or_(self._added(people_tags.c.person_id), people_tags.c.person_id.in_(named))
        self.connection.execute(delete(people_tags).where(own, theirs, ~self._named_later(people_tags.c.person_id)))

    def _restore(self) -> tuple[int, int]:
        """Give people their fields back; how many, and how many were changed by somebody else since."""
        mine = and_(import_people.c.import_id == self.id, import_people.c.updated_at.is_not(None))
        same = and_(import_people.c.person_id == people.c.id, mine, people.c.updated_at == self.row["at"])
        before = {name: import_people.c[name] for name in BEFORE}
        free = ~self._named_later(people.c.id)
        restored = self.connection.execute(update(people).where(same, free).values(before)).rowcount
        return restored, self.connection.execute(select(func.count()).where(mine)).scalar_one() - restored

    def _delete_people(self) -> tuple[int, int]:
        """Delete people it added and nobody needs; how many, and how many stay."""
        untouched = and_(
            people.c.updated_at == self.row["at"], people.c.tracking, people.c.frequency == Frequency.EVERY.value
        )
        used = [exists().where(table.c.person_id == people.c.id) for table in _about_people() if table is not consents]
        used.append(exists().where(consents.c.person_id == people.c.id, ~self._own(consents)))
        rows = select(people.c.id).where(self._added(people.c.id), untouched, ~or_(*used))
        self.connection.execute(insert(gone).from_select(["person_id"], rows))
        there = select(func.count()).select_from(people).where(self._added(people.c.id))
        added = self.connection.execute(there).scalar_one()
        deleted = self.connection.execute(select(func.count()).select_from(gone)).scalar_one()
        if deleted > MANY:
            drop_search(self.connection)
        theirs = select(gone.c.person_id)
        self.connection.execute(delete(consents).where(consents.c.person_id.in_(theirs)))
        self.connection.execute(delete(people).where(people.c.id.in_(theirs)))
        return deleted, added - deleted

    def _count(self, condition: ColumnElement[bool]) -> int:
        return self.connection.execute(select(func.count()).select_from(back).where(condition)).scalar_one()


def _about_people() -> list[Table]:
    """Every table that has something to tell of a person: those to come, too."""
    return [table for table in metadata.sorted_tables if "person_id" in table.c]
