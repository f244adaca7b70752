"""The link table: every link of a message with its destination, its words and its place.

An address that is tracked becomes a marker; in the mail it will be the person's click address and a number. Addresses
for mail, telephones and places in the mail itself, and the person's own addresses, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from mailer.compose.templating.deferred import PERSONAL_ADDRESSES
from mailer.compose.templating.markers import Control, LinkMark, Literal, Markers, Value
from mailer.diagnostics import Diagnostic, Place
from mailer.workspace import ACTION_FILE, SLUG, Newsletter, Workspace

HOST = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
LEFT_ALONE = ("mailto", "tel", "sms")
# RFC 3986 §2.2 and §2.3, and the percent sign: an address that is encoded already stays as it is.
SAFE = "%/:?#[]@!$&'()*+,;=~-._"
NO_ACTION = (
    "Say above the text where it leads: `action:`, and indented below it `url: https://…` and `label: Add your name`."
)
LANGUAGE_FIELD = "lang"  # what the address of a page asks for a language by
LONGEST = 2000  # characters: beyond it some clients and servers cut addresses off


@dataclass(frozen=True, slots=True)
class PendingLink:
    """A row of the table before it has its number. `destination` has markers."""

    destination: str
    label: str
    placement: str
    is_action: bool


class OwnPages:
    """Our own sign pages: a mail in French leads to the French one, where the page has several languages."""

    def __init__(self, workspace: Workspace, *, language: str) -> None:
        self._workspace = workspace
        self._language = language
        self._stem = f"{workspace.settings.public.url}/act/"

    def asking(self, url: str) -> Mapping[str, str]:
        """What an address has to ask for so that the page comes in the mail's language."""
        if not url.startswith(self._stem):
            return {}
        slug = re.split(r"[/?#]", url[len(self._stem) :])[0]
        has_several = SLUG.fullmatch(slug) and Newsletter(self._workspace, slug).translations(ACTION_FILE)
        return {LANGUAGE_FIELD: self._language} if has_several else {}


class Links:
    """The links of one message."""

    def __init__(self, *, markers: Markers, parameters: Mapping[str, str], pages: OwnPages | None = None) -> None:
        self.markers = markers
        self.parameters = parameters
        self.pages = pages
        self.faults: list[Diagnostic] = []
        self.rows: list[PendingLink] = []
        self.action_url = ""

    def set_action(self, url: str) -> None:
        """Say where `action` leads; it may hold markers."""
        self.action_url = self._literals_said(url)

    def add(self, written: str, *, label: str, placement: str, place: Place, bare: bool = False) -> str:
        """What to write as the address of a link: a marker when it is tracked, else the address itself.

        A `bare` one doesn't get the workspace's parameters.
        """
        url = self._literals_said(written.strip())
        if url == "action":
            if not self.action_url:
                self._fault("the link `action` leads nowhere yet", place, NO_ACTION)
                return ""
            url = self.action_url
        if url.startswith("#") or self._is_personal(url):
            return url
        scheme = SCHEME.match(url)
        if scheme and scheme[1].lower() in LEFT_ALONE:
            return url
        if not self._is_sound(url, written, place):
            return ""
        self.rows.append(
            PendingLink(
                _encoded(url, self.markers) if bare else self._with_parameters(_encoded(url, self.markers)),
                label, placement,
                is_action=bool(self.action_url) and url == self.action_url,
            )
        )  # fmt: skip
        return self.markers.add(LinkMark(len(self.rows) - 1))

    def shared(self, written: str, place: Place) -> str | None:
        """An address that readers may pass on, whole and with the workspace's parameters; None when it is not fit.

        It is the same for everybody: what it said of one person, others would learn.
        """
        url = self._literals_said(written.strip())
        if self.markers.pattern.search(url):
            self._fault("an address that waits for the person can't be passed on", place,
                        "Others would get it too. Name another: ::: share https://…")  # fmt: skip
            return None
        return self._with_parameters(_encoded(url, self.markers)) if self._is_sound(url, written, place) else None

    def as_written(self, text: str) -> str:
        """`text` with merge tags in place of markers, for people to read."""
        said: list[str] = []
        branches = {0: "if"}
        for piece in self.markers.pieces(text):
            match piece:
                case str():
                    said.append(piece)
                case Value(source):
                    said.append(f"{{{{ {source} }}}}")
                case Control(_, branch, test):
                    word = branches.get(branch, "elif" if test else "endif" if piece.is_end else "else")
                    said.append(f"{{% {word} {test} %}}".replace("  ", " "))
                case Literal(literal):
                    said.append(literal)
                case LinkMark():
                    pass
        return "".join(said)

    def _literals_said(self, url: str) -> str:
        """`url` with what is known filled in: whole addresses as they are, parts of one percent-encoded."""
        said: list[str] = []
        for piece in self.markers.pieces(url):
            match piece:
                case str():
                    said.append(piece)
                case Literal(text):
                    said.append(text if not said else quote(text, safe=""))
                case _:
                    said.append(self.markers.add(piece))
        return "".join(said)

    def _is_personal(self, url: str) -> bool:
        first = next(iter(self.markers.pieces(url)), "")
        return isinstance(first, Value) and first.source in PERSONAL_ADDRESSES

    def _is_sound(self, url: str, written: str, place: Place) -> bool:
        shown = self.as_written(written)
        host = HOST.match(url)
        if host is None:
            self._fault(f"{shown!r} is not a web address", place, _remedy(url))
        elif self.markers.pattern.search(host[0]):
            self._fault(f"the site in {shown!r} can't wait for the person", place,
                        "Write https:// and the site's name out; merge tags can follow after it.")  # fmt: skip
        elif re.search(r'[\s\x00-\x1f<>"\\]', url):
            self._fault(f"{shown!r} holds characters that addresses can't have", place, "Write a space as %20.")
        elif not is_host(host[1]):
            self._fault(f"{shown!r} names no site that can be reached", place)
        elif len(url) > LONGEST:
            self._fault(f"an address is longer than {LONGEST} characters", place)
        else:
            return True
        return False

    def _with_parameters(self, url: str) -> str:
        base, hash_sign, fragment = url.partition("#")
        present = {name for name, _ in parse_qsl(urlsplit(base).query, keep_blank_values=True)}
        asked = {**self.parameters, **(self.pages.asking(base) if self.pages else {})}
        wanted = {name: value for name, value in asked.items() if name not in present}
        if wanted:
            joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
            base += joint + urlencode(wanted, quote_via=quote)
        return base + hash_sign + fragment

    def _fault(self, message: str, place: Place, remedy: str = "") -> None:
        self.faults.append(Diagnostic(message, place, remedy))


def is_host(authority: str) -> bool:
    """Whether it is a host with an optional port, without the name@ with which addresses are faked.

    Its labels are those of host names: none empty, none above 63 characters in ASCII (RFC 5890), none with a hyphen at
    its beginning or end (RFC 1123 §2.1).
    """
    try:
        authority.encode("idna")
        parts = urlsplit(f"//{authority}")
        if any(label[:1] == "-" or label[-1:] == "-" for label in (parts.hostname or "").split(".")):
            return False
        return bool(parts.hostname) and "@" not in authority and (parts.port or 1) > 0
    except ValueError:
        return False


def _encoded(url: str, markers: Markers) -> str:
    """`url` in ASCII: the host by IDNA, the rest percent-encoded; markers stay."""
    host = HOST.match(url)
    assert host is not None
    start, end = host.span(1)
    name = host[1] if host[1].isascii() else host[1].encode("idna").decode("ascii")
    rest = "".join(
        piece if markers.pattern.fullmatch(piece) else quote(piece, safe=SAFE)
        for piece in re.split(f"({markers.prefix}[vtcl][0-9]+z)", url[end:])
    )
    path = "" if rest.startswith("/") else "/"
    return url[:start].lower() + name + path + rest


def _remedy(url: str) -> str:
    if re.match(r"[\w-]+(\.[\w-]+)+(/|$)", url):
        return f"Did you mean https://{url}?"
    return "A link begins with https://, mailto: or tel:, or is `action`, or {{ unsubscribe_url }} or {{ view_url }}."
