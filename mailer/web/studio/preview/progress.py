"""The picture of how many have signed, in a mail that is looked at: drawn here, since the frame loads nothing from our
public address, which may lead nowhere yet."""

from __future__ import annotations

import re
from base64 import b64encode
from html import unescape
from urllib.parse import parse_qs

from mailer.audience.petition.goals import goal_of
from mailer.audience.petition.signatures import tally
from mailer.compose.action_page.parse import read_action_page
from mailer.compose.colours.palette import palettes
from mailer.errors import MailerError
from mailer.web.pages.progress_png import draw, share_of, words_in
from mailer.web.studio.core.context import Visit
from mailer.workspace import Newsletter

SAMPLE = (3_412, 5_000)  # signatures, and the goal, where a template is shown


def with_progress(visit: Visit, html: str, *, sample: bool = False) -> str:
    """The mail with its pictures of progress in it. One of a newsletter without a page stays as it is: people would see
    none either."""
    settings = visit.workspace.settings
    pattern = re.compile(re.escape(settings.public.url) + r"/progress/([A-Za-z0-9-]+)\.png([?][^\"\s>]*)?")
    colours = palettes(settings.brand)

    def drawn(found: re.Match[str]) -> str:
        figures = SAMPLE if sample else _figures(visit, found[1])
        if figures is None:
            return found[0]
        asked = parse_qs(unescape(found[2] or "")[1:])
        words = words_in(asked.get("lang", [""])[0], *figures)
        picture = draw(words, share_of(*figures), colours[1 if asked.get("mode") == ["dark"] else 0])
        return f"data:image/png;base64,{b64encode(picture).decode('ascii')}"

    return pattern.sub(drawn, html)


def _figures(visit: Visit, slug: str) -> tuple[int, int | None] | None:
    try:
        page, _ = read_action_page(Newsletter(visit.workspace, slug))
    except MailerError:
        return None
    with visit.database.read() as connection:
        signed = tally(connection, slug, names=0).signatures
    goal = goal_of(page.target, signed)
    return signed, goal.number if goal else None
