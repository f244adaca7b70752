"""What the left side of the room shows: a mail, the sign page or its thanks in blocks, with what was said at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mailer.audience.selection.languages import language_name
from mailer.compose.action_page.parse import ACTION_FILE
from mailer.compose.source.frontmatter import split_front_matter
from mailer.editing.folders import message_path
from mailer.editing.languages.originals import translation_file
from mailer.review.approvals import review_path
from mailer.review.comments import Thread, ThreadPlace
from mailer.web.studio.compose.looks import DraftLook, looks_of, saved_text
from mailer.web.studio.compose.parts import MAIL
from mailer.web.studio.compose.parts import PARTS as TEXTS
from mailer.web.studio.core.context import Visit
from mailer.web.studio.review.blocks import ReviewBlock, blocks_of, field_block
from mailer.workspace import THANKS_FILE

LARGEST_BYTES = 1_000_000  # of a page that is shown
PARTS: Mapping[str, str] = {
    "mail": "Mail", "page": "Sign page", "thanks": "Thanks", "thanks-mail": "Thanks mail", "people": "As people get it",
}  # fmt: skip
OF_PAGE = ("page", "thanks")
MAIL_FIELDS = (("subject", "Subject"), ("preheader", "The line after it"))
PAGE_FIELDS = (
    ("headline", "Headline"), ("statement", "What people put their names to"), ("fields", "Asks beside name and email"),
    ("opt_in", "Box for news"), ("target", "Goal, in signatures"), ("button", "Words on the button"),
    ("show_names", "Shows the first names of the last who signed"),
)  # fmt: skip
THANKS_FIELDS = (("thanks", "Once somebody has signed"), ("next", "Asks next"), ("share", "Words for passing it on"))


@dataclass(frozen=True, slots=True)
class PlacedThread:
    """A thread, and whether the words it is about are as they were."""

    thread: Thread
    is_same: bool


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A block with the threads about it."""

    block: ReviewBlock
    threads: Sequence[PlacedThread]


@dataclass(frozen=True, slots=True)
class ReviewedText:
    """One file of the newsletter: its blocks, and the threads about nothing that is there any more, or about the whole
    newsletter."""

    file: str  # its name in the newsletter's folder
    rows: Sequence[ReadRow]
    apart: Sequence[PlacedThread]


def parts_of(visit: Visit, slug: str, language: str = "") -> list[str]:
    """What there is to look at, in the original or in one of its translations: mail, page.fr …"""
    newsletter = visit.workspace.newsletter(slug)

    def is_there(file: str) -> bool:
        return (newsletter.folder / (translation_file(newsletter, file, language) if language else file)).is_file()

    missing = [*(() if is_there(ACTION_FILE) else OF_PAGE), *(() if is_there(THANKS_FILE) else ["thanks-mail"])]
    behind = f".{language}" if language else ""
    return [*(f"{name}{behind}" for name in PARTS if name not in (*missing, "people")), "people"]


def languages_of(visit: Visit, slug: str) -> list[str]:
    """The languages that the newsletter is in beside the original's."""
    newsletter = visit.workspace.newsletter(slug)
    path = message_path(newsletter.folder)
    return list(newsletter.translations(path.name)) if path else []


def part_label(part: str) -> str:
    """What a part is called: Mail."""
    return PARTS[part.partition(".")[0]]


def language_links(slug: str, shown: str, spoken: Sequence[str]) -> list[tuple[str, str, bool, str]]:
    """The part that is shown, in the original and in each translation, as segments."""
    kind, _, here = shown.partition(".")
    named = [("", "Original"), *((one, language_name(one)) for one in spoken)]
    return [
        (f"{review_path(slug)}?part={kind}{f'.{one}' if one else ''}", label, one == here, "") for one, label in named
    ]


def reviewed_text(visit: Visit, look: DraftLook, part: str, found: Sequence[Thread]) -> ReviewedText:
    """The part of the newsletter in blocks. `found`: all threads of the newsletter."""
    newsletter, (kind, _, language) = visit.workspace.newsletter(look.slug), part.partition(".")
    text = next(one for one in TEXTS if one.name == kind)
    text = text.in_language(newsletter, language) if language else text
    if not text.is_mail:
        return _placed(text.file, *_page(newsletter.folder / text.file, kind), found, whole=False)
    if text != MAIL:
        look = looks_of(visit.studio).saved(visit, look.slug, text)
    path = message_path(newsletter.folder)
    file = text.file or (path.name if path else "message.md")
    return _placed(file, *_mail(newsletter.folder, look, text.file), found, whole=text == MAIL)


def _mail(folder: Path, look: DraftLook, file: str) -> tuple[list[str], list[ReviewBlock]]:
    lines = saved_text(folder, file).split("\n")
    source, images = look.source, look.press.message.images if look.press else ()
    pictures = {image.name: f"/newsletters/{look.slug}/look/{look.id}/pictures/{image.digest}" for image in images}
    if source is None:
        return lines, list(blocks_of(lines, 1, pictures=pictures))
    blocks = [
        field_block(lines, source.lines[key], getattr(source, key), kind=key, label=label)
        for key, label in MAIL_FIELDS
        if key in source.lines
    ]
    button = source.action.label if source.action else ""
    return lines, [*blocks, *blocks_of(lines, source.body_line, pictures=pictures, button=button)]


def _page(path: Path, part: str) -> tuple[list[str], list[ReviewBlock]]:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_BYTES:
        return [], []
    text = path.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    lines, (front, _) = text.split("\n"), split_front_matter(text, file=ACTION_FILE)
    if front is None:
        return lines, list(blocks_of(lines, 1, pictures={}))
    fields = THANKS_FIELDS if part == "thanks" else PAGE_FIELDS
    blocks = [
        field_block(lines, front.lines[key], _said(front.data[key]), kind=_kind(key), label=label)
        for key, label in fields
        if key in front.lines
    ]
    return lines, blocks if part == "thanks" else [*blocks, *blocks_of(lines, front.body_line, pictures={})]


def _kind(key: str) -> str:
    return "headline" if key == "headline" else "field"


def _said(value: Any) -> str:
    """A value as people read it: yes, 500, “country: required”."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_said(one)}" for key, one in cast("dict[str, Any]", value).items())
    return str(value)


def _placed(
    file: str, lines: Sequence[str], blocks: Sequence[ReviewBlock], found: Sequence[Thread], *, whole: bool
) -> ReviewedText:
    """Each thread of the file at its block. `whole`: also those about no file."""
    at: dict[int, list[PlacedThread]] = {}
    apart: list[PlacedThread] = []
    for thread in found:
        if thread.file != file and not (whole and not thread.file):
            continue
        place = thread.place_in(lines) if thread.file else ThreadPlace(0, is_same=True)
        block = next((n for n, one in enumerate(blocks) if one.line <= place.line <= one.last), None)
        if block is None:
            apart.append(PlacedThread(thread, place.is_same and not thread.quote))
        else:
            at.setdefault(block, []).append(PlacedThread(thread, place.is_same))
    rows = [ReadRow(block, tuple(at.get(n, ()))) for n, block in enumerate(blocks)]
    return ReviewedText(file, rows, tuple(apart))
