"""Markdown → the HTML of a web page: CommonMark with footnotes, raw HTML off, and nothing that loads from elsewhere.

It is for what supporters read on our own pages, where nobody is known: no merge tags, no tracked links, no pictures.
Mails have their own way (`markdown.parser`, `markdown.body`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin

from mailer.compose.markdown.parser import HTML_TAG, LOST_NOTE
from mailer.compose.templating.link_table import LEFT_ALONE, SCHEME, is_host
from mailer.diagnostics import Diagnostic, Level, Place

TAG = re.compile(r"\{\{|\{%|\{#")
HTTP_HOST = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)


def page_html(text: str, place: Place) -> tuple[Markup, list[Diagnostic]]:
    """`text` as safe HTML, and what a page can't hold; `place` is where its first line is."""
    parser = _parser()
    # Addresses are judged below, with their place; Markdown would silently make no link of a bad one.
    cast(Any, parser).validateLink = lambda url: True  # pyright: ignore[reportUnknownLambdaType]
    env: dict[str, Any] = {"docId": str(place.line or 1)}  # several texts on one page have notes of their own
    tokens = parser.parse(text, env)
    first, line = place.line or 1, 0
    remedy = "A page is the same for everybody. Merge tags belong into the mail."
    faults = [
        Diagnostic("merge tags can't be used on a page", Place(place.file, first + number), remedy)
        for number, written in enumerate(text.split("\n"))
        if TAG.search(written)
    ]
    for token in tokens:
        line = token.map[0] if token.map else line
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h2" if token.tag in ("h1", "h2") else "h3"  # the page's headline is its only h1
        for child in token.children or ():
            faults += _faults(child, Place(place.file, first + line))
            if child.type == "link_open":
                child.attrs["rel"] = "noreferrer"
    html = Markup(parser.renderer.render(tokens, parser.options, env))  # noqa: S704 - raw HTML is off in the parser
    return html, faults


def page_words(text: str) -> str:
    """The words of a Markdown text on one line, for the preview that other sites show of a page."""
    tokens = _parser().parse(text)
    notes = next((at for at, token in enumerate(tokens) if token.type == "footnote_block_open"), None)
    return " ".join(" ".join(_words(tokens[:notes])).split())


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "typographer": False}).use(footnote_plugin, inline=True)


def address_fault(url: str) -> str | None:
    """Why a page can't link to `url`, or None when it can."""
    scheme = SCHEME.match(url)
    if scheme and scheme[1].lower() in LEFT_ALONE:
        return None
    host = HTTP_HOST.match(url)
    if host is None or not is_host(host[1]) or re.search(r'[\s\x00-\x1f<>"\\]', url):
        return f"{url!r} is not a web address"
    return None


def _faults(child: Token, place: Place) -> Iterator[Diagnostic]:
    if child.type == "image":
        remedy = "A page loads nothing, so that it is quick on any phone. Tell it in words, or link to the picture."
        yield Diagnostic("pictures can't be used on a page", place, remedy)
    elif child.type == "link_open":
        wrong = address_fault(str(child.attrs.get("href", "")))
        if wrong:
            yield Diagnostic(wrong, place, "A link begins with https://, mailto: or tel:.")
    elif child.type == "text":
        if HTML_TAG.search(child.content):
            remedy = "Write Markdown: **bold**, *italic*, [words](address)."
            yield Diagnostic("HTML is shown as text here", place, remedy, level=Level.WARNING)
        if lost := LOST_NOTE.search(child.content):
            note = f"Write the note on a line of its own: [^{lost[1]}]: …"
            yield Diagnostic(f"there is no note {lost[1]!r}", place, note)


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "inline":
            yield "".join(
                " " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children or ()
            )
