"""Workspaces of any size to measure in: a copy of this repository's content, and a file of made-up people."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAILER = [sys.executable, "-m", "mailer"]
SLUG = "2026-11-ask-un-experts"
ENVIRON = {
    "MAILER_SIGNING_KEYS": "a-signing-key-for-measuring-that-is-long-enough",
    "MAILER_ADDRESS_KEY": "an-address-key-for-measuring-that-is-long-enough",
}
COUNTRIES = ("GB", "DE", "FR", "ES", "EG", "IN", "US", "BR")


def workspace(folder: Path, name: str) -> Path:
    """A fresh workspace with the sample newsletters, lists and templates."""
    root = folder / name
    root.mkdir()
    for part in ("newsletters", "templates", "lists"):
        shutil.copytree(ROOT / part, root / part)
    shutil.copy(ROOT / "mailer.toml", root / "mailer.toml")
    return root


def people_file(path: Path, count: int) -> Path:
    """A CSV of `count` people with a name, country, language and one column of their own."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "first_name", "last_name", "country", "language", "source"])
        writer.writerows(
            [f"person{n}@example.org", f"First{n % 977}", f"Last{n % 7919}", COUNTRIES[n % 8], "en", "petition 2025"]
            for n in range(count)
        )
    return path
