"""Addresses as they were mailed, from what is left of them after somebody's mail program or typing.

Programs take the full stop after a link, a bracket, a blank or the rest of a query for a part of it, and people write
capitals. What follows a whole address is cut off. Nothing inside it is guessed: a token has its 32 characters as they
were signed, or the address is left as it came.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

ALLOWED = "GET, HEAD, POST, OPTIONS"
BEYOND = "mailer.beyond"  # of a scope: what was cut off

# Door and token, what may follow there, and the rest. A token ends by its length, whatever comes after.
TOKEN = re.compile(r"/(?i:(c|u|v|p|o|confirm))/([A-Za-z0-9_-]{32})(.*)", re.DOTALL)
NAME = re.compile(
    r"/(?i:(act|join|archive|progress))/(?!(?i:feed\.atom))([A-Za-z0-9][A-Za-z0-9-]{0,79})(.*)", re.DOTALL
)
LONE = re.compile(r"/(?i:(archive/feed\.atom|archive))(.*)", re.DOTALL)
PICTURE = r"picture/[0-9a-f]{16}-[0-9]{1,4}\.(?:webp|jpg)|card/[0-9a-f]{16}\.jpg"
TAILS = {
    "c": re.compile(r"/[0-9]{1,4}(?![0-9A-Za-z])"),
    "v": re.compile(r"/event\.ics(?![0-9A-Za-z])"),
    "u": re.compile(r"/(?:undo|less)(?![0-9A-Za-z])"),
    "p": re.compile(r"/(?:address|data|delete)(?![0-9A-Za-z])"),
    "o": re.compile(r"\.gif(?![0-9A-Za-z])"),
    "act": re.compile(rf"/(?:thanks|count|{PICTURE})(?![0-9A-Za-z])"),
    "join": re.compile(r"/sent(?![0-9A-Za-z])"),
    "archive": re.compile(rf"/(?:go/[0-9]{{1,4}}|event\.ics|{PICTURE})(?![0-9A-Za-z])"),
    "progress": re.compile(r"\.png(?![0-9A-Za-z])"),
}
# What can't belong to another address: it doesn't go on with a word, after a slash or a full stop.
RUBBISH = re.compile(r"/*(?:(?!\.?[0-9A-Za-z]|/).*)?", re.DOTALL)
# After a click it is how Microsoft's scanner tries whether an address can be altered: it is told no, and not counted.
PROBE = "'"


def whole(path: str) -> str:
    """The part of `path` that is an address of ours, in its canonical spelling; `path` itself when there is none."""
    if found := TOKEN.fullmatch(path):
        door, name, rest = found[1].lower(), found[2], found[3]
    elif found := NAME.fullmatch(path):
        door, name, rest = found[1].lower(), found[2].lower(), found[3]
    elif found := LONE.fullmatch(path):
        return f"/{found[1].lower()}" if RUBBISH.fullmatch(found[2]) else path
    else:
        return path
    tail = TAILS[door].match(rest) if door in TAILS else None
    end = tail[0] if tail else ""
    after = rest[len(end) :]
    if door == "c" and after == PROBE:
        return path
    glued = found.re is TOKEN and not tail and not after.startswith("/")
    return f"/{door}/{name}{end}" if glued or RUBBISH.fullmatch(after) else path


class Whole:
    """ASGI middleware: what is behind it sees addresses as they were mailed."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix  # the path of the public address, which a web server in front may leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path == "*":  # the server as a whole (RFC 9110 §9.3.7)
                status = 204 if scope["method"] == "OPTIONS" else 400
                await Response(status_code=status, headers={"Allow": ALLOWED})(scope, receive, send)
                return
            start = self._prefix if self._prefix and path.startswith(f"{self._prefix}/") else ""
            kept = start + whole(path[len(start) :])
            if kept != path:
                beyond = path[len(kept) :]
                scope = {**scope, "path": kept, "raw_path": quote(kept).encode("ascii"), BEYOND: beyond}
        await self._app(scope, receive, send)


def up(request: Request) -> str:
    """What a relative address begins with for a browser that has the address as it came: "../" for each slash too
    many."""
    return "../" * str(request.scope.get(BEYOND, "")).count("/")
