"""Turns the templates in pages/ into answers. Pages load their style, script and frames from here and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import FileResponse, HTMLResponse, Response

from mailer.checking.runner import why_of
from mailer.counting import counted

FOLDER = Path(__file__).parent / "pages"
ASSETS = {"style.css": "text/css", "studio.js": "text/javascript"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


_PAGES = _environment()


def page(name: str, *, status: int = 200, policy: str = POLICY, **values: Any) -> Response:
    """The page pages/`name` with `values`."""
    html = _PAGES.get_template(name).render(counted=counted, why_of=why_of, **values)
    return HTMLResponse(html, status_code=status, headers={"Content-Security-Policy": policy})


def asset(name: str) -> Response | None:
    """A style sheet or script of the pages."""
    return FileResponse(FOLDER / name, media_type=ASSETS[name]) if name in ASSETS else None
