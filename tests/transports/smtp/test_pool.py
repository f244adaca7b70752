"""Many conversations in one thread: nobody waits for another, and what is cut off is told apart from what is known."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.transports.base import Fate, LoopEvent, Mailing, TransportUnavailable
from mailer.transports.smtp.pool import SmtpLoop
from mailer.transports.smtp.reply_reader import MOST_REPLY_BYTES, NotSmtp, ReplyReader
from mailer.transports.smtp.settings import Smtp
from mailer.transports.smtp.transport import SmtpTransport
from tests.patience import HANG_SECONDS, with_growing_patience
from tests.servers.relay import Delay, HangUp, Relay, Silence, Step
from tests.transports.samples import MAILING, envelope

WORDS = 40_000
SMALL_BYTES = 32_768  # of a socket, so that a long mail can't be given to it in one piece
LONG = replace(MAILING, html=("<p>word</p>\n" * WORDS,))


@contextmanager
def looping(relay: Relay, *numbers: int, mailing: Mailing = MAILING, security: str = "none") -> Generator[SmtpLoop]:
    """A loop with these conversations open."""
    chosen = Smtp(
        host=relay.host, port=relay.port, security=security, timeout_seconds=HANG_SECONDS,
        ca_file=str(relay.ca_file) if security != "none" else "",
    )  # fmt: skip
    loop = SmtpTransport(chosen).loop(mailing)
    try:
        for number in numbers:
            loop.open(number)
        assert {one.number for one in gather(loop, len(numbers))} == set(numbers)
        yield loop
    finally:
        loop.close()


def gather(loop: SmtpLoop, count: int) -> list[LoopEvent]:
    """So many answers, in the order in which they came."""
    answers: list[LoopEvent] = []
    end = time.monotonic() + HANG_SECONDS
    while len(answers) < count:
        assert time.monotonic() < end, f"only {answers}"
        answers += loop.wait(1)
    return answers


def fates(answers: list[LoopEvent]) -> dict[int, Fate]:
    return {one.number: one.outcome.fate for one in answers if one.outcome is not None}


@pytest.mark.parametrize("security", ["none", "starttls"])
def test_one_slow_answer_keeps_nobody_else_waiting(security: str) -> None:
    def attempt(seconds: float) -> None:
        with Relay(tls=security) as relay:
            relay.on(Step.END, Delay(seconds), recipient="person1@example.org")
            with looping(relay, 1, 2, 3, security=security) as loop:
                for number in (1, 2, 3):
                    loop.begin(number, envelope(number))
                answers = gather(loop, 3)
                assert fates(answers) == dict.fromkeys((1, 2, 3), Fate.ACCEPTED)
                assert answers[-1].number == 1

    with_growing_patience(attempt)


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_long_mail_goes_out_in_pieces_beside_the_others(security: str) -> None:
    with (
        Relay(tls=security) as relay,
        looping(relay, 1, 2, mailing=LONG, security=security) as loop,
    ):
        for place in loop._places.values():  # pyright: ignore[reportPrivateUsage]
            assert place.conversation is not None
            place.conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BYTES)
        loop.begin(1, envelope(1))
        loop.begin(2, envelope(2))
        assert fates(gather(loop, 2)) == dict.fromkeys((1, 2), Fate.ACCEPTED)
        assert all(one.content.count(b"word") == WORDS for one in relay.received)
        assert len(relay.received) == 2


def test_each_conversation_takes_one_mail_after_another() -> None:
    with Relay() as relay, looping(relay, 1, 2) as loop:
        waiting = list(range(100, 140))
        for number in (1, 2):
            loop.begin(number, envelope(waiting.pop()))
        accepted = 0
        while accepted < 40:
            for answer in loop.wait(1):
                assert answer.outcome is not None
                accepted += answer.outcome.fate is Fate.ACCEPTED
                if waiting:
                    loop.begin(answer.number, envelope(waiting.pop()))
        assert len({one.recipient for one in relay.received}) == len(relay.received) == 40
        assert relay.connections_made == 2


def test_an_idle_conversation_that_the_relay_closed_is_opened_again_for_its_next_mail() -> None:
    with Relay() as relay, looping(relay, 1) as loop:
        relay.hang_up_on_all()
        assert loop.wait(0.3) == []
        loop.begin(1, envelope(1))
        assert fates(gather(loop, 1)) == {1: Fate.ACCEPTED}
        assert [one.recipient for one in relay.received] == ["person1@example.org"]


def test_what_tls_alone_says_ends_no_conversation() -> None:
    """Session tickets make a connection readable, and there is nothing to read."""
    with Relay(tls="tls") as relay, looping(relay, 1, security="tls") as loop:
        conversation = loop._places[1].conversation  # pyright: ignore[reportPrivateUsage]
        assert conversation is not None
        assert conversation.go_on() is None
        loop.begin(1, envelope(1))
        assert fates(gather(loop, 1)) == {1: Fate.ACCEPTED}
        assert relay.connections_made == 1


def test_a_word_unasked_from_the_relay_ends_the_conversation_and_costs_nobody_their_mail() -> None:
    with Relay() as relay, looping(relay, 1) as loop:
        loop.begin(1, envelope(1))
        assert fates(gather(loop, 1)) == {1: Fate.ACCEPTED}
        conversation = loop._places[1].conversation  # pyright: ignore[reportPrivateUsage]
        assert conversation is not None
        conversation.talk.reader.feed(b"421 4.4.2 idle for too long\r\n")
        relay.hang_up_on_all()
        loop.wait(1)
        loop.begin(1, envelope(2))
        assert fates(gather(loop, 1)) == {1: Fate.ACCEPTED}
        assert relay.connections_made == 2


def test_a_conversation_shut_by_us_is_opened_again() -> None:
    with Relay() as relay, looping(relay, 1) as loop:
        loop.shut(1)
        loop.begin(1, envelope(1))
        assert fates(gather(loop, 1)) == {1: Fate.ACCEPTED}


def test_a_relay_that_is_gone_is_trouble_and_not_the_persons() -> None:
    with Relay() as relay, looping(relay, 1) as loop:
        loop.begin(1, envelope(1))
        assert fates(gather(loop, 1)) == {1: Fate.ACCEPTED}
        relay.go_down()
        loop.begin(1, envelope(2))
        (answer,) = gather(loop, 1)
        assert answer.outcome is None
        assert isinstance(answer.trouble, TransportUnavailable)


def test_what_arrived_in_time_counts_though_nobody_looked_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database in trouble keeps the loop from looking; the relay's yes has been there all the time."""

    def attempt(seconds: float) -> None:
        with Relay() as relay, looping(relay, 1) as loop:
            relay.on(Step.END, Delay(seconds))
            loop.begin(1, envelope(1))
            for _ in range(8):  # meanwhile the whole mail is sent
                assert loop.wait(seconds / 20) == []
            place = loop._places[1]  # pyright: ignore[reportPrivateUsage]
            assert place.conversation is not None
            assert select.select([place.conversation.sock], [], [], HANG_SECONDS)[0], "its answer didn't come"
            real = time.monotonic
            with monkeypatch.context() as later:
                later.setattr(time, "monotonic", lambda: real() + 2 * HANG_SECONDS)
                assert fates(list(loop.wait(0))) == {1: Fate.ACCEPTED}

    with_growing_patience(attempt, first_seconds=1.0)


def test_closing_breaks_off_what_is_in_the_air_and_keeps_nobody_waiting() -> None:
    with Relay() as relay:
        relay.on(Step.MAIL, Silence())
        with looping(relay, 1, 2) as loop:
            loop.begin(1, envelope(1))
            loop.wait(0.1)
            began = time.monotonic()
        assert time.monotonic() - began < HANG_SECONDS / 2, "it waited for an answer"
        assert relay.received == []
        assert not [one for one in threading.enumerate() if one.name.startswith("open-")]


def test_a_long_mail_cut_off_in_the_middle_is_surely_not_taken() -> None:
    with Relay() as relay:
        relay.on(Step.MIDDLE, HangUp())
        with looping(relay, 1, 2, mailing=replace(MAILING, html=("<p>word</p>\n" * 2_000_000,))) as loop:
            loop.begin(1, envelope(1))
            assert fates(gather(loop, 1)) == {1: Fate.DEFERRED}


REPLIES = [(250, b"2.1.0 Ok"), (354, b"go on"), (250, b"one\ntwo\nthree"), (550, b"")]
BYTES = b"250 2.1.0 Ok\r\n354 go on\r\n250-one\r\n250-two\r\n250 three\r\n550\r\n"


@given(cuts=st.lists(st.integers(0, len(BYTES))))
def test_replies_are_the_same_in_whatever_pieces_they_come(cuts: list[int]) -> None:
    reader = ReplyReader()
    places = [0, *sorted(cuts), len(BYTES)]
    found: list[tuple[int, bytes]] = []
    for start, end in pairwise(places):
        reader.feed(BYTES[start:end])
        while (reply := reader.take()) is not None:
            found.append(reply)
    assert found == REPLIES
    assert not reader


@pytest.mark.parametrize("odd", [b"HTTP/1.1 400\r\n", b"25 short\r\n", b"x" * (MOST_REPLY_BYTES + 1), b"250+ok\r\n"])
def test_what_is_not_a_reply_is_refused(odd: bytes) -> None:
    reader = ReplyReader()
    reader.feed(odd)
    with pytest.raises(NotSmtp):
        reader.take()
