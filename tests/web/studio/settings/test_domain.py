"""Check everything: each finding with its button, what the DNS lacks to be copied, looked at until it is right."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mailer.diagnostics import bad, of_part, warning
from mailer.staff.rights import Role
from mailer.web.studio.settings.domain import in_labels, place_of
from tests.servers.dns_server import DnsServer
from tests.web.studio.conftest import House

pytestmark = pytest.mark.sqlite  # what is in the database is for tests/editing/settings

DOMAIN, PATH = "night-school.test", "/settings/domain"


@pytest.fixture
def dns(house: House) -> Iterator[DnsServer]:
    """The house mails from a domain that this server knows; nothing else of the network is asked."""
    with DnsServer({DOMAIN: {"MX": [f"10 mx.{DOMAIN}."], "TXT": ['"v=spf1 mx -all"']}}) as server:
        path = house.workspace.root / "mailer.toml"
        text = path.read_text(encoding="utf-8").replace("https://mail.example.org", "http://127.0.0.1:1")
        text = re.sub(r"@example\.org", f"@{DOMAIN}", text)
        path.write_text(f'{text}\n[dns]\nserver = "{server.address}"\ntimeout_seconds = 60\n', encoding="utf-8")
        yield server


def checked(house: House) -> str:
    cookie = house.sign_in(Role.ADMIN)
    assert house.post(f"{PATH}/check", cookie=cookie).status == 303
    return house.get(PATH, cookie=cookie).text


def test_what_the_dns_lacks_is_shown_to_copy_until_it_is_there(house: House, dns: DnsServer) -> None:
    record = f"v=DMARC1; p=none; rua=mailto:postmaster@{DOMAIN}"
    assert "Is everything in order?" in house.get(PATH, cookie=house.sign_in(Role.ADMIN)).text
    before = checked(house)
    assert f"Domain {DOMAIN}" in before
    assert f'data-copy="_dmarc.{DOMAIN}"' in before
    assert f'data-copy="{record}"' in before
    dns.zone[f"_dmarc.{DOMAIN}"] = {"TXT": [f'"{record}"']}
    after = checked(house)
    assert "data-copy" not in after
    assert "p=none, fine for the large providers" in after
    assert "good for trying out only" in after, "the public address is as it was"


def test_each_finding_leads_to_where_it_is_set() -> None:
    for found, path in (
        (bad("x", "Set public.url to it."), "/settings/organisation"),
        (bad("x", "Put your own address into [sender] from in mailer.toml."), "/settings/senders"),
        (bad("the relay's name mx has no address", "Correct smtp.host."), "/settings/sending"),
        (bad("x", "Put your own address into from in lists/news.toml."), "/lists/news"),
        (warning("DKIM: no selector is set, so …", "Ask."), "/settings/senders"),
        (bad("webhook.url: it leads inside", "Set webhook.private = true."), "/settings/webhook"),
        (bad("the disk is full"), ""),
    ):
        assert place_of(found)[0] == path
    (login,) = of_part("transport", [bad("the relay refused the login")])
    assert place_of(login)[0] == "/settings/sending"
    assert in_labels("Put it into [sender] from in mailer.toml.") == "Put it into “From”."
    assert (
        in_labels("Set public.url to an address of docs.example.")
        == "Set “Public address” to an address of docs.example."
    )
