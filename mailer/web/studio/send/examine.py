"""Everything that is looked at before a newsletter may leave, everybody's mail among it.

Of a million people that takes a while, so a page waits for it only a moment and asks again; what was found is shown
for a minute. The order itself looks again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from mailer.audience.selection.languages import in_words
from mailer.audience.selection.select import Selection
from mailer.checking.collect import Scope
from mailer.checking.preflight import preflight
from mailer.checking.runner import EDITED
from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.edited import Edited
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.orders import LATE, leaving_time
from mailer.delivery.campaigns.timed import launches_at, local_hours, refuse_unfit
from mailer.delivery.experiments.announced import announced
from mailer.delivery.experiments.announced import in_words as in_words_of
from mailer.delivery.ledger.time_to_send import Before, SendDuration, duration_of, last_time
from mailer.delivery.schedule.local_hours import HourOfZone, too_slow
from mailer.errors import MailerError
from mailer.review.content import NewsletterContent, PlannedTime
from mailer.store.engine.database import DatabaseTrouble
from mailer.web.last_used import LastUsed
from mailer.web.studio.audience.choices import choices_of
from mailer.web.studio.audience.counting import CountedAudience, reasons
from mailer.web.studio.compose.looks import DraftLook, looks_of
from mailer.web.studio.core.context import Visit

QUICK_SECONDS = 0.08  # that a page waits
SHOWN_FOR = timedelta(minutes=1)
KEPT = 30


@dataclass(frozen=True, slots=True)
class Examined:
    """A newsletter as its files and people were `at` this moment. Without a plan and content it can't be made.

    `leaves`: the time it is meant for, part of the content; None: as soon as it is sent. `look`: with all findings.
    """

    at: datetime
    look: DraftLook
    leaves: PlannedTime | None
    plan: Plan | None = None
    selection: Selection | None = None
    languages: Sequence[str] = ()  # who gets which, in words, where that is worth saying
    left_out: Sequence[tuple[str, int]] = ()  # why the others don't get it, in words, and how many
    content: NewsletterContent | None = None
    edited: Edited | None = None  # since it was scheduled
    takes: SendDuration | None = None
    before: Before | None = None
    tested: Sequence[str] = ()  # the subjects of the versions of its test
    test_words: Sequence[str] = ()  # what the test is going to do
    hours: Sequence[HourOfZone] = ()  # by local time: when the hour is in each zone, and for how many
    slow: Sequence[HourOfZone] = ()  # of these: where not everybody is reached before they would be held
    launch: datetime | None = None  # when it is launched for that
    unfit: str = ""  # why it can't leave by local time


class Examinations:
    """What was found of late in one studio. Use it from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = LastUsed[tuple[str, str], Future[Examined]](KEPT)

    def shown(self, visit: Visit, slug: str, *, wait: bool) -> Examined | None:
        """What the page shows; None while it is being looked at, unless it is to `wait` for that."""
        key = _key(visit, slug)
        with self._lock:  # so that it isn't begun twice
            known = self._kept.get(key)
            if known is None or (known.done() and _is_over(known, visit.now)):
                known = self._kept.keep(key, visit.studio.beside.submit(examine, visit, slug))
        try:
            return known.result(None if wait else QUICK_SECONDS)
        except TimeoutError:
            return None

    def last(self, visit: Visit, slug: str) -> Examined | None:
        """What was found last of the newsletter as it is now; None when nobody looked, or a look isn't done."""
        known = self._kept.get(_key(visit, slug))
        return known.result() if known is not None and known.done() and known.exception() is None else None


def examinations(visit: Visit) -> Examinations:
    """Those of the studio."""
    return cast(Examinations, visit.studio.kept.setdefault("examinations", Examinations()))


def examine(visit: Visit, slug: str) -> Examined:
    """Look at all of it now. Raises `DatabaseTrouble`."""
    look, leaves = looks_of(visit.studio).saved(visit, slug), _leaves(visit, slug)
    found = Examined(visit.now, look, leaves)
    if look.source is None:  # what can't be read, or is a link to a place outside, isn't looked at any further
        return found
    workspace, database = visit.workspace, visit.database
    hold = workspace.settings.studio.hold_for
    then = leaves.at if leaves and leaves.at > visit.now else visit.now
    if leaves and leaves.local and look.press:
        then = launches_at(leaves, look.press.message, earliest=visit.now + hold)
    checked = preflight(database, workspace.newsletter(slug), scope=Scope(), now=then)
    remarks = tuple(one for one in checked.remarks if one.rule != EDITED)
    found = replace(
        found, look=replace(look, found=remarks), plan=checked.plan, selection=checked.selection, edited=checked.edited,
        languages=in_words(checked.reached),
    )  # fmt: skip
    if checked.plan is None or checked.selection is None:
        return found
    settings = workspace.settings
    if leaves and leaves.local:
        found = _by_zone(visit, found, checked.plan, leaves, then)
    with database.read(of_everyone=True) as connection:
        takes = duration_of(
            connection, checked.plan.audience, checked.selection.chosen, settings.pace,
            transport=settings.transport, at=then,
        )  # fmt: skip
        counted = CountedAudience(checked.selection, visit.now, seconds=0.0)
        left_out = reasons(counted, checked.plan.audience, choices_of(visit))
        found = replace(found, left_out=left_out, takes=takes, before=last_time(connection, settings.transport))
        if test := announced(connection, checked.plan.message, checked.selection.chosen):
            found = replace(found, tested=test.said, test_words=in_words_of(test, at=then, zone=visit.zone.key))
    try:
        return replace(found, content=content_of(checked.plan, leaves=leaves))
    except MailerError as error:
        return replace(found, look=replace(look, found=(*remarks, *error.diagnostics)))


def _by_zone(visit: Visit, found: Examined, plan: Plan, leaves: PlannedTime, launch: datetime) -> Examined:
    """With the hours of all zones, and what is against them."""
    with visit.database.read(of_everyone=True) as connection:
        timing, hours = local_hours(connection, plan.audience, leaves, due_at=launch, late=LATE)
    unfit = ""
    try:
        refuse_unfit(visit.database, plan.message, plan.audience, leaves, due_at=launch)
    except DatabaseTrouble:
        raise
    except MailerError as error:
        unfit = f"{error.message[:1].upper()}{error.message[1:]}"
    slow = too_slow(hours, timing, per_second=visit.workspace.settings.pace.per_second)
    return replace(found, hours=hours, slow=slow, launch=launch, unfit=unfit)


def _key(visit: Visit, slug: str) -> tuple[str, str]:
    """What it is about: other files or another time are another look."""
    return looks_of(visit.studio).saved(visit, slug).id, str(_leaves(visit, slug))


def _leaves(visit: Visit, slug: str) -> PlannedTime | None:
    with visit.database.read() as connection:
        return leaving_time(connection, slug)


def _is_over(known: Future[Examined], now: datetime) -> bool:
    return known.exception() is not None or now - known.result().at > SHOWN_FOR
