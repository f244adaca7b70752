"""One person's mail, in the forms that the studio shows: the frame, the text, the inbox line.

It is made by the very `EnvelopeBuilder` that sends. Tokens are signed with a key of this process that no server takes,
so no link of a preview can be followed or leaves anybody's list.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.message import Image, Link
from mailer.compose.source.images import address, read_image
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.senders import split_sender
from mailer.tracking.tokens import Signer
from mailer.transports.base import Envelope
from mailer.workspace import Workspace

DELIVERY = 1  # the number a preview's mail bears


@dataclass(frozen=True, slots=True)
class PersonMail:
    """A merged mail."""

    sender: str
    sender_address: str
    subject: str
    preheader: str
    html: str
    text: str
    envelope: Envelope


class Press:
    """Merges one compiled message for readers of the preview."""

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        self.workspace = workspace
        self.plan = plan
        self.message = plan.message
        self.builder = EnvelopeBuilder(
            plan.message, settings=workspace.settings, signer=Signer([secrets.token_bytes(32)]), cells=plan.cells
        )

    def read_by(self, supporter: Mapping[str, str]) -> Press:
        """A press of the version that this person gets."""
        return Press(self.plan.read_by(supporter), self.workspace) if self.message.translations else self

    def letter(self, supporter: Mapping[str, str], *, now: datetime) -> PersonMail:
        """The mail as this person would get it."""
        message, fill = self.message, self.builder.program.fill
        envelope = self.builder.envelope(DELIVERY, attempt=1, address=supporter["email"], supporter=supporter, now=now)
        sender, sender_address = split_sender(message.from_)
        return PersonMail(
            sender=sender or sender_address,
            sender_address=sender_address,
            subject=fill(message.subject, envelope.values),
            preheader=fill(message.preheader, envelope.values),
            html=fill(message.html, envelope.values),
            text=fill(message.text, envelope.values),
            envelope=envelope,
        )

    def in_frame(self, supporter: Mapping[str, str], *, base: str, place: str) -> str:
        """The same HTML with its links and pictures leading to the studio at the path `base`.

        `place` says who reads it and how, so that what a link leads to can lead back.
        """
        own = f"{base}/own/{place}"
        urls = Urls(f"{base}/go/{place}", f"{own}/unsubscribe", f"{own}/view", f"{own}/preferences")
        html = self.builder.program.html(supporter, urls)
        for image in self.message.images:
            html = html.replace(address(image, self.message.public_url), f"{base}/pictures/{image.digest}")
        return html

    def link(self, n: int) -> tuple[Link, MergeProgram] | None:
        """A link of any version, and the program that knows where it leads."""
        for one in self.message.versions.values():
            for link in one.links:
                if link.n == n:
                    return link, self.builder.program if one is self.message else MergeProgram(
                        one, cells=self.plan.cells
                    )
        return None

    def picture(self, digest: str) -> tuple[Image, bytes] | None:
        """A picture of the message. Raises `MailerError` when the file has changed since it was compiled."""
        for image in self.message.every_image:
            if image.digest == digest:
                return image, read_image(image, self.plan.newsletter)
        return None
