"""Plain links with which people pass a page on: nothing is sent to any service before one is clicked.

The glyphs are our own, one line each in the colour of the words. Signal documents no address for sharing: its own
scheme opens the app where it is known, and copying the link works everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from mailer.compose.action_page.parse import ActionPage

RING = '<circle cx="12" cy="12" r="9"/>'
# Name in action.md: what it is called, and its glyph in a box of 24 by 24.
SERVICES = {
    "whatsapp": (
        "WhatsApp",
        '<path d="M3.5 20.5l1.3-4.3a8.5 8.5 0 1 1 3.2 3.1zM8.7 8.5c0 4 2.8 6.7 6.8 6.7v-2l-2-1-1.2 1q-1.6-.8-2.4-2.4'
        'l1-1.2-1-2z"/>',
    ),
    "signal": ("Signal", '<circle cx="12" cy="12" r="9" stroke-dasharray="3.2 1.5"/><circle cx="12" cy="12" r="4.5"/>'),
    "telegram": ("Telegram", '<path d="M3 11.5L21 4l-3 16-5.5-4.5-3.5 3.5-1-6zM8 13l10.5-6.5-6 9"/>'),
    "email": ("Email", '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="M3.5 7l8.5 6 8.5-6"/>'),
    "facebook": ("Facebook", f'{RING}<path d="M11.5 21v-9.5q0-3 3.5-3M9 13.5h5.5"/>'),
    "bluesky": (
        "Bluesky",
        '<path d="M12 11C10.5 8 7 4.5 4.5 4.5S3 8 3.5 11s2 3.5 4 3.5c-2.5.5-3 2-1.5 3.5s4.5 1.5 6-2c1.5 3.5 4.5 3.5 6 2'
        's1-3-1.5-3.5c2 0 3.5-.5 4-3.5s1.5-6.5-1-6.5S13.5 8 12 11z"/>',
    ),
    "mastodon": (
        "Mastodon",
        '<path d="M15.5 20.5c-6 1.5-11-.5-11-8C4.5 6 6 4 12 4s7.5 2 7.5 6.5c0 5-2 6-7.5 6M8.5 13V9.5c0-2.5 3.5-2.5 3.5'
        ' 0v2m0-2c0-2.5 3.5-2.5 3.5 0V13"/>',
    ),
    "x": ("X", '<path d="M5 5l14 14M19 5L5 19"/>'),
}


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A button that leads to a service with the post filled in. `name`: as action.md has it."""

    name: str
    label: str
    address: str
    glyph: Markup


def share_links(page: ActionPage, url: str) -> list[ShareLink]:
    """The links, in the page's own order. Each names itself as the source of the people it brings."""
    joint = "&" if "?" in url else "?"
    return [
        ShareLink(name, label, _address(name, page, f"{url}{joint}source={name}"), Markup(glyph))  # noqa: S704 - our own
        for name in page.poster.share_by
        for label, glyph in (SERVICES[name],)
    ]


def _address(name: str, page: ActionPage, url: str) -> str:
    words, link = quote(page.share, safe=""), quote(url, safe="")
    post = f"{words}%20{link}"
    return {
        "whatsapp": f"https://wa.me/?text={post}",
        "signal": f"sgnl://send?text={post}",
        "telegram": f"https://t.me/share/url?url={link}&text={words}",
        "email": f"mailto:?subject={quote(page.headline, safe='')}&body={post}",
        "facebook": f"https://www.facebook.com/sharer/sharer.php?u={link}",
        "bluesky": f"https://bsky.app/intent/compose?text={post}",
        "mastodon": f"https://share.joinmastodon.org/#text={post}",
        "x": f"https://x.com/intent/post?text={post}",
    }[name]
