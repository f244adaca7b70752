"""The brand: samples and judgement follow what is typed, before it is saved, and what can't be read is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from mailer.settings import read_settings
from mailer.staff.rights import Role
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.conftest import REPOSITORY
from tests.web.studio.conftest import House
from tests.web.studio.settings.test_forms import base, save

pytestmark = pytest.mark.sqlite  # what is in the database is for tests/editing/settings

PATH = "/settings/brand"


def part(house: House, name: str, **typed: str) -> str:
    words = urlencode({f"brand.{key}": value for key, value in typed.items()} | {"colours": typed.get("colours", "")})
    reply = house.get(f"{PATH}/{name}?{words}", cookie=house.sign_in(Role.ADMIN))
    assert reply.status == 200
    return reply.text


def test_the_samples_have_the_colours_that_are_typed_and_nothing_is_saved(house: House) -> None:
    before = (house.workspace.root / "mailer.toml").read_bytes()
    for name in ("mail", "page"):
        assert "#7a1f3d" in part(house, name, primary="#7a1f3d")
        assert "#7a1f3d" not in part(house, name, primary="#7a1f")
    assert "Eleven of them were ill" in part(house, "mail")
    assert "invert(.92)" in part(house, "mail", colours="inverted")
    reply = house.get(f"{PATH}/mail", cookie=house.sign_in(Role.ADMIN))
    assert "frame-ancestors 'self'" in reply.headers["content-security-policy"]
    assert (house.workspace.root / "mailer.toml").read_bytes() == before


def test_a_logo_is_in_the_sample_and_one_that_is_not_there_is_said(house: House) -> None:
    picture = REPOSITORY / "newsletters" / "2026-12-year-in-review" / "school.png"
    (house.workspace.root / "logo.png").write_bytes(picture.read_bytes())
    assert 'src="data:image/' in part(house, "mail", logo="logo.png", logo_alt="The river")
    assert "nologo.png" in part(house, "mail", logo="nologo.png")


def test_a_logo_is_taken_in_as_a_picture_and_nothing_else_is(house: House) -> None:
    picture = REPOSITORY / "newsletters" / "2026-12-year-in-review" / "school.png"
    taken = house.post(f"{PATH}/logo", picture.read_bytes(), cookie=house.sign_in(Role.ADMIN))
    name = json.loads(taken.text)["name"]
    assert re.fullmatch(r"brand/[0-9a-f]{16}\.(png|jpg)", name)
    assert 'src="data:image/' in part(house, "mail", logo=name, logo_alt="The river")
    refused = house.post(f"{PATH}/logo", b"<svg/>", cookie=house.sign_in(Role.ADMIN))
    assert (refused.status, len(list((house.workspace.root / "brand").iterdir()))) == (422, 1)
    limited = house.post(f"{PATH}/logo", picture.read_bytes(), cookie=house.sign_in(Role.ADMIN, "L", lists=["x"]))
    assert limited.status == 422


def test_what_can_not_be_read_is_said_with_the_shade_that_would_do(house: House) -> None:
    assert "Everything can be read" in part(house, "contrast")
    told = part(house, "contrast", link="#9fc5e8", on_primary="#4477aa")
    assert "Links can&#39;t be read well: “Links” on “Ground of the text” has 1.8 : 1." in told
    presses, link = 0, "#9fc5e8"
    while found := re.search(r'data-use="brand.link" data-value="(#[0-9a-f]{6})"', part(house, "contrast", link=link)):
        link, presses = found[1], presses + 1
    assert 1 <= presses <= 3


def test_without_script_it_is_looked_at_by_a_press(house: House) -> None:
    body = urlencode({"base": base(house, PATH), "brand.primary": "#7a1f3d", "brand.link": "#9fc5e8"}).encode()
    page = house.post(f"{PATH}/look", body, cookie=house.sign_in(Role.ADMIN)).text
    assert "/settings/brand/mail?brand.primary=%237a1f3d" in page
    assert 'value="#7a1f3d"' in page
    assert "can&#39;t be read well" in page
    assert (
        save(house, PATH, brand__primary="#7a1f3d", brand__social="Bluesky: https://bsky.app/profile/us").status == 303
    )
    brand = read_settings(house.workspace.root, {}).brand
    assert (brand.primary, dict(brand.social)) == ("#7a1f3d", {"Bluesky": "https://bsky.app/profile/us"})


@pytest.fixture(params=[(390, 844), (1440, 900)], ids=["phone", "desktop"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:  # noqa: F811
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def test_somebody_changes_the_brand(house: House, page: Page) -> None:
    """The walk: a colour that can't be read, the shade that can, and saved."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(house.door)
    page.goto(f"{house.origin}/settings")
    page.get_by_role("link", name="Brand").click()
    page.get_by_label("Main colour", exact=True).fill("#b7d4ef")
    page.get_by_label("Links", exact=True).fill("#b7d4ef")
    expect(page.locator("#contrast")).to_contain_text("can't be read well")
    mail = page.frame_locator("iframe[title='The sample mail']:not(.coming)")
    expect(mail.locator("body")).to_contain_text("Dear Ada")
    page.locator('[data-use="brand.link"]').click()
    page.get_by_label("Main colour", exact=True).fill("#0b6069")
    page.get_by_label("Links", exact=True).fill("#0b6069")
    expect(page.locator("#contrast")).to_contain_text("Everything can be read")
    page.get_by_role("button", name="Inverted").click()
    expect(page.locator("iframe[title='The sample mail']:not(.coming)")).to_have_attribute(
        "src", re.compile("inverted")
    )
    assert said == [], "the policy refused something"
    assert faults_on(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]  # type: ignore[index]
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    brand = read_settings(house.workspace.root, {}).brand
    assert brand.primary == "#0b6069"
