"""Another step: what kind, and behind which."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from mailer.automations.first_automation import first_message
from mailer.automations.step_edit import Value, with_step
from mailer.automations.step_reading import THE_END
from mailer.editing.folders import plain_name
from mailer.errors import MailerError
from mailer.web.studio.automations.shown import ShownAutomation, automation_of
from mailer.web.studio.automations.steps import LONGEST, apply, typed
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page

LONGEST_NAME = 40
# What can be added: its words, what is asked, an example of it, and its icon.
KINDS: Mapping[str, tuple[str, str, str, str]] = {
    "send": ("Mail them a message", "What you call it", "A story", "mail"),
    "wait": ("Wait", "How long", "3 days", "timer"),
    "until": ("Wait for a day or an hour", "Which", "Tuesday 09:00", "clock"),
    "if": ("Ask a question, and go one way or the other", "Who goes on; the others end here",
           'signed_within("7 days")', "split"),
    "tag": ("Tag them", "The tag", "welcomed", "tag"),
    "end": ("End for good, with no more mail until they act", "", "", "flag"),
}  # fmt: skip


def show(visit: Visit) -> Response:
    """What can be put in behind a step."""
    return _page(visit, automation_of(visit), after=visit.query.get("after", ""))


def add(visit: Visit) -> Response:
    """Put it in. A message begins with a first draft, which opens."""
    one, form = automation_of(visit), visit.form
    kind, after = form.get("kind"), form.get("after")
    value = "inactive" if kind == "end" else form.get(f"value-{kind}")[:LONGEST]
    if kind not in KINDS or not value:
        wrong = MailerError("it isn’t said yet what the step does", remedy="Choose a kind, and fill in its field.")
        return _page(visit, one, after=after, kind=kind, value=value, wrong=wrong)
    name = _name(one, kind, value)
    values: dict[str, Value] = {kind: f"{name}.md" if kind == "send" else typed(kind, value)}
    if kind == "if":
        values["else"] = THE_END
    message = None
    try:
        if kind == "send" and one.automation is not None:
            message = (f"{name}.md", first_message(one.newsletter, one.automation.list, title=value))
        apply(visit, one, lambda text: with_step(text, name, values, after=after), what=f"{name}: added",
              message=message)  # fmt: skip
    except MailerError as error:
        return _page(visit, one, after=after, kind=kind, value=value, wrong=error)
    if message is not None:
        return RedirectResponse(f"/newsletters/{one.slug}/message/{name}/", 303)
    return RedirectResponse(f"/automations/{one.slug}?done=saved#step-{name}", 303)


def _name(one: ShownAutomation, kind: str, value: str) -> str:
    """A name for a new step that no other has."""
    words = {"if": "question", "tag": f"tag {value}", "until": f"until {value}", "end": "no more mail"}
    wanted = plain_name(words.get(kind, value))[:LONGEST_NAME].strip("-") or kind
    taken = {step.name for step in one.automation.steps} if one.automation else set[str]()
    taken |= {path.name.partition(".")[0] for path in one.newsletter.folder.iterdir()} if kind == "send" else set()
    number, found = 2, wanted
    while found in taken or found == THE_END:
        found, number = f"{wanted[: LONGEST_NAME - 4]}-{number}", number + 1
    return found


def _page(
    visit: Visit, one: ShownAutomation, *, after: str, kind: str = "send", value: str = "",
    wrong: MailerError | None = None,
) -> Response:  # fmt: skip
    return page(
        visit, "automations/add.html", status=422 if wrong else 200, one=one, kinds=KINDS, after=after,
        kind=kind if kind in KINDS else "send", value=value, faults=wrong.diagnostics if wrong else (),
    )  # fmt: skip
