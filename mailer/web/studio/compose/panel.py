"""What the panel on the right shows of a look: the line in three inboxes, the findings at their lines, who reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.compose.merge import BadDestination
from mailer.compose.source.message_file import Source
from mailer.diagnostics import Diagnostic, Level
from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.web.studio.compose.looks import DraftLook
from mailer.web.studio.core.context import Visit
from mailer.web.studio.preview import inbox_line
from mailer.web.studio.preview.frame import Look as Scheme
from mailer.web.studio.preview.person_mail import PersonMail
from mailer.web.studio.preview.sample_readers import BY_KEY, HARD_CASES, Reader, first_of, reader_of, search
from mailer.web.studio.preview.variants import Variants, variants_of

NAMED = ("subject", "preheader", "headline", "list", "template")  # keys whose absence findings speak of
SHOWN_INBOXES = (("Gmail", "on a phone"), ("Apple Mail", "on an iPhone"), ("Outlook", "on Windows"))
COLOURS = {"light": Scheme.LIGHT, "dark": Scheme.DARK, "forced": Scheme.FORCED}


@dataclass(frozen=True, slots=True)
class PanelView:
    """How the mail is looked at. It is in the address, so a reload keeps it."""

    reader: str = "ada"
    shape: str = "phone"  # or desktop, text
    colours: str = "light"  # or dark, forced
    pictures: bool = True

    @property
    def scheme(self) -> Scheme:
        return COLOURS[self.colours]

    @property
    def path(self) -> str:
        """The same as a piece of a path, for links in the mail."""
        return f"{self.shape}/{self.reader}"


def read_panel_view(values: Mapping[str, str]) -> PanelView:
    """The view that an address asks for; what isn't there is the usual."""
    reader = values.get("as", "ada")
    sound = reader.isascii() and reader.replace("-", "").isalnum() and len(reader) < 40
    return PanelView(
        reader if sound else "ada",
        values.get("shape", "") if values.get("shape") in ("phone", "desktop", "text") else "phone",
        values.get("colours", "") if values.get("colours") in COLOURS else "light",
        values.get("pictures") != "off",
    )


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One finding: where in the text it is (`line` of it, from 1, or 0) or in which field."""

    words: str
    remedy: str
    weight: str  # bad or warn
    line: int
    field: str
    rule: str


def reader_for(visit: Visit, key: str) -> Reader:
    """The reader that the mail is merged for: a person only for those who may see people."""
    if key in BY_KEY or not visit.who.may(Right.SEE_PEOPLE):
        return BY_KEY.get(key, HARD_CASES[0])
    with visit.database.read() as connection:
        return reader_of(connection, key)


def readers(visit: Visit, look: DraftLook) -> list[Reader]:
    """Who it can be read as: the hard cases, and the first of the audience for those who may see people."""
    found = list(HARD_CASES)
    if look.press is not None and visit.who.may(Right.SEE_PEOPLE):
        try:
            with visit.database.read() as connection:
                found += first_of(connection, look.press.plan.audience, now=visit.now)
        except MailerError:  # the mail is looked at all the same
            pass
    return found


def versions(visit: Visit, look: DraftLook) -> Variants | None:
    """Who sees which version of a mail with conditions, for those who may see people; it may take a second."""
    if look.press is None or not visit.who.may(Right.SEE_PEOPLE):
        return None
    with visit.database.read() as connection:
        return variants_of(connection, look.press.plan, now=visit.now)


def searched(visit: Visit, look: DraftLook, words: str) -> list[Reader]:
    """People with these words in their name or address."""
    visit.who.require(Right.SEE_PEOPLE)
    audience = look.press.plan.audience if look.press else None
    with visit.database.read() as connection:
        return search(connection, words, audience, now=visit.now)


def letter_of(visit: Visit, look: DraftLook, view: PanelView) -> PersonMail | None:
    """The merged mail."""
    if look.press is None:
        return None
    try:
        return look.press.letter(reader_for(visit, view.reader).supporter, now=visit.now)
    except (MailerError, BadDestination):
        return None


def inboxes(letter: PersonMail | None) -> list[inbox_line.Line]:
    """The line by which people choose, in three programs."""
    if letter is None:
        return []
    found = inbox_line.lines(sender=letter.sender, subject=letter.subject, preheader=letter.preheader, text=letter.text)
    return [line for line in found if (line.inbox.name, line.inbox.where) in SHOWN_INBOXES]


def findings(look: DraftLook) -> list[ShownFinding]:
    """What stops the newsletter and what somebody should look at, the worst first."""
    return [_shown(one, look) for one in look.found if one.level in (Level.ERROR, Level.WARNING) and not one.waived]


def fact_words(look: DraftLook) -> tuple[str, str]:
    """What the way says below Write, and its weight."""
    if look.errors:
        rest = f", {look.warnings} to look at" if look.warnings else ""
        return f"{look.errors} to fix{rest}", "b"
    if look.warnings:
        return f"{look.warnings} to look at", "w"
    return "Nothing found wrong", "g"


def _field(one: Diagnostic, source: Source, line: int) -> str:
    """The key of the front matter that a finding is about: the one at its line, or the missing one that it names."""
    named = (key for key, at in source.lines.items() if at == line or 0 < at <= line)
    found = max(named, key=lambda key: (source.lines[key] == line, source.lines[key], -len(key)), default="")
    missing = next((key for key in NAMED if key in one.message.split() and key not in source.lines), "")
    return missing or found


def _shown(one: Diagnostic, look: DraftLook) -> ShownFinding:
    line, field = 0, ""
    source = look.source
    if source is not None and one.place is not None and one.place.file == source.file and one.place.line:
        if one.place.line > look.lines_above:
            line = one.place.line - look.lines_above
        else:
            field = _field(one, source, one.place.line)
    words = f"{one.message[:1].upper()}{one.message[1:]}".rstrip(".")
    where = f" ({one.place.file})" if one.place and one.place.file and not (line or field) else ""
    return ShownFinding(words + where, one.remedy, "bad" if one.stops else "warn", line, field, one.rule)
