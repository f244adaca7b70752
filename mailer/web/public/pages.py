"""Turns the templates in pages/ into answers: the brand's colours, one style block, a strict Content-Security-Policy.

Pages hold no script and load nothing. Their words are English; titles of lists may be in any script (<bdi>).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from mailer.settings import Settings

FOLDER = Path(__file__).parent / "pages"
STYLE = "style.css"

# What each failure is called on its page, and what to do. Others are told what 500 is.
PROBLEMS = {
    400: ("That did not work", "Your browser sent something we could not read. Please try again."),
    404: (
        "This link does not work",
        "It may have been cut short on its way. Open it from the mail once more, or copy the whole address.",
    ),
    405: ("That did not work", "Please go back to the mail and follow its link again."),
    408: ("That took too long", "Please check your connection and try again."),
    413: ("That was too much", "Your browser sent more than we take here. Please try again from the mail."),
    500: ("Something went wrong here", "It is our fault, not yours. Please try again in a few minutes."),
    503: (
        "We can't do this just now",
        "Nothing was changed. Please try again in a few minutes; the link in your mail keeps working.",
    ),
}
RETRY_AFTER_SECONDS = 60


class Pages:
    """The pages of one workspace."""

    def __init__(self, settings: Settings) -> None:
        self._jinja = Environment(
            loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        # A family name can't end the style block or begin another rule.
        font = "".join(c for c in settings.brand.font if c.isalnum() or c in " ,-'\"")
        style = self._jinja.get_template(STYLE).render(brand=settings.brand, font=font)
        self._shared = {"organisation": settings.organisation, "style": style}
        digest = b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def response(
        self, page: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
    ) -> Response:
        """The page pages/`page` with `values`."""
        html = self._jinja.get_template(page).render({**self._shared, **values})
        return HTMLResponse(
            html, status_code=status, headers={"Content-Security-Policy": self.policy, **(headers or {})}
        )

    def problem(self, status: int, headers: dict[str, str] | None = None) -> Response:
        """The plain page for a failure."""
        title, remedy = PROBLEMS.get(status, PROBLEMS[500])
        more = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
        return self.response(
            "problem.html", status=status, headers={**more, **(headers or {})}, title=title, remedy=remedy
        )


def mask(address: str) -> str:
    """An address its owner knows again and others don't learn: "m…k@e…e.org"."""
    local, _, domain = address.rpartition("@")
    name, _, ending = domain.rpartition(".")
    return f"{_ends(local)}@{_ends(name)}.{ending}" if name else f"{_ends(local)}@{_ends(ending)}"


def _ends(text: str) -> str:
    return f"{text[:1]}…{text[-1:]}" if len(text) > 2 else f"{text[:1]}…"
