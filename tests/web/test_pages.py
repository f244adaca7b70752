"""What pages promise: small, no script, nothing loaded, a strict policy, the mail in the browser, plain failures."""

from __future__ import annotations

import hashlib
import logging
import re
from base64 import b64encode
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, people
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.pages.templates import mask
from mailer.web.public.app import create_app
from mailer.web.public.core.context import Door
from mailer.workspace import Workspace, find_workspace
from tests.reports.builders import delivery_id
from tests.web.client import Reply, fetch, serving
from tests.web.conftest import PICTURE, Served, seed

pytestmark = pytest.mark.sqlite  # about pages; what they read is little


class Outline(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def names(self) -> list[str]:
        return [tag for tag, _ in self.tags]


def all_pages(served: Served) -> dict[str, Reply]:
    leaving, preferences = served.path(Purpose.UNSUBSCRIBE), served.path(Purpose.PREFERENCES)
    return {
        "home": served.get("/"),
        "leave": served.get(leaving),
        "preferences": served.get(preferences),
        "proof": served.get(served.path(Purpose.UNSUBSCRIBE, proof=True)),
        "left": served.post(leaving, b"from=page"),
        "already": served.get(leaving),
        "undone": served.post(f"{leaving}/undo"),
        "less": served.post(preferences, b"shown=1&shown=2&on=1"),
        "address": served.post(f"{preferences}/address", b"email=zoe@example.net"),
        "no address": served.post(f"{preferences}/address", b"email=zoe"),
        "data": served.post(f"{preferences}/data"),
        "delete": served.get(f"{preferences}/delete"),
        "lost": served.get("/c/x/1"),
        "nowhere": served.get("/nothing/here"),
        "method": served.get("/", method="DELETE"),
    }


def test_every_page_keeps_the_promises(served: Served) -> None:
    keep_the_promises(all_pages(served))


def keep_the_promises(pages: dict[str, Reply]) -> None:
    """Small, no script, nothing loaded, one heading, every field named, a strict policy."""
    for name, reply in pages.items():
        assert len(reply.body) < 20_000, name
        outline = Outline(reply.text)
        tags = outline.names()
        assert not {"script", "iframe", "object", "video", "audio"} & set(tags), name
        loaded = [given.get("href") or given.get("src") for tag, given in outline.tags if tag in ("link", "img")]
        assert all(re.fullmatch(r"/brand/(logo|icon)-[0-9a-f]{12}\.(png|svg)", str(address)) for address in loaded), (
            name
        )
        assert loaded, "the icon"
        assert tags.count("h1") == tags.count("title") == tags.count("main") == 1, name
        assert outline.tags[0] == ("html", {"lang": "en", "dir": "ltr"}), name
        named = {given.get("for") for tag, given in outline.tags if tag == "label"}
        boxes = ("checkbox", "radio", "hidden")  # the first two stand inside their labels
        fields = [given for tag, given in outline.tags if tag in ("input", "select")]
        assert {given.get("id") for given in fields if given.get("type") not in boxes} <= named, name
        assert not [tag for tag, given in outline.tags if "style" in given or any(a.startswith("on") for a in given)]
        assert "width=device-width" in reply.text
        check_policy(reply)


def check_policy(reply: Reply) -> None:
    styles = re.findall(r"<style>(.*?)</style>", reply.text, re.DOTALL)
    assert styles
    digests = [b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
    assert "url(" not in "".join(styles)
    assert "@import" not in "".join(styles)
    directives = dict(re.findall(r"([a-z-]+) ([^;]+)", reply.headers["content-security-policy"]))
    assert {f"'sha256-{digest}'" for digest in digests} <= set(directives.pop("style-src").split())
    assert directives == {
        "default-src": "'none'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["x-robots-tag"] == "noindex"
    assert reply.headers["cache-control"] == "no-store"
    assert "server" not in reply.headers


def test_the_mail_in_the_browser_is_the_persons_own(served: Served) -> None:
    reply = served.get(served.path(Purpose.VIEW))
    assert reply.status == 200
    assert "Dear Mary &lt;3" in reply.text
    assert f"https://mail.example.org/c/{served.token(Purpose.CLICK)}/1" in reply.text
    assert f"https://mail.example.org/u/{served.token(Purpose.UNSUBSCRIBE)}" in reply.text
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "img-src 'self' data: https://mail.example.org;" in policy
    assert "form-action 'none'" in policy


def test_the_mail_of_a_forgotten_person_has_fallbacks(served: Served) -> None:
    with served.database.write() as connection:
        connection.execute(update(deliveries).values(person_id=None))
    reply = served.get(served.path(Purpose.VIEW))
    assert reply.status == 200
    assert "Mary" not in reply.text


def test_a_proof_in_the_browser_leads_to_proof_links(served: Served) -> None:
    reply = served.get(served.path(Purpose.VIEW, proof=True))
    assert "Dear Mary &lt;3" in reply.text
    assert served.token(Purpose.CLICK, proof=True) in reply.text


def test_pictures_are_served_for_ever(served: Served) -> None:
    reply = served.get("/i/0123456789abcdef/folder/photo.png")
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, PICTURE, "image/png")
    assert "immutable" in reply.headers["cache-control"]
    again = served.get("/i/0123456789abcdef/photo.png", headers={"If-None-Match": reply.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    for path in ("/i/ffffffffffffffff/photo.png", "/i/x/photo.png", "/i/0123456789abcdef"):
        assert served.get(path).status == 404


def test_health_and_robots(served: Served) -> None:
    assert served.get("/healthz").text == "ok\n"
    assert served.get("/readyz").text == "ok\n"
    assert served.get("/robots.txt").text.startswith("User-agent: *\n")


def test_a_fault_of_ours_is_a_plain_page_and_the_log_names_no_one(
    workspace: Workspace,
    database: Database,
    now: datetime,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(workspace, database, clock=lambda: now)

    def broken(*_: object, **__: object) -> None:
        raise ValueError("mary1@example.org")

    monkeypatch.setattr(Door, "about_list", broken)
    seed(database, now)
    token = Signer(workspace.secrets.require_signing()).sign(Purpose.UNSUBSCRIBE, Named(delivery_id(1)))
    with caplog.at_level(logging.DEBUG), serving(app) as port:
        reply = fetch(port, f"/u/{token}")
    assert reply.status == 500
    assert "Sorry, that’s our fault" in reply.text
    assert "Traceback" not in reply.text
    assert "ValueError at" in caplog.text
    assert "mary1" not in caplog.text
    assert token not in caplog.text


def test_the_log_holds_no_token_and_no_address(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        all_pages(served)
        served.get(f"{served.path(Purpose.CLICK)}/1")
    assert served.token(Purpose.UNSUBSCRIBE) not in caplog.text
    assert served.token(Purpose.CLICK) not in caplog.text
    assert "127.0.0.1" not in "".join(r.getMessage() for r in caplog.records if "running on" not in r.getMessage())


def test_hostile_brand_and_titles_stay_text(
    tmp_path: Path, workspace: Workspace, database: Database, now: datetime
) -> None:
    text = (workspace.root / "mailer.toml").read_text()
    text = text.replace('"Example Campaigns"', '"<b>Camp</b>"') + '\n[brand]\nfont = "x</style><script>;}*{color:red"\n'
    text = text.replace('website = "https://example.org"', 'website = "javascript:alert(1)"')
    (workspace.root / "mailer.toml").write_text(text)
    app = create_app(find_workspace(workspace.root, environ={}), database, clock=lambda: now)
    with serving(app) as port:
        reply = fetch(port, "/")
    assert "<b>Camp" not in reply.text
    assert "script" not in Outline(reply.text).names()
    assert "javascript:" not in reply.text
    check_policy(reply)


@given(st.emails())
def test_masked_addresses_show_little(address: str) -> None:
    masked = mask(address)
    local, _, domain = address.rpartition("@")
    shown, _, behind = masked.rpartition("@")
    assert len(shown.replace("•", "")) <= min(3, max(1, len(local)))
    assert len(local) <= 2 or local not in masked
    assert behind == domain or len(behind.partition("•")[0]) <= 2
    assert mask(f"{local}@gmail.com").endswith("@gmail.com")


@given(st.from_regex(r"[a-z]{5,40}@[a-z]{5,40}\.org", fullmatch=True))
def test_how_long_an_address_is_stays_untold(address: str) -> None:
    assert len(mask(address)) == len("ab•••••c@de•••••.org")


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("mike@example.org", "m•••••e@ex•••••.org"),
        ("marianne.kirk@gmail.com", "ma•••••k@gmail.com"),
        ("marianne.kirk@GMX.de", "ma•••••k@GMX.de"),
        ("a@b.org", "a•••••@b•••••.org"),
        ("jo@mail.example.co.uk", "j•••••@ma•••••.uk"),
        ("root@localhost", "r•••••t@lo•••••"),
    ],
)
def test_masked_addresses_are_known_again(address: str, masked: str) -> None:
    assert mask(address) == masked


def test_people_are_untouched_by_all_that_fetching(served: Served) -> None:
    before = served.rows(people)
    all_pages(served)
    assert served.rows(people) == before
