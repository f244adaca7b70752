"""MJML → HTML: the only module that calls `to_html` (mjml-python, built on mrml) and css-inline, and what makes them
safe to call.

What a mistake in the source *means* is for `lint`, which runs before and explains with line numbers; this module
only makes sure that no source can crash the process, bring in a request to third parties, or come out changed.
Opaque alphanumeric markers (merge tags that wait for the person) come through byte for byte, wherever they are.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from css_inline import CSSInliner
from mjml import mjml2html

from mailer.compose.mjml.forbidden import WITHOUT_EFFECT
from mailer.compose.mjml.schema import SETTERS, attribute_types, settled, tags
from mailer.compose.mjml.tokenizer import SPACE, VOID, Piece, TokenKind, scan
from mailer.diagnostics import Place
from mailer.errors import MailerError

# mrml recurses for each level: 10,000 end the process on an 8 MiB stack, 150 on the 128 KiB of a thread under musl.
MAX_DEPTH = 64

# What XML 1.0 §2.2 forbids, and C1 controls, which some readers take for Windows-1252.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(\d{2,7});")
_STRAY = re.compile(r"&#(?:(\d{1,7});|[xX]([0-9a-fA-F]{1,6});)?")
_BREAKS = re.compile(r"[\r\n\t]")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_SPAN = re.compile(r"(\d+):\d+")

# Comments that Outlook reads; all others between MJML tags are notes to authors.
CONDITIONAL = ("<!--[if", "<!--<![endif")
_HTML_INSIDE = frozenset({"mj-text", "mj-raw", "mj-table", "mj-button", "mj-navbar-link", "mj-social-element"})

# Loose text between the rows and cells of a table, such as a condition's marker that was in mj-raw inside a column.
# The HTML5 tree builder in css-inline would move it in front of the table; as a comment it stays where it is.
_LOOSE = re.compile(
    r"((?><!--.*?-->)|<(?:table|tbody|thead|tfoot|tr)\b[^>]*>|</(?:tr|td|th|tbody|thead|tfoot)>)(\s*)([^\s<][^<]*)?",
    re.DOTALL,
)
_HELD = re.compile(r"<!--loose:(.*?)-->", re.DOTALL)

# mrml's own style blocks stay as they are: inlined on every td they would double the mail and change nothing.
_STYLE = re.compile(r"<style([^>]*)>(?=\s*(?:#outlook a|@media [^{]*\{ \.mj-column-|\.moz-text-html \.mj-))")
_IGNORE = ' data-css-inline="ignore"'

# What mrml writes that HTML doesn't have; each is in the style beside it as well.
_UNKNOWN = re.compile(r'(<td\b[^<>]*?) vertical-align="[a-z]+"|(<img\b[^<>]*?) height="auto"')

_INLINER = CSSInliner(
    keep_style_tags=True,  # media queries and :hover have no inline form …
    keep_at_rules=True,
    remove_inlined_selectors=True,  # … but what has one needn't be sent twice
    load_remote_stylesheets=False,
)


def mjml_to_html(source: str, *, file: str = "template") -> str:
    """The HTML document for MJML `source`: styles inlined, nothing in it that asks a third party for anything.

    Raises `MailerError` for whatever the compiler refuses or fails on, with the line of `file` where it is known.
    Equal source gives equal bytes.
    """
    prepared = _Prepared(_ILLEGAL.sub("", source), file)
    html = _guarded(lambda: mjml2html(prepared.text, fonts={}), prepared)
    html = _guarded(lambda: _INLINER.inline(_hold(_decode(html))), prepared)
    html = _UNKNOWN.sub(lambda match: match[1] or match[2], html)
    return _HELD.sub(lambda match: match[1], html).replace(_IGNORE, "")


class _Prepared:
    """Source as mrml may see it, and the way back from its offsets to lines.

    mrml writes attribute values with Rust's debug formatter, which turns many characters (NBSP, joiners, combining
    marks, quotes, line breaks, backslashes) into escapes that no reader undoes. References pass untouched, so
    everything outside ASCII, and every quote inside a value, travels as one; line breaks and tabs become spaces.
    """

    def __init__(self, source: str, file: str) -> None:
        self.file = file
        self.starts: list[int] = []
        self.lines: list[int] = []
        self.open: list[str] = []
        pieces: list[str] = []
        length = 0
        for piece in scan(source):
            text = source[piece.start : piece.end]
            if self._is_idle(piece, text):
                continue
            self._nest(piece)
            if piece.kind in (TokenKind.OPEN, TokenKind.EMPTY):
                text = _tag(piece)
            elif piece.kind is TokenKind.CLOSE:
                text = _BREAKS.sub(" ", text)
            elif piece.kind is TokenKind.TEXT:
                text = text.replace("]]>", "]]&gt;")
                if self.open and self.open[-1] == "mj-title":  # it becomes the value of an attribute too
                    text = _BLANKS.sub(" ", text).strip(SPACE).replace('"', "&quot;")
            text = _STRAY.sub(_neutral, text) if "&#" in text else text
            text = text.replace("\\", "&#92;")
            if not text.isascii():
                text = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
            self.starts.append(length)
            self.lines.append(piece.line)
            pieces.append(text)
            length += len(text)
        self.text = "".join(pieces)

    def _is_idle(self, piece: Piece, text: str) -> bool:
        """Space and notes between MJML tags: in some places, such as mj-head, mrml takes them for a syntax error."""
        inside = self.open[-1] if self.open else ""
        tag = tags().get(inside)
        if inside in _HTML_INSIDE or (tag is None and inside and inside not in SETTERS):
            return False
        if piece.kind is TokenKind.COMMENT:
            return not text.startswith(CONDITIONAL)
        return piece.kind is TokenKind.TEXT and not text.strip(SPACE) and (tag is None or not tag.ending)

    def _nest(self, piece: Piece) -> None:
        if piece.kind is TokenKind.BROKEN:
            raise MailerError(f"broken markup: {piece.name}", place=Place(self.file, piece.line))
        if piece.kind is TokenKind.DECLARATION or piece.kind is TokenKind.CDATA:
            raise MailerError("CDATA, <!…> and <?…> have no place in MJML", place=Place(self.file, piece.line))
        if piece.kind is TokenKind.CLOSE and self.open:
            self.open.pop()
        if piece.kind is not TokenKind.OPEN or piece.name.lower() in VOID:
            return
        if len(self.open) >= MAX_DEPTH:
            raise MailerError(
                f"elements are nested more than {MAX_DEPTH} deep",
                place=Place(self.file, piece.line),
                remedy="Mail readers give up much earlier. Use fewer lists, quotes or tables inside each other.",
            )
        self.open.append(piece.name)

    def place(self, offset: int) -> Place:
        """The line on which the piece around `offset` of the prepared text begins."""
        found = bisect_right(self.starts, offset) - 1
        return Place(self.file, self.lines[found] if 0 <= found < len(self.lines) else None)


def _tag(piece: Piece) -> str:
    """An opening tag as mrml reads it rightly, whatever the quotes and blanks it was written with."""
    types = attribute_types(piece.name)
    words = [piece.name]
    for attribute in piece.attributes:
        if (piece.name, attribute.name) in WITHOUT_EFFECT:
            continue
        if attribute.value is None:
            words.append(attribute.name)
            continue
        value = settled(types.get(attribute.name, "string"), attribute.value)
        value = _BREAKS.sub(" ", value).replace("<", "&lt;").replace('"', "&quot;")
        words.append(f'{attribute.name}="{value}"')
    return f"<{' '.join(words)}{' /' if piece.kind is TokenKind.EMPTY else ''}>"


def _guarded(call: Callable[[], str], prepared: _Prepared) -> str:
    """What `call` into Rust returns; its errors, panics included, as `MailerError`."""
    try:
        return call()
    except ValueError as error:  # css_inline.InlineError is one too
        span = _SPAN.search(str(error))
        raise MailerError(
            f"the MJML can't be compiled: {_SPAN.sub('', str(error)).removesuffix(' at position ').strip()}",
            place=prepared.place(int(span[1])) if span else Place(prepared.file),
            remedy="Look for a tag that isn't closed, or an attribute without quotes.",
        ) from None
    except BaseException as error:
        # A panic in Rust arrives as pyo3_runtime.PanicException, which can't be imported and isn't an Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise MailerError(
            "the MJML compiler gave up on this markup",
            place=Place(prepared.file),
            remedy="Look for a comment, tag or attribute that isn't closed.",
        ) from None


def _decode(html: str) -> str:
    """Undo the references that `_Prepared` made; those below U+00A0 are the author's, and mean something in HTML."""
    return _REFERENCE.sub(_character, _STYLE.sub(rf"<style\1{_IGNORE}>", html))


def _neutral(match: re.Match[str]) -> str:
    """A numeric reference as it is, or as plain text when it names no character: mrml would refuse the whole source."""
    number = int(match[1]) if match[1] else int(match[2], 16) if match[2] else 0
    known = number in (9, 10, 13) or 0x20 <= number < 0xD800 or 0xE000 <= number <= 0x10FFFF
    return match[0] if known else "&amp;" + match[0][1:]


def _character(match: re.Match[str]) -> str:
    number = int(match[1])
    plain = number == 92 or 159 < number < 0xD800 or 0xDFFF < number <= 0x10FFFF
    return chr(number) if plain else match[0]


def _hold(html: str) -> str:
    def comment(match: re.Match[str]) -> str:
        loose = match[3]
        return match[0] if loose is None or "-" in loose else f"{match[1]}{match[2]}<!--loose:{loose}-->"

    return _LOOSE.sub(comment, html)
