"""Checks what the DNS says about the sender: each sending domain, the domains that take replies, the relay's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mailer.diagnostics import Diagnostic, of_part, warning
from mailer.doctor.dns.dkim import check_dkim
from mailer.doctor.dns.dmarc import check_dmarc
from mailer.doctor.dns.lookup import Got, Lookup
from mailer.doctor.dns.mx import check_mail, check_relay_name, is_ours
from mailer.doctor.dns.spf import check_spf
from mailer.senders import RESERVED_DOMAINS, domain_of
from mailer.settings.providers import preset_of
from mailer.settings.schema import Settings
from mailer.transports.provider import provider_named

# Names that nobody can own (RFC 2606, RFC 6761): the settings are still those of the example.
# Not test: there a workspace is tried with a name server of its own.
PLACEHOLDERS = (*(name for name in RESERVED_DOMAINS if name != "test"), "localhost", "local")
# The domains in our mails: where each is set, such as "[sender] in mailer.toml" or "lists/x.toml", and whether mails
# are sent from it; otherwise it only takes replies.
Mailers = Mapping[str, tuple[str, bool]]


def mailers(senders: Iterable[tuple[str, str]], answers: Iterable[tuple[str, str]]) -> Mailers:
    """The domains of (file or section, "Name <address>") pairs; each domain once, with the first place that uses it."""
    found: dict[str, tuple[str, bool]] = {}
    for sends, mailboxes in ((True, senders), (False, answers)):
        for where, mailbox in mailboxes:
            if domain := domain_of(mailbox):
                found.setdefault(domain, (where, sends))
    return found


def examine_domains(settings: Settings, named: Mailers, ask: Lookup) -> list[Diagnostic]:
    """Asks and judges everything."""
    findings: list[Diagnostic] = []
    for domain, (where, sends) in named.items():
        if is_placeholder(domain):
            said = f"{domain} is an example domain that nobody can own"
            found = [warning(said, f"Put your own address into {where}.")]
        else:
            found = check_sender(ask, domain, settings) if sends else [check_mail(ask, domain, who="answers to it")]
        findings += of_part(f"DNS of {domain}", found)
    return findings


def check_sender(ask: Lookup, domain: str, settings: Settings) -> list[Diagnostic]:
    """All that receivers look up of a domain that sends."""
    provider = provider_named(settings.transport)
    expected = provider.dns
    mail = check_mail(ask, domain, who="replies and bounces")
    mx = ask(domain, "MX")
    if mx.got is Got.ABSENT:  # then nothing below it exists either (RFC 8020), and one finding says it all
        return [mail]
    asked = (mx, ask(domain, "TXT"), ask(f"_dmarc.{domain}", "TXT"))
    if all(one.got is Got.UNKNOWN for one in asked):
        unknown = "so nothing is known about its SPF, DKIM and DMARC, or about where replies go"
        return [
            warning(f"{domain} couldn't be looked up ({mx.why}), {unknown}", "Try again when this machine is online.")
        ]
    selectors = settings.sender.dkim_selectors or expected.selectors
    holder, dmarc = check_dmarc(ask, domain)
    relay = expected.relay_host(settings) if expected.relay_host else ""
    preset = preset_of(provider.section, settings.section(provider.section.kind))
    returns = provider.title if expected.own_return_path else preset.title if preset and preset.own_return_path else ""
    findings = [
        *check_spf(ask, domain, provider=returns, relay=relay if relay and is_ours(relay, holder or domain) else ""),
        *check_dkim(ask, domain, selectors=selectors, provider=provider.title if expected.cname else ""),
        dmarc,
        mail,
    ]
    if relay:
        findings += check_relay_name(ask, relay, domain=holder or domain)
    return findings


def is_placeholder(domain: str) -> bool:
    return any(f".{domain}".endswith(f".{name}") for name in PLACEHOLDERS)
