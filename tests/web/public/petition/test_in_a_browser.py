"""The page and the thanks in a real browser, as a known signer, a stranger and somebody a mail was forwarded to meet
them: in three languages, on a phone and a desktop, with and without our script. Budgets are of what was measured there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect
from sqlalchemy import delete, insert, update

from mailer.store.engine.database import Database
from mailer.store.tables.core import people, subscriptions
from mailer.store.tables.inbound import signatures, statements
from mailer.tracking.tokens import LinkVisit, Named, Purpose, Signer
from mailer.web.public.app import create_app
from mailer.workspace import ACTION_FILE, Workspace
from tests.accessibility import faults_on
from tests.browser import browser
from tests.reports.builders import delivery_id
from tests.web.client import serving
from tests.web.conftest import Served, seed

pytestmark = pytest.mark.sqlite
__all__ = ["browser"]

PHONE, DESKTOP = (390, 844), (1280, 800)
BUDGET = 20_000  # bytes of HTML and CSS
STATEMENT = {
    "en": "We call on the Secretary of State to fine Wye Water plc for every hour that raw sewage runs into the River "
    "Lugg, and to make it publish the readings from every outfall within the hour.",
    "de": "Wir fordern den Umweltminister auf, Wye Water für jede Stunde zu bestrafen, in der Abwasser in den Lugg "
    "fließt, und die Messwerte jedes Auslasses binnen einer Stunde zu veröffentlichen.",
    "ar": "ندعو وزير البيئة إلى تغريم شركة واي ووتر عن كل ساعة تتدفق فيها مياه الصرف الصحي الخام إلى نهر لوغ، وإلزامها "
    "بنشر القراءات من كل مصب خلال ساعة واحدة.",
}
HEADLINE = {
    "en": "Fine Wye Water for every hour of sewage", "de": "Wye Water soll für jede Stunde Abwasser zahlen",
    "ar": "غرّموا واي ووتر عن كل ساعة تلوّث",
}  # fmt: skip
TO = {"en": "the Environment Secretary", "de": "den Umweltminister", "ar": "وزير البيئة"}
BUTTON = {"en": "Sign for a clean river", "de": "Für einen sauberen Fluss unterschreiben", "ar": "وقّع من أجل نهر نظيف"}
FILE = """\
---
headline: "{headline}"
statement: "{statement}"
picture: river.png
alt: "{headline}"
to: "{to}"
button: "{button}"
deadline: 2027-01-12
asks: {{name: Rhiannon Price, role: River campaigner, picture: face.png}}
fields: {{country: required, postcode: optional, comment: optional}}
opt_in: {{list: updates, wording: Email me about this.}}
target: 1000
thanks: We take every name to the ministry.
next:
  headline: £5 tests one stretch of river
  url: https://example.org/give
  amounts: £5, £10, £25
  amount_url: https://example.org/give?amount={{amount}}
language: {language}
---

{statement}

The company says it only spills in heavy rain. So every Sunday our volunteers have tested the water themselves.

> I have stopped taking my class to the river.
>
> Carys Hughes
"""


@dataclass(frozen=True, slots=True)
class River:
    """A petition in three languages, each a page of its own, with signatures; and the links of one reader's mail."""

    served: Served
    now: datetime

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.served.port}"

    def link(self, language: str) -> str:
        """As the mail's button leads there."""
        visit = LinkVisit(Named(delivery_id(1)), 2, self.now)
        return f"{self.base}/act/river-{language}?t={self.served.signer.sign_visit(Purpose.ACT, visit)}"


@pytest.fixture
def river(workspace: Workspace, database: Database, now: datetime) -> Iterator[River]:
    (workspace.lists / "updates.toml").write_text('title = "News"\nlist_id = "news.lists.example.org"\n')
    for language in HEADLINE:
        folder = workspace.newsletters / f"river-{language}"
        folder.mkdir()
        Image.linear_gradient("L").resize((1600, 1000)).convert("RGB").save(folder / "river.png")
        Image.new("RGB", (200, 200), "teal").save(folder / "face.png")
        values = {name: table[language] for name, table in
                  (("headline", HEADLINE), ("statement", STATEMENT), ("to", TO), ("button", BUTTON))}  # fmt: skip
        (folder / ACTION_FILE).write_text(FILE.format(**values, language=language), encoding="utf-8")
    seed(database, now)
    with database.write() as connection:
        connection.execute(
            update(people).where(people.c.id == 1).values(first_name="Marta", last_name="Kovács", country="GB")
        )
        connection.execute(delete(subscriptions).where(subscriptions.c.list_id == 2, subscriptions.c.person_id != 1))
        for language in HEADLINE:
            page = f"river-{language}"
            of = connection.execute(insert(statements).values(page=page, text="x").returning(statements.c.id)).scalar()
            row = {"page": page, "statement_id": of, "changed_at": now}
            ago = [timedelta(minutes=3), timedelta(minutes=12), *[timedelta(days=2)] * 610]
            names = ["Tom", "Aisha", *[""] * 610]
            connection.execute(insert(signatures), [
                {**row, "signed_at": now - before, "first_name": name, "shown": bool(name)}
                for before, name in zip(ago, names, strict=True)
            ])  # fmt: skip
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield River(Served(port, database, Signer(workspace.secrets.require_signing())), now)


def screen(browser: Browser, size: tuple[int, int], **more: object) -> Page:
    options = {"viewport": {"width": size[0], "height": size[1]}, "bypass_csp": True, **more}  # for axe alone
    page = browser.new_context(**options).new_page()  # pyright: ignore[reportArgumentType] - handed through
    page.set_default_timeout(60_000)
    return page


def bottom(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box
    return box["y"] + box["height"]


def look(page: Page) -> None:
    """Nothing hangs over the edge, nothing moved, and axe finds nothing, by day and by night."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    moved = """new Promise((told) => { let sum = 0;
      new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
        .observe({type: 'layout-shift', buffered: true});
      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => told(sum), 0))); })"""
    assert page.evaluate(moved) == 0
    small = """[...document.querySelectorAll('button, summary, .shares a, .next a, .as a, footer a, input, select')]
      .filter((e) => e.offsetParent && !e.closest('.trap') && e.type !== 'checkbox' && e.offsetHeight < 44)
      .map((e) => e.outerHTML.slice(0, 80))"""
    assert page.evaluate(small) == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType] - one of the two
        assert faults_on(page) == [], scheme
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("language", sorted(HEADLINE))
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_known_signer_signs_by_one_press(
    browser: Browser, river: River, size: tuple[int, int], language: str
) -> None:
    page = screen(browser, size)
    page.goto(river.link(language))
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    for selector in ("h1", ".as", "form .go"):
        assert bottom(page, selector) <= size[1], f"{selector} is above the fold"
    assert page.locator("form .go").inner_text() == BUTTON[language]
    look(page)
    html = page.content()
    for secret in ("Marta", "Kovács", "mary1"):
        assert secret not in html, "somebody the mail was forwarded to reads no name"
    page.locator("form .go").click()
    page.wait_for_url(re.compile("/thanks"))
    expect(page.locator("h1")).to_be_visible()
    assert "Marta" not in page.content()
    look(page)
    rows = [row for row in river.served.rows(signatures) if row.person_id == 1]
    assert [(row.page, row.first_name) for row in rows] == [(f"river-{language}", "Marta")]
    page.context.close()


@pytest.mark.parametrize("language", sorted(HEADLINE))
def test_a_strangers_form_begins_above_the_fold_on_a_desktop(browser: Browser, river: River, language: str) -> None:
    page = screen(browser, DESKTOP)
    page.goto(f"{river.base}/act/river-{language}?lang={language}")
    assert bottom(page, "#email") <= DESKTOP[1]
    look(page)
    page.mouse.wheel(0, 400)
    expect(page.locator("#email")).to_be_in_viewport()
    expect(page.locator(".bar")).to_be_hidden()
    page.context.close()


def test_the_language_switch_by_keyboard_on_a_phone(browser: Browser, river: River, workspace: Workspace) -> None:
    for language in ("de", "ar"):
        words = f"headline: {HEADLINE[language]}\nstatement: {STATEMENT[language]}\nopt_in: {{wording: OK}}"
        path = workspace.newsletters / "river-en" / f"action.{language}.md"
        path.write_text(f"---\n{words}\n---\n{STATEMENT[language]}\n", encoding="utf-8")
    page = screen(browser, PHONE)
    page.goto(f"{river.base}/act/river-en?lang=en")
    look(page)
    for language, name, direction in (("de", "Deutsch", "ltr"), ("ar", "العربية", "rtl"), ("en", "English", "ltr")):
        page.get_by_role("link", name=name, exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("html")).to_have_attribute("dir", direction)
        expect(page.locator("h1")).to_have_text(HEADLINE[language])
        expect(page.get_by_role("navigation").get_by_text(name, exact=True)).to_have_attribute("aria-current", "page")
        look(page)
    page.context.close()


def test_on_a_phone_the_way_to_the_form_stays_in_view_until_the_form_does(browser: Browser, river: River) -> None:
    page = screen(browser, (390, 664))  # the bars of the browser take the rest
    page.goto(f"{river.base}/act/river-en")
    bar = page.locator(".bar .go")
    expect(bar).to_be_in_viewport(ratio=1)
    look(page)
    page.evaluate("scrollTo(0, 500)")
    expect(bar).to_be_in_viewport(ratio=1)
    bar.click()
    expect(page.locator("#first_name")).to_be_in_viewport()
    expect(bar).not_to_be_in_viewport()
    page.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_stranger_signs_is_thanked_and_adds_more(
    browser: Browser, river: River, size: tuple[int, int], script: bool
) -> None:
    page = screen(browser, size, java_script_enabled=script, locale="en-IE")
    page.goto(f"{river.base}/act/river-en?lang=en")
    expect(page.locator("#country")).to_have_value("IE")
    page.locator("#first_name").fill("Maria")
    page.locator("#last_name").fill("Lopez")
    page.locator("#email").fill("maria@example.org")
    page.locator("form .go").click()
    expect(page.get_by_role("heading", name="Thank you, Maria")).to_be_visible()
    expect(page.get_by_text("613 names, and one is yours")).to_be_visible()
    # With the script the address is anybody's at once, so it can be passed on.
    assert ("own=" in page.url) is not script
    expect(page.locator(".copy button")).to_be_visible(visible=script)
    if script:
        look(page)
    page.locator("#comment").fill("My son swims there.")
    page.get_by_label("Show my first name on the petition").check()
    page.get_by_role("button", name="Add this to my signature").click()
    expect(page.get_by_text("Added. Thank you.")).to_be_visible()
    (row,) = [row for row in river.served.rows(signatures) if row.first_name == "Maria"]
    assert (row.comment, row.shown, row.country) == ("My son swims there.", True, "IE")
    page.context.close()


def test_a_country_that_is_not_in_the_list_is_written(browser: Browser, river: River) -> None:
    page = screen(browser, PHONE, java_script_enabled=False, locale="en-GB")
    page.goto(f"{river.base}/act/river-en")
    other = page.get_by_role("textbox", name="Another country")
    expect(other).to_be_hidden()
    page.get_by_role("combobox", name="Country").select_option("Another country")
    other.fill("Монголия")
    for name, words in (("first_name", "Maria"), ("last_name", "Lopez"), ("email", "maria@example.org")):
        page.locator(f"#{name}").fill(words)
    page.locator("form .go").click()
    expect(page.get_by_role("heading", name="Thank you, Maria")).to_be_visible()
    assert [row.country for row in river.served.rows(signatures) if row.first_name == "Maria"] == ["MN"]
    page.context.close()


def test_errors_are_shown_above_the_fold_of_a_phone(browser: Browser, river: River) -> None:
    page = screen(browser, PHONE, locale="en-GB")
    page.goto(f"{river.base}/act/river-en")
    page.locator("form").evaluate("form => form.noValidate = true")
    page.locator("#first_name").fill("Maria")
    page.locator("form .go").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_in_viewport()
    expect(alert).to_have_text("Nearly there. Please check the 2 fields marked below.")
    look(page)
    page.context.close()


def test_the_whole_statement_can_be_read_and_folded_again(browser: Browser, river: River) -> None:
    page = screen(browser, PHONE)
    page.goto(river.link("en"))
    folded = page.locator(".clamp")
    line = float(page.evaluate("parseFloat(getComputedStyle(document.querySelector('.clamp')).lineHeight)"))
    box = folded.bounding_box()
    assert box
    assert box["height"] <= 2 * line + 2
    page.get_by_text("Read the whole statement").click()
    expect(folded).to_be_hidden()
    expect(page.locator("details blockquote")).to_contain_text("within the hour.")
    page.get_by_text("Show less").click()
    expect(folded).to_be_visible()
    page.context.close()


def test_the_link_is_copied(browser: Browser, river: River) -> None:
    page = screen(browser, DESKTOP, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{river.base}/act/river-en/thanks")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "https://mail.example.org/act/river-en"
    page.context.close()


def test_a_phone_opens_its_own_ways_to_share(browser: Browser, river: River) -> None:
    page = screen(browser, PHONE, has_touch=True, is_mobile=True)
    page.add_init_script(
        "navigator.share = (post) => { document.title = JSON.stringify(post); return Promise.resolve(); }"
    )
    page.goto(f"{river.base}/act/river-en/thanks")
    page.get_by_role("button", name="More ways to share").click()
    page.wait_for_function("document.title.includes('https://mail.example.org/act/river-en')")
    page.context.close()


def test_the_count_renews(browser: Browser, river: River) -> None:
    page = screen(browser, DESKTOP)
    page.clock.install()
    page.goto(f"{river.base}/act/river-en")
    page.route("**/count?*", lambda route: route.fulfill(body='<p class="count"><strong>700</strong></p>'))
    expect(page.locator(".count strong")).to_have_text("612")
    page.clock.run_for(31_000)
    expect(page.locator(".count strong")).to_have_text("700")
    page.context.close()


def test_what_a_page_weighs_and_asks_for(browser: Browser, river: River) -> None:
    """Bytes of HTML and CSS, requests, and nothing from elsewhere."""
    for path in (river.link("en"), river.link("de"), river.link("ar"), f"{river.base}/act/river-en/thanks",
                 f"{river.base}/act/river-ar/thanks", f"{river.base}/act/river-en"):  # fmt: skip
        page = screen(browser, PHONE)
        asked: list[Request] = []
        page.on("request", lambda one, asked=asked: asked.append(one))
        answer = page.goto(path)
        assert answer
        page.wait_for_load_state("networkidle")
        assert len(answer.body()) < BUDGET, path
        assert all(one.url.startswith(river.base) for one in asked)
        kinds = [one.resource_type for one in asked]
        assert kinds.count("stylesheet") == kinds.count("font") == 0
        assert kinds.count("script") == 1
        assert len(kinds) <= 6, kinds  # page, script, icon, picture, who asks
        page.context.close()
