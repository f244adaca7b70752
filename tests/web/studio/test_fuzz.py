"""Whatever somebody of the staff sends to any address of the studio, it answers, never with a fault of ours (5xx), and
nobody gets what their rights don't bring."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.staff.rights import RIGHTS, Right, Role
from mailer.web.studio.app import ROOMS
from mailer.web.studio.core.rooms import StudioRoute
from tests.web.studio.conftest import SLUG, House

EVENTS = re.compile(r"/(moves|changes|events)$")  # answers that go on until somebody leaves
OF_ACCOUNTS = re.compile(r"^/(sign|account|staff/\{)")  # what ends a session, or gives its account another role
ROUTES = [
    route
    for room in ROOMS
    for route in room.routes
    if not EVENTS.search(route.path) and not (route.method != "GET" and OF_ACCOUNTS.search(route.path))
]
PARAMETER = re.compile(r"\{(\w+)(:\w+)?\}")
NAMES = (
    "number", "seen", "known", "when", "day", "clock", "name", "template", "copy", "address", "role", "lists", "list",
    "q", "as", "shape", "colours", "to", "state", "month", "before", "text", "body", "base", "fields", "view", "line",
    "file", "thread", "seen", "digest", "at", "subject", "whole", "label", "choice", "carried", "look",
)  # fmt: skip
ODD = (
    "", "0", "-1", "1e9", "9" * 400, "../../etc/passwd", "%00", "\x00", "\ud7ff", "’", "💥@💥", "' OR 1=1 --", "٣", "³",
    "<script>alert(1)</script>", "{{7*7}}", "{% for a in b %}", "\r\nSet-Cookie: a=b", "now", "at", "2026-13-41", "3",
    "2027-03-28", "01:30", "99:99", "9999-12-31", "0001-01-01", "supporters", "appeal", SLUG, "ada", "phone",
    "message.md",
)  # fmt: skip

hostile = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values: st.SearchStrategy[dict[str, str]] = st.dictionaries(st.sampled_from(NAMES), hostile, max_size=6)
nested = st.recursive(hostile | st.none() | st.integers(), lambda some: st.lists(some, max_size=3), max_leaves=5)


@pytest.fixture
def cookies(house: House) -> dict[Role, str]:
    return {role: house.sign_in(role) for role in Role}


@given(data=st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_nothing_that_is_sent_fails_or_opens_more(house: House, cookies: dict[Role, str], data: st.DataObject) -> None:
    route: StudioRoute = data.draw(st.sampled_from(ROUTES))
    role = data.draw(st.sampled_from(list(Role)))
    named = data.draw(st.sampled_from([True, True, False]))

    def part(found: re.Match[str]) -> str:
        if found[2] == ":int":
            return str(data.draw(st.integers(0, 2**70)))
        if found[1] == "name" and named:
            return SLUG
        return quote(data.draw(hostile.filter(bool)), safe="")

    path = PARAMETER.sub(part, route.path)
    query = urlencode(data.draw(values))
    if route.method == "GET":
        reply = house.get(f"{path}?{query}", cookie=cookies[role])
    else:
        as_json = data.draw(st.booleans())
        made = st.dictionaries(st.sampled_from(NAMES), nested, max_size=5)
        body = json.dumps(data.draw(made)) if as_json else urlencode(data.draw(values))
        reply = house.post(path, body.encode("utf-8", "replace"), cookie=cookies[role])
    assert reply.status < 500, (route.method, path, role)
    if isinstance(route.asks, Right) and route.asks not in RIGHTS[role] and reply.status != 404:
        assert reply.status == 403, (route.method, path, role)


@pytest.mark.parametrize(
    "path", [f"/newsletters/{SLUG}%00/", f"/newsletters/{SLUG}%00/send", "/newsletters?q=%00x", "/find?q=%00"]
)
def test_a_nul_is_nothing(house: House, path: str) -> None:
    assert house.get(path).status in (200, 404)
    assert house.post("/newsletters/new", b"name=%00&template=appeal").status < 500


def test_a_nul_in_what_is_typed_is_told(house: House) -> None:
    for route in ("draft", "look", "save"):
        sent = json.dumps({"base": "x", "body": "a\0b", "fields": {"subject": "\0"}}).encode()
        assert house.post(f"/newsletters/{SLUG}/{route}", sent).status < 500, route
