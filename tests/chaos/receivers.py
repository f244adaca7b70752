"""Where the mails arrive: an SMTP relay, the fake of SendGrid's API, a Maildir. Each can be asked who got what, when.

They live in the process of the tests, which is never killed; the mailer's processes are.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol

from tests.servers import relay, sendgrid_fake
from tests.servers.relay import Relay, Step
from tests.servers.sendgrid_fake import SendgridFake

API_KEY = "SG.test"
SMTP_CONNECTIONS = 3
SENDGRID_CONNECTIONS = 2
PER_REQUEST = 5
TIMEOUT_SECONDS = 120  # a receiver that is there answers, however busy the machine is


@dataclass(frozen=True, slots=True)
class Arrival:
    """One mail that was taken for one person; UNIX seconds of when its hand-over began and when it was taken."""

    address: str
    began_at: float
    accepted_at: float


class Receiver(Protocol):
    """What a site sends to. `on_the_wire`: people whose mail may be under way at one moment, of one worker."""

    @property
    def on_the_wire(self) -> int: ...
    @property
    def environ(self) -> Mapping[str, str]: ...
    def count(self) -> int: ...
    def arrivals(self) -> list[Arrival]: ...

    def slow_down(self, seconds: float) -> None:
        """Take so long over each mail or request, until `behave`."""
        ...

    def behave(self) -> None:
        """Take everything at once."""
        ...


@dataclass
class BySmtp:
    """A relay: one mail a connection."""

    relay: Relay
    environ: dict[str, str] = field(init=False)
    on_the_wire: int = SMTP_CONNECTIONS

    def __post_init__(self) -> None:
        self.environ = {
            "MAILER_SMTP_HOST": self.relay.host,
            "MAILER_SMTP_PORT": str(self.relay.port),
            "MAILER_SMTP_SECURITY": "none",
            "MAILER_SMTP_CONNECTIONS": str(SMTP_CONNECTIONS),
            "MAILER_SMTP_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        }

    def count(self) -> int:
        return self.relay.accepted

    def arrivals(self) -> list[Arrival]:
        return [Arrival(one.recipient, one.began_at, one.accepted_at) for one in self.relay.received]

    def slow_down(self, seconds: float) -> None:
        self.relay.on(Step.END, relay.Delay(seconds))

    def behave(self) -> None:
        self.relay.behave()


@dataclass
class BySendgrid:
    """SendGrid's API: some people a request, one request a connection."""

    fake: SendgridFake
    environ: dict[str, str] = field(init=False)
    on_the_wire: int = SENDGRID_CONNECTIONS * PER_REQUEST

    def __post_init__(self) -> None:
        self.environ = {
            "MAILER_SENDGRID_BASE_URL": self.fake.url,
            "MAILER_SENDGRID_API_KEY": API_KEY,
            "MAILER_SENDGRID_CONNECTIONS": str(SENDGRID_CONNECTIONS),
            "MAILER_SENDGRID_PEOPLE_PER_REQUEST": str(PER_REQUEST),
            "MAILER_SENDGRID_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        }

    def count(self) -> int:
        return len(self.fake.accepted)

    def arrivals(self) -> list[Arrival]:
        return [Arrival(one.recipient, one.began_at, one.accepted_at) for one in self.fake.accepted]

    def slow_down(self, seconds: float) -> None:
        self.fake.on(sendgrid_fake.Delay(seconds))

    def behave(self) -> None:
        self.fake.behave()


@dataclass
class ByOutbox:
    """The Maildir in the workspace; whom a mail is for is read from the mail itself."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    on_the_wire: int = 1

    def count(self) -> int:
        return len(list(self.folder.glob("[nc][eu][wr]/*")))

    def arrivals(self) -> list[Arrival]:
        found: list[Arrival] = []
        for path in self.folder.glob("[nc][eu][wr]/*"):
            when = path.stat().st_mtime
            found.append(Arrival(parseaddr(message_from_bytes(path.read_bytes())["To"])[1], when, when))
        return found

    def slow_down(self, seconds: float) -> None:
        """A folder is as fast as it is."""

    def behave(self) -> None:
        """It always does."""


@contextmanager
def receiving(transport: str, root: Path, seed: str) -> Generator[Receiver]:
    """The receiver of a transport's mails; `seed` is for what it does by chance."""
    if transport == "outbox":
        yield ByOutbox(root / "outbox")
    elif transport == "smtp":
        with Relay(bodies=False, seed=seed) as relay:
            yield BySmtp(relay)
    else:
        with SendgridFake(api_key=API_KEY, seed=seed) as fake:
            yield BySendgrid(fake)
