"""The builder for words in the text that some people see: its rows as HTML, the expression they write as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import HTMLResponse, JSONResponse, Response

from mailer.audience.selection.rows import to_rows
from mailer.audience.selection.segment_sql import parse_segment
from mailer.compose.expressions.ast import ANYTHING, Vocabulary
from mailer.compose.expressions.parser import parse_expression
from mailer.compose.expressions.tagged import TAGGED
from mailer.compose.templating.deferred import PERSONAL_ADDRESSES
from mailer.errors import MailerError
from mailer.web.studio.audience.asked import LONGEST_TEXT
from mailer.web.studio.audience.builder import (
    MODES,
    BuilderGroup,
    BuilderRow,
    pressed,
    read_builder,
    rows_in,
    to_builder,
    to_expression,
    unfinished,
)
from mailer.web.studio.audience.choices import BuilderChoices, choices_of
from mailer.web.studio.audience.counting import count_those
from mailer.web.studio.audience.room import AudienceRoom, faults_in_words, room_of
from mailer.web.studio.audience.words import words_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import part


def show(visit: Visit) -> Response:
    """The rows of an expression; one empty row for none."""
    room = room_of(visit, questions=False)
    text = visit.query.get("expression", "")[:LONGEST_TEXT]
    group = to_builder(text, room.known, fields=room.fields)
    return HTMLResponse(_form(visit, room, _begun(group), text))


def change(visit: Visit) -> Response:
    """The rows after a button or a choice, with what they come to."""
    room, form = room_of(visit, questions=False), visit.form
    button, text = form.get("do"), form.text("text")[:LONGEST_TEXT]
    group = None if form.get("shown") == "text" else pressed(read_builder(form, room.known), button)
    if button == "as-text" and group is not None:
        group, text = None, to_expression(group, room.known)
    elif button == "as-rows" and group is None:
        group = _begun(to_builder(text, room.known, fields=room.fields))
    if group is None:
        expression, wrong = text.strip(), _wrong(text, room)
    else:
        done = not any(unfinished(row, room.known) for row in rows_in(group))
        expression, wrong = to_expression(group, room.known) if done else "", ""
    expression = "" if wrong else expression
    number, of = _count(visit, room, expression) if button == "count" and expression else (None, None)
    return JSONResponse({
        "html": _form(visit, room, group, text, wrong), "expression": expression,
        "words": _words(expression, room, choices_of(visit)), "count": number, "of": of, "wrong": wrong,
    })  # fmt: skip


def _begun(group: BuilderGroup | None) -> BuilderGroup | None:
    return BuilderGroup(group.mode, (BuilderRow(),)) if group is not None and not group.items else group


def _wrong(text: str, room: AudienceRoom) -> str:
    """What is wrong with an expression that was typed. Those in the text may use filters and more names than a segment:
    whether those are known, the mail's own check says."""
    if not text.strip():
        return ""
    scopes = {"supporter": room.fields, **dict.fromkeys(("list", "campaign", "organisation", "action"), ANYTHING)}
    try:
        parse_expression(text, vocabulary=Vocabulary(scopes=scopes, names=PERSONAL_ADDRESSES, calls=(TAGGED,)))
    except MailerError as error:
        return " ".join(faults_in_words(error))
    return ""


def _words(expression: str, room: AudienceRoom, choices: BuilderChoices) -> str:
    if not expression:
        return ""
    try:
        group = to_rows(parse_segment(expression, fields=room.fields))
    except MailerError:
        group = None
    return words_of(group, choices) if group else f"people with {expression}"


def _count(visit: Visit, room: AudienceRoom, expression: str) -> tuple[int, int] | tuple[None, None]:
    """How many of the saved audience it holds for; None where SQL can't tell."""
    try:
        parse_segment(expression, fields=room.fields)
        return count_those(visit, room.read(room.source.audience), expression)
    except MailerError:
        return None, None


def _form(visit: Visit, room: AudienceRoom, group: BuilderGroup | None, text: str, wrong: str = "") -> str:
    values: Mapping[str, object] = {
        "slug": visit.path["name"], "conditions": group, "text": text, "choices": choices_of(visit),
        "known": room.known, "modes": MODES, "unfinished": unfinished, "strict": False, "wrong": wrong,
    }  # fmt: skip
    return part(visit, "audience/condition.html", **values)
