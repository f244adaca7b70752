"""A list's settings as a form, with the page that people sign up on beside it, and the HTML of that to paste."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.audience.selection.languages import language_name
from mailer.compose.source.text_file import CONTROL
from mailer.diagnostics import Diagnostic
from mailer.editing.git.commits import keep_in_git
from mailer.editing.lists import list_path, make_list, save_list
from mailer.editing.save import SaveConflict
from mailer.editing.toml_edit import TomlValue, read_toml_text, read_values
from mailer.errors import MailerError
from mailer.locale.language import LANGUAGES, choose
from mailer.senders import domain_of
from mailer.staff.rights import Right
from mailer.web.pages.join_form import blank_form, embedded
from mailer.web.studio.compose.page_looks import supporters_pages
from mailer.web.studio.core.context import Form, Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.lists.visitor import base_sent, list_named, short_name, tabs
from mailer.web.studio.preview.frame import FRAMED
from mailer.workspace import ListDefinition

TEXTS = ("title", "about", "description", "consent", "opt_in", "language", "from", "reply_to", "colour", "afterwards")
LONGEST = 2_000  # characters of one value
NEW = "-"  # in the address of a new list: none can be called so


@dataclass(frozen=True, slots=True)
class ListForm:
    """What the form holds, as it was typed; `open` is whether anybody may sign up."""

    values: Mapping[str, str]
    open: bool

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def changes(self, before: Mapping[str, Any]) -> dict[str, TomlValue]:
        """What must change in a file that says `before`; what a form leaves empty is taken out."""
        found: dict[str, TomlValue] = {
            name: value or None for name, value in self.values.items() if value != before.get(name, "")
        }
        if self.open != bool(before.get("public_form", False)):
            found["public_form"] = self.open
        return found


def said(data: Mapping[str, Any]) -> ListForm:
    """The form of what a file says."""
    texts = {name: value if isinstance(value := data.get(name, ""), str) else "" for name in TEXTS}
    return ListForm({**texts, "opt_in": texts["opt_in"] or "single", "language": texts["language"] or "en"},
                    data.get("public_form") is True)  # fmt: skip


def sent(form: Form) -> ListForm:
    """The form as it was sent."""
    values = {name: form.get(name)[:LONGEST] for name in TEXTS}
    if "own_colour" not in form:
        values["colour"] = ""
    return ListForm(values, "public_form" in form)


def show(visit: Visit) -> Response:
    """The settings as the file says them."""
    name = list_named(visit)
    text = read_toml_text(list_path(visit.workspace, name))
    try:
        form = said(read_values(text))
    except MailerError as error:
        return _page(visit, name, said({}), text, wrong=error)
    return _page(visit, name, form, text, done=visit.query.get("done", ""))


def save(visit: Visit) -> Response:
    """Write what was changed."""
    name, form, base = list_named(visit), sent(visit.form), base_sent(visit.form)
    try:
        changes = form.changes(_defaults(read_values(base)))
        with visit.database.write() as connection:
            done = save_list(visit.workspace, connection, visit.who, name, changes, base=base, at=visit.now)
    except MailerError as error:
        return _page(visit, name, form, base, wrong=error)
    if isinstance(done, SaveConflict):
        return _page(visit, name, form, done.theirs, theirs=said(read_values(done.theirs)))
    problem = keep_in_git(visit.workspace, visit.database, visit.who, f"lists/{name}.toml", f"Change the list {name}")
    state = "unkept" if problem else "merged" if done.merged else "saved"
    return RedirectResponse(f"/lists/{name}/settings?done={state}", 303)


def begin(visit: Visit) -> Response:
    """An empty form."""
    consent = "Yes, email me about your campaigns. I can leave at any time."
    return _page_of_new(visit, ListForm({**said({}).values, "consent": consent, "opt_in": "double"}, open=True))


def make(visit: Visit) -> Response:
    """Make the list, and show it."""
    form = sent(visit.form)
    name = visit.form.get("name") or short_name(form.get("title"))
    values: dict[str, TomlValue] = {"title": form.get("title"), "list_id": f"{name}.lists.{_domain(visit)}"}
    values |= {key: value for key, value in form.values.items() if value and key != "title"}
    values["public_form"] = form.open
    try:
        with visit.database.write() as connection:
            make_list(visit.workspace, connection, visit.who, name, values, at=visit.now)
    except MailerError as error:
        return _page_of_new(visit, form, name=visit.form.get("name"), wrong=error)
    keep_in_git(visit.workspace, visit.database, visit.who, f"lists/{name}.toml", f"Make the list {name}")
    return RedirectResponse(f"/lists/{name}/settings?done=made", 303)


def picture(visit: Visit) -> Response:
    """The page on which people sign up, for the frame that shows it: as it is saved, or with what is being typed."""
    name = visit.path["list"]
    asked = {key: CONTROL.sub("", visit.query[key][:LONGEST]) for key in TEXTS if key in visit.query}
    try:
        known = visit.workspace.list_definition(name)
    except MailerError:
        known = ListDefinition(name, "", "")
    colour = asked.get("colour", known.colour)
    definition = ListDefinition(
        name, asked.get("title", known.title), known.list_id, about=asked.get("about", known.about),
        consent=asked.get("consent", known.consent), language=asked.get("language", known.language) or "en",
        colour=colour if re.fullmatch("#[0-9a-fA-F]{6}", colour) else "", public_form=True,
    )  # fmt: skip
    pages = supporters_pages(visit).in_colour(definition.colour)
    html = pages.text("join.html", choose(definition.language), **blank_form(definition))
    policy = pages.policy.replace("form-action 'self'", "form-action 'none'")
    policy = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'; sandbox allow-same-origin")
    return HTMLResponse(html, headers={**FRAMED, "Content-Security-Policy": policy})


def code(visit: Visit, definition: ListDefinition) -> Sequence[tuple[str, str, str]]:
    """The form's HTML to paste: in the list's colours, and plain."""
    if not definition.public_form:
        return ()
    settings = visit.workspace.settings
    return (
        ("styled", "In these colours", embedded(settings, definition, styled=True)),
        ("plain", "Plain, for your site’s own style", embedded(settings, definition)),
    )


def _page(
    visit: Visit, name: str, form: ListForm, base: str, *, wrong: MailerError | None = None,
    theirs: ListForm | None = None, done: str = "",
) -> Response:  # fmt: skip
    try:
        definition = visit.workspace.list_definition(name)
    except MailerError:
        definition = None
    faults: Sequence[Diagnostic] = wrong.diagnostics if wrong else ()
    status = 412 if theirs else 422 if wrong else 200
    return page(
        visit, "lists/settings.html", status=status, name=name, form=form, base=json.dumps(base), faults=faults,
        theirs=theirs, done=done, definition=definition, codes=code(visit, definition) if definition else (),
        tabs=tabs(visit, name, "settings"), **_shared(visit),
    )  # fmt: skip


def _page_of_new(visit: Visit, form: ListForm, *, name: str = "", wrong: MailerError | None = None) -> Response:
    faults: Sequence[Diagnostic] = wrong.diagnostics if wrong else ()
    return page(
        visit, "lists/settings.html", status=422 if wrong else 200, name=NEW, short=name, form=form, base="",
        faults=faults, theirs=None, done="", definition=None, codes=(), tabs=(), **_shared(visit),
    )  # fmt: skip


def _shared(visit: Visit) -> dict[str, Any]:
    settings = visit.workspace.settings
    names = [(one, language_name(one)) for one in LANGUAGES]
    return {
        "new": NEW, "languages": sorted(names, key=lambda one: one[1]), "sender": settings.sender,
        "public": settings.public.url, "brand": settings.brand.primary, "may_change": visit.who.may(Right.SETTINGS),
    }  # fmt: skip


def _defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says, with what it means where it says nothing: the form shows that, and it isn't written down."""
    return {"opt_in": "single", "language": "en", **data}


def _domain(visit: Visit) -> str:
    """The domain of the workspace's sender, of which a list's own name in mails is a part."""
    return domain_of(visit.workspace.settings.sender.from_) or "example.org"


ROUTES = (
    StudioRoute("/lists/-/new", begin, Right.SETTINGS),
    StudioRoute("/lists/-/new", make, Right.SETTINGS, method="POST"),
    StudioRoute("/lists/{list}/settings", show, Right.REPORTS),
    StudioRoute("/lists/{list}/settings", save, Right.SETTINGS, method="POST"),
    StudioRoute("/lists/{list}/picture", picture, Right.REPORTS),
)
