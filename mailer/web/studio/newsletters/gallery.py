"""The templates a new newsletter can have, each with a picture: its first draft, compiled for the organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import cast

from mailer.compose.source.layouts import layout_names, read_layout
from mailer.compose.source.message_file import source_of
from mailer.delivery.campaigns.plan import prepare
from mailer.editing.first_draft import SERIES_FILE, sample_text
from mailer.errors import MailerError
from mailer.private_files import last_changed
from mailer.web.studio.core.context import Visit
from mailer.web.studio.preview.frame import Look, dressed, policy
from mailer.web.studio.preview.person_mail import Press
from mailer.web.studio.preview.progress import with_progress
from mailer.web.studio.preview.sample_readers import HARD_CASES
from mailer.workspace import Newsletter, Workspace

SLUG = "a-newsletter"  # what the sample is called inside; it is never on disk


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """A template in the gallery."""

    name: str
    label: str
    about: str
    may_repeat: bool = False  # it has a draft of a series


def choices(workspace: Workspace) -> Sequence[TemplateChoice]:
    """Every template of the workspace."""
    found: list[TemplateChoice] = []
    for name in layout_names(workspace.root):
        layout, _ = read_layout(workspace.templates, name)
        may_repeat = (workspace.templates / name / SERIES_FILE).is_file()
        found.append(TemplateChoice(name, layout.label, layout.description, may_repeat))
    return found


def picture(visit: Visit, template: str) -> tuple[str, str]:
    """The HTML of a template's first draft and its content policy. Kept until one of its files is saved."""
    if template not in layout_names(visit.workspace.root):  # an address may hold anything
        return _nothing("There is no such template."), policy("")
    folder = visit.workspace.templates / template
    files = [*folder.glob("*"), *(visit.workspace.templates / "blocks").glob("*")]
    mark = (visit.workspace.settings, tuple(sorted((str(one), last_changed([one])) for one in files)))
    kept = cast("dict[str, tuple[object, str]]", visit.studio.kept.setdefault("gallery", {}))
    if template not in kept or kept[template][0] != mark:
        kept[template] = (mark, _compiled(visit, template))
    return kept[template][1], policy("data:")


def _compiled(visit: Visit, template: str) -> str:
    workspace = visit.workspace
    try:
        text = sample_text(workspace, SLUG, template=template)
        plan = prepare(visit.database, source_of(text, Newsletter(workspace, SLUG))).plan
        mail = Press(plan, workspace).in_frame(HARD_CASES[0].supporter, base="/nowhere", place="")
    except MailerError as error:
        return _nothing(error.message)
    return dressed(with_progress(visit, mail, sample=True), Look.LIGHT, narrow=True)


def _nothing(words: str) -> str:
    return f"<!doctype html><title>No picture</title><p>{escape(words)}</p>"
