"""A writer brings a table in, and looks at what a newsletter takes from a feed: on a desktop and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.delivery.data.sites import item, rss
from tests.web.studio.conftest import SLUG, House
from tests.web.studio.library.test_browser import go_to, is_ours, no_faults


@pytest.mark.sqlite
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_a_table_is_brought_in_and_a_feed_looked_at(
    browser: Browser,  # noqa: F811
    house: House,
    size: tuple[int, int],
    tmp_path: Path,
) -> None:
    (tmp_path / "mps.csv").write_text("Postcode,MP\nLS1 4AB,Ann Lee\nls1 4ab,Bob\n", encoding="utf-8")
    (house.file.parent / "f.xml").write_bytes(rss(item("Otters return", link="https://news.example.com/a")))
    text = house.file.read_text(encoding="utf-8")
    house.file.write_text(text.replace("list:", "data:\n  news: f.xml\n  far: https://localhost/f\nlist:", 1))
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda told: complaints.append(told.text) if is_ours(told) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(house.door)
    go_to(page, "Data", is_wide=size[0] > 640)
    no_faults(page)
    page.locator("#f-file").set_input_files(tmp_path / "mps.csv")
    page.get_by_role("button", name="Bring it in").click()
    expect(page.get_by_role("alert")).to_contain_text("This postcode has two rows (line 3)")
    no_faults(page)
    (tmp_path / "mps.csv").write_text("Postcode,MP\nLS1 4AB,Ann Lee\n", encoding="utf-8")
    page.locator("#f-file").set_input_files(tmp_path / "mps.csv")
    page.get_by_role("button", name="Bring it in").click()
    expect(page.get_by_role("status")).to_contain_text("in its place")
    expect(page.get_by_role("cell", name="Ann Lee")).to_be_visible()
    no_faults(page)

    page.goto(f"http://127.0.0.1:{house.port}/newsletters/{SLUG}/")
    expect(page.locator("#findings")).to_contain_text("“far” can’t be read")
    page.get_by_role("link", name="Everything it holds").click()
    expect(page.get_by_text("Otters return")).to_be_visible()
    no_faults(page)
    page.get_by_role("button", name="Read again").click()
    expect(page.get_by_text("private network")).to_be_visible()
    context.close()
    assert complaints == []
