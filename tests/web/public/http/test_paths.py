"""Rubbish after a link is cut off, capitals in names are not minded, and nothing inside a token is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote, urlencode, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.store.engine.database import Database
from mailer.store.tables import inbound as tables
from mailer.store.tables.core import subscriptions
from mailer.tracking.tokens import LinkVisit, Named, Purpose, Signer
from mailer.web.public.app import ROUTES, create_app
from mailer.web.public.http.paths import whole
from mailer.workspace import ACTION_FILE, Workspace
from tests.reports.builders import ACTION, delivery_id
from tests.web.client import BROWSER, fetch, serving
from tests.web.conftest import Served, seed
from tests.web.notices import queued
from tests.web.public.petition.test_action_page import PAGE

pytestmark = pytest.mark.sqlite

AFTER = (
    ".", ")", ">", "/", "//", ",", ";", ":", "!", "?", "'", '"', "”", "»", "]", "}", "*", "|", "\\", "=", "~",
    "\u00a0", " ", "\u200b", "\u2026", "&amp;utm_source=x", "&lt;/a&gt;", ">.", ").", "/.", "/)", "%20", "。", "、",
    "\r\n", "\t", " and more", "@", "#", "<br>", "。点击",
)  # fmt: skip
TOKEN = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-_"
STRAIGHT = (
    f"/c/{TOKEN}/1", f"/c/{TOKEN}/1234", f"/u/{TOKEN}", f"/u/{TOKEN}/undo", f"/v/{TOKEN}", f"/p/{TOKEN}",
    f"/p/{TOKEN}/address", f"/p/{TOKEN}/data", f"/p/{TOKEN}/delete", f"/confirm/{TOKEN}", f"/o/{TOKEN}.gif",
    "/act/lib", "/act/lib/thanks", "/join/x", "/join/x/sent", "/archive", "/archive/feed.atom", "/archive/2026-11-ask",
    "/archive/2026-11-ask/go/3", "/progress/lib.png",
)  # fmt: skip


@pytest.mark.parametrize("path", STRAIGHT)
def test_rubbish_after_an_address_is_cut(path: str) -> None:
    assert whole(path) == path
    for after in AFTER:
        probe = path.startswith("/c/") and after == "'"
        assert whole(path + after) == (path + after if probe else path), after


@pytest.mark.parametrize(
    ("shouted", "path"),
    [
        ("/ACT/LIB", "/act/lib"), ("/Act/Lib/thanks.", "/act/lib/thanks"), ("/JOIN/X/", "/join/x"),
        ("/Archive", "/archive"), ("/archive/FEED.atom", "/archive/feed.atom"),
        ("/Progress/LIB.png", "/progress/lib.png"),
        (f"/U/{TOKEN}", f"/u/{TOKEN}"), (f"/Confirm/{TOKEN})", f"/confirm/{TOKEN}"), (f"/C/{TOKEN}/1", f"/c/{TOKEN}/1"),
    ],
)  # fmt: skip
def test_capitals_are_not_minded_outside_a_token(shouted: str, path: str) -> None:
    assert whole(shouted) == path


@pytest.mark.parametrize("after", ["x", "点击这里", "_", "-", "and"])
def test_a_token_ends_by_its_length(after: str) -> None:
    assert whole(f"/u/{TOKEN}{after}") == f"/u/{TOKEN}"


@pytest.mark.parametrize(
    "path",
    [
        f"/c/{TOKEN}", f"/c/{TOKEN}/", f"/c/{TOKEN}/x", f"/c/{TOKEN}/1x", f"/c/{TOKEN}/12345", f"/c/{TOKEN[:-1]}/1",
        f"/c/{TOKEN[:-1]}./1", f"/u/{TOKEN[:-1]}", f"/u/{TOKEN[:9]} {TOKEN[9:]}", f"/u/{TOKEN}/undone",
        f"/u/{TOKEN}/x", f"//u/{TOKEN}", f"/x/u/{TOKEN}", "/act/", "/act/lib/x", "/act/../lib", "/act/.", "/join//x",
        "/archived", "/archive/lib/go/x", "/i/0123456789abcdef/a.png", "/healthz/", "/", "", "*", "/api/conversions/",
    ],
)  # fmt: skip
def test_what_is_no_whole_address_is_left_as_it_came(path: str) -> None:
    left = whole(path)
    assert left == path or (left, path) in [(f"/c/{TOKEN}", f"/c/{TOKEN}/")]


@given(st.text(max_size=80) | st.builds("".join, st.lists(st.sampled_from([*STRAIGHT, *AFTER, "x", "/"]), max_size=4)))
def test_cutting_twice_cuts_nothing_more_and_only_ever_the_end(path: str) -> None:
    once = whole(path)
    assert whole(once) == once
    assert path.lower().startswith(once.lower())


def test_every_route_with_a_token_or_a_name_is_known() -> None:
    """A new route is told of here, or its links break at the first full stop."""
    for route in ROUTES:
        path = route.path.replace("{token}", TOKEN).replace("{slug}", "lib").replace("{list}", "x").replace("{n}", "1")
        path = path.replace("picture/{name}", f"picture/{'0' * 16}-480.webp")
        path = path.replace("card/{name}", f"card/{'0' * 16}.jpg")
        if (
            path.startswith(("/i/", "/hooks/", "/healthz", "/readyz", "/robots", "/api/", "/brand/", "/subscription/"))
            or path == "/"
        ):
            continue
        assert whole(f"{path}).") == path, route.path


@pytest.fixture(params=["", "/mail"])
def site(request: pytest.FixtureRequest, workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    (workspace.lists / "updates.toml").write_text(
        'title = "News"\nlist_id = "n.example.org"\npublic_form = true\nconsent = "Yes"\n'
    )
    (workspace.newsletters / "library").mkdir()
    (workspace.newsletters / "library" / ACTION_FILE).write_text(PAGE, encoding="utf-8")
    seed(database, now)
    public = replace(workspace.settings.public, url=f"https://mail.example.org{request.param}")
    workspace = replace(workspace, settings=replace(workspace.settings, public=public))
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


@pytest.mark.parametrize(
    "after", ["1.", "1)", "1>", "1%C2%A0", "1&amp;utm_source=x", "1/", "1%27)", "1%3Futm=x", "1%EF%BC%8E"]
)
def test_a_click_with_rubbish_behind_it_leads_on_and_counts(served: Served, after: str) -> None:
    for _ in range(2):  # the second time from memory
        reply = served.get(f"{served.path(Purpose.CLICK)}/{after}")
        assert (reply.status, reply.headers["location"]) == (302, ACTION)
    assert [row.n for row in served.rows()] == [1, 1]


@pytest.mark.parametrize("after", [".", ")", "/", "%3E", "%C2%A0", "&amp;x=1", "%20http://x"])
def test_leaving_works_with_rubbish_behind_the_link(served: Served, after: str) -> None:
    path = served.path(Purpose.UNSUBSCRIBE)
    page = served.get(path + after)
    assert page.status == 200
    assert {row.status for row in served.rows(subscriptions)} == {"subscribed"}
    assert served.post(path + after).status == 200
    assert "unsubscribed" in {row.status for row in served.rows(subscriptions)}


def test_a_changed_token_with_rubbish_is_still_refused(served: Served) -> None:
    path = served.path(Purpose.UNSUBSCRIBE)
    for broken in (path[:-1] + ".", path[:-2] + ").", path[:9] + "." + path[9:], path.swapcase() + "."):
        assert served.post(broken).status == 404
    assert {row.status for row in served.rows(subscriptions)} == {"subscribed"}


@pytest.mark.parametrize("spelt", ["LIBRARY", "library/", "Library.", "library%C2%A0", "library/)", "library%3E"])
def test_an_action_page_is_found_and_signed_however_it_is_spelt(site: Served, spelt: str) -> None:
    prefixes = [prefix for prefix in ("", "/mail") if site.get(f"{prefix}/archive").status == 200]
    assert prefixes
    body = urlencode({"first_name": "Ana", "last_name": "Li", "email": "ana@example.org", "country": "IE"}).encode()
    form = {**BROWSER, "Content-Type": "application/x-www-form-urlencoded"}
    for prefix in prefixes:
        path = f"{prefix}/act/{spelt}"
        assert site.get(path).status == 200
        reply = fetch(site.port, path, method="POST", body=body, headers=form)
        assert reply.status == 303
        there = urljoin(path, reply.headers["location"])
        there, _, own = there.partition("?")
        assert there == f"{prefix}/act/library/thanks"
        assert own.startswith("own=")
        assert site.get(there).status == 200
    assert len(site.rows(tables.signatures)) == 1


@pytest.mark.parametrize("spelt", ["updates/", "Updates", "updates).", "updates/%22"])
def test_a_form_works_however_its_address_is_spelt(site: Served, spelt: str) -> None:
    path = f"/join/{spelt}"
    page = site.get(path)
    assert page.status == 200
    mark = page.text.partition('name="agreed" value="')[2].partition('"')[0]
    reply = site.post(path, urlencode({"email": "ana@example.org", "agreed": mark}).encode())
    assert reply.status == 303
    assert urljoin(path, reply.headers["location"]) == "/join/updates/sent"
    assert len(queued(site)) == 1


def test_a_visit_with_rubbish_behind_it_is_known(site: Served, now: datetime) -> None:
    token = site.signer.sign_visit(Purpose.ACT, LinkVisit(Named(delivery_id(1)), 2, now))
    for after in ("", ".", ")", "%C2%A0", "&amp;source=x", "%3E"):
        assert "Not you?" in site.get(f"/act/library?t={token}{after}").text, after
    assert "Not you?" not in site.get(f"/act/library?t={token[:-1]}.").text
    assert "Not you?" not in site.get(f"/act/library?t={quote('(' + token)}").text
