"""What our own campaigns give other newsletters: the latest public ones, and how many signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mailer.audience.petition.signatures import Particulars, SignatureOrigin, sign
from mailer.compose.merge import NO_URLS, MergeProgram
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.data.read import read_data
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.delivery.data.sites import newsletter
from tests.delivery.world import add_people
from tests.reports.builders import add_campaign, make_message

PAGE = "---\nheadline: Keep the library\nstatement: Keep it.\ntarget: 100\n---\n\nSign.\n"


def test_the_latest_public_newsletters(workspace: Workspace, database: Database, now: datetime) -> None:
    with database.write() as connection:
        for number, (slug, days, listed) in enumerate([("old", 9, True), ("new", 2, True), ("secret", 1, False)], 1):
            message = replace(make_message(), slug=slug, subject=(f"The {slug} one",))
            at = now - timedelta(days=days)
            add_campaign(connection, message, now=at, campaign_id=number, launched_at=at, is_public=listed)
    source = newsletter(workspace, "ours:\n  newsletters: all\n  since: 7 days\nevery:\n  newsletters: supporters")
    found = read_data(database, source, now=now).data.values
    root = workspace.settings.public.url
    assert [(one["title"], one["link"], one["summary"]) for one in found["ours"]] == [
        ("The new one", f"{root}/archive/new", "Now")
    ]
    assert [one["title"] for one in found["every"]] == ["The new one", "The old one"]
    (fault,) = read_data(database, newsletter(workspace, "ours:\n  newsletters: suporters"), now=now).diagnostics
    assert "Did you mean 'supporters'?" in fault.remedy


def test_how_many_signed(workspace: Workspace, database: Database, now: datetime) -> None:
    text = "{{ data.count.signatures | number }} of {{ data.count.goal | number }}: [{{ data.count.headline }}]"
    source = newsletter(workspace, "count:\n  signatures: digest", f"{text}({{{{ data.count.url }}}})")
    (source.newsletter.folder / "action.md").write_text(PAGE, encoding="utf-8")
    people = add_people(database, 3, now=now)
    with database.write() as connection:
        for person in people:
            sign(connection, page="digest", statement="Keep it.", person_id=person, who=Particulars({}),
                 origin=SignatureOrigin(), at=now)  # fmt: skip
    message = prepare(database, source, now=now).plan.message
    assert "3 of 100: Keep the library" in MergeProgram(message).text({}, NO_URLS).replace("\n", " ")
    assert f"{workspace.settings.public.url}/act/digest" in {link.url for link in message.links}
    (fault,) = read_data(database, newsletter(workspace, "count:\n  signatures: nowhere"), now=now).diagnostics
    assert "has no sign page" in fault.message
