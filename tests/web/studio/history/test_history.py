"""The history of a newsletter: its lines of the log in campaigners' words, of nobody but the staff."""

from __future__ import annotations

import pytest

from mailer.staff import audit
from mailer.staff.actor import cron, terminal
from mailer.staff.rights import Role
from tests.web.studio.conftest import HERE, SLUG, House
from tests.web.studio.sendings import launch

HISTORY = f"{HERE}history"


def record(house: House, action: str, number: int = 1, detail: str = "") -> None:
    with house.studio.database.write() as connection:
        for _ in range(number):
            audit.record(
                connection, cron(), action, at=house.studio.clock(), subject=f"newsletter {SLUG}", detail=detail
            )


def test_what_was_done_is_said_with_who_did_it(house: House) -> None:
    launch(house.studio, by=terminal())
    house.post(f"{HERE}following/pause", cookie=house.sign_in(Role.SENDER))
    record(house, "newsletter not launched", detail="the list is gone. Fix that, then send it (mailer send x)")
    text = house.get(HISTORY, cookie=house.sign_in(Role.VIEWER)).text
    assert text.index("Did not leave") < text.index("Paused</b>") < text.index("Began to leave")
    assert "sender@example.org" in text
    assert ", in the terminal" in text
    assert "the list is gone" in text
    assert "mailer send" not in text


def test_another_newsletters_lines_are_not_here(house: House) -> None:
    with house.studio.database.write() as connection:
        subject = f"newsletter {SLUG}-again"
        audit.record(connection, cron(), "newsletter approved", at=house.studio.clock(), subject=subject)
    assert "Approved" not in house.get(HISTORY).text
    assert "Nothing was done with it yet" in house.get(HISTORY).text


@pytest.mark.sqlite
def test_a_long_one_goes_on_over_pages(house: House) -> None:
    record(house, "newsletter saved", audit.PAGE + 5)
    first = house.get(HISTORY).text
    assert first.count("<b>Saved</b>") == audit.PAGE
    assert f">{audit.PAGE + 5} entries<" in first
    older = first.partition('class="btn" href="')[2].partition('"')[0]
    assert house.get(older).text.count("<b>Saved</b>") == 5
    assert house.get(f"{HISTORY}?before=x").status == 404
