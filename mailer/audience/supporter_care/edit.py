"""What staff change of one supporter: names, fields, tags, lists, and forgetting them. Each is audited with the actor.

Callers have a write transaction open. The audit log names no supporter: it says which fields changed, and not to what.
Coming onto a list is for `bulk`, which asks for the consent; lifting a suppression for `consent.lift`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select, update

from mailer.audience.addresses import normalise
from mailer.audience.consent.changes import forget, leave, leave_everything, list_id
from mailer.audience.imports.headers import identifier
from mailer.audience.imports.meaning.values import country_code, language_tag
from mailer.audience.imports.row_check import CONTROL, LINE_ENDS, LONGEST_ATTRIBUTE, LONGEST_NAME
from mailer.audience.names import clean_name
from mailer.audience.people.people import FIELDS
from mailer.audience.tags import add_tags, remove_tags
from mailer.compose.expressions.tagged import LONGEST_TAG, sound_tag
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError, raise_errors
from mailer.staff.actor import Actor
from mailer.staff.audit import record
from mailer.store.tables.core import people
from mailer.store.tables.states import ZoneSource
from mailer.timezones import zone_named

OWN = (
    "first_name",
    "last_name",
    "country",
    "language",
    "timezone",
)  # columns; every other field is among the attributes
MOST_FIELDS = 200


def change_person(
    connection: Connection,
    actor: Actor,
    person_id: int,
    wanted: Mapping[str, str],
    *,
    seen: Mapping[str, str],
    at: datetime,
) -> list[str]:
    """Change fields of somebody, "" for taking one out; returns the names of those that changed.

    `seen` is what the fields held when the actor looked. What somebody else changed since is kept: raises `MailerError`
    where both changed the same field, and for values that can't be, with all faults at once and nothing changed.
    """
    row = connection.execute(
        select(people.c.attributes, *(people.c[name] for name in OWN)).where(people.c.id == person_id).with_for_update()
    ).first()
    if row is None:
        raise MailerError("this person is not here any more", remedy="Somebody may have forgotten them meanwhile.")
    attributes: dict[str, str] = dict(row.attributes)
    current = {**attributes, **{name: str(getattr(row, name)) for name in OWN}}
    changes = {name: _sound(name, text) for name, text in wanted.items() if text.strip() != seen.get(name, "")}
    faults = [value for value in changes.values() if isinstance(value, Diagnostic)]
    sound = {name: value for name, value in changes.items() if isinstance(value, str)}
    faults += [
        Diagnostic(
            f"somebody changed {_label(name)} meanwhile, to “{current.get(name, '')}”",
            remedy="Look at it, and change it again if that is wrong.",
        )
        for name, value in sound.items() if current.get(name, "") not in (seen.get(name, ""), value)
    ]  # fmt: skip
    changed = {name: value for name, value in sound.items() if current.get(name, "") != value}
    attributes |= {name: value for name, value in changed.items() if name not in OWN}
    attributes = {name: value for name, value in attributes.items() if value}
    if len(attributes) > MOST_FIELDS:
        faults.append(Diagnostic(f"there are more than {MOST_FIELDS} fields"))
    raise_errors("This can’t be saved:", faults)
    if changed:
        columns = {name: value for name, value in changed.items() if name in OWN}
        if "timezone" in columns:  # they said so, or nobody does any more
            columns["timezone_source"] = ZoneSource.OWN.value if columns["timezone"] else ""
        values = {**columns, "attributes": attributes, "updated_at": at}
        connection.execute(update(people).where(people.c.id == person_id).values(**values))
        detail = ", ".join(sorted(changed))
        record(connection, actor, "person changed", at=at, subject=f"person {person_id}", detail=detail)
    return sorted(changed)


def new_field(name: str) -> str:
    """What a field that staff name is called, as merge tags can write it. Raises `MailerError`."""
    found = identifier(name)
    if not found or found in FIELDS or found == "status":
        raise MailerError(f"“{name}” can’t name a field", remedy="Use letters, such as Postcode or Shoe size.")
    return found


def _label(name: str) -> str:
    return name.replace("_", " ")


def _sound(name: str, text: str) -> str | Diagnostic:
    """A value as it is kept, or what is wrong with it."""
    value = text.strip()
    most = LONGEST_NAME if name in ("first_name", "last_name") else LONGEST_ATTRIBUTE
    if CONTROL.search(LINE_ENDS.sub(" ", value) if name not in OWN else value):
        return Diagnostic(f"{_label(name)} holds a character that can’t be printed")
    if len(value) > most:
        return Diagnostic(f"{_label(name)} has {len(value):,} characters; {most:,} is the most")
    if name == "country" and value:
        remedy = "Write its name or two letters, such as GB."
        return country_code(value) or Diagnostic(f"“{value[:40]}” is not a country", remedy=remedy)
    if name == "language" and value:
        remedy = "Write its name or a tag, such as cy or pt-BR."
        return language_tag(value) or Diagnostic(f"“{value[:40]}” is not a language", remedy=remedy)
    if name == "timezone" and value:
        try:
            return zone_named(value).key
        except MailerError as error:
            return error.diagnostics[0]
    return clean_name(value) if name in ("first_name", "last_name") else value


def tag_person(connection: Connection, actor: Actor, person_id: int, tag: str, *, at: datetime) -> None:
    """Put a tag on somebody. Raises `MailerError` for what can't be one."""
    name = sound_tag(tag)
    if not name:
        raise MailerError("this can’t be a tag", remedy=f"At most {LONGEST_TAG} characters, without , ; or |.")
    who = select(people.c.id).where(people.c.id == person_id)
    if add_tags(connection, who, [name], source=actor.name, at=at):
        record(connection, actor, "person tagged", at=at, subject=f"person {person_id}", detail=name)


def untag_person(connection: Connection, actor: Actor, person_id: int, tag: str, *, at: datetime) -> None:
    """Take a tag off somebody."""
    if remove_tags(connection, select(people.c.id).where(people.c.id == person_id), [tag]):
        record(connection, actor, "tag taken off", at=at, subject=f"person {person_id}", detail=tag)


def unsubscribe_person(
    connection: Connection, actor: Actor, person_id: int, list_name: str | None, *, source: str, at: datetime
) -> bool:
    """Take somebody off one list, or off every list, those to come too, at their request. False when it was so."""
    if list_name is None:
        changed = leave_everything(connection, person_id=person_id, how="staff", source=source, at=at)
    else:
        ids = [list_id(connection, list_name)]
        changed = leave(connection, person_id=person_id, list_ids=ids, how="staff", source=source, at=at)
    detail = list_name or "every list"
    record(connection, actor, "person unsubscribed", at=at, subject=f"person {person_id}", detail=detail)
    return changed


def forget_person(connection: Connection, actor: Actor, address: str, *, typed: str, at: datetime) -> None:
    """Delete somebody and everything that names them, once their address was typed. Raises `MailerError` otherwise."""
    if typed.strip().lower() != normalise(address):
        raise MailerError(
            "the address that was typed is another", remedy="Nothing was deleted. Type it as it is shown."
        )
    person_id = connection.execute(select(people.c.id).where(people.c.address == normalise(address))).scalar()
    if forget(connection, address=address):
        record(connection, actor, "person forgotten", at=at, subject=f"person {person_id}")
