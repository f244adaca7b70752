"""Sessions as relays have them: so many mails and no more, replies that nobody asked for, commands that get lost."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.doctor.transport import judge_relay
from mailer.transports.base import Fate, Outcome, ReplyClass, TransportRefused
from mailer.transports.replies.classify import SmtpStep as At
from mailer.transports.replies.classify import read_reply
from mailer.transports.smtp.limits import SessionLimits, read_limits, session_is_full
from mailer.transports.smtp.session import Lost
from mailer.transports.smtp.settings import Smtp
from mailer.transports.smtp.transaction import END_OF_DATA, Ended, Offer, Turn, Way, transaction
from mailer.transports.smtp.transport import SmtpTransport
from tests.servers.relay import Relay, Say, Silence, Step
from tests.transports.samples import MAILING, envelope

ACCEPTED, DEFERRED, REFUSED, UNCERTAIN = Fate.ACCEPTED, Fate.DEFERRED, Fate.REFUSED, Fate.UNCERTAIN
PATIENCE_SECONDS = 1.5  # waited for once, so long enough for a loaded machine

# What relays say to a mail too many for one session.
FULL = [
    "452 4.5.3 Too many messages sent",  # OpenSMTPD
    "452 4.5.3 Service unavailable, batch limit reached",  # Momentum
    "451 4.5.3 too many messages",
    "421 too many messages in this connection",  # Exim, which closes
    "421 Max message per connection reached, closing transmission channel",  # Yahoo
    "452 4.4.5 Maximum number of messages per session exceeded.",  # Stalwart
    "421 4.7.0 too many messages in this session",
    "550 5.7.0 Maximum number of messages per session exceeded",
    "450 later",
]


def way_to(relay: Relay, *, seconds: float = 5.0, pipelining: bool = True) -> SmtpTransport:
    settings = Smtp(host=relay.host, port=relay.port, security="none", timeout_seconds=seconds, pipelining=pipelining)
    return SmtpTransport(settings)


def send(relay: Relay, *numbers: int, seconds: float = 5.0) -> list[Outcome]:
    with closing(way_to(relay, seconds=seconds).connect(MAILING)) as connection:
        return [outcome for number in numbers for outcome in connection.hand_over([envelope(number)])]


def fates(outcomes: list[Outcome]) -> list[Fate]:
    return [one.fate for one in outcomes]


def recipients(relay: Relay) -> list[str]:
    return [one.recipient for one in relay.received]


def people(*numbers: int) -> list[str]:
    return [f"person{number}@example.org" for number in numbers]


@pytest.fixture(params=[True, False], ids=["pipelining", "step by step"])
def pipelining(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("full", FULL)
def test_a_session_that_is_full_costs_a_new_one_and_nobody_their_mail(full: str, pipelining: bool) -> None:
    with Relay(session_mails=3, full=full, pipelining=pipelining) as relay:
        assert fates(send(relay, *range(10))) == [ACCEPTED] * 10
        assert recipients(relay) == people(*range(10))
        assert relay.connections_made == 4


@pytest.mark.parametrize("full", FULL)
def test_a_relay_that_takes_no_mail_at_all_is_not_asked_again_at_once(full: str, pipelining: bool) -> None:
    with Relay(session_mails=0, full=full, pipelining=pipelining) as relay:
        outcomes = send(relay, 1, 2, 3)
        assert fates(outcomes) == [DEFERRED] * 3
        assert {one.reply_class for one in outcomes} == {ReplyClass.SOFT}  # three of ours would pause the campaign
        assert relay.connections_made == (3 if full.startswith("421") else 1)


def test_a_new_session_that_is_full_as_well_puts_the_mail_off_and_asks_no_third(pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.on(Step.MAIL, Say("452 4.5.3 Too many messages sent"), skip=1, times=2)
        assert fates(send(relay, 1, 2, 3)) == [ACCEPTED, DEFERRED, ACCEPTED]
        assert relay.connections_made == 2
        assert recipients(relay) == people(1, 3)


def test_a_new_session_that_is_full_at_the_recipient_puts_the_mail_off_too(pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.on(Step.RCPT, Say("452 4.5.3 Too many messages sent"), skip=1, times=2)
        assert fates(send(relay, 1, 2, 3)) == [ACCEPTED, DEFERRED, ACCEPTED]
        assert relay.connections_made == 2


def test_a_session_that_refused_everybody_and_is_full_is_changed_for_another(pipelining: bool) -> None:
    with Relay(session_mails=2, pipelining=pipelining) as relay:
        for number in (1, 2):
            relay.on(Step.RCPT, Say("550 5.1.1 no such user"), recipient=f"person{number}@")
        assert fates(send(relay, 1, 2, 3)) == [REFUSED, REFUSED, ACCEPTED]


@pytest.mark.parametrize("step", [Step.RCPT, Step.DATA])
def test_a_session_may_be_full_at_a_later_step(step: Step, pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.on(step, Say("452 4.4.5 Maximum number of messages per session exceeded."), skip=2, times=1)
        assert fates(send(relay, 1, 2, 3)) == [ACCEPTED] * 3
        assert relay.connections_made == 2
        assert recipients(relay) == people(1, 2, 3)


NOT_ABOUT_THE_SESSION = [
    (At.MAIL, "450 4.7.1 greylisted"),
    (At.MAIL, "421 4.7.0 too many errors"),
    (At.MAIL, "421 4.3.2 shutting down"),
    (At.MAIL, "452 4.3.1 insufficient system storage"),
    (At.MAIL, "451 4.1.8 your domain can't be found"),
    (At.MAIL, "450 4.7.1 too much mail from 192.0.2.1"),
    (At.MAIL, "432 4.7.12 a password is needed"),
    (At.MAIL, "454 TLS not available"),
    (At.MAIL, "455 parameter not possible"),
    (At.MAIL, "530 5.7.0 log in first"),
    (At.MAIL, "554 message refused, closing connection"),
    (At.RCPT, "450 later"),
    (At.RCPT, "452 4.2.2 mailbox full"),
    (At.RCPT, "421 4.7.0 too many connections"),
    (At.DATA, "451 later"),
    (At.END, "452 4.5.3 Too many messages sent"),
    (At.END, "450 too many messages in this session"),
]


@pytest.mark.parametrize(("step", "said"), NOT_ABOUT_THE_SESSION)
def test_what_says_something_else_is_no_full_session(step: At, said: str) -> None:
    assert not session_is_full(read_reply(int(said[:3]), said[4:].encode()), step)


@pytest.mark.parametrize("said", ["451 4.1.8 no such domain", "455 4.5.4 no", "432 4.7.12 no", "454 4.7.8 login"])
def test_a_temporary_answer_that_is_our_fault_puts_the_mail_off_and_stops_nothing(said: str, pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.on(Step.MAIL, Say(said), skip=1, times=1)
        first, second, third = send(relay, 1, 2, 3)
        assert fates([first, second, third]) == [ACCEPTED, DEFERRED, ACCEPTED]
        assert second.code.startswith(said[:3])
        assert relay.connections_made == 1


@pytest.mark.parametrize("limits", ["MAILMAX=3", "RCPTMAX=100 MAILMAX=3 ODD", "mailmax=3 RCPTDOMAINMAX=9"])
def test_what_the_relay_announces_is_never_exceeded(limits: str, pipelining: bool) -> None:
    with Relay(limits=limits, session_mails=3, full="554 5.7.1 you were told", pipelining=pipelining) as relay:
        relay.on(Step.RCPT, Say("550 5.1.1 no such user"), recipient="person1@")  # counts as well (RFC 9422)
        assert fates(send(relay, *range(8))) == [ACCEPTED, REFUSED, *[ACCEPTED] * 6]
        assert relay.connections_made == 3


def test_a_session_for_recipients_of_one_domain_gets_no_others() -> None:
    with Relay(limits="RCPTDOMAINMAX=1") as relay, closing(way_to(relay).connect(MAILING)) as connection:
        for number, domain in enumerate(["a.example", "a.example", "A.example", "b.example", "b.example", "a.example"]):
            (outcome,) = connection.hand_over([envelope(number, address=f"one@{domain}")])
            assert outcome.fate is ACCEPTED
        assert relay.connections_made == 3


@pytest.mark.parametrize(
    ("parameters", "limits"),
    [
        ("MAILMAX=100", SessionLimits(100)),
        ("RCPTMAX=20 mailmax=7 RCPTDOMAINMAX=2", SessionLimits(7, 2)),
        ("MAILMAX=0", SessionLimits()),
        ("MAILMAX=-1 RCPTDOMAINMAX=x", SessionLimits()),
        ("MAILMAX", SessionLimits()),
        ("MAILMAX=٣", SessionLimits()),
        ("MAILMAX=99999999999999999999", SessionLimits()),
        ("", SessionLimits()),
    ],
)
def test_limits_are_read_and_what_is_odd_is_passed_over(parameters: str, limits: SessionLimits) -> None:
    assert read_limits(parameters) == limits


STRAY = [
    (Step.END, "550 5.7.1 spam\r\n550 5.1.1 no such user"),
    (Step.END, "550 5.7.1 spam\r\n250 2.0.0 Ok"),
    (Step.END, "451 4.3.0 later\r\n250 2.0.0 Ok\r\n354 go on"),
    (Step.DATA, "354 go on\r\n552 5.3.4 too big"),  # and then it takes every line of the message for a command
]


@pytest.mark.parametrize(("step", "said"), STRAY)
def test_an_answer_too_many_is_not_the_next_mails(step: Step, said: str, pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.on(step, Say(said), skip=1, times=1)
        outcomes = send(relay, 1, 2, 3, 4)
        assert fates(outcomes)[2:] == [ACCEPTED, ACCEPTED]
        assert outcomes[1].fate in (REFUSED, DEFERRED)
        assert recipients(relay) == people(1, 3, 4)


@pytest.mark.parametrize("late", ["550 5.1.1 no such user", "250 2.0.0 Ok", "354 go on"])
def test_an_answer_too_many_that_comes_late_is_not_the_next_mails(late: str, pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.on(Step.END, Say("550 5.7.1 spam"), skip=1, times=1)
        relay.on(Step.RSET, Say(f"{late}\r\n250 2.0.0 Ok"), times=1)  # the answer to RSET comes second
        assert fates(send(relay, 1, 2, 3, 4)) == [ACCEPTED, REFUSED, ACCEPTED, ACCEPTED]
        assert recipients(relay) == people(1, 3, 4)


def test_an_answer_too_many_after_a_mail_that_was_taken_costs_a_connection_only(pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.on(Step.END, Say("250 2.0.0 Ok\r\n550 5.1.1 no such user"), skip=1, times=1)
        assert fates(send(relay, 1, 2, 3)) == [ACCEPTED] * 3
        assert relay.connections_made == 2


@pytest.mark.parametrize("said", ["250 2.0.0 Ok", "220 ready", "354 go on", "334 ", "199 hm", "600 hm", "000 hm"])
@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.DATA])
def test_an_answer_of_a_class_that_the_command_cannot_have_judges_nobody(
    step: Step, said: str, pipelining: bool
) -> None:
    wanted = "3" if step is Step.DATA else "2"
    if said.startswith(wanted):
        return
    with Relay(pipelining=pipelining) as relay:
        relay.on(step, Say(said), skip=1, times=1)
        assert fates(send(relay, 1, 2, 3)) == [ACCEPTED] * 3
        assert recipients(relay) == people(1, 2, 3)


@pytest.mark.parametrize("said", ["354 go on", "334 ", "199 hm", "600 hm", "000 hm"])
def test_an_odd_class_after_the_final_dot_is_uncertain(said: str, pipelining: bool) -> None:
    with Relay(pipelining=pipelining) as relay:
        relay.on(Step.END, Say(said), skip=1, times=1)
        assert fates(send(relay, 1, 2, 3)) == [ACCEPTED, UNCERTAIN, ACCEPTED]


def test_a_relay_that_waits_for_a_message_to_nobody_is_given_an_empty_one() -> None:
    """RFC 2920 §3.1: 354 after every recipient was refused."""
    with Relay() as relay:
        relay.on(Step.RCPT, Say("550 5.1.1 no such user"), skip=1, times=1)
        relay.on(Step.DATA, Say("354 go on"), skip=1, times=1)
        outcomes = send(relay, 1, 2, 3)
        assert fates(outcomes) == [ACCEPTED, REFUSED, ACCEPTED]
        assert outcomes[1].reply_class is ReplyClass.HARD
        assert recipients(relay) == people(1, 3)
        assert relay.connections_made == 1


def test_a_relay_that_loses_what_is_sent_at_once_is_asked_one_command_at_a_time() -> None:
    with Relay(loses_commands=True) as relay:
        assert fates(send(relay, *range(5), seconds=PATIENCE_SECONDS)) == [ACCEPTED] * 5
        assert recipients(relay) == people(*range(5))
        assert relay.connections_made == 2  # noticed once


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step.RCPT, "503 5.5.1 need MAIL first"),
        (Step.DATA, "503 5.5.1 need RCPT first"),
        (Step.MAIL, "554 SMTP synchronization error"),
        (Step.MAIL, "500 5.5.1 Invalid command: Pipelining not supported"),
        (Step.RCPT, "421 4.7.0 unauthorized pipelining"),
    ],
)
@pytest.mark.parametrize(("skip", "times"), [(0, 1), (1, 2)])  # of a session in use another is tried first
def test_a_relay_that_minds_what_it_offered_is_asked_one_command_at_a_time(
    step: Step, said: str, skip: int, times: int
) -> None:
    with Relay() as relay:
        relay.on(step, Say(said), skip=skip, times=times)
        assert fates(send(relay, 1, 2, 3)) == [ACCEPTED] * 3
        assert recipients(relay) == people(1, 2, 3)


def test_pipelining_is_left_out_by_setting() -> None:
    with Relay(loses_commands=True) as relay:
        way = way_to(relay, seconds=PATIENCE_SECONDS, pipelining=False)
        with closing(way.connect(MAILING)) as connection:
            assert connection.hand_over([envelope(1)])[0].fate is ACCEPTED
        assert relay.connections_made == 1
        assert not way.look().loses_commands


def test_doctor_notices_a_relay_that_loses_what_is_sent_at_once() -> None:
    with Relay(loses_commands=True) as relay:
        facts = way_to(relay, seconds=PATIENCE_SECONDS).look()
        assert facts.loses_commands
        assert any(finding.remedy == "Set smtp.pipelining = false." for finding in judge_relay(facts))
    with Relay(limits="MAILMAX=100") as relay:
        facts = way_to(relay).look()
        assert not facts.loses_commands
        assert "100 mails a session" in facts.in_words()
        assert not any("pipelining" in finding.remedy for finding in judge_relay(facts))


def test_a_silent_relay_is_given_up_and_keeps_the_mail_for_later() -> None:
    with Relay() as relay:
        relay.on(Step.RCPT, Silence())
        assert fates(send(relay, 1, seconds=PATIENCE_SECONDS)) == [DEFERRED]
        assert relay.connections_made == 2
        assert relay.received == []


# The conversation as a law, without sockets.

WAY = Way("appeals@example.org", "person@example.org")
CONTENT = b"Subject: x\r\n\r\nwords\r\n" + END_OF_DATA
ANSWERS = st.tuples(
    st.sampled_from([220, 250, 251, 354, 334, 421, 450, 452, 500, 503, 530, 550, 552, 554]),
    st.sampled_from(
        [b"", b"2.1.0 Ok", b"4.5.3 Too many messages sent", b"5.1.1 no such user", b"5.7.1 no", b"4.3.2 x"]
    ),
)


@dataclass
class Talked:
    """One transaction against a relay that answers as it likes."""

    commands: list[bytes] = field(default_factory=list[bytes])
    answers: list[int] = field(default_factory=list[int])
    ended: Ended | None = None
    error: Exception | None = None


def talk(answers: list[tuple[int, bytes]], *, pipelining: bool) -> Talked:
    talked = Talked()
    steps = transaction(Offer("relay", pipelining, True, 5.0), WAY, CONTENT)
    left = iter(answers)
    try:
        turn: Turn = next(steps)
        while True:
            talked.commands += [turn.data] if turn.data in (CONTENT, END_OF_DATA) else turn.data.splitlines()
            number, words = next(left)
            talked.answers.append(number)
            turn = steps.send((number, words))
    except StopIteration as stop:
        if isinstance(stop.value, Ended):
            talked.ended = stop.value
        else:  # the relay fell silent
            talked.error = Lost("silent")
    except (Lost, TransportRefused) as error:
        talked.error = error
    return talked


@given(answers=st.lists(ANSWERS, min_size=8, max_size=8), pipelining=st.booleans())
def test_a_conversation_goes_on_only_when_each_command_has_its_answer(
    answers: list[tuple[int, bytes]], pipelining: bool
) -> None:
    talked = talk(answers, pipelining=pipelining)
    if talked.ended is None:
        return
    outcome = talked.ended.outcome
    if talked.ended.usable:
        assert len(talked.answers) == len(talked.commands)
        assert talked.answers[-1] // 100 == 2  # taken, or set back
        assert talked.commands[-1] == (CONTENT if outcome.fate is ACCEPTED else b"RSET")
    # The message leaves only when everything before was agreed to, and only 2xx to it is a yes.
    began = [number // 100 for number in talked.answers[:3]] == [2, 2, 3]
    assert (CONTENT in talked.commands) is began
    assert (outcome.fate is ACCEPTED) is (began and talked.answers[3] // 100 == 2)
    assert (outcome.fate is UNCERTAIN) is (began and talked.answers[3] // 100 == 3)
    if outcome.fate is REFUSED:
        judged = talked.answers[3] if began else next(n for n in talked.answers if n // 100 in (4, 5))
        assert judged >= 500
        assert outcome.code.startswith(str(judged))


def test_a_message_to_nobody_is_ended_by_its_dot_before_anything_else_is_said() -> None:
    answers = [(250, b"2.1.0 Ok"), (550, b"5.1.1 no such user"), (354, b"go on"), (554, b"5.5.1 nobody"), (250, b"Ok")]
    talked = talk(answers, pipelining=True)
    assert talked.commands[-2:] == [END_OF_DATA, b"RSET"]
    assert talked.ended is not None
    assert talked.ended.usable


@given(answers=st.lists(ANSWERS, min_size=8, max_size=8), pipelining=st.booleans())
def test_we_are_refused_only_at_mail_and_for_good(answers: list[tuple[int, bytes]], pipelining: bool) -> None:
    talked = talk(answers, pipelining=pipelining)
    if isinstance(talked.error, TransportRefused):
        assert talked.answers[0] >= 500
        assert CONTENT not in talked.commands
    if talked.ended is not None and talked.ended.full:
        assert talked.ended.outcome.fate is DEFERRED
        assert CONTENT not in talked.commands


# Logging in

PASSWORDS = ["hunter2-the-secret", "two  blanks  in it", "x", "ends in a backslash\\", "tab\tinside"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_that_the_relay_repeats_is_not_shown(password: str) -> None:
    with Relay(login=("user", "another")) as relay:
        relay.on(Step.AUTH, Say(f"535 5.7.8 we know no {password}, sorry"))
        way = SmtpTransport(replace(Smtp(), host=relay.host, port=relay.port, security="none", username="user"),
                            password=password)  # fmt: skip
        with pytest.raises(TransportRefused) as caught:
            way.probe()
        said = caught.value.message.partition("answered")[2]
        assert said.endswith(", sorry")
        assert password not in said
        assert " ".join(password.split()) not in said


def test_of_a_password_at_the_place_where_a_reply_is_cut_nothing_is_left() -> None:
    with Relay(login=("user", "another")) as relay:
        relay.on(Step.AUTH, Say(f"535 {'w' * 470} {'secret' * 20}"))
        way = SmtpTransport(replace(Smtp(), host=relay.host, port=relay.port, security="none", username="user"),
                            password="secret" * 20)  # fmt: skip
        with pytest.raises(TransportRefused) as caught:
            way.probe()
        assert "secret" not in caught.value.message


def test_a_login_without_a_password_is_not_tried_and_said_so() -> None:
    with Relay(login=("user", "another")) as relay:
        way = SmtpTransport(replace(Smtp(), host=relay.host, port=relay.port, security="none", username="user"))
        for call in (way.probe, lambda: way.connect(MAILING)):
            with pytest.raises(TransportRefused, match=r"smtp\.username is set and there is no password") as caught:
                call()
            assert "MAILER_SMTP_PASSWORD" in (caught.value.remedy or "")
            assert "…" not in caught.value.message
        assert relay.connections_made == 0
