"""A real server of feeds, kind and hostile ones, and a newsletter that takes data from it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import indent

from mailer.compose.source.message_file import read_source
from mailer.compose.source.written import Source
from mailer.workspace import Workspace

LOOP = """\
{% for item in data.news %}
### {{ item.title }}

{{ item.date | date }} {{ item.summary }}
[Read]({{ item.link }})
{% endfor %}
"""
Answer = tuple[int, dict[str, str], bytes]


class FeedSite(BaseHTTPRequestHandler):
    """Answers what the test put under a path; `asked` counts."""

    answers: dict[str, Answer]
    asked: list[str]
    gone: threading.Event

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        if self.path == "/drip":
            while not self.gone.wait(0.05):
                self.wfile.write(b"H")
            return
        status, headers, body = self.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the standard library
        pass


@contextmanager
def serving() -> Generator[str]:
    """The address of a server that answers `FeedSite.answers`."""
    FeedSite.answers, FeedSite.asked, FeedSite.gone = {}, [], threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), FeedSite)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        FeedSite.gone.set()
        server.shutdown()
        thread.join()
        server.server_close()


def rss(*items: str, head: str = "") -> bytes:
    return f"""<?xml version="1.0" encoding="utf-8"?>{head}
<rss version="2.0"><channel><title>News</title><link>https://news.example.com/</link>{"".join(items)}</channel></rss>
""".encode()


def item(title: str, *, link: str = "/a", date: str = "Mon, 23 Nov 2026 09:00:00 GMT", guid: str = "") -> str:
    dated = f"<pubDate>{date}</pubDate>" if date else ""
    return (
        f"<item><title>{title}</title><link>{link}</link>{dated}<guid isPermaLink='false'>{guid or title}</guid></item>"
    )


def newsletter(workspace: Workspace, data: str, body: str = LOOP, *, subject: str = "News") -> Source:
    """A newsletter with this below `data:`, in the front matter."""
    folder = workspace.newsletters / "digest"
    folder.mkdir(parents=True, exist_ok=True)
    front = f"subject: '{subject}'\nlist: supporters\ntemplate: digest" + (
        f"\ndata:\n{indent(data, '  ')}" if data else ""
    )
    (folder / "message.md").write_text(f"---\n{front}\n---\n\n{body}\n", encoding="utf-8")
    return read_source(workspace.newsletter("digest"))
