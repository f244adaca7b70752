"""What a provider reports about mails after it took them: the values that every provider's posts are read into.

Each provider's words and signatures are in its own folder; what a report changes is for `delivery.feedback`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, cast

from mailer.errors import MailerError
from mailer.transports.base import ReplyClass

if TYPE_CHECKING:
    from mailer.settings.schema import Settings
    from mailer.settings.secrets import Secrets

LONGEST_TEXT = 500  # of one field, cut
MOST_FIELDS = 40  # of one event that is kept
ADDRESS = re.compile(r"[^\s<>\"'(),;:=]+@[^\s<>\"'(),;:=]+")
WITHOUT = "<address>"  # what replaces an address that was taken out
FIRST, LAST = datetime(2009, 1, 1, tzinfo=UTC), timedelta(days=1)  # times outside this range are wrong

_OURS = re.compile(r"([0-9a-f]{1,16})\.([0-9]{1,6})")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")


class UnreadablePost(MailerError):
    """The body of a post isn't in its provider's format."""


class PostUndecided(MailerError):
    """Whether a post is theirs can't be told for now; its provider is asked to send it again."""


class What(StrEnum):
    """What a report says."""

    PROCESSED = "processed"  # the provider has the mail
    DELIVERED = "delivered"
    DEFERRED = "deferred"  # the provider has it, and will try again
    BOUNCED = "bounced"
    DROPPED = "dropped"  # the provider took it and never mailed it
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


class Remedy(StrEnum):
    """What follows for the person, beyond this mail."""

    NONE = ""
    BOUNCED = "bounced"  # never mail the address again
    COMPLAINED = "complained"  # the same, and they leave their lists
    LEAVE = "leave"  # they leave the campaign's lists


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """One report about one delivery. `attempt` is None where only the delivery is known."""

    delivery_id: int
    attempt: int | None
    what: What
    at: datetime
    source: str  # who says so, such as a provider's name
    reply_class: ReplyClass | None = None
    detail: str = ""  # without addresses
    remedy: Remedy = Remedy.NONE
    how: str = ""  # of leaving, for the proof: provider, complaint or mail


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event, in our terms. `delivery_id` and `attempt` are None when it doesn't carry what we sent along; `what` is
    None for a kind that changes nothing here."""

    kind: str  # in the provider's word
    what: What | None
    at: datetime
    address: str  # as the provider has it; "" for events of the account
    delivery_id: int | None
    attempt: int | None
    key: str  # the same for a repeat
    payload: Mapping[str, object]  # without addresses, for keeping
    reply_class: ReplyClass | None = None
    remedy: Remedy = Remedy.NONE
    detail: str = ""  # the reply's code and words; without addresses
    provider_id: str = ""  # of the mail, as `Outcome.provider_id` had it
    worth_keeping: bool = True  # when it changes nothing

    @property
    def names_nobody(self) -> bool:
        """Whether it says that there is nobody at its address."""
        return self.what in (What.BOUNCED, What.DROPPED) and self.remedy is Remedy.BOUNCED

    def report(self, source: str) -> FeedbackReport | None:
        """What it reports of the delivery it names; None when it names none, or changes nothing."""
        if self.what is None or self.delivery_id is None:
            return None
        return FeedbackReport(
            delivery_id=self.delivery_id,
            attempt=self.attempt,
            what=self.what,
            at=self.at,
            source=source,
            reply_class=self.reply_class,
            detail=self.detail,
            remedy=self.remedy,
            how="complaint" if self.remedy is Remedy.COMPLAINED else "provider",
        )


class PostVerifier(Protocol):
    """Tells a provider's own posts from anybody else's."""

    def promising(self, headers: Mapping[str, str]) -> bool:
        """Whether the headers justify reading the body."""
        ...

    def is_theirs(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Runs in a thread, so it may ask the provider. Raises `PostUndecided` when that fails: refused posts are never
        sent again, and what they said would be lost."""
        ...


class EventSource(Protocol):
    """The webhook of one provider. Pure, but for what it verifies with."""

    def verifier(self, settings: Settings, secrets: Secrets) -> PostVerifier | None:
        """None when the settings have nothing to verify with: then no post is believed. Raises `MailerError` for a
        malformed key."""
        ...

    def read(self, body: bytes, *, received: datetime) -> tuple[list[ProviderEvent], int]:
        """The events of a post, and how many entries weren't events. Raises `UnreadablePost`."""
        ...


def remedy_of(what: What | None, reply_class: ReplyClass | None) -> Remedy:
    """What follows from a report. Of bounces only a hard one is the address's own fault for good; what follows when a
    provider never mailed it is for the provider's own words to say."""
    match what:
        case What.BOUNCED if reply_class is ReplyClass.HARD:
            return Remedy.BOUNCED
        case What.COMPLAINED:
            return Remedy.COMPLAINED
        case What.UNSUBSCRIBED:
            return Remedy.LEAVE
        case _:
            return Remedy.NONE


def delivery_mark(delivery_id: int, attempt: int) -> str:
    """The mark a mail carries so that its events name it: the delivery in hexadecimal, a dot, the attempt."""
    return f"{delivery_id:x}.{attempt}"


def read_mark(value: object) -> tuple[int | None, int | None]:
    """Delivery and attempt of `delivery_mark`; None for both when it isn't ours."""
    found = _OURS.fullmatch(value) if isinstance(value, str) else None
    number = int(found.group(1), 16) if found else 0
    return (number, int(found.group(2))) if found and 0 < number < 2**63 else (None, None)


def json_of(body: bytes) -> object:
    """The JSON of a post. Raises `UnreadablePost`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadablePost("the body is not JSON") from None


def likely_time(at: datetime | None, received: datetime) -> datetime:
    """When an event happened; if that can't be right, when its post came."""
    return min(at, received) if at is not None and FIRST < at < received + LAST else received


def without_addresses(text: str, *, longest: int = LONGEST_TEXT) -> str:
    """A reply's words on one line, cut, and without the addresses that providers like to quote."""
    return ADDRESS.sub(WITHOUT, _clean(text, longest=4 * longest))[:longest]


def text_of(entry: Mapping[str, object], name: str) -> str:
    """A field of an event, as any text column takes it; "" if it isn't text."""
    value = entry.get(name)
    return _clean(value) if isinstance(value, str) else ""


def _clean(text: str, *, longest: int = 4 * LONGEST_TEXT) -> str:
    """Without what no text column takes: half surrogate pairs and control characters."""
    cut = text[:longest].encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(" ", cut).strip()


def digest_of(entry: Mapping[str, object], *, but: str = "") -> str:
    """A key for an event that has no number of its own, of all but the field `but`, which changes between repeats."""
    same = {name: value for name, value in entry.items() if name != but}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def payload_of(entry: Mapping[str, object], *, naming: Iterable[str]) -> dict[str, object]:
    """The event without addresses and without the fields that say who or where somebody is, and bounded."""
    kept: dict[str, object] = {}
    for name, value in list(entry.items())[:MOST_FIELDS]:
        if name.lower() in naming:
            continue
        if isinstance(value, str):
            kept[without_addresses(name)] = without_addresses(value)
        elif value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            kept[without_addresses(name)] = value
        else:
            kept[without_addresses(name)] = without_addresses(json.dumps(value))
    return kept


def events_of(
    body: bytes, event_of: Callable[[Mapping[str, Any]], ProviderEvent], *, named: str
) -> tuple[list[ProviderEvent], int]:
    """The events of a post that is one JSON object or a list of them, and how many entries weren't events: those say
    their kind in the field `named`. Raises `UnreadablePost`."""
    entries, strange = objects_of(json_of(body))
    found = [event_of(entry) for entry in entries if isinstance(entry.get(named), str)]
    return found, strange + len(entries) - len(found)


def objects_of(data: object) -> tuple[list[dict[str, Any]], int]:
    """The JSON objects in a list, or the one alone; and how many entries were something else."""
    entries = cast(list[object], data) if isinstance(data, list) else [data]
    found = [cast(dict[str, Any], one) for one in entries if isinstance(one, dict)]
    return found, len(entries) - len(found)
