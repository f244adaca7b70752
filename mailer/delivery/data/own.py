"""What our own campaigns give other messages: the latest public newsletters, and how many signed a petition.

Both as bytes, as if they came from elsewhere: JSON Feed and JSON, so that they are kept and read like all else.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection

from mailer.audience.people.people import example
from mailer.audience.petition.goals import goal_of
from mailer.audience.petition.signatures import count
from mailer.compose.data.feed import JSON_FEED
from mailer.compose.data.sources import DataKind, DataSource
from mailer.compose.merge import MergeProgram
from mailer.delivery.data.kept import RawData, UnreadableSource
from mailer.delivery.ledger.mailed_message import frozen_message, public_campaigns
from mailer.errors import MailerError, nearest
from mailer.workspace import Workspace

ALL = "all"
MOST_LOOKED_AT = 60  # newsletters: a digest tells of some ten
NOBODY = example({})


def our_own(connection: Connection, source: DataSource, workspace: Workspace, *, language: str) -> RawData:
    """What a source of our own holds now. Raises `UnreadableSource`."""
    if source.kind is DataKind.SIGNATURES:
        return _as_bytes(_petition(connection, source.where, workspace, language=language))
    lists = workspace.list_names()
    if source.where != ALL and source.where not in lists:
        raise UnreadableSource(f"there is no list {source.where!r}", remedy=nearest(source.where, [ALL, *lists]))
    return _as_bytes(_newsletters(connection, source.where, workspace))


def _newsletters(connection: Connection, list_name: str, workspace: Workspace) -> dict[str, Any]:
    root = workspace.settings.public.url
    items: list[dict[str, str]] = []
    for number, at in public_campaigns(connection)[:MOST_LOOKED_AT]:
        message = frozen_message(connection, number)
        if list_name not in (ALL, message.list):
            continue
        program = MergeProgram(message)
        items.append(
            {
                "id": str(number), "title": program.subject(NOBODY), "summary": program.preheader(NOBODY),
                "url": f"{root}/archive/{message.slug}", "date_published": at.isoformat(),
            }
        )  # fmt: skip
    return {"version": f"https://{JSON_FEED}1.1", "home_page_url": f"{root}/archive", "items": items}


def _petition(connection: Connection, slug: str, workspace: Workspace, *, language: str) -> dict[str, Any]:
    from mailer.compose.action_page.versions import read_page_versions  # few messages count signatures

    pages = workspace.action_pages()
    if slug not in pages:
        raise UnreadableSource(f"the newsletter {slug!r} has no sign page", remedy=nearest(slug, pages))
    try:
        page = read_page_versions(workspace.newsletter(slug))[0].best([language])
    except MailerError as error:
        raise UnreadableSource(f"its sign page has faults: {error.message}", remedy=f"mailer check {slug}") from None
    signed = count(connection, slug)
    goal = goal_of(page.target, signed)
    return {
        "signatures": signed, "goal": goal.number if goal else "", "headline": page.headline,
        "url": f"{workspace.settings.public.url}/act/{slug}",
    }  # fmt: skip


def _as_bytes(value: dict[str, Any]) -> RawData:
    return RawData(json.dumps(value, sort_keys=True).encode(), "utf-8")
