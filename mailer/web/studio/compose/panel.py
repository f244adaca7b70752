"""What the panel on the right shows of a look: the line in three inboxes, the findings at their lines, who reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

from mailer.audience.selection.languages import language_name
from mailer.compose.data.sources import DATA
from mailer.compose.merge import BadDestination
from mailer.counting import counted
from mailer.delivery.data.read import WHEN_READ
from mailer.diagnostics import Diagnostic, Fix, Level
from mailer.errors import MailerError
from mailer.senders import BadSender, split_sender
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import Right
from mailer.web.studio.compose.looks import DraftLook
from mailer.web.studio.compose.parts import TextPlaces
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import plain
from mailer.web.studio.preview import inbox_line
from mailer.web.studio.preview.frame import Look as Scheme
from mailer.web.studio.preview.person_mail import PersonMail
from mailer.web.studio.preview.sample_readers import BY_KEY, HARD_CASES, TYPED, Reader, first_of, reader_of, search
from mailer.web.studio.preview.variants import Variants, variants_of

TRANSLATION = re.compile(r"/(?:message|action|thanks)\.([\w-]+)\.(?:md|mjml)$")
NAMED = (
    "subject",
    "preheader",
    "headline",
    "list",
    "template",
    "statement",
    "action.label",
    "opt_in.wording",
)  # keys whose absence findings speak of
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


def sees_people(visit: Visit) -> bool:
    """Whether previews show names: those of anybody, so not to an account that is limited to lists."""
    return visit.who.may_all(Right.SEE_PEOPLE, ())


def reader_for(visit: Visit, key: str) -> Reader:
    """The reader that the mail is merged for: a person only for those who may see people."""
    if key in BY_KEY or not sees_people(visit):
        return BY_KEY.get(key, HARD_CASES[0])
    with visit.database.read() as connection:
        return reader_of(connection, key)


def readers(visit: Visit, look: DraftLook) -> list[Reader]:
    """Who it can be read as: the hard cases, and the first of the audience for those who may see people. A mail of
    thanks has no audience, and goes to addresses of which nothing is known."""
    found = list(HARD_CASES)
    if look.is_thanks:
        return [found[0], TYPED, *found[1:]]
    if look.press is not None and sees_people(visit):
        try:
            with visit.database.read() as connection:
                found += first_of(connection, look.press.plan.audience, now=visit.now)
        except MailerError:  # the mail is looked at all the same
            pass
    return found


def versions(visit: Visit, look: DraftLook) -> Variants | None:
    """Who sees which version of a mail with conditions, for those who may see people; it may take a second."""
    if look.press is None or look.is_thanks or not sees_people(visit):
        return None
    with visit.database.read() as connection:
        return variants_of(connection, look.press.plan, now=visit.now)


def searched(visit: Visit, look: DraftLook, words: str) -> list[Reader]:
    """People with these words in their name or address."""
    if not sees_people(visit):
        raise NotAllowed(Right.SEE_PEOPLE)
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


def inboxes(look: DraftLook, letter: PersonMail | None, visit: Visit) -> list[inbox_line.Line]:
    """The line by which people choose, in three programs; while the mail can't be made, without what is personal."""
    if letter is not None:
        sender, subject, preheader, text = letter.sender, letter.subject, letter.preheader, letter.text
    elif look.source is not None:
        sender = look.source.from_ or visit.workspace.settings.sender.from_
        with suppress(BadSender):  # which is a finding
            sender = split_sender(sender)[0] or sender
        subject, preheader, text = plain(look.source.subject), plain(look.source.preheader), ""
    else:
        return []
    found = inbox_line.lines(sender=sender, subject=subject, preheader=preheader, text=text)
    return [line for line in found if (line.inbox.name, line.inbox.where) in SHOWN_INBOXES]


def lengths(look: DraftLook, letter: PersonMail | None) -> dict[str, int]:
    """How many characters the subject and the line after it have as they are read, by key."""
    if letter is not None:
        return {"subject": len(letter.subject), "preheader": len(letter.preheader)}
    if look.source is not None:
        return {"subject": len(plain(look.source.subject)), "preheader": len(plain(look.source.preheader))}
    return {}


@dataclass(frozen=True, slots=True)
class ShownData:
    """A source of the mail that is being written: how much it holds, when it was read, and how it begins."""

    name: str
    words: str
    begins: tuple[str, ...]


def data_shown(look: DraftLook) -> list[ShownData]:
    """What the mail takes from elsewhere, as it is in it now."""
    if look.press is None or look.source is None:
        return []
    said = (one.message.partition(": ") for one in look.found if one.rule == WHEN_READ)
    told = {name: words for name, _, words in said}
    values: Mapping[str, Any] = look.press.message.data.get("values", {})
    found: list[ShownData] = []
    for one in look.source.data_sources:
        shown = values.get(one.name)
        rows = cast("list[Any]", shown) if isinstance(shown, list) else []
        words = told.get(f"{DATA}.{one.name}") or (counted(len(rows), "row") if rows else one.where)
        found.append(ShownData(one.name, words, tuple(filter(None, map(_first_words, rows[:4])))))
    return found


def _first_words(row: object) -> str:
    return str(next(iter(cast("dict[str, Any]", row).values()), "")) if isinstance(row, dict) else str(row)


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One finding: where in the text it is (`line` of it, from 1, or 0) or in which field."""

    words: str
    remedy: str
    weight: str  # bad or warn
    line: int
    field: str
    rule: str
    fix: Fix | None  # for that line
    language: str = ""  # of the translation that it is in, where that isn't the text that is open

    @property
    def mark(self) -> dict[str, object]:
        """The same as the editor shows it at its line."""
        level = "error" if self.weight == "bad" else "warning"
        found: dict[str, object] = {"line": self.line, "level": level, "message": f"{self.words}."}
        if self.fix:
            found |= {"words": self.fix.words, "fix": {"label": "Fix it", "words": self.fix.words, "put": self.fix.put}}
        return found


class LookedAt(Protocol):
    """A mail or a page as it is being written; `text` is what is in the editor."""

    @property
    def found(self) -> Sequence[Diagnostic]: ...

    @property
    def places(self) -> TextPlaces | None: ...

    @property
    def text(self) -> str: ...


def findings(look: LookedAt) -> list[ShownFinding]:
    """What stops the newsletter and what somebody should look at, the worst first."""
    lines = look.text.split("\n")
    return [_shown(one, look.places, lines) for one in look.found if one.stops or _is_warning(one)]


def marks(look: LookedAt) -> list[dict[str, object]]:
    """The findings as the editor shows them at their lines."""
    return [one.mark for one in findings(look) if one.line]


def fact_words(look: LookedAt) -> tuple[str, str]:
    """What the way says below Write, and its weight."""
    errors, warnings = sum(one.stops for one in look.found), sum(map(_is_warning, look.found))
    if errors:
        rest = f", {warnings} to look at" if warnings else ""
        return f"{errors} to fix{rest}", "b"
    if warnings:
        return f"{warnings} to look at", "w"
    return "Nothing found wrong", "g"


def _is_warning(one: Diagnostic) -> bool:
    return one.level is Level.WARNING and not one.waived


def _shown(one: Diagnostic, places: TextPlaces | None, lines: Sequence[str]) -> ShownFinding:
    line, field = 0, ""
    if places is not None and one.place is not None and one.place.file == places.file and one.place.line:
        line = places.line_of(one.place.line)
        if not line:
            missing = next((key for key in NAMED if key in one.message.split() and key not in places.keys), "")
            field = missing or places.key_at(one.place.line)
    words = f"{one.message[:1].upper()}{one.message[1:]}".rstrip(".")
    where, language = "", ""
    if one.place and one.place.file and not (line or field):
        elsewhere = TRANSLATION.search(one.place.file)
        language = elsewhere[1] if elsewhere else ""
        where = f" ({language_name(language) if language else one.place.file})"
    fix = one.fix if one.fix and line and _is_certain(one.fix, lines[line - 1 : line]) else None
    return ShownFinding(words + where, one.remedy, "bad" if one.stops else "warn", line, field, one.rule, fix, language)


def _is_certain(fix: Fix, lines: Sequence[str]) -> bool:
    """Whether the words are on their line, once: else nobody could say which of them is meant."""
    before, behind = (r"(?<![\w.])" if fix.words[0].isalnum() else ""), (r"(?!\w)" if fix.words[-1].isalnum() else "")
    return len(re.findall(before + re.escape(fix.words) + behind, "".join(lines))) == 1
