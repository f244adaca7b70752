"""A message that was mailed under one public address, as pages under another show it: for when `public.url` changes.

Mails stay as they are. What we make of the frozen message today, its view in the browser and its page in the archive,
must not ask a site that may be gone for pictures, or send people there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from mailer.compose.message import Choice, Message, Parts, Slot

# The first words of the addresses that `mailer serve` answers and messages hold: pictures, sign pages, the archive …
OWN = "i|act|archive|join"


def moved(message: Message, public_url: str) -> Message:
    """`message` with its own addresses below `public_url`; the very same when they are there already."""
    if message.public_url == public_url:
        return message
    # Only what is ours: the group's whole site may be at the same host.
    own = re.compile(rf"{re.escape(message.public_url)}(?=/(?:{OWN})(?:[/?#\"'<\s]|$))")

    def readdressed(text: str) -> str:
        return own.sub(lambda _: public_url, text)

    return replace(
        message,
        public_url=public_url,
        html=_each(message.html, readdressed),
        text=_each(message.text, readdressed),
        slots=tuple(_slot(slot, readdressed) for slot in message.slots),
        links=tuple(replace(link, destination=_each(link.destination, readdressed)) for link in message.links),
        translations=tuple(moved(one, public_url) for one in message.translations),
        variants=tuple(moved(one, public_url) for one in message.variants),
    )


def _slot(slot: Slot | Choice, change: Callable[[str], str]) -> Slot | Choice:
    if isinstance(slot, Slot):
        return slot
    return Choice(tuple((test, _each(parts, change)) for test, parts in slot.branches))


def _each(parts: Parts, change: Callable[[str], str]) -> Parts:
    return tuple(change(part) if isinstance(part, str) else part for part in parts)
