"""Templates: a gallery of them, and the files of one, tried out on every draft that uses it before they are saved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.compose.source.layouts import DEFINITION_FILE, LAYOUT_FILE, read_layout
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.editing.first_draft import DRAFT_FILE
from mailer.editing.git.commits import keep_in_git
from mailer.editing.library import templates as texts
from mailer.editing.library.templates import BLOCKS, SAVED, template_subject, versions_of
from mailer.editing.save import SaveConflict, Saved
from mailer.editing.toml_edit import change_toml
from mailer.editing.versions import kept_of, read_version
from mailer.errors import MailerError
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.library.definition import KINDS, DefinitionForm, said, sent
from mailer.web.studio.library.trial import TemplateTrial, drafts_using, kept_trials, lines_of, try_out
from mailer.web.studio.newsletters.gallery import TemplateChoice, choices
from mailer.web.studio.preview.frame import FRAMED, policy

VERSIONS = 10  # that are offered
MOST_SENT = 8 * LARGEST_BYTES  # a form has the text twice, and three bytes for many a sign
NAMES = {LAYOUT_FILE: "How it looks", DRAFT_FILE: "First draft", DEFINITION_FILE: "Name and fields"}
PARTS = TemplateChoice(
    BLOCKS, "Parts that all share", "Header, button, quote, picture, footer … as every template uses them"
)


@dataclass(frozen=True, slots=True)
class ShownText:
    """What the editor holds, and what it is based on."""

    text: str
    base: str
    trial: TemplateTrial | None = None
    theirs: str = ""
    asks: bool = False  # whether to save although something breaks
    wrong: MailerError | None = None
    form: DefinitionForm | None = None  # of template.toml, where it isn't what `text` says


def show(visit: Visit) -> Response:
    """The gallery."""
    used = Counter(one.template for one in drafts_using(visit, BLOCKS))
    found = [
        (one, list(read_layout(visit.workspace.templates, one.name)[0].fields.values()), used[one.name])
        for one in choices(visit.workspace)
    ]
    parts = texts.template_files(visit.workspace, BLOCKS)
    return page(visit, "library/templates.html", found=found, parts=PARTS if parts else None, number=len(parts))


def show_one(visit: Visit) -> Response:
    """One template, with its text as it is, or as an earlier version had it."""
    file = _file(visit)
    now = texts.read_template(visit.workspace, visit.path["template"], file)
    text = now
    if digest := visit.query.get("version", ""):
        with visit.database.read() as connection:
            version = read_version(connection, versions_of(visit.path["template"]), digest)
        text = version.text if version.file == file else now
    return _page(visit, file, ShownText(text, now))


def write(visit: Visit) -> Response:
    """Look at what was typed, or save it. What breaks something is saved only by somebody who was told so."""
    visit.who.require(Right.SETTINGS)
    name, file, form = visit.path["template"], _file(visit), visit.form
    now = texts.read_template(visit.workspace, name, file)
    text, base = form.text("text"), form.text("base")
    base = now if now.replace("\r\n", "\n") == base else base
    form_sent = sent(form) if file == DEFINITION_FILE else None
    try:
        text = _changed(name, form_sent, now, base) if form_sent else text
    except MailerError as error:
        return _page(visit, file, ShownText(now, base, wrong=error, form=form_sent), status=422)
    trial = try_out(visit, name, file, text)
    shown = ShownText(text, base, trial, form=form_sent)
    wanted = form.get("do")
    if wanted not in ("save", "anyway"):
        return _page(visit, file, shown)
    told = wanted == "anyway" and form.get("seen") == trial.id
    if not trial.is_sound and not told:
        return _page(visit, file, replace(shown, asks=True), status=422)
    try:
        done = _saved(visit, file, base, text, form_sent)
    except MailerError as error:
        return _page(visit, file, replace(shown, wrong=error), status=422)
    if isinstance(done, SaveConflict):
        return _page(visit, file, ShownText(text, done.theirs, trial, theirs=done.theirs), status=412)
    problem = keep_in_git(
        visit.workspace, visit.database, visit.who, f"templates/{name}", f"Change the template {name}"
    )
    state = "unkept" if problem else "merged" if done.merged else "saved"
    return RedirectResponse(f"/templates/{name}?file={file}&done={state}", 303)


def _changed(name: str, form: DefinitionForm, now: str, base: str) -> str:
    """What template.toml would say. Raises `MailerError` for what it may not."""
    text = change_toml(now, form.changes(name, base))
    texts.check_definition(name, text)
    return text


def _saved(visit: Visit, file: str, base: str, text: str, form: DefinitionForm | None) -> Saved | SaveConflict:
    name, at = visit.path["template"], visit.now
    with visit.database.write() as connection:
        if form:
            changes = form.changes(name, base)
            return texts.save_definition(visit.workspace, connection, visit.who, name, changes, base=base, at=at)
        return texts.save_template(
            visit.workspace, connection, visit.who, name, file, base=base, text=text, at=at
        )  # fmt: skip


def copy(visit: Visit) -> Response:
    """A template of its own that begins as this one."""
    name = visit.path["template"]
    to = "-".join(visit.form.get("name").lower().split())
    try:
        with visit.database.write() as connection:
            texts.copy_template(visit.workspace, connection, visit.who, name, to=to, at=visit.now)
    except MailerError as error:
        file = _file(visit)
        now = texts.read_template(visit.workspace, name, file)
        return _page(visit, file, ShownText(now, now, wrong=error), status=422)
    keep_in_git(visit.workspace, visit.database, visit.who, f"templates/{to}", f"Copy the template {name} as {to}")
    return RedirectResponse(f"/templates/{to}?done=copied", 303)


def frame(visit: Visit) -> Response:
    """A mail of a trial."""
    trial = kept_trials(visit).get(visit.path["trial"])
    number = visit.path["number"]
    if trial is None or not number.isdecimal() or int(number[:4]) >= len(trial.mails):
        raise HTTPException(404)
    mail = trial.mails[int(number[:4])]
    html = mail.html or "<!doctype html><title>No mail</title><p>With this text it can’t be made.</p>"
    headers = {"Content-Security-Policy": policy("'self' data:"), "Cache-Control": "private, max-age=60"}
    return HTMLResponse(html, headers=FRAMED | headers)


def _page(visit: Visit, file: str, shown: ShownText, *, status: int = 200) -> Response:
    name = visit.path["template"]
    known = {one.name: one for one in choices(visit.workspace)}
    with visit.database.read() as connection:
        saves = entries(
            connection, AuditFilter(subject=template_subject(name), actions=(SAVED,)), limit=VERSIONS
        )  # fmt: skip
        kept = kept_of(connection, versions_of(name), [one.before for one in saves])
    if file == DEFINITION_FILE and not shown.form:
        try:
            shown = replace(shown, form=said(name, shown.text))
        except MailerError as error:
            shown = replace(shown, wrong=error, form=DefinitionForm("", "", ()))
    found = list(lines_of(shown.trial.found, f"templates/{name}/{file}")) if shown.trial else []
    return page(
        visit, "library/template.html", status=status, name=name, one=known.get(name, PARTS), file=file,
        files=texts.template_files(visit.workspace, name), shown=shown, found=found,
        drafts=drafts_using(visit, name), samples=list(known.values()) if name == BLOCKS else [known[name]],
        fields=[] if name == BLOCKS else list(read_layout(visit.workspace.templates, name)[0].fields.values()),
        versions=[one for one in saves if one.before in kept and one.detail == file],
        done=visit.query.get("done", ""), is_parts=name == BLOCKS, kinds=list(KINDS.items()), parts_of=NAMES,
        draft_file=DRAFT_FILE,
    )  # fmt: skip


def _file(visit: Visit) -> str:
    """The file that is asked for; the frame, or the first there is, unless another is."""
    files = texts.template_files(visit.workspace, visit.path["template"])
    known = visit.path["template"] == BLOCKS or LAYOUT_FILE in files
    file = visit.query.get("file", "") or (files[0] if files else "")
    if not known or file not in files:
        raise HTTPException(404)
    return file


ROUTES = (
    StudioRoute("/templates", show, Right.WRITE),
    StudioRoute("/templates/{template}", show_one, Right.WRITE),
    StudioRoute("/templates/{template}", write, Right.SETTINGS, method="POST", most_bytes=MOST_SENT),
    StudioRoute("/templates/{template}/copy", copy, Right.SETTINGS, method="POST"),
    StudioRoute("/templates/{template}/trials/{trial}/{number}", frame, Right.WRITE),
)
