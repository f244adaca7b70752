"""Pictures of a mail or a page, taken by a headless browser without scripts and without a network: what it needs is
handed to it.

The browser is the system's own, chromium-headless-shell if it is there: it calls nobody when it starts. Its driver,
playwright, is the optional extra `shots`; it lays a page out at a true 390 px, which the browser by itself does not.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.compose.message import Image
from mailer.errors import MailerError
from mailer.private_files import open_private, private_folder
from mailer.web.studio.preview.frame import Look, dressed
from mailer.web.studio.preview.person_mail import Press

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # full Chromium calls its maker at the start: that must fail
)
PLACE = "http://mail.invalid"  # RFC 6761 §6.4: no such host can exist
PATIENCE_MS = 20_000


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its name, the width of the page in CSS pixels, how many of the picture's make one, and its look."""

    name: str
    width: int
    height: int
    scale: float
    look: Look


SHOTS = tuple(
    Shot(f"{screen}-{name}", width, height, scale, look)
    for screen, width, height, scale in (("phone", 390, 844, 2.0), ("desktop", 1280, 900, 1.0))
    for name, look in (("light", Look.LIGHT), ("dark", Look.DARK), ("forced-dark", Look.FORCED))
)


@dataclass(frozen=True, slots=True)
class Sitter:
    """What pictures are taken of. `html` in each look, None where it has none; `picture`: what it shows, by digest."""

    name: str
    html: Callable[[Look], str | None]
    picture: Callable[[str], tuple[Image, bytes] | None] = lambda _: None


def mail_sitter(press: Press, supporter: Mapping[str, str], name: str = "") -> Sitter:
    """A mail as this person gets it."""
    html = press.in_frame(supporter, base=PLACE, place="desktop/wide/ada")

    def looking(look: Look) -> str:
        # Chromium's own forced dark is nearer to what mail programs do than our filter, so the mail is left light.
        return dressed(html, Look.LIGHT if look is Look.FORCED else look, narrow=True)

    return Sitter(name or press.message.slug, looking, press.picture)


def page_sitter(name: str, html: str) -> Sitter:
    """A page of ours with all that it shows in it: browsers turn no colours of a page that has dark ones."""
    return Sitter(name, lambda look: None if look is Look.FORCED else html)


def take_shots(sitters: Sequence[Sitter], *, folder: Path, shots: Sequence[Shot] = SHOTS) -> Iterator[Path]:
    """Write NAME-phone-light.png and so on, yielding each path. Raises `MailerError` when there is no browser."""
    path = _browser_path()
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise MailerError(
            "pictures need the optional part `shots`, which is not installed",
            remedy="Install it: pip install 'advocacy-mailer[shots]'",
        ) from None
    private_folder(folder)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *_unprivileged()])
            for sitter, shot in product(sitters, shots):
                html = sitter.html(shot.look)
                if html is not None:
                    target = folder / f"{sitter.name}-{shot.name}.png"
                    _take(browser, sitter, html, shot, target)
                    yield target
            browser.close()
    except Error as error:
        first = str(error).strip().splitlines()[0]
        raise MailerError(
            f"the browser {path} could not take the pictures: {first}", remedy="Try it by hand: see docs/preview.md"
        ) from error


def _take(browser: Browser, sitter: Sitter, html: str, shot: Shot, target: Path) -> None:
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height}, device_scale_factor=shot.scale,
        java_script_enabled=False, color_scheme="dark" if shot.look is Look.DARK else "light",
        service_workers="block", offline=False,
    )  # fmt: skip
    try:

        def answer(route: Route) -> None:
            """What is shown and its pictures; whatever else it asks for is refused, wherever that is."""
            url = route.request.url
            if url == f"{PLACE}/":
                route.fulfill(body=html, content_type="text/html; charset=utf-8")
                return
            digest = url.removeprefix(f"{PLACE}/pictures/")
            found = sitter.picture(digest) if digest != url else None
            if found is None:
                route.abort()
            else:
                route.fulfill(body=found[1], content_type=found[0].content_type)

        context.route("**/*", answer)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if shot.look is Look.FORCED:
            page.context.new_cdp_session(page).send("Emulation.setAutoDarkModeOverride", {"enabled": True})
        page.goto(f"{PLACE}/")
        picture = page.screenshot(full_page=True)
        with open_private(target, "wb") as file:
            file.write(picture)
    finally:
        context.close()


def _browser_path() -> str:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise MailerError(
            "pictures need a headless browser, and there is none on this machine",
            remedy="On Debian and Ubuntu: sudo apt install chromium-headless-shell, or chromium",
        )
    return path


def _unprivileged() -> list[str]:
    """Root, as in a container, has no sandbox of Chromium's; scripts are off, and nothing is fetched."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
