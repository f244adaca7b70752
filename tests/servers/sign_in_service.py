"""OpenID providers for tests of single sign-on, both on this machine: one that others wrote, and a strict one of ours.

`independent_provider` runs the package oidc-provider-mock as a process of its own. `SignInService` checks what that one
doesn't (PKCE, the secret, the address to come back to, each code once), and can sign what it should not:

    with SignInService() as service:
        service.spoil = {"nonce": "another"}      # claims of the next tokens, in place of the right ones
        service.login(url)                        # what a browser does there → the query it comes back with

The rules come from OpenID Connect Core 1.0 §3.1 and RFC 7636. Neither knows anything about the mailer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.patience import HANG_SECONDS, until

CLIENT, SECRET = "studio", "a secret: with %, + and /"


class SignInService:
    """The provider, listening on `url`. Start it with `with`. `claims` are of whoever logs in."""

    def __init__(self) -> None:
        self.key, self.other_key = _key(0), _key(1)
        self.claims: dict[str, Any] = {"sub": "amina", "email": "amina@example.org", "email_verified": True}
        self.spoil: dict[str, Any] = {}
        self.sign_with: Any = None  # None: the key it publishes
        self.algorithm = "RS256"
        self.issuer = ""  # "": its address
        self.answers: list[tuple[int, bytes]] = []  # instead of the next ones
        self.posted: list[Mapping[str, str]] = []
        self._codes: dict[str, Mapping[str, str]] = {}
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

    def login(self, url: str) -> dict[str, str]:
        """Log in where the browser was sent, and come back: the query of the address to come back to."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def description(self) -> Mapping[str, Any]:
        return {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }

    def token(self, form: Mapping[str, str], authorization: str) -> tuple[int, Mapping[str, Any]]:
        self.posted.append(form)
        kind, _, given = authorization.partition(" ")
        name, _, secret = base64.b64decode(given).decode().partition(":") if kind == "Basic" else ("", "", "")
        if (name, secret) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"] or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (claims | self.claims | self.spoil).items() if value is not None}
        header = {"alg": self.algorithm, "kid": "one"}
        key = self.sign_with or self.key
        signed = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": signed}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys = {"keys": [service.key.as_dict(private=False)]}
                self._give(200, service.description() if "openid-configuration" in self.path else keys)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._give(*service.token(form, self.headers.get("Authorization", "")))

            def _give(self, status: int, answer: Mapping[str, Any]) -> None:
                status, body = service.answers.pop(0) if service.answers else (status, json.dumps(answer).encode())
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        return Handler

    def shared_secret(self) -> OctKey:
        """What a token must never be signed with: anybody who has the client's secret could."""
        return OctKey.import_key(SECRET)


@contextmanager
def independent_provider(users: list[dict[str, Any]]) -> Generator[str, None, None]:
    """The address of a running oidc-provider-mock that knows these users, by their claims."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    claims = [part for user in users for part in ("--user-claims", json.dumps(user))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *claims]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONWARNINGS": "ignore"}
    )
    try:
        until(lambda: process.poll() is not None or _answers(port), why="the provider")
        assert process.poll() is None
        yield url
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)


def log_in_there(url: str, sub: str) -> dict[str, str]:
    """Log in at the independent provider as its page's form does; the query the browser comes back with."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req: object, fp: object, code: int, msg: str, headers: object, newurl: str) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(url, urlencode({"sub": sub}).encode()).close()
    except urllib.error.HTTPError as answer:
        with answer:
            assert answer.code in (302, 303), answer.read()
            return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    raise AssertionError("it didn't send the browser back")


@cache
def _key(_number: int) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one"})


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
