"""What the editor of the mail knows of this workspace: merge tags in words, our pages, pictures; and what is counted.

Counts take a second with a million people, so the page comes without them and its script asks for them afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import Connection, func, select
from starlette.responses import JSONResponse, Response

from mailer.audience.fields import known_fields
from mailer.audience.selection.select import chosen
from mailer.audience.selection.spec import Audience
from mailer.compose.action_page.parse import read_action_page
from mailer.compose.source.written import Action
from mailer.errors import MailerError
from mailer.store.tables.core import people
from mailer.web.studio.compose.looks import DraftLook, looks_of
from mailer.web.studio.compose.panel import marks
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.shelf import shelf_of

# What people call the fields there always are, in the order of the menu, and what to say to those without a value.
WORDS = {
    "first_name": ("first name", "friend"), "name": ("whole name", "friend"), "last_name": ("last name", ""),
    "country": ("country", ""), "language": ("language", ""), "timezone": ("time zone", ""),
    "email": ("email address", ""),
}  # fmt: skip
OURS = {
    "organisation.name": "our name", "list.title": "the list’s name", "organisation.website": "our website",
    "organisation.postal_address": "our postal address", "view_url": "address of this mail in the browser",
    "unsubscribe_url": "address for leaving the list", "preferences_url": "address for choosing lists",
}  # fmt: skip
OURS_OF_THANKS = {
    "petition.headline": "headline of the petition", "petition.url": "address of the sign page",
    **{tag: words for tag, words in OURS.items() if not tag.endswith("_url")},
}  # fmt: skip
COLUMNS = {field: people.c[field] for field in ("first_name", "last_name", "country", "language", "timezone")}
OWN_LINKS = (
    ("{{ view_url }}", "This mail in the browser"), ("{{ preferences_url }}", "Choosing lists"),
    ("{{ unsubscribe_url }}", "Leaving the list"),
)  # fmt: skip
SIGNED_PAGE = (("{{ petition.url }}", "The sign page they signed"),)
MOST_FIELDS = 40  # of the organisation's own
KEPT_FOR = timedelta(minutes=2)


def editor_options(visit: Visit, look: DraftLook) -> dict[str, object]:
    """The options of static/editor/editor.js, as JSON."""
    images = look.press.message.images if look.press else ()
    source, settings, here = look.source, visit.workspace.settings, f"/newsletters/{look.slug}"
    action = source.action if source else None
    return {
        "actionLabel": action.label if action else "",
        "brand": settings.brand.primary,
        "pictures": {image.name: f"{here}/look/{look.id}/pictures/{image.digest}" for image in images},
        "pictureBase": f"{here}/pictures/",
        "tags": tags(visit, look),
        "pages": pages(visit, look),
        "signPage": sign_page_line(visit, look, action),
        "labels": {"signPage": "Where the button leads"} if look.is_thanks else {},
        "diagnostics": marks(look),
    }


def tags(visit: Visit, look: DraftLook) -> list[dict[str, object]]:
    """Every merge tag there is, in words, with the fallback to offer."""
    ours = OURS_OF_THANKS if look.is_thanks else OURS
    own = {field: (field.replace("_", " "), "") for field in _own(visit)}
    about = {f"supporter.{field}": known for field, known in (WORDS | own).items()}
    about |= {tag: (words, "") for tag, words in ours.items()}
    return [{"tag": tag, "words": words, "fallback": fallback} for tag, (words, fallback) in about.items()]


def pages(visit: Visit, look: DraftLook) -> list[dict[str, str]]:
    """Pages of ours that a link may lead to: other newsletters' sign pages, and the reader's own; in a mail of thanks
    the page that was signed."""
    public = visit.workspace.settings.public.url
    others = [
        {"label": one.name, "address": f"{public}/act/{one.slug}"}
        for one in shelf_of(visit.studio).newsletters(visit.workspace)
        if one.has_page and not one.is_away and one.slug != look.slug
    ]
    own = SIGNED_PAGE if look.is_thanks else OWN_LINKS
    return [*others, *({"label": label, "address": address} for address, label in own)]


def sign_page_line(visit: Visit, look: DraftLook, action: Action | None) -> str:
    """What the action link leads to, for the link's dialog; "" where there is no such choice."""
    if look.is_thanks:
        return action.url if action else ""
    if action is not None and action.page:
        try:
            named = f"“{read_action_page(visit.workspace.newsletter(look.slug))[0].headline}”. "
        except MailerError:  # the tab of the page says what is wrong with it
            named = ""
        return f"{named}It knows who they are, so signing is one press. Counted as: link in the text."
    if action is not None and action.url:
        return f"{action.url} Counted as: link in the text."
    return "There is none yet: make one on the tab Sign page, or say where the button leads, above the text."


def count(visit: Visit) -> Response:
    """How many of the audience have a value for each tag, and the commonest countries and languages."""
    slug, kept = visit.path["name"], visit.studio.kept
    look = looks_of(visit.studio).saved(visit, slug)
    audience = look.press.plan.audience if look.press else None
    if audience is None:
        return JSONResponse({"of": None, "known": {}})
    known = cast("dict[str, tuple[object, dict[str, object]]]", kept.setdefault("known values", {}))
    mark = (audience, visit.now.timestamp() // KEPT_FOR.total_seconds())
    if slug not in known or known[slug][0] != mark:
        with visit.database.read() as connection:
            known[slug] = (mark, _counted(connection, visit, audience))
    return JSONResponse(known[slug][1])


def _counted(connection: Connection, visit: Visit, audience: Audience) -> dict[str, object]:
    everyone = chosen(audience, now=visit.now).subquery()
    held = {f"supporter.{field}": func.count(func.nullif(column, "")) for field, column in COLUMNS.items()}
    held["supporter.name"] = func.count(func.nullif(people.c.first_name + people.c.last_name, ""))
    held["supporter.email"] = func.count()
    for field in _own(visit):
        held[f"supporter.{field}"] = func.count(func.nullif(people.c.attributes[field].as_string(), ""))
    query = select(func.count(), *held.values()).select_from(people.join(everyone, everyone.c.person_id == people.c.id))
    of, *counts = connection.execute(query).one()
    return {"of": int(of), "known": dict(zip(held, map(int, counts), strict=True))}


def _own(visit: Visit) -> Sequence[str]:
    """The fields that this organisation's people have beside the usual ones."""
    lists: list[Any] = []
    for name in visit.workspace.list_names():
        try:
            lists.append(visit.workspace.list_definition(name))
        except MailerError:  # the room Lists says what is wrong with it
            continue
    kept = cast("Mapping[str, tuple[object, Sequence[str]]]", visit.studio.kept)
    mark = (tuple(lists), visit.now.timestamp() // KEPT_FOR.total_seconds())
    if "own fields" not in kept or kept["own fields"][0] != mark:
        with visit.database.read() as connection:
            found = sorted(known_fields(connection, lists) - WORDS.keys())
        visit.studio.kept["own fields"] = (mark, [name for name in found if name.isidentifier()][:MOST_FIELDS])
    return kept["own fields"][1]
