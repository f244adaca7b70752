"""The supporter's whole walk in a real browser, on a phone and a desktop: from the mail to the signature, the thanks,
the preferences, leaving and undoing it, and signing up anew. Each page is looked at by axe-core, and a picture is kept.

Everything runs as staff run it: `mailer init`, `import`, `send`, `serve`. Pictures are kept in test-pictures/.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mailer.compose.colours.palette import palettes
from mailer.settings import Brand
from tests.accessibility import faults_on
from tests.browser import browser, picture_of
from tests.conftest import REPOSITORY
from tests.patience import HANG_SECONDS, until

__all__ = ["browser"]

pytestmark = pytest.mark.sqlite
SLUG = "2026-11-ask-un-experts"
PICTURES = REPOSITORY / "test-pictures"
PEOPLE = (
    "Email,First name,Last name,Country,Language\n"
    "mary@example.org,Mary,Poppins,GB,en\njose@example.org,José,Núñez,ES,es\nlayla@example.org,ليلى,حداد,EG,ar\n"
)
DARK = palettes(Brand(primary="#1d4f91"))[1]
NIGHT, NIGHT_CARD = ("rgb({}, {}, {})".format(*bytes.fromhex(colour[1:])) for colour in (DARK.page, DARK.card))
LIGHT = 20_000  # bytes of a page without pictures
RIVER = "clean-our-river"  # a petition in the languages of those three people: subject, button, goal, demand
TEXTS = {
    "en": (
        "Clean our river",
        "Sign for a clean river",
        "Sewage runs into our river.",
        "We ask the council to stop it.",
    ),
    "es": (
        "Limpiemos nuestro río",
        "Firmar por el río",
        "Las cloacas van al río.",
        "Pedimos al municipio que lo pare.",
    ),
    "ar": ("نظّفوا نهرنا", "وقّع من أجل النهر", "مياه الصرف تصبّ في نهرنا.", "نطالب المجلس بوقف ذلك."),
}
READERS = {"en": "mary@example.org", "es": "jose@example.org", "ar": "layla@example.org"}
THANKS = {"en": "Thank you", "es": "Gracias", "ar": "شكرًا"}


def keep_picture(page: Page, name: str) -> None:
    """For people to look at."""
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(picture_of(page, full_page=True))


@dataclass(frozen=True, slots=True)
class World:
    """A workspace that has sent its appeal, and its server."""

    root: Path
    base: str
    environ: dict[str, str]

    def mailer(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "mailer", *arguments], cwd=self.root, env=self.environ, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip

    def mails(self, address: str) -> list[EmailMessage]:
        found: list[EmailMessage] = []
        for path in sorted((self.root / "outbox" / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            if address in str(mail["To"]):
                found.append(mail)
        return found

    def html(self, mail: EmailMessage) -> str:
        body = mail.get_body(("html",))
        assert body is not None
        return body.get_content()


def write_petition(folder: Path) -> None:
    folder.mkdir()
    for language, (subject, button, fact, demand) in TEXTS.items():
        ending = "md" if language == "en" else f"{language}.md"
        ours = "list: supporters\ntemplate: appeal\nlanguage: en\n" if language == "en" else ""
        action = f"action: {{{'page: true, ' if ours else ''}label: {button}}}"
        message = f"subject: {subject}\npreheader: {demand}\n{ours}{action}\n---\n{fact}\n\n::: ask\n:::\n"
        (folder / f"message.{ending}").write_text(f"---\n{message}", encoding="utf-8")
        asked = "fields: {country: required}\ntarget: 1000\n" if ours else ""
        page = f"headline: {subject}\nstatement: {demand}\nbutton: {button}\n{asked}---\n{fact}\n"
        (folder / f"action.{ending}").write_text(f"---\n{page}", encoding="utf-8")


def is_ready(base: str) -> bool:
    try:
        urllib.request.urlopen(f"{base}/readyz", timeout=HANG_SECONDS).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("walk") / "workspace"
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port = opened.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}
    environ |= {"MAILER_PUBLIC_URL": f"http://127.0.0.1:{port}", "PYTHONPATH": str(REPOSITORY)}
    made = World(root, environ["MAILER_PUBLIC_URL"], environ)
    subprocess.run([sys.executable, "-m", "mailer", "init", str(root)], env=environ, check=True, capture_output=True)
    definition = root / "lists" / "supporters.toml"
    text = definition.read_text().replace("public_form = false", "public_form = true")
    definition.write_text(text.replace('opt_in = "single"', 'opt_in = "double"'))
    (root / "people.csv").write_text(PEOPLE, encoding="utf-8")
    made.mailer("import", "supporters", "people.csv")
    write_petition(root / "newsletters" / RIVER)
    for slug in (SLUG, RIVER):
        made.mailer("send", slug, "--yes", "3")
    server = subprocess.Popen(
        [sys.executable, "-m", "mailer", "serve", "--port", str(port)], cwd=root, env=environ, stdout=subprocess.DEVNULL
    )
    try:
        until(lambda: server.poll() is not None or is_ready(made.base), why="the supporters' door")
        yield made
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(HANG_SECONDS)


@dataclass(frozen=True, slots=True)
class Screen:
    """One visitor's screen, whose pages are looked at and kept as pictures."""

    page: Page
    name: str

    def look(self, step: str, *, mail: bool = False) -> None:
        """Keep pictures, let axe look, by day and by night; see that nothing hangs over the edge or is torn apart."""
        keep_picture(self.page, f"{step}-{self.name}")
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{step} is too wide"
        # A label squeezed into a column of single letters is neither too wide nor a fault to axe.
        squeezed = "[...document.querySelectorAll('label, p, a, button')].filter((e) => e.offsetHeight > 600).length"
        assert self.page.evaluate(squeezed) == 0, f"{step} has something squeezed"
        if mail:
            return
        addresses = "[...document.querySelectorAll('main p bdi')].filter((e) => e.textContent.includes('@'))"
        torn = f"{addresses}.filter((e) => e.getClientRects().length > 1).length"
        assert self.page.evaluate(torn) == 0, f"{step} has an address on two lines"
        assert faults_on(self.page) == [], step
        self.page.emulate_media(color_scheme="dark")
        keep_picture(self.page, f"{step}-{self.name}-dark")
        assert self.page.evaluate("getComputedStyle(document.body).backgroundColor") == NIGHT, step
        assert faults_on(self.page) == [], f"{step} in the dark"
        self.page.emulate_media(color_scheme="light")


@pytest.fixture(params=[("phone", 390, 844, "mary@example.org"), ("desktop", 1280, 900, "jose@example.org")],
                ids=["phone", "desktop"])  # fmt: skip
def walker(request: pytest.FixtureRequest, browser: Browser, world: World) -> Iterator[tuple[Screen, str]]:
    name, width, height, address = request.param
    context = browser.new_context(
        viewport={"width": width, "height": height}, is_mobile=name == "phone", has_touch=name == "phone",
        bypass_csp=True,  # for axe alone, which is put into the page
    )  # fmt: skip
    elsewhere: list[str] = []
    page = context.new_page()
    page.on(
        "request", lambda asked: None if asked.url.startswith((world.base, "about:")) else elsewhere.append(asked.url)
    )
    yield Screen(page, name), address
    context.close()
    own = (world.base, "about:", "data:")
    assert [url for url in elsewhere if not url.startswith(own)] == [], "loads nothing from elsewhere"


def footer_links(html: str, base: str) -> dict[str, str]:
    """The addresses of ours at the end of a mail, by their letter."""
    return {kind: f"{base}/{kind}/{token}" for kind, token in re.findall(rf"{re.escape(base)}/([upv])/([\w-]+)", html)}


def test_from_the_mail_to_the_signature_and_out_and_in_again(world: World, walker: tuple[Screen, str]) -> None:
    screen, address = walker
    page = screen.page
    html = world.html(world.mails(address)[0])
    page.set_content(html)
    screen.look("1-mail", mail=True)

    # The button leads to the form, filled in for its reader and for nobody else.
    button = page.get_by_role("link", name="Add your name").first.get_attribute("href")
    assert button is not None
    answer = page.goto(button)
    assert answer is not None
    assert len(answer.body()) < LIGHT
    screen.look("2-action-page")
    text = page.inner_text("body")
    assert "Signing as" in text or "Firma como" in text
    assert address not in page.content()
    assert "Poppins" not in page.content()
    assert "Núñez" not in page.content()
    page.locator("form button").last.click()
    assert f"/act/{SLUG}/thanks" in page.url
    screen.look("3-thanks")
    assert page.get_by_role("link", name=re.compile("WhatsApp")).count() == 1

    links = footer_links(html, world.base)
    page.goto(links["p"])
    screen.look("4-preferences")
    page.locator("input[name=frequency][value=monthly]").check()
    page.locator("form").first.locator("button").first.click()
    screen.look("5-preferences-saved")
    assert page.locator("input[name=frequency][value=monthly]").is_checked()

    page.goto(links["u"])
    screen.look("6-unsubscribe")
    page.locator("form button").first.click()
    screen.look("7-unsubscribed")
    page.locator("form[action$='/undo'] button, form button").last.click()
    screen.look("8-undone")
    person = json.loads(world.mailer("people", "show", address, "--json"))
    assert [one["status"] for one in person["lists"]] == ["subscribed"]
    assert person["frequency"] == "monthly"
    kinds = [moment["kind"] for moment in person["story"]]
    assert kinds.count("signature") == 1
    assert kinds.count("click") >= 1

    figures = json.loads(world.mailer("report", SLUG, "--json"))
    assert figures["delivered"]["sent"] == 3
    assert figures["signed"]["people"] == figures["signed"]["on_page"] >= 1
    # A headless browser says what it is, and came within seconds of the mail: its clicks are stored, and nobody's.
    assert figures["action"]["raw"] >= 1
    assert figures["action"]["people"] == 0


def test_a_petition_in_three_languages_is_signed_by_two_presses(world: World, browser: Browser) -> None:
    """Each reader's mail leads to the page in their language and from there to thanks in it, on a phone and again on a
    desktop, which is one signature. Somebody the mail was forwarded to, and a stranger, fill in the blank form."""
    devices = {"phone": (390, 844), "desktop": (1280, 900)}
    for name, (width, height) in devices.items():
        for language, address in READERS.items():
            context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=False)
            subject, button, _, demand = TEXTS[language]
            (mail,) = (one for one in world.mails(address) if str(one["Subject"]) == subject)
            page = context.new_page()
            page.set_content(world.html(mail))
            page.get_by_role("link", name=button).first.evaluate("link => link.removeAttribute('target')")
            page.get_by_role("link", name=button).first.click()
            expect(page.locator("h1")).to_have_text(subject)
            assert page.locator("html").get_attribute("lang") == language
            assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
            expect(page.locator("#sign blockquote").first).to_have_text(demand)
            sign = page.locator("form .go")
            expect(sign).to_have_text(button)
            expect(sign).to_be_in_viewport(ratio=1)
            keep_picture(page, f"18-from-the-mail-{language}-{name}")
            sign.click()
            expect(page.locator("h1")).to_contain_text(THANKS[language])
            assert page.locator("html").get_attribute("lang") == language
            assert f"lang={language}" in page.url
            keep_picture(page, f"19-thanks-{language}-{name}")
            context.close()

    link = re.search(rf'{re.escape(world.base)}/c/[^"]+', world.html(world.mails(READERS["es"])[-1]))
    assert link
    forwarded = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB").new_page()
    forwarded.goto(link[0])
    assert not {"José", "Núñez", "jose"} & set(re.findall(r"\w+", forwarded.content())), "forwarded mail names nobody"
    forwarded.get_by_role("link", name="¿No eres tú?").click()
    stranger = browser.new_context(viewport={"width": 1280, "height": 900}, locale="de-AT").new_page()
    stranger.goto(f"{world.base}/act/{RIVER}")
    for page, language, who in ((forwarded, "es", "Ana"), (stranger, "en", "Resi")):
        expect(page.locator("h1")).to_have_text(TEXTS[language][0])
        for field, text in (("first_name", who), ("last_name", "Li"), ("email", f"{who}@example.net")):
            page.locator(f"#{field}").fill(text)
        assert page.locator("#country").input_value() in ("GB", "AT")
        page.locator("form .go").click()
        expect(page.locator("h1")).to_contain_text(f"{THANKS[language]}, {who}")
        page.context.close()

    figures = json.loads(world.mailer("report", RIVER, "--json"))
    assert figures["signed"]["on_page"] == 5, "one count"
    assert {one["language"]: one["signed"] for one in figures["by_version"]} == {"en": 1, "es": 1, "ar": 1}
    assert figures["page_languages"] == {"en": 2, "es": 2, "ar": 1}


def test_a_newcomer_signs_up_and_confirms_by_mail(world: World, walker: tuple[Screen, str]) -> None:
    screen, _ = walker
    page = screen.page
    address = f"new-{screen.name}@example.org"
    page.goto(f"{world.base}/join/supporters?lang=fr")
    screen.look("9-join")
    page.locator("input[type=email]").fill(address)
    page.locator("input[type=checkbox]").check()
    page.locator("form button").click()
    screen.look("10-check-your-inbox")
    until(lambda: world.mails(address), why="the mail that asks")
    (mail,) = world.mails(address)
    page.set_content(world.html(mail))
    screen.look("11-confirmation-mail", mail=True)
    page.emulate_media(color_scheme="dark")
    keep_picture(page, f"11-confirmation-mail-{screen.name}-dark")
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor") == NIGHT_CARD
    assert "color-contrast" not in {rule for rule, _ in faults_on(page)}
    page.emulate_media(color_scheme="light")
    found = re.search(rf"{re.escape(world.base)}/confirm/[\w-]+", world.html(mail))
    assert found
    page.goto(found[0])
    screen.look("12-confirm")
    assert json.loads(world.mailer("people", "find", address, "--json")) == [], "opening a link changes nothing"
    page.locator("form button").first.click()
    screen.look("13-confirmed")
    person = json.loads(world.mailer("people", "show", address, "--json"))
    assert [one["status"] for one in person["lists"]] == ["subscribed"]
    assert "Yes, email me" in json.dumps(person["consents"])


def test_what_everybody_sees_reads_well_from_right_to_left(world: World, walker: tuple[Screen, str]) -> None:
    screen, _ = walker
    page = screen.page
    for path, step in ((f"/act/{SLUG}?lang=ar", "14-action-arabic"), ("/archive?lang=ar", "15-archive-arabic"),
                       ("/c/nothing/1", "16-lost"), ("/", "17-home")):  # fmt: skip
        page.goto(world.base + path)
        screen.look(step)


def test_the_mail_itself_is_accessible(world: World, browser: Browser) -> None:
    """axe on the mail: what it says beside these rules is a defect of ours.

    landmark-one-main and region ask for landmarks of a whole page, which a mail inside a mail program is not
    (github.com/mjmlio/mjml/issues/2954).
    """
    for address in ("mary@example.org", "layla@example.org"):
        context = browser.new_context(viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.set_content(world.html(world.mails(address)[0]))
        told = {rule for rule, _ in faults_on(page)} - {"landmark-one-main", "region"}
        assert told == set()
        context.close()


def test_a_mail_in_the_browser_has_a_main_part(world: World, browser: Browser) -> None:
    found = re.search(rf"{re.escape(world.base)}/v/[\w-]+", world.html(world.mails("mary@example.org")[0]))
    assert found
    page = browser.new_page(viewport={"width": 390, "height": 844}, bypass_csp=True)  # for axe
    page.goto(found[0])
    assert page.locator("main").count() == 1
    assert "landmark-one-main" not in {rule for rule, _ in faults_on(page)}
    page.close()


def test_links_of_footnotes_are_large_enough_for_a_finger(world: World, browser: Browser) -> None:
    """WCAG 2.2, 2.5.8: 24 by 24 CSS pixels."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{world.base}/act/{SLUG}")
    for name in (".footnote-backref", ".footnote-ref a"):
        boxes = [link.bounding_box() for link in page.locator(name).all()]
        assert boxes, name
        assert all(box and box["width"] >= 24 and box["height"] >= 24 for box in boxes), (name, boxes)
    page.close()
