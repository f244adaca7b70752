"""A test is decided once, at the time that was stated, and everybody else gets the version that won."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mailer.audience.consent.changes import forget
from mailer.compose.message import REST, PlannedTest
from mailer.delivery.campaigns import lifecycle, orders
from mailer.delivery.campaigns.retry_failed import resolve_uncertain
from mailer.delivery.experiments.counts import arm_counts, rest_counts
from mailer.delivery.experiments.deciding import SettledTest, decide_due, recomputed
from mailer.delivery.ledger.mailed_message import version_of
from mailer.delivery.sending import sender
from mailer.delivery.sending.run import RunReport
from mailer.errors import MailerError
from mailer.experiments.deciding import ArmCounts, DecidedBy
from mailer.settings import Guard
from mailer.staff.actor import terminal
from mailer.store.tables.core import deliveries, people
from mailer.store.tables.staff import audit_log
from mailer.store.tables.states import CampaignState, DecisionState, DeliveryState
from mailer.transports.base import Fate, Outcome
from tests.delivery.experiments.conftest import HOUR, Trial
from tests.delivery.world import ACCEPTED, TESTED, TESTED_TRANSLATED, add_people, launch

PEOPLE = 200  # 30 get each of two versions, 140 the one that wins
A, B = "Dear , one minute", "Version 3"
WAIT = timedelta(hours=4)


def decide(trial: Trial, arm: str) -> None:
    orders.decide_test(trial.database, "appeal", terminal(), arm=arm, limits=Guard(), now=trial.clock.now)


def counts(trial: Trial) -> list[ArmCounts]:
    with trial.database.read() as connection:
        return arm_counts(connection, trial.campaign_id)


def test_by_signatures_at_the_stated_time(trial: Trial) -> None:
    trial.launch(PEOPLE)
    assert trial.run().tests == []
    assert trial.mailed == {"a": Counter({A: 30}), "b": Counter({B: 30})}
    trial.sign(trial.of("a")[:3], n=1)
    trial.sign(trial.of("b")[:15], n=3)
    trial.sign(trial.of("b")[15:20], n=3, tracked=False)
    trial.click(trial.of("a"), n=1)
    before = trial.test
    assert (before.state, before.winner, before.decision) == (DecisionState.WAITING, "", None)
    assert trial.run(WAIT - timedelta(seconds=1)).tests == [], "not a second too early"
    assert trial.campaign.state == CampaignState.SENDING, "what isn't decided isn't finished"
    (settled,) = trial.run(timedelta(seconds=1)).tests
    assert (settled.slug, settled.winner) == ("appeal", "b")
    assert "B: 20 of 30 signed, A: 3 of 30" in settled.why
    assert trial.mailed == {"a": Counter({A: 30}), "b": Counter({B: 30}), REST: Counter({B: 140})}
    trial.assert_nobody_twice_and_nobody_lost(PEOPLE)
    after = trial.test
    assert (after.state, after.winner, after.decided_at) == (DecisionState.DECIDED, "b", trial.clock.now)
    kept = after.decision
    assert kept is not None
    assert kept.counts == (ArmCounts("a", 30, 3, 30), ArmCounts("b", 30, 20, 0))
    assert (kept.how, kept.who, kept.decision.by) == ("at its time", "cron", DecidedBy.SIGNATURES)
    assert recomputed(after) == kept.decision
    assert all(row.person_id and after.arm_of(row.person_id) == row.arm for row in trial.rows())


def test_it_is_decided_once(trial: Trial) -> None:
    """What comes later changes nothing, and the report tells the rest apart."""
    trial.launch(PEOPLE)
    trial.run()
    trial.sign(trial.of("b")[:25], n=3)
    trial.run(WAIT)
    first = trial.test
    trial.sign(trial.of("a"), n=1)
    trial.sign(trial.of(REST)[:10], n=3)
    trial.sign(trial.of(REST)[10:14], n=3, tracked=False)
    assert trial.run(WAIT).tests == []
    assert trial.test == first
    assert [(one.arm, one.signed) for one in counts(trial)] == [("a", 30), ("b", 25)]
    with trial.database.read() as connection:
        assert rest_counts(connection, trial.campaign_id) == ArmCounts(REST, 140, 14)
    for arm in "ab":
        with pytest.raises(MailerError, match="is decided: B goes"):
            decide(trial, arm)


@pytest.mark.parametrize(
    ("clicks", "by", "winner"), [({"a": 12, "b": 20}, "clicks", "b"), ({"a": 5, "b": 9}, "nothing", "a")]
)
def test_with_few_signatures(trial: Trial, clicks: dict[str, int], by: str, winner: str) -> None:
    """People who followed the action link decide, judged human; with few of them the first version goes."""
    trial.launch(PEOPLE)
    trial.run()
    trial.sign(trial.of("a")[:9], n=1)
    for arm, number in clicks.items():
        trial.click(trial.of(arm)[:number], n=1 if arm == "a" else 3)
        trial.click(trial.of(arm)[:number], n=1 if arm == "a" else 3)  # again: people are counted
    trial.click(trial.of("a"), n=1, agent="examplebot/1.0")
    trial.run(WAIT)
    kept = trial.test.decision
    assert kept is not None
    assert (kept.decision.by, trial.test.winner) == (by, winner)
    trial.assert_nobody_twice_and_nobody_lost(PEOPLE)


def test_clicks_decide_where_the_newsletter_says_so(trial: Trial) -> None:
    trial.launch(PEOPLE, replace(TESTED, test=PlannedTest(share=0.3, decides="clicks")))
    trial.run()
    trial.sign(trial.of("b"), n=3)
    trial.click(trial.of("a")[:25], n=1)
    trial.run(WAIT)
    assert trial.test.winner == "a"
    assert recomputed(trial.test).by is DecidedBy.CLICKS


def test_each_in_their_language_and_a_click_names_the_version(trial: Trial) -> None:
    add_people(trial.database, 120, now=trial.clock.now)
    with trial.database.write() as connection:
        connection.execute(update(people).where(people.c.id % 2 == 0).values(language="fr"))
    trial.campaign_id = launch(trial.database, count=120, now=trial.clock.now, message=TESTED_TRANSLATED)
    trial.run()
    trial.sign(trial.of("c")[:10], n=5)
    trial.sign(trial.of("c")[10:20], n=6)
    trial.run(WAIT)
    trial.assert_nobody_twice_and_nobody_lost(120)
    french = {row.id: row.language for row in trial.rows()}
    for mailing, envelope in trial.transport.sent:
        said = "".join(part for part in mailing.subject if isinstance(part, str))
        assert ("Une minute" in said) == (french[envelope.delivery_id] == "fr")
    assert set(trial.mailed[REST]) == {"Version 5", "Version 6"}
    with trial.database.read() as connection:
        named = {row.arm + row.language: version_of(connection, row.id) for row in trial.rows()}
    assert named == {"a": "", "afr": "fr", "b": "b", "bfr": "b.fr", "c": "c", "cfr": "c.fr", "rest": "c",
                     "restfr": "c.fr"}  # fmt: skip


def test_too_late_is_left_to_staff(trial: Trial) -> None:
    trial.launch(PEOPLE)
    trial.run()
    trial.sign(trial.of("b")[:25], n=3)
    report = trial.run(WAIT + 2 * HOUR + timedelta(seconds=1))
    assert [one.state for one in report.tests] == [DecisionState.OVERDUE]
    assert report.trouble
    assert trial.campaign.state == CampaignState.PAUSED
    assert "mailer tests appeal --decide a" in trial.campaign.why
    assert REST not in trial.mailed, "nobody is mailed because something was late"
    assert trial.run(HOUR).tests == []
    decide(trial, "a")
    trial.run()
    assert trial.mailed[REST] == Counter({A: 140}), "as staff decided, whatever the numbers say"
    trial.assert_nobody_twice_and_nobody_lost(PEOPLE)
    kept = trial.test.decision
    assert kept is not None
    assert (kept.how, kept.decision.winner, trial.test.winner) == ("by hand", "b", "a")


@pytest.mark.parametrize("kind", ["unsubscribed", "complained"])
def test_a_version_that_trips_a_guard_rail_cannot_win(trial: Trial, kind: str) -> None:
    trial.launch(PEOPLE)
    trial.run()
    trial.sign(trial.of("b")[:25], n=3)
    trial.note(trial.of("b")[:10], kind)
    trial.run(WAIT)
    assert trial.test.winner == "a"
    kept = trial.test.decision
    assert kept is not None
    assert kept.vetoed == ("b",)
    assert recomputed(trial.test) == kept.decision


def test_when_all_trip_it_is_paused(trial: Trial) -> None:
    trial.launch(PEOPLE)
    trial.run()
    for arm in "ab":
        trial.note(trial.of(arm)[:10], "unsubscribed")
    (settled,) = trial.run(WAIT).tests
    assert settled.state is DecisionState.STOPPED
    assert (trial.campaign.state, trial.campaign.stage) == (CampaignState.PAUSED, 0)
    lifecycle.resume(trial.database, trial.campaign_id, now=trial.clock.now)
    trial.run()
    assert REST not in trial.mailed, "going on decides nothing"
    lifecycle.pause(trial.database, trial.campaign_id, "by hand", now=trial.clock.now)
    decide(trial, "b")
    assert trial.campaign.state == CampaignState.PAUSED, "paused for another reason"
    lifecycle.resume(trial.database, trial.campaign_id, now=trial.clock.now)
    trial.run()
    trial.assert_nobody_twice_and_nobody_lost(PEOPLE)


def test_early_only_when_looking_often_does_no_harm(trial: Trial) -> None:
    trial.launch(PEOPLE)
    trial.run()
    trial.sign(trial.of("b")[:4], n=3)
    for arm in "ab":
        with pytest.raises(MailerError, match="isn't so far ahead"):
            decide(trial, arm)
    trial.sign(trial.of("b")[4:25], n=3)
    with pytest.raises(MailerError, match="A isn't so far ahead"):
        decide(trial, "a")
    with pytest.raises(MailerError, match="no version 'c'"):
        decide(trial, "c")
    decide(trial, "b")
    kept = trial.test.decision
    assert kept is not None
    assert kept.how == "early"
    trial.run()
    trial.assert_nobody_twice_and_nobody_lost(PEOPLE)


def test_it_waits_for_its_own_mail(trial: Trial) -> None:
    """Paused in the middle: the wait begins again once it goes on, since nothing was tried on those who got nothing."""
    trial.launch(PEOPLE)
    lifecycle.pause(trial.database, trial.campaign_id, "staff", now=trial.clock.now)
    assert trial.run(WAIT + 5 * HOUR).tests == []
    lifecycle.resume(trial.database, trial.campaign_id, now=trial.clock.now)
    (settled,) = trial.run().tests
    assert settled.state is DecisionState.WAITING
    assert trial.test.decide_at == trial.clock.now + WAIT
    assert set(trial.mailed) == {"a", "b"}
    trial.sign(trial.of("b")[:25], n=3)
    assert [one.winner for one in trial.run(WAIT).tests] == ["b"]
    trial.assert_nobody_twice_and_nobody_lost(PEOPLE)


def test_cancelled_nobody_else_is_mailed(trial: Trial) -> None:
    trial.launch(PEOPLE)
    trial.run()
    assert lifecycle.cancel(trial.database, trial.campaign_id, now=trial.clock.now) == 140
    assert trial.run(WAIT).tests == []
    with pytest.raises(MailerError, match="is cancelled"):
        decide(trial, "a")
    assert set(trial.mailed) == {"a", "b"}


def test_who_left_or_was_forgotten_meanwhile_is_not_mailed(trial: Trial) -> None:
    trial.launch(PEOPLE)
    trial.run()
    rest = [row for row in trial.rows() if row.arm == REST]
    with trial.database.write() as connection:
        address = connection.execute(select(people.c.address).where(people.c.id == rest[0].person_id)).scalar_one()
        forget(connection, address=address)
    trial.run(WAIT)
    states = Counter(row.state for row in trial.rows() if row.arm == REST)
    assert states == {DeliveryState.SENT: 139, DeliveryState.SKIPPED: 1}
    assert trial.test.winner == "a"


def test_uncertain_ones_are_sent_their_own_version_again(trial: Trial) -> None:
    trial.transport.answer = lambda _: Outcome(Fate.UNCERTAIN)
    trial.launch(PEOPLE)
    trial.run()
    trial.transport.answer = lambda _: ACCEPTED
    trial.run(WAIT)
    before = {row.id: row.arm for row in trial.rows()}
    resolve_uncertain(trial.database, trial.campaign_id, resend=True, now=trial.clock.now)
    trial.transport.sent.clear()
    trial.run()
    assert trial.mailed == {"a": Counter({A: 30}), "b": Counter({B: 30})}
    assert {row.id: row.arm for row in trial.rows()} == before


def test_a_test_without_a_rest_is_decided_all_the_same(trial: Trial) -> None:
    trial.launch(2)
    trial.run()
    assert trial.campaign.state == CampaignState.SENDING
    trial.run(WAIT)
    assert (trial.test.winner, trial.campaign.state) == ("a", CampaignState.FINISHED)


def test_the_counts_need_no_look_at_the_rest(trial: Trial) -> None:
    """Those who were tried have the first numbers: a range of the table's own order."""
    trial.launch(PEOPLE)
    first = trial.campaign_id * 2**32
    with trial.database.read() as connection:
        tried = connection.execute(select(deliveries.c.id).where(deliveries.c.arm != REST).order_by(deliveries.c.id))
        assert list(tried.scalars()) == list(range(first + 1, first + 61))


def test_two_runs_at_once_decide_it_once(trial: Trial) -> None:
    trial.launch(PEOPLE)
    trial.run()
    trial.sign(trial.of("b")[:25], n=3)
    later, start = trial.clock.now + WAIT, threading.Barrier(4)

    def decided() -> list[SettledTest]:
        start.wait()
        return decide_due(trial.database, limits=Guard(), now=later)

    with ThreadPoolExecutor(4) as pool:
        found = [one.result() for one in [pool.submit(decided) for _ in range(4)]]
    assert [one.winner for settled in found for one in settled] == ["b"]
    with trial.database.read() as connection:
        logged = select(audit_log.c.by).where(audit_log.c.action == "test decided")
        assert connection.execute(logged).scalars().all() == ["cron"]


def test_a_run_has_nothing_to_do_while_it_waits(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """For hours cron starts one each minute: it looks by an index, and loads nothing that sends."""
    trial.launch(PEOPLE)
    assert trial.run().undecided == {"appeal": trial.clock.now + WAIT}
    with monkeypatch.context() as patched:
        patched.setattr(sender, "CampaignSender", None)
        assert trial.run(WAIT - timedelta(seconds=1)) == RunReport()
    assert [one.winner for one in trial.run(timedelta(seconds=1)).tests] == ["a"]
    trial.assert_nobody_twice_and_nobody_lost(PEOPLE)
