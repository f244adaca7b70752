"""Bursts of unsubscribes that a scanner pressed: found, shown with everybody in them, and undone by staff's decision.

Scanners open each link of a mail before its reader does, and some press what they find. Such presses come within
minutes of the hand-over, many together, and from one place: one network, one program that says what it is, or the
mailboxes of one company. People press one at a time, and few of those who were mailed. So a burst is five people or
more, each within minutes of the last, four fifths of them within minutes of their mail, and a third at least of all
who were mailed at their domains. The last tells a company's scanner from a large provider, whose own network presses
for its users (RFC 8058).

Nothing is ever undone by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select, update

from mailer.counting import counted
from mailer.delivery.subscriptions.presses import KEPT, LOOKED
from mailer.delivery.subscriptions.undo import MANY, ONE_CLICK, TOGETHER, Leaving, leavings, undo
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.engine.arrays import among
from mailer.store.engine.by_campaign import about, given, those
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.inbound import returned_mails
from mailer.store.tables.inbound import unsubscribe_presses as presses
from mailer.store.tables.states import Feedback, PressDecision, ReturnedKind
from mailer.tracking.bot_rules import says_it_is_a_program

SOON = timedelta(minutes=5)  # after the hand-over
SOON_SHARE = 0.8
LEFT_SHARE = 1 / 3  # of those who were mailed at the same domains
BY_A_SCANNER = "undone: a scanner pressed"  # the reason in the audit log
LIFTED = "suppression lifted"  # as in `audience.consent.lift`
UNDONE, PEOPLE_PRESSED = "unsubscribes taken back", "unsubscribes left as they are"


@dataclass(frozen=True, slots=True)
class UnsubscribePress:
    """One press, and the mail that it was about."""

    id: int
    delivery_id: int
    campaign_id: int
    at: datetime
    how: str
    agent: str
    network: bytes
    handed_over_at: datetime | None
    domain: str

    @property
    def is_soon(self) -> bool:
        return self.handed_over_at is not None and self.at - self.handed_over_at <= SOON

    @property
    def places(self) -> Iterable[tuple[str, object]]:
        """What presses may have in common."""
        yield "domain", self.domain
        if self.network:
            yield "network", self.network
        if self.agent and says_it_is_a_program(self.agent):
            yield "program", self.agent


@dataclass(frozen=True, slots=True)
class Pressed:
    """One person of a burst. `why` they are left alone: "" where undoing puts them back."""

    leaving: Leaving
    seconds: int | None  # after their mail
    agent: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Burst:
    """Presses that a scanner probably made. `number` is that of its first press."""

    number: int
    campaign_id: int
    slug: str
    lists: tuple[str, ...]
    presses: tuple[UnsubscribePress, ...]
    signs: tuple[str, ...]  # what speaks for a machine

    @property
    def began(self) -> datetime:
        return self.presses[0].at

    @property
    def ended(self) -> datetime:
        return self.presses[-1].at

    @property
    def people(self) -> int:
        return len({one.delivery_id for one in self.presses})

    @property
    def mark(self) -> str:
        """Another for every other set of presses: a decision is about those that were shown."""
        return hashlib.sha256(repr([one.id for one in self.presses]).encode()).hexdigest()[:16]


class BurstChanged(MailerError):
    """The burst isn't what was looked at."""


def find_bursts(connection: Connection, *, now: datetime, slug: str | None = None) -> list[Burst]:
    """The bursts of the last month that nobody has decided about, the newest first."""
    by_campaign: dict[int, list[UnsubscribePress]] = {}
    for press in _open_presses(connection, now):
        by_campaign.setdefault(press.campaign_id, []).append(press)
    names = {
        row.id: (row.slug, tuple(row.audience.get("include", ())))
        for row in connection.execute(select(campaigns.c.id, campaigns.c.slug, campaigns.c.audience))
        if row.id in by_campaign and slug in (None, row.slug)
    }
    found: list[Burst] = []
    for number, (name, lists) in names.items():
        groups = [(kind, group) for kind, group in together(by_campaign[number]) if _is_much(connection, group)]
        for joined, kinds in _joined(groups):
            signs = tuple(_signs(joined, kinds))
            found.append(Burst(min(one.id for one in joined), number, name, lists, tuple(joined), signs))
    return sorted(found, key=lambda burst: burst.began, reverse=True)


def together(found: Iterable[UnsubscribePress]) -> list[tuple[str, list[UnsubscribePress]]]:
    """The presses that came together from one place, quickly and of many people, with what they share; pure."""
    by_place: dict[tuple[str, object], list[UnsubscribePress]] = {}
    for press in sorted(found, key=lambda one: (one.at, one.id)):
        for place in press.places:
            by_place.setdefault(place, []).append(press)
    groups: list[tuple[str, list[UnsubscribePress]]] = []
    for (kind, _), of_place in by_place.items():
        group: list[UnsubscribePress] = []
        for press in [*of_place, None]:
            if group and (press is None or press.at - group[-1].at > TOGETHER):
                if _is_a_machines(group):
                    groups.append((kind, group))
                group = []
            if press is not None:
                group.append(press)
    return groups


def _is_a_machines(group: Sequence[UnsubscribePress]) -> bool:
    first: dict[int, UnsubscribePress] = {}
    for press in group:
        first.setdefault(press.delivery_id, press)
    return len(first) >= MANY and sum(one.is_soon for one in first.values()) >= SOON_SHARE * len(first)


def people_of(connection: Connection, burst: Burst) -> list[Pressed]:
    """Everybody of a burst whose leaving is still in effect, in order of time. Those who asked in another way as well
    are left alone, with the reason."""
    numbers = {one.delivery_id for one in burst.presses}
    reasons = _others(connection, burst, numbers)
    by_delivery = {one.delivery_id: one for one in reversed(burst.presses)}
    return [
        Pressed(one, _seconds(press), press.agent, reasons.get(one.delivery_id, ""))
        for one in leavings(connection, burst.campaign_id, only=numbers)
        if (press := by_delivery[one.delivery_id]) and burst.began <= one.at <= burst.ended
    ]


def find_burst(connection: Connection, number: int, mark: str, *, now: datetime) -> Burst:
    """The burst as it was shown. Raises `BurstChanged`."""
    for burst in find_bursts(connection, now=now):
        if burst.number == number and mark in ("", burst.mark):
            return burst
    raise _changed()


def undo_burst(connection: Connection, actor: Actor, burst: Burst, *, at: datetime) -> int:
    """Put back everybody that the scanner alone unsubscribed; returns how many. Raises `NotAllowed`, `BurstChanged`."""
    _decide(connection, actor, burst, PressDecision.UNDONE)
    done = 0
    hashes = _hashes(connection, burst)
    for one in people_of(connection, burst):
        if not one.why and undo(connection, one.leaving, by="staff", at=at):
            done += 1
            audit.record(
                connection, actor, LIFTED, at=at, reason=BY_A_SCANNER, detail=f"unsubscribed by {burst.slug}",
                address_hash=hashes[one.leaving.person_id],
            )  # fmt: skip
    subject = audit.newsletter_subject(burst.slug)
    audit.record(connection, actor, UNDONE, at=at, subject=subject, detail=counted(done), reason=BY_A_SCANNER)
    return done


def leave_as_is(connection: Connection, actor: Actor, burst: Burst, *, at: datetime) -> None:
    """People pressed, not a scanner: it holds, and isn't asked again. Raises `NotAllowed`, `BurstChanged`."""
    _decide(connection, actor, burst, PressDecision.PEOPLE)
    subject = audit.newsletter_subject(burst.slug)
    audit.record(connection, actor, PEOPLE_PRESSED, at=at, subject=subject, detail=counted(burst.people))


def _decide(connection: Connection, actor: Actor, burst: Burst, decision: PressDecision) -> None:
    for right in (Right.SEE_PEOPLE, Right.PAUSE):
        for name in burst.lists or (None,):
            actor.require(right, name)
    mine = (among(presses.c.id, "numbers"), presses.c.decided == PressDecision.NONE.value)
    numbers = [one.id for one in burst.presses]
    decided = connection.execute(update(presses).where(*mine).values(decided=decision.value), {"numbers": numbers})
    if decided.rowcount != len(numbers):
        raise _changed()


def _changed() -> BurstChanged:
    return BurstChanged("these unsubscribes aren’t what they were when they were listed", remedy="Look at them again.")


def _open_presses(connection: Connection, now: datetime) -> list[UnsubscribePress]:
    query = (
        select(
            presses.c.id, presses.c.delivery_id, deliveries.c.campaign_id, presses.c.at, presses.c.how,
            presses.c.agent, presses.c.network, deliveries.c.changed_at, people.c.address,
        )
        .select_from(presses)
        .join(deliveries, about(presses))
        .join(people, people.c.id == deliveries.c.person_id)
        .where(
            presses.c.at > now - KEPT, presses.c.decided == PressDecision.NONE.value, presses.c.how != LOOKED
        )
    )  # fmt: skip
    return [UnsubscribePress(*row[:-1], row.address.rpartition("@")[2]) for row in connection.execute(query)]


def _is_much(connection: Connection, group: Sequence[UnsubscribePress]) -> bool:
    """Whether those who left are a good part of those who were mailed at the same domains. Counts no further than it
    must, since of a large provider's domain there may be half a million."""
    left = len({one.delivery_id for one in group})
    most = int(left / LEFT_SHARE)
    of_domains = or_(*(people.c.address.endswith(f"@{name}", autoescape=True) for name in {x.domain for x in group}))
    mailed = (
        select(deliveries.c.id)
        .join(people, people.c.id == deliveries.c.person_id)
        .where(deliveries.c.campaign_id == group[0].campaign_id, deliveries.c.changed_at <= group[-1].at, of_domains)
        .limit(most + 1)
        .subquery()
    )
    return connection.execute(select(func.count()).select_from(mailed)).scalar_one() <= most


def _joined(groups: Sequence[tuple[str, list[UnsubscribePress]]]) -> list[tuple[list[UnsubscribePress], set[str]]]:
    """Groups that have presses in common, as one each."""
    found: list[tuple[dict[int, UnsubscribePress], set[str]]] = []
    for kind, group in groups:
        new, kinds = {one.id: one for one in group}, {kind}
        apart: list[tuple[dict[int, UnsubscribePress], set[str]]] = []
        for have, theirs in found:
            if new.keys() & have.keys():
                new, kinds = have | new, theirs | kinds
            else:
                apart.append((have, theirs))
        found = [*apart, (new, kinds)]
    return [(sorted(have.values(), key=lambda one: (one.at, one.id)), kinds) for have, kinds in found]


def _signs(group: Sequence[UnsubscribePress], kinds: set[str]) -> Iterable[str]:
    """What speaks for a machine, in words."""
    quick = sum(one.is_soon for one in {one.delivery_id: one for one in reversed(group)}.values())
    yield f"{quick:,} of them within {SOON.seconds // 60} minutes of their mail"
    if "network" in kinds:
        yield "from one network"
    if "program" in kinds:
        yield "by a program that says it is one"
    if "domain" in kinds:
        domains = sorted({one.domain for one in group})
        yield (
            f"at {domains[0]}" if len(domains) == 1 else f"at {len(domains):,} domains, with most who were mailed there"
        )
    if all(one.how == ONE_CLICK for one in group):
        yield "by the one-click address that mail programs use"


def _others(connection: Connection, burst: Burst, numbers: set[int]) -> Mapping[int, str]:
    """Those of the deliveries whose person asked in another way, too, and how."""
    ids = {one.id for one in burst.presses}
    values = given("numbers", sorted(numbers))
    pressed = select(presses.c.id, presses.c.delivery_id, presses.c.how, presses.c.at).where(
        among(presses.c.delivery_id, "numbers")
    )
    found: dict[int, str] = {}
    for row in connection.execute(pressed, values):
        if row.how != LOOKED and row.id not in ids:
            found[row.delivery_id] = "pressed at another time, too"
        elif row.how == LOOKED and row.at > burst.ended + TOGETHER:  # a scanner looks before and just after it presses
            found[row.delivery_id] = "opened the page that says they are off the list"
    asking = (ReturnedKind.UNSUBSCRIBE.value, ReturnedKind.COMPLAINT.value)
    asked = select(returned_mails.c.delivery_id).where(
        among(returned_mails.c.delivery_id, "numbers"), returned_mails.c.kind.in_(asking)
    )
    found |= dict.fromkeys(connection.execute(asked, values).scalars(), "asked by mail as well")
    complained = select(deliveries.c.id).where(those("numbers"), deliveries.c.feedback == Feedback.COMPLAINED.value)
    return found | dict.fromkeys(connection.execute(complained, values).scalars(), "reported it as spam")


def _hashes(connection: Connection, burst: Burst) -> Mapping[int, bytes]:
    query = (
        select(people.c.id, people.c.address_hash)
        .join(deliveries, deliveries.c.person_id == people.c.id)
        .where(those("numbers"))
    )
    rows = connection.execute(query, given("numbers", sorted({one.delivery_id for one in burst.presses})))
    return {row.id: row.address_hash for row in rows}


def _seconds(press: UnsubscribePress) -> int | None:
    return None if press.handed_over_at is None else max(0, round((press.at - press.handed_over_at).total_seconds()))
