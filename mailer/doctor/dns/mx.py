"""Checks that mail to a domain can arrive, so that replies and bounces reach somebody, and that the relay's address has
a name (PTR), which large providers require of senders."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.doctor.dns.lookup import Asker, DnsAnswer, Got
from mailer.transports.loopback import on_this_machine
from mailer.transports.public_network import is_public


@dataclass(frozen=True, slots=True)
class MailFacts:
    """Where mail to `domain` goes. `address` holds the domain's own A and AAAA records, looked up only without MX."""

    domain: str
    mx: DnsAnswer
    address: DnsAnswer | None = None


def gather_mail(asker: Asker, domain: str) -> MailFacts:
    mx = asker.ask(domain, "MX")
    return MailFacts(domain, mx, None if mx.got in (Got.FOUND, Got.UNKNOWN) else asker.addresses(domain))


def judge_mail(facts: MailFacts, *, part: str, who: str) -> list[Diagnostic]:
    """`who` says what is lost when no mail arrives: "replies and bounces" …"""
    domain = facts.domain
    answer = facts.mx if facts.address is None else facts.address
    if answer.got is Got.UNKNOWN:
        return [
            warning(
                part,
                f"whether mail to {domain} arrives couldn't be looked up: {answer.why}",
                "Try again when the DNS answers.",
            )
        ]
    if facts.mx.got is Got.ABSENT:
        return [
            bad(
                part,
                f"the domain {domain} doesn't exist, so receivers refuse its mail and {who} are lost",
                "Register it, or correct the address in mailer.toml or lists/.",
            )
        ]
    if facts.mx.values == (".",):  # RFC 7505; receivers refuse senders that say so (§4.2)
        return [
            bad(
                part,
                f'{domain} says that it takes no mail ("null MX"), so {who} are lost and some receivers refuse it',
                "Give it an MX record, or mail from a domain that takes mail.",
            )
        ]
    if facts.mx.values:
        return [well(part, f"mail to {domain} goes to {_list(facts.mx.values)}")]
    if answer.values:  # RFC 5321 §5.1: the implicit MX
        return [
            warning(
                part,
                f"{domain} has no MX record; mail to it goes to its A or AAAA address, which not all senders try",
                "Give it an MX record.",
            )
        ]
    return [bad(part, f"{domain} has neither MX nor address, so {who} are lost", "Give it an MX record.")]


@dataclass(frozen=True, slots=True)
class RelayNameFacts:
    """The relay's addresses, the names of each, and the addresses of each name."""

    host: str
    addresses: DnsAnswer
    names: Mapping[str, DnsAnswer]  # address → PTR
    back: Mapping[str, DnsAnswer]  # name → addresses


def gather_relay_names(asker: Asker, host: str) -> RelayNameFacts:
    addresses = DnsAnswer(Got.FOUND, (host,)) if _is_address(host) else asker.addresses(host)
    names = {one: asker.name_of(one) for one in addresses.values[:4] if is_public(one)}
    back = {name: asker.addresses(name) for answer in names.values() for name in answer.values[:2]}
    return RelayNameFacts(host, addresses, names, back)


def judge_relay_names(facts: RelayNameFacts, *, domain: str, part: str) -> list[Diagnostic]:
    """Gmail and Yahoo require the sending address to have a name that resolves back to it
    (support.google.com/a/answer/81126).

    Only our own relay can be assumed to send from the address we connect to, and even that isn't certain.
    """
    host = facts.host
    if on_this_machine(host):
        words = "the relay on this machine sends from an address that can't be known here, so its name wasn't looked up"
        return [well(part, f"PTR: {words}")]
    if not is_ours(host, domain):
        return [well(part, f"PTR: the relay {host} belongs to a provider, which looks after the names of its machines")]
    if facts.addresses.got is Got.UNKNOWN:
        return [
            warning(
                part, f"PTR: {host} couldn't be looked up: {facts.addresses.why}", "Try again when the DNS answers."
            )
        ]
    if not facts.addresses.values:
        return [bad(part, f"the relay's name {host} has no address, so no mail leaves", "Correct smtp.host.")]
    if not facts.names:
        return [well(part, f"PTR: {host} has a private address; the one its mail leaves from can't be known here")]
    return [_judge_name(facts, address, answer, part) for address, answer in facts.names.items()]


def _judge_name(facts: RelayNameFacts, address: str, answer: DnsAnswer, part: str) -> Diagnostic:
    if answer.got is Got.UNKNOWN:
        return warning(
            part, f"PTR: the name of {address} couldn't be looked up: {answer.why}", "Try again when the DNS answers."
        )
    remedy = (
        f"Ask the provider you rent {address} from to set its PTR to {facts.host}, whose A or AAAA record must name it."
    )
    if not answer.values:
        return bad(
            part, f"PTR: {address} of the relay {facts.host} has no name, so Gmail and Yahoo refuse its mail", remedy
        )
    confirmed = [name for name in answer.values if address in facts.back.get(name, DnsAnswer(Got.EMPTY)).values]
    if confirmed:
        return well(part, f"PTR: {address} is called {confirmed[0]}, which leads back to it")
    return bad(
        part,
        f"PTR: {address} is called {answer.values[0]}, which doesn't lead back, so Gmail and Yahoo refuse its mail",
        remedy,
    )


def is_ours(host: str, domain: str) -> bool:
    """Whether a relay's name is in the sender's own domain. `domain` is the one that holds the DMARC record."""
    return f".{host.lower()}".endswith(f".{domain.lower()}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _list(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
