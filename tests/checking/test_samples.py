"""What is shipped is sound: both newsletters, with the people of the sample list, and every template's draft."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer, mailer
from tests.drafts import fill_in

__all__ = ["mailer"]  # the fixture, in a workspace made by `mailer init`


@pytest.mark.sqlite
def test_the_shipped_newsletters_have_no_remarks(mailer: Mailer) -> None:
    assert mailer("import", "supporters", "lists/sample-supporters.csv").code == 0
    done = mailer("check", "--json")
    found = json.loads(done.out)
    assert len(found) == 3
    assert {slug: one["remarks"] for slug, one in found.items()} == {slug: [] for slug in found}
    assert found["2026-11-ask-un-experts"]["people"] > 400
    assert (
        sum(one["people"] for one in found["2026-11-ask-un-experts"]["variants"])
        == found["2026-11-ask-un-experts"]["people"]
    )
    assert done.code == 0


@pytest.mark.sqlite
def test_a_sound_newsletter_is_one_line(mailer: Mailer) -> None:
    done = mailer("check", "2026-11-ask-un-experts")
    assert (done.code, done.out) == (0, "2026-11-ask-un-experts  sound\n")


@pytest.mark.sqlite
@pytest.mark.parametrize("template", ["appeal", "update"])
def test_a_new_newsletter_of_each_template_can_be_mailed(mailer: Mailer, template: str) -> None:
    assert mailer("new", "an-appeal", "--template", template).code == 0
    fill_in(Path("newsletters/an-appeal/message.md"))
    found = json.loads(mailer("check", "an-appeal", "--json").out)
    assert [one for one in found["an-appeal"]["remarks"] if one["level"] == "error"] == []
