"""Parses one SPF record by the strict grammar of RFC 7208 §12: a syntax error anywhere in a record makes receivers pass
none of its domain's mail (§4.6). Does no I/O; following what the record names is left to `spf`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from mailer.doctor.dns.lookup import DnsAnswer

LONGEST_LABEL = 63  # RFC 1035 §2.3.4
_FLAGS = re.ASCII | re.IGNORECASE | re.DOTALL
_MACRO = r"%(?:\{[slodiphv](?:0*[1-9][0-9]*)?r?[.\-+,/_=]*\}|[%_-])"  # §7.1; c, r and t are for explanations alone
_MACROS = rf"(?:{_MACRO}|[\x21-\x24\x26-\x7e])*"
_TOP_LABEL = r"(?=[a-z0-9-]*[a-z-])[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"  # never digits alone
_DOMAIN = rf"({_MACROS}(?:{_MACRO}|\.{_TOP_LABEL}\.?))"
_TO_32, _TO_128 = "(?:[12]?[0-9]|3[0-2])", "(?:[1-9]?[0-9]|1[01][0-9]|12[0-8])"
_HOST = rf"(?::{_DOMAIN})?(?:/{_TO_32})?(?://{_TO_128})?"  # §5.3
_RECORD = re.compile(r"v=spf1(?= |\Z)", _FLAGS)
_WORD = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*=?)(.*)", _FLAGS)
# What follows the name of a mechanism (§5), or of a modifier (§6), which ends in =; and how that is written.
_FORMS: Mapping[str, tuple[str, str]] = {
    "all": ("()", "“all” with nothing behind it"),
    "include": (f":{_DOMAIN}", "include:domain"),
    "exists": (f":{_DOMAIN}", "exists:domain"),
    "a": (_HOST, "a, a:domain or a:domain/size"),
    "mx": (_HOST, "mx, mx:domain or mx:domain/size"),
    "ptr": (f"(?::{_DOMAIN})?", "ptr or ptr:domain"),
    "ip4": (rf":([0-9.]+(?:/{_TO_32})?)", "an IPv4 address or network, ip4:address/size"),
    "ip6": (rf":([0-9a-f:.]+(?:/{_TO_128})?)", "an IPv6 address or network, ip6:address/size"),
    "redirect=": (_DOMAIN, "redirect=domain"),
    "exp=": (_DOMAIN, "exp=domain"),
}
_UNKNOWN_MODIFIER = f"({_MACROS})", "text and macros that SPF knows"  # skipped, §6
_ADDRESSES = {"ip4": IPv4Address, "ip6": IPv6Address}


class Broken(Exception):
    """The policy gives permerror: receivers can't follow it."""


@dataclass(frozen=True, slots=True)
class Term:
    """A mechanism with its qualifier (+ - ~ ?), or a modifier, whose name ends in = and whose qualifier is +. Names and
    values are in lower case.

    `value` is the domain, the network, or "" where the record's own domain is meant.
    """

    qualifier: str
    name: str
    value: str

    @property
    def by_macro(self) -> bool:
        """Whether its domain differs from mail to mail (§7)."""
        return "%" in self.value

    @property
    def leads_on(self) -> bool:
        """Whether another record is part of this one."""
        return self.name in ("include", "redirect=") and not self.by_macro


def records(answer: DnsAnswer) -> list[str]:
    """The SPF records among TXT records (RFC 7208 §4.5)."""
    return [text for text in answer.values if _RECORD.match(text)]


def parse(record: str) -> list[Term]:
    """The terms that receivers reach, in their order: nothing after `all` (RFC 7208 §5.1), and redirect only without it
    and last (§6.1). Raises `Broken` for what §4.6 calls a syntax error, wherever it is."""
    terms = [_term(word) for word in record[len("v=spf1") :].split(" ") if word]
    names = [term.name for term in terms]
    for name in ("redirect=", "exp="):
        if names.count(name) > 1:
            raise Broken(f"{name} appears twice")  # §6
    if "all" in names:
        terms = terms[: names.index("all") + 1]
    mechanisms = [term for term in terms if not term.name.endswith("=")]
    return mechanisms if "all" in names else mechanisms + [term for term in terms if term.name == "redirect="]


def _term(word: str) -> Term:
    parts = _WORD.fullmatch(word)
    qualifier, name, rest = (parts[1], parts[2].lower(), parts[3]) if parts else ("", "", "")
    is_modifier = name.endswith("=")
    if (not is_modifier and name not in _FORMS) or (is_modifier and qualifier):
        raise Broken(f"{word!r} is not a term of SPF")
    pattern, form = _FORMS.get(name, _UNKNOWN_MODIFIER)
    found = re.fullmatch(pattern, rest, _FLAGS)
    value = (found[1] or "").lower() if found else ""
    if not found or not _exists(name, value):
        raise Broken(f"{word!r} is not {form}")
    return Term(qualifier or "+", name, value.removesuffix("."))


def _exists(name: str, value: str) -> bool:
    """Whether there can be such an address, or such a domain; what macros give is each receiver's choice (§4.3)."""
    if name in _ADDRESSES:
        try:
            return bool(_ADDRESSES[name](value.partition("/")[0]))
        except ValueError:
            return False
    if not value or "%" in value or name not in _FORMS:
        return True
    return all(0 < len(label) <= LONGEST_LABEL for label in value.removesuffix(".").split("."))
