"""What a person can choose about their mail, over real HTTP. The link is in each mail, and mails are forwarded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, insert, update

from mailer.audience.addresses import address_hash
from mailer.store.tables import inbound as tables
from mailer.store.tables.core import consent_sources, consents, deliveries, events, people, subscriptions, suppressions
from mailer.tracking.tokens import Purpose
from mailer.web.public.http.rate_limits import REQUESTS
from mailer.workspace import Workspace
from tests.reports.builders import ADDRESS_KEY
from tests.web.conftest import Served
from tests.web.notices import deliver, link_of, queued
from tests.web.test_pages import keep_the_promises

ALL = "shown=1&shown=2"
Clock = Callable[[], datetime]


@pytest.fixture
def path(served: Served) -> str:
    return served.path(Purpose.PREFERENCES)


@pytest.fixture
def clock(now: datetime) -> Clock:
    return lambda: now


def statuses(served: Served, number: int = 1) -> dict[int, str]:
    return {row.list_id: row.status for row in served.rows(subscriptions) if row.person_id == number}


def stop(served: Served, address: str, reason: str, list_id: int = 0) -> None:
    with served.database.write() as connection:
        hashed = address_hash(address, ADDRESS_KEY)
        at = datetime.fromisoformat("2026-11-01T00:00:00Z")
        connection.execute(insert(suppressions).values(address_hash=hashed, list_id=list_id, reason=reason, at=at))


@pytest.mark.parametrize("more", ["", "/delete"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_fetching_changes_nothing_and_shows_no_address(served: Served, path: str, method: str, more: str) -> None:
    before = served.rows(people), served.rows(subscriptions)
    reply = served.get(path + more, method=method)
    assert reply.status == 200
    assert "mary1@example.org" not in reply.text
    assert (served.rows(people), served.rows(subscriptions)) == before
    assert served.rows(events) == served.rows(consents) == []


def test_unticked_lists_are_left_and_can_be_joined_again(served: Served, path: str) -> None:
    page = served.get(path).text
    assert "Monthly &lt;news&gt;" in page
    assert "Once a month." in page
    assert "You signed up at" not in page, "that is for the footer of mails"
    assert page.count('name="on" value="1" checked') == page.count('name="on" value="2" checked') == 1
    reply = served.post(path, f"{ALL}&on=1&on=99&on=x&shown=99".encode())
    assert "Saved" in reply.text
    assert statuses(served) == {1: "subscribed", 2: "unsubscribed"}
    assert [(row.kind, row.detail) for row in served.rows(events)] == [("unsubscribed", "preferences")]
    assert len(served.rows(suppressions)) == 1
    assert 'name="on" value="2">' in reply.text, "a list that was left stays on the page"
    served.post(path, f"{ALL}&on=1&on=2".encode())
    assert statuses(served) == {1: "subscribed", 2: "subscribed"}
    assert served.rows(suppressions) == []
    assert [row.how for row in served.rows(consent_sources)] == ["preferences", "preferences"]
    assert [row.status for row in served.rows(consents)] == ["unsubscribed", "subscribed"]


def test_what_the_page_did_not_show_stays(served: Served, path: str) -> None:
    """A list that was joined while the page was open, or a form cut short on its way."""
    for body in (b"", b"on=1", b"shown=2&on=2", b"shown=1&shown=2&on=1&on=2&frequency=hourly&language=xx"):
        assert served.post(path, body).status == 200
    assert statuses(served) == {1: "subscribed", 2: "subscribed"}
    person = served.rows(people)[0]
    assert (person.frequency, person.language, person.tracking) == ("every", "", True)


def test_nobody_comes_back_against_a_complaint_or_staffs_word(served: Served, path: str) -> None:
    served.post(path, ALL.encode())
    stop(served, "mary1@example.org", "staff", 2)
    stop(served, "mary1@example.org", "complained", 1)
    page = served.post(path, f"{ALL}&on=1&on=2".encode()).text
    assert statuses(served) == {1: "unsubscribed", 2: "unsubscribed"}
    assert 'name="on"' not in page


def test_how_often_language_and_tracking_are_set(served: Served, path: str) -> None:
    body = f"{ALL}&on=1&on=2&frequency=urgent&language=fr&tracking-shown=1"
    assert served.post(path, body.encode()).status == 200
    person = served.rows(people)[0]
    assert (person.frequency, person.language, person.tracking) == ("urgent", "fr", False)
    page = served.get(path)
    assert page.headers["content-language"] == "fr"
    assert 'value="urgent" checked' in page.text
    served.post(path, f"{body}&tracking=1&frequency=monthly".encode())
    person = served.rows(people)[0]
    assert (person.frequency, person.tracking) == ("urgent", True), "of two values the first is meant"
    assert [row.frequency for row in served.rows(people)[1:]] == ["every", "every"]


def test_another_address_is_used_once_its_owner_says_so(
    served: Served, workspace: Workspace, clock: Clock, path: str
) -> None:
    stop(served, "mary1@example.org", "unsubscribed", 2)
    stop(served, "mary1@example.org", "bounced")
    reply = served.post(f"{path}/address", b"email=Mary@Example.net")
    assert reply.status == 200
    assert served.rows(people)[0].address == "mary1@example.org"
    (mail,) = deliver(served, workspace, clock)
    assert mail["To"] == "mary@example.net"
    link = link_of(mail)
    assert "Use this address from now on?" in served.get(link).text
    assert served.rows(people)[0].address == "mary1@example.org"
    for _ in range(2):
        assert "updated your address" in served.post(link).text
    person = served.rows(people)[0]
    assert (person.address, person.address_hash) == ("mary@example.net", address_hash("mary@example.net", ADDRESS_KEY))
    mine = {(row.list_id, row.reason) for row in served.rows(suppressions) if row.address_hash == person.address_hash}
    assert mine == {(2, "unsubscribed")}, "what they left stays left; the old mailbox's bounce was the mailbox's"
    told = deliver(served, workspace, clock)[1:]
    assert [one["To"] for one in told] == ["mary1@example.org"]


def test_the_page_says_the_same_of_every_address(served: Served, workspace: Workspace, clock: Clock, path: str) -> None:
    """New, ours already, somebody else's, blocked: whoever holds a forwarded mail learns nothing."""
    stop(served, "blocked@example.net", "complained")
    addresses = ("new@example.net", "mary1@example.org", "mary2@example.org", "blocked@example.net")
    replies = [served.post(f"{path}/address", f"email={address}".encode()) for address in addresses]
    assert len({(reply.status, reply.body) for reply in replies}) == 1
    mails = deliver(served, workspace, clock)
    assert {mail["To"]: mail["Subject"] for mail in mails} == {
        "new@example.net": "Confirm your new address",
        "mary2@example.org": "We already write to this address",
    }
    assert [row.address for row in served.rows(people)] == [f"mary{n}@example.org" for n in (1, 2, 3)]


def test_an_address_taken_meanwhile_is_not_taken_over(
    served: Served, workspace: Workspace, clock: Clock, path: str
) -> None:
    served.post(f"{path}/address", b"email=new@example.net")
    (mail,) = deliver(served, workspace, clock)
    with served.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 2).values(address="new@example.net"))
    assert "couldn’t do that" in served.post(link_of(mail)).text
    assert served.rows(people)[0].address == "mary1@example.org"


def test_no_address_is_told_and_wishes_are_limited(served: Served, path: str) -> None:
    replies = [served.post(f"{path}/address", b"email=nobody") for _ in range(REQUESTS.burst + 1)]
    assert [reply.status for reply in replies] == [422] * REQUESTS.burst + [429]
    (field,) = re.findall(r"<input[^>]* aria-invalid[^>]*>", replies[0].text)
    assert 'value="nobody"' in field, "what was typed is there to be mended"
    assert queued(served) == []


def test_a_copy_of_the_data_goes_to_the_person_alone(
    served: Served, workspace: Workspace, clock: Clock, path: str
) -> None:
    served.post(path, f"{ALL}&on=1".encode())
    page = served.post(f"{path}/data").text
    assert "mary1@example.org" not in page
    (mail,) = deliver(served, workspace, clock)
    assert mail["To"] == "mary1@example.org"
    link = link_of(mail)
    assert "mary1@example.org" not in served.get(link).text
    reply = served.post(link)
    assert reply.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    data = json.loads(reply.body)
    assert data["address"] == "mary1@example.org"
    assert [(one["list"], one["status"]) for one in data["lists"]] == [
        ("supporters", "subscribed"),
        ("updates", "unsubscribed"),
    ]
    assert [one["newsletter"] for one in data["deliveries"]] == ["2026-11-ask"]
    assert data["signatures"] == data["clicks"] == data["conversions"] == []
    with served.database.write() as connection:
        asked = clock() - timedelta(days=1)
        connection.execute(update(tables.requests).values(asked_at=asked))
    assert served.post(link).status == 410


def test_deleting_takes_a_second_page_and_a_press(served: Served, path: str) -> None:
    assert f'action="{path}/delete"' in served.get(f"{path}/delete").text
    served.post(f"{path}/data")
    served.post(f"{path}/address", b"email=new@example.net")
    for _ in range(2):
        reply = served.post(f"{path}/delete")
        assert reply.status == 200
        assert "all deleted" in reply.text
        keep_the_promises({"deleted": reply})
    assert [row.id for row in served.rows(people)] == [2, 3]
    assert [row.person_id for row in served.rows(deliveries)] == [None, 2, 3]
    pages = (served.get(path), served.post(path, f"{ALL}&on=1".encode()), served.post(f"{path}/data"),
             served.post(f"{path}/address", b"email=other@example.net"))  # fmt: skip
    for page in pages:
        assert "all deleted" in page.text
    assert statuses(served) == {}
    assert served.rows(tables.requests) == []
    assert [row.address for row in queued(served)] == ["new@example.net"], "which names nobody we know"


@pytest.mark.parametrize("more", ["", "/address", "/data", "/delete"])
def test_a_proof_changes_nothing(served: Served, more: str) -> None:
    before = served.rows(people), served.rows(subscriptions)
    path = served.path(Purpose.PREFERENCES, proof=True)
    reply = served.post(path + more, f"{ALL}&email=x@example.net".encode())
    assert "This was a test email" in reply.text
    if more in ("", "/delete"):
        assert "This was a test email" in served.get(path + more).text
    assert (served.rows(people), served.rows(subscriptions), queued(served)) == (*before, [])


@pytest.mark.parametrize("more", ["", "/address", "/data", "/delete"])
def test_other_tokens_open_nothing(served: Served, more: str) -> None:
    for purpose in (Purpose.CLICK, Purpose.UNSUBSCRIBE, Purpose.VIEW):
        assert served.post(f"/p/{served.token(purpose)}{more}", ALL.encode()).status == 404
    assert len(served.rows(people)) == 3


def test_lists_the_person_never_was_on_are_out_of_reach(served: Served, path: str) -> None:
    with served.database.write() as connection:
        connection.execute(delete(subscriptions).where(subscriptions.c.person_id == 1, subscriptions.c.list_id == 2))
    assert served.post(path, f"{ALL}&on=1&on=2".encode()).status == 200
    assert statuses(served) == {1: "subscribed"}
    assert served.rows(suppressions) == served.rows(events) == []


def test_what_was_saved_is_said(served: Served) -> None:
    path = served.path(Purpose.PREFERENCES)
    form = b"shown=1&shown=2&on=1&frequency=monthly&language=de&tracking-shown=1"
    page = served.post(f"{path}?lang=en", form).text
    assert "You’ll get <strong><bdi>Supporters</bdi></strong>, at most once a month, in Deutsch." in page
    assert "We don’t note which links you open." in page
    page = served.post(f"{path}?lang=en", b"shown=1&shown=2&on=1&on=2&frequency=every&tracking-shown=1&tracking=1").text
    assert "every email, in Deutsch" in page
    assert "You let us see which links you open." in page


def test_everything_can_be_left_at_once_and_come_back_to(served: Served) -> None:
    path = served.path(Purpose.PREFERENCES)
    page = served.get(path).text
    assert "Unsubscribe from everything" in page
    form = "&".join(f"shown={number}" for number in re.findall(r'name="shown" value="(\d+)"', page.split("out")[-1]))
    page = served.post(path, form.encode()).text
    assert "You’re not on any of our lists, so we won’t email you." in page
    assert "Unsubscribe from everything" not in page
    assert {row.status for row in served.rows(subscriptions) if row.person_id == 1} == {"unsubscribed"}
    served.post(path, b"shown=1&shown=2&on=1")
    assert [row.status for row in served.rows(subscriptions) if row.person_id == 1] == ["subscribed", "unsubscribed"]


def test_a_time_zone_is_their_own_choice(served: Served, path: str) -> None:
    def kept() -> tuple[str, str]:
        person = served.rows(people)[0]
        return person.timezone, person.timezone_source

    with served.database.write() as connection:
        known = {"timezone": "Europe/Paris", "timezone_source": "import"}
        connection.execute(update(people).where(people.c.id == 1).values(known))
    assert "<option selected>Europe/Paris" in served.get(path).text
    served.post(path, b"timezone=Europe%2FParis")
    assert kept() == ("Europe/Paris", "import"), "what is left as it was is nobody's choice"
    served.post(path, b"frequency=every")
    served.post(path, b"timezone=Mars%2FOlympus")
    assert kept() == ("Europe/Paris", "import")
    served.post(path, b"timezone=America%2FNew_York")
    assert kept() == ("America/New_York", "own")
    assert "selected>America/New_York" in served.get(path).text
    served.post(path, b"timezone=")
    assert kept() == ("", "")
