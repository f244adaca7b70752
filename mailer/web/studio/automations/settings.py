"""The form of an automation as a whole: its name, who comes in, who leaves, and when mail may go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.responses import RedirectResponse, Response

from mailer.automations.saving import change_automation
from mailer.automations.steps import TriggerKind
from mailer.editing.git.commits import into_git
from mailer.editing.toml_edit import TomlValue, change_toml, read_toml_text, read_values
from mailer.errors import MailerError
from mailer.web.studio.automations.shown import ShownAutomation, automation_of
from mailer.web.studio.core.context import Form, Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.newsletters.shelf import names_of
from mailer.workspace import AUTOMATION_FILE

KINDS: Mapping[TriggerKind, str] = {
    TriggerKind.JOINED: "somebody joins the list",
    TriggerKind.SIGNED: "somebody signs a petition",
    TriggerKind.DELIVERED: "a petition they signed was handed over",
    TriggerKind.SENT: "somebody was mailed a newsletter",
    TriggerKind.TAGGED: "somebody is tagged",
    TriggerKind.SILENT: "somebody hasn’t clicked or signed for so long",
    TriggerKind.DATE: "a day in one of their fields comes",
}
AGAIN = (
    ("", "Once"), ("4 weeks", "Again after 4 weeks"), ("13 weeks", "Again after 3 months"),
    ("26 weeks", "Again after half a year"), ("52 weeks", "Again after a year"),
)  # fmt: skip
LONGEST = 200


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """The form, as texts. `about`: what the trigger names, by its kind."""

    title: str
    list: str
    kind: str
    about: Mapping[str, str]
    days: str
    yearly: bool
    again: str
    goals: tuple[str, ...]
    opens: str
    closes: str

    def changes(self, before: Mapping[str, Any]) -> dict[str, TomlValue]:
        """What changes in a file that says `before`; what says the same already isn't touched."""
        trigger: dict[str, TomlValue] = {self.kind: self.about.get(self.kind, "")}
        if self.kind == TriggerKind.DATE.value:
            if self.days not in ("", "0"):
                trigger["days"] = int(self.days) if self.days.lstrip("-").isdigit() else self.days
            if self.yearly:
                trigger["yearly"] = True
        found: dict[str, TomlValue] = {
            "title": self.title, "list": self.list, "again_after": self.again or None, "goals": self.goals or None,
            **{f"trigger.{key}": None for key in before.get("trigger", {}) if key not in trigger},
            **{f"trigger.{key}": value for key, value in trigger.items()},
        }  # fmt: skip
        if self.opens or self.closes:
            found |= {"window.from": self.opens, "window.until": self.closes}
        elif "window" in before:
            found["window"] = None
        return found


def said(data: Mapping[str, Any]) -> SettingsForm:
    """The form of what a file says."""
    trigger, window = _table(data.get("trigger")), _table(data.get("window"))
    kind = next((one.value for one in TriggerKind if one.value in trigger), TriggerKind.JOINED.value)
    goals = data.get("goals", [])
    return SettingsForm(
        str(data.get("title", "")), str(data.get("list", "")), kind, {kind: str(trigger.get(kind, ""))},
        str(trigger.get("days", "")), trigger.get("yearly") is True, str(data.get("again_after", "")),
        tuple(map(str, cast("list[object]", goals))) if isinstance(goals, list) else (str(goals),),
        str(window.get("from", "")), str(window.get("until", "")),
    )  # fmt: skip


def sent(form: Form) -> SettingsForm:
    """The form as it was sent."""
    kind = form.get("kind")
    about = {one.value: form.get(f"about-{one.value}")[:LONGEST] for one in TriggerKind}
    about[TriggerKind.DELIVERED.value] = about[TriggerKind.DELIVERED.value] or about[TriggerKind.SIGNED.value]
    return SettingsForm(
        form.get("title")[:LONGEST], form.get("list"), kind if kind in about else TriggerKind.JOINED.value, about,
        form.get("days")[:6], "yearly" in form, form.get("again")[:LONGEST],
        tuple(dict.fromkeys(one for one in form.all("goals") if one)),
        form.get("opens") if "hours" in form else "", form.get("closes") if "hours" in form else "",
    )  # fmt: skip


def show(visit: Visit) -> Response:
    """The form as the file says it."""
    one = automation_of(visit)
    return _page(visit, one, said(read_values(read_toml_text(one.newsletter.folder / AUTOMATION_FILE))))


def save(visit: Visit) -> Response:
    """Write what was changed."""
    one, form = automation_of(visit), sent(visit.form)
    try:
        with visit.database.write() as connection:
            change_automation(
                connection, visit.who, one.newsletter, lambda text: change_toml(text, form.changes(read_values(text))),
                base=visit.form.get("base"), what="who comes in and when", at=visit.now,
            )  # fmt: skip
    except MailerError as error:
        return _page(visit, one, form, wrong=error)
    into_git(visit.workspace, visit.database, visit.who, one.slug, f"Change the automation {one.slug}")
    return RedirectResponse(f"/automations/{one.slug}?done=saved", 303)


def page_choices(visit: Visit, pages: Iterable[str]) -> list[tuple[str, str]]:
    """Sign pages by what staff call their newsletters."""
    names = names_of(visit)
    return sorted(((slug, names(slug)) for slug in pages), key=lambda one: one[1].lower())


def _page(visit: Visit, one: ShownAutomation, form: SettingsForm, *, wrong: MailerError | None = None) -> Response:
    limits = visit.who.lists
    names = names_of(visit)
    newsletters = [(slug, names(slug)) for slug in visit.workspace.slugs()]
    again = AGAIN if form.again in dict(AGAIN) else (*AGAIN, (form.again, f"Again after {form.again}"))
    return page(
        visit, "automations/settings.html", status=422 if wrong else 200, one=one, form=form,
        kinds=[(kind.value, words) for kind, words in KINDS.items()], again=again,
        lists=[pair for pair in one.choices.of("lists", [form.list]) if limits is None or pair[0] in limits],
        pages=page_choices(visit, {*dict(one.choices.of("pages", form.goals)), *visit.workspace.action_pages()}),
        newsletters=newsletters, tags=one.choices.of("tags"),
        faults=wrong.diagnostics if wrong else (),
    )  # fmt: skip


def _table(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
