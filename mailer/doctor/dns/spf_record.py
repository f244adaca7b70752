"""Parses one SPF record by the strict grammar of RFC 7208 §12: a syntax error anywhere in a record makes receivers pass
none of its domain's mail (§4.6). Does no I/O; following what the record names is left to `spf`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from mailer.doctor.dns.lookup import DnsAnswer

MACRO_LETTERS = "slodiphv"  # §7.2; c, r and t are for explanations alone
LONGEST_LABEL = 63  # RFC 1035 §2.3.4
_RECORD = re.compile(r"v=spf1(?= |\Z)", re.IGNORECASE)
_NAME = r"[A-Za-z][A-Za-z0-9_.-]*"
_MODIFIER = re.compile(rf"({_NAME})=(.*)", re.DOTALL)
_MECHANISM = re.compile(rf"([+?~-]?)({_NAME})((?:[:/].*)?)", re.DOTALL)
_MACRO = rf"%\{{[{MACRO_LETTERS}](?:[1-9][0-9]*|0+[1-9][0-9]*)?r?[.\-+,/_=]*\}}"
_MACRO_STRING = re.compile(rf"(?:{_MACRO}|%[%_-]|[\x21-\x24\x26-\x7e])*", re.IGNORECASE)
_ENDS_IN_MACRO = re.compile(rf".*(?:{_MACRO}|%[%_-])", re.IGNORECASE | re.DOTALL)
_TOP_LABEL = re.compile(r"(?=[A-Za-z0-9-]*[A-Za-z-])[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")  # never digits alone
_PREFIX = r"0|[1-9][0-9]*"
_SIZES = re.compile(rf"(.*?)(?:/({_PREFIX}))?(?://({_PREFIX}))?", re.DOTALL)


class Broken(Exception):
    """The policy gives permerror: receivers can't follow it."""


@dataclass(frozen=True, slots=True)
class Term:
    """A mechanism with its qualifier (+ - ~ ?), or a modifier, `name=value`. Names and domains are in lower case.

    `value` is the domain, the network, or "" where the record's own domain is meant.
    """

    qualifier: str
    name: str
    value: str
    is_modifier: bool

    @property
    def by_macro(self) -> bool:
        """Whether its domain differs from mail to mail (§7)."""
        return "%" in self.value


def records(answer: DnsAnswer) -> list[str]:
    """The SPF records among TXT records (RFC 7208 §4.5)."""
    return [text for text in answer.values if _RECORD.match(text)]


def parse(record: str) -> list[Term]:
    """The terms of a record. Raises `Broken` for what RFC 7208 §4.6 calls a syntax error."""
    terms = [_term(word) for word in record[len("v=spf1") :].split(" ") if word]
    for name in ("redirect", "exp"):
        if sum(term.name == name and term.is_modifier for term in terms) > 1:
            raise Broken(f"{name}= appears twice")  # §6
    return terms


def _term(word: str) -> Term:
    if modifier := _MODIFIER.fullmatch(word):
        name, value = modifier[1].lower(), modifier[2]
        if name in ("redirect", "exp"):
            return Term("", name, _domain(word, value), is_modifier=True)
        if not _MACRO_STRING.fullmatch(value):
            raise Broken(f"{word!r} has a character or a macro that SPF doesn't know")
        return Term("", name, value, is_modifier=True)  # unknown ones are skipped, §6
    mechanism = _MECHANISM.fullmatch(word)
    read = _READERS.get(mechanism[2].lower()) if mechanism else None
    if mechanism is None or read is None:
        raise Broken(f"{word!r} is not a term of SPF")
    return Term(mechanism[1] or "+", mechanism[2].lower(), read(word, mechanism[3]), is_modifier=False)


def _nothing(word: str, rest: str) -> str:
    if rest:
        raise Broken(f"{word!r} is wrong: nothing may follow all")  # §5.1
    return ""


def _needs_domain(word: str, rest: str) -> str:
    return _domain(word, rest.removeprefix(":") if rest.startswith(":") else "")


def _may_have_domain(word: str, rest: str) -> str:
    return _needs_domain(word, rest) if rest else ""


def _with_sizes(word: str, rest: str) -> str:
    """`[:domain][/32][//128]`, §5.3."""
    parts = _SIZES.fullmatch(rest)
    assert parts is not None  # each part may be empty
    _check_size(word, parts[2], 32)
    _check_size(word, parts[3], 128)
    return _may_have_domain(word, parts[1])


def _check_size(word: str, size: str | None, most: int) -> None:
    if size is not None and (len(size) > 3 or int(size) > most):
        raise Broken(f"{word!r} is wrong: a network's size is from /0 to /{most}")


def _ip4(word: str, rest: str) -> str:
    return _network(word, rest, kind=IPv4Address, most=32)


def _ip6(word: str, rest: str) -> str:
    return _network(word, rest, kind=IPv6Address, most=128)


def _network(word: str, rest: str, *, kind: type[IPv4Address | IPv6Address], most: int) -> str:
    """`:address[/size]`, §5.6. Bits behind the size are allowed."""
    address, slash, size = rest.removeprefix(":").partition("/")
    if slash and not re.fullmatch(_PREFIX, size):
        raise Broken(f"{word!r} is wrong: the slash must be followed by a network's size")
    _check_size(word, size or None, most)
    try:
        if not rest.startswith(":") or "%" in address:  # an IPv6 zone isn't allowed here
            raise AddressValueError
        kind(address)
    except AddressValueError:
        raise Broken(f"{word!r} names no IPv{4 if most == 32 else 6} address") from None
    return rest[1:].lower()


def _domain(word: str, text: str) -> str:
    """A domain-spec, §7.1: macros, or a domain that has a dot and doesn't end in a number."""
    if not text:
        raise Broken(f"{word!r} names no domain")
    if not _MACRO_STRING.fullmatch(text):
        raise Broken(f"{word!r} has a character or a macro that SPF doesn't know")
    last = text.removesuffix(".").rpartition(".")
    if not (_ENDS_IN_MACRO.fullmatch(text) or (last[1] and _TOP_LABEL.fullmatch(last[2]))):
        raise Broken(f"{word!r} names {text!r}, which is no domain")
    if "%" not in text and any(not 0 < len(label) <= LONGEST_LABEL for label in text.removesuffix(".").split(".")):
        raise Broken(f"{word!r} names {text!r}, which is no domain")  # what it gives is each receiver's choice, §4.3
    return text.lower().removesuffix(".")


_READERS: Mapping[str, Callable[[str, str], str]] = {
    "all": _nothing, "include": _needs_domain, "exists": _needs_domain, "a": _with_sizes, "mx": _with_sizes,
    "ptr": _may_have_domain, "ip4": _ip4, "ip6": _ip6,
}  # fmt: skip
