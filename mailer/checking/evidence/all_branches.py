"""A message with every branch of every condition at once, so that what only some people see is looked at as well."""

from __future__ import annotations

from dataclasses import replace

from mailer.compose.message import Choice, Message, Parts


def all_branches(message: Message) -> Message:
    """The message whose conditions print all that they could, one branch after the other."""
    return replace(message, slots=tuple(_all(slot) if isinstance(slot, Choice) else slot for slot in message.slots))


def _all(choice: Choice) -> Choice:
    together: Parts = tuple(part for _, parts in choice.branches for part in parts)
    return Choice((("", together),))
