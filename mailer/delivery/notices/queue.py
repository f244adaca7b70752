"""Notices: mails to one person outside any campaign, such as the link that confirms a subscription, as jobs.

A notice is queued in the transaction that it tells of. What it says is for `text`; handing it over for `sender`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from mailer.store.jobs import NOTICE, Job, add


class NoticeKind(StrEnum):
    """The text to use: texts/<kind>.txt."""

    CONFIRM_JOIN = "confirm-join"
    WELCOME = "welcome"
    ALREADY = "already"
    CONFIRM_ADDRESS = "confirm-address"
    ADDRESS_TAKEN = "address-taken"
    ADDRESS_CHANGED = "address-changed"
    DATA = "data"
    STAFF_LINK = "staff-link"
    STAFF_ASKED = "staff-asked"


@dataclass(frozen=True, slots=True)
class Notice:
    """What to say, and to which person. `confirmation` is the row its button leads to; `lists` are names.

    `account` is the member of staff whose one-time link it carries; that is made when the notice is handed over, so it
    is kept nowhere and its day begins then. `review` is the newsletter whose review the button leads to; `said` are
    words of staff that the text holds.
    """

    kind: NoticeKind
    address: str
    language: str = ""
    lists: Sequence[str] = ()
    confirmation: int | None = None
    account: int | None = None
    review: str = ""
    said: Mapping[str, str] = field(default_factory=dict[str, str])


def queue(connection: Connection, notice: Notice, *, at: datetime) -> None:
    """Queue a notice to be handed over as soon as this transaction is committed."""
    said: dict[str, Any] = {"language": notice.language, "lists": list(notice.lists)}
    if notice.confirmation is not None:
        said["confirmation"] = str(notice.confirmation)  # as text: 63 bits are too many for some readers of JSON
    if notice.account is not None:
        said["account"] = notice.account
    if notice.review:
        said |= {"review": notice.review, "said": dict(notice.said)}
    add(connection, NOTICE, json.dumps(said).encode(), at=at, topic=notice.kind.value, address=notice.address)


def read_notice(job: Job) -> Notice:
    """The notice of a job."""
    said = json.loads(job.payload)
    number = said.get("confirmation")
    return Notice(
        kind=NoticeKind(job.topic),
        address=job.address,
        language=said["language"],
        lists=tuple(said.get("lists", ())),
        confirmation=None if number is None else int(number),
        account=said.get("account"),
        review=said.get("review", ""),
        said=said.get("said", {}),
    )
