"""The rooms of a newsletter that left, in a real browser: narrow and wide, light and dark, and for everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from mailer.staff.actor import terminal
from mailer.store.tables.states import DeliveryState
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import HERE, House
from tests.web.studio.sendings import ask_links, launch, send, set_state, sign

pytestmark = pytest.mark.sqlite

ROOMS_AFTER = (
    "results", "results?chart=bars&measure=people", "results?chart=table&measure=all", "following", "history",
    "following/people/uncertain",
)  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (900, "dark"), (1440, "light"), (390, "dark")])
def test_every_room_is_accessible_and_fits_its_screen(
    browser: Browser,  # noqa: F811
    house: House,
    width: int,
    scheme: str,
) -> None:
    campaign = launch(house.studio, by=terminal())
    send(house.studio)
    set_state(house.studio, campaign, (2,), DeliveryState.UNCERTAIN)
    sign(house.studio, campaign, 1, n=ask_links(house.studio, campaign)[0])
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # for axe alone, which is put into the page
    )
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    opened.goto(house.door)
    for room in ROOMS_AFTER:
        opened.goto(f"{house.origin}{HERE}{room}")
        opened.get_by_role("heading", level=2).first.wait_for()
        assert faults_on(opened, least=10, frames=False) == [], room
        assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), room
    context.close()
