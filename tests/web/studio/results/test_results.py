"""The report in a browser: the terminal's figures, on the page, in its file and on the mail itself."""

from __future__ import annotations

import csv
import io
import re

import pytest

from mailer.reports.export import as_csv
from mailer.reports.figures import figures
from mailer.staff.rights import Role
from mailer.store.tables.states import DeliveryState
from mailer.web.studio.results.charts import ceiling
from tests.patience import until
from tests.web.studio.conftest import HERE, SLUG, House
from tests.web.studio.sendings import ask_links, launch, send, set_state, sign

RESULTS = f"{HERE}results"


@pytest.fixture
def sent(house: House) -> int:
    """Three people got it; one signed by the button."""
    campaign = launch(house.studio)
    send(house.studio)
    sign(house.studio, campaign, 1, n=ask_links(house.studio, campaign)[0])
    return campaign


def counted_page(house: House, query: str = "") -> str:
    """The page once its figures are counted: a busy machine may take longer than a page waits."""
    until(lambda: "Counting…" not in house.get(RESULTS + query).text)
    return house.get(RESULTS + query).text


@pytest.mark.usefixtures("sent")
def test_the_page_says_what_the_terminal_says(house: House) -> None:
    text = counted_page(house)
    assert "333 signatures per 1,000 people" in text
    assert "1 of 3 people signed." in text
    with house.studio.database.read() as connection:
        found = figures(connection, SLUG)
    for link in found.links:
        numbers = (link.clicks.people, found.signed.by_link.get(link.n, 0), link.clicks.clicks, link.clicks.raw)
        row = re.search(rf"<bdi>{re.escape(link.label)}</bdi>.*?</tr>", text)
        assert row
        cells = [int(cell) for cell in re.findall(r'<td class="n">(\d+)</td>', row[0])]
        assert (cells[0], cells[1], cells[2], cells[4]) == numbers


@pytest.mark.usefixtures("sent")
def test_the_file_is_the_terminals(house: House) -> None:
    reply = house.get(f"{RESULTS}/figures.csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    with house.studio.database.read() as connection:
        assert reply.text == as_csv(figures(connection, SLUG))
    rows = list(csv.reader(io.StringIO(reply.text)))
    assert ["signed", "by way of this mail", "people", "1"] in rows


def test_figures_are_on_the_mail_itself_and_it_cant_act(house: House, sent: int) -> None:
    counted_page(house)
    n = ask_links(house.studio, sent)[0]
    reply = house.get(f"{RESULTS}/mail?measure=signed")
    assert f'a[href="#link/{n}"]::after{{content:"1"}}' in reply.text
    assert 'content:"0"' not in reply.text
    assert "script" not in reply.headers["content-security-policy"]
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    picture = re.search(rf"{RESULTS}/pictures/[0-9a-f]+", reply.text)
    assert picture
    assert house.get(picture[0]).headers["content-type"] == "image/png"
    assert house.get(f"{RESULTS}/pictures/0123456789abcdef").status == 404


@pytest.mark.usefixtures("sent")
def test_the_mail_is_the_one_that_was_sent(house: House) -> None:
    house.write("\nSomething else.\n")
    assert "Ask them" in house.get(f"{RESULTS}/mail").text


def test_figures_follow_what_comes_in(house: House, sent: int) -> None:
    assert "1 of 3 people signed." in counted_page(house)
    sign(house.studio, sent, 2, n=ask_links(house.studio, sent)[0])
    until(lambda: "2 of 3 people signed." in house.get(RESULTS).text)


def test_who_it_did_not_reach_has_a_reason(house: House) -> None:
    campaign = launch(house.studio)
    send(house.studio)
    set_state(house.studio, campaign, (1,), DeliveryState.FAILED, reply_class="hard")
    set_state(house.studio, campaign, (2,), DeliveryState.UNCERTAIN)
    text = re.sub(r"<[^>]+>", " ", counted_page(house))
    assert re.search(r"No such address\s+1\s", text)
    assert re.search(r"May or may not have got it\s+1\s", text)


@pytest.mark.parametrize("chart", ["time", "bars", "table", "x"])
@pytest.mark.parametrize("measure", ["people", "signed", "all", "x"])
@pytest.mark.usefixtures("sent")
@pytest.mark.sqlite
def test_views_are_in_the_address(house: House, chart: str, measure: str) -> None:
    text = counted_page(house, f"?chart={chart}&measure={measure}")
    assert text.count('aria-current="true"') == 2


@pytest.mark.sqlite
def test_there_are_no_results_before_it_leaves(house: House) -> None:
    assert house.get(RESULTS).status == 404
    assert f'href="{RESULTS}"' not in house.get(HERE).text
    launch(house.studio)
    assert house.get(RESULTS).status == 200
    assert f'href="{RESULTS}"' in house.get(HERE).text


@pytest.mark.usefixtures("sent")
@pytest.mark.sqlite
def test_nobody_is_named(house: House) -> None:
    cookie = house.sign_in(Role.VIEWER)
    until(lambda: "Counting…" not in house.get(RESULTS, cookie=cookie).text)
    for path in (RESULTS, f"{RESULTS}/mail", f"{RESULTS}/figures.csv"):
        assert "mary" not in house.get(path, cookie=cookie).text.lower()


@pytest.mark.parametrize(("value", "top"), [(0, 2), (2, 2), (3, 4), (51, 60), (99, 100), (101, 120), (1317, 1600)])
def test_charts_end_at_a_round_number(value: float, top: int) -> None:
    assert ceiling(value) == top
