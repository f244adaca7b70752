"""A series from its start on: each moment is settled once, by what is true when it comes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mailer.audience.selection.groups import mailed_by
from mailer.compose.message import as_written, from_json
from mailer.compose.source.message_file import read_source
from mailer.compose.source.written import Source
from mailer.delivery.campaigns import lifecycle
from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.orders import Order
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.series.due import anything_due
from mailer.delivery.series.making import CheckedIssue
from mailer.delivery.series.preview import new_items
from mailer.editing.first_draft import make_newsletter
from mailer.errors import MailerError
from mailer.review import approvals
from mailer.review.approvals import kept_content, writers
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.actor import NotAllowed
from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.series import issues
from mailer.store.tables.states import SeriesState
from tests.delivery.data.sites import item, rss
from tests.delivery.series.conftest import MESSAGE, SLUG, Series, at
from tests.drafts import fill_in
from tests.review.world import AMINA, RHIANNON, TOM

START = at("11-24 12:00")  # a Tuesday, after ten


def test_each_issue_is_a_campaign_of_its_own(series: Series) -> None:
    assert series.start(START) == at("12-01 10:00")
    assert series.run(at("12-01 09:59")) == []
    assert [one.campaign for one in series.run(at("12-01 10:00"))] == ["river-news-2026-12-01"]
    assert series.run(at("12-01 10:01")) == []
    series.edit("rose by a metre", "fell again")  # which holds from the next issue on
    series.run(at("12-08 10:03"))
    assert series.told == [
        ("01 10:00", "composed", "sending"), ("08 10:00", "composed", "sending"), ("15 10:00", "planned", ""),
    ]  # fmt: skip
    assert Counter(series.people()) == {
        (f"river-news-2026-12-0{day}", person): 1 for day in (1, 8) for person in {one for _, one in series.people()}
    }
    with series.database.read() as connection:
        rows = connection.execute(select(campaigns).order_by(campaigns.c.due_at)).all()
    assert {(row.kind, row.parent, row.zone) for row in rows} == {("issue", SLUG, "Europe/London")}
    texts = [as_written(message := from_json(row.message), message.text) for row in rows]
    assert ["rose by a metre" in text for text in texts] == [True, False]
    assert from_json(rows[0].message).constants["campaign"]["slug"] == "river-news-2026-12-01"


def test_who_was_mailed_by_a_series_was_by_any_of_its_issues(series: Series) -> None:
    series.start(START)
    series.run(at("12-01 10:00"))
    with series.database.write() as connection:
        connection.execute(update(deliveries).values(state="sent"))
        for named in (SLUG, "river-news-2026-12-01"):
            assert len(connection.execute(mailed_by([named])).all()) == 3


def test_idle_runs_read_no_file_twice(series: Series) -> None:
    series.start(START)
    assert not anything_due(series.database, series.workspace, now=at("12-01 09:59"))
    series.edit("every: tuesday", "every: friday")
    assert anything_due(series.database, series.workspace, now=at("11-24 12:01"))
    series.run(at("11-24 12:01"))
    assert series.told == [("27 10:00", "planned", "")]
    assert not anything_due(series.database, series.workspace, now=at("11-24 12:02"))


# What is edited, when it is read, and what is planned then.
EDITS = [
    ("every: tuesday", "every: monday", "11-25 09:00", "30 10:00"),
    ('"10:00"', '"08:30"', "11-25 09:00", "01 08:30"),
    ('"10:00"', '"09:00"', "12-01 10:00", "08 09:00"),  # today's hour is past by now: it isn't caught up with
    ('"10:00"', '"11:00"', "12-01 10:00", "01 11:00"),
    ("subject: What", "subject: All that", "11-25 09:00", "01 10:00"),
    ("series:", "series: [", "11-25 09:00", "01 10:00"),  # can't be read: the rule of before holds
    ("every: tuesday", "every: someday", "11-25 09:00", "01 10:00"),
]


@pytest.mark.parametrize(("old", "new", "when", "planned"), EDITS, ids=[one[1] for one in EDITS])
def test_an_edit_of_the_rule_moves_what_is_planned(series: Series, old: str, new: str, when: str, planned: str) -> None:
    series.start(START)
    series.edit(old, new)
    series.run(at(when))
    assert series.told == [(planned, "planned", "")]


def test_a_rule_that_is_taken_out_stops_the_series(series: Series) -> None:
    series.start(START)
    series.path.write_text(MESSAGE.replace('series:\n  every: tuesday\n  at: "10:00"\n  zone: Europe/London\n', ""))
    series.run(at("11-25 10:00"))
    assert (series.state, series.told) == (SeriesState.STOPPED, [])


def test_what_is_scheduled_or_sent_itself_becomes_no_series(series: Series) -> None:
    plan = replace(prepare(series.database, read_source(series.workspace.newsletter(SLUG))).plan, series=None)
    when = {"due_at": at("12-01 09:00"), "zone": "UTC", "late": timedelta(hours=1), "now": START}
    lifecycle.schedule(series.database, plan, **when)  # type: ignore[arg-type]
    with pytest.raises(MailerError, match="is scheduled itself"):
        series.start(START)
    lifecycle.launch_due(series.database, now=at("12-01 09:00"))
    with pytest.raises(MailerError, match="was launched before"):
        series.start(START)


def test_it_ends_after_its_last_day(series: Series) -> None:
    series.edit("  zone:", "  end: 2026-12-07\n  zone:")
    series.start(START)
    series.run(at("12-01 10:00"))
    assert (series.state, series.told) == (SeriesState.ENDED, [("01 10:00", "composed", "sending")])
    with pytest.raises(MailerError, match="is past"):
        series.start(at("12-08 10:00"))


def test_what_was_missed_is_caught_up_with_once(series: Series) -> None:
    series.edit("every: tuesday", "every: day")
    series.start(START)
    (made,) = [one for one in series.run(at("11-29 11:59")) if one.campaign]
    assert made.campaign == "river-news-2026-11-29"
    assert series.told == [
        *((f"{day} 10:00", "missed", "") for day in (25, 26, 27, 28)),
        ("29 10:00", "composed", "sending"), ("30 10:00", "planned", ""),
    ]  # fmt: skip
    series.run(at("11-30 12:01"))
    assert series.told[-2:] == [("30 10:00", "missed", ""), ("01 10:00", "planned", "")]
    assert len(series.people()) == 3


NEWS = "data:\n  news:\n    from: feed.xml\n    since: last issue\n"
LOOP = "\n{% for item in data.news %}\n### {{ item.title }}\n\n[Read it]({{ item.link }})\n{% endfor %}\n"


def publish(series: Series, *titles: str) -> None:
    """The feed beside the message, with an item for each title and its day."""
    items = [item(one, link=f"https://example.org/{one}", date="Tue, 24 Nov 2026 09:00:00 GMT") for one in titles]
    (series.path.parent / "feed.xml").write_bytes(rss(*items))


def take_news(series: Series) -> None:
    series.edit("action:\n", f"{NEWS}action:\n")
    series.edit("\n::: ask", f"{LOOP}\n::: ask")


def texts(series: Series) -> list[str]:
    with series.database.read() as connection:
        rows = connection.execute(select(campaigns.c.message).order_by(campaigns.c.due_at)).scalars().all()
    return [as_written(message := from_json(row), message.text) for row in rows]


def test_an_issue_has_what_is_new_and_nothing_new_is_no_issue(series: Series) -> None:
    take_news(series)
    publish(series, "alpha", "beta")
    series.start(START)
    series.run(at("12-01 10:00"))
    series.run(at("12-08 10:00"))
    items = [item("alpha"), item("beta"), item("gamma", date="Thu, 10 Dec 2026 09:00:00 GMT")]
    (series.path.parent / "feed.xml").write_bytes(rss(*items))
    source = read_source(series.workspace.newsletter(SLUG))
    new = new_items(series.database, source, now=at("12-14 10:00"))
    assert new is not None
    assert new.in_words == "1 new so far: gamma"
    series.run(at("12-15 10:00"))
    assert series.told == [
        ("01 10:00", "composed", "sending"), ("08 10:00", "skipped", ""), ("15 10:00", "composed", "sending"),
        ("22 10:00", "planned", ""),
    ]  # fmt: skip
    assert [[word for word in ("alpha", "beta", "gamma") if word in text] for text in texts(series)] == [
        ["alpha", "beta"], ["gamma"],
    ]  # fmt: skip
    with series.database.read() as connection:
        kept = connection.execute(select(issues.c.data).order_by(issues.c.planned_at)).scalars().all()
    assert [bool(one) for one in kept] == [True, False, True, False]


def test_what_a_stopped_issue_held_is_new_in_the_next(series: Series) -> None:
    take_news(series)
    publish(series, "alpha")
    series.edit("  zone:", "  ahead: 1h\n  zone:")
    series.start(START)
    series.run(at("12-01 09:00"))
    lifecycle.unschedule(series.database, "river-news-2026-12-01", now=at("12-01 09:10"))
    series.run(at("12-08 10:00"))
    assert "alpha" in texts(series)[0]
    assert [told[1:] for told in series.told[:2]] == [("composed", ""), ("composed", "sending")]


def test_news_that_cant_be_read_is_waited_for_while_it_isnt_too_late(series: Series) -> None:
    take_news(series)
    publish(series)
    series.start(START)
    (series.path.parent / "feed.xml").unlink()
    assert series.run(at("12-01 10:00")) == []
    assert "there is no file feed.xml" in series.issues[0].why
    publish(series, "alpha")
    assert [one.state for one in series.run(at("12-01 11:59"))] == ["composed"]
    (series.path.parent / "feed.xml").unlink()
    assert series.run(at("12-08 10:00")) == []
    (settled,) = series.run(at("12-08 12:01"))
    assert (settled.state, "there is no file feed.xml" in settled.why) == ("failed", True)
    assert [told[1] for told in series.told] == ["composed", "failed", "planned"]


# What is wrong when it is due, and what is said of it.
FAULTS = [
    ("::: ask\n", "::: asks\n", "asks"),
    ("river rose", "[[river]] rose", "[[river]]"),
    ("list: supporters", "list: strangers", "strangers"),
    ("{{ supporter.first_name", "{{ supporter.first_nam", "first_nam"),
]


@pytest.mark.parametrize(("old", "new", "why"), FAULTS, ids=[one[1] for one in FAULTS])
def test_what_the_check_stops_is_no_issue(series: Series, old: str, new: str, why: str) -> None:
    series.start(START)
    series.edit(old, new)
    (settled,) = series.run(at("12-01 10:00"))
    assert settled.is_trouble
    assert why in settled.why
    assert series.told == [("01 10:00", "failed", ""), ("08 10:00", "planned", "")]
    series.edit(new, old)
    series.send_after_all(at("12-01 10:30"))
    series.run(at("12-01 10:31"))
    assert series.told == [("01 10:30", "composed", "sending"), ("08 10:00", "planned", "")]


def test_one_sent_after_all_when_the_next_has_come_too(series: Series) -> None:
    series.start(START)
    series.edit("river rose", "[[river]] rose")
    series.run(at("12-01 10:00"))
    series.edit("[[river]]", "river")
    series.send_after_all(at("12-08 09:59"))
    series.run(at("12-08 10:00"))
    assert series.told == [
        ("08 09:59", "composed", "sending"), ("08 10:00", "composed", "sending"), ("15 10:00", "planned", "")
    ]  # fmt: skip
    assert [one.campaign_slug for one in series.issues] == ["river-news-2026-12-08", "river-news-2026-12-08-2", ""]


def test_two_runs_at_once_make_one_issue(series: Series) -> None:
    series.start(START)
    mine = series.maker()

    def check(source: Source, when: datetime) -> CheckedIssue:
        mine.make_due(now=when)  # while the other one checks what it made
        return mine.check(source, when)

    other = replace(series.maker(), check=check, told=[])
    assert other.make_due(now=at("12-01 10:00")) == []
    assert series.told == [("01 10:00", "composed", "scheduled"), ("08 10:00", "planned", "")]


def test_a_stopped_series_takes_back_what_it_made(series: Series) -> None:
    series.edit("  zone:", "  ahead: 1d\n  zone:")
    series.start(START)
    series.run(at("11-30 10:00"))
    assert series.told == [("01 10:00", "composed", "scheduled"), ("08 10:00", "planned", "")]
    assert series.halt(at("11-30 11:00"), SeriesState.PAUSED) == ["river-news-2026-12-01"]
    assert (series.told, series.run(at("12-01 10:00"))) == ([], [])
    with pytest.raises(MailerError, match="isn't running"):
        series.halt(at("12-01 10:00"), SeriesState.PAUSED)
    assert series.start(at("11-30 12:00")) == at("12-01 10:00")
    series.run(at("12-01 10:00"))
    assert series.told[0] == ("01 10:00", "composed", "sending")
    assert series.halt(at("12-01 10:01")) == []
    assert series.told == [("01 10:00", "composed", "sending")], "what left is paused and stopped as any newsletter"


def approve(series: Series, slug: str, *, digest: str = "") -> None:
    with series.database.write() as connection:
        row = connection.execute(select(campaigns).where(campaigns.c.slug == slug)).one_or_none()
        content = kept_content(connection, slug, row.content_digest) if row else None
        if content is None:
            content = content_of(
                prepare(series.database, read_source(series.workspace.newsletter(slug))).plan, leaves=None
            )
        settings = series.workspace.settings.studio
        approvals.approve(connection, AMINA, content, seen=digest or content.digest, settings=settings, at=START)


def test_each_issue_waits_for_its_approval(series: Series) -> None:
    series.studio(approvals=1)
    series.start(START)
    series.run(at("11-30 10:00"))
    assert series.told[0] == ("01 10:00", "composed", "scheduled"), "made a day ahead"
    approve(series, "river-news-2026-12-01")
    series.run(at("12-01 10:00"))
    series.run(at("12-08 10:00"))
    assert series.told == [
        ("01 10:00", "composed", "sending"), ("08 10:00", "composed", "overdue"), ("15 10:00", "planned", ""),
    ]  # fmt: skip
    assert "needs 1 approval" in series.issues[1].trouble
    approve(series, "river-news-2026-12-08")
    series.send_after_all(at("12-08 11:00"))
    series.run(at("12-08 11:10"))
    assert series.told[1] == ("08 10:00", "composed", "sending")


def test_a_standing_approval_lapses_with_the_message(series: Series) -> None:
    series.studio(approvals=1, series_approval="standing")
    approve(series, SLUG)
    series.start(START)
    series.run(at("12-01 10:00"))
    series.edit("rose by a metre", "fell")
    series.run(at("12-08 10:00"))
    approve(series, SLUG)
    series.run(at("12-15 10:00"))
    series.edit("every: tuesday", "every: monday")  # the rule is part of it
    series.run(at("12-16 10:00"))
    series.run(at("12-21 10:00"))
    assert [told[2] for told in series.told] == ["sending", "overdue", "sending", "overdue", ""]
    assert "standing approval doesn’t cover it" in series.issues[1].trouble


def test_news_alone_leave_a_standing_approval_as_it_is(series: Series) -> None:
    take_news(series)
    publish(series, "alpha")
    series.studio(approvals=1, series_approval="standing")
    approve(series, SLUG)
    series.start(START)
    series.run(at("12-01 10:00"))
    (series.path.parent / "feed.xml").write_bytes(rss(item("beta", date="Thu, 03 Dec 2026 09:00:00 GMT")))
    series.run(at("12-08 10:00"))
    (series.path.parent / "feed.xml").write_bytes(rss(item("gamma", date="Thu, 10 Dec 2026 09:00:00 GMT")))
    series.edit("### {{ item.title }}", "### News: {{ item.title }}")
    series.run(at("12-15 10:00"))
    assert [told[2] for told in series.told] == ["sending", "sending", "overdue", ""]


def test_who_wrote_the_series_approves_no_issue(series: Series) -> None:
    with series.database.write() as connection:
        subject = audit.newsletter_subject(SLUG)
        audit.record(connection, AMINA, "newsletter saved", at=START, subject=subject)
    series.studio(approvals=1)
    series.start(START)
    series.run(at("11-30 10:00"))
    with pytest.raises(MailerError, match="somebody else has to approve"):
        approve(series, "river-news-2026-12-01")
    with series.database.read() as connection:
        assert writers(connection, "river-news-2026-12-01") == writers(connection, SLUG) == {AMINA.person}


def test_a_new_series_makes_issues_once_it_is_filled_in(series: Series) -> None:
    workspace = series.workspace
    series.path.unlink()
    series.path.parent.rmdir()
    path = workspace.root / make_newsletter(workspace, SLUG, template="digest", notes=True, repeats=True)
    fill_in(path)
    series.edit("https://www.example.org/feed.xml", "feed.xml")
    publish(series, "alpha", "beta")
    assert series.start(START) == at("12-07 09:00")
    (made,) = series.run(at("12-07 09:00"))
    assert made.state == "composed", made.why
    with series.database.read() as connection:
        message = from_json(connection.execute(select(campaigns.c.message)).scalar_one())
    assert as_written(message, message.subject) == "alpha"
    assert "https://example.org/beta" in as_written(message, message.text) or len(message.links) > 2
    with pytest.raises(MailerError, match=r"has no series\.md"):
        make_newsletter(workspace, "other", template="appeal", repeats=True)


def test_what_repeats_is_never_sent_itself(series: Series) -> None:
    plan = prepare(series.database, read_source(series.workspace.newsletter(SLUG))).plan
    with pytest.raises(MailerError, match="repeats") as caught:
        Order(plan, content_of(plan, leaves=None), TOM, StudioSettings())
    assert "mailer series start river-news" in str(caught.value)
    with pytest.raises(NotAllowed):
        series.start(START, by=replace(RHIANNON, rights=AMINA.rights))
    series.edit("series:", "notes: |")
    with pytest.raises(MailerError, match="has no series"):
        series.start(START)


def test_a_name_that_is_taken_is_passed_over(series: Series) -> None:
    (series.workspace.newsletters / f"{SLUG}-2026-12-01").mkdir()
    series.start(START)
    series.run(at("12-01 10:00") + timedelta(minutes=5))
    assert series.issues[0].campaign_slug == "river-news-2026-12-01-2"
