"""The recorder: group commit, and what happens when the database can't be written."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from mailer.errors import MailerError
from mailer.tracking.hits import Hit, make_hit
from mailer.web.public.core import click_writer as module
from mailer.web.public.core.click_writer import Recorder
from tests.patience import HANG_SECONDS


def a_hit(n: int) -> Hit:
    return make_hit(
        campaign_id=1, delivery_id=n, n=n, at=datetime(2026, 11, 24, tzinfo=UTC), method="GET",
        headers={"user-agent": "Mozilla/5.0"}, address="192.0.2.1", key=b"key",
    )  # fmt: skip


class Disk:
    """A place to write to, which can be broken, or held so that a commit takes as long as the test wants."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.broken = False
        self.free = threading.Event()
        self.free.set()
        self.begun = threading.Event()

    def write(self, hits: Sequence[Hit]) -> None:
        self.begun.set()
        assert self.free.wait(HANG_SECONDS)
        if self.broken:
            raise MailerError("the disk is full")
        self.batches.append([hit.n for hit in hits])

    @property
    def stored(self) -> list[int]:
        return sorted(n for batch in self.batches for n in batch)


@contextmanager
def running(disk: Disk, **options: float) -> Generator[Recorder]:
    recorder = Recorder(disk.write, **options)
    recorder.start()
    try:
        yield recorder
    finally:
        disk.free.set()
        recorder.stop()


def test_one_commit_serves_all_who_wait() -> None:
    disk = Disk()
    disk.free.clear()

    async def clicks(recorder: Recorder) -> list[bool]:
        first = asyncio.create_task(recorder.record(a_hit(0)))
        await asyncio.to_thread(disk.begun.wait)
        rest = [asyncio.create_task(recorder.record(a_hit(n))) for n in range(1, 101)]
        await asyncio.sleep(0)  # each has put its hit in the queue
        disk.free.set()
        return await asyncio.gather(first, *rest)

    with running(disk) as recorder:
        assert all(asyncio.run(clicks(recorder)))
    assert disk.batches == [[0], list(range(1, 101))]
    assert recorder.written == 101


def test_nobody_is_answered_before_the_commit() -> None:
    disk = Disk()
    disk.free.clear()

    async def click(recorder: Recorder) -> None:
        task = asyncio.create_task(recorder.record(a_hit(1)))
        await asyncio.to_thread(disk.begun.wait)
        assert not task.done()
        assert disk.stored == []
        disk.free.set()
        assert await task
        assert disk.stored == [1]

    with running(disk) as recorder:
        asyncio.run(click(recorder))


def test_when_the_disk_fails_the_supporter_goes_on_and_the_click_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = Disk()
    disk.broken = True
    with running(disk, retry_seconds=0.01) as recorder:
        assert asyncio.run(recorder.record(a_hit(1))) is False
        assert asyncio.run(recorder.ready()) is False
        disk.broken = False
        assert asyncio.run(recorder.record(a_hit(2))) is True
        assert asyncio.run(recorder.ready()) is True
    assert disk.stored == [1, 2]
    assert "the disk is full" in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_a_slow_disk_does_not_keep_the_supporter(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    disk.free.clear()
    with running(disk, patience_seconds=0.02) as recorder:
        assert asyncio.run(recorder.record(a_hit(1))) is False
        assert asyncio.run(recorder.ready()) is False
    assert disk.stored == [1], "what was kept in memory is written at the end"
    assert "kept in memory" in caplog.text


def test_what_is_waiting_is_written_at_the_end() -> None:
    disk = Disk()
    disk.free.clear()

    async def leave_early(recorder: Recorder) -> None:
        for n in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(recorder.record(a_hit(n)), 0.01)

    with running(disk) as recorder:
        asyncio.run(leave_early(recorder))
    assert disk.stored == [0, 1, 2, 3, 4]


def test_what_can_never_be_written_is_counted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    disk.broken = True
    with running(disk, retry_seconds=0.01) as recorder:
        asyncio.run(recorder.record(a_hit(1)))
    assert "1 clicks were lost" in caplog.text


def test_what_there_is_no_room_for_is_answered_and_counted_as_lost(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    disk = Disk()

    async def clicks(recorder: Recorder) -> list[bool]:
        return await asyncio.gather(*(recorder.record(a_hit(n)) for n in range(3)))

    with running(disk) as recorder:
        assert asyncio.run(clicks(recorder)) == [True, True, False]
    assert disk.stored == [0, 1]
    assert "too many clicks are waiting" in caplog.text
    assert "1 clicks were lost" in caplog.text


def test_memory_is_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    disk = Disk()
    disk.broken = True

    async def clicks(recorder: Recorder) -> None:
        for n in range(6):
            await recorder.record(a_hit(n))

    with running(disk, retry_seconds=5) as recorder:
        asyncio.run(clicks(recorder))
        disk.broken = False
    assert disk.stored == [3, 4, 5]
    assert "were lost: too many are waiting" in caplog.text
