"""SMTP against a real relay that misbehaves at each step: nothing lost, nothing claimed that isn't known."""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.transports.base import Fate, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from mailer.transports.smtp import transaction
from mailer.transports.smtp.settings import Smtp
from mailer.transports.smtp.transport import SmtpTransport
from tests.patience import HANG_SECONDS, with_growing_patience
from tests.servers.relay import Act, Dribble, HangUp, Relay, Say, Silence, Step
from tests.transports.samples import MAILING, envelope

ENDLESS = 20_000  # bytes of a reply that comes byte by byte
PASSWORD = "hunter2-the-secret"
SPELLED = b64encode(f"\0user\0{PASSWORD}".encode()).decode()


def transport(relay: Relay, *, security: str = "none", seconds: float = HANG_SECONDS, **more: str) -> SmtpTransport:
    ca_file = str(relay.ca_file) if security != "none" else ""
    chosen = Smtp(host=relay.host, port=relay.port, security=security, timeout_seconds=seconds, ca_file=ca_file)
    return SmtpTransport(replace(chosen, **more), password=PASSWORD)


@pytest.fixture(params=[True, False], ids=["pipelining", "step by step"])
def relay(request: pytest.FixtureRequest) -> Iterator[Relay]:
    with Relay(pipelining=request.param) as one:
        yield one


def send(relay: Relay, *numbers: int, seconds: float = HANG_SECONDS) -> list[Outcome]:
    connection = transport(relay, seconds=seconds).connect(MAILING)
    try:
        return [outcome for n in numbers for outcome in connection.hand_over([envelope(n)])]
    finally:
        connection.close()


def recipients(relay: Relay) -> list[str]:
    return [one.recipient for one in relay.received]


DEFERRED, REFUSED, UNCERTAIN, ACCEPTED = Fate.DEFERRED, Fate.REFUSED, Fate.UNCERTAIN, Fate.ACCEPTED
HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS

AT_THE_MESSAGE = [
    (Step.MAIL, "421 4.3.2 shutting down", DEFERRED, SOFT),
    (Step.MAIL, "450 4.7.1 greylisted", DEFERRED, POLICY),
    (Step.MAIL, "554 5.7.1 you are on a list", REFUSED, POLICY),
    (Step.RCPT, "421 4.7.0 too many", DEFERRED, POLICY),
    (Step.RCPT, "450 4.2.1 busy", DEFERRED, SOFT),
    (Step.RCPT, "550 5.1.1 no such user", REFUSED, HARD),
    (Step.RCPT, "554 5.7.1 refused", REFUSED, POLICY),
    (Step.DATA, "421 shutting down", DEFERRED, SOFT),
    (Step.DATA, "450 later", DEFERRED, SOFT),
    (Step.DATA, "550 no", REFUSED, POLICY),
    (Step.DATA, "554 5.5.1 no valid recipients", REFUSED, OURS),
    (Step.END, "421 4.3.2 shutting down", DEFERRED, SOFT),
    (Step.END, "450 4.2.0 later", DEFERRED, SOFT),
    (Step.END, "550 5.7.1 spam", REFUSED, POLICY),
    (Step.END, "554 5.6.0 malformed", REFUSED, POLICY),
]


@pytest.mark.parametrize(("step", "reply", "fate", "kind"), AT_THE_MESSAGE, ids=str)
def test_a_reply_at_each_step_is_told_apart_and_the_next_mail_goes(
    relay: Relay, step: Step, reply: str, fate: Fate, kind: ReplyClass
) -> None:
    relay.on(step, Say(reply), skip=1, times=1)
    first, second, third = send(relay, 1, 2, 3)
    assert (first.fate, third.fate) == (ACCEPTED, ACCEPTED)
    assert (second.fate, second.reply_class) == (fate, kind)
    assert reply.startswith(second.code)
    assert recipients(relay) == ["person1@example.org", "person3@example.org"]
    # Only a relay that says goodbye costs a connection.
    assert relay.connections_made == (2 if reply.startswith("421") else 1)


@pytest.mark.parametrize("reply", ["550 5.1.8 no such sender", "530 5.7.0 log in first", "550 not from you"])
def test_a_refused_sender_stops_the_sending_and_blames_nobody(relay: Relay, reply: str) -> None:
    relay.on(Step.MAIL, Say(reply))
    with pytest.raises(TransportRefused, match=r"appeals@example\.org") as caught:
        send(relay, 1)
    assert reply in caught.value.message
    assert caught.value.remedy


def test_each_mail_leaves_with_its_own_return_path(relay: Relay) -> None:
    connection = transport(relay).connect(MAILING)
    back = replace(envelope(1), return_path="bounces+one@example.org")
    outcomes = connection.hand_over([back, envelope(2)])
    connection.close()
    assert [outcome.fate for outcome in outcomes] == [ACCEPTED, ACCEPTED]
    assert [one.sender for one in relay.received] == ["bounces+one@example.org", "appeals@example.org"]


def test_a_refused_return_path_is_named_without_its_token(relay: Relay) -> None:
    relay.on(Step.MAIL, Say("550 5.1.8 no such sender"))
    connection = transport(relay).connect(MAILING)
    with pytest.raises(TransportRefused) as caught:
        connection.hand_over([replace(envelope(1), return_path="bounces+token@example.org")])
    connection.close()
    assert "bounces@example.org" in caught.value.message
    assert "token" not in caught.value.message


AT_THE_GREETING = [
    (Step.CONNECT, "421 busy", TransportUnavailable),
    (Step.CONNECT, "450 busy", TransportUnavailable),
    (Step.CONNECT, "550 go away", TransportRefused),
    (Step.CONNECT, "554 no SMTP service here", TransportRefused),
    (Step.EHLO, "421 busy", TransportUnavailable),
    (Step.EHLO, "450 busy", TransportUnavailable),
    (Step.EHLO, "550 bad name", TransportRefused),
    (Step.EHLO, "554 no", TransportRefused),
    (Step.STARTTLS, "421 busy", TransportUnavailable),
    (Step.STARTTLS, "454 4.7.0 TLS not available", TransportUnavailable),
    (Step.STARTTLS, "550 no", TransportRefused),
    (Step.STARTTLS, "554 no", TransportRefused),
    (Step.AUTH, "421 busy", TransportUnavailable),
    (Step.AUTH, "454 4.7.0 temporary failure", TransportUnavailable),
    (Step.AUTH, "535 5.7.8 credentials invalid", TransportRefused),
    (Step.AUTH, "550 no", TransportRefused),
    (Step.AUTH, f"535 5.7.8 {PASSWORD} is wrong", TransportRefused),
    (Step.AUTH, f"500 unknown command AUTH PLAIN {SPELLED}", TransportRefused),
]


@pytest.mark.parametrize(("step", "reply", "error"), AT_THE_GREETING, ids=str)
def test_a_reply_before_any_message_hands_nothing_over(step: Step, reply: str, error: type[Exception]) -> None:
    with Relay(tls="starttls", login=("user", PASSWORD)) as relay:
        relay.on(step, Say(reply))
        way = transport(relay, security="starttls", username="user")
        for call in (lambda: way.connect(MAILING), way.probe):
            with pytest.raises(error) as caught:
                call()
            assert type(caught.value) is error
            assert reply[:3] in str(caught.value)
            assert PASSWORD not in str(caught.value)
            assert SPELLED not in str(caught.value)


@pytest.mark.parametrize("step", [Step.CONNECT, Step.EHLO, Step.STARTTLS, Step.AUTH])
def test_a_relay_that_closes_at_once_is_unavailable(step: Step) -> None:
    with Relay(tls="starttls", login=("user", PASSWORD)) as relay:
        relay.on(step, HangUp())
        with pytest.raises(TransportUnavailable):
            transport(relay, security="starttls", username="user").connect(MAILING)


@pytest.mark.parametrize("act", [HangUp(), Silence(), Say("not SMTP at all")], ids=str)
@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.DATA])
def test_a_connection_lost_before_the_message_is_deferred(relay: Relay, step: Step, act: Act) -> None:
    def attempt(seconds: float) -> None:
        relay.on(step, act)
        (outcome,) = send(relay, 1, seconds=seconds)
        assert outcome.fate is DEFERRED
        assert outcome.detail

    with_growing_patience(attempt)
    relay.behave()
    assert send(relay, 1)[0].fate is ACCEPTED
    assert recipients(relay) == ["person1@example.org"]


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("silent", [True, False])
def test_no_answer_after_the_final_dot_is_uncertain(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, recorded: bool, silent: bool
) -> None:
    monkeypatch.setattr(transaction, "ANSWER_FACTOR", 1)

    def attempt(seconds: float) -> None:
        relay.behave()
        before = len(relay.received)
        relay.on(Step.END, Silence(recorded) if silent else HangUp(recorded), times=1)
        first, second = send(relay, 1, 2, seconds=seconds)
        assert (first.fate, second.fate) == (UNCERTAIN, ACCEPTED)
        arrived = recipients(relay)[before:]
        assert arrived == ["person1@example.org"] * recorded + ["person2@example.org"]

    with_growing_patience(attempt)


def test_nonsense_after_the_final_dot_is_uncertain(relay: Relay) -> None:
    relay.on(Step.END, Say("okey-dokey"), times=1)
    assert [one.fate for one in send(relay, 1, 2)] == [UNCERTAIN, ACCEPTED]


def test_a_connection_lost_in_the_middle_of_a_long_message_is_deferred(relay: Relay) -> None:
    """More than the buffers between us hold, so that the end surely never left."""
    relay.on(Step.MIDDLE, HangUp())
    mailing = replace(MAILING, html=("<p>word</p>\n" * 2_000_000,))
    connection = transport(relay).connect(mailing)
    (outcome,) = connection.hand_over([envelope(1)])
    connection.close()
    assert outcome.fate is DEFERRED
    assert relay.received == []


def test_a_reused_connection_that_died_in_between_is_replaced(relay: Relay) -> None:
    connection = transport(relay).connect(MAILING)
    assert connection.hand_over([envelope(1)])[0].fate is ACCEPTED
    relay.hang_up_on_all()
    assert connection.hand_over([envelope(2)])[0].fate is ACCEPTED
    connection.close()
    assert recipients(relay) == ["person1@example.org", "person2@example.org"]
    assert relay.connections_made == 2


def test_a_relay_that_left_for_good_is_unavailable_at_the_next_mail() -> None:
    with Relay() as relay:
        connection = transport(relay).connect(MAILING)
        assert connection.hand_over([envelope(1)])[0].fate is ACCEPTED
    with pytest.raises(TransportUnavailable):
        connection.hand_over([envelope(2)])
    connection.close()


@pytest.mark.parametrize("step", [Step.CONNECT, Step.EHLO, Step.AUTH])
def test_a_dribbling_greeting_is_cut_off_in_time(step: Step) -> None:
    """Each byte comes well in time, and the whole would take longer than any test is waited for."""
    with Relay(login=("user", PASSWORD)) as relay:
        relay.on(step, Dribble("250 " + "x" * ENDLESS, pause_seconds=0.05))
        with pytest.raises(TransportUnavailable, match="in time"):
            transport(relay, seconds=0.4, username="user").connect(MAILING)


@pytest.mark.parametrize(("step", "fate"), [(Step.MAIL, DEFERRED), (Step.DATA, DEFERRED), (Step.END, UNCERTAIN)])
def test_a_dribbled_reply_is_cut_off_in_time(step: Step, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "ANSWER_FACTOR", 1)

    def attempt(seconds: float) -> None:
        with Relay() as relay:
            relay.on(step, Dribble("250 " + "x" * ENDLESS, pause_seconds=0.05))
            assert send(relay, 1, seconds=seconds)[0].fate is fate

    with_growing_patience(attempt)


@contextmanager
def listener(answer: bytes = b"") -> Generator[int]:
    """A port that takes connections, says `answer`, and nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    one, _ = server.accept()
                    held.append(one)
                    one.sendall(answer)
            except OSError:
                return

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in held:
                one.close()


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_relay_that_says_nothing_is_unavailable(security: str) -> None:
    with listener() as port:
        way = SmtpTransport(Smtp(host="127.0.0.1", port=port, security=security, timeout_seconds=0.4))
        with pytest.raises(TransportUnavailable):
            way.probe()


def test_a_question_at_login_that_is_not_base64_is_explained() -> None:
    with Relay(login=("user", PASSWORD)) as relay:
        relay.on(Step.AUTH, Say("334 a"))
        with pytest.raises(TransportRefused, match="login protocol"):
            transport(relay, username="user").connect(MAILING)


def test_a_flood_in_place_of_a_reply_is_cut_off() -> None:
    with listener(b"x" * 300_000) as port:
        way = SmtpTransport(Smtp(host="127.0.0.1", port=port, security="none", timeout_seconds=HANG_SECONDS))
        with pytest.raises(TransportUnavailable, match="not SMTP"):
            way.probe()


def test_nobody_listening_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    with pytest.raises(TransportUnavailable, match="refused"):
        SmtpTransport(Smtp(host="127.0.0.1", port=port, security="none", timeout_seconds=HANG_SECONDS)).probe()


def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    with pytest.raises(TransportUnavailable, match="resolved"):
        SmtpTransport(Smtp(host="relay.invalid", port=25, security="none", timeout_seconds=HANG_SECONDS)).probe()


def test_a_wrong_login_is_refused() -> None:
    with Relay(tls="starttls", login=("user", "another password")) as relay:
        with pytest.raises(TransportRefused, match="535") as caught:
            transport(relay, security="starttls", username="user").connect(MAILING)
        assert "MAILER_SMTP_PASSWORD" in (caught.value.remedy or "")
        assert PASSWORD not in str(caught.value)


def test_a_relay_without_starttls_is_never_spoken_to_in_the_clear() -> None:
    with Relay(login=("user", PASSWORD)) as relay:
        chosen = Smtp(
            host=relay.host, port=relay.port, security="starttls", username="user", timeout_seconds=HANG_SECONDS
        )
        with pytest.raises(TransportRefused, match="STARTTLS"):
            SmtpTransport(chosen, password=PASSWORD).connect(MAILING)
        assert Step.AUTH not in relay.commands
        assert Step.MAIL not in relay.commands


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_nobody_vouches_for_is_refused(security: str) -> None:
    with Relay(tls=security) as relay:
        chosen = Smtp(host=relay.host, port=relay.port, security=security, timeout_seconds=HANG_SECONDS)
        with pytest.raises(TransportRefused, match="certificate"):
            SmtpTransport(chosen).connect(MAILING)


def test_a_certificate_for_another_name_is_refused() -> None:
    with (
        Relay(tls="starttls", names=("mail.example.org",)) as relay,
        pytest.raises(TransportRefused, match="certificate"),
    ):
        transport(relay, security="starttls").connect(MAILING)


def test_tls_on_a_port_that_begins_in_the_clear_is_explained() -> None:
    with Relay(tls="starttls") as relay, pytest.raises(TransportUnavailable) as caught:
        transport(relay, security="tls").connect(MAILING)
    assert "465" in (caught.value.remedy or "")


def test_replies_slipped_in_before_encryption_are_not_believed() -> None:
    with Relay(tls="starttls") as relay:
        relay.on(Step.STARTTLS, Say("220 go ahead\r\n250-AUTH PLAIN"))
        with pytest.raises(TransportUnavailable, match="before encryption"):
            transport(relay, security="starttls").connect(MAILING)


def test_a_password_never_travels_in_the_clear_to_another_machine() -> None:
    way = SmtpTransport(Smtp(host="relay.invalid", security="none", username="user"), password=PASSWORD)
    with pytest.raises(TransportRefused, match="unencrypted"):
        way.connect(MAILING)


def test_a_password_beyond_ascii_and_a_missing_authority_are_explained(tmp_path: Path) -> None:
    with Relay(login=("user", PASSWORD)) as relay:
        chosen = Smtp(host=relay.host, port=relay.port, security="none", username="user", timeout_seconds=HANG_SECONDS)
        with pytest.raises(TransportRefused, match="ASCII"):
            SmtpTransport(chosen, password="pässword").probe()
    with pytest.raises(TransportRefused, match="authority"):
        SmtpTransport(Smtp(ca_file="missing.pem"), root=tmp_path).probe()


def test_the_size_is_announced_and_a_mail_too_large_refused_before_it_is_sent() -> None:
    with Relay(size_limit_bytes=500) as relay:
        (outcome,) = send(relay, 1)
        assert (outcome.fate, outcome.code[:3]) == (REFUSED, "552")
        assert Step.END not in relay.commands
