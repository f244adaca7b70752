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
    links to unsubscribe, to view in the browser and to choose; none in what isn't a newsletter.
    """
    unsubscribe, view, preferences = addresses or ("", "", "")
    own = f"\n{words.unsubscribe}: {unsubscribe}\n{words.preferences}: {preferences}\n{words.view}: {view}\n"
    pieces = [
        f"{ruled(headline, '=')}\n\n",
        _when(event, words, view) if event else "",
        before,
        *(block.text for block in body.blocks),
        signature,
        *(block.text for block in body.postscripts),
        *(note.text for note in body.notes),
        LINE,
        *(f"{wrap(line)}\n" for line in footer if line),
        own if addresses else "",
    ]
    return "".join(pieces)


def _when(event: Mapping[str, str], words: Labels, view: str) -> str:
    where = [event[key] for key in ("place", "address") if event[key]]
    lines = [f"{event['date']}, {event['time']}", *where, f"{words.calendar}: {view}/{CALENDAR_FILE}"]
    return "\n".join(lines) + "\n\n"
