"""Plain text from finished HTML, for message.mjml, whose author wrote no Markdown.

It keeps the order of the words, sets paragraphs apart and puts each link's address below the words it hangs on. What is
hidden (the preheader, comments, style sheets) is left out.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from mailer.compose.markup import VOID
from mailer.compose.text import label_and_address, wrap

BLOCKS = ("p", "div", "td", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "hr")
HIDDEN = ("head", "style", "script", "title")
INVISIBLE = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


def text_of_html(html: str) -> str:
    """The words of `html`, markers included, wrapped; ends with a line break."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_paragraph()
    return "\n\n".join(reader.paragraphs) + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.paragraphs: list[str] = []
        self.words: list[str] = []
        self.below: list[str] = []
        self.link: tuple[str, int] | None = None
        self.hidden: list[bool] = []
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in BLOCKS:
            self.end_paragraph()
        if tag == "li":
            self.end_paragraph()
            self.words.append("- ")
        elif tag == "br":
            self.words.append("\n")
        elif tag == "img" and not any(self.hidden) and values.get("alt"):
            self.words.append(f"[{values['alt']}] ")
        elif tag == "a":
            self.link = (values.get("href") or "", len(self.words))
        if tag not in VOID:
            self.names.append(tag)
            self.hidden.append(tag in HIDDEN or bool(INVISIBLE.search(values.get("style") or "")))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS or tag == "li":
            self.end_paragraph()
        elif tag == "a" and self.link:
            address, start = self.link
            label = " ".join("".join(self.words[start:]).split())
            if address and not address.startswith("#"):
                self.below.append(label_and_address(label, address))
            self.link = None
        if tag in self.names:
            while self.names.pop() != tag:
                self.hidden.pop()
            self.hidden.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.hidden):
            self.words.append(re.sub(r"\s+", " ", data))

    def end_paragraph(self) -> None:
        text = wrap("".join(self.words)).strip()
        lines = [text] if text and [text] != [line.split(": ")[0] for line in self.below] else []
        if lines or self.below:
            self.paragraphs.append("\n".join([*lines, *self.below]))
        self.words, self.below, self.link = [], [], None
