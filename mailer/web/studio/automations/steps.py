"""One step as a form: what it does and where it leads; earlier, later, and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.automations.saving import change_automation
from mailer.automations.step_edit import Value, moved, without_step
from mailer.automations.step_reading import THE_END
from mailer.automations.steps import END, following
from mailer.editing.git.commits import into_git
from mailer.editing.toml_edit import TomlValue, change_toml, read_toml_text, read_values
from mailer.errors import MailerError
from mailer.web.studio.automations.shown import ShownAutomation, automation_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.workspace import AUTOMATION_FILE

LONGEST = 1_000
KEYS: Mapping[str, tuple[str, ...]] = {  # what each kind of step has in its form
    "wait": ("wait", "next"), "until": ("until", "not_after", "next"), "send": ("not_after", "next"),
    "if": ("if", "then", "else"), "tag": ("tag", "untag", "next"), "end": ("end",),
}  # fmt: skip
OPTIONAL = ("next", "then", "else", "not_after", "tag", "untag")


@dataclass(frozen=True, slots=True)
class StepForm:
    """A step as texts, by the keys of its section."""

    kind: str
    values: Mapping[str, str] = field(default_factory=dict[str, str])

    def get(self, key: str) -> str:
        return self.values.get(key, "")


def show(visit: Visit) -> Response:
    """The step as the file says it."""
    one = automation_of(visit)
    return _page(visit, one, _said(visit, one))


def change(visit: Visit) -> Response:
    """Save it, move it, or take it out, as the button says."""
    one, name, button = automation_of(visit), visit.path["step"], visit.form.get("do")
    before = _said(visit, one)
    sent = StepForm(before.kind, {key: visit.form.get(key)[:LONGEST] for key in KEYS[before.kind]})
    acts: Mapping[str, tuple[Callable[[str], str], str]] = {
        "earlier": (lambda text: moved(text, name, by=-1), f"{name}: earlier"),
        "later": (lambda text: moved(text, name, by=1), f"{name}: later"),
        "out": (lambda text: without_step(text, name, instead=_behind(one, name)), f"{name}: taken out"),
    }
    act, what = acts.get(button, (lambda text: change_toml(text, _changes(name, sent, text)), name))
    try:
        apply(visit, one, act, what=what)
    except MailerError as error:
        return _page(visit, one, sent, wrong=error)
    if button in ("earlier", "later"):
        return RedirectResponse(f"/automations/{one.slug}/steps/{name}?done={button}", 303)
    return RedirectResponse(f"/automations/{one.slug}?done={'out' if button == 'out' else 'saved'}", 303)


def apply(
    visit: Visit, one: ShownAutomation, act: Callable[[str], str], *, what: str, message: tuple[str, str] | None = None
) -> None:
    """Write what `act` makes of the file. Raises `MailerError`."""
    with visit.database.write() as connection:
        change_automation(
            connection, visit.who, one.newsletter, act, base=visit.form.get("base"), what=what, at=visit.now,
            message=message,
        )  # fmt: skip
    into_git(visit.workspace, visit.database, visit.who, one.slug, f"Change the automation {one.slug}")


def _changes(name: str, sent: StepForm, text: str) -> dict[str, TomlValue]:
    before = read_values(text).get("steps", {}).get(name, {})
    found: dict[str, TomlValue] = {}
    for key, value in sent.values.items():
        if value == _text(before.get(key)):
            continue
        found[f"steps.{name}.{key}"] = None if key in OPTIONAL and not value else _as_toml(typed(key, value))
    return found


def _as_toml(value: Value) -> TomlValue:
    return value if isinstance(value, str | bool) else tuple(value)


def typed(key: str, value: str) -> Value:
    """What a field's text means in the file."""
    if key == "end":
        return "inactive" if value == "inactive" else True
    if key in ("tag", "untag") and "," in value:
        return [one.strip() for one in value.split(",") if one.strip()]
    return value


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[object]", value)))
    return "" if value is None or value is True else str(value)


def _said(visit: Visit, one: ShownAutomation) -> StepForm:
    """The step in the address. Raises HTTPException 404 where there is none."""
    name = visit.path["step"]
    found = read_values(read_toml_text(one.newsletter.folder / AUTOMATION_FILE)).get("steps", {}).get(name)
    said = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    kind = next((kind for kind in KEYS if kind in said), "tag" if "untag" in said else "")
    if not kind:
        raise HTTPException(404)
    return StepForm(kind, {key: _text(said.get(key)) for key in KEYS[kind]})


def _behind(one: ShownAutomation, name: str) -> str:
    """Where those go who were led to a step that is taken out."""
    step = next((step for step in one.automation.steps if step.name == name), None) if one.automation else None
    return following(step)[-1] if step is not None else END


def _page(visit: Visit, one: ShownAutomation, form: StepForm, *, wrong: MailerError | None = None) -> Response:
    name = visit.path["step"]
    names = [step.name for step in one.automation.steps] if one.automation else []
    return page(
        visit, "automations/step.html", status=422 if wrong else 200, one=one, name=name, form=form,
        others=[(other, one.words(other).title) for other in names if other != name], the_end=THE_END,
        faults=wrong.diagnostics if wrong else (), done=visit.query.get("done", ""),
        is_first=names[:1] == [name], is_last=names[-1:] == [name],
    )  # fmt: skip
