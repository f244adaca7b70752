"""The Write room in a browser without script: every text is looked at, saved, and never saved over another's."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from mailer.editing.drafts import drafts_of, read_draft_text
from mailer.staff.rights import Role
from mailer.web.studio.compose.saving import entity_tag
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.client import Reply
from tests.web.studio.compose.test_pages import HEAD
from tests.web.studio.compose.test_pages import TEXT as PAGE_TEXT
from tests.web.studio.conftest import BODY, FRONT, HERE, SLUG, House

TEXT = FRONT + BODY
SUBJECT = "{{ supporter.first_name | default('Friend') }}, ask them"


def send(house: House, *, base: str = TEXT, path: str = HERE, cookie: str | None = None, **sent: str) -> Reply:
    """Press Save in a page that was loaded when the file was `base`."""
    form = {"save-it": "1", "if-match": entity_tag(base), "based-on": base, "body": BODY, **sent}
    return house.post(path, urlencode(form).replace("%0A", "%0D%0A").encode(), cookie=cookie)


def saved(house: House) -> str:
    return house.file.read_bytes().decode()


def test_the_text_and_a_field_are_saved_and_said_so(house: House) -> None:
    reply = send(house, body=BODY.replace("Ask them", "Tell them"), subject="Now: or\nnever", preheader="x")
    assert (reply.status, reply.headers["location"]) == (303, f"{HERE}?done=saved")
    expected = TEXT.replace("Ask them", "Tell them").replace(f'"{SUBJECT}"', '"Now: or never"')
    assert saved(house) == expected.replace(
        '"Twelve of them asked already, and got no answer that says anything."', '"x"'
    )
    assert "Saved." in house.get(f"{HERE}?done=saved").text
    assert "<script>" not in house.get(f"{HERE}?done=<script>").text


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n"), TEXT.replace("Dear", "\r\nDear"), f"\ufeff{TEXT}"])
def test_nothing_changed_writes_no_byte(house: House, text: str) -> None:
    house.file.write_bytes(text.encode())
    shown = text.removeprefix("\ufeff").replace("\r\n", "\n").removeprefix(FRONT)
    assert send(house, base=text, body=shown, subject=SUBJECT).status == 303
    assert saved(house) == text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_others_changed_meanwhile_is_put_together(house: House, newline: str) -> None:
    base = TEXT.replace("\n", newline)
    house.file.write_bytes(base.replace("Dear", "Dearest").replace("supporters\n", "news\n").encode())
    reply = send(house, base=base, body=BODY.replace("Germany.", "Berlin."), subject=SUBJECT, template="appeal")
    assert reply.headers["location"] == f"{HERE}?done=merged"
    assert saved(house) == base.replace("Dear", "Dearest").replace("supporters\n", "news\n").replace(
        "Germany.", "Berlin."
    )


def test_a_field_somebody_changed_is_not_put_back_by_a_form_that_shows_the_old_one(house: House) -> None:
    house.write(front=FRONT.replace(SUBJECT, "Theirs"))
    assert send(house, body=BODY.replace("Germany.", "Berlin."), subject=SUBJECT).status == 303
    assert "Theirs" in saved(house)


def test_the_same_line_twice_shows_both_and_keeps_mine(house: House) -> None:
    house.write(body=BODY.replace("Ask them", "Tell them"))
    theirs, mine = saved(house), BODY.replace("Ask them", "Warn them")
    page = send(house, body=mine, subject="Mine & only mine")
    assert (page.status, saved(house)) == (200, theirs)
    for shown in ("Somebody changed the same lines.", "Tell them **now**", "Warn them **now**", "Mine &amp; only mine"):
        assert shown in page.text
    assert entity_tag(theirs).replace('"', "&#34;") in page.text
    with house.studio.database.read() as connection:
        (kept,) = drafts_of(connection, SLUG, "message.md")
        text = read_draft_text(connection, SLUG, "message.md", kept.id)
    assert (text.base, text.body, text.fields) == (TEXT, mine, {"subject": "Mine & only mine"})
    assert send(house, base=theirs, body=mine).status == 303
    assert saved(house) == FRONT + mine


def test_a_base_that_is_not_what_it_says_is_never_merged(house: House) -> None:
    """One that was cut short on its way, or holds line ends that no form carries."""
    house.write(body=BODY.replace("Dear", "Dearest"))
    before = saved(house)
    form = {"save-it": "1", "if-match": entity_tag(TEXT), "based-on": TEXT[:-20], "body": BODY}
    page = house.post(HERE, urlencode(form).encode())
    assert "Somebody changed the same lines." in page.text
    assert saved(house) == before


def test_what_can_not_be_saved_says_why_and_keeps_what_was_typed(house: House) -> None:
    house.write(front="---\nsubject: x\n")
    base = saved(house)
    page = send(house, base=base, body="Mine")
    assert "Not saved" in page.text
    assert ">\nMine</textarea>" in page.text
    assert saved(house) == base


def test_a_save_that_git_did_not_take_says_so(house: House) -> None:
    settings = house.workspace.root / "mailer.toml"
    settings.write_text(settings.read_text() + "\n[studio]\ngit = true\n")
    page = send(house, body=BODY.replace("Ask them", "Tell them"))
    assert "Saved. It is not in git yet" in page.text
    assert "Tell them" in saved(house)


def test_page_and_thanks_are_saved_in_the_same_way(house: House) -> None:
    file = house.file.parent / "action.md"
    file.write_text(HEAD + PAGE_TEXT, encoding="utf-8")
    sent = {"base": HEAD + PAGE_TEXT, "path": f"{HERE}page/"}
    page = send(house, **sent, body=PAGE_TEXT.replace("It closes", "It will close"), target="6,000", show_names="true")
    assert page.headers["location"] == f"{HERE}page/?done=saved"
    expected = (HEAD + PAGE_TEXT).replace("It closes", "It will close").replace("5000", "6000")
    assert file.read_text(encoding="utf-8") == expected
    sent["path"] = f"{HERE}thanks/"
    thanks = send(house, **sent, body="The council votes on **Friday**.\n", share="")
    assert thanks.headers["location"] == f"{HERE}thanks/?done=merged"
    assert file.read_text(encoding="utf-8") == expected.replace("Thursday", "Friday")
    assert "Look at it" in house.get(f"{HERE}thanks/").text
    file.unlink()
    assert send(house, **sent).headers["location"] == f"{HERE}thanks/"


def test_who_may_only_look_gets_no_form_and_saves_nothing(house: House) -> None:
    viewer = house.sign_in(Role.VIEWER)
    assert "save-it" not in house.get(HERE, cookie=viewer).text
    for path in (HERE, f"{HERE}page/", f"{HERE}thanks/"):
        assert send(house, path=path, cookie=viewer, body="x").status == 403
    assert saved(house) == TEXT


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    context.set_default_timeout(20_000)
    cookie, _, value = house.cookie.partition("=")
    context.add_cookies([{"name": cookie, "value": value, "url": house.origin}])
    yield context.new_page()
    context.close()


@pytest.mark.sqlite
def test_two_write_without_script_and_one_decides(page: Page, house: House) -> None:
    other = page.context.new_page()
    for one in (page, other):
        one.goto(f"{house.origin}{HERE}")
    expect(page.locator("#save")).to_be_hidden()
    text = page.locator("#text")
    text.fill(text.input_value().replace("http", "[[Say where.]] http"))
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("#findings")).to_contain_text("Say where.")
    assert saved(house) == TEXT
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(page.locator("#findings")).to_contain_text("Say where.")
    other.locator("#text").fill(BODY.replace("[the sources](http", "[our sources](http"))
    other.locator("#f-subject").fill("Mine")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_role("alert", name="Two versions")).to_contain_text("Say where.")
    expect(other.locator("#f-subject")).to_have_value("Mine")
    other.get_by_role("button", name="Save mine in its place").click()
    expect(other.get_by_text("Saved.", exact=True)).to_be_visible()
    assert "our sources" in saved(house)
    assert "Say where." not in saved(house)
