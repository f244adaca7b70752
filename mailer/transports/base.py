"""The values that go into and come out of a transport: the same terms for every provider.

A `Mailing` is what all mails of a campaign share; an `Envelope` is one person's share of it. A transport carries
both faithfully or refuses; it never drops a header or a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from mailer.compose.message import Parts
from mailer.errors import MailerError


@dataclass(frozen=True, slots=True)
class Mailing:
    """The constant part of a campaign's mails. `subject`, `text` and `html` have slots, which envelopes fill."""

    key: str  # names the campaign, such as its slug; ASCII
    from_name: str
    from_address: str
    reply_to: str  # Name <address>, or "" for none
    subject: Parts
    text: Parts
    html: Parts
    headers: tuple[tuple[str, str], ...]  # List-ID, List-Unsubscribe-Post, Feedback-ID …


@dataclass(frozen=True, slots=True)
class Envelope:
    """One person's mail: the address, what fills the slots (escaped already), and the headers only they get."""

    delivery_id: int
    attempt: int
    address: str  # valid and normalised; its domain may still be written in Unicode
    name: str  # "" when unknown
    values: tuple[str, ...]  # one for each slot of the message
    headers: tuple[tuple[str, str], ...]  # Message-ID, Date, List-Unsubscribe
    # Where answers go, instead of the mailing's Reply-To, by those providers that let each mail have its own.
    reply_to: str = ""
    return_path: str = ""  # where it goes when it comes back (RFC 5321 §4.4); "": to the sender


class Fate(StrEnum):
    """What became of an envelope, as far as anyone can know."""

    ACCEPTED = "accepted"  # the other side took responsibility
    DEFERRED = "deferred"  # surely not taken; worth another try later
    REFUSED = "refused"  # surely not taken, and never will be
    UNCERTAIN = "uncertain"  # the answer is missing: it may have been taken


class ReplyClass(StrEnum):
    """Whose fault a reply is (RFC 3463 §3; the table in docs/transports.md)."""

    HARD = "hard"  # no such person: suppress the address
    SOFT = "soft"  # full, busy, slow: try again
    POLICY = "policy"  # reputation or content: not the address's fault
    OURS = "ours"  # login, identity or syntax: nothing will be taken until staff fix it


class Outcome(NamedTuple):
    """The answer for one envelope. `code` is as the provider wrote it ("550 5.1.1"), `detail` its words."""

    fate: Fate
    code: str = ""
    detail: str = ""
    reply_class: ReplyClass | None = None
    retry_after_seconds: float | None = None  # when the provider named a time
    provider_id: str = ""
    refuses_us: bool = False  # it is our sender or host that isn't wanted, so the next answer would be the same


class TransportUnavailable(MailerError):
    """Nothing was handed over, and it may work later: refused, unreachable, timed out while connecting, busy."""

    def __init__(self, message: str, *, remedy: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_seconds = retry_after_seconds


class TransportRefused(MailerError):
    """Nothing was handed over, and nothing will be until staff fix it: login, certificate, identity, settings."""


class LoopEvent(NamedTuple):
    """An event on one of many connections: the outcome of its mail or, without an outcome, that it is open.

    `trouble`: surely nothing was handed over, and the connection is closed.
    """

    number: int
    outcome: Outcome | None = None
    trouble: MailerError | None = None


class Loop(Protocol):
    """Many connections side by side, known by number and driven by one thread that never waits for one of them."""

    def open(self, number: int) -> None:
        """Begin to connect; `wait` reports when it is open, or why it isn't."""
        ...

    def begin(self, number: int, envelope: Envelope) -> None:
        """Begin to hand over one mail; `wait` reports its outcome. Reopens a closed connection."""
        ...

    def wait(self, seconds: float) -> Sequence[LoopEvent]:
        """The events so far; waits at most `seconds` for the first."""
        ...

    def shut(self, number: int) -> None:
        """Drop a connection."""
        ...

    def leave(self, numbers: Sequence[int]) -> None:
        """Close idle connections in the way the protocol asks for."""
        ...

    def close(self) -> None:
        """Close everything; connections in the middle of a mail are dropped."""
        ...


class Connection(Protocol):
    """One open connection to the other side, used by one thread."""

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """Hand over at most the transport's `batch` envelopes: one outcome for each, in order.

        Raises `TransportUnavailable` or `TransportRefused` only when surely none of them was handed over.
        """
        ...

    def close(self) -> None: ...


class Transport(Protocol):
    """A way to send. `batch`: envelopes in one hand-over; `connections`: how many may be open side by side."""

    @property
    def name(self) -> str: ...
    @property
    def batch(self) -> int: ...
    @property
    def connections(self) -> int: ...

    def connect(self, mailing: Mailing) -> Connection:
        """Open a connection for one campaign. Raises as `hand_over` does."""
        ...

    def loop(self, mailing: Mailing) -> Loop | None:
        """Many connections for one campaign in one thread; None for a transport that uses threads."""
        ...

    def probe(self) -> str:
        """Try the transport without mailing anyone, for `mailer doctor`: a sentence on what works, or raises."""
        ...
