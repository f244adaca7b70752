"""Rules about the size of the HTML: Gmail shows the first 102 kB of a mail and hides the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.checking.registry import HTML, rule
from mailer.checking.specimen import Specimen
from mailer.compose.warnings import CLIPPED_BYTES, HEAVY_BYTES
from mailer.diagnostics import Diagnostic, Level

# Below CLIPPED_BYTES, which leaves room for what relays and trackers add.
STOPPED_BYTES = 100_000
STYLE = re.compile(r"<style.*?</style>", re.DOTALL | re.IGNORECASE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
INLINE = re.compile(r'\sstyle="[^"]*"')
ADDRESS = re.compile(r'\s(?:href|src)="[^"]*"')
TAG = re.compile(r"<[^>]*>")
WHY = f"Gmail hides what comes after about {CLIPPED_BYTES:,} bytes behind a link, the way to unsubscribe with it."


@rule("size.clipped", Level.ERROR, "the longest mail's HTML is 100,000 bytes or more", why=WHY)
def clipped(specimen: Specimen) -> Iterator[Diagnostic]:
    size = len(specimen.mail.encode())
    if size >= STOPPED_BYTES:
        yield Diagnostic(
            f"the HTML is {size:,} bytes, so Gmail cuts it off: {_parts(specimen.mail)}", HTML, _remedy(specimen)
        )


@rule("size.heavy", Level.WARNING, "the longest mail's HTML is between 80,000 and 100,000 bytes", why=WHY)
def heavy(specimen: Specimen) -> Iterator[Diagnostic]:
    size = len(specimen.mail.encode())
    if HEAVY_BYTES <= size < STOPPED_BYTES:
        yield Diagnostic(
            f"the HTML is {size:,} bytes of {CLIPPED_BYTES:,}: {_parts(specimen.mail)}", HTML, _remedy(specimen)
        )


def shares(html: str) -> dict[str, int]:
    """What the bytes of a mail's HTML are, the most first."""
    found: dict[str, int] = {}
    for name, pattern in (
        ("style sheet", STYLE), ("tables for Outlook", COMMENT), ("inline styles", INLINE), ("addresses", ADDRESS),
        ("other tags", TAG),
    ):  # fmt: skip
        found[name] = sum(len(match[0].encode()) for match in pattern.finditer(html))
        html = pattern.sub("", html)
    found["words"] = len(html.encode())
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _parts(html: str) -> str:
    return ", ".join(f"{name} {size:,}" for name, size in list(shares(html).items())[:3])


def _remedy(specimen: Specimen) -> str:
    largest = next(iter(shares(specimen.mail)))
    if largest == "words":
        return "Shorten the text: say the rest on a page and link to it."
    return f"Most of it is {largest}: fewer blocks, stories and links make it smaller."
