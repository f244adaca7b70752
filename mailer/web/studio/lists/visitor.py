"""Which lists a visitor sees, the views that each has, and what the forms of lists and segments bring along."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException

from mailer.editing.folders import plain_name
from mailer.web.studio.core.context import Form, Visit
from mailer.workspace import SLUG

LONGEST = 80  # characters of a short name
VIEWS = (("", "People", "users"), ("settings", "Form and settings", "settings"))


def list_named(visit: Visit) -> str:
    """The list in the address. Raises HTTPException 404 where there is none, or none that the visitor works with."""
    name = visit.path["list"]
    if not SLUG.fullmatch(name) or name not in lists_seen(visit):
        raise HTTPException(404)
    return name


def lists_seen(visit: Visit) -> list[str]:
    """The names of the lists that the visitor works with."""
    limits = visit.who.lists
    return [name for name in visit.workspace.list_names() if limits is None or name in limits]


def tabs(visit: Visit, name: str, here: str) -> list[tuple[str, str, bool, str]]:
    """The views of a list, for `segments` of core/parts.html."""
    return [(f"/lists/{name}/{path}".rstrip("/"), words, path == here, icon) for path, words, icon in VIEWS]


def base_sent(form: Form) -> str:
    """The file that a form was made from, exact: it is sent as JSON, since a form would change its line ends; "" for
    none. Raises HTTPException 400."""
    try:
        base: Any = json.loads(form.text("base", '""'))
    except ValueError:
        raise HTTPException(400) from None
    if not isinstance(base, str):
        raise HTTPException(400)
    return base


def short_name(title: str) -> str:
    """What the file of a list or a segment is called that people know by this title; "" where no letter is left."""
    return plain_name(title)[:LONGEST].strip("-")
