"""The mail as it would be from what is being written: compiled in memory, kept for a while, never saved.

A look is named by everything it was made of, so the same text is compiled once, however many ask for it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from mailer.checking.collect import Scope
from mailer.checking.preflight import check_compiled
from mailer.checking.runner import ruled
from mailer.compose.source.message_file import NOTHING, Source, read_source, source_of, translation_of
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.compose.thank_you import with_own_links
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.plan import CompiledNewsletter, compile_newsletter
from mailer.delivery.data.kept import last_read
from mailer.diagnostics import Diagnostic, Place, worst_first
from mailer.editing.folders import message_path
from mailer.editing.splice import CannotSplice, head_end
from mailer.errors import MailerError
from mailer.web.last_used import LastUsed
from mailer.web.studio.compose.parts import MAIL, Part, TextPlaces
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.preview.file_watch import fingerprint, leading_out
from mailer.web.studio.preview.person_mail import Press
from mailer.workspace import Newsletter, Workspace

log = logging.getLogger(__name__)

Look = TypeVar("Look")
KEPT = 60  # looks, of all newsletters together; one takes some 200 kB


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody has in the editor: the text below the front matter, and the fields they changed by dotted key."""

    body: str
    changed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DraftLook:
    """One version of a mail. `press` is None when it can't be made."""

    id: str
    slug: str
    source: Source | None
    press: Press | None
    found: tuple[Diagnostic, ...]
    lines_above: int = 0  # of the file, before the text that is in the editor
    text: str = ""  # which is this
    draft: CompiledNewsletter | None = None  # None where it couldn't be compiled at all

    @property
    def errors(self) -> int:
        return sum(one.stops for one in self.found)

    @property
    def is_thanks(self) -> bool:
        return self.source is not None and self.source.is_thanks

    @property
    def places(self) -> TextPlaces | None:
        """Where its text and its fields are in its file."""
        return TextPlaces(self.source.file, self.source.lines, self.lines_above) if self.source else None


class KeptLooks(LastUsed[str, Look]):
    """The last looks of what is being written, by names that nobody can guess."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._secret = secrets.token_hex(16)  # so that nobody can tell a look's address from what is in it

    def name(self, *made_of: str) -> str:
        """The name of the look that is made of these texts, and of nothing else."""
        whole = "\0".join((self._secret, *made_of))
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:24]


class Looks:
    """The looks of one studio. Use it from any thread."""

    def __init__(self) -> None:
        self._kept = KeptLooks[DraftLook](KEPT)
        self._checked = KeptLooks[DraftLook](KEPT)

    def saved(self, visit: Visit, slug: str, part: Part = MAIL) -> DraftLook:
        """One of the newsletter's mails as its files are now."""
        return self._of(visit, slug, None, part)

    def checked(self, visit: Visit, slug: str, part: Part = MAIL) -> DraftLook:
        """The same with everything that the check finds, which is looked for once for each version of the files."""
        look = self.saved(visit, slug, part)
        return self._checked.get(look.id) or self._checked.keep(look.id, self.whole(visit, look))

    def written(self, visit: Visit, slug: str, written: Written, part: Part = MAIL) -> DraftLook:
        """One of its mails as somebody has it in the editor."""
        return self._of(visit, slug, written, part)

    def mark(self, visit: Visit, slug: str) -> str:
        """Changes whenever a file that the newsletter is made of does."""
        return hashlib.sha256(repr(fingerprint(visit.workspace.root, slug)).encode()).hexdigest()[:16]

    def kept(self, look_id: str) -> DraftLook | None:
        """A look that was made lately."""
        return self._kept.get(look_id)

    def whole(self, visit: Visit, look: DraftLook) -> DraftLook:
        """The same with everything that the check finds, which looks at no supporter."""
        if look.draft is None:
            return look
        found = check_compiled(visit.database, look.draft, scope=Scope(everyone=False), now=visit.now)
        return replace(look, found=found.remarks)

    def _of(self, visit: Visit, slug: str, written: Written | None, part: Part) -> DraftLook:
        workspace = visit.workspace
        made_of = [slug, part.file, repr(fingerprint(workspace.root, slug)), repr(workspace.settings)]
        made_of.append(last_read(visit.database, slug))
        if written is not None:
            made_of += [written.body, json.dumps(sorted(written.changed.items()))]
        look_id = self._kept.name(*made_of)
        return self._kept.get(look_id) or self._kept.keep(look_id, _made(visit, look_id, slug, written, part))


def looks_of(studio: Studio) -> Looks:
    """The studio's looks."""
    return cast(Looks, studio.kept.setdefault("looks", Looks()))


def _made(visit: Visit, look_id: str, slug: str, written: Written | None, part: Part) -> DraftLook:
    workspace = visit.workspace
    look = DraftLook(look_id, slug, None, None, ())
    try:
        newsletter = workspace.newsletter(slug)
        if outside := _links_out(workspace, slug):
            return replace(look, found=outside)
        saved = saved_text(newsletter.folder, part.file)
        above = head_of(saved)
        body = saved.removeprefix(above) if written is None else written.body
        look = replace(look, lines_above=above.count("\n"), text=body)
        source = _source(newsletter, above + body, written, part)
        look = replace(look, source=source)
        draft = compile_newsletter(visit.database, source, now=visit.now)
        press = Press(_as_it_leaves(draft.plan, source), workspace) if draft.plan is not None else None
        return replace(look, press=press, draft=draft, found=tuple(worst_first(map(ruled, draft.diagnostics))))
    except MailerError as error:
        return replace(look, found=tuple(worst_first(map(ruled, error.diagnostics))))
    except Exception as error:  # noqa: BLE001 - whatever was written, the page goes on
        log.error("compiling failed: %s", type(error).__name__)
        told = Diagnostic(
            "the studio could not make this mail, which is a fault of the program",
            remedy="Take back what you typed last, and tell the person who looks after this server.",
        )
        return replace(look, found=(told,))


def _source(newsletter: Newsletter, text: str, written: Written | None, part: Part) -> Source:
    """The message as its file is, or would be with what was written; of a translation, by itself."""
    changed = written.changed if written else NOTHING
    if part.language:
        return translation_of(read_source(newsletter, part.original_file), part.language, text, changed=changed)
    if written is None:
        return read_source(newsletter, part.file)
    return source_of(text, newsletter, changed=changed, name=part.file)


def _as_it_leaves(plan: Plan, source: Source) -> Plan:
    """The links of a mail of thanks lead where they say: they are not counted."""
    return replace(plan, message=with_own_links(plan.message)) if source.is_thanks else plan


def saved_text(folder: Path, file: str = "") -> str:
    """What a newsletter's file holds, without `file` that of its mail, with \\n at the end of lines; "" for one that
    isn't there, or isn't its own."""
    path = folder / file if file else message_path(folder)
    if path is None or not path.is_file() or path.is_symlink() or path.stat().st_size > LARGEST_BYTES:
        return ""
    return path.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\n", "\n")


def head_of(text: str) -> str:
    """The front matter of a file with its two lines of ---; "" when it has none that ends."""
    try:
        return text[: head_end(text)]
    except CannotSplice:
        return ""


def _links_out(workspace: Workspace, slug: str) -> tuple[Diagnostic, ...]:
    """What the studio shows lies in the workspace: a link would let a newsletter show any file of this machine."""
    remedy = "Copy the file here in place of the link."
    return tuple(
        Diagnostic("this is a link to a place outside the workspace", Place(_below(path, workspace.root)), remedy)
        for path in leading_out(workspace.root, slug)
    )


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
