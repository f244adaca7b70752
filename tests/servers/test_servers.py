"""The servers that other tests stand on: run as processes of their own they tell durably what they took."""

from __future__ import annotations

import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mailer.transports.base import Fate
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.sendgrid.transport import SendgridTransport
from tests.conftest import REPOSITORY
from tests.patience import HANG_SECONDS
from tests.servers import relay, sendgrid_fake
from tests.transports.samples import MAILING, envelope


def over_smtp(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="test") as client:
        for n in (1, 2):
            client.sendmail("a@example.org", [f"{n}@example.org"], f"Message-ID: <{n}@x>\r\n\r\n..\r\n".encode())


def over_http(port: int) -> None:
    way = SendgridTransport(Sendgrid(base_url=f"http://127.0.0.1:{port}"), api_key="SG.test")
    with closing(way.connect(MAILING)) as connection:
        outcomes = connection.hand_over([envelope(1), envelope(2)])
    assert [one.fate for one in outcomes] == [Fate.ACCEPTED] * 2


@pytest.mark.parametrize(
    ("module", "talk", "read"),
    [
        ("relay", over_smtp, lambda p: [(r.message_id, r.content) for r in relay.read_log(p)]),
        ("sendgrid_fake", over_http, lambda p: [a.recipient for a in sendgrid_fake.read_log(p)]),
    ],
    ids=["relay", "sendgrid"],
)
def test_a_process_keeps_its_log_through_a_kill(
    module: str, talk: Callable[[int], None], read: Callable[[Path], list[object]], tmp_path: Path
) -> None:
    port, log = tmp_path / "port", tmp_path / "log"
    command = [sys.executable, "-m", f"tests.servers.{module}", "--port-file", str(port), "--log", str(log)]
    command += ["--bodies"] if module == "relay" else []
    process = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        talk(relay.read_port(port))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(read(log)) == 2
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"recipient": "half a li')
    assert len(read(log)) == 2


def test_a_relay_process_answers_as_it_was_told_and_leaves_on_a_signal(tmp_path: Path) -> None:
    port, log = tmp_path / "port", tmp_path / "log"
    arguments = ["--port-file", str(port), "--log", str(log), "--answer", "rcpt=450 4.2.1 busy"]
    process = subprocess.Popen([sys.executable, "-m", "tests.servers.relay", *arguments], cwd=REPOSITORY)
    try:
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="busy"):
            over_smtp(relay.read_port(port))
    finally:
        process.terminate()
    assert process.wait(HANG_SECONDS) == 0
    assert relay.read_log(log) == []


def test_a_relay_goes_down_and_comes_back_on_its_port() -> None:
    with relay.Relay() as running:
        running.go_down()
        with pytest.raises(ConnectionRefusedError):
            over_smtp(running.port)
        running.come_back()
        over_smtp(running.port)
        assert running.accepted == 2


def test_a_relay_tells_when_a_hand_over_began_and_when_it_was_taken() -> None:
    with relay.Relay() as running:
        running.on(relay.Step.END, relay.Delay(0.05))
        before = time.time()
        over_smtp(running.port)
        for one in running.received:
            assert before <= one.began_at <= one.accepted_at - 0.05
            assert one.accepted_at <= time.time()


def test_the_fake_tells_when_a_request_began_and_when_it_was_taken() -> None:
    with sendgrid_fake.SendgridFake() as fake:
        rule = fake.on(sendgrid_fake.Delay(0.05))
        before = time.time()
        over_http(fake.port)
        assert rule.taken == 1
        assert len(fake.accepted) == 2
        for one in fake.accepted:
            assert before <= one.began_at <= one.accepted_at - 0.05


def test_what_happens_by_chance_is_drawn_from_the_seed() -> None:
    def refused(seed: str) -> list[bool]:
        with relay.Relay(seed=seed) as running:
            running.on(relay.Step.RCPT, relay.Say("450 4.2.1 busy"), share=0.5)
            return [running.take(relay.Step.RCPT, "a@example.org") is not None for _ in range(40)]

    assert refused("one") == refused("one") != refused("two")
    assert 5 < sum(refused("one")) < 35
