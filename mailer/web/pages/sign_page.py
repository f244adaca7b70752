"""The page on which people sign and the one that thanks them, as they are for everybody.

The public door shows them with what it knows of the visitor; the studio's preview shows them as they are here.
"""

from __future__ import annotations

from urllib.parse import quote

from mailer.audience.petition.signatures import SignatureCount
from mailer.compose.action_page.parse import ActionPage
from mailer.locale.language import Language
from mailer.web.pages.languages import language_switch
from mailer.web.pages.signature_form import EMPTY, shown_rows
from mailer.web.pages.templates import Pages

SHARED_BY = ("email", "whatsapp", "facebook", "x", "bluesky")


def blank_page(pages: Pages, page: ActionPage, tally: SignatureCount, language: Language) -> str:
    """The HTML of the page for somebody who isn't known."""
    return pages.text(
        "act.html", language, act=page, tally=tally, rows=shown_rows(page, None, EMPTY, language), filled=EMPTY,
        known="", proof=False, opt_in=page.opt_in, not_you="", indexed=False,
        switch=language_switch(page.languages, page.language, {}),
    )  # fmt: skip


def thanks_page(
    pages: Pages, page: ActionPage, tally: SignatureCount, language: Language, *, url: str, news: bool
) -> str:
    """The HTML of the thanks. `url`: of the page; `news`: whether a request for news waits to be confirmed."""
    return pages.text(
        "signed.html", language, act=page, tally=tally, url=url, shares=_shares(page, url), news=news
    )  # fmt: skip


def _shares(page: ActionPage, url: str) -> list[tuple[str, str]]:
    """Plain links for sharing the page: nothing is sent to any service before one is clicked."""
    joint = "&" if "?" in url else "?"
    named = {name: f"{url}{joint}source={name}" for name in SHARED_BY}
    text = {name: quote(f"{page.share} {named[name]}", safe="") for name in SHARED_BY}
    return [
        ("email", f"mailto:?subject={quote(page.headline, safe='')}&body={text['email']}"),
        ("WhatsApp", f"https://wa.me/?text={text['whatsapp']}"),
        ("Facebook", f"https://www.facebook.com/sharer/sharer.php?u={quote(named['facebook'], safe='')}"),
        ("X", f"https://x.com/intent/post?text={text['x']}"),
        ("Bluesky", f"https://bsky.app/intent/compose?text={text['bluesky']}"),
    ]
