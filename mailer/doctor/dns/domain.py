"""Checks what the DNS says about the sender: each sending domain, the domains that take replies, the relay's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailer.diagnostics import Diagnostic, Level, at_most, of_part, warning
from mailer.doctor.dns.dkim import check_dkim
from mailer.doctor.dns.dmarc import check_dmarc
from mailer.doctor.dns.lookup import Asker, Got, Lookup
from mailer.doctor.dns.mx import check_mail, check_relay_name
from mailer.doctor.dns.spf import check_spf
from mailer.senders import RESERVED_DOMAINS, domain_of
from mailer.settings.schema import Settings
from mailer.transports.provider import provider_named

# Names that nobody can own (RFC 2606, RFC 6761): the settings are still those of the example.
# Not test: there a workspace is tried with a name server of its own.
PLACEHOLDERS = (*(name for name in RESERVED_DOMAINS if name != "test"), "localhost", "local")


@dataclass(frozen=True, slots=True)
class Mailers:
    """The domains in our mails, each with what uses it: those that send, and those that only take replies."""

    senders: Mapping[str, str]  # domain → "[sender] in mailer.toml", "lists/x.toml"
    answers: Mapping[str, str]


def mailers(senders: Iterable[tuple[str, str]], answers: Iterable[tuple[str, str]]) -> Mailers:
    """The domains of (file or section, "Name <address>") pairs; each domain once, with the first place that uses it."""
    sending = _domains(senders)
    return Mailers(sending, {domain: where for domain, where in _domains(answers).items() if domain not in sending})


def _domains(mailboxes: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for where, mailbox in mailboxes:
        domain = domain_of(mailbox)
        if domain:
            found.setdefault(domain, where)
    return found


def examine_domains(settings: Settings, named: Mailers, asker: Asker) -> list[Diagnostic]:
    """Asks and judges everything. With the outbox nothing leaves yet, so nothing here is worse than a warning."""
    findings: list[Diagnostic] = []
    for domain, where in {**named.senders, **named.answers}.items():
        if is_placeholder(domain):
            said = f"{domain} is an example domain that nobody can own"
            found = [warning(said, f"Put your own address into {where}.")]
        elif domain in named.senders:
            found = check_sender(asker.ask, domain, settings=settings)
        else:
            found = [check_mail(asker.ask, domain, who="answers to it")]
        findings += of_part(f"DNS of {domain}", found)
    return at_most(Level.WARNING, findings) if provider_named(settings.transport).mails_stay else findings


def check_sender(ask: Lookup, domain: str, *, settings: Settings) -> list[Diagnostic]:
    """All that receivers look up of a domain that sends."""
    provider = provider_named(settings.transport)
    expected = provider.dns
    mail = check_mail(ask, domain, who="replies and bounces")
    mx = ask(domain, "MX")
    if mx.got is Got.ABSENT:  # then nothing below it exists either (RFC 8020), and one finding says it all
        return [mail]
    if all(ask(name, "TXT").got is Got.UNKNOWN for name in (domain, f"_dmarc.{domain}")) and mx.got is Got.UNKNOWN:
        said = (
            f"{domain} couldn't be looked up ({mx.why}), so nothing is known about its SPF, DKIM and DMARC, or about"
            " where replies go"
        )
        return [warning(said, "Try again when this machine is online.")]
    selectors = settings.sender.dkim_selectors or expected.selectors
    holder, dmarc = check_dmarc(ask, domain)
    return [
        *check_spf(ask, domain, provider=provider.title if expected.own_return_path else ""),
        *check_dkim(ask, domain, selectors=selectors, provider=provider.title if expected.cname else ""),
        dmarc,
        mail,
        *(check_relay_name(ask, expected.relay_host(settings), domain=holder or domain) if expected.relay_host else ()),
    ]


def is_placeholder(domain: str) -> bool:
    return any(f".{domain}".endswith(f".{name}") for name in PLACEHOLDERS)
