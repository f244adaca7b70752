"""How a mail is dressed for the frame it is looked at in: a colour scheme, its pictures, and nothing that could act.

A browser shows a page in the scheme of its own machine, so the media queries that ask for it are answered in the text:
a mail looks dark here on any machine. The frame's own policy, and that scripts are off in it, hold in any case.
"""

from __future__ import annotations

import re
from enum import StrEnum

STYLE_BLOCKS = re.compile(r"(<style\b[^>]*>)(.*?)(</style\s*>)", re.IGNORECASE | re.DOTALL)
SCHEME_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
DECLARES_DARK = re.compile(
    r"""<meta\s+name=["']color-scheme["']\s+content=["'][^"']*\bdark\b|[{;\s]color-scheme:[^;}]*\bdark\b""",
    re.IGNORECASE,
)
HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
ALWAYS, NEVER = "(min-width:0px)", "(max-width:0px)"

# An approximation of what Gmail on iOS and Outlook do to mails that say nothing of dark: light and dark change places,
# hues stay, pictures keep their colours.
INVERTED = (
    "html{filter:invert(.92) hue-rotate(180deg)!important;background:#fff}"
    "img,svg,video{filter:invert(1) hue-rotate(180deg)!important}"
)
FRAMED = {"X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "no-referrer"}  # headers of what a frame of ours shows
# A phone draws its scroll bar over the page; here it would take width from it.
NO_SCROLL_BAR = "html{scrollbar-width:none}::-webkit-scrollbar{display:none}"


class Look(StrEnum):
    """Which colours the reader's mail program has."""

    LIGHT = "light"
    DARK = "dark"  # asked for by the mail itself, as Apple Mail honours it
    FORCED = "forced"  # made by the mail program


def dressed(html: str, look: Look, *, narrow: bool = False) -> str:
    """The HTML as a mail program with this look shows it, on a phone with `narrow`."""
    scheme = "dark" if look is Look.DARK and DECLARES_DARK.search(html) else "light"
    style = f":root{{color-scheme:only {scheme}!important}}"
    if look is Look.FORCED:
        style += INVERTED
    if narrow:
        style += NO_SCROLL_BAR
    answered = STYLE_BLOCKS.sub(lambda block: block[1] + _answered(block[2], look) + block[3], html)
    added = f"<style>{style}</style>"
    end = HEAD_END.search(answered)
    return answered[: end.start()] + added + answered[end.start() :] if end else added + answered


def policy(pictures: str) -> str:
    """The Content-Security-Policy of a framed mail. `pictures`: the sources from which its pictures come, "" for none.

    Styles are in the mail itself; nothing else is loaded, from here or from anywhere. `sandbox` holds even when the
    address is opened outside the frame: no script, no form, no other window. The frame keeps our origin, so that its
    pictures and links are asked for by who is signed in, and our own page can keep it scrolled where it was.
    """
    allowed = pictures or "'none'"
    return (
        f"sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src {allowed}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def _answered(style: str, look: Look) -> str:
    """A style sheet whose questions about the colour scheme are answered."""
    return SCHEME_QUERY.sub(
        lambda query: ALWAYS if (query[1].lower() == "dark") == (look is Look.DARK) else NEVER, style
    )
