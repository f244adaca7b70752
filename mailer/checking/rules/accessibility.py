"""The rules of the Email Markup Consortium's accessibility report, looked at in the finished HTML.

emailmarkup.org/en/reports/accessibility: 99.88 % of 376,348 mails had faults of these kinds. Contrast is in `contrast`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.checking.registry import HTML, rule
from mailer.checking.specimen import Specimen
from mailer.compose.html_tree import Element
from mailer.diagnostics import Diagnostic, Level

SMALLEST_PIXELS = 14.0
HEADING = re.compile(r"h[1-6]")
PIXELS = re.compile(r"([\d.]+)px")
JUSTIFIED_CHARACTERS = 80


@rule(
    "accessibility.language", Level.ERROR, "the HTML, or the part that is shown, does not say its language",
    why="A screen reader then reads it with the voice of another language. 95.7 % of mails lack it.",
)  # fmt: skip
def language(specimen: Specimen) -> Iterator[Diagnostic]:
    wanted = specimen.message.language.lower()
    for element in _roots(specimen):
        said = element.attrs.get("lang", "").lower()
        if said != wanted:
            words = f"says lang={said!r}, and the message is in {wanted}" if said else "has no lang"
            remedy = 'Write <mjml lang="{{ message.language }}" …> in the layout.'
            yield Diagnostic(f"<{element.tag}> {words}", HTML, remedy)


@rule(
    "accessibility.direction", Level.ERROR, "the HTML, or the part that is shown, does not say its direction",
    why="Without dir, Arabic or Hebrew is set in the wrong order, and English inside such a mail too.",
)  # fmt: skip
def direction(specimen: Specimen) -> Iterator[Diagnostic]:
    for element in _roots(specimen):
        if element.attrs.get("dir", "").lower() != specimen.message.direction:
            remedy = 'Write <mjml … dir="{{ message.direction }}"> in the layout.'
            yield Diagnostic(f'<{element.tag}> has no dir="{specimen.message.direction}"', HTML, remedy)


@rule(
    "accessibility.title", Level.ERROR, "the HTML has no title",
    why="It is what a screen reader says first, and the name of the page when the mail is viewed in a browser.",
)  # fmt: skip
def title(specimen: Specimen) -> Iterator[Diagnostic]:
    words = "".join(
        child for element in specimen.html.find("title") for child in element.children if isinstance(child, str)
    )
    if not words.strip():
        yield Diagnostic("the HTML has no <title>", HTML, "Write <mj-title>{{ message.title }}</mj-title> in mj-head.")


@rule(
    "accessibility.table", Level.ERROR, "a table that only lays things out is not marked as one",
    why="A screen reader announces rows and columns before each word. 83.8 % of mails have such tables.",
)  # fmt: skip
def table(specimen: Specimen) -> Iterator[Diagnostic]:
    bare = [
        element
        for element in specimen.html.find("table")
        if element.attrs.get("role") not in ("presentation", "none") and not list(element.find("th"))
    ]
    if bare:
        words = next((element.text() for element in bare if element.text()), "")[:40]
        yield Diagnostic(
            f"{len(bare)} table{'s have' if len(bare) > 1 else ' has'} neither role=presentation nor headings: "
            f"“{words}”",
            HTML,
            'Add role="presentation", or <th> cells if it holds data.',
        )


@rule(
    "accessibility.alt", Level.ERROR, "a picture has no alt",
    why="A screen reader then reads the file's name. 47.9 % of mails have such pictures.",
)  # fmt: skip
def alt(specimen: Specimen) -> Iterator[Diagnostic]:
    for element in specimen.html.find("img"):
        if "alt" not in element.attrs:
            source = element.attrs.get("src", "")
            yield Diagnostic(
                f"the picture {source} has no alt", HTML, 'Say what it shows, or alt="" if it says nothing.'
            )


@rule(
    "accessibility.link-text", Level.ERROR, "a link has no words",
    why="It can be followed by nobody who doesn't see it. 72 % of mails have such links.",
)  # fmt: skip
def link_text(specimen: Specimen) -> Iterator[Diagnostic]:
    for element in specimen.html.find("a"):
        said = element.text(alternatives=True) or element.attrs.get("aria-label", "").strip()
        if element.attrs.get("href") and not said and not element.hidden:
            link = specimen.link_of(element)
            where = link.url if link else element.attrs["href"]
            picture = bool(element.find("img"))
            remedy = "Give the picture an alt that says where the link leads." if picture else "Give the link words."
            yield Diagnostic(f"the link to {where} has no words", HTML, remedy)


@rule(
    "accessibility.heading", Level.WARNING, "there is not exactly one main heading",
    why="People who listen jump from heading to heading. 76.8 % of mails have no <h1>.",
)  # fmt: skip
def heading(specimen: Specimen) -> Iterator[Diagnostic]:
    count = sum(1 for element in specimen.html.find("h1") if element.text() and not element.hidden)
    if count != 1:
        remedy = "Headings in the text begin with ##; the single # is the headline's, which the layout writes."
        yield Diagnostic(f"the mail has {count or 'no'} <h1>", HTML, remedy)


@rule(
    "accessibility.heading-order", Level.WARNING, "a level of headings is left out",
    why="Somebody who jumps by headings looks for the one that is missing.",
)  # fmt: skip
def heading_order(specimen: Specimen) -> Iterator[Diagnostic]:
    before = 0
    for element in specimen.html.walk():
        if HEADING.fullmatch(element.tag) and not element.hidden:
            level = int(element.tag[1])
            if before and level > before + 1:
                words = element.text()
                remedy = f"Write it with {'#' * (before + 1)} instead of {'#' * level}."
                yield Diagnostic(
                    f"“{words}” is a heading of level {level} after one of {before}", specimen.place_of(words), remedy
                )
            before = level


@rule(
    "accessibility.small-text", Level.WARNING, "text is smaller than 14 pixels",
    why="Many people can't read it on a phone, and they can't enlarge a mail.",
)  # fmt: skip
def small_text(specimen: Specimen) -> Iterator[Diagnostic]:
    told: set[float] = set()
    for element, words in texts(specimen.html):
        size = font_pixels(element)
        if element.tag not in ("sup", "sub") and size < SMALLEST_PIXELS and size not in told:
            told.add(size)
            yield Diagnostic(f"“{words[:40]}” is {size:g} px", HTML, "Set font-size to 16px, or at least 14px.")


@rule(
    "accessibility.justified", Level.WARNING, "longer text is centred or justified",
    why="The eye doesn't find the next line; people with dyslexia lose the text.",
)  # fmt: skip
def justified(specimen: Specimen) -> Iterator[Diagnostic]:
    for element in specimen.html.find("p", "div", "td", "li"):
        own = " ".join(child for child in element.children if isinstance(child, str)).strip()
        set_as = next((one.styles["text-align"] for one in element.ancestors() if "text-align" in one.styles), "")
        if len(own) > JUSTIFIED_CHARACTERS and set_as in ("justify", "center") and not element.hidden:
            yield Diagnostic(
                f"“{own[:40]}…” is set {set_as}", HTML, 'Leave out align, or write align="{{ message.start }}".'
            )


@rule(
    "accessibility.colour-only-link", Level.WARNING, "a link in running text is told by its colour alone",
    why="People who don't see the colour don't see the link. 16.9 % of mails have such links.",
)  # fmt: skip
def colour_only_link(specimen: Specimen) -> Iterator[Diagnostic]:
    for element in specimen.html.find("a"):
        parent = element.parent
        beside = "".join(child for child in parent.children if isinstance(child, str)).strip() if parent else ""
        plain = element.styles.get("text-decoration", element.styles.get("text-decoration-line", "")) == "none"
        set_off = any(name in element.styles for name in ("background", "background-color", "border", "border-bottom"))
        if plain and beside and not set_off and not element.hidden:
            yield Diagnostic(f"the link “{element.text()}” has no underline", HTML, "Leave out text-decoration: none.")


@rule(
    "accessibility.vml", Level.WARNING, "content is in a box that only Outlook draws",
    why="Links inside VML can't be reached by keyboard (parcel.io/blog/is-vml-accessible).",
)  # fmt: skip
def vml(specimen: Specimen) -> Iterator[Diagnostic]:
    if "<v:" in specimen.mail:
        remedy = "Use a coloured section and a button made of a table cell, as the templates do."
        yield Diagnostic("the HTML has VML shapes", HTML, remedy)


def texts(root: Element) -> Iterator[tuple[Element, str]]:
    """Each visible run of words and the element it is in."""
    for element in root.walk():
        words = " ".join("".join(child for child in element.children if isinstance(child, str)).split())
        if words.strip(" \u00a0·•–—|") and not element.hidden:
            yield element, words


def font_pixels(element: Element) -> float:
    """The size in which its words are set; 16 where nothing is said in pixels."""
    for one in element.ancestors():
        found = PIXELS.fullmatch(one.styles.get("font-size", ""))
        if found:
            return float(found[1])
    return 16.0


def _roots(specimen: Specimen) -> Iterator[Element]:
    """<html>, and whatever the body holds that people see."""
    yield from specimen.html.find("html")
    for body in specimen.html.find("body"):
        for child in body.children:
            if isinstance(child, Element) and not child.hidden and (child.text(alternatives=True)):
                yield child
