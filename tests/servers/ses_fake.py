"""A stand-in for Amazon SES's API v2 over HTTP: it checks calls and signatures, and remembers whom it took mail for.

    with SesFake(secret="secret") as fake:
        fake.answers.append((429, "TooManyRequestsException", "Maximum sending rate exceeded."))   # instead of the next
        ...                       # call fake.url
        fake.accepted             # the calls that were taken, and `mails` their MIME

It knows nothing about the mailer; the rules come from docs.aws.amazon.com/ses/latest/APIReference-V2 and, for
signatures, docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Signatures are
worked out from the bytes that arrived.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from base64 import b64decode
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import quote

from tests.patience import HANG_SECONDS

BREAK = "break"  # as the name of an error: take the mail, then close the connection without an answer
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^/]+/[^/]+/ses/aws4_request), "
    r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)


class SesFake:
    """The API, listening on `url`. Start it with `with`."""

    def __init__(self, *, key_id: str = "AKIDTEST", secret: str = "secret") -> None:
        self.key_id = key_id
        self.secret = secret
        self.accepted: list[dict[str, Any]] = []
        self.answers: deque[tuple[int, str, Any]] = deque()  # status, name of the error, message or data
        self.account: dict[str, Any] = {
            "ProductionAccessEnabled": True,
            "SendingEnabled": True,
            "EnforcementStatus": "HEALTHY",
            "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 1200.0},
        }
        self.identities: dict[str, dict[str, Any]] = {
            "example.org": {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS", "Tokens": ["abc", "def", "ghi"]},
                "MailFromAttributes": {"MailFromDomain": "mail.example.org", "MailFromDomainStatus": "SUCCESS"},
            }
        }
        self.destinations: dict[str, list[dict[str, Any]]] = {}  # by configuration set
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def mails(self) -> list[bytes]:
        return [b64decode(one["Content"]["Raw"]["Data"]) for one in self.accepted]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(HANG_SECONDS)

    def send(self, call: dict[str, Any]) -> tuple[int, str, Any]:
        """The answer to a SendEmail."""
        to = call["Destination"]["ToAddresses"]
        if len(to) != 1 or "@" not in to[0]:
            return 400, "BadRequestException", "Missing final '@domain'"
        if not all(_TAG.fullmatch(one["Name"]) and _TAG.fullmatch(one["Value"]) for one in call.get("EmailTags", [])):
            return 400, "BadRequestException", "Invalid tag"
        name = call.get("ConfigurationSetName")
        if name is not None and name not in self.destinations:
            return 404, "NotFoundException", f"Configuration set <{name}> does not exist."
        b64decode(call["Content"]["Raw"]["Data"], validate=True)
        self.accepted.append(call)
        return 200, "", {"MessageId": f"0100-{len(self.accepted)}"}

    def look(self, path: str) -> tuple[int, str, Any]:
        """The answer to a GET."""
        match path.removeprefix("/v2/email/").split("/"):
            case ["account"]:
                return 200, "", self.account
            case ["identities", name] if name in self.identities:
                return 200, "", self.identities[name]
            case ["configuration-sets", name, "event-destinations"] if name in self.destinations:
                return 200, "", {"EventDestinations": self.destinations[name]}
            case _:
                return 404, "NotFoundException", "not found"

    def is_signed(self, method: str, target: str, headers: Any, body: bytes) -> bool:
        """Whether a request bears our key's signature over the headers that must be signed, and its body."""
        found = _AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
        if found is None or found.group(1) != self.key_id:
            return False
        scope, names, given = found.group(2), found.group(3).split(";"), found.group(4)
        stamp = headers.get("X-Amz-Date", "")
        if names != sorted(names) or not {"host", "x-amz-date"} <= set(names) or stamp[:8] != scope[:8]:
            return False
        path, _, query = target.partition("?")
        request = f"{method}\n{quote(path, safe='/-_.~')}\n{query}\n"
        request += "".join(f"{name}:{headers.get(name, '')}\n" for name in names)
        request += f"\n{';'.join(names)}\n{hashlib.sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), given)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not self._known(body):
                    return
                told = fake.answers.popleft() if fake.answers else None
                if told is None and self.path != "/v2/email/outbound-emails":
                    told = 404, "NotFoundException", "not found"
                if told is not None and told[1] == BREAK:
                    fake.send(json.loads(body))
                    self.close_connection = True
                else:
                    self._answer(*(told or fake.send(json.loads(body))))

            def do_GET(self) -> None:
                if self._known(b""):
                    self._answer(*(fake.answers.popleft() if fake.answers else fake.look(self.path)))

            def _known(self, body: bytes) -> bool:
                known = fake.is_signed(self.command, self.path, self.headers, body)
                if not known:
                    self._answer(403, "SignatureDoesNotMatchException", "The request signature does not match.")
                return known

            def _answer(self, status: int, error: str, told: Any) -> None:
                data = {"message": told} if isinstance(told, str) else told
                content = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                if error:
                    self.send_header("x-amzn-ErrorType", f"{error}:http://internal.amazon.com/coral/")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any, **named: Any) -> None:
                pass

        return Handler
