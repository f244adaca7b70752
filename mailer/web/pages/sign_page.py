"""The page on which people sign and the one that thanks them: what both show.

The public door adds what it knows of the visitor; the studio's preview shows them as strangers see them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mailer.audience.petition.goals import goal_of
from mailer.audience.petition.told import ToldOfPage
from mailer.compose.action_page.page_pictures import PagePicture
from mailer.compose.action_page.parse import ActionPage
from mailer.locale.language import Language, later
from mailer.petition_fields.table import GIVEN, KNOWN
from mailer.web.pages.languages import language_switch
from mailer.web.pages.picture_sizes import FACE_WIDTHS, WIDTHS, SizedPicture
from mailer.web.pages.share_card import LinkPreview
from mailer.web.pages.sharing import share_links
from mailer.web.pages.signature_form import EMPTY, Filled, KnownSigner, ShownField, shown_rows
from mailer.web.pages.templates import Pages

CLAMPED = 110  # characters: a shorter statement has two lines on a phone, and is shown whole
LEDE = 180  # characters: a longer first paragraph is set as the others
NAME, ANSWERS = later("your name"), later("your answers")


@dataclass(frozen=True, slots=True)
class PageNow:
    """A page at a moment. `now` is in the workspace's time zone; `picture` gives the addresses of one in these widths;
    `count_url`: where a script asks for the count again, "" for nowhere."""

    page: ActionPage
    told: ToldOfPage
    now: datetime
    url: str
    picture: Callable[[PagePicture | None, tuple[int, ...]], SizedPicture | None]
    preview: LinkPreview
    count_url: str = ""

    @property
    def closed(self) -> bool:
        """Whether nobody can sign any more."""
        return self.page.poster.is_closed(self.now.date())

    def meter(self, *, thanked: bool = False) -> dict[str, Any]:
        """What the template of the count needs."""
        return {
            "act": self.page, "tally": self.told.tally,
            "goal": goal_of(self.page.target, self.told.tally.signatures),
            "now": self.now, "closed": self.closed, "thanked": thanked,
        }  # fmt: skip

    def signing(self, language: Language, who: KnownSigner | None, filled: Filled) -> dict[str, Any]:
        """What the page to sign on needs, but for what the door knows of the visitor."""
        poster, statement = self.page.poster, self.page.statement_html
        return {
            **self.meter(), "preview": self.preview, "comments": self.told.comments,
            "delivered": self.told.delivered, "count_url": self.count_url, "filled": filled,
            "hero": self.picture(poster.picture, WIDTHS),
            "face": self.picture(poster.asks.picture if poster.asks else None, FACE_WIDTHS),
            "rows": before(shown_rows(self.page, who, filled, language), again=bool(filled.errors)),
            # A note has one place on a page, so a statement with notes isn't there twice.
            "is_long": len(statement.striptags()) > CLAMPED and "footnote" not in statement,
            "given": language.enumerated(given(self.page, language, all_of_it=False)),
            "has_lede": len(self.page.text_html.partition("</p>")[0].striptags()) <= LEDE,
        }  # fmt: skip

    def thanking(self, language: Language, filled: Filled, *, by_link: bool = False) -> dict[str, Any]:
        """What the thanks need, but for what the door knows of the visitor."""
        poster = self.page.poster
        return {
            **self.meter(thanked=True), "url": self.url, "shares": share_links(self.page, self.url), "filled": filled,
            "hero": self.picture(poster.thanks_picture or poster.picture, WIDTHS),
            "rows": after(shown_rows(self.page, None, filled, language), by_link=by_link),
            "given": language.enumerated(given(self.page, language, all_of_it=True)),
        }  # fmt: skip


def before(rows: Sequence[Sequence[ShownField]], *, again: bool) -> list[list[ShownField]]:
    """The rows of what has to be filled in to sign; `again`: and of whatever was filled in already."""
    return [kept for row in rows if (kept := [one for one in row if one.required or (again and one.value)])]


def after(rows: Sequence[Sequence[ShownField]], *, by_link: bool) -> list[list[ShownField]]:
    """The rows of what can be added once somebody has signed. What is known of those who came by a link in their mail
    isn't asked of them."""
    known = {field.name for field in KNOWN} if by_link else set[str]()
    return [kept for row in rows if (kept := [one for one in row if not one.required and one.key not in known])]


def given(page: ActionPage, language: Language, *, all_of_it: bool) -> list[str]:
    """What of a signature those addressed are given: of what is asked for before signing, or everything."""
    names = [name for name, required in page.fields.items() if name in GIVEN and (required or all_of_it)]
    passed_on = any(not one.field.contact and (one.required or all_of_it) for one in page.own)
    words = [NAME, *(GIVEN[name] for name in names), *([ANSWERS] if passed_on else [])]
    return [language.say(one) for one in words]


def blank_page(pages: Pages, now: PageNow, language: Language) -> str:
    """The HTML of the page for somebody who isn't known."""
    return pages.text(
        "act.html", language, **now.signing(language, None, EMPTY), known="", initials="", proof=False,
        opt_in=now.page.opt_in, not_you="", indexed=False,
        switch=language_switch(now.page.languages, now.page.language, {}),
    )  # fmt: skip


def first_thanks(pages: Pages, now: PageNow, language: Language) -> str:
    """The HTML of the thanks for somebody who has just signed: one more than those who are counted."""
    tally = now.told.tally
    now = replace(now, told=replace(now.told, tally=replace(tally, signatures=tally.signatures + 1)))
    return pages.text(
        "signed.html", language, **now.thanking(language, EMPTY), name="", news=False, added=False, may_add=True,
        add_url="",
    )  # fmt: skip
