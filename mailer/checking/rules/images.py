"""Rules about pictures: their files, their size, their kind, and how much of the mail they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from mailer.checking.registry import HTML, looked_at_elsewhere, rule
from mailer.checking.specimen import Specimen
from mailer.compose.html_tree import Element
from mailer.diagnostics import Diagnostic, Level

SHARPEST = 2.6  # pixels of the file for one on the screen; twice is sharp on every phone
WIDE_ENOUGH = 1_400
FEW_CHARACTERS = 400
UNSHOWN = re.compile(r"\.(webp|svg|avif|heic|bmp|tiff?)([?#]|$)", re.IGNORECASE)

looked_at_elsewhere(
    "pictures.heavy", Level.WARNING, "a picture is larger than 1 MB",
    why="On a phone away from home it comes after the mail was closed.",
)  # fmt: skip
looked_at_elsewhere(
    "pictures.missing", Level.ERROR, "a picture's file is missing, or is none that mail programs show", waivable=False,
    why="People would see an empty frame. WebP is not shown by classic Outlook, SVG not by Gmail.",
)  # fmt: skip
looked_at_elsewhere(
    "pictures.elsewhere", Level.WARNING, "a picture comes from another site",
    why="That site learns who opens the mail, and when.",
)  # fmt: skip


looked_at_elsewhere(
    "pictures.no-alt", Level.ERROR, "a picture in the text is not described", waivable=False,
    why="People who can't see it, and everybody whose program holds pictures back, learn nothing of it.",
)  # fmt: skip


@rule(
    "pictures.wide", Level.NOTE, "a picture has many more pixels than are shown",
    why="It is loaded slowly and looks no sharper.",
)  # fmt: skip
def wide(specimen: Specimen) -> Iterator[Diagnostic]:
    for picture in specimen.pictures:
        shown = max((_pixels(element) for element in _shown(specimen, picture.name)), default=0)
        width = picture.facts.width if picture.facts else 0
        if shown and width > WIDE_ENOUGH and width > shown * SHARPEST:
            yield Diagnostic(f"{picture.name} is {width:,} pixels wide and is shown {shown} wide",
                             specimen.place_of(picture.name), f"Make it {shown * 2} pixels wide.")  # fmt: skip


@rule(
    "pictures.moving", Level.WARNING, "a picture moves",
    why="Classic Outlook shows its first frame only, and movement that can't be stopped makes some people ill "
    "(WCAG 2.2, 2.2.2).",
)  # fmt: skip
def moving(specimen: Specimen) -> Iterator[Diagnostic]:
    for picture in specimen.pictures:
        if picture.facts and picture.facts.moves:
            yield Diagnostic(f"{picture.name} moves", specimen.place_of(picture.name),
                             "Its first frame must say all, and it must end within 5 s.")  # fmt: skip


@rule(
    "pictures.format", Level.WARNING, "a picture is of a kind that large mail programs don't show",
    why="WebP is not shown by classic Outlook, SVG not by Gmail.",
)  # fmt: skip
def kind(specimen: Specimen) -> Iterator[Diagnostic]:
    for element in specimen.html.find("img"):
        source = element.attrs.get("src", "")
        if UNSHOWN.search(source) or source.startswith("data:"):
            yield Diagnostic(f"{source[:80]} is not shown everywhere", HTML, "Save it as PNG or JPEG.")


@rule(
    "pictures.balance", Level.WARNING, "the mail is mostly pictures",
    why="Many programs hold pictures back, so people see an empty mail; filters distrust it too.",
)  # fmt: skip
def balance(specimen: Specimen) -> Iterator[Diagnostic]:
    shown = [element for element in specimen.html.find("img") if _pixels(element) >= 200]
    characters = len(specimen.html.text())
    if shown and characters < FEW_CHARACTERS * len(shown) ** 0.5:
        yield Diagnostic(f"{len(shown)} picture{'s' if len(shown) > 1 else ''} and {characters:,} characters of text",
                         HTML, "Say in words what the pictures say.")  # fmt: skip


def _shown(specimen: Specimen, name: str) -> Iterator[Element]:
    ending = quote(name.rpartition("/")[2])
    return (element for element in specimen.html.find("img") if element.attrs.get("src", "").endswith(f"/{ending}"))


def _pixels(element: Element) -> int:
    width = element.attrs.get("width", "")
    return int(width) if width.isdigit() else 0
