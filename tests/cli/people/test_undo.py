"""Staff's commands about forms and leaving: a form to paste, and a scanner's burst taken back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mailer.audience.consent.subscribe import Asking
from mailer.delivery.subscriptions.presses import Presser, note_press
from mailer.delivery.subscriptions.requests import ask_to_join
from mailer.delivery.subscriptions.unsubscribe import leave_campaign
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import subscriptions
from mailer.workspace import Workspace
from tests.cli.people.test_people import mailer
from tests.reports.builders import (
    ADDRESS_KEY,
    SLUG,
    add_campaign,
    add_deliveries,
    add_people,
    delivery_id,
    make_message,
)

FORM = 'public_form = true\nconsent = "Yes, mail me."\n'


@pytest.fixture
def folder(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAILER_WORKSPACE", str(workspace.root))
    return workspace.root


def trouble(*words: str) -> str:
    """What the command complains of."""
    error = mailer(*words).exception
    assert isinstance(error, MailerError)
    return str(error)


def define(folder: Path, more: str) -> None:
    (folder / "lists" / "news.toml").write_text(f'title = "The <news>"\nlist_id = "n.example.org"\n{more}')


@pytest.mark.sqlite
def test_a_form_can_be_pasted_elsewhere(folder: Path) -> None:
    define(folder, FORM)
    html = mailer("lists", "embed", "news").output
    assert 'action="https://mail.example.org/join/news?lang=en"' in html
    assert "Yes, mail me." in html
    assert "<news>" not in html
    assert html.count("style=") == 1, "of the field that people don't see"
    define(folder, FORM + 'colour = "#0b6069"\n')
    assert "background:#0b6069" in mailer("lists", "embed", "--styled", "news").output
    define(folder, FORM + 'language = "fr"\n')
    assert 'lang="fr"' in mailer("lists", "embed", "news").output
    assert "News" not in mailer("lists", "--json").output
    assert "news" in mailer("lists").output


@pytest.mark.sqlite
def test_a_list_that_is_not_open_has_no_form(folder: Path) -> None:
    define(folder, 'consent = "Yes."\n')
    assert "has no public form" in trouble("lists", "embed", "news")
    for more, words in (
        ("public_form = true\n", "needs a consent wording"),
        ('public_form = "yes"\n', "true or false"),
    ):
        define(folder, more)
        assert words in trouble("lists", "embed", "news")


@pytest.fixture
def burst(database: Database, folder: Path, now: datetime) -> Database:
    """Six people were mailed; four left within seconds by one-click, one an hour later by the link."""
    with database.write() as connection:
        add_people(connection, 6, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, range(1, 7), now=now, changed_at=now)
        for number in range(1, 5):
            at = now + timedelta(seconds=number)
            leave_campaign(connection, delivery_id=delivery_id(number), how="one-click", at=at)
        leave_campaign(connection, delivery_id=delivery_id(5), how="link", at=now + timedelta(hours=1))
    return database


def on_the_list(database: Database) -> set[int]:
    with database.read() as connection:
        query = select(subscriptions.c.person_id).where(subscriptions.c.status == "subscribed")
        return set(connection.execute(query).scalars())


def test_a_burst_is_listed_first_and_undone_with_yes(burst: Database) -> None:
    listed = mailer("people", "undo-unsubscribes", "--newsletter", SLUG, "--how", "one-click").output
    assert "mary4@example.org" in listed
    assert "4 s after the mail" in listed
    assert "mary5@example.org" not in listed
    assert "4 people. Nothing was changed" in listed
    assert on_the_list(burst) == {6}
    done = mailer("people", "undo-unsubscribes", "--newsletter", SLUG, "--how", "one-click", "--yes").output
    assert "4 of 4 people are back" in done
    assert on_the_list(burst) == {1, 2, 3, 4, 6}
    assert "Nobody left" in mailer("people", "undo-unsubscribes", "--newsletter", SLUG, "--how", "one-click").output


def test_times_and_domains_narrow_it(burst: Database, now: datetime) -> None:
    def chosen(*words: str) -> list[str]:
        output = mailer("people", "undo-unsubscribes", "--newsletter", SLUG, "--json", *words).output
        return [one["address"][4] for one in json.loads(output)]

    assert chosen() == list("12345")
    assert chosen("--since", "2026-11-24T09:00:03") == list("345")
    assert chosen("--until", "2026-11-24T10:00:03+01:00") == list("12")
    assert chosen("--domain", "Example.org", "--how", "link") == ["5"]
    assert chosen("--domain", "example.net") == []
    assert "is not a time" in trouble("people", "undo-unsubscribes", "--newsletter", SLUG, "--since", "yesterday")
    assert "neither sent nor scheduled" in trouble("people", "undo-unsubscribes", "--newsletter", "nothing")


def test_a_run_hands_over_what_the_server_left(database: Database, folder: Path, now: datetime) -> None:
    asking = Asking("zoe@example.net", ("supporters",), "/join/supporters", "Yes.")
    with database.write() as connection:
        ask_to_join(connection, asking, confirmed=(), language="en", address_key=ADDRESS_KEY, at=now)
    assert mailer("run").output == "", "cron mails nobody about it"
    (file,) = (folder / "outbox" / "new").iterdir()
    assert "Subject: Welcome to Supporters" in file.read_text()


def test_a_scanners_burst_is_found_looked_at_and_undone_in_the_terminal(burst: Database, now: datetime) -> None:
    assert "look like a scanner's" in mailer("people", "bursts").output
    with burst.write() as connection:
        for number in (1, 2, 3, 4, 6):
            at = now + timedelta(seconds=number)
            leave_campaign(connection, delivery_id=delivery_id(number), how="one-click", at=at)
            note_press(connection, delivery_id(number), Presser("", b"network!"), how="one-click", at=at)
    (found,) = json.loads(mailer("people", "bursts", "--json").output)
    assert (found["newsletter"], found["people"]) == (SLUG, 5)
    number = str(found["number"])
    assert f"{SLUG}" in mailer("people", "bursts").output
    assert "5 people. Nothing was changed" in mailer("people", "bursts", number).output
    assert "say which burst" in trouble("people", "bursts", "--undo")
    assert on_the_list(burst) == set()
    assert "5 of 5 people are back" in mailer("people", "bursts", number, "--undo").output
    assert on_the_list(burst) == {1, 2, 3, 4, 6}
    assert "aren’t what they were" in trouble("people", "bursts", number, "--leave")
