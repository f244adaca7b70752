"""Two people at two browsers: asked for, approved, changed by a word, and visibly void; nobody approves what they
haven't seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mailer.review.approvals import steps_of
from mailer.staff.rights import Role
from mailer.store.tables.states import ReviewStep
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import BODY, HERE, SLUG, House
from tests.web.studio.review.test_room import ROOM, set_approvals

pytestmark = pytest.mark.sqlite
PATIENCE = 20_000  # milliseconds


@pytest.fixture
def rhiannon(browser: Browser, house: House) -> Iterator[Page]:  # noqa: F811
    """The writer's browser."""
    set_approvals(house)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield signed_in(context, house, Role.WRITER, "Rhiannon")
    context.close()


@pytest.fixture
def amina(browser: Browser, house: House) -> Iterator[Page]:  # noqa: F811
    """The approver's browser, a phone."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield signed_in(context, house, Role.APPROVER, "Amina")
    context.close()


def signed_in(context: BrowserContext, house: House, role: Role, name: str) -> Page:
    cookie, _, token = house.sign_in(role, name).partition("=")
    context.add_cookies([{"name": cookie, "value": token, "url": house.origin}])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{house.origin}{ROOM}")
    return page


def change_a_word(page: Page, house: House) -> None:
    """In the Write room, as a writer does: "ask them" becomes "tell them" in the subject."""
    page.goto(f"{house.origin}{HERE}")
    page.locator("#f-subject").fill("{{ supporter.first_name | default('Friend') }}, tell them")
    page.locator("#save").click()
    expect(page.locator("#saving")).to_have_text("Saved")


def steps(house: House) -> list[str]:
    with house.studio.database.read() as connection:
        return [one.step for one in steps_of(connection, SLUG)]


def test_asked_approved_changed_and_void(rhiannon: Page, amina: Page, house: House) -> None:
    rhiannon.get_by_role("button", name="Ask for approval").click()
    expect(rhiannon.locator("[role=status]", has_text="Asked for")).to_be_visible()
    amina.goto(f"{house.origin}/")
    amina.get_by_role("link", name="Approve “Our appeal”").click()
    expect(amina.get_by_role("heading", name="Rhiannon asks you to approve this")).to_be_visible()
    expect(amina.locator("#facts")).to_contain_text("3 people")
    amina.get_by_role("button", name="Approve exactly this").click()
    expect(amina.locator(".who", has_text="Amina")).to_contain_text("Exactly this")
    expect(rhiannon.locator(".who", has_text="Amina")).to_contain_text("Exactly this")  # by itself
    change_a_word(rhiannon, house)
    expect(amina.locator(".who", has_text="Amina")).to_contain_text("No longer counts")
    rhiannon.goto(f"{house.origin}{ROOM}")
    for page in (rhiannon, amina):
        expect(page.locator(".since del").first).to_have_text(" ask")
        expect(page.locator(".since ins").first).to_have_text(" tell")
    expect(rhiannon.locator(".way [aria-current]")).to_contain_text("Approval no longer counts")
    rhiannon.get_by_role("button", name="Ask Amina again").click()
    expect(amina.get_by_role("heading", name="Rhiannon asks you to approve this again")).to_be_visible()
    amina.get_by_role("button", name="Approve exactly this").click()
    expect(amina.locator(".who", has_text="Amina")).to_contain_text("Exactly this")
    assert steps(house) == [ReviewStep.ASKED, ReviewStep.APPROVED] * 2


def test_what_changes_before_ones_eyes_is_looked_at_first(rhiannon: Page, amina: Page, house: House) -> None:
    button = amina.get_by_role("button", name="Approve exactly this")
    expect(button).to_be_enabled()
    change_a_word(rhiannon, house)
    expect(amina.locator("#moved")).to_be_visible()
    expect(button).to_be_disabled()
    amina.get_by_role("link", name="Show what changed").click()
    expect(amina.locator(".since")).to_contain_text("Changed while you looked")
    expect(amina.locator(".since ins").first).to_have_text(" tell")
    button.click()
    expect(amina.locator(".who", has_text="Amina")).to_contain_text("Exactly this")
    assert steps(house) == [ReviewStep.APPROVED]


def test_a_press_that_crosses_a_change_approves_nothing(rhiannon: Page, amina: Page, house: House) -> None:
    amina.route("**/review/moves*", lambda route: route.abort())  # its connection is lost
    amina.reload()
    change_a_word(rhiannon, house)
    amina.get_by_role("button", name="Approve exactly this").click()
    expect(amina.get_by_role("alert")).to_contain_text("It was changed while you looked at it")
    expect(amina.locator(".since ins").first).to_have_text(" tell")
    assert steps(house) == []


def test_comments_at_their_line_from_keys_to_done(rhiannon: Page, amina: Page, house: House) -> None:
    line = amina.locator(".row", has_text="You live in Britain.")
    line.get_by_label("Comment on line").first.click()
    expect(line.get_by_role("textbox")).to_be_focused()
    amina.keyboard.insert_text("Scotland, too?")
    line.get_by_role("button", name="Send").click()
    expect(amina.locator("#said")).to_have_text("1 open comment")
    there = rhiannon.locator(".row", has_text="You live in Britain.").get_by_role("article")
    expect(there).to_contain_text("Scotland, too?")  # by itself
    there.get_by_role("textbox").fill("All of it, but I am not")
    house.write(BODY.replace("You live in Britain.", "You live in the United Kingdom."))
    expect(amina.locator("#moved")).to_be_visible()
    expect(there.get_by_role("textbox")).to_have_value("All of it, but I am not")  # what somebody types stays
    there.get_by_role("button", name="Send").click()
    said = rhiannon.get_by_role("article")
    expect(said).to_contain_text("These words changed since")
    expect(said).to_contain_text("All of it, but I am not")
    said.get_by_role("button", name="Done").click()
    expect(rhiannon.locator("#said")).to_have_text("0 open comments, 1 done")
    rhiannon.keyboard.press("c")
    expect(rhiannon.locator(".say[open] textarea:focus")).to_have_value("")


@pytest.mark.parametrize(
    ("part", "width", "scheme"),
    [("mail", 390, "light"), ("mail", 900, "dark"), ("mail", 1440, "light"), ("people", 390, "dark"),
     ("people", 1440, "light")],
)  # fmt: skip
def test_the_room_is_accessible_and_fits_its_screen(
    browser: Browser,  # noqa: F811
    house: House,
    width: int,
    scheme: str,
    part: str,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # for axe alone, which is put into the page
    )
    page = signed_in(context, house, Role.APPROVER, "Amina")
    page.get_by_label("Comment on the whole newsletter").first.click()
    expect(page.locator(".say[open] textarea:focus")).to_be_visible()
    page.keyboard.insert_text("Shorter?")
    page.locator(".whole").get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Approve exactly this").click()
    house.write(BODY.replace("Ask them", "Tell them"))
    for wanted in ("", "&count=1"):
        page.goto(f"{house.origin}{ROOM}?part={part}{wanted}")
        expect(page.locator(".since ins").first).to_have_text("Tell")
        assert faults_on(page, least=10, frames=False) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
