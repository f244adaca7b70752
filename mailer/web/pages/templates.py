"""Turns the templates beside it into answers: the reader's language, the brand's colours, a strict content policy.

Pages hold no script and load nothing. What staff wrote, such as titles of lists, may be in any script (<bdi>).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from mailer.locale.language import Language, later
from mailer.settings import Settings

FOLDER = Path(__file__).parent
STYLE = "style.css"

# What each failure is called on its page, and what to do. Others are told what 500 is.
PROBLEMS = {
    400: (later("That did not work"), later("Your browser sent something we could not read. Please try again.")),
    404: (
        later("This link does not work"),
        later("It may have been cut short on its way. Open it from the mail once more, or copy the whole address."),
    ),
    405: (later("That did not work"), later("Please go back to the mail and follow its link again.")),
    408: (later("That took too long"), later("Please check your connection and try again.")),
    413: (later("That was too much"), later("Your browser sent more than this page accepts. Please try again.")),
    422: (later("That did not work"), later("Your browser sent something we could not read. Please try again.")),
    429: (
        later("Too many requests"),
        later("Too much came from your network in a short time. Please wait a few minutes and try again."),
    ),
    500: (
        later("Something went wrong here"),
        later("It is our fault, not yours. Please try again in a few minutes."),
    ),
    503: (
        later("We can't do this just now"),
        later("Nothing was changed. Please try again in a few minutes; the link in your mail keeps working."),
    ),
}
RETRY_AFTER_SECONDS = 60


class Pages:
    """The pages of one workspace, in every language there is."""

    def __init__(self, settings: Settings) -> None:
        # A family name can't end the style block or begin another rule.
        font = "".join(c for c in settings.brand.font if c.isalnum() or c in " ,-'\"")
        style = _environment().get_template(STYLE).render(brand=settings.brand, font=font)
        self._shared = {
            "organisation": settings.organisation, "style": style, "base": settings.public.url,
            "root": urlsplit(settings.public.url).path,  # forms post to the host they came from, under its path
        }  # fmt: skip
        digest = b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def response(
        self, page: str, language: Language, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
    ) -> Response:
        """The page `page` in this language, with `values`."""
        return self.answer(self.text(page, language, **values), language, status=status, headers=headers)

    def answer(
        self, html: str, language: Language, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        """A page's HTML as an answer, with the policy that it needs."""
        return HTMLResponse(
            html,
            status_code=status,
            headers={
                "Content-Security-Policy": self.policy,
                "Content-Language": language.code,
                "Vary": "Accept-Language",
                **(headers or {}),
            },
        )

    def text(self, page: str, language: Language, **values: Any) -> str:
        """The HTML of the page `page`."""
        return _environment(language).get_template(page).render({**self._shared, "language": language, **values})

    def problem(self, status: int, language: Language, headers: dict[str, str] | None = None) -> Response:
        """The plain page for a failure."""
        title, remedy = PROBLEMS.get(status, PROBLEMS[500])
        more = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in (429, 503) else {}
        words = {"title": language.say(title), "remedy": language.say(remedy)}
        return self.response("problem.html", language, status=status, headers={**more, **(headers or {})}, **words)


@cache
def _environment(language: Language | None = None) -> Environment:
    """The templates, in a language; nothing in them is of one workspace alone, so each is compiled once."""
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    if language is not None:
        made.install_gettext_translations(  # pyright: ignore[reportAttributeAccessIssue] - of the extension
            language.words, newstyle=True
        )
        made.filters.update(number=language.number, listed=language.listed, day=language.day)
    return made


def mask(address: str) -> str:
    """An address its owner recognises and others can't guess: "m…k@e…e.org"."""
    local, _, domain = address.rpartition("@")
    name, _, ending = domain.rpartition(".")
    return f"{_ends(local)}@{_ends(name)}.{ending}" if name else f"{_ends(local)}@{_ends(ending)}"


def _ends(text: str) -> str:
    return f"{text[:1]}…{text[-1:]}" if len(text) > 2 else f"{text[:1]}…"
