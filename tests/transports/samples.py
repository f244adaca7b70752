"""A mailing and envelopes for the transports' tests, and reading a mail back with Python's own parser."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import cast

from mailer.transports.base import Envelope, Mailing

TOKEN = "n2YxZzVhQ0J4d0" * 6

MAILING = Mailing(
    key="2026-11-ask-un-experts",
    from_name="Example Campaigns",
    from_address="appeals@example.org",
    reply_to="Example Campaigns <hello@example.org>",
    subject=("Ask UN experts for help", 0),
    text=("Dear ", 1, ",\n\nAdd your name:\nhttps://mail.example.org/c/", 2, "/1\n\n.\nFrom us all\n"),
    html=(
        "<!doctype html>\n<p>Dear ",
        3,
        ',</p>\n<a href="https://mail.example.org/c/',
        2,
        '/1">Add&nbsp;your name – now</a>\n',
    ),
    headers=(
        ("List-ID", "Supporters <supporters.lists.example.org>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Feedback-ID", "ask-un:supporters:campaign:example"),
    ),
)


def envelope(number: int = 1, *, name: str = "Ada", address: str = "", attempt: int = 1) -> Envelope:
    return Envelope(
        delivery_id=number,
        attempt=attempt,
        address=address or f"person{number}@example.org",
        name=name,
        values=(f", {name}" if name else "", name or "friend", f"{TOKEN}{number}", name or "friend"),
        headers=(
            ("Message-ID", f"<{number}.{attempt}@mail.example.org>"),
            ("Date", "Tue, 24 Nov 2026 09:00:00 +0000"),
            (
                "List-Unsubscribe",
                f"<https://mail.example.org/u/{TOKEN}{number}>, <mailto:unsubscribe@example.org?subject={TOKEN}>",
            ),
        ),
    )


def read(content: bytes) -> EmailMessage:
    """The mail as Python's strict parser reads it: any defect raises."""
    policy = email.policy.default.clone(raise_on_defect=True)
    return email.message_from_bytes(content, policy=policy)


def body(mail: EmailMessage, kind: str) -> str:
    """The text or HTML part, with newlines."""
    part = mail.get_body((kind,))
    assert part is not None
    return cast(str, part.get_content()).replace("\r\n", "\n")
