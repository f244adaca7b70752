"""A listmonk to move from, on a real socket: its documented API, read only, with the faults of a real one.

Fields and shapes are those of listmonk.app/docs/apis/ (subscribers, lists, bounces, templates, campaigns).
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

USER, TOKEN = "mover", "the-secret-token-of-listmonk"
WHEN = "2024-03-01T10:00:00.123456+01:00"
LISTS = {1: ("River news", "double"), 2: ("Volunteers", "single"), 3: ("Old list", "single")}


def uuid_of(number: int) -> str:
    return str(UUID(int=number + (4 << 76) + (8 << 60)))


@dataclass
class FakeListmonk:
    """What it holds, and how it misbehaves. `before` is told the number of each request and its path, and may change
    what is held; what it returns is the fault of that answer: "", "half", "cut", "slow", or an HTTP status."""

    people: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    bounces: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    templates: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    campaigns: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    before: Callable[[int, str], str | int] = lambda _number, _path: ""
    most_per_page: int = 100
    asked: list[str] = field(default_factory=list[str])
    url: str = ""

    def add(
        self, number: int, email: str, *, status: str = "enabled", on: dict[int, str] | None = None, **more: Any
    ) -> None:
        self.people[number] = {
            "id": number, "created_at": WHEN, "updated_at": WHEN, "uuid": uuid_of(number + 1000), "email": email,
            "name": more.get("name", f"First{number} Last{number}"), "attribs": more.get("attribs", {}),
            "status": status,
            "lists": [
                {"subscription_status": said, "id": one, "uuid": uuid_of(one), "name": LISTS[one][0], "type": "public",
                 "optin": LISTS[one][1], "tags": [], "created_at": WHEN, "updated_at": WHEN}
                for one, said in (on or {}).items()
            ],
        }  # fmt: skip

    def bounce(self, number: int, person: int, kind: str) -> None:
        self.bounces.append({"id": number, "type": kind, "source": "api", "meta": {}, "created_at": WHEN,
                             "email": self.people[person]["email"], "subscriber_uuid": self.people[person]["uuid"],
                             "subscriber_id": person, "campaign": {"id": 1, "name": "One"}})  # fmt: skip

    def lists(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number, (name, optin) in LISTS.items():
            standing = Counter(
                one["subscription_status"] for person in self.people.values() for one in person["lists"]
                if one["id"] == number
            )  # fmt: skip
            found.append({"id": number, "created_at": WHEN, "updated_at": WHEN, "uuid": uuid_of(number), "name": name,
                          "type": "public", "optin": optin, "tags": [], "description": f"About {name}",
                          "subscriber_count": standing.total(), "subscriber_statuses": dict(standing)})  # fmt: skip
        return found

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        """Status and body of an answer without a fault."""
        if path == "/api/lists":
            return 200, self._page(self.lists(), query)
        if path == "/api/subscribers":
            return 200, self._page([self.people[one] for one in sorted(self.people)], query)
        if path.startswith("/api/subscribers/"):
            found = self.people.get(int(path.rpartition("/")[2]))
            return (200, {"data": found}) if found else (400, {"message": "Subscriber not found"})
        if path == "/api/bounces":
            return 200, self._page(self.bounces, query)
        if path == "/api/campaigns":
            return 200, self._page(self.campaigns, query)
        if path == "/api/templates":
            return 200, {"data": self.templates}
        return 404, {"message": "not found"}

    def _page(self, rows: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
        page, wanted = int(query["page"][0]), int(query["per_page"][0])
        size = min(wanted, self.most_per_page)
        results = rows[(page - 1) * size : page * size]
        return {"data": {"results": results, "query": "", "total": len(rows), "per_page": size, "page": page}}


@contextmanager
def serving(fake: FakeListmonk) -> Generator[FakeListmonk]:
    """The fake at an address of this machine."""
    login = "Basic " + b64encode(f"{USER}:{TOKEN}".encode()).decode()
    ending = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            fake.asked.append(self.path)
            fault = fake.before(len(fake.asked), parts.path)
            status, body = fake.answer(parts.path, parse_qs(parts.query))
            if self.headers["Authorization"] != login:
                status, body = 403, {"message": "invalid session"}
            if isinstance(fault, int):
                status, body = fault, {"message": "trouble"}
            if fault == "half":
                data = cast(Any, body)["data"]
                data["results"] = data["results"][: len(data["results"]) // 2]
            sent = json.dumps(body).encode()
            if fault == "slow":
                ending.wait(30)
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent[: len(sent) // 2] if fault == "cut" else sent)
            if fault == "cut":
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        ending.set()
        server.shutdown()
        server.server_close()
        thread.join()


def many(count: int) -> FakeListmonk:
    """So many people in every standing that there is."""
    fake = FakeListmonk()
    for n in range(1, count + 1):
        on: dict[int, str] = {}
        if n % 2:
            on[1] = ("confirmed", "confirmed", "unconfirmed", "unsubscribed")[n // 2 % 4]
        if n % 3 == 0:
            on[2] = ("unconfirmed", "unconfirmed", "unsubscribed")[n // 3 % 3]
        if n % 7 == 0:
            on[3] = "confirmed"
        status = "blocklisted" if n % 50 == 0 else "disabled" if n % 333 == 0 else "enabled"
        attribs = {"city": "York", "level": n % 5, "nested": {"a": [1, 2]}} if n % 4 == 0 else {}
        fake.add(n, f"p{n}@example.org", status=status, on=on, attribs=attribs)
    fake.people[5]["email"] = "P1@Example.org"  # the same person twice, as we see it
    fake.people[11]["email"] = "no address"
    for place, n in enumerate(range(9, count + 1, 100), start=1):
        fake.bounce(3 * place, n, "hard")
        fake.bounce(3 * place + 1, n + 1 if n < count else n, "complaint")
        fake.bounce(3 * place + 2, n + 2 if n + 1 < count else n, "soft")
    return fake
