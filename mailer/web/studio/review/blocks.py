"""A newsletter's text as it reads, in blocks with their lines: what comments are about.

It is the text as staff wrote it, with merge tags and conditions in words, not anybody's mail: that is in the frame. A
block is what blank lines part: a paragraph, a heading, a button. Nothing here compiles, so a text with faults is shown
too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from mailer.web.studio.core.static import icon

TAG = re.compile(r"\{\{(.*?)\}\}")
CONTROL = re.compile(r"\s*\{%-?\s*(if|elif|else|endif)\b(.*?)-?%\}\s*")
INLINE_CONTROL = re.compile(r"\{%-?\s*(if|elif|else|endif)\b(.*?)-?%\}")
FENCE = re.compile(r"\s*:::\s*(\w*)\s*(.*)")
NOTE = re.compile(r"\[\^([^\]\s]+)\]")
NOTE_TEXT = re.compile(r"\s*\[\^([^\]\s]+)\]:\s*")
FALLBACK = re.compile(r"""\|\s*default\(\s*(["'])(.*?)\1""")
OWNER = re.compile(r"\bsupporter\.")
OWNED = re.compile(r"\b(organisation|list|action|campaign)\.")
HELD = re.compile("\ue000(\\d+)\ue001")  # private-use signs, between which a number says what is left out here
SAFE = ":/?#[]@!$&'()*+,;=%~"  # in an address as it was written
SAID = {"==": "is", "!=": "isn’t", ">=": "is at least", "<=": "is at most", ">": "is above", "<": "is below"}
COMPARED = re.compile("|".join(map(re.escape, SAID)))
CARDS = {
    "story": "Story", "progress": "How many have signed, drawn when the mail is opened", "ps": "P.S.",
    "share": "Links to pass it on", "picture": "Picture",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReviewBlock:
    """A piece of the text. `line` to `last`: its lines in the file, from 1; `words`: them as they are written there, by
    which a comment finds them again. `kind` is how it looks; `is_conditional`: only some people see it."""

    line: int
    last: int
    kind: str  # words, ask, quote, numbers, card, note, band, subject …
    words: str
    html: Markup
    label: str = ""
    is_conditional: bool = False


def field_block(lines: Sequence[str], line: int, value: str, *, kind: str, label: str) -> ReviewBlock:
    """A value of the front matter that people read, such as the subject. `line` is where it begins; the indented lines
    below belong to it. A value of kind "field" is read as Markdown."""
    last = line
    while last < len(lines) and lines[last].startswith((" ", "\t")):
        last += 1
    html = _Reader(lines, {}).html(value) if kind == "field" else _inline(value)
    return ReviewBlock(line, last, kind, "\n".join(lines[line - 1 : last]), html, label)


def blocks_of(
    lines: Sequence[str], first: int, *, pictures: Mapping[str, str], button: str = ""
) -> Iterator[ReviewBlock]:
    """The blocks of a body, which begins at line `first` of the file's `lines`. `pictures`: where each is shown;
    `button`: the words on a button that has none of its own."""
    reader = _Reader(lines, pictures)
    depth, card = 0, ""
    for line, last, kind, rest in _pieces(lines, first):
        words = "\n".join(lines[line - 1 : last])
        block = ReviewBlock(line, last, card or "words", words, Markup(""), is_conditional=depth > 0)
        if kind == "control":
            name = rest.partition(" ")[0]
            yield replace(block, kind="band", label=_band(rest), is_conditional=True)
            depth = max(0, depth + (name == "if") - (name == "endif"))
        elif kind == "fence":
            name, _, title = rest.partition(" ")
            card = "" if not name else "card" if name in CARDS else name
            if name == "ask":
                yield replace(block, kind="ask", html=_inline(title or button or "Sign up"))
            elif name in CARDS or name == "quote":
                label = CARDS.get(name, "")
                yield replace(block, kind="card-head" if name in CARDS else "by", html=_inline(title), label=label)
        elif card == "ask":
            continue  # its words are on the button already
        elif kind == "note":
            yield replace(block, kind="note", html=reader.html(words, note=True))
        elif html := reader.html(words):  # nothing where it says only where links lead
            yield replace(block, html=html)


class _Reader:
    """Reads Markdown for the eye: no raw HTML, links that say where they lead, pictures from the studio."""

    def __init__(self, lines: Sequence[str], pictures: Mapping[str, str]) -> None:
        self._pictures = pictures
        self._markdown = MarkdownIt("commonmark", {"html": False}).disable("code")
        self._links: dict[str, Any] = {}  # [words]: address, which may be anywhere in the text
        self._markdown.parse(_held("\n".join(lines), []), self._links)

    def html(self, words: str, *, note: bool = False) -> Markup:
        held: list[str] = []
        text = NOTE_TEXT.sub(lambda found: f"{found[1]}. ", words) if note else words
        tokens = self._markdown.parse(_held(text, held), self._links)
        for token in tokens:
            token.info = ""
            for child in token.children or ():
                if child.type == "image":
                    self._show_picture(child, held)
                elif child.type == "link_open":
                    _show_link(child, held)
        made = self._markdown.renderer.render(tokens, self._markdown.options, self._links)
        return Markup(_put_back(made, held))  # noqa: S704 - rendered without raw HTML, tags escaped

    def _show_picture(self, token: Token, held: Sequence[str]) -> None:
        name = unquote(str(token.attrs.get("src", "")))
        token.attrs = {"src": self._pictures.get(name, ""), "alt": ""}
        for child in token.children or ():  # they become its alt text, where no HTML can be
            child.content = _put_back_plain(child.content, held)


def _show_link(token: Token, held: Sequence[str]) -> None:
    """Where it leads is said on it; an address that waits for the reader leads nowhere yet."""
    address = _put_back_plain(unquote(str(token.attrs.get("href", ""))), held)
    token.attrs = {"title": address, "class": "t"}
    if address.startswith(("https://", "http://")) and "{{" not in address:
        token.attrs |= {"href": quote(address, safe=SAFE), "rel": "noreferrer", "target": "_blank"}


def _pieces(lines: Sequence[str], first: int) -> Iterator[tuple[int, int, str, str]]:
    """First and last line, kind and rest of each piece."""
    begun = 0
    for number, line in enumerate([*lines[first - 1 :], ""], first):
        control, fence, note = CONTROL.fullmatch(line), FENCE.fullmatch(line), NOTE_TEXT.match(line)
        if begun and (not line.strip() or control or fence or note):
            yield begun, number - 1, "note" if NOTE_TEXT.match(lines[begun - 1]) else "words", ""
            begun = 0
        if control:
            yield number, number, "control", f"{control[1]} {control[2].strip()}".strip()
        elif fence:
            yield number, number, "fence", f"{fence[1]} {fence[2]}".strip()
        elif line.strip() and not begun:
            begun = number


def _band(rest: str) -> str:
    name, _, test = rest.partition(" ")
    if name == "if":
        return f"Only where {condition_words(test)}"
    if name == "elif":
        return f"Or, where {condition_words(test)}"
    return "Everybody else" if name == "else" else "Until here"


def condition_words(test: str) -> str:
    """A condition nearer to words: country is “GB”."""
    plain = COMPARED.sub(lambda found: SAID[found[0]], OWNER.sub("", test.strip()))
    return re.sub(r"""(["'])(.*?)\1""", r"“\2”", plain).replace("_", " ")


def tag_words(inside: str) -> str:
    """A merge tag in words: first name, or “friend”."""
    name = OWNED.sub(r"\1 ", OWNER.sub("", inside.partition("|")[0].strip())).replace("_", " ")
    fallback = FALLBACK.search(inside)
    return f"{name}, or “{fallback[2]}”" if fallback else name


def _inline(text: str) -> Markup:
    held: list[str] = []
    return Markup(_put_back(escape(_held(text, held)), held))  # noqa: S704 - escaped


def _held(text: str, held: list[str]) -> str:
    """The text without tags and marks of notes, which Markdown would take apart: each gives way to its number."""

    def hold(found: re.Match[str]) -> str:
        held.append(found[0])
        return f"\ue000{len(held) - 1}\ue001"

    clean = text.replace("\ue000", "").replace("\ue001", "")
    for pattern in (TAG, INLINE_CONTROL, NOTE):
        clean = pattern.sub(hold, clean)
    return clean


def _put_back(html: str, held: Sequence[str]) -> str:
    return HELD.sub(lambda found: _shown(held[int(found[1])]), html)


def _put_back_plain(text: str, held: Sequence[str]) -> str:
    return HELD.sub(lambda found: held[int(found[1])], text)


def _shown(written: str) -> str:
    if tag := TAG.fullmatch(written):
        return f'<span class="pill">{icon("user", small=True)}{escape(tag_words(tag[1]))}</span>'
    if control := INLINE_CONTROL.fullmatch(written):
        return f'<span class="only">{escape(_band(f"{control[1]} {control[2].strip()}".strip()))}</span>'
    note = NOTE.fullmatch(written)
    return f"<sup>{escape(note[1] if note else written)}</sup>"
