"""`mailer preview` and `mailer shots` as their user runs them."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mailer.web.studio.preview import screenshots
from tests.browser import NAMES
from tests.cli.conftest import Mailer
from tests.patience import HANG_SECONDS

SLUG = "2026-12-year-in-review"
LOOKS = ("light", "dark", "forced-dark")


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG (its IHDR chunk)."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    return struct.unpack(">II", data[16:24])


@pytest.fixture
def browser_there() -> None:
    if not any(shutil.which(name) for name in NAMES):
        reason = "no browser: apt install chromium-headless-shell"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


@pytest.mark.usefixtures("browser_there")
def test_shots_are_taken_at_both_widths_in_every_look(mailer: Mailer, tmp_path: Path) -> None:
    done = mailer("shots", SLUG, "--out", str(tmp_path / "shots"))
    assert done.code == 0, done.err
    names = {f"{SLUG}-{screen}-{look}.png" for screen in ("phone", "desktop") for look in LOOKS}
    paths = [Path(line) for line in done.out.splitlines()]
    assert {path.name for path in paths} == names == {path.name for path in (tmp_path / "shots").iterdir()}
    for path in paths:
        width, height = size(path)
        assert width == (780 if "phone" in path.name else 1280), path.name  # a phone's pixels are twice as fine
        assert height > 900
    assert len({path.read_bytes() for path in paths}) == len(paths)


@pytest.mark.usefixtures("browser_there")
def test_shots_of_the_thanks_are_of_the_page_and_of_its_mail(mailer: Mailer, tmp_path: Path) -> None:
    slug, out = "2026-11-ask-un-experts", tmp_path / "shots"
    done = mailer("shots", slug, "--out", str(out), "--thanks")
    assert done.code == 0, done.err
    page = {f"{slug}-thanks-{screen}-{look}.png" for screen in ("phone", "desktop") for look in LOOKS[:2]}
    assert {Path(line).name for line in done.out.splitlines()} == page
    text = "---\nsubject: Thank you\nlist: supporters\ntemplate: thanks\n---\n\nThank you.\n"
    Path("newsletters", slug, "thanks.md").write_text(text, encoding="utf-8")
    done = mailer("shots", slug, "--out", str(out), "--thanks")
    assert done.code == 0, done.err
    mail = {f"{slug}-thanks-mail-{screen}-{look}.png" for screen in ("phone", "desktop") for look in LOOKS}
    assert {path.name for path in out.iterdir()} == page | mail


def test_shots_without_a_browser_say_what_to_install(
    mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screenshots, "BROWSERS", ("no-such-browser",))
    done = mailer("shots", SLUG, "--out", str(tmp_path / "shots"))
    assert (done.code, done.out) == (1, "")
    assert "apt install chromium-headless-shell" in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "shots").exists()


def test_shots_without_the_extra_say_what_to_install(
    mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screenshots, "BROWSERS", ("sh",))
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    done = mailer("shots", SLUG, "--out", str(tmp_path / "shots"))
    assert (done.code, done.out) == (1, "")
    assert "pip install 'advocacy-mailer[shots]'" in done.err


def test_a_browser_that_does_not_start_is_told_in_one_line(
    mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screenshots, "BROWSERS", ("true",))
    done = mailer("shots", SLUG, "--out", str(tmp_path / "shots"))
    assert done.code == 1
    assert "could not take the pictures" in done.err
    assert "Traceback" not in done.err


@pytest.mark.usefixtures("mailer")
def test_the_preview_serves_until_it_is_stopped() -> None:
    command = [sys.executable, "-m", "mailer", "preview", SLUG, "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout
        first = running.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/open/[\w-]{20,}\?to=(\S+)", first)
        assert found, first
        url = urlsplit(found[0])
        assert found[1] == f"/newsletters/{SLUG}/"
        connection = http.client.HTTPConnection("127.0.0.1", url.port or 0, timeout=HANG_SECONDS)
        connection.request("GET", f"{url.path}?{url.query}")
        opened = connection.getresponse()
        opened.read()
        cookie = {"Cookie": (opened.getheader("set-cookie") or "").partition(";")[0]}
        connection.request("GET", found[1], headers=cookie)
        assert "<h1" in connection.getresponse().read().decode()
        # A page that listens for changes doesn't keep it from stopping.
        connection.request("GET", f"{found[1]}changes?seen=", headers=cookie)
        assert connection.getresponse().readline().startswith(b"retry")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=HANG_SECONDS)
        connection.close()
    assert running.returncode == 0, err
    assert "Stopped." in out
    assert "Traceback" not in err


def test_a_newsletter_that_does_not_exist_is_named(mailer: Mailer) -> None:
    done = mailer("preview", "year-in-review", "--no-open")
    assert done.code == 1
    assert "there is no newsletter 'year-in-review'" in done.err
    assert SLUG in done.err
