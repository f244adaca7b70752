"""Writing in a real browser that loses its connection, its studio and its tab: what was typed is there afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from mailer.editing.drafts import drafts_of, read_draft_text
from mailer.store.engine.database import Database
from tests.browser import (
    browser,  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
    hold_back,
)
from tests.patience import until
from tests.web.studio.conftest import BODY, HERE, SLUG, House

pytestmark = pytest.mark.sqlite


@pytest.fixture
def contexts(browser: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:  # noqa: F811
    two = browser.new_context(), browser.new_context()
    for one in two:
        one.set_default_timeout(20_000)
    yield two
    for one in two:
        one.close()


def opened(context: BrowserContext, house: House) -> Page:
    page = context.new_page()
    page.goto(house.door)
    page.goto(f"{house.origin}{HERE}")
    return page


def type_subject(page: Page, words: str) -> None:
    page.locator("#f-subject").fill(words)


def subjects(database: Database) -> list[str]:
    with database.read() as connection:
        found = drafts_of(connection, SLUG, "message.md")
        return [str(read_draft_text(connection, SLUG, "message.md", one.id).fields["subject"]) for one in found]


def test_offline_in_mid_edit_and_back(contexts: tuple[BrowserContext, BrowserContext], house: House) -> None:
    page = opened(contexts[0], house)
    contexts[0].set_offline(True)
    type_subject(page, "Typed in a tunnel")
    page.locator("#save").click()
    expect(page.locator("#saving")).to_contain_text("no connection")
    assert "tunnel" not in house.file.read_text(encoding="utf-8")
    contexts[0].set_offline(False)
    until(lambda: subjects(house.studio.database) == ["Typed in a tunnel"])
    page.locator("#save").click()
    expect(page.locator("#saving")).to_have_text("Saved")
    assert "Typed in a tunnel" in house.file.read_text(encoding="utf-8")


def test_another_browser_is_offered_what_was_not_saved(
    contexts: tuple[BrowserContext, BrowserContext], house: House
) -> None:
    first = opened(contexts[0], house)
    type_subject(first, "Begun on the laptop")
    until(lambda: subjects(house.studio.database) == ["Begun on the laptop"])
    second = opened(contexts[1], house)
    expect(second.locator("#offer")).to_be_visible()
    second.locator("#offer [data-back]").click()
    expect(second.locator("#f-subject")).to_have_text("Begun on the laptop")
    second.locator("#save").click()
    expect(second.locator("#saving")).to_have_text("Saved")
    assert "Begun on the laptop" in house.file.read_text(encoding="utf-8")
    third = opened(contexts[1], house)
    expect(third.locator("#f-subject")).to_have_text("Begun on the laptop")
    expect(third.locator("#offer")).to_be_hidden()


def test_two_browsers_on_the_same_line_are_shown_both(
    contexts: tuple[BrowserContext, BrowserContext], house: House
) -> None:
    first, second = (opened(context, house) for context in contexts)
    for page, words in ((first, "By one"), (second, "By the other")):
        type_subject(page, words)
    first.locator("#save").click()
    expect(first.locator("#saving")).to_have_text("Saved")
    second.locator("#save").click()
    expect(second.locator("#both")).to_be_visible()
    with second.expect_response("**/look"):  # the mail is made again beside the two versions, and leaves them alone
        second.locator("#f-preheader").fill("Still typing")
    expect(second.locator("#inboxes")).to_contain_text("Still typing")
    expect(second.locator("#both pre")).to_contain_text("By one")
    assert "By the other" not in house.file.read_text(encoding="utf-8")
    second.locator("#both [data-mine]").click()
    expect(second.locator("#saving")).to_have_text("Saved")
    assert "By the other" in house.file.read_text(encoding="utf-8")


def test_a_stale_tab_overwrites_nothing(contexts: tuple[BrowserContext, BrowserContext], house: House) -> None:
    contexts[0].route("**/changes*", lambda route: route.abort())  # it was asleep, and heard of nothing
    page = opened(contexts[0], house)
    house.write(body=BODY.replace("You live in Germany.", "You live in Berlin."))  # a day of others' work
    type_subject(page, "From the old tab")
    page.locator("#save").click()
    until(lambda: "From the old tab" in house.file.read_text(encoding="utf-8"))
    assert "You live in Berlin." in house.file.read_text(encoding="utf-8")
    expect(page.locator("#saving")).to_contain_text("put together")
    expect(page.locator("#offer")).to_be_hidden()  # it is saved: there is nothing to bring back


def test_before_the_scripts_are_there_nothing_is_lost(
    contexts: tuple[BrowserContext, BrowserContext], house: House
) -> None:
    page = contexts[0].new_page()
    page.goto(house.door)
    held = hold_back(page, "**/write.js*")
    page.goto(f"{house.origin}{HERE}", wait_until="commit")
    expect(page.locator("#save")).to_be_disabled()
    page.locator("#text").fill("\nTyped at once.\n")
    until(lambda: page.evaluate("true") and len(held) == 1)
    held[0].continue_()
    expect(page.locator(".ed [role=textbox]")).to_contain_text("Typed at once.")
    page.locator("#save").click()
    expect(page.locator("#saving")).to_have_text("Saved")
    assert house.file.read_text(encoding="utf-8").endswith("---\n\nTyped at once.\n")


def test_what_is_typed_during_a_save_is_not_taken_for_saved(
    contexts: tuple[BrowserContext, BrowserContext], house: House
) -> None:
    page = opened(contexts[0], house)
    held = hold_back(page, "**/save")
    type_subject(page, "Before the save")
    page.locator("#save").click()
    until(lambda: page.evaluate("true") and len(held) == 1)
    page.locator("#f-preheader").fill("During the save")
    held[0].continue_()
    expect(page.locator("#saving")).to_have_text("Not saved yet")
    house.write(body=BODY.replace("You live in Germany.", "You live in Berlin."))
    expect(page.locator("#kept")).to_contain_text("Somebody changed this newsletter")
    expect(page.locator("#f-preheader")).to_have_text("During the save")


def test_an_earlier_draft_is_brought_back_from_the_list(
    contexts: tuple[BrowserContext, BrowserContext], house: House
) -> None:
    page = opened(contexts[0], house)
    type_subject(page, "The better subject")
    until(lambda: subjects(house.studio.database) == ["The better subject"])
    page.locator("#save").click()
    expect(page.locator("#saving")).to_have_text("Saved")
    type_subject(page, "The worse subject")
    page.locator("#save").click()
    expect(page.locator("#saving")).to_have_text("Saved")
    page.locator("#earlier summary").click()
    page.locator("#earlier li", has_text=",").last.get_by_role("button").click()
    expect(page.locator("#f-subject")).to_have_text("The better subject")
    assert "The worse subject" in house.file.read_text(encoding="utf-8")  # bringing back saves nothing
    page.locator("#save").click()
    expect(page.locator("#saving")).to_have_text("Saved")
    assert "The better subject" in house.file.read_text(encoding="utf-8")


def test_a_page_that_was_refused_its_events_asks_again(
    contexts: tuple[BrowserContext, BrowserContext], house: House
) -> None:
    refused = iter([502, 503])  # a proxy's answers while the studio starts again

    def answer(route: Route) -> None:
        status = next(refused, None)
        route.continue_() if status is None else route.fulfill(status=status)

    contexts[0].route("**/changes*", answer)
    page = opened(contexts[0], house)
    type_subject(page, "Typed here")
    house.write(body=BODY.replace("You live in Germany.", "You live in Berlin."))
    expect(page.locator("#kept")).to_contain_text("Somebody changed this newsletter")
    assert next(refused, None) is None
