"""Saves and removes saved segments, and knows what asks for them: newsletters that weren't sent, and other segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, select

from mailer.audience.fields import known_fields
from mailer.audience.selection.questions import SEGMENT
from mailer.audience.selection.saved_segments import (
    SavedSegment,
    calls,
    check_segment,
    known_names,
    read_segment,
    segment_file,
    segment_names,
    segment_of,
    segment_path,
)
from mailer.audience.selection.segment_sql import SEGMENT_NAME, parse_segment
from mailer.compose.expressions.ast import ANYTHING, Expression
from mailer.compose.source.frontmatter import split_front_matter
from mailer.editing.files import one_at_a_time
from mailer.editing.folders import lists_of, message_path
from mailer.editing.save import SaveConflict, Saved, digest
from mailer.editing.toml_edit import read_toml_text, save_toml
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor, NotAllowed
from mailer.staff.rights import Right
from mailer.store.tables.core import campaigns
from mailer.toml_file import read_toml, toml_of
from mailer.workspace import AUTOMATION_FILE, Newsletter, Workspace

SAVED, REMOVED = "segment saved", "segment removed"  # as the audit log says it


def save_segment(
    workspace: Workspace, connection: Connection, actor: Actor, segment: SavedSegment, *, at: datetime,
    base: str | None = "",
) -> Saved | SaveConflict:  # fmt: skip
    """Write a saved segment into its file. `base` is the file as it was for the person who changes it: "" for a new
    segment, None to put it in the place of one of that name, whatever that says.

    Raises `MailerError` with every fault, with nothing written: a name that can't be one or is taken, an expression
    that can't be read, a circle; `NotAllowed` for lists, or newsletters to lists, that the actor doesn't work with.
    """
    actor.require(Right.WRITE)
    name, path = segment.name, segment_path(workspace, segment.name)
    if not SEGMENT_NAME.fullmatch(name):
        raise MailerError(
            f"{name!r} can’t be the name of a saved segment",
            remedy="Begin with a letter; use small letters, digits and hyphens, 80 at most: active-in-uk",
        )
    one_at_a_time(connection)
    before = read_toml_text(path)
    if base == "" and before:
        raise MailerError(f"there is a saved segment {name} already", remedy="Choose another name.")
    fields = known_fields(connection, workspace.sound_lists())
    known = known_names(connection, workspace, fields=fields)

    def check(text: str) -> None:
        file = toml_of(text.encode("utf-8"), segment_file(name))
        said = check_segment(segment_of(file, name), known, place=file.key("expression"))
        _require_lists(workspace, connection, actor, name, said)

    path.parent.mkdir(parents=True, exist_ok=True)
    changes = {"title": segment.title, "about": segment.about or None, "expression": segment.expression.strip()}
    done = save_toml(connection, path, changes, base=base, within=workspace.lists, check=check)
    if isinstance(done, Saved) and done.text != before:
        audit.record(
            connection, actor, SAVED, at=at, subject=f"segment {name}",
            before=digest(before) if before else "", after=digest(done.text),
        )  # fmt: skip
    return done


def remove_segment(workspace: Workspace, connection: Connection, actor: Actor, name: str, *, at: datetime) -> None:
    """Take a saved segment away. Raises `MailerError` while something asks for it."""
    actor.require(Right.WRITE)
    read_segment(workspace, name)
    one_at_a_time(connection)
    used = [*newsletters_asking(workspace, connection, [name]), *segments_asking(workspace, name)]
    if used:
        raise MailerError(
            f"{name} is used by {', '.join(used[:3])}" + (f" and {len(used) - 3} more" if len(used) > 3 else ""),
            remedy="Choose other conditions there first.",
        )
    path = segment_path(workspace, name)
    before = read_toml_text(path)
    path.unlink()
    audit.record(connection, actor, REMOVED, at=at, subject=f"segment {name}", before=digest(before))


def segments_asking(workspace: Workspace, name: str) -> list[str]:
    """The saved segments that ask for this one, also through others."""
    asked: dict[str, frozenset[str]] = {}
    for one in segment_names(workspace):
        with suppress(MailerError):
            asked[one] = _asked_by(read_segment(workspace, one).expression)
    found = {name}
    while more := {one for one, named in asked.items() if named & found} - found:
        found |= more
    return sorted(found - {name})


def newsletters_asking(workspace: Workspace, connection: Connection, names: Iterable[str]) -> list[str]:
    """The newsletters that weren't sent yet, and the automations, that name one of these saved segments. What was sent
    or started has it written out."""
    wanted, sent = frozenset(names), set(connection.execute(select(campaigns.c.slug)).scalars())
    found = [slug for slug in workspace.automations() if _asked_by_steps(workspace.newsletter(slug)) & wanted]
    for slug in workspace.slugs():
        path = None if slug in sent else message_path(workspace.newsletter(slug).folder)
        text = path.read_text(encoding="utf-8", errors="replace") if path else ""
        if any(name in text for name in wanted) and _asked_by(_segment_in(text)) & wanted:
            found.append(slug)
    return found


def _asked_by_steps(newsletter: Newsletter) -> frozenset[str]:
    """The saved segments that the steps of an automation name; none where its file can't be read."""
    steps: object = None
    with suppress(MailerError):
        steps = read_toml(newsletter.folder / AUTOMATION_FILE, AUTOMATION_FILE).data.get("steps")
    sections = cast("Mapping[str, object]", steps).values() if isinstance(steps, dict) else ()
    found: set[str] = set()
    for section in sections:
        asked = cast("Mapping[str, object]", section).get("if") if isinstance(section, dict) else None
        found |= _asked_by(asked) if isinstance(asked, str) else set()
    return frozenset(found)


def _segment_in(text: str) -> str:
    """What a newsletter's file has as `audience.segment`."""
    front, _ = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file="")
    audience: Any = front.data.get("audience") if front else None
    segment = cast(Mapping[str, Any], audience).get("segment") if isinstance(audience, dict) else None
    return segment if isinstance(segment, str) else ""


def _asked_by(expression: str) -> frozenset[str]:
    """The saved segments that an expression names; none where it can't be read."""
    with suppress(MailerError):
        found = parse_segment(expression, fields=ANYTHING)
        return frozenset(call.args[0] for call in calls(found) if call.name == SEGMENT)
    return frozenset()


def _require_lists(workspace: Workspace, connection: Connection, actor: Actor, name: str, said: Expression) -> None:
    """Raise unless the lists of a segment are the actor's, and so are those of the newsletters that it changes."""
    if actor.lists is None:
        return
    if others := {call.args[0] for call in calls(said) if call.name == "subscribed"} - actor.lists:
        raise NotAllowed(Right.WRITE, ", ".join(sorted(others)))
    for slug in newsletters_asking(workspace, connection, [name, *segments_asking(workspace, name)]):
        actor.require_work_on(lists_of(workspace, slug))
