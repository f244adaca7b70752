"""What a template's text would make: its findings, sample newsletters, and the drafts that it would break."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from mailer.compose.source.layouts import layout_names, read_layout
from mailer.compose.source.message_file import Source, read_source, source_of
from mailer.delivery.campaigns.plan import compile_newsletter
from mailer.diagnostics import Diagnostic, Place, worst_first
from mailer.editing.first_draft import DRAFT_FILE, field_lines, sample_text
from mailer.editing.library.changes import fixed
from mailer.editing.library.templates import BLOCKS, tried_out
from mailer.errors import MailerError
from mailer.web.last_used import LastUsed
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.shelf import ShelvedNewsletter, shelf_of
from mailer.web.studio.preview.file_watch import leading_out
from mailer.web.studio.preview.frame import Look, dressed
from mailer.web.studio.preview.person_mail import Press
from mailer.web.studio.preview.progress import with_progress
from mailer.web.studio.preview.sample_readers import HARD_CASES
from mailer.workspace import Newsletter, Workspace

KEPT = 12  # trials
MOST_DRAFTS = 20  # that are tried; each takes about a tenth of a second
SHOWN_DRAFTS = 3  # that are shown as well
SAMPLE = "a-newsletter"  # what a sample is called inside; it is never on disk


@dataclass(frozen=True, slots=True)
class TrialMail:
    """A newsletter made with the text. `slug` is "" for a sample; `html` is "" where it can't be made; `broken`: what
    is wrong with it then and wasn't before."""

    slug: str
    label: str
    html: str
    broken: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class TemplateTrial:
    """One text of a template tried out. `untried`: how many more drafts use it."""

    id: str
    found: tuple[Diagnostic, ...]  # in the template itself
    mails: tuple[TrialMail, ...]
    untried: int

    @property
    def shown(self) -> list[tuple[int, TrialMail]]:
        """The mails to look at, each with its number: samples, and the newest drafts."""
        drafts = [n for n, one in enumerate(self.mails) if one.slug][:SHOWN_DRAFTS]
        return [(n, one) for n, one in enumerate(self.mails) if not one.slug or n in drafts]

    @property
    def broken(self) -> list[TrialMail]:
        return [one for one in self.mails if one.broken]

    @property
    def is_sound(self) -> bool:
        return not self.broken and not any(one.stops for one in self.found)


def kept_trials(visit: Visit) -> LastUsed[str, TemplateTrial]:
    """The studio's last trials, by their ids."""
    return cast(
        "LastUsed[str, TemplateTrial]", visit.studio.kept.setdefault("trials", LastUsed[str, TemplateTrial](KEPT))
    )


def drafts_using(visit: Visit, name: str) -> list[ShelvedNewsletter]:
    """The newsletters that a change of the template would change, the one saved last first."""
    with visit.database.read() as connection:
        stays = fixed(connection)
    names = _templates(visit.workspace, name)
    return [
        one
        for one in shelf_of(visit.studio).newsletters(visit.workspace)
        if one.slug not in stays and one.template in names
    ]


def try_out(visit: Visit, name: str, file: str, text: str) -> TemplateTrial:
    """Make the samples and drafts that use a template as if its file held `text`."""
    drafts = [] if file == DRAFT_FILE else drafts_using(visit, name)  # those there are began already
    tried = [one for one in drafts[:MOST_DRAFTS] if not leading_out(visit.workspace.root, one.slug)]
    found: dict[Diagnostic, None] = {}
    mails: list[TrialMail] = []
    with tried_out(visit.workspace, name, file, text) as trial:
        for template in _templates(visit.workspace, name):
            label = f"A new {read_layout(trial.templates, template)[0].label.lower()}"
            mails.append(_mail(visit, "", label, (trial, visit.workspace), found, template=template))
        for one in tried:
            mails.append(_mail(visit, one.slug, one.name, (trial, visit.workspace), found))
    made = hashlib.sha256("\0".join((name, file, text)).encode()).hexdigest()[:24]
    if file == DRAFT_FILE:
        found = dict.fromkeys(_in_draft(visit.workspace, name, text, found))
    of_it = [one for one in found if one.place and one.place.file.startswith("templates/")]
    trial_of = TemplateTrial(made, tuple(worst_first(of_it)), tuple(mails), len(drafts) - len(tried))
    return kept_trials(visit).keep(made, trial_of)


def _in_draft(workspace: Workspace, name: str, text: str, found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """What was found in the sample, told of the line of the draft that it was made of."""
    fields = text[:at].count("\n") + 1 if (at := text.find("%fields%")) >= 0 else len(text)
    more = field_lines(workspace, name)
    for one in found:
        place = one.place
        if place is None or place.file.startswith("newsletters/"):
            line = place.line if place else None
            if line and line > fields:
                line = max(line - more, fields)
            yield replace(one, place=Place(f"templates/{name}/{DRAFT_FILE}", line))
        else:
            yield one


def _templates(workspace: Workspace, name: str) -> list[str]:
    return layout_names(workspace.root) if name == BLOCKS else [name]


def _mail(
    visit: Visit, slug: str, label: str, workspaces: tuple[Workspace, Workspace], found: dict[Diagnostic, None], *,
    template: str = "",
) -> TrialMail:  # fmt: skip
    trial, now = workspaces
    html, wrong = _made(visit, trial, slug, template)
    found.update(dict.fromkeys(wrong))
    stops = [one for one in wrong if one.stops]
    before = {_said(one) for one in _made(visit, now, slug, template)[1]} if stops else set[tuple[str, str]]()
    return TrialMail(slug, label, html, tuple(one for one in stops if _said(one) not in before))


def _said(one: Diagnostic) -> tuple[str, str]:
    """A finding without its line, which any edit above moves."""
    return one.message, one.place.file if one.place else ""


def _made(visit: Visit, workspace: Workspace, slug: str, template: str) -> tuple[str, Iterable[Diagnostic]]:
    """The mail as somebody ordinary sees it, and all that is found in it."""
    try:
        done = compile_newsletter(visit.database, _source(workspace, slug, template))
        if done.plan is None:
            return "", done.diagnostics
        press = Press(done.plan, workspace)
        html = press.in_frame(HARD_CASES[0].supporter, base="/nowhere", place="")
        for image in press.message.images:  # the library knows them by the same digests
            html = html.replace(f"/nowhere/pictures/{image.digest}", f"/pictures/{image.digest}/file")
        shown = dressed(with_progress(visit, html, sample=True), Look.LIGHT, narrow=True)
    except MailerError as error:
        return "", error.diagnostics
    return shown, done.diagnostics


def _source(workspace: Workspace, slug: str, template: str) -> Source:
    if slug:
        return read_source(Newsletter(workspace, slug))
    return source_of(sample_text(workspace, SAMPLE, template=template), Newsletter(workspace, SAMPLE))


def lines_of(found: Iterable[Diagnostic], file: str) -> Iterator[tuple[Diagnostic, int]]:
    """What was found, each with its line in this file; 0 for what is elsewhere."""
    for one in found:
        here = one.place is not None and one.place.file == file
        yield one, (one.place.line or 0) if here and one.place else 0
