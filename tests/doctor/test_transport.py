"""The transport as the doctor tries it: against a real relay and the stand-in for SendGrid, with nobody mailed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailer.diagnostics import Level
from mailer.doctor.transport import examine_transport, judge_relay
from mailer.settings import Secrets, Sender, Settings
from mailer.transports.outbox.settings import Outbox
from mailer.transports.provider import provider_named
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.smtp.settings import Smtp
from mailer.transports.smtp.transport import RelayFacts
from tests.servers.relay import Relay, Say, Step
from tests.servers.sendgrid_fake import Answer, SendgridFake

SENDER = Sender(from_="Us <appeals@a.test>")


def judged(settings: Settings, secrets: Secrets | None = None) -> list[tuple[Level, str]]:
    return [(one.level, one.message) for one in examine_transport(settings, secrets or Secrets(), root=settings.root)]


def password(word: str) -> Secrets:
    return Secrets(providers={"smtp_password": word})


def key(word: str) -> Secrets:
    return Secrets(providers={"sendgrid_api_key": word})


def smtp(relay: Relay, **options: object) -> Settings:
    values = {"host": relay.host, "port": relay.port, "ca_file": str(relay.ca_file), "timeout_seconds": 5.0, **options}
    return Settings(root=Path(), transport="smtp", sender=SENDER).using(Smtp(**values))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("security", "how"), [("starttls", "STARTTLS"), ("tls", "TLS")])
def test_a_relay_says_what_it_offers(security: str, how: str) -> None:
    with Relay(tls=security, login=("us", "secret-word")) as relay:
        ((level, found),) = judged(smtp(relay, security=security, username="us"), password("secret-word"))
        assert relay.received == []
    assert level is Level.OK
    assert f"127.0.0.1:{relay.port} answers, encrypted by {how} (TLSv1.3), logged in as us" in found
    assert found.endswith("; pipelining, mails of up to 33.6 MB")
    assert "secret-word" not in found


def test_a_wrong_login_is_bad_and_tells_no_password() -> None:
    with Relay(tls="starttls", login=("us", "secret-word")) as relay:
        ((level, found),) = judged(smtp(relay, username="us"), password("another-word"))
    assert level is Level.ERROR
    assert "535" in found
    assert "word" not in found.replace("password", "")


def test_a_relay_without_pipelining_says_so() -> None:
    with Relay(pipelining=False) as relay:
        ((level, found),) = judged(smtp(relay, security="none"))
    assert level is Level.OK
    assert "no pipelining" in found


def test_a_relay_for_small_mails_only() -> None:
    with Relay(size_limit_bytes=100_000) as relay:
        _, (level, found) = judged(smtp(relay, security="none"))
    assert level is Level.WARNING
    assert "takes no mail above 100,000 bytes" in found


def test_a_relay_that_is_away_or_busy_is_bad() -> None:
    with Relay() as relay:
        relay.on(Step.CONNECT, Say("421 4.3.2 too busy"))
        ((level, found),) = judged(smtp(relay, security="none"))
        assert level is Level.ERROR
        assert "too busy" in found
        port = relay.port
    ((level, found),) = judged(Settings(root=Path(), transport="smtp").using(Smtp(host="127.0.0.1", port=port)))
    assert level is Level.ERROR
    assert "can't be reached" in found


FACTS = RelayFacts("smtp.a.test", 587, "starttls", "TLSv1.3", "us", pipelining=True, size_limit_bytes=0)


def test_unencrypted_beyond_this_machine_is_a_warning() -> None:
    assert [one.level for one in judge_relay(FACTS)] == [Level.OK]
    plain = replace(FACTS, security="none", tls_version=None)
    assert [one.level for one in judge_relay(plain)] == [Level.OK, Level.WARNING]
    assert [one.level for one in judge_relay(replace(plain, host="127.0.0.1"))] == [Level.OK]


def sendgrid(fake: SendgridFake, sender: Sender = SENDER) -> Settings:
    return Settings(root=Path(), transport="sendgrid", sender=sender).using(Sendgrid(base_url=fake.url))


def test_sendgrid_validates_in_its_sandbox() -> None:
    with SendgridFake(api_key="SG.right") as fake:
        assert judged(sendgrid(fake), key("SG.right")) == [
            (Level.OK, f"SendGrid at {fake.url} takes mail from appeals@a.test")
        ]
        assert fake.accepted == []
        assert fake.requests[0]["mail_settings"]["sandbox_mode"] == {"enable": True}


def test_sendgrid_refuses() -> None:
    with SendgridFake(api_key="SG.right") as fake:
        ((level, found),) = judged(sendgrid(fake), key("SG.wrong"))
        assert level is Level.ERROR
        assert "401" in found
        assert "SG.wrong" not in found
        fake.on(Answer(503), times=1)
        assert judged(sendgrid(fake), key("SG.right"))[0][0] is Level.ERROR
        assert "no SendGrid API key" in judged(sendgrid(fake))[0][1]
        assert "no sender" in judged(sendgrid(fake, Sender()), key("SG.right"))[0][1]


def test_the_outbox(tmp_path: Path) -> None:
    ((level, found),) = judged(Settings(root=tmp_path))
    assert level is Level.OK
    assert "nothing leaves this machine" in found
    (tmp_path / "file").touch()
    ((level, found),) = judged(Settings(root=tmp_path).using(Outbox(path="file/outbox")))
    assert level is Level.ERROR
    assert "can't be used" in found


def leaves(settings: Settings) -> bool:
    return provider_named(settings.transport).leaves(settings)


def test_what_leaves() -> None:
    assert not leaves(Settings(root=Path()))
    assert not leaves(Settings(root=Path(), transport="smtp"))
    assert leaves(Settings(root=Path(), transport="smtp").using(Smtp(host="smtp.a.test")))
    assert leaves(Settings(root=Path(), transport="sendgrid"))
