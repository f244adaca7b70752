"""A mail as an article of a page: its headline, words, pictures and buttons, without the tables it was laid out in,
without what belongs in a mail alone (why it came, links to leave, the sender's address), and safe by construction.

Pure: HTML in, a value out. Nothing of the mail's own styles is kept but what they tell of a text: that it is a button,
or a figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from mailer.compose.html_tree import Element, parse
from mailer.compose.merge import Urls
from mailer.compose.source.event import CALENDAR_FILE

BLOCKS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "blockquote", "hr", "pre"))
BOXES = frozenset(
    ("", "html", "body", "main", "article", "div", "section", "center", "table", "tbody", "tr", "td", "th")
)
INLINE = frozenset(("a", "b", "strong", "em", "i", "sup", "sub", "br", "code", "bdi", "s", "u", "li", "p"))
KEPT = ("id", "lang", "dir")
FIGURE_PIXELS = 36.0
LONGEST_KICKER = 80  # characters of what comes before the headline
SMALL_PICTURE = 200  # pixels: a face or a mark, and no picture that tells something
MOST_OF_IT = 0.5  # of all words: a cell that holds so much isn't only a footer
SAFE = re.compile(r"(https?://|mailto:|#|/)", re.IGNORECASE)
# A mail's personal addresses while it is read, so that what leads to them is found and left out.
NOWHERE = ("#mailer-unsubscribe", "#mailer-view", "#mailer-preferences")
DIGEST = re.compile(r"/i/([0-9a-f]{16})/")
PIXELS = re.compile(r"([\d.]+)px")


def urls_for_article(click: str) -> Urls:
    """The addresses with which a mail is merged for `article_of`. `click`: before the number of a link."""
    return Urls(click=click, unsubscribe=NOWHERE[0], view=NOWHERE[1], preferences=NOWHERE[2])


@dataclass(frozen=True, slots=True)
class ArticlePicture:
    """A picture of ours: its address below our own host, and its size in pixels if it is known."""

    src: str
    alt: str
    size: tuple[int, int] | None

    @property
    def digest(self) -> str:
        """Of its content, as its address has it; "" for one that is drawn for each request, such as a bar."""
        found = DIGEST.search(self.src)
        return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Article:
    """What is shown of a mail. `lead` is the picture it begins with, if it does."""

    kicker: str
    headline: str
    lead: ArticlePicture | None
    pictures: tuple[ArticlePicture, ...]  # the large ones, with `lead`
    html: Markup


@dataclass(frozen=True, slots=True)
class ArticleSource:
    """What is known of a mail beside its HTML."""

    own: Callable[[str], str]  # a picture's address → that below our own host, or "" for one that isn't shown
    size: Callable[[str], tuple[int, int] | None]  # of such a picture
    actions: Collection[str] = ()  # addresses of the one action
    unsaid: Collection[str] = ()  # texts that are left out: why the mail came
    name: str = ""  # the organisation's, as a masthead has it
    calendar: str = ""  # address of the calendar file of an event, which the mail has below its own


def article_of(html: str, source: ArticleSource) -> Article:
    """The article in a mail's HTML that was merged with `urls_for_article`."""
    reading = _Reading(source)
    root = parse(html)
    bodies = root.find("body")
    body = bodies[0] if bodies else root
    reading.left_out = _only_in_mails(body)
    reading.read(body)
    return reading.article()


class _Reading:
    """Goes through a mail and collects its blocks."""

    def __init__(self, source: ArticleSource) -> None:
        self.left_out: set[int] = set()
        self._source = source
        self._blocks: list[str | ArticlePicture] = []
        self._headline: Element | None = None
        self._before = 0  # blocks before the headline
        self._texts: list[str] = []  # those blocks' words
        self._acted = False

    def article(self) -> Article:
        blocks = list(self._blocks)
        kicker = ""
        if self._headline is not None:
            first, blocks = blocks[: self._before], blocks[self._before :]
            words = [text for text in self._texts if text and text != self._source.name]
            kicker = " ".join(words) if sum(map(len, words)) <= LONGEST_KICKER else ""
            spoken = [one for one in first if not (isinstance(one, str) and (kicker or not words))]
            blocks = [*spoken, *blocks]
        lead = blocks.pop(0) if blocks and isinstance(blocks[0], ArticlePicture) else None
        pictures = tuple(one for one in self._blocks if isinstance(one, ArticlePicture))
        html = "".join(one if isinstance(one, str) else _picture(one) for one in blocks)
        headline = self._headline.text() if self._headline is not None else ""
        made = Markup(html)  # noqa: S704 - each part was escaped where it was made
        return Article(kicker, headline, lead if isinstance(lead, ArticlePicture) else None, pictures, made)

    def read(self, box: Element) -> None:
        run: list[Element | str] = []
        for child in box.children:
            if isinstance(child, Element) and (not child.is_seen or id(child) in self.left_out):
                continue
            if isinstance(child, str) or not _holds_blocks(child):
                run.append(child)
                continue
            self._paragraph(box, run)
            run = []
            if child.tag == "img":
                self._show(child)
            elif child.tag in BLOCKS:
                self._block(child)
            else:
                self.read(child)
        self._paragraph(box, run)

    def _block(self, element: Element) -> None:
        text = element.text()
        if element.tag == "h1" and self._headline is None:
            self._headline, self._before = element, len(self._blocks)
        elif element.tag == "hr" or (not text and "border-top" in element.styles):
            self._add("<hr>", "")
        elif element.find("img") and not text:
            for one in element.find("img"):
                self._show(one)
        elif element.tag == "p":
            self._paragraph(element, element.children)
        elif text and text not in self._source.unsaid:
            tag = element.tag if element.tag != "h1" else "h2"
            self._add(f"<{tag}{_attributes(element)}>{self._inside(element.children)}</{tag}>", text)

    def _paragraph(self, box: Element, run: Sequence[Element | str]) -> None:
        words = " ".join("".join(one if isinstance(one, str) else f" {one.text()} " for one in run).split())
        if not words or words in self._source.unsaid:
            return
        links = [link for one in run if isinstance(one, Element) for link in one.walk() if link.tag == "a"]
        if len(links) == 1 and links[0].text() == words and _is_button(links[0]):
            is_loud = links[0].attrs.get("href") in self._source.actions and not self._acted
            self._acted = self._acted or is_loud
            link = self._link(links[0], "go" if is_loud else "btn")
            self._add(f"<p>{link}</p>", words)
        elif _pixels(box) >= FIGURE_PIXELS:
            self._add(f'<p class="figure">{self._inside(run)}</p>', words)
        else:
            self._add(f"<p{_attributes(box) if box.tag == 'p' else ''}>{self._inside(run)}</p>", words)

    def _show(self, image: Element) -> None:
        src = self._source.own(image.attrs.get("src", ""))
        if not src:
            return
        alt, width = image.attrs.get("alt", ""), image.attrs.get("width", "").removesuffix("px")
        if width.isdigit() and int(width) <= SMALL_PICTURE:
            side = min(int(width), 72)
            self._add(f'<img class="face" src="{escape(src)}" width="{side}" height="{side}" alt="{escape(alt)}">', "")
        else:
            self._blocks.append(ArticlePicture(src, alt, self._source.size(src)))

    def _add(self, html: str, words: str) -> None:
        if self._headline is None:
            self._texts.append(words)
        self._blocks.append(html)

    def _inside(self, children: Sequence[Element | str]) -> str:
        return "".join(self._inline(child) for child in children)

    def _inline(self, child: Element | str) -> str:
        if isinstance(child, str):
            return escape(child)
        if not child.is_seen or id(child) in self.left_out:
            return ""
        if child.tag == "br":
            return "<br>"
        if child.tag == "a":
            return self._link(child, "")
        inside = self._inside(child.children)
        if child.tag in INLINE or (child.tag in BLOCKS and child.tag != "h1"):
            return f"<{child.tag}{_attributes(child)}>{inside}</{child.tag}>"
        given = _attributes(child)
        return f"<span{given}>{inside}</span>" if given else inside

    def _link(self, link: Element, names: str) -> str:
        inside, href = self._inside(link.children), link.attrs.get("href", "")
        if href == f"{NOWHERE[1]}/{CALENDAR_FILE}":
            href = self._source.calendar
        if not SAFE.match(href):
            return inside
        given = f' class="{names}"' if names else ""
        return f'<a href="{escape(href)}"{given}{_attributes(link)}>{inside}</a>'


def _only_in_mails(body: Element) -> set[int]:
    """The cells that lead to somebody's own pages: the footer, with why the mail came and from where."""
    whole = max(1, len(body.text()))
    found: set[int] = set()
    for link in body.find("a"):
        if link.attrs.get("href") in NOWHERE:
            cells = (one for one in link.ancestors() if one.tag in ("td", "div"))
            cell = next(cells, link)
            if len(cell.text()) > MOST_OF_IT * whole:
                cell = next((one for one in link.ancestors() if one.tag in ("p", "li")), link)
            found.add(id(cell))
    return found


def _holds_blocks(element: Element) -> bool:
    return element.tag in BLOCKS or element.tag in BOXES or element.tag == "img" or any(
        one.tag in BLOCKS or one.tag in BOXES or one.tag == "img" for one in element.walk()
    )  # fmt: skip


def _attributes(element: Element) -> str:
    return "".join(f' {name}="{escape(element.attrs[name])}"' for name in KEPT if element.attrs.get(name))


def _is_button(link: Element) -> bool:
    coloured = (one.styles.get("background-color") or one.styles.get("background", "") for one in _near(link))
    return any(value not in ("", "none", "transparent") for value in coloured)


def _near(link: Element) -> Iterator[Element]:
    """The link, and its cell if that holds nothing else."""
    for one in link.ancestors():
        if one is not link and one.text() != link.text():
            return
        yield one
        if one.tag == "td":
            return


def _pixels(element: Element) -> float:
    for one in element.ancestors():
        if found := PIXELS.fullmatch(one.styles.get("font-size", "")):
            return float(found[1])
    return 0.0


def _picture(one: ArticlePicture) -> str:
    size = f' width="{one.size[0]}" height="{one.size[1]}"' if one.size else ""
    return f'<img src="{escape(one.src)}"{size} alt="{escape(one.alt)}" loading="lazy">'
