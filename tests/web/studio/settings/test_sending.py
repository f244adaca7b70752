"""The mail service: chosen by form, its secrets kept and never shown, and a test mail that leaves or says why not."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from mailer.settings import read_secrets, read_settings
from mailer.settings.providers import provider_sections
from mailer.settings.tables import settings_of
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.transports.smtp.settings import Smtp
from tests.servers.relay import Relay, Say, Step
from tests.web.client import Reply
from tests.web.studio.conftest import House
from tests.web.studio.settings.test_forms import base

pytestmark = pytest.mark.sqlite  # what is in the database is for tests/editing/settings

SENDING = "/settings/sending"
PRESETS = [(section, preset) for section in provider_sections().values() for preset in section.presets]


def use(house: House, service: str, **typed: str) -> Reply:
    fields = {name.replace("__", "."): value for name, value in typed.items()}
    body = urlencode({"base": base(house, f"{SENDING}/{service}"), **fields}).encode()
    return house.post(f"{SENDING}/{service}", body, cookie=house.sign_in(Role.ADMIN))


def try_out(house: House, to: str) -> Reply:
    return house.post(f"{SENDING}/test", urlencode({"to": to}).encode(), cookie=house.sign_in(Role.ADMIN))


@pytest.mark.parametrize(("section", "preset"), PRESETS, ids=[preset.name for _, preset in PRESETS])
def test_what_a_service_asks_for_are_settings_and_secrets_of_its_provider(section, preset) -> None:  # type: ignore[no-untyped-def]
    known = {*settings_of(section.kind), *section.secrets}
    assert {*preset.sets, *(one.name for one in preset.asks)} <= known
    assert len({one.name for _, one in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize(("section", "preset"), PRESETS, ids=[preset.name for _, preset in PRESETS])
def test_each_service_is_chosen_by_its_form_and_known_again(house: House, section, preset) -> None:  # type: ignore[no-untyped-def]
    answers = {"port": "587", "host": "mail.example.org", "stream": "broadcast", "region": "eu-central-1"}
    typed = {
        (one.name if one.name in section.secrets else f"{section.name}__{one.name}"):
        one.choices[0][0] if one.choices else answers.get(one.name, "" if one.name == "topic_arn" else "word")
        for one in preset.asks
    }  # fmt: skip
    assert use(house, preset.name, **typed).status == 303
    settings = read_settings(house.workspace.root, {})
    assert settings.transport == section.name
    kept = read_secrets(house.workspace.root, {})
    assert all(kept.of_provider(one.name) == "word" for one in preset.asks if one.name in section.secrets)
    rows = house.get(SENDING, cookie=house.sign_in(Role.ADMIN)).text.split("<li")
    assert [f">{preset.title}<" in row for row in rows if "In use" in row] == [True]


def test_a_secret_is_written_logged_by_name_and_never_shown(house: House) -> None:
    assert use(house, "mailjet", smtp__username="us", smtp_password="very-secret").status == 303
    page = house.get(f"{SENDING}/mailjet", cookie=house.sign_in(Role.ADMIN)).text
    assert "very-secret" not in page
    assert "Leave it empty to keep it" in page
    assert use(house, "mailjet", smtp__username="you", smtp_password="").status == 303
    assert read_secrets(house.workspace.root, {}).of_provider("smtp_password") == "very-secret"
    with house.studio.database.read() as connection:
        log = [f"{one.action}: {one.detail}" for one in entries(connection, AuditFilter(subject="settings"))]
    assert log[-2:] == [
        "settings changed: smtp.username not set → us; transport not set → smtp; smtp.port not set → 587; "
        "smtp.security not set → starttls; smtp.host not set → in-v3.mailjet.com",
        "secret written: smtp_password",
    ]
    assert "very-secret" not in str(log)


def test_what_is_wrong_is_said_and_the_service_stays(house: House) -> None:
    reply = use(house, "another", smtp__host="mail.example.org", smtp__port="99999", smtp__security="tls")
    assert reply.status == 422
    assert "Port must be from 1 to 65,535" in reply.text
    assert read_settings(house.workspace.root, {}).transport == "outbox"


def test_a_test_mail_leaves_and_its_refusal_is_said(house: House) -> None:
    with Relay() as relay:
        port = str(relay.port)
        assert use(house, "another", smtp__host="127.0.0.1", smtp__port=port, smtp__security="none").status == 303
        assert read_settings(house.workspace.root, {}).section(Smtp).port == relay.port
        reply = try_out(house, "amina@example.org")
        assert reply.status == 200
        assert "SMTP took it." in reply.text
        (mail,) = relay.received
        assert b"A test mail from Example Campaigns" in mail.content
        relay.on(Step.RCPT, Say("550 5.7.1 <amina@example.org> not with us"))
        refused = try_out(house, "amina@example.org")
    assert refused.status == 422
    assert "No test mail left." in refused.text
    assert "not with us" in refused.text
    assert 'value="amina@example.org"' in refused.text
    assert "No test mail left." in try_out(house, "nobody").text
    with house.studio.database.read() as connection:
        assert [one.detail for one in entries(connection, AuditFilter(actions=("test mail sent",)))] == ["SMTP"]


def test_without_a_service_a_test_mail_stays_here_and_says_so(house: House) -> None:
    reply = try_out(house, "amina@example.org")
    assert "Choose a service to have it leave." in reply.text
    assert len(list((house.workspace.root / "outbox" / "new").iterdir())) == 1
