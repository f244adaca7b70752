"""A stand-in for Postmark's API over HTTP: it checks calls as documented and remembers whom it took mail for.

    with PostmarkFake(token="pm-test") as fake:
        fake.inactive.add("ada@example.org")
        fake.answers.append((503, {"ErrorCode": 0, "Message": "later"}))   # instead of the next one
        ...                       # post to fake.url
        fake.accepted             # the messages that were taken, as they were posted

It knows nothing about the mailer; the rules come from postmarkapp.com/developer/api/email-api and …/api/overview.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from email.utils import parseaddr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.patience import HANG_SECONDS

MOST_MESSAGES = 500
BREAK = (0, None)  # among `answers`: take the mails, then close the connection without an answer


class PostmarkFake:
    """The API, listening on `url`. Start it with `with`."""

    def __init__(self, *, token: str = "pm-test", stream: str = "broadcast") -> None:
        self.token = token
        self.stream = stream
        self.accepted: list[dict[str, Any]] = []
        self.calls: list[int] = []  # how many messages each call had
        self.inactive: set[str] = set()
        self.unconfirmed = False  # whether the sender's address still waits to be confirmed
        self.answers: deque[tuple[int, Any]] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(HANG_SECONDS)

    def batch(self, messages: Any) -> tuple[int, Any]:
        """The answer to a call with these messages."""
        if not isinstance(messages, list):
            return 422, {"ErrorCode": 402, "Message": "Invalid JSON"}
        self.calls.append(len(messages))
        if len(messages) > MOST_MESSAGES:
            return 422, {"ErrorCode": 410, "Message": "Too many batch messages"}
        return 200, [self._one(message) for message in messages]

    def _one(self, message: dict[str, Any]) -> dict[str, Any]:
        _, to = parseaddr(message.get("To", ""))
        metadata = message.get("Metadata", {})
        headers = message.get("Headers", [])
        if self.unconfirmed:
            return {"ErrorCode": 401, "Message": "The sender signature is not confirmed."}
        if message.get("MessageStream") != self.stream:
            return {"ErrorCode": 1235, "Message": "The stream provided does not exist on this server."}
        if "@" not in to or "@" not in parseaddr(message.get("From", ""))[1]:
            return {"ErrorCode": 300, "Message": "Invalid email address."}
        if not (message.get("TextBody") or message.get("HtmlBody")):
            return {"ErrorCode": 300, "Message": "Provide either email TextBody or HtmlBody or both."}
        if any(len(name) > 20 or not isinstance(value, str) or len(value) > 80 for name, value in metadata.items()):
            return {"ErrorCode": 300, "Message": "Invalid metadata."}
        if any(set(one) != {"Name", "Value"} or "\n" in one["Value"] for one in headers):
            return {"ErrorCode": 300, "Message": "Invalid headers."}
        if to in self.inactive:
            return {"ErrorCode": 406, "Message": f"You tried to send to a recipient marked as inactive: {to}."}
        self.accepted.append(message)
        return {"ErrorCode": 0, "Message": "OK", "MessageID": f"pm-{len(self.accepted)}", "To": to}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not self._known():
                    return
                usual = (404, {}) if self.path != "/email/batch" else None
                told = fake.answers.popleft() if fake.answers else usual
                if told == BREAK:
                    fake.batch(json.loads(body))
                    self.close_connection = True
                else:
                    self._answer(*(told or fake.batch(json.loads(body))))

            def do_GET(self) -> None:
                if self._known():
                    found = self.path == f"/message-streams/{fake.stream}"
                    self._answer(*((200, {"ID": fake.stream}) if found else (404, {"Message": "not found"})))

            def _known(self) -> bool:
                known = self.headers.get("X-Postmark-Server-Token") == fake.token
                if not known:
                    self._answer(401, {"ErrorCode": 10, "Message": "Bad or missing Server API token."})
                return known

            def _answer(self, status: int, data: Any) -> None:
                content = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any, **named: Any) -> None:
                pass

        return Handler
