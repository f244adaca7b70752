"""Guard rails: what pauses a campaign and what doesn't, alone, over several workers, over runs, and after a resume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.ledger.guard import (
    TROUBLES_IN_A_ROW,
    GuardCounts,
    GuardRails,
    Halt,
    once_finished,
    why_paused,
)
from mailer.delivery.ledger.guard_state import TROUBLES_APART, Rails, add, count_trouble, feedback
from mailer.settings import Guard as Limits
from mailer.store.engine.database import Database
from mailer.store.tables.core import EPOCH, campaigns, deliveries, events, guard_evidence
from mailer.transports.base import Fate, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from tests.delivery.neighbours import among_neighbours
from tests.delivery.world import ACCEPTED, Clock

HARD = Outcome(Fate.REFUSED, "550 5.1.1", "no such user", reply_class=ReplyClass.HARD)
POLICY = Outcome(Fate.REFUSED, "554 5.7.1", "blocked, see blocklist.example", reply_class=ReplyClass.POLICY)
OURS = Outcome(Fate.REFUSED, "530 5.7.0", "log in first", reply_class=ReplyClass.OURS)
LATER = Outcome(Fate.DEFERRED, "451 4.3.0", "busy")
AWAY = TransportUnavailable("relay.example.org can't be reached", remedy="Is its name right?")
OFF = Limits(refused_share=0, bounce_rate=0, complaint_rate=0, troubles=0)


def guard(limits: Limits = Limits()) -> GuardRails:  # noqa: B008  a frozen value
    return GuardRails(limits, slug="appeal", transport="smtp")


def noted(one: GuardRails, *outcomes: Outcome) -> Halt | None:
    """Take outcomes in, as the ledger judges them; the last word of the guard."""
    halt = None
    for outcome in outcomes:
        halt = one.note(outcome)
    return halt


# One worker: what pauses, and what doesn't.


def test_a_few_bad_addresses_pause_nothing() -> None:
    one = guard()
    assert noted(one, HARD, HARD, ACCEPTED) is None
    for _ in range(50):
        assert noted(one, HARD, *[ACCEPTED] * 19) is None  # 5 % refused, evenly
    assert one.fresh.mailed == 3 + 50 * 20


def test_too_many_refused_of_the_last_pause() -> None:
    one = guard()
    assert noted(one, *[ACCEPTED] * 500, *[POLICY] * 20) is None
    halt = noted(one, POLICY)
    assert halt is not None
    assert halt.pause
    assert halt.reason == (
        "21 of the last 200 people were refused for good, most recently with 554 5.7.1 blocked, see blocklist.example;"
        " everybody who was not mailed yet stays queued. A blocklist, a refused sender or an old list causes this:"
        " fix what the replies say; then: mailer resume appeal"
    )


def test_a_wall_of_refusals_is_noticed_before_the_window_is_full() -> None:
    assert noted(guard(), *[POLICY] * 20) is None
    assert noted(guard(), *[POLICY] * 21) is not None


def test_people_given_up_on_pause_when_they_are_many_of_all_mailed() -> None:
    one = guard()
    halts = [one.note(LATER, given_up=1) for _ in range(21)]
    halt = halts[-1]
    assert halts[:-1] == [None] * 20
    assert halt is not None
    assert halt.pause
    assert halt.reason.startswith(
        "21 of 21 people were refused for good, or put off for two days and given up on, most recently with 451 4.3.0"
        " busy; everybody who was not mailed yet stays queued."
    )


def test_people_given_up_on_at_the_end_of_a_campaign_that_went_well_pause_nothing() -> None:
    one = guard()
    assert one.learn(GuardCounts(accepted=9000)) is None
    assert noted(one, *[ACCEPTED] * 900) is None
    assert [one.note(LATER, given_up=1) for _ in range(1100)] == [None] * 1100
    assert one.note(LATER, given_up=1) is not None, "1,101 of 11,001 are more than a tenth"


def test_being_put_off_is_no_refusal() -> None:
    one = guard()
    assert noted(one, *[LATER] * 1000) is None
    assert one.fresh.mailed == 0


@given(st.lists(st.booleans(), max_size=400), st.integers(10, 60), st.sampled_from([0.05, 0.1, 0.5]))
def test_the_window_law(refusals: list[bool], of: int, share: float) -> None:
    one = guard(Limits(refused_of=of, refused_share=share, bounce_rate=0))
    for n, refused in enumerate(refusals, start=1):
        halt = noted(one, POLICY if refused else ACCEPTED)
        too_many = sum(refusals[max(0, n - of) : n]) > share * of
        assert (halt is not None) == (refused and too_many)
        if halt:
            return


def test_refusals_of_us_one_after_another_pause() -> None:
    one = guard()
    assert noted(one, OURS, OURS, ACCEPTED, OURS, OURS) is None
    halt = noted(one, OURS)
    assert halt is not None
    assert halt.pause
    assert "the smtp transport refuses us: 530 5.7.0 log in first; everybody who was not mailed" in halt.reason
    assert one.fresh.refused == 0  # their people are queued, not refused


def test_a_refused_login_pauses_at_once() -> None:
    halt = guard().trouble(TransportRefused("the relay refuses the login", remedy="Check the password."))
    assert halt is not None
    assert halt.pause
    assert halt.reason.startswith("the relay refuses the login; everybody")
    assert halt.reason.endswith("Check the password; then: mailer resume appeal")


def test_a_reason_is_told_without_the_words_for_a_terminal() -> None:
    halt = guard().trouble(TransportRefused("the relay refuses the login", remedy="Check the password."))
    assert halt is not None
    assert why_paused(halt.reason) == ("the relay refuses the login", "Check the password")
    assert once_finished(halt.reason) == (
        "the relay refuses the login; it would have paused, had anybody been left to mail. Check the password."
    )
    assert why_paused("paused by Amina") == ("paused by Amina", "")
    assert once_finished("paused by Amina") == ""


def test_failed_connections_end_the_run_and_pause_nothing() -> None:
    one = guard()
    for _ in range(TROUBLES_IN_A_ROW - 1):
        assert one.trouble(AWAY) is None
    noted(one, ACCEPTED)
    for _ in range(TROUBLES_IN_A_ROW - 1):
        assert one.trouble(AWAY) is None
    assert one.trouble(AWAY) == Halt("relay.example.org can't be reached; the rest stays queued", pause=False)


def test_a_long_retry_after_leaves_the_rest_to_a_later_run() -> None:
    halt = guard().trouble(TransportUnavailable("busy", retry_after_seconds=600))
    assert halt == Halt("busy; the rest stays queued", pause=False)


# What all workers know together.


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (GuardCounts(accepted=2, refused=1, hard=1), None),
        (GuardCounts(accepted=181, refused=19, hard=19), None),  # 9.5 %, and too few to tell
        (GuardCounts(accepted=100, refused=20, hard=20), "20 of 120 people bounced"),
        (GuardCounts(accepted=381, refused=20, hard=20), None),  # 4.99 %
        (GuardCounts(accepted=380, refused=20, hard=15, bounced=5), "20 of 400 people bounced"),
        (GuardCounts(accepted=380, refused=20), None),  # refused, and not for the address
        (GuardCounts(accepted=3, complained=1), None),
        (GuardCounts(accepted=100, complained=4), None),
        (GuardCounts(accepted=100, complained=5), "5 of 100 people reported the mail as spam (5.00%"),
        (GuardCounts(accepted=1667, complained=5), None),
        (GuardCounts(accepted=100_000, complained=300), "300 of 100,000 people reported"),
        (GuardCounts(recent="x" * 21), "21 of the last 21 people were refused for good; everybody"),
    ],
)
def test_rates_need_a_sample(counts: GuardCounts, words: str | None) -> None:
    halt = guard().learn(counts)
    assert (halt is None) == (words is None)
    if halt and words:
        assert halt.pause
        assert words in halt.reason
        assert halt.reason.endswith("then: mailer resume appeal")
    assert guard(OFF).learn(counts) is None


def test_rails_that_are_off_pause_nothing() -> None:
    one = guard(OFF)
    assert noted(one, *[HARD] * 1000) is None
    assert one.judge_troubles(10_000, AWAY) is None


# With the database behind them.


@pytest.fixture
def campaign(database: Database, now: datetime) -> Iterator[int]:
    with among_neighbours(database, count=40, now=now) as campaign_id:
        yield campaign_id


@pytest.fixture
def rails(database: Database, campaign: int, clock: Clock) -> Callable[..., Rails]:
    def seconds() -> float:
        return (clock.now - EPOCH).total_seconds()

    def make(limits: Limits = Limits()) -> Rails:  # noqa: B008  a frozen value
        return Rails(
            database,
            campaign_id=campaign,
            slug="appeal",
            transport="smtp",
            limits=limits,
            clock=clock,
            monotonic=seconds,
        )

    return make


def note(one: Rails, *outcomes: Outcome) -> Halt | None:
    halt = None
    for outcome in outcomes:
        halt = one.note(outcome)
    return halt


def test_workers_share_what_they_see(rails: Callable[..., Rails]) -> None:
    first, second = rails(), rails()
    assert note(first, *[POLICY] * 15) is None
    assert note(second, *[POLICY] * 6) is None
    assert first.look(at_once=True) is None
    halt = second.look(at_once=True)
    assert halt is not None
    assert "21 of the last 21 people were refused" in halt.reason


def test_whoever_is_put_off_for_two_days_is_given_up_on_and_counted(rails: Callable[..., Rails], clock: Clock) -> None:
    late, attempts = timedelta(hours=48, seconds=1), [1, 2, 2, 9]
    one = rails()
    assert one.given_up(LATER, attempts) == 0
    assert one.note(LATER, people=4) is None
    assert one.look(at_once=True) is None
    clock.now += late
    assert (one.given_up(LATER, attempts), one.given_up(ACCEPTED, attempts)) == (3, 0)
    assert one.note(LATER, people=4, given_up=3) is None
    assert one.note(ACCEPTED, people=4) is None
    assert one.note(LATER, people=30, given_up=17) is None, "20 of 24, with the first three"
    halt = one.note(LATER, given_up=1)
    assert halt is not None
    assert halt.reason.startswith("21 of 25 people")


def test_a_later_run_remembers(rails: Callable[..., Rails]) -> None:
    first = rails()
    note(first, *[POLICY] * 15)
    first.look(at_once=True)
    second = rails()
    assert second.look(at_once=True) is None
    assert note(second, *[POLICY] * 6) is not None


def test_a_look_is_taken_every_ten_seconds(rails: Callable[..., Rails], clock: Clock, database: Database) -> None:
    one = rails()
    one.look()
    note(one, ACCEPTED)
    clock.now += timedelta(seconds=9)
    one.look()
    assert seen(database).accepted == 0
    clock.now += timedelta(seconds=1)
    one.look()
    assert seen(database).accepted == 1
    one.look(at_once=True)
    assert seen(database).accepted == 1  # told once


def seen(database: Database) -> GuardCounts:
    with database.read() as connection:
        of_it = select(campaigns.c.id).where(campaigns.c.slug == "appeal").scalar_subquery()
        row = connection.execute(select(guard_evidence).where(guard_evidence.c.campaign_id == of_it)).one()
    return GuardCounts(row.accepted, row.refused, row.hard, row.recent, troubles=row.troubles)


def hand_over(database: Database, campaign: int, first: int, last: int, *, state: str, at: datetime) -> None:
    with database.write() as connection:
        mine = deliveries.c.id.between(campaign * 2**32 + first, campaign * 2**32 + last)
        connection.execute(update(deliveries).where(mine).values(state=state, changed_at=at))


def came_back(database: Database, campaign: int, numbers: range, *, kind: str, at: datetime) -> None:
    rows = [{"campaign_id": campaign, "delivery_id": campaign * 2**32 + n, "at": at, "kind": kind} for n in numbers]
    with database.write() as connection:
        connection.execute(insert(events), rows)


def test_complaints_during_the_send_pause_it(
    rails: Callable[..., Rails], database: Database, campaign: int, clock: Clock
) -> None:
    one = rails()
    note(one, *[ACCEPTED] * 40)
    hand_over(database, campaign, 1, 40, state="sent", at=clock.now)
    assert one.look() is None
    came_back(database, campaign, range(1, 5), kind="complained", at=clock.now)
    came_back(database, campaign, range(1, 5), kind="complained", at=clock.now)  # a webhook repeats itself
    came_back(database, campaign, range(1, 40), kind="deferred", at=clock.now)
    clock.now += timedelta(seconds=10)
    assert one.look() is None
    came_back(database, campaign, range(5, 6), kind="complained", at=clock.now)
    clock.now += timedelta(seconds=10)
    halt = one.look()
    assert halt is not None
    assert "5 of 40 people reported the mail as spam" in halt.reason


def test_a_bounce_that_was_a_refusal_counts_once(database: Database, campaign: int, now: datetime) -> None:
    hand_over(database, campaign, 1, 10, state="failed", at=now)
    hand_over(database, campaign, 11, 20, state="sent", at=now)
    came_back(database, campaign, range(9, 15), kind="bounced", at=now)
    with database.read() as connection:
        assert feedback(connection, campaign, since=EPOCH) == {"bounced": 4}


def test_a_resume_judges_only_what_comes_after(
    rails: Callable[..., Rails], database: Database, campaign: int, clock: Clock
) -> None:
    one = rails()
    hand_over(database, campaign, 1, 20, state="sent", at=clock.now)
    came_back(database, campaign, range(1, 11), kind="complained", at=clock.now)
    halt = note(one, *[ACCEPTED] * 20, *[POLICY] * 21)
    assert halt is not None
    assert steps.pause(database, campaign, halt.reason, now=clock.now)
    clock.now += timedelta(hours=1)
    assert steps.resume(database, campaign, now=clock.now)
    again = rails()
    assert again.look(at_once=True) is None
    # Who complains later about what they got before the pause says nothing about what is sent now.
    came_back(database, campaign, range(11, 20), kind="complained", at=clock.now)
    note(again, *[ACCEPTED] * 10, *[POLICY] * 20)
    assert again.look(at_once=True) is None
    # A worker that was at it before the resume brings no old evidence in.
    note(one, *[POLICY] * 200)
    one.look(at_once=True)
    assert seen(database).refused == 20
    hand_over(database, campaign, 21, 30, state="sent", at=clock.now + timedelta(seconds=1))
    came_back(database, campaign, range(21, 26), kind="complained", at=clock.now)
    assert again.look(at_once=True) is not None


def test_a_relay_that_is_away_for_some_minutes_needs_nobody(
    rails: Callable[..., Rails], database: Database, clock: Clock
) -> None:
    for _ in range(59):
        assert away(rails()) == Halt("relay.example.org can't be reached; the rest stays queued", pause=False)
        clock.now += timedelta(minutes=1)
    back = rails()
    note(back, ACCEPTED)
    back.look(at_once=True)
    assert seen(database).troubles == 0


def test_a_relay_that_is_away_for_an_hour_pauses(rails: Callable[..., Rails], clock: Clock) -> None:
    begun = clock.now
    while not (halt := away(rails())) or not halt.pause:
        clock.now += timedelta(seconds=59.5)  # cron is not to the second
        assert clock.now - begun < timedelta(hours=2)
    assert clock.now - begun == pytest.approx(timedelta(hours=1), abs=timedelta(minutes=2))
    assert halt.reason.startswith(
        "the smtp transport has failed 60 times in a row, most recently: relay.example.org can't be reached; everybody"
    )
    assert halt.reason.endswith("Is its name right?; then: mailer resume appeal")


def away(one: Rails) -> Halt | None:
    """A run that meets nothing but failed connections."""
    for _ in range(TROUBLES_IN_A_ROW):
        if halt := one.trouble(AWAY):
            return halt
    return None


def test_mail_that_was_taken_before_the_relay_went_away_counts_first(
    rails: Callable[..., Rails], database: Database, clock: Clock
) -> None:
    for _ in range(5):
        away(rails())
        clock.now += timedelta(minutes=1)
    last = rails()
    note(last, ACCEPTED)
    away(last)
    assert seen(database).troubles == 1


def test_failures_of_many_workers_at_once_count_once(database: Database, campaign: int, now: datetime) -> None:
    def count(at: datetime) -> int:
        with database.write() as connection:
            return count_trouble(connection, campaign, now=at)

    assert [count(now), count(now), count(now + TROUBLES_APART)] == [1, 1, 2]
    assert count(now - timedelta(hours=1)) == 3  # the clock was put back: an hour must not go by uncounted


def test_of_the_last_outcomes_no_more_are_kept_than_asked(database: Database, campaign: int) -> None:
    fresh = GuardCounts(accepted=7, recent="......x")
    with database.write() as connection:
        *_, known = [add(connection, campaign, fresh, since=EPOCH, keep=10) for _ in range(3)]
    assert known.recent == "..x......x"
    assert known.accepted == 21
