"""What mailer.toml can set: each setting with its meaning, unit, default and limits. Reading them is left to `loader`.

A setting is one line, its field; a section is a class and its field in `Settings`. `limits` has what may be asked of a
value; what several settings together can't be is in `conflicts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

from mailer.diagnostics import Diagnostic
from mailer.settings import limits
from mailer.settings.durations import seconds_of
from mailer.settings.limits import above_zero, address_and_port, at_least, between, each, limit, one_of, or_empty
from mailer.settings.providers import DEFAULT, provider
from mailer.settings.sending import Caps, Guard, Pace, Run
from mailer.settings.tables import BY_THE_PROGRAM, DURATION
from mailer.timezones import UNIVERSAL, zone_named

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who mails. The postal address is in every footer (CAN-SPAM 15 U.S.C. §7704(a)(5)).

    The others are addresses of your own site that the supporters' pages lead to. `imprint` is what the law of some
    countries asks for (in Germany §5 DDG); `contact` may be an email address.
    """

    name: str = ""
    postal_address: Annotated[
        str,
        limit(str.strip, "{name} is missing", "The law in many countries asks for a postal address in every mail."),
    ] = ""
    website: str = ""
    about: Annotated[str, or_empty(limits.WEB_ADDRESS)] = ""
    privacy: Annotated[str, or_empty(limits.WEB_ADDRESS)] = ""
    imprint: Annotated[str, or_empty(limits.WEB_ADDRESS)] = ""
    contact: Annotated[str, or_empty(limits.REACHED_AT)] = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """The default From and Reply-To; a list or a message may name others. `from_` is "Name <address>"."""

    from_: Annotated[str, limits.sender] = ""
    reply_to: Annotated[str, limits.sender] = ""
    # Under which `mailer doctor` looks for DKIM keys; none: the provider's.
    dkim_selectors: Annotated[tuple[str, ...], each(limits.SELECTOR)] = ()


@dataclass(frozen=True, slots=True)
class Public:
    """Where supporters reach `mailer serve`, without a trailing slash, and the mailbox that takes unsubscribes.

    `proxies`: addresses or networks of the web servers in front, whose X-Forwarded-For is believed.
    """

    url: Annotated[str, limits.HOST_AND_PATH, limits.ASCII_ADDRESS] = "http://127.0.0.1:8765"
    unsubscribe_mailto: Annotated[str, limits.sender] = ""
    proxies: Annotated[tuple[str, ...], limits.NETWORKS] = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class StudioSettings:
    """Where staff reach `mailer studio` through a web server with TLS, without a path and without a slash at the end;
    "" is this machine alone. `proxies`: addresses or networks of that web server, whose X-Forwarded-For is believed.
    `git`: whether each save is a commit by the person who saved; `git_push`: whether it is pushed to where the branch
    follows; `git_pull`: how often what others pushed is merged in, "0s" for never. docs/studio-git.md has more.

    `approvals`: how many people must approve a newsletter before it leaves, from the terminal as well; 0, 1 or 2.
    `approver_may_be_writer`: whether somebody may approve what they wrote. `series_approval`: whether each issue of a
    series is approved, or the series once, for as long as its message stays as it is. `hold`: how long what is sent
    from the studio counts down before it leaves, and can be stopped; "0s" for not at all. docs/approval.md has more.
    """

    url: Annotated[str, or_empty(limits.HOST_ALONE)] = ""
    proxies: Annotated[tuple[str, ...], limits.NETWORKS] = ("127.0.0.1", "::1")
    git: bool = False
    git_push: bool = False
    git_pull: Annotated[str, DURATION, limits.A_DAY_AT_MOST] = "0s"
    approvals: Annotated[int, between(0, 2)] = 0
    approver_may_be_writer: bool = False
    series_approval: Annotated[str, one_of(("each", "standing"), "{name} must be each or standing")] = "each"
    hold: Annotated[str, DURATION, limits.A_DAY_AT_MOST] = "10m"

    @property
    def pull_every(self) -> timedelta:
        return timedelta(seconds=seconds_of(self.git_pull))

    @property
    def hold_for(self) -> timedelta:
        return timedelta(seconds=seconds_of(self.hold))


@dataclass(frozen=True, slots=True)
class Tracking:
    """What is learned about supporters beyond the links they follow. docs/tracking.md has more.

    `fresh_days`: how long the link of a mail opens a sign-up form that is filled in for its reader.
    """

    opens: bool = False  # a picture in each mail that tells of openings, for those who agree to be tracked
    conversions: bool = False  # a signed parameter on destinations, with which another site reports what was done
    fresh_days: Annotated[int, between(1, 90)] = 7


@dataclass(frozen=True, slots=True)
class Bounces:
    """Mails that come back. `address` is a mailbox with tags, such as bounces@example.org: mails leave with the return
    path bounces+<token>@example.org, by SMTP. `imap`: where `mailer bounces` reads it when nothing else is named, such
    as imaps://bounces%40example.org@imap.example.org/INBOX; the password is `imap_password`. A person's mailbox that
    was full or away in `soft_campaigns` campaigns, the first and the last `soft_days` apart, with nothing delivered
    between, is no longer mailed.
    """

    address: Annotated[str, or_empty(limits.TAKES_TAGS)] = ""
    imap: Annotated[str, or_empty(limits.IMAP_ADDRESS)] = ""
    # A mailbox that stays full for two weeks and three appeals is given up by its owner; Mailman and the hosted suites
    # count to between three and seven.
    soft_campaigns: Annotated[int, at_least(1)] = 3
    soft_days: Annotated[int, at_least(1)] = 14


@dataclass(frozen=True, slots=True)
class Replies:
    """Replies that are read in the studio's Inbox. `address` is a mailbox with tags, such as replies@example.org, that
    `mailer bounces` reads: newsletters that name no Reply-To of their own leave with replies+<token>@example.org. ""
    leaves replies to people's own mailboxes. `keep_days`: their words and senders are deleted so long after they came.
    """

    address: Annotated[str, or_empty(limits.TAKES_TAGS)] = ""
    keep_days: Annotated[int, between(1, 3650)] = 365

    @property
    def keep(self) -> timedelta:
        return timedelta(days=self.keep_days)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where signatures are reported to, such as a CRM; "" reports to nobody. The key is `webhook_key` in secrets.toml.

    `private`: the other program is on this machine or in this network; otherwise no address there is contacted.
    """

    url: Annotated[str, or_empty(limits.WEB_ADDRESS)] = ""
    timeout_seconds: Annotated[float, above_zero(at_most=60)] = 10.0
    private: bool = False


# What `[sso.roles]` may give: the roles of mailer/staff/rights.py.
ROLES = ("viewer", "writer", "approver", "sender", "admin")


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """Signing in to the studio by the organisation's own accounts (OpenID Connect). docs/staff.md has more.

    `issuer` is the provider's address, "" for none; `claim` names what it tells of a person, such as their groups, and
    `roles` has what each of these is here. The secret is `sso_client_secret` in secrets.toml.
    """

    issuer: Annotated[str, or_empty(limits.ISSUER)] = ""
    client_id: str = ""
    claim: str = "groups"
    roles: Annotated[Mapping[str, str], each(one_of(ROLES, "{name} has the unknown role {value!r}"))] = field(
        default_factory=dict[str, str]
    )
    button: str = "Sign in with your organisation’s account"


@dataclass(frozen=True, slots=True)
class Dns:
    """How `mailer doctor` looks up the sending domain. `server`: an IP address, with a port if it isn't 53, such as
    "127.0.0.1:5353" or "[::1]:5353"; "" uses the system's resolver. `timeout_seconds` is for all lookups together."""

    server: Annotated[str, or_empty(limits.DNS_SERVER)] = ""
    timeout_seconds: Annotated[float, above_zero(at_most=120)] = 15.0

    def where(self) -> tuple[str, int]:
        """The server's address and port."""
        return address_and_port(self.server)


# The families of mail programs that caniemail.com tests (mailer/checking/data).
CLIENT_FAMILIES = (
    "aol", "apple-mail", "fastmail", "free-fr", "gmail", "gmx", "hey", "ionos-1and1", "laposte", "mail-ru", "orange",
    "outlook", "protonmail", "rainloop", "samsung-email", "sfr", "t-online-de", "thunderbird", "web-de", "wp-pl",
    "yahoo",
)  # fmt: skip
CLIENT_FAMILY = one_of(CLIENT_FAMILIES, "unknown family of mail programs {value!r}")


@dataclass(frozen=True, slots=True)
class Check:
    """What `mailer check` looks at. `clients`: families of mail programs in which mails should look right."""

    clients: Annotated[tuple[str, ...], each(CLIENT_FAMILY)] = ("gmail", "apple-mail", "outlook", "yahoo")


@dataclass(frozen=True, slots=True)
class Brand:
    """How the mails and pages look. Colours are #rrggbb; `logo` is a picture in the workspace or an https address.

    `logo_dark` is the one for dark grounds, such as the band on top of the pages. `action` is the colour of the pages'
    buttons; "" takes `primary`. What the pages have beside is worked out (mailer/compose/colours/palette.py).

    `social`: where else people find the organisation, what it is called there → its https address.
    """

    primary: Annotated[str, limits.COLOUR] = "#1d4f91"  # buttons and headings; 8.1:1 against white
    on_primary: Annotated[str, limits.COLOUR] = "#ffffff"
    text: Annotated[str, limits.COLOUR] = "#24292f"
    muted: Annotated[str, limits.COLOUR] = "#57606a"
    background: Annotated[str, limits.COLOUR] = "#f2f4f7"
    surface: Annotated[str, limits.COLOUR] = "#ffffff"
    link: Annotated[str, limits.COLOUR] = "#1d4f91"
    action: Annotated[str, or_empty(limits.COLOUR)] = ""
    logo: str = ""
    logo_dark: str = ""
    logo_alt: str = ""
    font: str = "Helvetica, Arial, sans-serif"
    social: Annotated[Mapping[str, str], limits.NAMED, each(limits.PROFILE)] = field(default_factory=dict[str, str])

    @property
    def tint(self) -> str:
        """A touch of `primary` in `surface`: the background of what should stand out and still read like text."""
        pairs = [(int(self.primary[i : i + 2], 16), int(self.surface[i : i + 2], 16)) for i in (1, 3, 5)]
        return "#" + "".join(f"{round(0.07 * one + 0.93 * other):02x}" for one, other in pairs)


@dataclass(frozen=True, slots=True)
class Settings:
    """All of mailer.toml. `root` is the workspace's folder, to which relative paths are relative."""

    root: Annotated[Path, BY_THE_PROGRAM]
    organisation: Organisation = Organisation()
    sender: Sender = Sender()
    public: Public = Public()
    studio: StudioSettings = StudioSettings()
    database: str = "mailer.db"  # a file in the workspace, or postgresql+psycopg://user@host/name
    transport: Annotated[str, provider] = DEFAULT
    # The zone staff give times in, by area and city such as "Europe/London"; "" is UTC.
    timezone: Annotated[str, limits.time_zone] = ""
    pace: Pace = Pace()  # noqa: RUF009 - a frozen value, as the others are
    caps: Caps = Caps()  # noqa: RUF009
    run: Run = Run()  # noqa: RUF009
    guard: Guard = Guard()  # noqa: RUF009
    tracking: Tracking = Tracking()
    bounces: Bounces = Bounces()
    replies: Replies = Replies()
    webhook: Webhook = Webhook()
    sso: SingleSignOn = SingleSignOn()
    dns: Dns = Dns()
    brand: Brand = Brand()
    check: Check = Check()
    link_parameters: Mapping[str, str] = field(default_factory=dict[str, str])  # such as utm_source
    # Kind of section → what it says.
    providers: Annotated[Mapping[type, Any], BY_THE_PROGRAM] = field(default_factory=dict[type, Any])

    def section(self, kind: type[Section]) -> Section:
        """The section of a provider, by the class that declares it; its defaults where mailer.toml has none."""
        return cast(Section, self.providers[kind]) if kind in self.providers else kind()

    def using(self, *sections: object) -> Settings:
        """The same with other sections of providers."""
        return replace(self, providers={**self.providers, **{type(one): one for one in sections}})

    @property
    def reply_to(self) -> str:
        """Where replies go unless a message or its list says otherwise; "" for the sender."""
        return self.replies.address or self.sender.reply_to

    @property
    def zone(self) -> str:
        """The full name of the time zone in which staff give times and read reports."""
        return zone_named(self.timezone).key if self.timezone else UNIVERSAL

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the database."""
        return self.database if "://" in self.database else f"sqlite:///{self.root / self.database}"


def conflicts(settings: Settings) -> Iterator[tuple[str, str, Diagnostic]]:
    """What several settings together can't be, each with the section and the key to change."""
    if settings.sso.issuer and not settings.sso.client_id:
        remedy = "The provider gives one when you register the studio there."
        yield "sso", "client_id", Diagnostic("sso.client_id is missing", remedy=remedy)
