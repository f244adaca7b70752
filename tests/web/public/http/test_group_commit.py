"""Changes that wait share a transaction; one that fails takes no other with it; one that is too late isn't begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from mailer.web.public.http.group_commit import GroupCommit

MOST = 4
LATER = time.monotonic() + 1e6


class Ledger:
    """Stands for a database: what is committed, by transaction."""

    def __init__(self) -> None:
        self.commits: list[list[int]] = []
        self.open: list[int] = []

    @contextmanager
    def begin(self) -> Generator[Connection]:
        self.open = []
        yield None  # type: ignore[misc] - the changes here write into the ledger
        self.commits.append(self.open)

    def write(self, number: int, *, fails: bool, _: Connection) -> int:
        self.open.append(number)
        if fails:
            raise ValueError(number)
        return number


def changes(group: GroupCommit, ledger: Ledger, fail: list[bool]) -> list[Future[int]]:
    def work(number: int, fails: bool) -> Callable[[Connection], int]:
        return lambda connection: ledger.write(number, fails=fails, _=connection)

    return [group.add(work(number, fails), until=LATER) for number, fails in enumerate(fail)]


@given(fail=st.lists(st.booleans(), max_size=12))
def test_each_is_committed_once_before_its_answer_or_fails_alone(fail: list[bool]) -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.begin, most=MOST, late=TimeoutError)
    waiting = changes(group, ledger, fail)
    for _ in fail:
        group.commit()
    sound = [number for number, fails in enumerate(fail) if not fails]
    assert [number for commit in ledger.commits for number in commit] == sound
    assert [one.result(0) for one, fails in zip(waiting, fail, strict=True) if not fails] == sound
    assert all(isinstance(one.exception(0), ValueError) for one, fails in zip(waiting, fail, strict=True) if fails)
    if not any(fail):
        assert len(ledger.commits) == -(-len(fail) // MOST)


def test_one_that_was_given_up_or_is_too_late_is_not_begun() -> None:
    ledger = Ledger()
    group = GroupCommit(ledger.begin, most=MOST, late=TimeoutError)
    given_up, sound = changes(group, ledger, [False, False])
    assert given_up.cancel()
    late = group.add(partial(ledger.write, 2, fails=False, _=None), until=0.0)  # type: ignore[arg-type]
    group.commit()
    group.commit()
    assert sound.result(0) == 1
    with pytest.raises(TimeoutError):
        late.result(0)
    assert ledger.commits == [[1]]
