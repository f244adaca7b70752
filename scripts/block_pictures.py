"""Makes the pictures of docs/writing.md and docs/templates.md: each block as it comes out, and the templates.

Run it again after a change to templates/: .venv/bin/python -m scripts.block_pictures
What is typed for each block is here once; a test holds docs/writing.md against it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, sync_playwright

from mailer.cli.newsletter.starter import make_workspace
from mailer.compose.colours.palette import palettes
from mailer.compose.compiler import compile_message
from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.source.message_file import read_source
from mailer.editing.first_draft import make_newsletter
from mailer.settings import Brand
from mailer.web.pages.progress_png import draw, share_of, words_in
from mailer.workspace import Workspace, find_workspace

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
BROWSERS = ("chromium-headless-shell", "chromium")
TEMPLATES = ("appeal", "update", "urgent", "thanks", "digest", "event")
URLS = Urls(*(f"https://mail.example.org/{letter}/TOKEN" for letter in "cuvp"))
READER = {"first_name": "Zoë", "country": "GB", "email": "zoe@example.org"}
SIGNATURE = """\
signature: |
  ![Amina O’Neill](amina.png)
  **Amina O’Neill**\\
  Campaigns, {{ organisation.name }}
"""

TYPED = {
    "ask": "::: ask\n:::",
    "quote": "::: quote Amina, who learned to read here\nI came for the heating and stayed for the books.\n:::",
    "picture": "::: picture\n![A parliament building at dusk with one lit window](parliament.png)\n"
    "The council’s house on the evening of the vote. [More pictures](https://example.org/pictures)\n:::",
    "numbers": "::: numbers\n- **400** visitors each day\n- **20,000** books lent in a year\n"
    "- **12** people work here\n:::",
    "story": "::: story\n![A stack of letters](letters.png)\n\n### A letter that was answered\n\n"
    "In March we carried your names to the council.\n\n[Read their answer](https://example.org/answer)\n:::",
    "progress": "::: progress\nHelp us reach **20,000** before Thursday.\n:::",
    "share": "::: share\nThe council wants to close our library. I have signed to keep it. Will you?\n:::",
    "ps": "::: ps\nForward this mail to one neighbour: that is how we reached the first thousand.\n:::",
}
FRONT = """\
---
subject: "Keep our library open"
preheader: "The council votes on Thursday. Two minutes of yours can change it."
list: supporters
template: appeal
action:
  url: https://action.example.org/act/library
  label: Add your name
{more}---

{body}
"""


def html_of(workspace: Workspace, slug: str) -> str:
    """A newsletter as one reader gets it."""
    source = read_source(workspace.newsletter(slug))
    definition = workspace.list_definition("supporters")
    compiled = compile_message(source, definition=definition, known_fields=())
    return MergeProgram(compiled.message).html(READER, URLS)


def write(workspace: Workspace, slug: str, body: str, more: str = "") -> None:
    """A newsletter of one block, with the samples' pictures beside it."""
    folder = workspace.newsletters / slug
    folder.mkdir()
    for picture in (ROOT / "newsletters" / "2026-12-year-in-review").glob("*.png"):
        shutil.copyfile(picture, folder / picture.name)
    (folder / "message.md").write_text(FRONT.format(body=body, more=more), encoding="utf-8")


def opened(browser: Browser, html: str, workspace: Workspace, width: int) -> Page:
    """The mail in a window `width` pixels wide; its pictures come from the workspace, nothing from outside."""

    def answer(route: Route) -> None:
        address = route.request.url
        files = list(workspace.newsletters.rglob(address.rpartition("/")[2])) if "/i/" in address else []
        if files:
            route.fulfill(body=files[0].read_bytes(), content_type="image/png")
        elif "/progress/" in address:
            colours, _ = palettes(Brand())
            words = words_in("en", 13_482, 20_000)
            route.fulfill(body=draw(words, share_of(13_482, 20_000), colours), content_type="image/png")
        else:
            route.abort()

    page = browser.new_page(viewport={"width": width, "height": 800})
    page.route("**/*", answer)
    page.set_content(html, wait_until="networkidle")
    return page


def portrait(browser: Browser) -> bytes:
    """A square picture of somebody, drawn with a few shapes."""
    page = browser.new_page(viewport={"width": 200, "height": 200})
    page.set_content(
        '<body style="margin:0"><svg width="200" height="200"><rect width="200" height="200" fill="#e8dfcf"/>'
        '<path d="M55 95q-8-70 45-70t45 70q4 40 12 62H43q8-22 12-62" fill="#3b2a20"/>'
        '<path d="M30 200q6-52 70-52t70 52z" fill="#1d4f91"/>'
        '<rect x="84" y="120" width="32" height="40" fill="#b9835a"/>'
        '<ellipse cx="100" cy="92" rx="34" ry="42" fill="#c98f64"/>'
        '<path d="M66 84q6-38 36-38t32 38q-30-4-40-20-6 18-28 20" fill="#3b2a20"/></svg>'
    )
    found = page.screenshot()
    page.close()
    return found


def block_shot(browser: Browser, workspace: Workspace, name: str) -> bytes:
    """What is between the headline and the end of the sheet."""
    page = opened(browser, html_of(workspace, f"block-{name}"), workspace, 600)
    top, bottom = page.evaluate(
        """() => {
          const parts = [...document.querySelector('[role=article]').children].filter((one) => one.offsetHeight > 4);
          const head = parts.findIndex((one) => one.querySelector('h1'));
          const foot = parts.findIndex((one, at) => at > head && one.matches('.page, .band'));
          const last = parts[foot - 1].getBoundingClientRect();
          return [parts[head].getBoundingClientRect().bottom, last.height < 30 ? last.top : last.bottom];
        }"""
    )
    found = page.screenshot(clip={"x": 0, "y": top, "width": 600, "height": max(bottom - top, 20)})
    page.close()
    return found


def template_shot(browser: Browser, workspace: Workspace, name: str) -> bytes:
    """The draft of a template on a phone, its first screens."""
    page = opened(browser, html_of(workspace, f"new-{name}"), workspace, 390)
    height = min(page.evaluate("document.documentElement.scrollHeight"), 1100)
    found = page.screenshot(clip={"x": 0, "y": 0, "width": 390, "height": height})
    page.close()
    return found


def main() -> None:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        sys.exit("no browser: apt install chromium-headless-shell")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        make_workspace(Path(folder))
        workspace = find_workspace(Path(folder), environ={})
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for name, typed in TYPED.items():
            write(workspace, f"block-{name}", typed)
            (IMAGES / f"block-{name}.png").write_bytes(block_shot(browser, workspace, name))
        write(workspace, "block-signature", "In solidarity,", SIGNATURE)
        (workspace.newsletter("block-signature").folder / "amina.png").write_bytes(portrait(browser))
        (IMAGES / "block-signature.png").write_bytes(block_shot(browser, workspace, "signature"))
        for name in TEMPLATES:
            make_newsletter(workspace, f"new-{name}", template=name)
            message = workspace.newsletter(f"new-{name}").folder / "message.md"
            message.write_text(re.sub(r"\[\[(.*?)\]\]", r"\1", message.read_text("utf-8"), flags=re.DOTALL), "utf-8")
            (IMAGES / f"template-{name}.png").write_bytes(template_shot(browser, workspace, name))
        browser.close()
    for file in sorted(IMAGES.glob("*.png")):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
