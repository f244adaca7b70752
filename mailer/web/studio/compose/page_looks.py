"""The sign page and the thanks as they would be from what is being written: read in memory, never saved."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from mailer.audience.petition.told import ToldOfPage, told_of
from mailer.checking.runner import ruled
from mailer.compose.action_page.mail_says import mail_says
from mailer.compose.action_page.page_pictures import PagePicture, digest_of
from mailer.compose.action_page.parse import ActionPage, parse_action_page
from mailer.compose.action_page.versions import page_translation
from mailer.compose.source.frontmatter import FrontMatter, split_front_matter
from mailer.compose.source.text_file import cleaned
from mailer.diagnostics import Diagnostic, worst_first
from mailer.editing.save import Edit, read_exact
from mailer.editing.splice import FrontValue
from mailer.errors import MailerError
from mailer.locale.language import choose
from mailer.web.pages.picture_sizes import JPEG, TYPES, SizedPicture, made
from mailer.web.pages.share_card import LinkPreview
from mailer.web.pages.sign_page import PageNow, blank_page, first_thanks
from mailer.web.pages.templates import Pages
from mailer.web.studio.compose.looks import KeptLooks, head_of
from mailer.web.studio.compose.parts import THANKS, Part, TextPlaces
from mailer.web.studio.core.context import Visit
from mailer.web.studio.preview.file_watch import fingerprint
from mailer.workspace import ListDefinition, Workspace

KEPT = 60  # looks; one is as long as its file


@dataclass(frozen=True, slots=True)
class PageLook:
    """One version of a page and its thanks. `page` is None when it can't be shown."""

    id: str
    slug: str
    front: FrontMatter | None
    page: ActionPage | None
    found: tuple[Diagnostic, ...]
    places: TextPlaces | None = None
    text: str = ""  # what is in the editor
    original: FrontMatter | None = None  # of a translation


def saved_page(visit: Visit, part: Part) -> PageLook:
    """The page as its file is now. Raises `MailerError` when there is none."""
    text = read_exact(visit.workspace, visit.path["name"], part.file)
    return look_at_page(visit, text, part)


def written_page(visit: Visit, part: Part, body: str, changed: Mapping[str, FrontValue]) -> PageLook:
    """The page as somebody has it in the editor."""
    base = read_exact(visit.workspace, visit.path["name"], part.file)
    try:
        text = Edit(base, body, changed, part.key).text
    except MailerError as error:
        return replace(look_at_page(visit, base, part), page=None, found=tuple(error.diagnostics))
    return look_at_page(visit, text, part)


def kept_page(visit: Visit, look_id: str) -> PageLook | None:
    """A look that was made lately."""
    return _looks(visit).get(look_id)


def rendered(visit: Visit, part: Part, page: ActionPage) -> str:
    """The HTML that people get, with the signatures there are, and with its pictures in it."""
    with visit.database.read() as connection:
        told = told_of(connection, page)
    return page_html(
        supporters_pages(visit), page, told, visit.workspace, now=visit.now, thanks=part.name == THANKS.name
    )


def page_html(
    pages: Pages, page: ActionPage, told: ToldOfPage, workspace: Workspace, *, now: datetime, thanks: bool
) -> str:
    """A page with its pictures in it, or its thanks. `pages` have their style sheets in them."""
    settings = workspace.settings
    url, folder = f"{settings.public.url}/act/{page.path}", workspace.newsletter(page.slug).folder

    def picture(one: PagePicture | None, widths: tuple[int, ...]) -> SizedPicture | None:
        return inlined(one, folder, widths[-1]) if one else None

    preview = LinkPreview(page.headline, page.description, url)
    shown = PageNow(page, told, now.astimezone(ZoneInfo(settings.zone)), url, picture, preview)
    return (first_thanks if thanks else blank_page)(pages, shown, choose(page.language))


def inlined(picture: PagePicture, folder: Path, width: int) -> SizedPicture | None:
    """A picture in the page itself, since the frame loads nothing; None when the file has changed or gone."""
    try:
        data = (folder / picture.name).read_bytes()
    except OSError:
        return None
    if digest_of(data) != picture.digest:
        return None
    address = f"data:{TYPES[JPEG]};base64,{b64encode(made(data, width, JPEG)).decode('ascii')}"
    return SizedPicture(address, "", picture.alt, picture.width, picture.height)


def look_at_page(visit: Visit, text: str, part: Part) -> PageLook:
    """The page as it would be if its file held `text`."""
    workspace, slug = visit.workspace, visit.path["name"]
    lists, faults = _lists(workspace)
    looks = _looks(visit)
    newsletter = workspace.newsletter(slug)
    beside = fingerprint(workspace.root, slug)  # the page's pictures, what its mail says, and its original
    look_id = looks.name(slug, part.kept_as, text, repr(lists), repr(workspace.settings), repr(beside))
    if (known := looks.get(look_id)) is not None:
        return known
    file = f"newsletters/{slug}/{part.file}"
    read, told = cleaned(text.removeprefix("\ufeff"), file=file)
    front, _ = split_front_matter(read, file=file)
    original, told_of_it = _original(visit, part)
    if original is None:
        page, more = parse_action_page(
            read, slug=slug, file=file, lists=lists, folder=newsletter.folder, mail=mail_says(newsletter)
        )
    else:
        page, more = page_translation(newsletter, read, original=original, language=part.language, lists=lists)
    told += told_of_it
    found = tuple(worst_first(map(ruled, [*told, *more, *faults])))
    above = head_of(read)
    held = front.data.get(part.key, "") if front and part.key else read.removeprefix(above)
    places = TextPlaces(file, front.lines, above.count("\n"), part.key) if front else None
    shown = None if any(one.stops for one in found) else page
    text = held if isinstance(held, str) else ""
    return looks.keep(look_id, PageLook(look_id, slug, front, shown, found, places, text, original))


def _original(visit: Visit, part: Part) -> tuple[FrontMatter | None, list[Diagnostic]]:
    """What a translation is of, and what keeps that from being read; None for an original."""
    if not part.language:
        return None, []
    file = part.original_file
    text = read_exact(visit.workspace, visit.path["name"], file).removeprefix("\ufeff")
    return split_front_matter(cleaned(text, file=file)[0], file=f"newsletters/{visit.path['name']}/{file}")


def _lists(workspace: Workspace) -> tuple[dict[str, ListDefinition], list[Diagnostic]]:
    """The lists that can be read, and what is wrong with the others."""
    lists: dict[str, ListDefinition] = {}
    faults: list[Diagnostic] = []
    for name in workspace.list_names():
        try:
            lists[name] = workspace.list_definition(name)
        except MailerError as error:
            faults += error.diagnostics
    return lists, faults


def _looks(visit: Visit) -> KeptLooks[PageLook]:
    return cast("KeptLooks[PageLook]", visit.studio.kept.setdefault("page looks", KeptLooks[PageLook](KEPT)))


def supporters_pages(visit: Visit) -> Pages:
    """The templates as the settings are now; making them takes some milliseconds."""
    settings = visit.workspace.settings
    kept = cast("tuple[object, Pages] | None", visit.studio.kept.get("supporters' pages"))
    if kept is None or kept[0] is not settings:
        kept = (settings, Pages(settings, inline=True))
        visit.studio.kept["supporters' pages"] = kept
    return kept[1]
