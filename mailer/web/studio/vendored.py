"""The scripts and icons of others that the studio's pages load, as npm has them: which, and of what version.

They lie in static/vendor/<package>@<version>/, unmodified, with their licence and SHA256SUMS; `scripts/vendor.py`
fetches them by this table. Browsers find them by an import map, which needs no build step:
https://html.spec.whatwg.org/multipage/webappapis.html#import-maps
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static" / "vendor"
SUMS = "SHA256SUMS"
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*(?:(?!\*/).)*\*/[ \t]*)\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Package:
    """One package. `script` is the file that `import "name"` means."""

    name: str
    version: str
    script: str = "dist/index.js"  # "" of a package that is no script
    licence: str = "LICENSE"
    more: tuple[str, ...] = ()  # other files that are kept

    @property
    def folder(self) -> str:
        """Its folder in static/vendor; a scope's slash would make two of it."""
        return f"{self.name.replace('/', '+')}@{self.version}"

    @property
    def files(self) -> tuple[str, ...]:
        """What is kept of the package."""
        return tuple(name for name in (self.licence, self.script, *self.more) if name)


# The icons there are in pages and rooms; a page asks for one by its name: {{ icon("house") }}.
ICONS = (
    "archive", "archive-restore", "arrow-down", "arrow-right", "arrow-up", "bookmark", "calendar", "chart-line",
    "check", "chevron-down", "chevron-left", "chevron-right", "chevron-up", "circle", "circle-alert", "circle-check",
    "circle-dashed", "circle-question-mark", "clock", "copy", "download", "ellipsis", "external-link", "eye",
    "file-down", "fingerprint", "flag", "hard-drive", "history", "house", "image", "image-off", "inbox", "info",
    "key-round", "keyboard", "layout-template", "list-checks", "list-filter", "log-out", "mail", "message-square",
    "minus", "monitor", "moon", "mouse-pointer-click", "octagon-x", "pause", "pen-line", "pencil", "play", "plus",
    "reply", "rss", "scroll-text", "search", "send", "server-crash", "settings", "shield", "shuffle", "smartphone",
    "split", "table-2", "tag", "timer", "trending-down", "trending-up", "triangle-alert", "user", "user-minus",
    "user-plus", "users", "waves", "workflow", "x",
)  # fmt: skip

# @lezer/lr isn't here: @codemirror/language names it as a dependency and imports nothing from it.
PACKAGES = (
    Package("@codemirror/commands", "6.11.1"),
    Package("@codemirror/language", "6.13.1"),
    Package("@codemirror/merge", "6.12.3"),  # loaded when two versions are beside each other, and not before
    Package("@codemirror/state", "6.7.6"),
    Package("@codemirror/streamparser", "6.0.0"),
    Package("@codemirror/view", "6.43.15"),
    Package("@lezer/common", "1.5.5"),
    Package("@lezer/highlight", "1.2.5"),
    Package("@lezer/markdown", "1.8.1"),
    Package("@marijn/find-cluster-break", "1.0.4", script="src/index.js"),
    Package("crelt", "1.0.7", script="index.js"),
    Package("lucide-static", "1.62.0", script="", more=tuple(f"icons/{name}.svg" for name in ICONS)),
    Package("style-mod", "4.1.5", script="src/style-mod.js"),
    Package("turndown", "7.2.5", script="lib/turndown.browser.es.js"),  # loaded with the first paste
    Package("w3c-keyname", "2.2.8", script="index.js"),
)


def import_map(static: str) -> str:
    """The text of a <script type="importmap">, for pages whose static files are below the address `static`."""
    addresses = {
        package.name: f"{static}/vendor/{package.folder}/{package.script}" for package in PACKAGES if package.script
    }
    return json.dumps({"imports": addresses}, indent=1)


def without_comments(script: str) -> str:
    """The script as it is sent: comments that have lines of their own are nearly half of these packages' bytes.

    Code isn't touched. A script with such a line inside a text would lose it; a test looks for one.
    """
    return _COMMENT.sub("", script)
