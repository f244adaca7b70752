"""Turns the templates beside it into answers: the reader's language, the brand's colours, a strict content policy.

Pages load nothing but our own pictures; those of a petition also a little script of ours, which only helps. What staff
wrote, such as titles of lists, may be in any script (<bdi>).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from mailer.compose.colours.palette import COME_AS, palettes
from mailer.locale.language import Language, later
from mailer.settings import Settings
from mailer.web.last_used import LastUsed
from mailer.web.pages.brand_pictures import BrandFile, look_of

FOLDER = Path(__file__).parent
COLOURS_KEPT = 30  # of lists' forms
SCRIPT, SCRIPTED = "page.js", ("act.html", "signed.html")

# What each failure is called on its page, and what to do. Others are told what 500 is.
PROBLEMS = {
    400: (later("Something went wrong"), later("Please go back and try again.")),
    404: (later("That link didn’t work"), later("It may have been cut off. Open it from the email again.")),
    405: (later("Something went wrong"), later("Please go back and try again.")),
    408: (later("That took too long"), later("Check your connection and try again.")),
    413: (later("That was too big"), later("Please send a little less.")),
    422: (later("Something went wrong"), later("Please go back and try again.")),
    429: (later("Too many tries"), later("Wait a few minutes and try again.")),
    500: (later("Sorry, that’s our fault"), later("Please try again in a few minutes.")),
    503: (
        later("We can’t do that right now"),
        later("Nothing has changed. The link in your email still works."),
    ),
}
RETRY_AFTER_SECONDS = 60


class Pages:
    """The pages of one workspace, in every language there is. `inline`: with the brand's pictures in them."""

    def __init__(self, settings: Settings, *, inline: bool = False) -> None:
        self.root = urlsplit(settings.public.url).path  # forms post to the host they came from, under its path
        self.look = look_of(settings, root=self.root, inline=inline)
        self._brand, self._inline = settings.brand, inline
        self._coloured = LastUsed[str, Pages](COLOURS_KEPT)
        script = (FOLDER / SCRIPT).read_bytes()
        own = BrandFile(f"page-{hashlib.sha256(script).hexdigest()[:12]}.js", "text/javascript", script)
        self.files = (*self.look.files, own)  # below /brand/
        self._shared = {
            "organisation": settings.organisation, "base": settings.public.url, "root": self.root,
            "script": "" if inline else f"{self.root}/brand/{own.name}",
        }  # fmt: skip
        self._dress()

    def _dress(self) -> None:
        """Make the style sheets in the look's colours, and the policy that lets them in."""
        colours = {"light": self.look.light.css(), "dark": self.look.dark.css(self.look.light), "font": self.look.font}
        sheets = {
            path.stem: _environment().get_template(path.name).render(colours).replace("\n", "")
            for path in FOLDER.glob("*.css")
        }
        self._shared = {**self._shared, "sheets": sheets, "look": self.look}
        styles = " ".join(f"'sha256-{_digest(sheet)}'" for sheet in sheets.values())
        pictures = "data:" if self._inline else "'self'"
        self.policy = (
            f"default-src 'none'; style-src {styles}; img-src {pictures}; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        self._with_script = f"{self.policy}; script-src 'self'; connect-src 'self'"

    def in_colour(self, colour: str) -> Pages:
        """The same pages with all colours worked out from this one, "#1d4f91", in place of the brand's; "" for the
        brand's."""
        if not colour:
            return self
        if (known := self._coloured.get(colour)) is not None:
            return known
        light, dark = palettes(replace(self._brand, primary=colour, action="", on_primary="#ffffff", link=COME_AS.link))
        made = copy(self)
        made.look = replace(self.look, light=light, dark=dark)
        made._dress()
        self._coloured.keep(colour, made)
        return made

    def response(
        self, page: str, language: Language, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
    ) -> Response:
        """The page `page` in this language, with `values`."""
        return HTMLResponse(
            self.text(page, language, **values),
            status_code=status,
            headers={
                "Content-Security-Policy": self._with_script if page in SCRIPTED else self.policy,
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
        made.filters.update(
            number=language.number,
            listed=language.listed,
            day=language.day,
            near_day=language.near_day,
            ago=language.ago,
            moment=language.moment,
        )
    return made


def _digest(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


DOTS = "\u2022" * 5  # always as many: how long an address is tells something, too
# Providers with so many mailboxes that the domain tells nobody anything.
LARGE_PROVIDERS = frozenset((
    "aol.com", "bol.com.br", "bt.com", "btinternet.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.de",
    "gmx.net", "googlemail.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.es", "hotmail.fr", "hotmail.it",
    "icloud.com", "interia.pl", "laposte.net", "libero.it", "live.com", "mac.com", "mail.ru", "me.com", "msn.com",
    "o2.pl", "online.de", "onet.pl", "orange.fr", "outlook.com", "outlook.de", "outlook.es", "outlook.fr", "pm.me",
    "posteo.de", "proton.me", "protonmail.com", "rediffmail.com", "sfr.fr", "sky.com", "t-online.de", "terra.com.br",
    "uol.com.br", "virgilio.it", "wanadoo.fr", "web.de", "wp.pl", "yahoo.co.in", "yahoo.co.uk", "yahoo.com",
    "yahoo.com.br", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.it", "yandex.ru", "ziggo.nl",
))  # fmt: skip


def mask(address: str) -> str:
    """An address its owner recognises and others can't guess: "ma•••••k@gmail.com", "jo•••••n@ex•••••.org"."""
    local, _, domain = address.rpartition("@")
    if domain.lower() in LARGE_PROVIDERS:
        return f"{_ends(local)}@{domain}"
    name, dot, ending = domain.rpartition(".")
    return f"{_ends(local)}@{_begin(name or ending)}{DOTS}{dot}{ending if name else ''}"


def _begin(text: str) -> str:
    """As many letters of the beginning as leave most of it out."""
    return text[: 2 if len(text) > 4 else 1]


def _ends(text: str) -> str:
    return f"{_begin(text)}{DOTS}{text[-1] if len(text) > 2 else ''}"
