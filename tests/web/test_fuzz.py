"""Whatever strangers send to any address of the door, it answers, and never with a fault of ours (5xx)."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.store.engine.database import Database
from mailer.tracking.tokens import LinkVisit, Named, Purpose, Signer
from mailer.web.public.app import ROUTES, create_app
from mailer.workspace import ACTION_FILE, Workspace
from tests.conftest import NOW
from tests.patience import HANG_SECONDS
from tests.reports.builders import SLUG, delivery_id
from tests.web.client import serving
from tests.web.conftest import PROOF, Served, seed
from tests.web.public.petition.test_action_page import PAGE

pytestmark = pytest.mark.sqlite  # about what is sent, not about where it is kept

PATHS = sorted({route.path for route in ROUTES})
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "NONSENSE")
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
HEADER_NAMES = (
    "Accept", "Accept-Language", "User-Agent", "Cookie", "Range", "If-None-Match", "X-Forwarded-For", "Forwarded",
    "Sec-GPC", "Expect", "Content-Encoding", "Authorization", "Origin", "Upgrade",
    "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp",
)  # fmt: skip
TYPES = (
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data", "application/json",
    "text/plain; charset=\xff", "",
)  # fmt: skip
FORM_NAMES = (
    "email", "first_name", "last_name", "name", "country", "postcode", "comment", "t", "token", "lists", "leave",
    "from", "frequency", "language", "tracking", "address", "List-Unsubscribe", "website", "delete", "confirm",
    "shown", "news",
)  # fmt: skip
QUERY = ("lang", "t", "source", "utm_source", "mailer", "q")
ODD = (
    "", "0", "-1", "1e9", "9" * 400, "../../etc/passwd", "%00", "\x00", "\ud7ff", "’", "a@b.c", "💥@💥", "' OR 1=1 --",
    "<script>alert(1)</script>", "{{7*7}}", "=cmd|' /C calc'!A0", "\r\nSet-Cookie: a=b",
)  # fmt: skip
AFTER = (
    ".",
    ")",
    "/",
    "//",
    "/.",
    "'",
    "&amp;x=1",
    "%C2%A0",
    "%",
    "%zz",
    "%00",
    "/../..",
    "x",
    "点击",
    "\u00a0",
    "#",
    "?",
)
WHOM = (Named(delivery_id(1)), Named(delivery_id(99)), Named(PROOF, proof=True), Named(2**63 + 1), Named(0))

hostile = st.text(max_size=60) | st.sampled_from(ODD)
plain = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80)


@pytest.fixture(params=["", "/mail"])
def served(request: pytest.FixtureRequest, workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    """With an open list and a sign page, below a path of the public address or not."""
    (workspace.lists / "updates.toml").write_text(
        'title = "News"\nlist_id = "n.example.org"\npublic_form = true\nconsent = "Yes"\n'
    )
    (workspace.newsletters / SLUG).mkdir()
    (workspace.newsletters / SLUG / ACTION_FILE).write_text(PAGE, encoding="utf-8")
    seed(database, now)
    public = replace(workspace.settings.public, url=f"https://mail.example.org{request.param}")
    workspace = replace(workspace, settings=replace(workspace.settings, public=public))
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def tokens(served: Served) -> list[str]:
    """Genuine tokens of each purpose: of people, of a proof, and of nobody."""
    found: list[str] = []
    for purpose in Purpose:
        for named in WHOM:
            found.append(served.signer.sign(purpose, named))
            found.append(served.signer.sign_visit(purpose, LinkVisit(named, 1, NOW)))
    return found


def bodies(values: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    fields = st.lists(st.tuples(st.sampled_from(FORM_NAMES), values), max_size=6)
    form = fields.map(lambda pairs: "&".join(f"{n}={quote(v, errors='replace')}" for n, v in pairs).encode())
    name = st.sampled_from(("", '; filename="a.txt"', '; filename=""', "; filename*=utf-8''%00"))
    part = st.tuples(fields, name).map(
        lambda found: (
            "".join(
                f'--b\r\nContent-Disposition: form-data; name="{n}"{found[1]}\r\n\r\n{v}\r\n' for n, v in found[0]
            ).encode("utf-8", "replace")
            + b"--b--"
        )
    )
    data = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["token", "name", "event", "email",
                      "timestamp", "at", "c", "reference", "sg_event_id", "type"]), inner, max_size=4),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())  # fmt: skip
    return st.one_of(form, part, data, st.binary(max_size=200), st.just(b"[" * 5000))


def send(port: int, request: bytes) -> bytes:
    """The answer's beginning; the request may be no HTTP at all."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:  # it hung up on what was still to come
            pass
        return answer


def assert_answered(answer: bytes) -> None:
    """One HTTP answer that is not a fault of ours."""
    found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    assert found, answer[:200]
    assert int(found[1]) < 500, answer[:200]


@pytest.mark.parametrize("path", PATHS)
def test_no_request_is_a_fault_of_ours(served: Served, path: str) -> None:
    known = st.sampled_from([*tokens(served), SLUG, "supporters", "updates", "1", "2", "0123456789abcdef"])
    values = st.one_of(known, known, hostile)

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(
        parameters=st.lists(values, min_size=4, max_size=4),
        around=st.tuples(st.sampled_from(("", "", "/mail", "/")), st.sampled_from(("", "", *AFTER))),
        query=st.lists(st.tuples(st.sampled_from(QUERY), values), max_size=3),
        method=st.sampled_from(METHODS[:3]) | st.sampled_from(METHODS),
        headers=st.lists(st.tuples(st.sampled_from(HEADER_NAMES), plain), max_size=3, unique_by=lambda pair: pair[0]),
        content_type=st.sampled_from(TYPES),
        body=bodies(values),
    )
    def ask(
        parameters: list[str], around: tuple[str, str], query: list[tuple[str, str]], method: str,
        headers: list[tuple[str, str]],
        content_type: str, body: bytes,
    ) -> None:  # fmt: skip
        names = iter(parameters)
        target = PARAMETER.sub(lambda _: quote(next(names), safe="", errors="replace"), path)
        target = around[0] + target + quote(around[1], safe="/.)&;%", errors="replace")
        if query:
            target += "?" + "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query)
        lines = [f"{method} {target} HTTP/1.1", "Host: mail.example.org", "Connection: close"]
        lines += [
            f"{name}: {value}" for name, value in headers if name not in ("Host", "Connection", "Transfer-Encoding")
        ]
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "", ""]
        assert_answered(send(served.port, "\r\n".join(lines).encode("latin-1", "replace") + body))

    ask()


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /u/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS hello
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
    ids=["many headers", "long address", "bad chunk", "negative length", "odd version", "tls", "smuggling"],
)
def test_what_is_no_request_is_refused_and_others_are_served(served: Served, request_: bytes) -> None:
    answer = send(served.port, request_)
    assert not answer or int(answer.split()[1]) < 500
    assert served.get("/healthz").status == 200
