"""Puts the plain-text part together: the same story as the HTML, in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mailer.compose.markdown.body import RenderedBody
from mailer.compose.markdown.plain_text import ruled, wrap
from mailer.compose.source.event import CALENDAR_FILE
from mailer.compose.source.labels import Labels

LINE = f"{'-' * 72}\n"


def text_part(
    body: RenderedBody,
    *,
    headline: str,
    before: str,
    event: Mapping[str, str],
    signature: str,
    footer: Iterable[str],
    words: Labels,
    addresses: Sequence[str],
) -> str:
    """The whole text, markers inside.

    `before`: what is above the body; `footer`: why it comes and from where; `addresses`: markers of the person's own
    links to unsubscribe, to view in the browser and to choose, or none in a mail that nobody can leave.
    """
    pieces = [
        f"{ruled(headline, '=')}\n\n",
        _when(event, words, addresses) if event else "",
        before,
        *(block.text for block in body.blocks),
        signature,
        *(block.text for block in body.postscripts),
        *(note.text for note in body.notes),
        LINE,
        *(f"{wrap(line)}\n" for line in footer if line),
        _leaving(words, addresses),
    ]
    return "".join(pieces)


def _when(event: Mapping[str, str], words: Labels, addresses: Sequence[str]) -> str:
    where = [event[key] for key in ("place", "address") if event[key]]
    calendar = [f"{words.calendar}: {view}/{CALENDAR_FILE}" for view in addresses[1:2]]
    return "\n".join([f"{event['date']}, {event['time']}", *where, *calendar]) + "\n\n"


def _leaving(words: Labels, addresses: Sequence[str]) -> str:
    if not addresses:
        return ""
    unsubscribe, view, preferences = addresses
    return f"\n{words.unsubscribe}: {unsubscribe}\n{words.preferences}: {preferences}\n{words.view}: {view}\n"
