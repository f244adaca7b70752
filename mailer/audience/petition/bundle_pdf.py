"""The PDF of a petition's bundle: cover letter, statement, how it was counted, and the names, on A4.

Letters of Latin, Greek, Cyrillic, Arabic, Hebrew and Devanagari are printed by the fonts of `mailer.fonts`. A name in
others (Chinese, Thai, Georgian …) is left to the CSV, and the row says so: nobody's name becomes a row of boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from mailer import fonts
from mailer.audience.petition.bundle_words import (
    LEFT_TO_CSV,
    METHOD,
    NAME,
    NAMES,
    NOT_PRINTED,
    SIGNED_ON,
    STATEMENT,
    SUM,
    WORDINGS,
    CountedSignatures,
)
from mailer.errors import MailerError
from mailer.locale.language import Language
from mailer.petition_fields.table import FIELDS
from mailer.settings import Organisation

if TYPE_CHECKING:
    from fpdf import FPDF

MOST_NAMES = 20_000  # printed: 500 pages, and some ten seconds
MARGIN, BODY = 22, 10.5  # mm and pt
LINE, ROW = 5.6, 6.2  # mm
COLUMNS = (16, 84, 40, 26)  # mm: number, name, country, day
INK, QUIET, RULE = (17, 40, 47), (81, 101, 108), (205, 214, 217)
JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedPetition:
    """What is printed beside the names."""

    headline: str
    organisation: Organisation
    language: Language
    letter: str
    at: datetime
    statements: Sequence[tuple[str, int]]  # each wording, and how many signed it
    counted: CountedSignatures
    method: Sequence[str]
    sums: Sequence[tuple[str, str]]  # file and its SHA-256
    csv: str  # the file with the names


@dataclass(frozen=True, slots=True)
class Printed:
    """The PDF, and what it leaves to the CSV."""

    pdf: bytes
    not_printed: int
    left_to_csv: bool


def print_petition(petition: PrintedPetition, names: Iterable[Mapping[Any, Any]]) -> Printed:
    """The PDF. `names`: rows of signatures as they may be handed in; not looked at when there are more than MOST_NAMES.
    Raises `MailerError` without the library."""
    paper = _Paper(petition)
    paper.letter()
    paper.statement()
    left = petition.counted.named > MOST_NAMES
    not_printed = 0
    paper.title(NAMES)
    if left:
        paper.text(petition.language.say(LEFT_TO_CSV).format(file=petition.csv))
    else:
        paper.heads()
        not_printed = sum(paper.name(number, row) for number, row in enumerate(names, start=1))
    return Printed(bytes(paper.pdf.output()), not_printed, left)


class _Paper:
    """Writes the pages, one thing below the other."""

    def __init__(self, petition: PrintedPetition) -> None:
        self.petition, self.language = petition, petition.language
        self.right = petition.language.direction == "rtl"
        self.pdf = _pdf(petition)
        self.signs: set[int] = set()
        for font in self.pdf.fonts.values():
            self.signs |= set(getattr(font, "cmap", ()))
        self.country = next(field.label for field in FIELDS if field.name == "country")

    def letter(self) -> None:
        pdf, organisation = self.pdf, self.petition.organisation
        pdf.add_page()
        lines = [organisation.name, *organisation.postal_address.split("\n"), organisation.website]
        for line in filter(None, (line.strip() for line in lines)):
            self.text(line, size=9, colour=QUIET)
        pdf.ln(14)
        self.text(self.language.day(self.petition.at), colour=QUIET)
        pdf.ln(4)
        self.text(self.petition.headline, size=22, bold=True)
        pdf.ln(6)
        self.text(self.petition.letter, marked=True)

    def statement(self) -> None:
        several = len(self.petition.statements) > 1
        self.pdf.add_page()
        self.title(STATEMENT)
        for text, number in self.petition.statements:
            if several:
                self.text(self.language.say(WORDINGS).format(number=self.language.number(number)), colour=QUIET)
                self.pdf.ln(1)
            self.text(text, size=12)
            self.pdf.ln(6)
        self.title(METHOD)
        for line in self.petition.method:
            self.text(line)
            self.pdf.ln(1)
        self.pdf.ln(3)
        for file, digest in self.petition.sums:
            self.text(self.language.say(SUM).format(file=file), size=8, colour=QUIET)
            self.text(digest, size=8, colour=QUIET)
        self.pdf.ln(6)

    def title(self, words: str) -> None:
        if self.pdf.will_page_break(30):
            self.pdf.add_page()
        self.text(self.language.say(words), size=15, bold=True)
        self.pdf.ln(3)

    def heads(self) -> None:
        """The heads of the columns; a new page has them again."""
        heads = ["", *(self.language.say(words) for words in (NAME, self.country, SIGNED_ON))]
        self.row(heads, size=8, colour=QUIET)

    def name(self, number: int, row: Mapping[Any, Any]) -> bool:
        """A row of the names. Returns whether the name is left to the CSV."""
        pdf, name = self.pdf, f"{row['first_name']} {row['last_name']}".strip()
        left = not self.writes(name)
        if left:
            name = self.language.say(NOT_PRINTED).format(file=self.petition.csv, number=number)
        country = self.language.country(row["country"]) if row["country"] else ""
        cells = [self.language.number(number), name, country, row["signed_at"].date().isoformat()]
        self.font(name, size=BODY, bold=False, colour=INK)
        if pdf.will_page_break(ROW * max(len(lines) for lines in self.wrapped(cells))):
            pdf.add_page()
            self.heads()
        self.row(cells, colour=QUIET if left else INK)
        return left

    def row(self, cells: Sequence[str], *, size: float = BODY, colour: tuple[int, int, int] = INK) -> None:
        """Cells beside each other, from the right in a language that is read so."""
        pdf = self.pdf
        self.font(" ".join(cells), size=size, bold=False, colour=colour)
        wrapped, top = self.wrapped(cells), pdf.get_y()
        height = ROW * max(len(lines) for lines in wrapped)
        for place, (lines, width) in enumerate(zip(wrapped, COLUMNS, strict=True)):
            before = sum(COLUMNS[:place])
            left = pdf.w - MARGIN - before - width if self.right else MARGIN + before
            for number, line in enumerate(lines):
                pdf.set_xy(left, top + ROW * number)
                self.shape(line)
                pdf.cell(width, ROW, line, align="R" if self.right else "L")
        pdf.set_draw_color(*RULE)
        pdf.line(MARGIN, top + height, pdf.w - MARGIN, top + height)
        pdf.set_xy(MARGIN, top + height)

    def wrapped(self, cells: Sequence[str]) -> list[list[str]]:
        """The lines of each cell."""
        return [list(self.lines(text, width - 2.5)) for text, width in zip(cells, COLUMNS, strict=True)]

    def lines(self, text: str, width: float) -> Iterator[str]:
        self.shape(text)
        if self.pdf.get_string_width(text) <= width:
            yield text
            return
        yield from cast(list[str], self.pdf.multi_cell(width, ROW, text, dry_run=True, output="LINES"))

    def text(
        self, text: str, *, size: float = BODY, bold: bool = False, colour: tuple[int, int, int] = INK,
        marked: bool = False,
    ) -> None:  # fmt: skip
        """Paragraphs, as wide as the page; `marked` knows **bold**."""
        self.font(text, size=size, bold=bold, colour=colour)
        height = LINE * size / BODY
        align = "R" if self.right else "L"
        self.pdf.multi_cell(0, height, text.strip("\n"), align=align, new_x="LMARGIN", new_y="NEXT", markdown=marked)

    def font(self, text: str, *, size: float, bold: bool, colour: tuple[int, int, int]) -> None:
        self.pdf.set_font(fonts.LATIN, "B" if bold else "", size)
        self.pdf.set_text_color(*colour)
        self.shape(text)

    def shape(self, text: str) -> None:
        """Join and order letters where the script needs it. Elsewhere words stay words, which can be searched."""
        self.pdf.set_text_shaping(bool(fonts.scripts_of(text) & set(fonts.SHAPED)))

    def writes(self, text: str) -> bool:
        """Whether the fonts have every letter."""
        return all(ord(sign) in self.signs or sign.isspace() or sign in JOINERS for sign in text)


def _pdf(petition: PrintedPetition) -> FPDF:
    try:
        from fpdf import FPDF
    except ImportError:
        raise MailerError(
            "making a PDF needs fpdf2, which is not installed", remedy="Install it: pip install 'advocacy-mailer[pdf]'"
        ) from None

    class Numbered(FPDF):
        """Says at the foot of each page which it is, and what of."""

        def footer(self) -> None:
            self.set_y(-14)
            self.set_text_shaping(False)
            self.set_font(fonts.LATIN, "", 8)
            self.set_text_color(*QUIET)
            self.cell(0, 5, f"{self.page_no()} / {{nb}}", align="C")

    pdf = Numbered(format="A4")
    pdf.set_margin(MARGIN)
    pdf.set_auto_page_break(True, margin=MARGIN)
    pdf.set_creation_date(petition.at)
    pdf.set_title(petition.headline)
    pdf.set_author(petition.organisation.name)
    pdf.set_lang(petition.language.code)
    families = list(dict.fromkeys(fonts.FAMILIES.values()))
    for family in families:
        for style, weight in (("", "Regular"), ("B", "ExtraBold")):
            pdf.add_font(family, style, fonts.FOLDER / f"{family}-{weight}.ttf")
    pdf.set_fallback_fonts([family for family in families if family != fonts.LATIN], exact_match=False)
    return pdf
