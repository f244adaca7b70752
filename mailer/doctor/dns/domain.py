"""Checks what the DNS says about the sender: each sending domain, the domains that take replies, the relay's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailer.diagnostics import Diagnostic, Level, at_most, warning
from mailer.doctor.dns.dkim import DkimFacts, gather_dkim, judge_dkim
from mailer.doctor.dns.dmarc import DmarcFacts, gather_dmarc, judge_dmarc
from mailer.doctor.dns.lookup import Asker, Got
from mailer.doctor.dns.mx import (
    MailFacts,
    RelayNameFacts,
    gather_mail,
    gather_relay_names,
    judge_mail,
    judge_relay_names,
)
from mailer.doctor.dns.spf import SpfFacts, gather_spf, judge_spf
from mailer.senders import RESERVED_DOMAINS, domain_of
from mailer.settings.schema import Settings
from mailer.transports.provider import Provider, provider_named

# Names that nobody can own (RFC 2606, RFC 6761): the settings are still those of the example.
# Not test: there a workspace is tried with a name server of its own.
PLACEHOLDERS = (*(name for name in RESERVED_DOMAINS if name != "test"), "localhost", "local")


@dataclass(frozen=True, slots=True)
class Mailers:
    """The domains in our mails, each with what uses it: those that send, and those that only take replies."""

    senders: Mapping[str, str]  # domain → "[sender] in mailer.toml", "lists/x.toml"
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """One sending domain."""

    domain: str
    spf: SpfFacts
    dkim: DkimFacts
    dmarc: DmarcFacts
    mail: MailFacts
    relay: RelayNameFacts | None  # for transports that use a relay


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
    """Gathers and judges everything. With the outbox nothing leaves yet, so nothing here is worse than a warning."""
    findings: list[Diagnostic] = []
    provider = provider_named(settings.transport)
    for domain, where in named.senders.items():
        if is_placeholder(domain):
            findings.append(_placeholder(domain, where))
        else:
            findings += judge_domain(gather_domain(asker, domain, settings=settings), provider=provider)
    for domain, where in named.answers.items():
        if is_placeholder(domain):
            findings.append(_placeholder(domain, where))
        else:
            findings += judge_mail(gather_mail(asker, domain), part=_part(domain), who="answers to it")
    return at_most(Level.WARNING, findings) if provider.mails_stay else findings


def gather_domain(asker: Asker, domain: str, *, settings: Settings) -> DomainFacts:
    provider = provider_named(settings.transport)
    expected = provider.dns
    selectors = settings.sender.dkim_selectors or expected.selectors
    return DomainFacts(
        domain=domain,
        spf=gather_spf(asker.ask, domain),
        dkim=gather_dkim(asker.ask, domain, selectors=selectors, provider=provider.title if expected.cname else ""),
        dmarc=gather_dmarc(asker.ask, domain),
        mail=gather_mail(asker, domain),
        relay=gather_relay_names(asker, expected.relay_host(settings)) if expected.relay_host else None,
    )


def judge_domain(facts: DomainFacts, *, provider: Provider) -> list[Diagnostic]:
    part = _part(facts.domain)
    if facts.mail.mx.got is Got.ABSENT:  # then nothing below it exists either (RFC 8020), and one finding says it all
        return judge_mail(facts.mail, part=part, who="replies and bounces")
    if all(answer.got is Got.UNKNOWN for answer in (facts.mail.mx, facts.spf.answer, facts.dmarc.answers[0][1])):
        return [
            warning(
                part,
                f"{facts.domain} couldn't be looked up ({facts.mail.mx.why}), so nothing is known about its SPF, DKIM"
                " and DMARC, or about where replies go",
                "Try again when this machine is online.",
            )
        ]
    findings: Sequence[Diagnostic] = (
        *judge_spf(facts.spf, part=part, provider=provider.title if provider.dns.own_return_path else ""),
        *judge_dkim(facts.dkim, part=part),
        *judge_dmarc(facts.dmarc, part=part),
        *judge_mail(facts.mail, part=part, who="replies and bounces"),
    )
    if facts.relay is None:
        return list(findings)
    return [*findings, *judge_relay_names(facts.relay, domain=facts.dmarc.holder or facts.domain, part=part)]


def is_placeholder(domain: str) -> bool:
    return any(f".{domain}".endswith(f".{name}") for name in PLACEHOLDERS)


def _placeholder(domain: str, where: str) -> Diagnostic:
    return warning(
        _part(domain),
        f"{domain} is an example domain that nobody can own",
        f"Put your own address into {where}.",
    )


def _part(domain: str) -> str:
    return f"DNS of {domain}"
