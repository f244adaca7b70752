"""What Following says of a newsletter that leaves: the headline, how mailboxes answered, how near the rails are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mailer.counting import counted
from mailer.delivery.campaigns.pace import CampaignPace, pace_of
from mailer.delivery.campaigns.status import CampaignStatus
from mailer.delivery.ledger.guard import GuardCounts, once_finished, why_paused
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.delivery.sending.run import is_at_work
from mailer.settings import Guard
from mailer.store.tables.core import APART, QUEUE, deliveries, events
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.transports.base import ReplyClass
from mailer.transports.events import without_addresses
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import clock, long_moment, span
from mailer.web.studio.send.problems import nothing_runs

FOR_ENGINEERS = re.compile(r"\s*\(mailer [^)]*\)|`mailer [^`]*`")
BY_HAND = ("paused by staff", "cancelled by staff", "")


@dataclass(frozen=True, slots=True)
class FollowedHeadline:
    """The room's largest words, the sentence below them, and what to do, if anything."""

    words: str
    sub: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """People whose mail had one kind of answer. `kind` names it where they can be looked at, or acted on."""

    words: str
    about: str
    people: int
    icon: str
    kind: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ShownRail:
    """One guard rail: when it pauses the newsletter, how it is now, and how far that is, from 0 to 1."""

    words: str
    now: str
    share: float


def headline(visit: Visit, status: CampaignStatus, pace: CampaignPace, *, hindered: str) -> FollowedHeadline:
    """How it is, in words. `hindered`: why nothing leaves although it should, as `hindrance` says."""
    of = f"{pace.done:,} of {pace.people:,} sent."
    if status.state is CampaignState.FINISHED:
        why = plain_why(once_finished(status.why) or status.why)
        return FollowedHeadline("It has left", f"To {counted(pace.people)}{_took(status)}.", why)
    if status.state is CampaignState.CANCELLED:
        missed = status.people.get(DeliveryState.CANCELLED, 0)
        sub = f"{counted(pace.people - missed)} had their turn, {missed:,} {'gets' if missed == 1 else 'get'} nothing."
        return FollowedHeadline("Stopped for good", sub)
    if status.state is CampaignState.PAUSED:
        what, todo = why_paused(status.why)
        return FollowedHeadline("Paused", f"{of} {waiting(pace)}", f"{plain_why(what)} {plain_why(todo)}".strip())
    if hindered and not is_behind_a_gate(status):
        return FollowedHeadline("Nothing is leaving", f"{of} {waiting(pace)}", hindered)
    return replace(_sending(visit, status, pace, of), todo=hindered) if hindered else _sending(visit, status, pace, of)


def waiting(pace: CampaignPace) -> str:
    """How many have not had their turn, as a sentence."""
    return f"{counted(pace.left)} still {'waits' if pace.left == 1 else 'wait'} for it."


def hindrance(visit: Visit, status: CampaignStatus) -> str:
    """Why nothing leaves although it should: nothing runs, or the warm-up plan has let through what it does in a day;
    "" when nothing is wrong."""
    if status.state is not CampaignState.SENDING:
        return ""
    with visit.database.read() as connection:
        if is_at_work(connection, now=visit.now, campaign_id=status.campaign_id):
            return ""
        today = WarmUp(visit.workspace.settings.pace, transport=status.transport).today(connection, visit.now)
    if today is not None and not today.left:
        goes_on = long_moment(today.begins_again, visit.zone, visit.now).replace("Tomorrow", "tomorrow")
        return f"The sender’s address is still being warmed up: {today.allowed:,} a day by now. It goes on {goes_on}."
    idle = nothing_runs(visit)
    return f"{idle.title}. {idle.words}" if idle else ""


def time_left(visit: Visit, status: CampaignStatus) -> timedelta | None:
    """How long the rest takes at the rate so far; None while that says nothing, and while nothing leaves."""
    if status.troubles or _next_try(visit, status) or is_behind_a_gate(status) or hindrance(visit, status):
        return None
    return pace_of(status, now=visit.now).time_left


def is_behind_a_gate(status: CampaignStatus) -> bool:
    """Whether everybody who is left waits for a test, or for how it does further up the list."""
    queued, sending = (status.people.get(state, 0) for state in (DeliveryState.QUEUED, DeliveryState.SENDING))
    return bool(queued) and not sending and status.next_try is None


def _next_try(visit: Visit, status: CampaignStatus) -> datetime | None:
    """When it goes on, while everybody who is left is to be tried again later."""
    is_later = status.next_try is not None and status.next_try > visit.now
    return status.next_try if is_later and not status.people.get(DeliveryState.SENDING, 0) else None


def _sending(visit: Visit, status: CampaignStatus, pace: CampaignPace, of: str) -> FollowedHeadline:
    if status.troubles:
        return FollowedHeadline(
            "The mail server doesn’t answer", f"{of} Everybody else waits, and it is tried again each minute.",
            "Nobody is lost. If it goes on, tell the person who looks after your mail server.",
        )  # fmt: skip
    if later := _next_try(visit, status):
        sub = f"{of} Their mailboxes asked us to come again; the next try is at {clock(later, visit.zone)}."
        return FollowedHeadline(f"{counted(pace.left)} later", sub)
    if is_behind_a_gate(status):
        sub = f"{of} {waiting(pace)} It goes on by itself, once what the first ones do has been judged."
        return FollowedHeadline("The others wait", sub)
    left = pace.time_left
    if left is None:
        return FollowedHeadline("It is leaving", of)
    done = clock(visit.now + left, visit.zone)
    return FollowedHeadline(f"{span(left)} left".capitalize(), f"{of} Done at about {done}.")


def answers(connection: Connection, status: CampaignStatus, *, now: datetime) -> list[Answer]:
    """How mailboxes answered, those kinds that there are."""
    people, number = status.people, status.campaign_id
    mine = deliveries.c.campaign_id == number
    later = connection.execute(
        select(func.count()).select_from(deliveries).where(QUEUE, mine, deliveries.c.not_before > now)
    ).scalar_one()
    failed = _failed(connection, number or 0)
    ours = failed.get(ReplyClass.OURS.value, 0)
    hard = failed.get(ReplyClass.HARD.value, 0)
    found = [
        Answer("Taken", "On its way to their inbox", people.get(DeliveryState.SENT, 0), "check", tone="ok"),
        Answer("On the line", "Being handed over now", people.get(DeliveryState.SENDING, 0), "send"),
        Answer("Wait for their turn", "Nobody is left out", people.get(DeliveryState.QUEUED, 0) - later, "inbox"),
        Answer("Later", _later(connection, number or 0), later, "clock"),
        Answer("No such address", "We won’t write to them again", hard, "x", kind="failed"),
        Answer("Turned away", "Their mailbox refused it for good", sum(failed.values()) - hard - ours, "x", "failed"),
        Answer("Missed it through our own fault", "Our sender or login was refused", ours, "triangle-alert",
               kind="ours", tone="warn"),
        Answer("Not written to any more", "They left, or were taken off, before it was their turn",
               people.get(DeliveryState.SKIPPED, 0), "minus", kind="skipped"),
        Answer("May or may not have got it", "The line broke before the answer came",
               people.get(DeliveryState.UNCERTAIN, 0), "circle-question-mark", kind="uncertain", tone="warn"),
        Answer("Held: their hour was past", "Nobody is mailed at night because something was late",
               people.get(DeliveryState.HELD, 0), "clock", kind="held", tone="warn"),
        Answer("Get nothing", "It was stopped before their turn", people.get(DeliveryState.CANCELLED, 0), "octagon-x"),
    ]  # fmt: skip
    return [one for one in found if one.people > 0 or one.words == "Taken"]


def rails(limits: Guard, seen: GuardCounts) -> list[ShownRail]:
    """When it pauses by itself, and how near that is."""
    mailed, found = seen.mailed, list[ShownRail]()
    if limits.bounce_rate:
        rate = (seen.hard + seen.bounced) / mailed if mailed else 0.0
        words = f"{_percent(limits.bounce_rate)} of the addresses don’t exist"
        found.append(ShownRail(words, f"now {_percent(rate)}", min(1.0, rate / limits.bounce_rate)))
    if limits.complaint_rate:
        rate = seen.complained / mailed if mailed else 0.0
        words = f"{1000 * limits.complaint_rate:g} in 1,000 say “spam”"
        now = f"now {1000 * rate:.1f}" if rate else "now 0"
        found.append(ShownRail(words, now, min(1.0, rate / limits.complaint_rate)))
    if limits.refused_share:
        refused, most = seen.recent.count("x"), limits.refused_share * limits.refused_of
        words = f"{most:g} of the last {limits.refused_of} are turned away"
        found.append(ShownRail(words, f"now {refused}", min(1.0, refused / most)))
    if limits.troubles:
        words = f"The mail server fails {limits.troubles} times in a row"
        found.append(ShownRail(words, f"now {seen.troubles}", min(1.0, seen.troubles / limits.troubles)))
    return found


def plain_why(why: str) -> str:
    """Why something stopped, as a sentence for campaigners: without commands, and without addresses that a server's
    answer may quote."""
    if why in BY_HAND:
        return ""
    why = why.replace("no `mailer run` came", "nothing that sends ran")
    said = FOR_ENGINEERS.sub("", without_addresses(why.partition(". Fix that")[0])).strip().rstrip(".;")
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def last_of(connection: Connection, campaign_id: int, state: DeliveryState) -> datetime | None:
    """When the last became uncertain, or was held: a decision that was made on a page is about those it showed."""
    mine = (APART, deliveries.c.campaign_id == campaign_id, deliveries.c.state == state)
    return connection.execute(select(func.max(deliveries.c.changed_at)).where(*mine)).scalar()


def _failed(connection: Connection, campaign_id: int) -> Mapping[str, int]:
    mine = (APART, deliveries.c.campaign_id == campaign_id, deliveries.c.state == DeliveryState.FAILED)
    query = select(deliveries.c.reply_class, func.count()).where(*mine).group_by(deliveries.c.reply_class)
    return {str(name): int(count) for name, count in connection.execute(query)}


def _later(connection: Connection, campaign_id: int) -> str:
    """What the last mailbox said that asked to come again."""
    mine = (events.c.campaign_id == campaign_id, events.c.kind == "deferred")
    said = connection.execute(select(events.c.detail).where(*mine).order_by(events.c.id.desc()).limit(1)).scalar()
    words = without_addresses(said)[:120] if said else ""
    return f"Asked to come again, last with “{words}”" if words else "Their mailbox asked us to come again"


def _took(status: CampaignStatus) -> str:
    if status.launched_at is None or status.finished_at is None:
        return ""
    return f", in {span(status.finished_at - status.launched_at)}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + "%"
