"""The tabs of the preview: what each is called, and for those that show the mail itself, how it looks there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from mailer.web.studio.preview.frame import Look

WIDE, PHONE, SMALL = "wide", "390", "320"
WIDTHS: Mapping[str, str] = {WIDE: "Desktop", PHONE: "390", SMALL: "320"}


@dataclass(frozen=True, slots=True)
class Tab:
    """`widths` are those it can be looked at in, the first one unless another is asked for; () shows no mail."""

    name: str
    label: str
    widths: tuple[str, ...] = ()
    look: Look = Look.LIGHT
    pictures: bool = True
    note: str = ""  # what to know about it


TABS = (
    Tab("desktop", "Desktop", (WIDE,)),
    Tab("phone", "Phone", (PHONE, SMALL)),
    Tab(
        "dark", "Dark", (WIDE, PHONE, SMALL), Look.DARK,
        note="As mail programs show it that let the mail choose its dark colours, such as Apple Mail.",
    ),
    Tab(
        "forced", "Forced dark", (WIDE, PHONE, SMALL), Look.FORCED,
        note="An approximation: light and dark swapped by the browser. Gmail and Outlook each do it in their own way.",
    ),
    Tab(
        "pictures-off", "Pictures off", (WIDE, PHONE, SMALL), pictures=False,
        note="What people see before they allow pictures: the descriptions take their place.",
    ),
    Tab("text", "Plain text", note="The part for readers without HTML; some people read only this."),
    Tab("inbox", "Inbox"),
    Tab("headers", "Headers", note="As the mail would have them. Its links are signed for this preview only."),
    Tab("source", "Source"),
    Tab("findings", "Findings"),
)  # fmt: skip
BY_NAME = {tab.name: tab for tab in TABS}


@dataclass(frozen=True, slots=True)
class View:
    """What is open in the studio; the address says it, so a reload and the back button keep it."""

    tab: Tab = TABS[0]
    width: str = WIDE
    reader: str = "ada"
    words: str = ""  # searched for
    file: str = ""  # looked at in Source; "" the message, "html" what it was compiled to
    line: int = 0

    @property
    def path(self) -> str:
        """The same as a piece of a path, for links in the mail, to which more is added."""
        return f"{self.tab.name}/{self.width}/{self.reader}"

    def query(self, **changes: str | int) -> str:
        """The query of an address that leads here, with changes."""
        values: dict[str, str | int] = {
            "tab": self.tab.name, "width": self.width, "as": self.reader, "q": self.words, "file": self.file,
            "line": self.line, **changes,
        }  # fmt: skip
        if values["tab"] != self.tab.name and "width" not in changes:
            values["width"] = ""
        if values["tab"] != "source":
            values["file"] = values["line"] = ""
        return urlencode({name: value for name, value in values.items() if value})


def read_view(values: Mapping[str, str]) -> View:
    """The view an address asks for; what it asks for and isn't there is what is usual."""
    tab = BY_NAME.get(values.get("tab", ""), TABS[0])
    width = values.get("width", "")
    line = values.get("line", "")
    return View(
        tab=tab,
        width=width if width in tab.widths else next(iter(tab.widths), WIDE),
        reader=_key(values.get("as", "")),
        words=values.get("q", "")[:100].strip(),
        file=values.get("file", "")[:300],
        line=int(line) if line.isascii() and line.isdecimal() and len(line) < 8 else 0,
    )


def _key(written: str) -> str:
    """A reader's key: letters, digits and hyphens, as allowed in paths."""
    return written if written.isascii() and written.replace("-", "").isalnum() and len(written) < 40 else "ada"
