"""A second look at a scheduled newsletter when it is due: what may have gone wrong since, as long as nobody was mailed.

The message is frozen, so no rule about its words is asked again. People, lists, pages and settings are not: they are
looked at as they are now. What happens to a campaign that is held is for `delivery.campaigns`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from mailer.audience.selection.select import decided
from mailer.audience.selection.spec import Audience
from mailer.checking.evidence.audience_rows import merge_versions
from mailer.checking.evidence.audience_stats import AudienceStats, Trouble
from mailer.compose.message import Message
from mailer.counting import counted
from mailer.delivery.data.rows import TableCells
from mailer.store.engine.database import Database
from mailer.workspace import Workspace

# The errors about people, each with the rule by which an author may have waived it, and how it is said.
ABOUT_PEOPLE = {
    Trouble.GREETING: ("audience.greeting", "{people} would get nothing in place of {{{{ {source} }}}}"),
    Trouble.DESTINATION: ("audience.destination", "the link “{source}” leads {people} to no web address"),
}


def why_hold(workspace: Workspace, database: Database, message: Message, audience: Audience, *, now: datetime) -> str:
    """Why the message must not go out to this audience now, in words for staff; "" when it may."""
    cells = TableCells(database, workspace.secrets.require_address_key)
    with database.read(of_everyone=True) as connection, decided(connection, audience, now=now):
        merged = merge_versions(connection, message, cells)
    found: list[str] = [] if any(one.people for one, _ in merged.values()) else ["nobody would get it any more"]
    for version, one in message.versions.items():
        found += [*_about_people(one, merged[version][0]), *_about_pages(workspace, one)]
    return "; ".join(dict.fromkeys(found))


def _about_people(message: Message, figures: AudienceStats) -> Iterator[str]:
    for one in figures.troubled:
        rule, words = ABOUT_PEOPLE.get(one.trouble, ("", ""))
        if rule and rule not in message.waived:
            yield words.format(people=counted(one.people), source=one.source)


def _about_pages(workspace: Workspace, message: Message) -> Iterator[str]:
    now, then = workspace.settings.public.url, message.public_url
    if now != then:
        yield f"its links, the one for leaving too, lead to {then}, and the public address is {now} now"
    stem = f"{then}/act/"
    for link in message.links:
        if link.is_action and link.url.startswith(stem):
            slug = re.split(r"[/?#]", link.url[len(stem) :])[0]
            if "{" not in slug and slug not in workspace.action_pages() and "links.action-page" not in message.waived:
                yield f"it leads to the sign page of {slug}, and that is gone"
                return
