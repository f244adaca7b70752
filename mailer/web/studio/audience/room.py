"""What a visit to the room knows: the newsletter as it is saved, what can be asked, and what an audience means."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from mailer.audience.fields import known_fields
from mailer.audience.selection.front_matter import read_audience
from mailer.audience.selection.saved_segments import calls
from mailer.audience.selection.segment_sql import parse_segment
from mailer.audience.selection.spec import Audience
from mailer.compose.expressions.ast import ANYTHING
from mailer.compose.source.message_file import Source, read_source, source_of
from mailer.errors import MailerError
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import Right
from mailer.web.studio.audience.asked import AudienceForm, to_front_matter
from mailer.web.studio.audience.subjects import RowSubject, subjects
from mailer.web.studio.core.context import Visit

SUBSCRIBED = "subscribed"  # the question that names a list


@dataclass(frozen=True, slots=True)
class AudienceRoom:
    """The newsletter that is open, as its file says it, and what its rows can be about."""

    visit: Visit
    source: Source
    fields: frozenset[str]
    known: Mapping[str, RowSubject]

    def understood(self, asked: AudienceForm) -> Audience:
        """The audience that a form asks for. Raises `MailerError` with its faults, also for an expression that can't be
        read; `NotAllowed` for lists of others than the visitor's."""
        return self.read(to_front_matter(asked, self.source, self.known))

    def read(self, raw: Mapping[str, Any]) -> Audience:
        """The audience that the front matter would ask for with this below `audience`. Raises as `understood` does."""
        visit = self.visit
        with visit.database.read() as connection:
            source = replace(self.source, audience=raw)
            audience = read_audience(connection, source, fields=self.fields)
            named = _lists_named(self.source)
            with suppress(MailerError):
                named |= _lists_of(read_audience(connection, self.source, fields=self.fields))
        if visit.who.lists is not None:
            others = _lists_of(audience) - visit.who.lists - named
            if others:
                raise NotAllowed(Right.WRITE, ", ".join(sorted(others)))
        return audience


def room_of(visit: Visit, *, questions: bool = True, base: str | None = None) -> AudienceRoom:
    """The room of the newsletter in the address; with `base`, as if its file held that. Raises `MailerError` when its
    front matter can't be read."""
    newsletter = visit.workspace.newsletter(visit.path["name"])
    source = read_source(newsletter) if base is None else source_of(base, newsletter)
    with visit.database.read() as connection:
        fields = known_fields(connection, visit.workspace.sound_lists())
    return AudienceRoom(visit, source, fields, subjects(sorted(fields), questions=questions))


def faults_in_words(error: MailerError) -> list[str]:
    """What is wrong with an audience, each with what to do about it."""
    found = [(one.message, one.remedy) for one in error.diagnostics] or [(error.message, error.remedy)]
    return [f"{message[:1].upper()}{message[1:]}. {remedy}".replace("..", ".").strip() for message, remedy in found]


def _lists_of(audience: Audience) -> frozenset[str]:
    segment = parse_segment(audience.segment, fields=ANYTHING) if audience.segment else None
    asked = [call.args[0] for call in calls(segment) if call.name == SUBSCRIBED] if segment else []
    return frozenset((*audience.include, *audience.exclude, *asked))


def _lists_named(source: Source) -> frozenset[str]:
    """Lists that the newsletter names already, which somebody with the right to them chose."""
    found: set[str] = {source.list}
    for key in ("include", "exclude"):
        value = source.audience.get(key)
        found.update(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))  # pyright: ignore[reportUnknownVariableType] - as written
    return frozenset(found)
