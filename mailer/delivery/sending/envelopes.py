"""Makes the envelopes of a campaign: one message, merged for one person, with the headers that only they get.

What is the same for everybody is worked out once, when the `EnvelopeBuilder` is made.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from operator import add

from mailer.compose.data.tables import Cells, no_cells
from mailer.compose.expressions.evaluator import NO_CALLS, Subject
from mailer.compose.merge import NAMES, MergeProgram, Urls, for_html
from mailer.compose.message import Message
from mailer.compose.open_pixel import PICTURE, picture_tag, with_picture
from mailer.errors import MailerError
from mailer.senders import ascii_sender, domain_of, split_sender
from mailer.settings import Settings
from mailer.tracking.return_path import return_path
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.transports.base import Envelope, Mailing

PROOF_MARK = "[Proof] "
LEAVING = "unsubscribe_url"
SECOND = timedelta(seconds=1)
PURPOSES: dict[str, Purpose] = dict(
    zip(NAMES, (Purpose.CLICK, Purpose.UNSUBSCRIBE, Purpose.VIEW, Purpose.PREFERENCES), strict=True)
)


class EnvelopeBuilder:
    """Envelopes for one message. With `proof`, subjects are marked and links count for nothing."""

    def __init__(
        self, message: Message, *, settings: Settings, signer: Signer, proof: bool = False, cells: Cells = no_cells
    ) -> None:
        assert cells is not no_cells or not message.tables, "a message with tables is merged with their rows"
        self.opens = settings.tracking.opens and not proof  # whether mails may have the open pixel
        self.message = with_picture(message) if self.opens else message
        self.program = MergeProgram(self.message, cells=cells)
        self._proof = proof
        # Tokens are made for the addresses that the message mentions, and for List-Unsubscribe.
        self._names = [name for name in NAMES if name in self.program.addresses or name == LEAVING]
        self._picture = signer.signing((Purpose.OPEN,))
        self._bounces = settings.bounces.address  # "": mails come back to their sender
        self._replies = _tagged_mailbox(message.reply_to, settings)
        self._reply_place = len(self._names)
        extra = (Purpose.REPLY,) * bool(self._replies) + (Purpose.RETURN,) * bool(self._bounces)  # theirs come last
        self._tokens = signer.signing([*(PURPOSES[name] for name in self._names), *extra], proof=proof)
        self._stems = [f"{message.public_url}/{PURPOSES[name]}/" for name in self._names]
        self._leaving = self._names.index(LEAVING)
        # A token needs no escaping anywhere, so an address needs none when the part before its token needs none.
        self._plain = all(for_html(stem) == stem for stem in self._stems)
        mailto = settings.public.unsubscribe_mailto
        self._mailto = ascii_sender(split_sender(mailto)[1]) if mailto else ""
        self._domain = domain_of(message.from_) or "localhost"
        self._dated = (datetime.min.replace(tzinfo=UTC), "")  # a second, and its Date

    def mailing(self) -> Mailing:
        """What all mails of the campaign share."""
        message = self.message
        name, address = split_sender(message.from_)
        return Mailing(
            key=message.slug,
            from_name=name,
            from_address=address,
            reply_to=message.reply_to,
            subject=(PROOF_MARK, *message.subject) if self._proof else message.subject,
            text=message.text,
            html=message.html,
            headers=self._shared_headers(),
        )

    def urls(self, named: Named) -> Urls:
        """The addresses that only this person's mail holds; "" for those that the message doesn't mention."""
        found = dict(zip(self._names, map(add, self._stems, self._tokens(named.id)), strict=True))
        return Urls(*[found.get(name, "") for name in NAMES])

    def kind(self, supporter: Mapping[str, object]) -> Hashable:
        """The same for people whose mails share their paragraphs; None where that can't be told."""
        try:
            return self.program.branches(supporter)
        except MailerError:  # said of each when their mail is made
            return None

    def envelope(
        self,
        delivery_id: int,
        *,
        attempt: int,
        address: str,
        supporter: Mapping[str, object],
        now: datetime,
        tracked: bool = False,
    ) -> Envelope:
        """One person's mail. `supporter` is what merge tags see; `tracked`: the person agrees to be tracked."""
        tokens = self._tokens(delivery_id)
        names = dict(zip(self._names, map(add, self._stems, tokens), strict=True))
        in_html = names if self._plain else {name: for_html(url) for name, url in names.items()}
        if tracked and self.opens:
            in_html = {**in_html, PICTURE: self._picture_of(delivery_id)}
        return Envelope(
            delivery_id=delivery_id,
            attempt=attempt,
            address=address,
            name=str(supporter.get("name", "")),
            values=self.program.values_of(Subject(supporter, names, NO_CALLS, in_html, self.program.cells)),
            headers=(
                ("Date", self._date(now)),
                # The same delivery built again has the same id, so a receiver can tell a repeat (RFC 5322 §3.6.4).
                # Its number begins with its campaign's, which is random, so no other mail of the domain has it.
                ("Message-ID", f"<{delivery_id:x}@{self._domain}>"),
                ("List-Unsubscribe", self._list_unsubscribe(names[LEAVING], tokens[self._leaving])),
            ),
            reply_to=return_path(self._replies, tokens[self._reply_place]) if self._replies else "",
            return_path=return_path(self._bounces, tokens[-1]) if self._bounces else "",
        )

    def _picture_of(self, delivery_id: int) -> str:
        (token,) = self._picture(delivery_id)
        return picture_tag(for_html(f"{self.message.public_url}/{Purpose.OPEN}/{token}.gif"))

    def _date(self, now: datetime) -> str:
        """`now` as a header says it, which is the same for a whole second (RFC 5322 §3.3)."""
        second, text = self._dated
        if not second <= now < second + SECOND:
            second = now.replace(microsecond=0)
            text = format_datetime(second)
            self._dated = (second, text)
        return text

    def _list_unsubscribe(self, url: str, token: str) -> str:
        """One https address, and a mailbox for readers that know nothing else (RFC 8058 §3.1, RFC 2369 §3.2)."""
        mailto = f", <mailto:{self._mailto}?subject=unsubscribe%20{token}>" if self._mailto else ""
        return f"<{url}>{mailto}"

    def _shared_headers(self) -> tuple[tuple[str, str], ...]:
        about = self.message.constants.get("list", {})
        title, list_id = about.get("title", ""), about.get("list_id", "")
        quoted = title.replace("\\", "").replace('"', "'")
        return (
            ("List-ID", f'"{quoted}" <{list_id}>' if title.isascii() else f"<{list_id}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            # Gmail's Postmaster Tools group complaints by it; read from the right, where the sender is.
            ("Feedback-ID", f"{self.message.slug[:40]}:{self.message.list[:40]}:mailer:{_sender_id(self._domain)}"),
            # Not a standard, yet the one header that old vacation responders honour; RFC 3834 §2 names it.
            ("Precedence", "bulk"),
        )


def _tagged_mailbox(reply_to: str, settings: Settings) -> str:
    """The mailbox for replies, where this message's Reply-To is it; "" where somebody named another, which stays."""
    mailbox = settings.replies.address
    named = ascii_sender(split_sender(reply_to)[1]) if reply_to else ""
    return mailbox if mailbox and named.lower() == ascii_sender(mailbox).lower() else ""


def _sender_id(domain: str) -> str:
    """A Feedback-ID sender of 5 to 15 letters and digits, the same for all mail of a domain (Gmail's rule)."""
    letters = "".join(character for character in domain if character.isalnum())
    return (letters + "mailer")[:15] if len(letters) < 5 else letters[:15]
