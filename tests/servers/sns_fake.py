"""A stand-in for Amazon SNS: signs posts as a topic does, and serves its certificate and its confirmations over HTTP.

    with SnsFake() as sns:
        sns.fetch("https://sns.eu-central-1.amazonaws.com/…")    # what an HTTP client would get, by way of this server
        post(json.dumps(event))                                  # the fields of what SNS posts, signed
        sns.asked                                                # what it was asked for, in order

It knows nothing about the mailer; the rules come from
docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
"""

from __future__ import annotations

import threading
import urllib.request
from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.patience import HANG_SECONDS

TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail"
HOST = "sns.eu-central-1.amazonaws.com"
CERTIFICATE_URL = f"https://{HOST}/SimpleNotificationService-{'0a' * 16}.pem"
SUBSCRIBE_URL = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={quote(TOPIC)}&Token=t0ken"


@cache
def key_of(name: str, bits: int = 2048) -> RSAPrivateKey:
    """A key, the same for a name."""
    return generate_private_key(65537, bits)


def certificate(key: RSAPrivateKey, *, first: int = 2000, last: int = 2200) -> bytes:
    """A certificate in PEM, valid from the first year to the last."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(first, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(last, 1, 1, tzinfo=UTC))
    )
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)


def signed(fields: dict[str, str], *, key: RSAPrivateKey | None = None, version: str = "2") -> dict[str, str]:
    """The fields of a post with its signature: names and values a line each, in alphabetical order."""
    text = "".join(f"{name}\n{value}\n" for name, value in sorted(fields.items()))
    hashed = SHA1() if version == "1" else SHA256()
    signature = (key or key_of("sns")).sign(text.encode(), PKCS1v15(), hashed)
    return {
        **fields,
        "Signature": b64encode(signature).decode(),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
    }


def post(message: str, *, kind: str = "Notification", version: str = "2", **more: str) -> dict[str, str]:
    """A signed post."""
    fields = {"Type": kind, "MessageId": "m-1", "TopicArn": TOPIC, "Message": message}
    fields["Timestamp"] = "2026-11-24T11:00:00.000Z"
    if kind != "Notification":
        fields |= {"SubscribeURL": SUBSCRIBE_URL, "Token": "t0ken"}
    return signed(fields | more, version=version)


def headers_of(fields: dict[str, str]) -> dict[str, str]:
    """The headers beside it."""
    return {
        "x-amz-sns-message-type": fields.get("Type", ""),
        "x-amz-sns-topic-arn": fields.get("TopicArn", ""),
        "content-type": "text/plain; charset=UTF-8",
    }


class SnsFake:
    """The site of SNS, listening on this machine; `tls` makes it https."""

    def __init__(self, *, tls: Any = None) -> None:
        self.pem = certificate(key_of("sns"))
        self.status = 200
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(HANG_SECONDS)

    def fetch(self, url: str) -> bytes:
        """What is at a URL of SNS, by HTTP from this server."""
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("https", HOST), "nothing else may be asked"
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{target}", timeout=HANG_SECONDS) as answer:
            return answer.read()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.asked.append(self.path)
                content = fake.pem if self.path.endswith(".pem") else b"<ConfirmSubscriptionResponse/>"
                self.send_response(fake.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any, **named: Any) -> None:
                pass

        return Handler
