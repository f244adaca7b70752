"""The builder for words in the text: rows of an expression, and what they come to."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import update

from mailer.store.tables.core import people
from tests.web.studio.conftest import FRONT, HERE, House

PLACE = f"{HERE}condition"
Fields = Sequence[tuple[str, str]]
COUNTRY: Fields = [("mode", "all"), ("what.0", "field:country"), ("how.0", "is"), ("value.0", "GB")]


def press(house: House, button: str, fields: Fields) -> dict[str, Any]:
    reply = house.post(PLACE, urlencode([*fields, ("do", button)]).encode())
    assert reply.status == 200, reply.text
    return json.loads(reply.text)


@pytest.fixture(autouse=True)
def elsewhere(house: House) -> None:
    """The third of three people lives elsewhere."""
    with house.studio.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 3).values(country="IE"))


def test_it_begins_with_one_empty_row(house: House) -> None:
    page = house.get(PLACE).text
    assert page.lstrip().startswith('<form class="builder"')
    assert re.findall(r'name="what\.\d"', page) == ['name="what.0"']
    assert "Signed" not in page, "a text can ask about fields and tags alone"
    assert "Is tagged" in page


@pytest.mark.parametrize("expression", ['supporter.country == "IE"', 'supporter.country in ["GB", "IE"]'])
def test_an_expression_is_shown_as_rows(house: House, expression: str) -> None:
    page = house.get(f"{PLACE}?expression={quote(expression)}").text
    assert 'value="field:country" selected' in page
    assert 'value="IE" checked' in page


@pytest.mark.parametrize("expression", ['supporter.first_name | upper == "ADA"', "list.title", "supporter.country =="])
def test_another_is_shown_as_text(house: House, expression: str) -> None:
    page = house.get(f"{PLACE}?expression={quote(expression)}").text
    assert f">\n{expression}</textarea>" in unescape(page)


def test_what_rows_come_to(house: House) -> None:
    found = press(house, "", COUNTRY)
    assert (found["expression"], found["words"]) == ('supporter.country == "GB"', "people in the United Kingdom")
    assert (found["count"], found["of"], found["wrong"]) == (None, None, "")
    found = press(house, "count", COUNTRY)
    assert (found["count"], found["of"]) == (2, 3)
    house.write(front=FRONT.replace("list: supporters\n", "list: supporters\naudience:\n  limit: 1\n"))
    assert press(house, "count", COUNTRY)["of"] == 1, "of those who get it"


def test_half_a_condition_is_none(house: House) -> None:
    found = press(house, "add", COUNTRY)
    assert found["expression"] == found["words"] == ""
    assert 'name="what.1"' in found["html"]
    assert press(house, "drop.1", [*COUNTRY, ("what.1", "")])["expression"] == 'supporter.country == "GB"'


def test_text_is_read_as_the_mail_reads_it(house: House) -> None:
    def typed(text: str) -> dict[str, Any]:
        return press(house, "count", [("shown", "text"), ("text", text)])

    assert typed('supporter.country == "GB" and supporter.first_name')["count"] == 2
    filtered = typed('supporter.first_name | upper == "ADA"')
    assert (filtered["count"], filtered["wrong"]) == (None, "")
    assert filtered["expression"] == 'supporter.first_name | upper == "ADA"'
    for text, words in (('signed("x")', "signed"), ("supporter.contry", "country"), ("1 +", "read")):
        wrong = typed(text)
        assert wrong["expression"] == ""
        assert words in wrong["wrong"].lower()
    back = press(house, "as-rows", [("shown", "text"), ("text", 'supporter.country == "IE"')])
    assert 'value="IE" checked' in back["html"]
    there = press(house, "as-text", COUNTRY)
    assert 'supporter.country == "GB"' in unescape(there["html"])
