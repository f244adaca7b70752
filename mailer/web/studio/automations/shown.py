"""What the pages show of an automation: its file as it is now, drawn, with the subjects of its messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from mailer.automations.control.orders import find_automation
from mailer.automations.definition import read_automation
from mailer.automations.engine.versions import version_of
from mailer.automations.names import sound_automation
from mailer.automations.steps import Automation
from mailer.compose.source.message_file import read_source
from mailer.diagnostics import Diagnostic
from mailer.editing.folders import name_of
from mailer.editing.save import digest
from mailer.editing.toml_edit import read_toml_text
from mailer.errors import MailerError
from mailer.private_files import last_changed
from mailer.store.tables.states import AutomationState
from mailer.web.studio.audience.choices import BuilderChoices, choices_of
from mailer.web.studio.automations.diagram import Flow, flow_of
from mailer.web.studio.automations.words import StepWords, step_words, trigger_words
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import plain
from mailer.web.studio.newsletters.shelf import names_of
from mailer.workspace import AUTOMATION_FILE, SLUG, Newsletter


@dataclass(frozen=True, slots=True)
class ShownAutomation:
    """An automation as its file is now. `automation` is None where that has faults."""

    newsletter: Newsletter
    base: str  # the digest of the file, for what changes it
    automation: Automation | None
    faults: tuple[Diagnostic, ...]
    choices: BuilderChoices
    subject: Callable[[str], str]  # of a message, by its file
    called: Callable[[str], str]  # what staff call a newsletter

    @property
    def slug(self) -> str:
        return self.newsletter.slug

    @property
    def title(self) -> str:
        return self.automation.title if self.automation else name_of(self.slug)

    @property
    def begins(self) -> str:
        """What brings people in; "" where the file can't be read."""
        return trigger_words(self.automation.trigger, self.choices, self.called) if self.automation else ""

    @property
    def flow(self) -> Flow | None:
        return flow_of(self.automation) if self.automation else None

    def words(self, name: str) -> StepWords:
        """A step in words; the end for ""."""
        if self.automation is None or not name:
            return StepWords("flag", "The end")
        return step_words(self.automation.step(name), self.choices, self.subject)


def automation_of(visit: Visit) -> ShownAutomation:
    """The automation in the address. Raises HTTPException 404 where there is none."""
    slug = visit.path["name"]
    newsletter = Newsletter(visit.workspace, slug)
    if not SLUG.fullmatch(slug) or not newsletter.is_automation:
        raise HTTPException(404)
    return _shown(newsletter, choices_of(visit), names_of(visit))


def _shown(newsletter: Newsletter, choices: BuilderChoices, called: Callable[[str], str]) -> ShownAutomation:
    base = digest(read_toml_text(newsletter.folder / AUTOMATION_FILE))
    try:
        automation, faults = read_automation(newsletter), ()
    except MailerError as error:
        automation, faults = None, error.diagnostics
    return ShownAutomation(
        newsletter, base, automation, faults, choices, lambda file: _subject(newsletter, file), called
    )


def all_automations(visit: Visit) -> list[ShownAutomation]:
    """Those that the visitor works with."""
    choices, called, limits = choices_of(visit), names_of(visit), visit.who.lists
    found = [_shown(Newsletter(visit.workspace, slug), choices, called) for slug in visit.workspace.automations()]
    return [one for one in found if limits is None or (one.automation is not None and one.automation.list in limits)]


def _subject(newsletter: Newsletter, file: str) -> str:
    try:
        return plain(read_source(newsletter, file).subject)
    except MailerError:
        return ""


def is_edited(visit: Visit, one: ShownAutomation) -> bool:
    """Whether new people would come into something else if it were started again: its steps differ, or one of its
    files was saved since. Whether that changed anything, starting it tells."""
    with visit.database.read() as connection:
        row = find_automation(connection, one.slug)
        if row is None or row.version_id is None or row.state == AutomationState.STOPPED or one.automation is None:
            return False
        if (last_changed(one.newsletter.folder.glob("*")) or 0) > row.started_at.timestamp():
            return True
        try:
            return sound_automation(connection, one.newsletter) != version_of(connection, row.version_id).automation
        except MailerError:
            return True
