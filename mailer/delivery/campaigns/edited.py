"""What was edited after it was scheduled: how the frozen message differs from what its files make now.

The frozen one goes out. Anyone who looks at the newsletter meanwhile sees the files, so commands that show it say
what is different.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from itertools import islice
from typing import cast

from mailer.audience.selection.spec import Audience, from_json, to_json
from mailer.compose import message as messages
from mailer.compose.message import ORIGINAL, Link, Message, Parts, as_written, version_in_words
from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.lifecycle import find_campaign
from mailer.delivery.campaigns.plan import as_mailed, prepare
from mailer.delivery.campaigns.status import WAITING
from mailer.errors import MailerError
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.tables.states import CampaignKind, CampaignState
from mailer.workspace import Workspace

CLICK = re.compile(r"\{\{ click_url \}\}/(\d+)")
FEW = 3  # differences that a summary tells
SHORT = 120  # characters of a line in a summary


@dataclass(frozen=True, slots=True)
class Edited:
    """A newsletter whose files say something else than what goes out. `differences`: what goes out, and the files."""

    slug: str
    state: CampaignState
    since: datetime  # when the message that goes out was frozen
    differences: tuple[str, ...]

    @property
    def word(self) -> str:
        return "scheduled" if self.state is CampaignState.SCHEDULED else "launched"

    @property
    def is_told_whole(self) -> bool:
        """Whether the summary is complete."""
        return len(self.differences) <= FEW and all(len(line) <= SHORT for line in self.differences)

    @property
    def summary(self) -> str:
        """The first differences, on one line."""
        more = len(self.differences) - FEW
        told = [line if len(line) <= SHORT else f"{line[: SHORT - 1]}…" for line in self.differences[:FEW]]
        return "; ".join(told) + (f"; and {more:,} more" if more > 0 else "")


def edited_since(workspace: Workspace, database: Database, slug: str) -> Edited | None:
    """How the files of `slug` differ from its message that waits to be mailed; None when nothing waits, or the same."""
    with database.read() as connection:
        row = find_campaign(connection, slug)
    if row is None or row.state not in WAITING or row.kind != CampaignKind.NEWSLETTER:
        return None  # an edit holds from the next issue of a series on
    state = CampaignState(row.state)
    try:
        source = as_mailed(read_source(workspace.newsletter(slug)), row.message.get("data", {}))
        plan = prepare(database, source).plan
    except DatabaseTrouble:
        raise
    except MailerError as error:
        first = next(one for one in error.diagnostics if one.stops)
        told = (f"the files can't be read as a newsletter now: {first.sentence}",)
        return Edited(slug, state, row.created_at, told)
    # The audience of a launched one was decided at its launch, and isn't read again.
    asked = from_json(row.audience) if state is CampaignState.SCHEDULED else plan.audience
    if row.digest == plan.message.digest and asked == plan.audience:
        return None
    found = tuple(differences(messages.from_json(row.message), plan.message, asked, plan.audience))
    return Edited(slug, state, row.created_at, found) if found else None


def differences(before: Message, after: Message, asked: Audience, asks: Audience) -> Iterator[str]:
    """What is different, in a line each: first what people see, then what they don't."""
    for label, one, other in (
        ("subject", _written(before, before.subject), _written(after, after.subject)),
        ("preheader", _written(before, before.preheader), _written(after, after.preheader)),
        ("sender", before.from_, after.from_),
        ("replies", before.reply_to, after.reply_to),
        ("list", before.list, after.list),
        ("language", before.language, after.language),
        ("public address", before.public_url, after.public_url),
    ):
        if one != other:
            yield f"{label}: “{one}” goes out, “{other}” is in the files"
    yield from _changed("audience", to_json(asked), to_json(asks))
    if before.is_urgent != after.is_urgent:
        yield f"urgent: {_yes(before.is_urgent)} goes out, {_yes(after.is_urgent)} is in the files"
    if before.is_public != after.is_public:
        yield f"public: {_yes(before.is_public)} goes out, {_yes(after.is_public)} is in the files"
    yield from _lines(_text(before), _text(after))
    yield from _changed("picture", _pictures(before), _pictures(after))
    tables = [{one.name: one.digest for one in each.tables} for each in (before, after)]
    yield from (f"data/{name}: another table is in the files" for name in tables[0]
                if name in tables[1] and tables[0][name] != tables[1][name])  # fmt: skip
    if _text(before) == _text(after) and _html(before) != _html(after):
        yield "the look of the HTML: a template, a style or a picture's place"
    if before.test != after.test:
        yield "test: its plan in what goes out is another than in the files"
    yield from _versions(before, after, asks)


def _versions(before: Message, after: Message, asks: Audience) -> Iterator[str]:
    old, new = before.versions, after.versions
    for name in sorted({*old, *new} - {ORIGINAL}):
        if name in old and name in new:
            told = differences(before.version(name), after.version(name), asks, asks)
            yield from (f"{name}: {line}" for line in told)
        else:
            kind = version_in_words(name).partition(" ")[0]
            yield f"{name}: the {kind} " + ("goes out" if name in old else "is only in the files")


def _text(message: Message) -> list[str]:
    """The lines of the text as staff wrote them, with the addresses that links lead to."""
    return _led(message, message.text).splitlines()


def _html(message: Message) -> str:
    pictures = re.compile(rf"{re.escape(message.public_url)}/i/\w+/")
    return pictures.sub("", _led(message, message.html)).replace(message.public_url, "")


def _led(message: Message, parts: Parts) -> str:
    links: Mapping[str, Link] = {str(link.n): link for link in message.links}
    written = as_written(message, parts)
    return CLICK.sub(lambda found: links[found[1]].url if found[1] in links else found[0], written)


def _written(message: Message, parts: Parts) -> str:
    return " ".join(as_written(message, parts).split())


def _lines(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    for line in islice(unified_diff(before, after, lineterm="", n=0), 2, None):
        words = " ".join(line[1:].split())
        if words and line[0] in "+-":
            yield f"text: “{words}” {'goes out' if line[0] == '-' else 'is only in the files'}"


def _pictures(message: Message) -> dict[str, str]:
    return {image.name: image.digest for image in message.images}


def _changed(what: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    for name in {**before, **after}:
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if what == "picture":
            yield f"{what} {name}: " + ("another one goes out" if one and other else "is only in the files" if other
                                        else "goes out, and isn't used any more")  # fmt: skip
        else:
            yield f"{what}: {name} is {_value(one)} in what goes out, and {_value(other)} in the files"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, cast(tuple[object, ...], value))) or "nothing"
    return f"“{value}”" if value not in (None, "") else "nothing"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
