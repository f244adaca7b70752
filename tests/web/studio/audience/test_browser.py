"""The room Audience in a real browser: with script and without, by keyboard, on a phone, in the dark."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from mailer.store.tables.core import people
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.patience import until
from tests.web.studio.conftest import BODY, FRONT, HERE, House

ROOM = f"{HERE}audience"
CONDITION = 'supporter.country == "IE"'


@pytest.fixture(autouse=True)
def elsewhere(house: House) -> None:
    """The third of three people lives elsewhere."""
    with house.studio.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 3).values(country="IE"))


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda told: complaints.append(told.text) if "Content Security" in told.text else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.set_default_timeout(15_000)
    opened.goto(house.door)
    yield opened
    context.close()
    assert complaints == []


def figure(page: Page, number: str) -> None:
    expect(page.locator(".figure")).to_have_text(number, timeout=15_000)


@pytest.mark.sqlite
def test_the_count_follows_the_rows_and_save_writes_them(page: Page, house: House) -> None:
    page.goto(f"{house.origin}{ROOM}")
    figure(page, "3")
    page.click("#add")
    expect(page.locator("#what-0")).to_be_focused()
    page.select_option("#what-0", "field:country")
    page.click("#value-0")
    page.locator("#picks-0").get_by_label("Ireland").check()
    figure(page, "1")
    expect(page.locator("#saving")).to_have_text("Not saved yet")
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY
    page.click("#picks-0 summary")
    page.select_option("#how-0", "is_not")
    figure(page, "2")
    expect(page.locator("#how-0")).to_be_focused()
    page.click("#as-text")
    expect(page.locator("#expression")).to_have_value('supporter.country != "IE"')
    page.fill("#expression", 'supporter.country == "IE" or supporter.first_name == "Nobody"')
    figure(page, "1")
    page.fill("#expression", "supporter.contry")
    expect(page.locator("#counted")).to_contain_text("Did you mean")
    page.fill("#expression", CONDITION)
    figure(page, "1")
    page.click("#save")
    page.wait_for_url("**/audience?done=saved")
    assert f"  segment: {CONDITION}\n" in house.file.read_text(encoding="utf-8")
    expect(page.locator(".way a[aria-current]")).to_contain_text("1 person")


@pytest.mark.sqlite
def test_the_keyboard_alone_builds_a_group(page: Page, house: House) -> None:
    page.goto(f"{house.origin}{ROOM}")
    figure(page, "3")
    page.locator("#add").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#what-0")).to_be_focused()
    page.keyboard.type("Joined")
    expect(page.locator("#how-0")).to_be_visible()
    page.locator("#group").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#what-1\\.0")).to_be_focused()
    page.locator("#drop-1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#add")).to_be_focused()
    page.locator("#drop-0").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".cond")).to_have_count(0)


@pytest.mark.sqlite
def test_without_script_it_is_a_plain_form(browser: Browser, house: House) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(house.door)
    page.goto(f"{house.origin}{ROOM}")
    page.get_by_role("link", name="Count them").click()
    figure(page, "3")
    page.click("#add")
    page.select_option("#what-0", "field:country")
    page.get_by_role("button", name="Count them").click()
    page.click("#value-0")
    page.locator("#picks-0").get_by_label("Ireland").check()
    page.get_by_role("button", name="Count them").click()
    figure(page, "1")
    page.click("#save")
    page.wait_for_url("**/audience?done=saved")
    assert f"  segment: {CONDITION}\n" in house.file.read_text(encoding="utf-8")
    context.close()


@pytest.mark.sqlite
def test_a_dialog_of_the_editor_hears_what_its_rows_come_to(page: Page, house: House) -> None:
    page.goto(f"{house.origin}{ROOM}")
    figure(page, "3")
    page.evaluate(
        """async (address) => {
            const script = document.querySelector("script[src*='audience.js']").src;
            const { builder } = await import(script.replace("audience.js", "builder.js"));
            document.querySelector("#asking").remove();
            document.querySelector("#result").innerHTML = "<div id=host></div>";
            window.told = [];
            window.open_ = builder(document.getElementById("host"), address, (found) => window.told.push(found));
        }""",
        f"{HERE}condition?expression={CONDITION.replace(' ', '%20')}",
    )

    def last() -> dict[str, object]:
        page.wait_for_timeout(20)
        return json.loads(page.evaluate("JSON.stringify(window.told.at(-1) ?? {})"))

    until(lambda: (last().get("count"), last().get("of")) == (1, 3))
    page.click("#value-0")
    page.locator("#picks-0").get_by_label("United Kingdom").check()
    until(lambda: last().get("count") == 3)
    assert last()["expression"] == 'supporter.country in ["IE", "GB"]'
    assert last()["words"] == "people in Ireland or the United Kingdom"
    page.click("#host #add")
    until(lambda: last()["expression"] == "")


@pytest.mark.sqlite
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (900, "light"), (1440, "dark")])
def test_it_is_accessible_and_fits_its_screen(
    browser: Browser,  # noqa: F811
    house: House,
    width: int,
    scheme: str,
) -> None:
    segment = 'supporter.country == "IE" and (joined_since("2024-01-01") or not signed_within("12 months"))'
    written = f"audience:\n  segment: {segment}\n  limit: 9\n"
    house.write(front=FRONT.replace("list: supporters\n", f"list: supporters\n{written}"))
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # for axe alone, which is put into the page
    )
    page = context.new_page()
    page.goto(house.door)
    page.goto(f"{house.origin}{ROOM}")
    page.wait_for_selector(".figure")
    for change in (None, "#add", "#as-text"):
        if change:
            page.click(change)
            page.wait_for_timeout(300)
        assert faults_on(page, least=10, frames=False) == [], change
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), change
    context.close()
