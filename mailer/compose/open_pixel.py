"""Adds the open pixel to a message, as one more slot of its HTML.

The slot is the whole picture, so that a mail to somebody who does not agree to be tracked has nothing in its place.
"""

from __future__ import annotations

from dataclasses import replace

from mailer.compose.message import Context, Message, Parts, Slot

PICTURE = "open_picture"  # the slot's source, which no message can name itself
END = "</body>"


def with_picture(message: Message) -> Message:
    """The message with a slot for the picture where its HTML ends."""
    slot = len(message.slots)
    return replace(message, slots=(*message.slots, Slot(PICTURE, Context.HTML)), html=before_end(message.html, slot))


def picture_tag(url: str) -> str:
    """The picture as HTML. It shows nothing, so it has nothing to be read out either."""
    return f'<img src="{url}" alt="" width="1" height="1">'


def before_end(html: Parts, added: str | int) -> Parts:
    """The HTML of a message with one more part, below everything that is shown."""
    for place in range(len(html) - 1, -1, -1):
        part = html[place]
        if isinstance(part, str) and (cut := part.lower().rfind(END)) >= 0:
            return (*html[:place], part[:cut], added, part[cut:], *html[place + 1 :])
    return (*html, added)
