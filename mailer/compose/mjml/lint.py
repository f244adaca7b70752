"""Checks MJML source before it is compiled: every fault at once, each with its line and a remedy.

mjml-python is strict about syntax and blind to structure: it copies unknown tags into the mail, renders wrong nesting
and matches closing tags without looking at their names. This module looks. It judges tags and nesting;
`lint_attributes` judges the attributes of a tag, `schema` knows what MJML allows and `forbidden` what we don't.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches

from mailer.compose.mjml.forbidden import HTML_TAGS, TAGS
from mailer.compose.mjml.lint_attributes import attribute_faults, style_faults
from mailer.compose.mjml.schema import SETTERS, Tag, tags
from mailer.compose.mjml.to_html import CONDITIONAL, MAX_DEPTH
from mailer.compose.mjml.tokenizer import SPACE, VOID, Piece, TokenKind, scan
from mailer.diagnostics import Diagnostic, Level, Place

# Stands for a tag that may hold anything.
_ANY = Tag("anything", {}, frozenset(), ending=False)

# Stands for a tag that may hold nothing: these, and all tags in mj-attributes. What they hold mrml takes for an error.
_NOTHING = Tag("nothing", {}, frozenset(), ending=False)
_EMPTY = frozenset({"mj-image", "mj-breakpoint", "mj-divider", "mj-spacer"})
# Where mrml allows a comment for Outlook between MJML tags.
_COMMENTED = frozenset({"mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"})

# A note, <!--[if …]>…<![endif]-->, <!--[if …]><!--> or <!--<![endif]-->. mrml panics on what only resembles them.
_IF = r"\[if [\w !()|&.]+\]>"
_COMMENT = re.compile(
    rf"<!--(?:(?!\[if|<!)(?:(?!<!).)*|{_IF}(?:(?!<!).)*<!\[endif\]|{_IF}<!|<!\[endif\])-->", re.DOTALL
)

# Inside mj-attributes these stand for all components, or for a named set of attributes.


def check_structure(source: str, *, file: str) -> list[Diagnostic]:
    """All faults of MJML `source`, in the order of their lines; `file` is the name its reader knows it by.

    Source without faults compiles. Opaque markers may be in text, in mj-raw and in any attribute but sizes.
    """
    check = _Check(source, file)
    for piece in scan(source.removeprefix("\ufeff")):
        check.take(piece)
    check.finish()
    return sorted(check.faults, key=lambda fault: (fault.place.line or 0) if fault.place else 0)


@dataclass(slots=True)
class _Open:
    """A tag that isn't closed yet. `tag` is None for HTML."""

    name: str
    line: int
    tag: Tag | None
    children: list[str] = field(default_factory=list[str])
    widths: float = 0.0  # of its columns, in per cent


class _Check:
    """Walks the pieces with a stack of open tags, collecting faults."""

    def __init__(self, source: str, file: str) -> None:
        self.source = source.removeprefix("\ufeff")
        self.file = file
        self.faults: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.roots: list[str] = []
        self.too_deep = self.titled = False
        self.classes: set[str] = set()
        self.used_classes: list[tuple[str, int]] = []

    def fault(self, line: int, message: str, remedy: str = "", *, level: Level = Level.ERROR) -> None:
        self.faults.append(Diagnostic(message, place=Place(self.file, line), remedy=remedy, level=level))

    def take(self, piece: Piece) -> None:
        match piece.kind:
            case TokenKind.TEXT:
                self.text(piece)
            case TokenKind.OPEN | TokenKind.EMPTY:
                self.open(piece)
            case TokenKind.CLOSE:
                self.close(piece)
            case TokenKind.COMMENT:
                self.comment(piece)
            case TokenKind.BROKEN:
                style = bool(self.stack) and self.stack[-1].name == "mj-style"
                self.fault(piece.line, piece.name, "In styles, write max-width instead of <." if style else "")
            case _:
                self.fault(piece.line, "CDATA, <!…> and <?…> have no place in MJML", "Leave it out.")

    def comment(self, piece: Piece) -> None:
        text = self.source[piece.start : piece.end]
        inside = self.stack[-1] if self.stack else None
        if "--" in text[4:-2]:
            self.fault(piece.line, "a comment can't hold '--'", "Write - or — in the comment.")
        elif not _COMMENT.fullmatch(text):
            self.fault(
                piece.line, "this comment for Outlook is broken", "Write <!--[if mso]>…<![endif]-->, no more spaces."
            )
        elif text.startswith(CONDITIONAL) and not self.in_html() and (not inside or inside.name not in _COMMENTED):
            where = f"in <{inside.name}>" if inside else "outside <mjml>"
            self.fault(piece.line, f"a comment for Outlook isn't allowed {where}", "Put it in <mj-raw>.")

    def text(self, piece: Piece) -> None:
        text = self.source[piece.start : piece.end]
        if not text.strip(SPACE):
            return
        inside = self.stack[-1] if self.stack else None
        if inside is not None and inside.name in ("mj-style", "style"):
            self.faults += style_faults(text, file=self.file, line=piece.line)
        elif inside is None or (inside.tag not in (None, _ANY) and not inside.tag.ending):
            before = text[: len(text) - len(text.lstrip(SPACE))]
            where = f"directly in <{inside.name}>" if inside else "outside <mjml>"
            self.fault(
                piece.line + before.count("\n"),
                f"text isn't allowed {where}: {_short(text)!r}",
                "Put text in <mj-text>, and a bare condition in <mj-raw>.",
            )

    def open(self, piece: Piece) -> None:
        name = piece.name
        tag = self.known(piece) if name.lower().startswith("mj") else None
        if tag is None and not name.lower().startswith("mj"):
            self.html(piece)
        elif tag is not None:
            self.mjml(tag, piece)
        if self.stack:
            self.stack[-1].children.append(name)
        else:
            self.roots.append(name)
        if piece.kind is TokenKind.OPEN and name.lower() not in VOID:
            if len(self.stack) >= MAX_DEPTH and not self.too_deep:
                self.too_deep = True
                self.fault(
                    piece.line,
                    f"tags are nested more than {MAX_DEPTH} deep",
                    "Use fewer lists, quotes or tables inside each other.",
                )
            self.stack.append(_Open(name, piece.line, self.content(name, tag)))

    def content(self, name: str, tag: Tag | None) -> Tag | None:
        """The tag by which to judge what is inside. An unknown mj-… may hold anything: one slip is one fault."""
        if tag is None:
            return _ANY if name.lower().startswith("mj") else None
        return _NOTHING if name in _EMPTY or self.inside("mj-attributes") else tag

    def known(self, piece: Piece) -> Tag | None:
        """The tag, or None with a fault when there is no such tag or it is refused."""
        name = piece.name
        inside = self.stack[-1].name if self.stack else ""
        refusal = TAGS.get(name)
        if refusal:
            self.fault(piece.line, refusal.message, refusal.remedy)
            return None
        if inside == "mj-attributes" and name in SETTERS:
            return _ANY
        if name in tags():
            return tags()[name]
        if name in SETTERS:
            self.fault(piece.line, f"<{name}> belongs in <mj-attributes>")
            return None
        near = get_close_matches(name.lower(), tags(), n=1)
        self.fault(piece.line, f"there is no tag <{name}>", f"Did you mean <{near[0]}>?" if near else "")
        return None

    def mjml(self, tag: Tag, piece: Piece) -> None:
        self.nesting(piece)
        inside = self.stack[-1] if self.stack else None
        setting = inside is not None and inside.name == "mj-attributes"
        self.faults += attribute_faults(piece, tag, file=self.file, setting=setting)
        for attribute in piece.attributes:
            if attribute.name == "mj-class" and attribute.value:
                self.used_classes += [(name, attribute.line) for name in attribute.value.split()]
            elif piece.name == "mj-class" and attribute.name == "name" and attribute.value:
                self.classes.add(attribute.value)
        if piece.name == "mj-column" and inside is not None:
            self.column(inside, piece)
        self.titled = self.titled or piece.name == "mj-title"
        missing = [
            name for name in ("lang", "dir") if piece.name == "mjml" and name not in {a.name for a in piece.attributes}
        ]
        for name in missing:
            self.fault(
                piece.line,
                f"<mjml> has no {name}",
                'Write <mjml lang="{{ message.language }}" dir="{{ message.direction }}">.',
                level=Level.WARNING,
            )

    def nesting(self, piece: Piece) -> None:
        inside = self.stack[-1] if self.stack else None
        name = piece.name
        if inside is None:
            if name != "mjml":
                self.fault(piece.line, f"<{name}> is outside <mjml>", "The whole message belongs inside <mjml>.")
        elif name == "mjml":
            self.fault(piece.line, "<mjml> is inside another tag", "It is the outermost tag, once.")
        elif inside.tag is None or inside.tag.ending:
            self.fault(
                piece.line,
                f"<{name}> is inside <{inside.name}>, where only HTML is rendered",
                "Close it first" + (", and keep whole tags inside each <mj-raw>." if self.inside("mj-raw") else "."),
            )
        elif inside.name != "mj-attributes" and inside.tag is not _ANY and name not in inside.tag.children:
            allowed = sorted(child for child in inside.tag.children if child not in TAGS)
            takes = "takes " + ", ".join(f"<{child}>" for child in allowed) if allowed else "holds no other tags"
            self.fault(piece.line, f"<{name}> isn't allowed inside <{inside.name}>", f"<{inside.name}> {takes}.")
        elif name in ("mj-head", "mj-body") and name in inside.children:
            self.fault(piece.line, f"there is more than one <{name}>")
        elif name == "mj-head" and "mj-body" in inside.children:
            self.fault(piece.line, "<mj-head> is after <mj-body>", "Move it in front.")

    def column(self, inside: _Open, piece: Piece) -> None:
        width = next((a.value or "" for a in piece.attributes if a.name == "width"), "")
        before = inside.widths
        try:
            inside.widths += float(width.removesuffix("%")) if width.endswith("%") else 0.0
        except ValueError:
            return
        if before <= 100.5 < inside.widths:
            self.fault(
                piece.line,
                f"the columns of this <{inside.name}> are wider than 100% together ({inside.widths:g}%)",
                "Outlook would push the last one out of the mail.",
            )

    def html(self, piece: Piece) -> None:
        name = piece.name.lower()
        inside = self.stack[-1] if self.stack else None
        if inside is None:
            self.fault(piece.line, f"<{piece.name}> is outside <mjml>")
        elif inside.tag not in (None, _ANY) and not inside.tag.ending:
            self.fault(
                piece.line,
                f"<{piece.name}> is directly in <{inside.name}>",
                "Put HTML in <mj-text>, or in <mj-raw> if it is more than text.",
            )
        elif inside.name == "mj-raw" and name != "tr" and self.inside("mj-column", "mj-hero"):
            self.fault(
                piece.line,
                f"<{piece.name}> is in <mj-raw> inside a column, which is a table",
                "Begin with <tr><td>, or use <mj-text>.",
            )
        elif name in HTML_TAGS or inside.name in ("mj-style", "mj-title"):
            self.fault(
                piece.line,
                f"<{piece.name}> doesn't work in {'mails' if name in HTML_TAGS else f'<{inside.name}>'}",
                "Leave it out.",
            )
        self.faults += attribute_faults(piece, None, file=self.file, setting=False)

    def close(self, piece: Piece) -> None:
        names = [opened.name for opened in self.stack]
        if piece.name.lower() in VOID:
            self.fault(piece.line, f"<{piece.name}> has no closing tag", f"Write <{piece.name} />.")
        elif piece.name not in names:
            remedy = "Each <mj-raw> must hold whole tags: open and close inside it." if self.inside("mj-raw") else ""
            self.fault(piece.line, f"</{piece.name}> closes a tag that isn't open", remedy)
        else:
            while self.stack[-1].name != piece.name:
                opened = self.stack.pop()
                raw = piece.name == "mj-raw"
                self.fault(
                    opened.line,
                    f"<{opened.name}> isn't closed before </{piece.name}> on line {piece.line}",
                    "Each <mj-raw> must hold whole tags: open and close inside it." if raw else "",
                )
            self.ended(self.stack.pop())

    def ended(self, opened: _Open) -> None:
        if opened.name == "mjml" and "mj-body" not in opened.children:
            self.fault(opened.line, "there is no <mj-body>", "The message belongs in <mj-body> inside <mjml>.")
        if opened.name == "mjml" and not self.titled:
            self.fault(
                opened.line,
                "there is no <mj-title>",
                "Write <mj-head><mj-title>{{ message.subject }}</mj-title></mj-head>.",
                level=Level.WARNING,
            )

    def in_html(self) -> bool:
        """Whether HTML is allowed here: in mj-text and its like, and whatever is inside them."""
        return bool(self.stack) and (self.stack[-1].tag is None or self.stack[-1].tag.ending)

    def inside(self, *names: str) -> bool:
        return any(opened.name in names for opened in self.stack)

    def finish(self) -> None:
        for opened in reversed(self.stack):
            self.fault(opened.line, f"<{opened.name}> is never closed")
        if "mjml" not in self.roots:
            self.fault(1, "there is no <mjml> tag", "An MJML message is <mjml><mj-body>…</mj-body></mjml>.")
        elif self.roots.count("mjml") > 1:
            self.fault(1, "there is more than one <mjml> tag")
        for name, line in self.used_classes:
            if name not in self.classes:
                self.fault(line, f'mj-class "{name}" isn\'t defined', f'Define it: <mj-class name="{name}" … />.')


def _short(text: str) -> str:
    one_line = " ".join(text.strip(SPACE).split(" "))
    return one_line if len(one_line) <= 40 else f"{one_line[:39]}…"
