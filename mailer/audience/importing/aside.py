"""Reads and judges a large file in a second process, so that this one can write meanwhile.

The second process is a fork: the file is open already, and nothing has to be loaded anew. Where forking is not safe
(other threads run), of no use (one processor) or not worth it (a small file), the same is done in this process.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from operator import itemgetter
from typing import Any

from mailer.audience.importing.batches import Batch
from mailer.audience.importing.bulk import Packed
from mailer.audience.importing.judging import Refuse
from mailer.errors import MailerError

LARGE_BYTES = 4 << 20  # a file of about 60,000 people
TOGETHER = 2_500  # people handed over in one piece
MOST_WAITING = 40  # pieces that the second process may be ahead by: some 10 MB
SORTED = 100_000  # people put into order together
ADDRESS = 1  # the column of addresses
SWITCH_SECONDS = 0.0005  # how long the sending thread waits for the judging one; the usual 5 ms would starve the writer

Refused = tuple[int, str, list[str]]
Pack = Callable[[Batch], Packed]
Piece = tuple[Packed, int]  # people, and how far the file is read, in bytes
# Reads, judges, and gives batches of people; tells `refuse` of the rows that can't be taken.
Judge = Callable[[Refuse], Iterator[Batch]]
Position = Callable[[], int]
_Message = tuple[list[Refused], Packed | None, int, Exception | None]  # no people and no error: the end


@contextmanager
def judged(
    judge: Judge, pack: Pack, *, refuse: Refuse, position: Position, size: int, by_address: bool = False
) -> Generator[Iterator[Piece], None, None]:
    """Judged people from a file of `size` bytes, packed, in the order of the file; by a second process if that helps.

    `by_address` puts each hundred thousand of them into the order of their addresses, as an index likes it. What the
    judge raises is raised here.
    """

    def pieces(refuse: Refuse) -> Iterator[Packed]:
        return map(pack, _pieces(judge(refuse), by_address=by_address))

    if size < LARGE_BYTES or not can_fork():
        yield ((packed, position()) for packed in pieces(refuse))
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def serve() -> None:
        receiver.close()  # so that sending fails once the first process is gone
        _serve(pieces, position, sender)

    process = context.Process(target=serve, daemon=True)
    process.start()
    sender.close()
    try:
        with _not_collecting():
            yield _received(receiver, refuse)
    finally:
        receiver.close()  # which also ends the process, if it is still at work
        process.join()


@contextmanager
def _not_collecting() -> Generator[None, None, None]:
    """Nothing here stands in a circle, and looking for circles takes a third of the time where most values are made."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def can_fork() -> bool:
    """Whether a second process may be forked off, and would have a processor of its own."""
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def _pieces(batches: Iterable[Batch], *, by_address: bool) -> Iterator[Batch]:
    for people in _gathered(batches, by_address=by_address):
        columns = _sorted(people) if by_address else people
        for start in range(0, len(columns[0]), TOGETHER):
            yield [column[start : start + TOGETHER] for column in columns]


def _gathered(batches: Iterable[Batch], *, by_address: bool) -> Iterator[list[list[Any]]]:
    """Some thousand people at a time. Where they are to be sorted, more and more, so that writing can begin soon."""
    people: list[list[Any]] = []
    count = TOGETHER
    for batch in batches:
        if not people:
            people = [[] for _ in batch]
        for column, more in zip(people, batch, strict=True):
            column.extend(more)
        if len(people[0]) >= count:
            yield people
            people = []
            count = min(2 * count, SORTED) if by_address else TOGETHER
    if people:
        yield people


def _sorted(people: Batch) -> list[Sequence[Any]]:
    """The same people by address. Of two with one address the first stays the first."""
    addresses = people[ADDRESS]
    pick = itemgetter(*sorted(range(len(addresses)), key=addresses.__getitem__), 0)
    return [pick(column)[:-1] for column in people]


def _received(receiver: Pipe, refuse: Refuse) -> Iterator[Piece]:
    while True:
        try:
            message: _Message = pickle.loads(receiver.recv_bytes())  # noqa: S301 - from our own fork
        except (EOFError, OSError):  # between two pieces, or within one
            raise MailerError("the process that read the file was ended", hint="Was memory short? Try again.") from None
        refused, packed, position, error = message
        for line, reason, values in refused:
            refuse(line, reason, values)
        if error is not None:
            raise error
        if packed is None:
            return
        yield packed, position


def _serve(pieces: Callable[[Refuse], Iterator[Packed]], position: Position, sender: Pipe) -> None:
    """In the second process: hand over each piece with the rows refused meanwhile; at last, what went wrong, if any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process decides
    gc.disable()  # as in `_not_collecting`
    sys.setswitchinterval(SWITCH_SECONDS)
    waiting: queue.Queue[bytes | None] = queue.Queue(MOST_WAITING)
    sending = threading.Thread(target=_send, args=(waiting, sender))
    sending.start()
    refused: list[Refused] = []

    def hand_over(packed: Packed | None, error: Exception | None = None) -> None:
        message: _Message = (list(refused), packed, position(), error)
        waiting.put(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
        refused.clear()

    def refuse(line: int, reason: str, values: list[str]) -> None:
        refused.append((line, reason, values))

    try:
        for packed in pieces(refuse):
            hand_over(packed)
        hand_over(None)
    except Exception as error:  # noqa: BLE001 - whatever it is, the first process raises it
        hand_over(None, error)
    waiting.put(None)
    sending.join()


def _send(waiting: queue.Queue[bytes | None], sender: Pipe) -> None:
    with suppress(OSError):
        while (message := waiting.get()) is not None:
            sender.send_bytes(message)
        return
    os._exit(1)  # nobody listens any more
