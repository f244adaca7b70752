"""The parts of a hostile mail as text: decoded, cut short, and of any declared type, since programs mislabel them.

What a mail means is decided in `dsn`.
"""

from __future__ import annotations

import binascii
import html
import quopri
import re
from base64 import b64decode
from collections.abc import Iterator
from email.header import decode_header
from email.message import Message
from email.parser import HeaderParser
from itertools import islice
from typing import cast

MOST_PARTS = 200
LONGEST_LINE = 1_000  # characters that are read of a header or a line of text
TEXT_BYTES = 20_000  # that are read of what people and odd programs write

_HEADERS = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9-]{1,60}:[^\n]*\n(?:[ \t][^\n]*\n)*){2}")
_BREAKS = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h[1-6]|/?blockquote)\b[^>]{0,500}>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(style|script|title)\b.{0,10000}?</\1\s*>|<!--.{0,10000}?-->", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[A-Za-z/!][^>]{0,500}>")
_RETURNED = ("message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers")
_HEADERS_ONLY = ("text/rfc822-headers", "text/rfc822-header")


def parts(message: Message) -> Iterator[Message]:
    """The parts of the mail itself, not those of the mail that it returns."""
    payload = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(payload, list):
        for part in cast(list[Message], payload)[:MOST_PARTS]:
            yield from parts(part)
    else:
        yield message


def text_of(part: Message) -> str:
    """A part's text. If the parser took it for a nested mail, it is reassembled, and decoded if it was encoded."""
    inner = part.get_payload()
    if isinstance(inner, list):
        whole = "\n".join(block.as_string() for block in cast(list[Message], inner)[:MOST_PARTS])[: 4 * TEXT_BYTES]
        return _decoded(whole, str(part.get("Content-Transfer-Encoding", "")).strip().lower())[:TEXT_BYTES]
    payload = cast(bytes, part.get_payload(decode=True) or b"")[:TEXT_BYTES]
    try:
        return payload.decode(str(part.get_content_charset("utf-8")), "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")


def _decoded(text: str, encoding: str) -> str:
    raw = text.encode("utf-8", "replace")
    try:
        if encoding == "base64":
            return b64decode(re.sub(rb"[^A-Za-z0-9+/=]", b"", raw)).decode("utf-8", "replace")
        if encoding == "quoted-printable":
            return quopri.decodestring(raw).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text
    return text


def first_text(message: Message) -> str:
    """What a person would read: the first plain text, or the first HTML without its tags."""
    found = [part for part in parts(message) if part.get_content_type() in ("text/plain", "text/html")]
    plain = next(
        (text for part in found if part.get_content_type() == "text/plain" if (text := text_of(part)).strip()), ""
    )
    if plain or not found:
        return plain
    return without_tags(text_of(next((part for part in found if part.get_content_type() == "text/html"), found[0])))


def without_tags(text: str) -> str:
    """The text of HTML, with line breaks where the HTML has them."""
    return html.unescape(_TAG.sub("", _BREAKS.sub("\n", _HIDDEN.sub("", text))))


def attachment_names(message: Message) -> Iterator[str]:
    """What the files that came along are called, twenty at most."""
    named = (part.get_filename() for part in islice(parts(message), MOST_PARTS))
    for name in islice(filter(None, named), 20):
        yield re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", name.encode("utf-8", "replace").decode("utf-8")).strip()[:100]


def part_that_begins(message: Message, kinds: tuple[str, ...], first: re.Pattern[str]) -> Message | None:
    """The part of one of these types, or else a part that begins the way such a part does."""
    found = list(parts(message))
    for part in found:
        if part.get_content_type() in kinds:
            return part
    texts = (part for part in found if part.get_content_maintype() in ("text", "application"))
    return next((part for part in texts if first.match(text_of(part))), None)


def blocks(text: str) -> list[Message]:
    """Groups of fields separated by blank lines, as in delivery reports and feedback reports."""
    parser = HeaderParser()
    return [
        parser.parsestr(block.lstrip("\n")) for block in re.split(r"\n[ \t\r]*\n", text)[:MOST_PARTS] if block.strip()
    ]


def returned_headers(message: Message) -> Iterator[tuple[str, Message]]:
    """The headers of the returned mails inside this one: as text, and as fields.

    Some programs attach them as a file or as plain text, so anything that looks like headers counts as such."""
    parser = HeaderParser()
    for place, part in enumerate(parts(message)):
        kind = part.get_content_type()
        known = kind in (*_RETURNED, *_HEADERS_ONLY)
        if not known and (
            place == 0 or kind == "text/html" or part.get_content_maintype() not in ("text", "application")
        ):
            continue
        text = text_of(part).replace("\r\n", "\n").lstrip("\n")
        if known or _HEADERS.match(text):
            head = text.partition("\n\n")[0] + "\n"
            yield head, parser.parsestr(head)


def field(message: Message, name: str) -> str:
    """A header written by programs, unfolded; "" when it is missing."""
    return re.sub(r"\s+", " ", str(message.get(name, ""))[: 8 * LONGEST_LINE]).strip()


def header(message: Message, name: str) -> str:
    """A header written for people, decoded as far as possible."""
    raw = field(message, name)[:LONGEST_LINE]
    words: list[str] = []
    try:
        for chunk, charset in decode_header(raw):
            words.append(chunk.decode(charset or "utf-8", "replace") if isinstance(chunk, bytes) else chunk)
    except (LookupError, ValueError, TypeError):
        words = [raw]
    text = "".join(words).encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).strip()[:200]
