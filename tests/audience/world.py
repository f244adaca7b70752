"""People, lists and campaigns as the audience's tests need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, update

from mailer.audience.addresses import address_hash
from mailer.audience.imports import ImportOptions, ImportReport, import_files
from mailer.audience.petition.signatures import Particulars, SignatureOrigin, sign
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, hits, links, people, subscriptions
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import CampaignState, DeliveryState, Membership, Verdict
from mailer.workspace import ListDefinition
from tests.conftest import NOW

KEY = b"an-address-key-for-tests-that-is-long-enough"
NOBODY = Particulars({})
SUPPORTERS = ListDefinition("supporters", "Supporters", "supporters.lists.example.org", consent="Yes, mail me.")


def signing_as(first_name: str, last_name: str, *, shown: bool | None = None, **more: str) -> Particulars:
    """What somebody of this name signs with."""
    names = {"first_name": first_name, "last_name": last_name, **more}
    return Particulars(names, shown=shown, comment_shown=bool(shown))


def add_person(
    connection: Connection,
    number: int,
    *,
    attributes: Mapping[str, str] | None = None,
    created_at: datetime = NOW,
    **fields: str,
) -> int:
    address = fields.pop("address", f"person{number}@example.org")
    connection.execute(
        insert(people).values(
            id=number,
            address=address,
            address_hash=address_hash(address, KEY),
            attributes=dict(attributes or {}),
            created_at=created_at,
            updated_at=NOW,
            **fields,
        )
    )
    return number


def subscribe(connection: Connection, person_id: int, list_id: int, status: Membership = Membership.SUBSCRIBED) -> None:
    row = {"list_id": list_id, "person_id": person_id, "status": status.value, "changed_at": NOW}
    connection.execute(insert(subscriptions).values(row))


def add_campaign(connection: Connection, number: int, slug: str, *, finished_at: datetime | None = None) -> int:
    connection.execute(
        insert(campaigns).values(
            id=number, slug=slug, state=CampaignState.SENDING.value, message={}, digest="", audience={},
            created_at=NOW, finished_at=finished_at,
        )
    )  # fmt: skip
    for n, is_action in ((1, True), (2, False)):
        connection.execute(
            insert(links).values(
                campaign_id=number, n=n, url="https://example.org/", label="", placement="button", is_action=is_action
            )
        )
    return number


def deliver(
    connection: Connection,
    campaign_id: int,
    person_id: int | None,
    *,
    number: int,
    state: DeliveryState = DeliveryState.SENT,
    at: datetime = NOW,
) -> int:
    delivery_id = campaign_id * 2**32 + number
    connection.execute(
        insert(deliveries).values(
            id=delivery_id, campaign_id=campaign_id, person_id=person_id, state=state.value, not_before=NOW,
            changed_at=at,
        )
    )  # fmt: skip
    return delivery_id


def click(
    connection: Connection, delivery_id: int, *, n: int = 1, verdict: Verdict = Verdict.HUMAN, at: datetime = NOW
) -> None:
    connection.execute(
        insert(hits).values(
            campaign_id=delivery_id >> 32, delivery_id=delivery_id, n=n, at=at, method="GET", headers={},
            network=b"", verdict=verdict.value, rules=1,
        )
    )  # fmt: skip


def put_name(connection: Connection, page: str, person_id: int | None, *, at: datetime = NOW) -> None:
    """A signature; of somebody who was forgotten meanwhile when there is no number."""
    statement = sign(connection, page=page, statement="We ask.", person_id=person_id or 10**9, who=NOBODY,
                     origin=SignatureOrigin(), at=at)  # fmt: skip
    if person_id is None:
        connection.execute(update(signatures).where(signatures.c.id == statement.id).values(person_id=None))


def bring(
    database: Database, path: Path, content: str | bytes | None = None, *, name: str = "supporters", **options: object
) -> ImportReport:
    """Import a file, written first when its content is given; with what may be asked for beside it."""
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    asked = {name: options.pop(name) for name in ImportOptions.__dataclass_fields__ if name in options}
    said = ImportOptions(**asked)  # pyright: ignore[reportArgumentType] - passed on as given
    settings: dict[str, object] = {"address_key": KEY, "by": terminal(), "now": NOW, "asked": said, **options}
    return import_files(database, definition=replace(SUPPORTERS, name=name), paths=[path], **settings)  # pyright: ignore[reportArgumentType] - passed on as given
