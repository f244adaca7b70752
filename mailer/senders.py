"""Who a mail comes from, as people write it: `Name <address>`, the name being whatever comes before the address.

Header syntax (RFC 5322 §3.4) would read `Library @ Leeds <…>`, `Library: Leeds <…>` and `Leeds, Library <…>` otherwise
and lose half of the name. Here a name is a name; `transports.headers` quotes or encodes it. Anything else is refused.
"""

from __future__ import annotations

import re

from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError

EXAMPLE = "Example Campaigns <appeals@example.org>"
_NAMED = re.compile(r"(?P<name>[^<>]*)<\s*(?P<address>[^<>\s]+)\s*>")
_QUOTED = re.compile(r'"(?P<inside>(?:[^"\\]|\\.)*)"')
# Controls, line and paragraph separators, and the signs that turn the direction of what follows (Unicode TR 36 §3.1).
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+|localhost")
# Names that nobody can own (RFC 2606 §3, RFC 6761 §6).
RESERVED_DOMAINS = ("example", "example.com", "example.net", "example.org", "invalid", "test")
LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3: a path of 256 with its angle brackets


class BadSender(MailerError):
    """The text is not one name and one address; `why` goes on after what it was given for."""

    def __init__(self, why: str, *, remedy: str) -> None:
        super().__init__(f"a sender {why}", remedy=remedy)
        self.why = why


def split_sender(text: str) -> tuple[str, str]:
    """The name ("" for none) and the address as written. Raises `BadSender` with the reason."""
    text = text.strip()
    if found := _UNFIT.search(text):
        raise BadSender(f"holds the invisible character U+{ord(found[0]):04X}", remedy="Take it out.")
    named = _NAMED.fullmatch(text)
    name, address = (named["name"].strip(), named["address"]) if named else ("", text)
    if quoted := _QUOTED.fullmatch(name):
        name = re.sub(r"\\(.)", r"\1", quoted["inside"]).strip()
    if "@" not in address or any(sign in address for sign in "<>, ;"):
        raise BadSender("must be one address", remedy=f"Write {EXAMPLE}")
    ascii_sender(address)
    return name, address


def sender_fault(key: str, text: str) -> Diagnostic | None:
    """What is wrong with the setting `key`, which holds a sender; None when nothing is."""
    try:
        split_sender(text)
    except BadSender as error:
        return Diagnostic(f"{key} {error.why}", remedy=error.remedy)
    return None


def ascii_sender(address: str) -> str:
    """The address with its domain in ASCII (RFC 5891), as headers and DNS want it. Raises `BadSender`."""
    local, _, domain = address.rpartition("@")
    if not _LOCAL.fullmatch(local):
        why = "can't have letters beyond ASCII before the @" if not local.isascii() else f"can't begin with {local}@"
        raise BadSender(why, remedy=f"Write {EXAMPLE}")
    found = f"{local}@{ascii_domain(domain)}"
    if len(found) > LONGEST_ADDRESS:
        raise BadSender(f"can't have more than {LONGEST_ADDRESS} characters in its address", remedy=f"Write {EXAMPLE}")
    return found


def ascii_domain(domain: str) -> str:
    """A domain in small ASCII letters: bücher.example is xn--bcher-kva.example. Raises `BadSender`."""
    if domain.isascii():
        if _DOMAIN.fullmatch(domain):
            return domain.lower()
        raise BadSender(f"can't be at {domain!r}, which is no domain", remedy=f"Write {EXAMPLE}")
    from email_validator import EmailNotValidError, validate_email  # slow to import, and rarely asked

    try:
        return validate_email(f"a@{domain}", check_deliverability=False).ascii_domain
    except EmailNotValidError as error:
        raise BadSender(f"can't be at {domain!r}: {error}", remedy=f"Write {EXAMPLE}") from None


def domain_of(sender: str) -> str:
    """The domain of "Name <address>" in small ASCII letters; "" when it can't be read."""
    try:
        return ascii_domain(split_sender(sender)[1].rpartition("@")[2])
    except BadSender:
        return ""
