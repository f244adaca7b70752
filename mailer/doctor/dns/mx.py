"""Checks that mail to a domain can arrive, so that replies and bounces reach somebody, and that the relay's address has
a name (PTR), which large providers require of senders."""

from __future__ import annotations

from ipaddress import ip_address

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.doctor.dns.lookup import Got, Lookup, addresses, unanswered
from mailer.transports.loopback import on_this_machine
from mailer.transports.public_network import is_public


def check_mail(ask: Lookup, domain: str, *, who: str) -> Diagnostic:
    """`who` says what is lost when no mail arrives: "replies and bounces" …"""
    mx = ask(domain, "MX")
    answer = mx if mx.got in (Got.FOUND, Got.UNKNOWN) else addresses(ask, domain)
    if answer.got is Got.UNKNOWN:
        return unanswered(f"whether mail to {domain} arrives", answer)
    if mx.got is Got.ABSENT:
        said = f"the domain {domain} doesn't exist, so receivers refuse its mail and {who} are lost"
        return bad(said, "Register it, or correct the address in mailer.toml or lists/.")
    if mx.values == (".",):  # RFC 7505; receivers refuse senders that say so (§4.2)
        said = f'{domain} says that it takes no mail ("null MX"), so {who} are lost and some receivers refuse it'
        return bad(said, "Give it an MX record, or mail from a domain that takes mail.")
    if mx.values:
        first, *others = mx.values
        return well(f"mail to {domain} goes to {first}" + (f" and {len(others)} more" if others else ""))
    if answer.values:  # RFC 5321 §5.1: the implicit MX
        said = f"{domain} has no MX record; mail to it goes to its A or AAAA address, which not all senders try"
        return warning(said, "Give it an MX record.")
    return bad(f"{domain} has neither MX nor address, so {who} are lost", "Give it an MX record.")


def check_relay_name(ask: Lookup, host: str, *, domain: str) -> list[Diagnostic]:
    """Gmail and Yahoo require the sending address to have a name that resolves back to it
    (support.google.com/a/answer/81126).

    Only our own relay can be assumed to send from the address we connect to, and even that isn't certain.
    """
    if on_this_machine(host):
        words = "the relay on this machine sends from an address that can't be known here, so its name wasn't looked up"
        return [well(f"PTR: {words}")]
    if not is_ours(host, domain):
        return [well(f"PTR: the relay {host} belongs to a provider, which looks after the names of its machines")]
    found = addresses(ask, host)
    if found.got is Got.UNKNOWN:
        return [unanswered(f"PTR: {host}", found)]
    if not found.values:
        return [bad(f"the relay's name {host} has no address, so no mail leaves", "Correct smtp.host.")]
    public = [address for address in found.values[:4] if is_public(address)]
    if not public:
        return [well(f"PTR: {host} has a private address; the one its mail leaves from can't be known here")]
    return [_check_name(ask, host, address) for address in public]


def _check_name(ask: Lookup, host: str, address: str) -> Diagnostic:
    answer = ask(ip_address(address).reverse_pointer, "PTR")
    if answer.got is Got.UNKNOWN:
        return unanswered(f"PTR: the name of {address}", answer)
    remedy = f"Ask the provider you rent {address} from to set its PTR to {host}, whose A or AAAA record must name it."
    if not answer.values:
        return bad(f"PTR: {address} of the relay {host} has no name, so Gmail and Yahoo refuse its mail", remedy)
    for name in answer.values[:2]:
        if address in addresses(ask, name).values:
            return well(f"PTR: {address} is called {name}, which leads back to it")
    said = f"PTR: {address} is called {answer.values[0]}, which doesn't lead back, so Gmail and Yahoo refuse its mail"
    return bad(said, remedy)


def is_ours(host: str, domain: str) -> bool:
    """Whether a relay's name is in the sender's own domain. `domain` is the one that holds the DMARC record."""
    return f".{host.lower()}".endswith(f".{domain.lower()}")
