"""What a thanks.md has beside a newsletter's message: why it comes, the button that confirms, and links of its own.

It is mailed once to each person who signs, outside any campaign. So it names no list that could be left, its links lead
where they say without being counted, and it is the one mail that asks somebody who ticked the box for news to confirm
that. Who gets it is for `delivery.thanks`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from markupsafe import Markup, escape

from mailer.compose.markdown.blocks import AskBlock, Block, ConditionBlock, TextBlock
from mailer.compose.markdown.plain_text import label_and_address, ruled, wrap
from mailer.compose.message import Choice, Context, Message, Parts, Slot
from mailer.compose.source.written import Source
from mailer.compose.splitter import CLICK_URL
from mailer.compose.templating.link_table import Links
from mailer.compose.templating.markers import Control, Markers, Value
from mailer.diagnostics import Place

# What its merge tags may name beside what is known of a supporter; each is "" where it doesn't apply.
CONFIRMATION = "confirmation"  # the token of the link that puts them on the list
ON_LIST = "on_list"  # they ticked the box and are on the list already
FIELDS = (CONFIRMATION, ON_LIST)
NUMBER = re.compile(r"/(\d+)")


def confirming(source: Source, markers: Markers, links: Links) -> list[Block]:
    """The blocks in which those who ticked the box for news confirm that, or read that there is nothing to confirm;
    none where there is no such box."""
    signed, place = source.signed, Place(source.file)
    if signed is None or not signed.list:
        return []
    say, said, group = signed.language.say, {"headline": signed.headline, "list": signed.list}, markers.new_group()

    def branch(number: int, test: str = "") -> ConditionBlock:
        return ConditionBlock(markers.add(Control(group, number, test, place)))

    title, button = say("One last thing: confirm your email"), say("Yes, sign me up")
    asked = say(
        "You (or someone using your address) signed “%(headline)s” and asked us to send %(list)s to this address."
        " Confirm and you’re in."
    )
    after = say("The link works for 7 days. Not you? Ignore this and you won’t hear from us again.")
    known = say("You’re on the list for %(list)s already, so there’s nothing to confirm.")
    address = links.add(
        signed.confirm + markers.add(Value(f"supporter.{CONFIRMATION}", place)), label=button, placement="button",
        place=place, bare=True,
    )  # fmt: skip
    return [
        branch(0, f"supporter.{CONFIRMATION}"),
        _text(asked % said, title),
        AskBlock(button, address, f"{label_and_address(button, address)}\n\n"),
        _text(after),
        branch(1, f"supporter.{ON_LIST}"),
        _text(known % said),
        branch(-1),
    ]


def _text(words: str, title: str = "") -> TextBlock:
    heading = Markup("<h2>{}</h2>\n").format(title) if title else Markup()
    above = f"{ruled(title, '-')}\n\n" if title else ""
    return TextBlock(heading + Markup("<p>{}</p>\n").format(words), f"{above}{wrap(words)}\n\n")


def with_own_links(message: Message) -> Message:
    """The message with each link as it is: none leads through the address that counts who followed it."""
    directed = _Directed(message)
    return replace(
        message,
        subject=directed.parts(message.subject), preheader=directed.parts(message.preheader),
        html=directed.parts(message.html), text=directed.parts(message.text), slots=directed.slots, links=(),
    )  # fmt: skip


class _Directed:
    """Puts the links' own addresses where the click addresses were, and renumbers the slots: a choice comes after what
    its branches hold, which may be an address's slot now."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.destinations = {link.n: link.destination for link in message.links}
        order = sorted(range(len(message.slots)), key=lambda n: isinstance(message.slots[n], Choice))
        self.numbers = {old: new for new, old in enumerate(order)}
        self.slots = tuple(self._slot(message.slots[n]) for n in order)

    def parts(self, parts: Parts) -> Parts:
        found: list[str | int] = []
        click: Slot | None = None  # the click address just before
        for part in parts:
            if isinstance(part, int):
                slot = self.message.slots[part]
                click = slot if isinstance(slot, Slot) and slot.source == CLICK_URL else None
                found += [] if click else [self.numbers[part]]
                continue
            number = NUMBER.match(part) if click else None
            if click and number:
                found += self._address(int(number[1]), click.context)
            found.append(part[number.end() :] if number else part)
            click = None
        return tuple(found)

    def _slot(self, slot: Slot | Choice) -> Slot | Choice:
        if isinstance(slot, Slot):
            return slot
        return Choice(tuple((test, self.parts(parts)) for test, parts in slot.branches))

    def _address(self, number: int, context: Context) -> list[str | int]:
        plain = context is Context.TEXT
        return [
            self.numbers[part] if isinstance(part, int) else part if plain else str(escape(part))
            for part in self.destinations[number]
        ]
