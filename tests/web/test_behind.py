"""Behind a web server as docs/deploy has it: nginx at a name and below a path, and Caddy, each a real one with TLS."""

from __future__ import annotations

import gzip
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
import trustme
from sqlalchemy import select, update

from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, events, hits
from mailer.tracking.hits import network_hash
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.public.app import create_app
from mailer.web.public.http import executors
from mailer.web.public.inbound import provider_webhook
from mailer.workspace import Workspace
from tests.conftest import NOW, REPOSITORY
from tests.patience import HANG_SECONDS, until
from tests.reports.builders import CAMPAIGN, delivery_id
from tests.web.client import BROWSER, Reply, fetch, serving
from tests.web.conftest import seed
from tests.web.strain import held

DEPLOY = REPOSITORY / "docs" / "deploy"
HOST = "mail.example.org"
VISITOR = "127.9.9.9"  # a network of its own on this machine
pytestmark = pytest.mark.sqlite


@dataclass(frozen=True, slots=True)
class Front:
    """A web server in front of the door, reached by TLS on a port of this machine."""

    port: int
    signer: Signer
    database: Database
    prefix: str = ""

    def ask(self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
        context = ssl._create_unverified_context()
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=HANG_SECONDS, source_address=(VISITOR, 0))
        connection = HTTPConnection(HOST, self.port)
        connection.sock = context.wrap_socket(opened, server_hostname=HOST)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, self.prefix + path, body=body, headers={"Host": HOST, **BROWSER, **names})
            answer = connection.getresponse()
            found: dict[str, str] = {}
            for name, value in answer.getheaders():
                found[name.lower()] = ", ".join([*([found[name.lower()]] if name.lower() in found else []), value])
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def token(self, purpose: Purpose) -> str:
        return self.signer.sign(purpose, Named(delivery_id(1)))


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS).close()
    except OSError:
        return False
    return True


@contextmanager
def running(command: list[str], port: int, log: Path) -> Generator[None]:
    """The web server until the end of the block. What it says when it does not start is what the test says."""
    with log.open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        until(lambda: process.poll() is not None or listens(port), why="the web server")
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)


def certificate(folder: Path) -> tuple[Path, Path]:
    issued = trustme.CA().issue_cert(HOST)
    chain, key = folder / "chain.pem", folder / "key.pem"
    issued.cert_chain_pems[0].write_to_path(str(chain))
    issued.private_key_pem.write_to_path(str(key))
    return chain, key


def changed(text: str, **pairs: str) -> str:
    """A documented configuration with what must differ here. Each of it has to be there, so that none goes untested."""
    for old, new in pairs.items():
        assert old in text, f"{old} stands no more in the documented configuration"
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(folder: Path, upstream: int, extra: str = "") -> Generator[int]:
    port, plain = free_port(), free_port()
    chain, key = certificate(folder)
    site = changed(
        (DEPLOY / "nginx.conf").read_text(),
        **{
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "/etc/letsencrypt/live/mail.example.org/fullchain.pem": str(chain),
            "/etc/letsencrypt/live/mail.example.org/privkey.pem": str(key),
            "http://127.0.0.1:8765": f"http://127.0.0.1:{upstream}",
        },
    )
    if extra:
        # Below a path: in place of what a site of its own has at /.
        start = site.index("  location / {")
        end = site.index("  }\n", start) + 4
        site = site[:start] + extra + "\n" + site[end:]
    temporary = "".join(
        f"  {name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log warn; worker_processes 1;\n"
        f"events {{}}\nhttp {{\n{temporary}{site}\n}}\n"
    )
    command = ["nginx", "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")]
    with running(command, port, folder / "log"):
        yield port


@contextmanager
def caddy(folder: Path, upstream: int) -> Generator[int]:
    port = free_port()
    chain, key = certificate(folder)
    site = changed(
        (DEPLOY / "Caddyfile").read_text(),
        **{
            "mail.example.org {\n": f"https://mail.example.org:{port} {{\n\ttls {chain} {key}\n",
            "127.0.0.1:8765": f"127.0.0.1:{upstream}",
        },
    )
    configuration = folder / "Caddyfile"
    configuration.write_text(
        f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {folder}/store\n}}\n{site}"
    )
    command = ["caddy", "run", "--config", str(configuration), "--adapter", "caddyfile"]
    with running(command, port, folder / "log"):
        yield port


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@pytest.fixture(
    params=[
        pytest.param("nginx", marks=needs("nginx")),
        pytest.param("nginx below a path", marks=needs("nginx")),
        pytest.param("caddy", marks=needs("caddy")),
    ]
)
def front(
    request: pytest.FixtureRequest, workspace: Workspace, database: Database, now: datetime, tmp_path: Path
) -> Iterator[Front]:
    (workspace.lists / "updates.toml").write_text('title = "Updates"\nlist_id = "updates.lists.example.org"\n')
    seed(database, now)
    prefix = "/mail" if request.param == "nginx below a path" else ""
    public = replace(workspace.settings.public, url=f"https://{HOST}{prefix}")
    workspace = replace(workspace, settings=replace(workspace.settings, public=public))
    app = create_app(workspace, database, clock=lambda: now)
    folder = tmp_path / "front"
    folder.mkdir()
    with serving(app, proxies=public.proxies) as upstream:
        extra = (DEPLOY / "nginx-path.conf").read_text().replace(":8765", f":{upstream}") if prefix else ""
        with caddy(folder, upstream) if request.param == "caddy" else nginx(folder, upstream, extra) as port:
            yield Front(port, Signer(workspace.secrets.require_signing()), database, prefix)


def test_a_provider_unsubscribes_without_a_redirect(front: Front) -> None:
    """RFC 8058 §3.1."""
    path = f"/u/{front.token(Purpose.UNSUBSCRIBE)}"
    reply = front.ask(
        path, method="POST", body=b"List-Unsubscribe=One-Click", Content_Type="application/x-www-form-urlencoded"
    )
    assert reply.status == 200
    with front.database.read() as connection:
        assert connection.execute(select(events.c.kind)).scalars().all() == ["unsubscribed"]


def test_a_click_is_of_the_visitors_network_whatever_they_claim(front: Front, workspace: Workspace) -> None:
    path = f"/c/{front.token(Purpose.CLICK)}/1"
    assert front.ask(path, X_Forwarded_For="192.0.2.1").status == 302
    assert front.ask(path).status == 302
    key = workspace.secrets.require_address_key()
    with front.database.read() as connection:
        networks = set(connection.execute(select(hits.c.network)).scalars())
    assert networks == {network_hash(VISITOR, campaign_id=CAMPAIGN, key=key)}


def test_pages_and_what_they_link_to_stay_below_the_address(front: Front) -> None:
    archive = front.ask("/archive")
    assert archive.status == 200
    assert f"https://{HOST}{front.prefix}/archive/feed.atom" in archive.text
    assert front.ask("/healthz").text == "ok\n"
    assert front.ask("//archive").status == 404, "slashes are not merged: an address arrives as it was mailed"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(front: Front) -> None:
    reply = front.ask(f"/u/{front.token(Purpose.UNSUBSCRIBE)}", method="POST", body=b"x" * 3_000_000)
    # mailer says 413 and hangs up; Caddy calls that hang-up a bad gateway.
    assert reply.status in (413, 502)


def test_nobody_else_is_believed_about_whom_they_speak_for(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    """Reached directly by a machine that is no proxy of ours, X-Forwarded-For is worth nothing."""
    seed(database, now)
    signer = Signer(workspace.secrets.require_signing())
    path = f"/c/{signer.sign(Purpose.CLICK, Named(delivery_id(1)))}/1"
    with serving(create_app(workspace, database, clock=lambda: now), proxies=("10.0.0.0/8",)) as port:
        assert fetch(port, path, headers={**BROWSER, "X-Forwarded-For": "192.0.2.1"}).status == 302
    with serving(create_app(workspace, database, clock=lambda: now), proxies=("127.0.0.0/8",)) as port:
        assert fetch(port, path, headers={**BROWSER, "X-Forwarded-For": "192.0.2.1"}).status == 302
    key = workspace.secrets.require_address_key()
    with database.read() as connection:
        networks = list(connection.execute(select(hits.c.network).order_by(hits.c.id)).scalars())
    expected = [network_hash(address, campaign_id=CAMPAIGN, key=key) for address in ("127.0.0.1", "192.0.2.1")]
    assert networks == expected


def test_browsers_are_told_to_come_by_https_alone(front: Front) -> None:
    for path, status in (("/archive", 200), ("/nothing", 404), (f"/c/{front.token(Purpose.CLICK)}/1", 302)):
        reply = front.ask(path)
        assert reply.status == status
        assert reply.headers["strict-transport-security"] == "max-age=63072000"


@pytest.mark.parametrize("path", ["/archive", "/archive/feed.atom"])
def test_pages_are_compressed_and_known_again(front: Front, path: str) -> None:
    with front.database.write() as connection:
        connection.execute(update(campaigns).values(is_public=True, launched_at=NOW))
    plain = front.ask(path)
    assert "content-encoding" not in plain.headers
    packed = front.ask(path, Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "accept-encoding" in packed.headers["vary"].lower()
    again = front.ask(path, Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_a_change_that_can_not_wait_is_answered_by_our_page_and_not_by_the_web_servers(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "LOCK_SECONDS", 0.3)
    path = f"/u/{front.token(Purpose.UNSUBSCRIBE)}"
    with held(front.database):
        reply = front.ask(path, method="POST", body=b"List-Unsubscribe=One-Click")
    assert reply.status == 503
    assert "Nothing has changed" in reply.text
    assert reply.headers["retry-after"].isdigit()


def test_web_servers_wait_longer_than_mailer_takes() -> None:
    longest = executors.LOCK_SECONDS + provider_webhook.PATIENCE_SECONDS
    for name, setting in (("nginx.conf", "proxy_read_timeout"), ("nginx-path.conf", "proxy_read_timeout"),
                          ("Caddyfile", "response_header_timeout")):  # fmt: skip
        found = re.search(rf"{setting} (\d+)s", (DEPLOY / name).read_text())
        assert found, name
        assert int(found[1]) >= longest + 5, name
