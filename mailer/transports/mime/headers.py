"""Header lines as bytes (RFC 5322, RFC 2047): folded, encoded where that is allowed, refused where it isn't.

The standard library's own folding turns a long List-Unsubscribe into encoded words, which hides the unsubscribe button
in many mail readers; here such headers are folded after commas or not at all. Which headers a mail has is for
`message`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from enum import Enum, auto
from functools import lru_cache

from mailer.errors import MailerError
from mailer.senders import split_sender

LINE = 998  # RFC 5322 §2.1.1, without CRLF
FOLD = 76  # RFC 2047 §2 for lines with encoded words; the others follow
WORD_BYTES = 45  # 45 bytes are 60 characters of Base64, 72 with "=?utf-8?b?" and "?="

# Headers that programs read: encoded words would change their meaning.
_FOR_PROGRAMS = re.compile(r"list-(?!id)|message-id|date|feedback-id|precedence|auto-submitted", re.IGNORECASE)
# RFC 5322 §2.2 lets a name begin with any sign; here it doesn't, so that no line of a mail begins with a dot.
_NAME = re.compile(r"[A-Za-z0-9][!-9;-~]*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9.-]+")


class Unmailable(MailerError):
    """A mail that can't be written down faithfully: nothing of it was sent."""


class _Kind(Enum):
    """Who reads a header, and so how it may be encoded."""

    PROGRAMS = auto()
    LIST_ID = auto()  # a phrase for people, then an identifier for programs
    PEOPLE = auto()


def header(name: str, value: str) -> bytes:
    """One header with its CRLF. Raises `Unmailable` for what could start another header or would be damaged."""
    kind = _kind(name)
    if not value.isprintable():
        refuse_control(value, f"the header {name}")
    if kind is _Kind.PROGRAMS:
        return _for_programs(name, value)
    if kind is _Kind.LIST_ID:
        phrase, opening, rest = value.rpartition("<")
        if opening and not value.isascii():
            return mailbox_header(name, phrase.strip(), rest.removesuffix(">"))
    return text_header(name, value)


def one_line_values(name: str, values: Sequence[str]) -> list[str]:
    """Values of one header as `header` encodes them, unfolded: for providers that want a name and a text."""
    together = "".join(values)
    longest = len(name) + 2 + max(map(len, values), default=0)
    if _kind(name) is _Kind.PROGRAMS and together.isascii() and together.isprintable() and longest <= LINE:
        return list(values)  # folding would only break lines after commas
    return [header(name, value).decode("ascii").replace("\r\n", "").partition(": ")[2] for value in values]


@lru_cache(maxsize=256)
def _kind(name: str) -> _Kind:
    """Raises `Unmailable` for what can't be the name of a header."""
    if not _NAME.fullmatch(name):
        raise Unmailable(f"{name!r} can't be the name of a header")
    if _FOR_PROGRAMS.match(name):
        return _Kind.PROGRAMS
    return _Kind.LIST_ID if name.lower() == "list-id" else _Kind.PEOPLE


def text_header(name: str, value: str) -> bytes:
    """A header for people to read, such as Subject: encoded words where the text isn't plain ASCII."""
    refuse_control(value, name)
    start = f"{name}: "
    if not value:
        return start.encode() + b"\r\n"
    if _PLAIN.fullmatch(value) and "=?" not in value:
        if len(start) + len(value) <= FOLD:
            return f"{start}{value}\r\n".encode()
        words = value.split(" ")
        if max(map(len, words)) <= FOLD - len(start):
            return _folded(start, words)
    return _folded(start, encoded_words(value, first=FOLD - len(start)))


def mailbox_header(name: str, display: str, address: str) -> bytes:
    """`name: display <address>`; the address must be ASCII already."""
    if not (display.isprintable() and address.isprintable()):
        refuse_control(display, f"the name in {name}")
        refuse_control(address, f"the address in {name}")
    start = f"{name}: "
    if not display.strip():
        return f"{start}{address}\r\n".encode()
    if _ATOMS.fullmatch(display) and "=?" not in display:
        line = f"{start}{display} <{address}>\r\n"
        if len(line) <= FOLD + 2:
            return line.encode()
        words = [display]
    elif _PLAIN.fullmatch(display) and "=?" not in display:
        words = ['"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"']
    else:
        words = encoded_words(display, first=FOLD - len(start))
    if len(words) == 1 and len(words[0]) > FOLD - len(start):  # too long for quotes
        words = encoded_words(display, first=FOLD - len(start))
    return _folded(start, [*words, f"<{address}>"])


def encoded_words(text: str, *, first: int) -> list[str]:
    """RFC 2047 encoded words; `first` is the room in the first line. No character is cut in two (§5)."""
    words: list[str] = []
    room = min(WORD_BYTES, (first - 12) // 4 * 3)
    chunk = bytearray()
    for character in text:
        try:
            octets = character.encode("utf-8")
        except UnicodeEncodeError as error:
            raise Unmailable("a header holds half a surrogate pair, which is no character") from error
        if len(chunk) + len(octets) > room:
            words.append(_word(chunk))
            chunk.clear()
            room = WORD_BYTES
        chunk += octets
    words.append(_word(chunk))
    return words


def ascii_address(address: str) -> str:
    """The address as mail carries it, with an internationalised domain in ASCII (RFC 5891).

    Raises `Unmailable` for an address that isn't one, or whose local part needs SMTPUTF8 (RFC 6531).
    """
    if address.isascii():
        if _ADDRESS.fullmatch(address) and len(address) <= 254:
            return address
        raise Unmailable(f"{address!r} is not an address that mail can be sent to")
    from email_validator import EmailNotValidError, validate_email  # slow to import, and rarely asked

    try:
        found = validate_email(address, check_deliverability=False, strict=True).ascii_email
    except EmailNotValidError as error:
        raise Unmailable(f"{address!r} is not an address that mail can be sent to: {error}") from error
    if found is None:
        raise Unmailable(f"{address!r} has letters beyond ASCII before the @, which few mail servers take")
    return found


def split_mailbox(value: str) -> tuple[str, str]:
    """The name and the ASCII address of "Name <address>"."""
    refuse_control(value, "an address")
    name, address = split_sender(value)
    return name, ascii_address(address)


def refuse_control(value: str, where: str) -> None:
    """Raise `Unmailable` when `value` could break out of its header."""
    if not value.isprintable() and (found := _CONTROL.search(value)):
        raise Unmailable(
            f"{where} holds the control character U+{ord(found.group()):04X}",
            remedy="A header is one line of visible text.",
        )


def _for_programs(name: str, value: str) -> bytes:
    if not value.isascii():
        raise Unmailable(f"the header {name} must be ASCII")
    line = f"{name}: {value}\r\n"
    if len(line) - 2 > FOLD and name.lower().startswith("list-"):
        line = line.replace(", ", ",\r\n ")
    if len(line) - 2 > LINE and max(map(len, line.split("\r\n"))) > LINE:
        raise Unmailable(f"the header {name} is longer than {LINE} characters")
    return line.encode("ascii")


def _folded(start: str, words: list[str]) -> bytes:
    lines = [start + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= FOLD:
            lines[-1] += " " + word
        else:
            lines.append(" " + word)
    return "\r\n".join(lines).encode() + b"\r\n"


def _word(octets: bytearray) -> str:
    return f"=?utf-8?b?{b64encode(octets).decode()}?="
