"""Who a copy of a sent newsletter is for: those who didn't get it, or who got it and didn't sign. In one move."""

from __future__ import annotations

from collections.abc import Mapping

from mailer.audience.selection.segment_sql import parse_segment
from mailer.audience.selection.segment_text import segment_text
from mailer.compose.expressions.ast import ANYTHING, Call, Conditional, Or
from mailer.compose.source.message_file import Source
from mailer.editing.splice import FrontValue
from mailer.errors import MailerError
from mailer.web.studio.newsletters.listing import ListedNewsletter

SAME, MISSED, UNSIGNED = "", "missed", "unsigned"


def aims(copied: ListedNewsletter) -> Mapping[str, str]:
    """What can be chosen for a copy, in words; nothing while nobody got the newsletter."""
    if not (copied.was_sent or copied.is_moving):
        return {}
    found = {SAME: "The same audience as before", MISSED: "Those of it who didn’t get this one"}
    return found | ({UNSIGNED: "Those who got this one and didn’t sign"} if copied.file.has_page else {})


def aimed(source: Source, aim: str) -> dict[str, FrontValue]:
    """What changes in the front matter of a copy of `source`. People who may or may not have got it count as if they
    had: nobody is mailed twice. Raises `MailerError` where its segment can't be read."""
    mailed = f'mailed("{source.newsletter.slug}")'
    if aim == MISSED:
        segment = " and ".join([*_bracketed(source.audience.get("segment")), f"not {mailed}"])
    elif aim == UNSIGNED:
        segment = f'{mailed} and not signed("{source.newsletter.slug}")'
    else:
        return {}
    # A draw of some people was for the first mail; among the others it would draw others than are meant.
    return {"audience.segment": segment, "audience.limit": None, "audience.seed": None}


def _bracketed(segment: object) -> list[str]:
    """An expression as something can be added to it by `and`."""
    if not isinstance(segment, str) or not segment.strip():
        return []
    try:
        expression = parse_segment(segment, fields=ANYTHING)
    except MailerError as error:
        raise MailerError(
            "the audience of this newsletter can’t be read", remedy="Copy it, then choose one."
        ) from error
    # A saved segment's name alone has to be asked for by its question before something can follow it.
    text = segment_text(expression) if isinstance(expression, Call) else segment.strip()
    return [f"({text})" if isinstance(expression, Or | Conditional) else text]
