"""A page with the text editor alone, served with the studio's policy, in a real browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page

import mailer.web.studio
from mailer.web.studio.vendored import import_map, without_comments
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.patience import until

STATIC = Path(mailer.web.studio.__file__).parent / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
NONCE = "bm9uY2U"
POLICY = (
    f"default-src 'none'; script-src 'self' 'nonce-{NONCE}'; style-src 'self' 'nonce-{NONCE}'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PAGE = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Editor</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/page.css"><link rel="stylesheet" href="/static/editor/editor.css">
<script type="importmap" nonce="%(nonce)s">%(map)s</script>
<script type="module" nonce="%(nonce)s">
import { mount } from "/static/editor/editor.js";
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.sample}`));
const given = JSON.parse(document.getElementById("given").textContent);
const calls = window.calls = [];
const options = {
  ...given.options, text: given.text, nonce: "%(nonce)s",
  onChange: (text) => calls.push(["change", text]),
  onSave: (text) => calls.push(["save", text]),
  onFix: (finding) => calls.push(["fix", finding.message]),
  uploadPicture: async (file) => {
    calls.push(["picture", file.name, file.type]);
    if (file.name === "bomb.png") throw new Error("This picture is too large.");
    return { source: "lamp-1a2b.png", address: "/pictures/lamp.png" };
  },
  buildCondition: async (expression) => { calls.push(["condition", expression]); return window.built ?? null; },
};
window.editor = mount(document.getElementById("text"), options);
</script></head>
<body><main><h1>Write</h1><label for="text">Text of the mail</label>
<textarea id="text" name="text" rows="20">%(escaped)s</textarea></main>
<script type="application/json" id="given">%(given)s</script></body></html>
"""


@dataclass(slots=True)
class Desk:
    """The page, and what was asked of its server."""

    page: Page
    origin: str
    served: dict[str, str]
    asked: list[str]
    trouble: list[str] = field(default_factory=list)

    def open(self, text: str, **options: object) -> Page:
        """The page with `text` in the editor."""
        given = json.dumps({"text": text, "options": options}).replace("<", "\\u003c")
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\0", "")
        self.served["page"] = PAGE % {
            "nonce": NONCE, "map": import_map("/static"), "given": given, "escaped": escaped,
        }  # fmt: skip
        self.page.goto(f"{self.origin}/")
        self.wait("!!window.editor")
        return self.page

    def wait(self, script: str) -> None:
        """Until `script` is true; playwright's own way to wait is one that our policy forbids."""
        until(lambda: bool(self.page.evaluate(script)) or bool(self.page.wait_for_timeout(20)))

    @property
    def text(self) -> str:
        return str(self.page.evaluate("editor.text"))

    def calls(self, kind: str) -> list[list[str]]:
        return [call for call in self.page.evaluate("calls") if call[0] == kind]

    def put_cursor(self, after: str, *, select: str = "") -> None:
        """Behind the first `after`; with `select`, that piece is chosen instead."""
        text = self.text
        if select:
            start = text.index(select)
            end = start + len(select)
        else:
            start = end = text.index(after) + len(after)
        # CodeMirror counts UTF-16 units.
        units = [len(text[:at].encode("utf-16-le")) // 2 for at in (start, end)]
        self.page.evaluate(
            "([a, b]) => { editor.view.dispatch({selection: {anchor: a, head: b}}); editor.focus(); }", units
        )


@pytest.fixture
def desk(browser: Browser) -> Iterator[Desk]:  # noqa: F811
    served: dict[str, str] = {}
    asked: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            asked.append(path)
            file = _file(path)
            if path == "/":
                self._answer(served["page"].encode(), "text/html; charset=utf-8")
            elif file is not None and file.is_file():
                body = file.read_bytes()
                script = file.suffix == ".js"
                self._answer(
                    without_comments(body.decode()).encode() if script else body, TYPES.get(file.suffix, "text/plain")
                )
            else:
                self.send_error(404)

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        context = browser.new_context(viewport={"width": 900, "height": 900})
        page = context.new_page()
        page.set_default_timeout(15_000)
        found = Desk(page, f"http://127.0.0.1:{server.server_port}", served, asked)
        page.on("pageerror", lambda error: found.trouble.append(str(error)))
        page.on("console", lambda said: found.trouble.append(said.text) if said.type in ("error", "warning") else None)
        yield found
        violations = page.evaluate("window.violations || []")
        context.close()
        server.shutdown()
        thread.join()
    assert found.trouble == []
    assert violations == []


def _file(path: str) -> Path | None:
    if path.startswith("/static/"):
        return STATIC / path.removeprefix("/static/")
    if path.endswith(".png"):
        return PICTURE
    return PAGE_STYLE if path == "/page.css" else None


PICTURE = Path(__file__).parents[4] / "newsletters" / "2026-12-year-in-review" / "school.png"
PAGE_STYLE = Path(__file__).parent / "page.css"
