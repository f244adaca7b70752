"""Queries the DNS, with one time limit for all queries together. The only module that imports dnspython.

An answer is always a value: a server that is slow, broken or unreachable gives `Got.UNKNOWN`, never an exception. What
answers mean is left to the modules that asked.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, cast

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.resolver
import idna
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

from mailer.diagnostics import Diagnostic, warning
from mailer.settings.schema import Dns

# Resolvers usually answer within a tenth of a second; one with a cold cache may take a second or two. A lost packet is
# sent again after TRY_SECONDS.
TRY_SECONDS = 1.5
QUESTION_SECONDS = 5.0
PAYLOAD_BYTES = 1232  # beyond which answers come by TCP, https://www.dnsflagday.net/2020/


class Got(StrEnum):
    """The result of a query."""

    FOUND = "found"
    EMPTY = "empty"  # the name exists, without records of this kind
    ABSENT = "absent"  # there is no such name (NXDOMAIN)
    UNKNOWN = "unknown"  # it couldn't be looked up


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """The records as texts: TXT joined, MX hosts by preference ("." is a null MX), names without the last dot."""

    got: Got
    values: tuple[str, ...] = ()
    canonical: str = ""  # where a CNAME led, "" when there was none
    why: str = ""  # of UNKNOWN


Lookup = Callable[[str, str], DnsAnswer]  # a name, and the kind of record


def unanswered(what: str, answer: DnsAnswer) -> Diagnostic:
    """What is said when the DNS gave no answer, so that nobody can tell."""
    return warning(f"{what} couldn't be looked up: {answer.why}", "Try again when the DNS answers.")


def addresses(ask: Lookup, host: str) -> DnsAnswer:
    """All addresses of a host: IPv4 and then IPv6."""
    both = [ask(host, kind) for kind in ("A", "AAAA")]
    values = tuple(value for answer in both for value in answer.values)
    return DnsAnswer(Got.FOUND, values) if values else next((a for a in both if a.got is Got.UNKNOWN), both[0])


class Asker:
    """Asks each question once, of `settings.server` or else of the system's resolver."""

    def __init__(self, settings: Dns, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = clock() + settings.timeout_seconds
        self._known: dict[tuple[str, str], DnsAnswer] = {}
        self._heard = False
        self._given_up = ""  # why nothing more is asked
        try:
            self._resolver = dns.resolver.Resolver(configure=not settings.server)
        except (dns.exception.DNSException, OSError) as error:
            self._given_up = f"this machine has no DNS resolver set up ({error})"
            self._resolver = dns.resolver.Resolver(configure=False)
        if settings.server:
            host, self._resolver.port = settings.where()
            self._resolver.nameservers = [host]
        self._resolver.timeout = TRY_SECONDS
        self._resolver.use_edns(0, 0, PAYLOAD_BYTES)

    def ask(self, name: str, kind: str) -> DnsAnswer:
        """The records of `kind` (TXT, MX, A, AAAA, PTR) at `name`, following CNAMEs."""
        question = (name.lower().rstrip("."), kind)
        if question not in self._known:
            self._known[question] = self._ask(*question)
        return self._known[question]

    def resolve(self, host: str, _port: int = 0) -> tuple[str, ...]:
        """All addresses of a host, or itself when it is one. Raises OSError when there is none."""
        with contextlib.suppress(ValueError):
            return (str(ip_address(host)),)
        answer = addresses(self.ask, host)
        if not answer.values:
            raise socket.gaierror(socket.EAI_NONAME, answer.why or f"{host} has no address")
        return answer.values

    def _ask(self, name: str, kind: str) -> DnsAnswer:
        left = self._until - self._clock()
        if left <= 0:
            self._given_up = self._given_up or "the time allowed for DNS queries is used up"
        if self._given_up:
            return DnsAnswer(Got.UNKNOWN, why=self._given_up)
        try:
            answer = _read(
                self._resolver.resolve(
                    _encoded(name), kind, raise_on_no_answer=False, lifetime=min(left, QUESTION_SECONDS), search=False
                )
            )
        except dns.resolver.NXDOMAIN:
            answer = DnsAnswer(Got.ABSENT)
        except dns.resolver.NoNameservers as error:
            tried = cast(list[tuple[Any, ...]], error.kwargs.get("errors", []))
            codes = {dns.rcode.to_text(cast(dns.message.Message, one[-1]).rcode()) for one in tried if one[-1]}
            if not codes:
                return DnsAnswer(Got.UNKNOWN, why="the DNS can't be reached")
            answer = DnsAnswer(Got.UNKNOWN, why=f"the DNS answered {' and '.join(sorted(codes))}")
        except dns.exception.Timeout:
            silent = "the DNS doesn't answer"
            if not self._heard:  # no server is there: every further query would only wait as long again
                self._given_up = silent
            return DnsAnswer(Got.UNKNOWN, why=silent)
        except (dns.exception.DNSException, OSError, UnicodeError, ValueError) as error:
            return DnsAnswer(Got.UNKNOWN, why=f"the query or its answer is malformed ({type(error).__name__})")
        self._heard = True
        return answer


def _encoded(name: str) -> dns.name.Name:
    """The name as it is encoded in the DNS (RFC 5891); labels such as _dmarc are ASCII already."""
    labels = [label if label.isascii() else idna.encode(label, uts46=True).decode() for label in name.split(".")]
    return dns.name.from_text(".".join(labels))


def _read(found: dns.resolver.Answer) -> DnsAnswer:
    canonical = "" if found.canonical_name == found.qname else _plain(found.canonical_name)
    if found.rrset is None:
        return DnsAnswer(Got.EMPTY, canonical=canonical)
    records: list[dns.rdata.Rdata] = list(found.rrset)
    records.sort(key=lambda record: record.preference if isinstance(record, MX) else 0)
    return DnsAnswer(Got.FOUND, tuple(_text(record) for record in records), canonical)


def _text(record: dns.rdata.Rdata) -> str:
    if isinstance(record, TXT):  # RFC 7208 §3.3, RFC 6376 §3.6.2.2: the strings of one record are joined as they are
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, MX | PTR):
        return _plain(record.exchange if isinstance(record, MX) else record.target)
    return record.to_text()


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() or "."
