"""The room of a newsletter that repeats: its rule by form, starting and stopping, its issues, and approving one."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from mailer.checking.preflight import check_issue
from mailer.delivery.campaigns import lifecycle
from mailer.delivery.series.approval import why_issue_not_approved
from mailer.delivery.series.issues import issues_of
from mailer.delivery.series.making import IssueMaker
from mailer.staff.rights import Role
from mailer.store.tables.core import campaigns
from mailer.store.tables.staff import audit_log
from tests.web.client import Reply
from tests.web.studio.conftest import FRONT, SLUG, Clock, House

ROOM = f"/newsletters/{SLUG}/series"
SERIES = 'series:\n  every: tuesday # as ever\n  at: "10:00"\n  zone: Europe/London\n---\n'
RULE = {"how": "week", "weekday": "1", "at": "10:00", "zone": "Europe/London"}


def repeat(house: House, rule: str = SERIES) -> None:
    house.write(front=FRONT.removesuffix("---\n") + rule)


def run(house: House, at: datetime) -> None:
    """What `mailer run` does of it."""
    database, workspace = house.studio.database, house.studio.reader.read()
    IssueMaker(workspace, database, lambda source, when: check_issue(database, source, now=when)).make_due(now=at)
    studio = workspace.settings.studio
    lifecycle.launch_due(
        database, now=at, why_not=lambda connection, row: why_issue_not_approved(connection, row, studio)
    )


def post(house: House, path: str, cookie: str, **fields: str | list[str]) -> Reply:
    return house.post(path, urlencode(fields, doseq=True).encode(), cookie=cookie)


def seen(house: House, cookie: str) -> str:
    page = house.get(ROOM, cookie=cookie).text
    return page.partition('name="seen" value="')[2].partition('"')[0].replace("&#34;", '"')


def states(house: House) -> list[tuple[str, str]]:
    with house.studio.database.read() as connection:
        return [(f"{one.planned_at:%d %H:%M}", one.state.value) for one in issues_of(connection, SLUG)]


def test_a_newsletter_becomes_a_series_and_runs(house: House, clock: Clock) -> None:
    sender = house.sign_in(Role.SENDER)
    assert "How often should it leave?" in house.get(ROOM, cookie=sender).text
    saved = post(house, ROOM, sender, seen="{}", **{**RULE, "weekday": ["1", "4"]})
    assert saved.status == 303
    assert 'series:\n  every: tuesday, friday\n  at: "10:00"\n  zone: Europe/London\n' in house.file.read_text()
    page = house.get(ROOM, cookie=sender).text
    assert "When should it leave?" in page
    assert "every Tuesday and Friday at 10:00, Europe/London" in page
    assert post(house, f"{ROOM}/start", sender).status == 303
    assert states(house) == [("24 10:00", "planned")]
    page = house.get(ROOM, cookie=sender).text
    assert "The next issue leaves today, 10:00" in page
    clock.at = clock.at.replace(hour=10)
    run(house, clock.at)
    page = house.get(ROOM, cookie=sender).text
    issue = f"{SLUG}-2026-11-24"
    assert f'href="/newsletters/{issue}/results"' in page
    assert "0 people got it" in page
    # The issue has what was sent, and nothing that needs files.
    for room, status in (("results", 200), ("following", 200), ("history", 200), ("", 303), ("audience", 303),
                         ("review", 303), ("send", 303), ("series", 303)):  # fmt: skip
        assert house.get(f"/newsletters/{issue}/{room}", cookie=sender).status == status, room
    assert "Our appeal, 24 Nov 2026" in house.get(f"/newsletters/{issue}/results", cookie=sender).text
    listed = house.get("/newsletters", cookie=sender).text
    assert "Our appeal, 24 Nov 2026" in listed
    assert "Repeats" in listed
    assert "Fri 27 Nov, 10:00" in listed
    today = house.get("/", cookie=sender).text
    assert "Our appeal, 24 Nov 2026" in today
    assert post(house, f"{ROOM}/pause", sender).status == 303
    assert "No issue leaves until you go on" in house.get(ROOM, cookie=sender).text
    assert post(house, f"{ROOM}/stop", sender).status == 303
    assert states(house) == [("24 10:00", "composed")]
    with house.studio.database.read() as connection:
        said = connection.execute(select(audit_log.c.action).order_by(audit_log.c.id)).scalars().all()
    assert [one for one in said if one.startswith(("series", "newsletter s"))] == [
        "newsletter saved", "series started", "newsletter scheduled", "series paused", "series stopped",
    ]  # fmt: skip


# What is typed, and what the file says then; "" for what is refused.
TYPED = [
    ({**RULE, "weekday": ["0", "1", "2", "3", "4", "5", "6"]}, "every: day # as ever"),
    ({**RULE, "how": "place", "place": "-1", "place-day": "4"}, "every: last friday # as ever"),
    ({**RULE, "how": "month", "days": "1, last day"}, "every: 1, last day # as ever"),
    ({**RULE, "at": "09:30"}, "at: \"09:30\""),
    ({**RULE, "end": "2027-03-31", "approval": "standing"}, "end: \"2027-03-31\"\n  approval: standing"),
    ({**RULE, "weekday": []}, "The days"),
    ({**RULE, "how": "month", "days": "32"}, "The days"),
    ({**RULE, "zone": "CET"}, "The time zone"),
    ({**RULE, "late": "soon"}, "How much later"),
]  # fmt: skip


@pytest.mark.sqlite
@pytest.mark.parametrize(("typed", "said"), TYPED, ids=[one[1] for one in TYPED])
def test_the_form_changes_its_lines_alone(house: House, typed: dict[str, str | list[str]], said: str) -> None:
    repeat(house)
    writer, before = house.sign_in(Role.WRITER), house.file.read_text()
    reply = post(house, ROOM, writer, **{"seen": seen(house, writer), **typed})
    after = house.file.read_text()
    if said.startswith(("The", "How")):
        assert reply.status == 422
        assert said in reply.text
        assert after == before
        return
    assert reply.status == 303
    assert said in after
    changed = set(after.splitlines()) ^ set(before.splitlines())
    assert all(line.strip().startswith(("every", "at", "end", "approval")) for line in changed)


@pytest.mark.sqlite
def test_what_a_colleague_changed_meanwhile_stays(house: House) -> None:
    repeat(house)
    writer = house.sign_in(Role.WRITER)
    old = seen(house, writer)
    house.file.write_text(house.file.read_text().replace("tuesday", "monday"))
    reply = post(house, ROOM, writer, **{**RULE, "weekday": "4", "seen": old})
    assert reply.status == 409
    assert "Somebody changed the rule" in reply.text
    assert "every: monday" in house.file.read_text()


@pytest.mark.sqlite
def test_an_issue_is_read_and_approved(house: House, clock: Clock) -> None:
    repeat(house)
    settings = house.workspace.root / "mailer.toml"
    settings.write_text(settings.read_text() + "\n[studio]\napprovals = 1\n")
    sender, approver = house.sign_in(Role.SENDER), house.sign_in(Role.APPROVER)
    post(house, f"{ROOM}/start", sender)
    run(house, clock.at)
    issue = f"{SLUG}-2026-11-24"
    assert "Approve “Our appeal, 24 Nov 2026”" in house.get("/", cookie=approver).text
    assert house.get(f"/newsletters/{issue}/review", cookie=approver).headers["location"] == f"{ROOM}/{issue}"
    page = house.get(f"{ROOM}/{issue}", cookie=approver).text
    assert "It waits for approval" in page
    assert "Approve exactly this" not in house.get(f"{ROOM}/{issue}", cookie=sender).text
    mail = house.get(f"{ROOM}/{issue}/mail", cookie=approver)
    assert "Ask them <strong>now</strong>" in mail.text
    digest = page.partition('name="seen" value="')[2].partition('"')[0]
    assert post(house, f"{ROOM}/{issue}/approve", approver, seen="another").status == 422
    assert post(house, f"{ROOM}/{issue}/approve", approver, seen=digest).status == 303
    page = house.get(f"{ROOM}/{issue}", cookie=approver).text
    assert "Approved exactly as it is by" in page
    assert post(house, f"{ROOM}/{issue}/withdraw", approver).status == 303
    clock.at = clock.at.replace(hour=10)
    run(house, clock.at)
    page = house.get(ROOM, cookie=sender).text
    assert "The issue of today, 10:00 did not leave." in page
    assert "did not leave at its time" in house.get("/", cookie=sender).text
    assert post(house, f"{ROOM}/{issue}/approve", approver, seen=digest).status == 303
    assert post(house, f"{ROOM}/send", sender).status == 303
    clock.at = clock.at.replace(minute=30)
    run(house, clock.at)
    with house.studio.database.read() as connection:
        assert connection.execute(select(campaigns.c.state).where(campaigns.c.slug == issue)).scalar() == "sending"


@pytest.mark.sqlite
def test_one_issue_is_taken_off(house: House, clock: Clock) -> None:
    repeat(house, SERIES.replace("  zone:", "  ahead: 1d\n  zone:"))
    sender = house.sign_in(Role.SENDER)
    post(house, f"{ROOM}/start", sender)
    run(house, clock.at)
    issue = f"{SLUG}-2026-11-24"
    assert "Take this issue off" in house.get(f"{ROOM}/{issue}", cookie=sender).text
    assert post(house, f"{ROOM}/{issue}/skip", sender).status == 303
    page = house.get(ROOM, cookie=sender).text
    assert "Taken off before it left. Nobody got it." in page
    assert "The next issue leaves Tue 1 Dec, 10:00" in page
    assert house.get(f"{ROOM}/{issue}", cookie=sender).status == 404


@pytest.mark.sqlite
def test_a_failed_issue_is_told_on_today(house: House, clock: Clock) -> None:
    repeat(house)
    sender = house.sign_in(Role.SENDER)
    post(house, f"{ROOM}/start", sender)
    house.file.write_text(house.file.read_text().replace("Ask them **now**", "Ask [[whom]] now"))
    clock.at = clock.at.replace(hour=10)
    run(house, clock.at)
    assert states(house) == [("01 10:00", "planned"), ("24 10:00", "failed")]
    today = house.get("/", cookie=sender).text
    assert "“Our appeal” did not leave: Today" in today
    page = house.get(ROOM, cookie=sender).text
    assert "The issue of today, 10:00 did not leave." in page
    assert "Nobody got it." in page
    limited = house.sign_in(Role.SENDER, "Far", lists=["elsewhere"])
    assert house.get(ROOM, cookie=limited).status == 200  # may look
    assert post(house, f"{ROOM}/stop", limited).status == 403
