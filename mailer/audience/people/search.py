"""Finds people by what is typed: address, names, fields and tags, newest first; and everybody that a search means.

Each word begins a word of the address, a name or a field; the whole text may also begin a tag. Both engines have an
index of words (SQLite's is in `sqlite_search`), made when it is first wanted; until then texts are looked through.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)

from mailer.audience.consent.eligibility import BY_RANK, FREE, obstacle
from mailer.audience.people import sqlite_search
from mailer.audience.people.people import supporters
from mailer.audience.tags import tagged_with
from mailer.compose.expressions.tagged import tag_key
from mailer.store.engine.database import Database
from mailer.store.tables.core import lists, people, people_tags, subscriptions, tags

INDEX = "ix_people_search"  # of PostgreSQL
_MAKING = 0x66696E64  # "find", the number of the lock that its maker holds
# What PostgreSQL's index holds. What joins the parts of an address is taken out, since its parser keeps one whole.
_NAMED = "lower(address || ' ' || first_name || ' ' || last_name)"
_WORDS = f"(to_tsvector('simple', translate({_NAMED}, '@._-+', '     ')) || to_tsvector('simple', attributes))"
# A prefix that a million people share is never read to its end: some of those who match are enough to show
# (https://www.postgresql.org/docs/current/gin-tips.html).
_ENOUGH = 10_000
_MOST_TAGS = 20  # of those that begin with what was typed
_LAST = "\U0010ffff"  # after every text that begins the same
_FTS = table("people_fts", column("rowid"))


@dataclass(frozen=True, slots=True)
class PeopleSearch:
    """What is looked for: all of what is given. `lists`: those that the searcher may work with; None for all. `also`:
    one more condition over people, such as that of a segment."""

    words: str = ""
    tag: str = ""
    list: str = ""  # somebody who is or was on it
    lists: Collection[str] | None = None
    also: ColumnElement[bool] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing, and so means everybody."""
        return not (self.words.strip() or self.tag or self.list) and self.also is None


def ensure_search(database: Database) -> None:
    """Make the index of words if there is none; it is kept from then on."""
    if database.is_sqlite:
        sqlite_search.ensure_search(database)
        return
    with database.read() as connection:
        if has_search(connection):
            return
    with database.write() as lock, database.engine.connect() as maker:
        if lock.execute(select(func.pg_try_advisory_xact_lock(_MAKING))).scalar():  # else another process makes it
            lock.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")  # it takes as long as it takes
            maker.execution_options(isolation_level="AUTOCOMMIT")
            maker.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # one that was broken off
            maker.exec_driver_sql(f"CREATE INDEX CONCURRENTLY {INDEX} ON people USING gin ({_WORDS})")


def has_search(connection: Connection) -> bool:
    """Whether there is an index of words."""
    if connection.dialect.name == "sqlite":
        return sqlite_search.has_search(connection)
    valid = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND indisvalid"
    return connection.execute(text(valid), {"name": INDEX}).first() is not None


def find(connection: Connection, text: str, *, limit: int = 50) -> list[dict[str, str]]:
    """People in whose address, names, fields or tags each word of `text` is found; the newest first."""
    if not text.strip():
        return []
    numbers = find_numbers(connection, PeopleSearch(text), limit=limit)
    found = supporters(connection, numbers)
    return [found[number] for number in numbers if number in found]


def find_numbers(connection: Connection, search: PeopleSearch, *, limit: int) -> list[int]:
    """The numbers of people that a search finds, at most `limit`: first by words, then by tags; the newest first where
    that is quick to know."""
    query = select(people.c.id).where(*_narrowed(search)).order_by(people.c.id.desc()).limit(limit)
    if not search.words.strip():
        return _numbers(connection, query)
    found: dict[int, None] = {}
    for one in _in_turn(connection, search, query, limit=limit):
        if len(found) < limit:
            found.update(dict.fromkeys(_quickly(connection, one, limit=limit)))
    return list(found)[:limit]


def _in_turn(connection: Connection, search: PeopleSearch, query: Select[int], *, limit: int) -> Iterator[Select[int]]:
    """The ways to find somebody, the likeliest first."""
    if connection.dialect.name == "sqlite" and " " not in search.words.strip():
        yield query.where(_by_address(search.words))
    words = _asked(search.words)
    if words and sqlite_search.has_search(connection):
        # Joined, people come from the index as they are found, and the first few are enough.
        joined = query.join(_FTS, _FTS.c.rowid == people.c.id).where(_matches(words))
        yield joined.order_by(None).order_by(_FTS.c.rowid.desc())
    elif words:
        # By itself, or PostgreSQL would go through people from the newest on and make words of each.
        hits = select(people.c.id).where(_by_words(connection, search.words)).cte("hits")
        hits = hits.prefix_with("MATERIALIZED", dialect="postgresql")
        yield query.join(hits, hits.c.id == people.c.id).order_by(None).order_by(hits.c.id.desc())
    # Each tag gives its newest; together they would all be sorted first. The order is that of the index on tags, which
    # an engine might overlook otherwise.
    for number in _numbers(connection, _tags_like(search.words).limit(_MOST_TAGS)):
        joined = query.join(people_tags, people_tags.c.person_id == people.c.id).where(people_tags.c.tag_id == number)
        if not _narrowed(search):
            joined = select(people_tags.c.person_id).where(people_tags.c.tag_id == number)
        order = (people_tags.c.tag_id.desc(), people_tags.c.person_id.desc())
        yield joined.order_by(None).order_by(*order).limit(limit)


def _quickly(connection: Connection, query: Select[int], *, limit: int) -> list[int]:
    """The first that a query finds. PostgreSQL reads part of what matches, and all where that has too few."""
    if connection.dialect.name != "postgresql":
        return _numbers(connection, query)
    connection.exec_driver_sql(f"SET LOCAL gin_fuzzy_search_limit = {_ENOUGH}")
    found = _numbers(connection, query)
    connection.exec_driver_sql("SET LOCAL gin_fuzzy_search_limit = 0")
    return found if len(found) >= limit else _numbers(connection, query)


def _numbers(connection: Connection, query: Select[int]) -> list[int]:
    return [int(number) for number in connection.execute(query).scalars()]


def matching(connection: Connection, search: PeopleSearch) -> Select[int]:
    """The numbers of everybody a search means, for what is done to all of them."""
    query = select(people.c.id).where(*_narrowed(search))
    if not search.words.strip():
        return query
    tagged = select(people_tags.c.person_id).where(people_tags.c.tag_id.in_(_tags_like(search.words)))
    if not _asked(search.words):
        return query.where(people.c.id.in_(tagged))
    # A union, where each side has its index; either of two conditions would be asked of everybody.
    found = select(people.c.id).where(_by_words(connection, search.words)).union(tagged)
    return query.where(people.c.id.in_(select(found.subquery().c.id)))


def _narrowed(search: PeopleSearch) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if search.also is None else [search.also]
    if search.tag:
        found.append(people.c.id.in_(tagged_with(search.tag)))
    for names in ([search.list] if search.list else None, search.lists):
        if names is not None:
            on = select(lists.c.id).where(lists.c.name.in_(sorted(names)))
            theirs = select(subscriptions.c.list_id).where(
                subscriptions.c.person_id == people.c.id, subscriptions.c.list_id.in_(on)
            )
            found.append(theirs.correlate(people).exists())
    return found


def _asked(words: str) -> list[list[str]]:
    """What was typed, each word in the parts that the indexes have of it: ada@example.org has three."""
    parts = (re.findall(r"[^\W_]+", word) for word in words.lower().split())
    return [found for found in parts if found]


def _by_address(words: str) -> ColumnElement[bool]:
    """An address that begins so: SQLite's index of addresses finds it at once, also while there is no other."""
    typed = words.strip().lower()
    return (people.c.address >= typed) & (people.c.address < typed + _LAST)


def _by_words(connection: Connection, text: str) -> ColumnElement[bool]:
    words = _asked(text)
    if not has_search(connection):
        places = [func.lower(one) for one in (people.c.address, people.c.first_name, people.c.last_name)]
        places.append(func.lower(cast(people.c.attributes, Text)))
        each = (or_(*(one.contains(word, autoescape=True) for one in places)) for word in text.lower().split())
        return and_(*each)
    if connection.dialect.name == "sqlite":
        return people.c.id.in_(select(_FTS.c.rowid).where(_matches(words)))
    asked = " & ".join(f"({' <-> '.join(map(repr, parts))}:*)" for parts in words)
    return literal_column(_WORDS).op("@@")(func.to_tsquery("simple", asked))


def _matches(words: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    return literal_column("people_fts").op("MATCH")(" ".join(f'"{" ".join(parts)}"*' for parts in words))


def _tags_like(words: str) -> Select[int]:
    key = tag_key(words)
    return select(tags.c.id).where(func.substr(tags.c.key, 1, len(key)) == key).order_by(tags.c.id)


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Somebody as a list of people shows them. `obstacles`: of each list they are or were on, why they get no mail of
    it; "" where they do."""

    id: int
    fields: Mapping[str, str]
    obstacles: Mapping[str, str]

    @property
    def is_mailed(self) -> bool:
        """Whether they get the mail of any list."""
        return "" in self.obstacles.values()


def found_people(connection: Connection, numbers: Sequence[int]) -> list[FoundPerson]:
    """These people, in this order; those who are gone are left out."""
    rows = connection.execute(
        select(subscriptions.c.person_id, lists.c.name, obstacle())
        .select_from(subscriptions.join(lists, lists.c.id == subscriptions.c.list_id))
        .join(people, people.c.id == subscriptions.c.person_id)
        .where(subscriptions.c.person_id.in_(numbers))
        .order_by(lists.c.name)
    )
    against: dict[int, dict[str, str]] = {}
    for number, name, rank in rows:
        against.setdefault(number, {})[name] = "" if rank == FREE else BY_RANK[rank].value
    fields = supporters(connection, numbers)
    return [FoundPerson(one, fields[one], against.get(one, {})) for one in numbers if one in fields]
