"""Rows for tests of what comes back: people on lists, a frozen message, its campaign, deliveries and hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id
from mailer.compose.message import Context, Link, Message, Slot, to_json
from mailer.store.tables.core import campaigns, deliveries, events, hits, links, people, subscriptions
from mailer.store.tables.states import CampaignState, DeliveryState, Membership, Verdict
from mailer.tracking.bot_rules import RULES

ADDRESS_KEY = b"an-address-key-for-tests-that-is-long-enough"
CAMPAIGN = 77
SLUG = "2026-11-ask"
# Slots of `message`: 0 the name in HTML, 1 the name in an address, 2 to 4 addresses of ours.
SLOTS = (
    Slot("supporter.first_name", Context.HTML),
    Slot("supporter.country", Context.URL),
    Slot("click_url", Context.ATTRIBUTE),
    Slot("unsubscribe_url", Context.ATTRIBUTE),
    Slot("view_url", Context.ATTRIBUTE),
)
# What makes the rules come to each verdict.
HEADERS: Mapping[Verdict, Mapping[str, str]] = {
    Verdict.HUMAN: {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"},
    Verdict.MACHINE: {"user-agent": "curl/8.14.1"},
    Verdict.UNSURE: {},
}
ACTION = "https://action.example.org/act/ask?source=mail"


def make_links() -> tuple[Link, ...]:
    """Two placements of the action, a footnote, and a link that is filled in for the person."""
    rows = (
        (ACTION, (ACTION,), "Add your name", "button", True),
        (ACTION, (ACTION,), "ask them", "inline", True),
        ("https://example.org/sources#a", ("https://example.org/sources#a",), "Sources", "footnote", False),
        (
            "https://example.org/in/{{ supporter.country }}",
            ("https://example.org/in/", 1, "?x=1"),
            "Near you",
            "inline",
            False,
        ),
    )
    return tuple(Link(n, *row) for n, row in enumerate(rows, start=1))


def make_message(*, public_url: str = "https://mail.example.org", links: Sequence[Link] | None = None) -> Message:
    """A small compiled message."""
    return Message(
        slug=SLUG,
        list="supporters",
        language="en",
        direction="ltr",
        from_="Example Campaigns <appeals@example.org>",
        reply_to="",
        public_url=public_url,
        subject=("Ask them",),
        preheader=("Now",),
        html=('<html lang="en"><body><p>Dear ', 0, '</p><a href="', 2, '/1">Add your name</a><a href="', 3, '">x</a>'),
        text=("Dear friend",),
        slots=SLOTS,
        links=make_links() if links is None else tuple(links),
        constants={"list": {"title": "Supporters", "list_id": "supporters.lists.example.org"}},
    )


def add_people(connection: Connection, count: int, *, now: datetime, lists: Sequence[str] = ("supporters",)) -> None:
    """People 1 to `count`: mary<n>@example.org, subscribed to `lists`."""
    for number in range(1, count + 1):
        address = f"mary{number}@example.org"
        connection.execute(
            insert(people).values(
                id=number, address=address, address_hash=address_hash(address, ADDRESS_KEY),
                first_name="Mary <3", country="GB", created_at=now, updated_at=now,
            )
        )  # fmt: skip
        for name in lists:
            connection.execute(
                insert(subscriptions).values(
                    list_id=list_id(connection, name), person_id=number, status=Membership.SUBSCRIBED, changed_at=now
                )
            )


def add_campaign(
    connection: Connection,
    message: Message,
    *,
    now: datetime,
    campaign_id: int = CAMPAIGN,
    state: CampaignState = CampaignState.FINISHED,
    include: Sequence[str] = ("supporters",),
    counts: Mapping[str, int] | None = None,
    **values: Any,
) -> None:
    """A campaign and its link table."""
    connection.execute(
        insert(campaigns).values(
            id=campaign_id, slug=message.slug, state=state, message=to_json(message), digest=message.digest,
            audience={"include": list(include)}, counts=counts or {}, transport="outbox", created_at=now,
            **values,
        )
    )  # fmt: skip
    for link in message.links:
        connection.execute(
            insert(links).values(
                campaign_id=campaign_id, n=link.n, url=link.url, label=link.label, placement=link.placement,
                is_action=link.is_action,
            )
        )  # fmt: skip


def delivery_id(number: int, campaign_id: int = CAMPAIGN) -> int:
    """The delivery of the person `number`."""
    return campaign_id * 2**32 + number


def add_deliveries(
    connection: Connection,
    numbers: Sequence[int],
    *,
    now: datetime,
    campaign_id: int = CAMPAIGN,
    state: DeliveryState = DeliveryState.SENT,
    **values: Any,
) -> None:
    """A delivery for each person of `numbers`."""
    for number in numbers:
        connection.execute(
            insert(deliveries).values(
                id=delivery_id(number, campaign_id), campaign_id=campaign_id, person_id=number, state=state,
                attempt=1, not_before=now, **values,
            )
        )  # fmt: skip


def add_hit(
    connection: Connection,
    number: int | None,
    n: int,
    *,
    now: datetime,
    verdict: Verdict = Verdict.HUMAN,
    campaign_id: int = CAMPAIGN,
) -> None:
    """A hit of link `n` by the person `number`, or by somebody who is not tracked."""
    connection.execute(
        insert(hits).values(
            campaign_id=campaign_id, delivery_id=None if number is None else delivery_id(number, campaign_id), n=n,
            at=now, method="GET", headers=HEADERS[verdict], network=b"", verdict=verdict, reasons="", rules=RULES,
        )
    )  # fmt: skip


def add_event(connection: Connection, number: int, kind: str, *, now: datetime, campaign_id: int = CAMPAIGN) -> None:
    """An event of a delivery."""
    connection.execute(
        insert(events).values(
            campaign_id=campaign_id, delivery_id=delivery_id(number, campaign_id), at=now, kind=kind, detail=""
        )
    )
