"""Makes the pictures of docs/studio.md from what `make demo` left: .venv/bin/python -m scripts.studio_pictures

Run it again after a change to how the studio looks.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from scripts.block_pictures import BROWSERS, IMAGES, ROOT
from scripts.demo import DEMO, MAILER, SLUG, own_environ

DRAFT = "2026-12-year-in-review"
ROOMS = {
    "write": f"/newsletters/{DRAFT}/",
    "audience": f"/newsletters/{DRAFT}/audience",
    "review": f"/newsletters/{DRAFT}/review",
    "send": f"/newsletters/{DRAFT}/send",
    "results": f"/newsletters/{SLUG}/results",
}
SETTLED = 2_500  # ms until a room has counted and made what it shows
COLOURS = 96  # enough for flat surfaces, and a third of the bytes


def small(png: bytes) -> bytes:
    """The picture with few colours."""
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()


def pictures(door: str, browser_path: str) -> None:
    """Walk through the rooms in a desktop's window, and write what each looks like."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        page.goto(door)
        for name, path in ROOMS.items():
            page.goto(door.partition("/open/")[0] + path)
            page.wait_for_timeout(SETTLED)
            file = IMAGES / f"studio-{name}.png"
            file.write_bytes(small(page.screenshot()))
            print(f"{file.relative_to(ROOT)}  {file.stat().st_size:,} bytes")
        browser.close()


def main() -> None:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        sys.exit("no browser: apt install chromium-headless-shell")
    if not Path(DEMO / "mailer.toml").is_file():
        sys.exit("There is no demo yet. Make it: make demo")
    command = [*MAILER, "studio", "--run", "--no-open", "--port", "0"]
    with subprocess.Popen(command, cwd=DEMO, env=own_environ(), stdout=subprocess.PIPE, text=True) as studio:
        assert studio.stdout
        try:
            door = next(found[0] for line in studio.stdout if (found := re.search(r"http://\S+", line)))
            pictures(door, path)
        finally:
            studio.terminate()


if __name__ == "__main__":
    main()
