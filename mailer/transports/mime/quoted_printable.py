"""Quoted-printable (RFC 2045 §6.7) for text that is encoded in pieces and joined later.

Each piece starts a line of its own and ends in a soft line break, which readers take out again, so the encoding of
one piece never depends on its neighbours. What the pieces say is left to `message`.
"""

from __future__ import annotations

import re
from functools import lru_cache

SOFT = b"=\r\n"
WIDTH = 73  # of 76: two for an escaped first character, one for the soft break's "="
CARE = (".", "From ")  # what a line had better not begin with: see `_protect`

_UNSAFE = re.compile(rb"[^\t -<>-~]")
_HEX = tuple(b"=%02X" % byte for byte in range(256))


def quote_value(text: str) -> bytes:
    """What fills a slot: quoted, and closed by a soft line break so that constant text may follow."""
    if not text:
        return b""
    # Most values are a name or a short address: printable ASCII with nothing that needs care in its position.
    if len(text) <= WIDTH and text.isascii() and text.isprintable() and "=" not in text and not text.startswith(CARE):
        return text.encode("ascii") + SOFT
    return _quote_again(text)


def quote(text: str, *, more_follows: bool) -> bytes:
    """Quoted-printable UTF-8 of a piece that starts a line; CRLF between lines, none longer than 76.

    `more_follows` says whether another piece comes after this one, and so whether the piece must end on a line break.
    Raises UnicodeEncodeError for half a surrogate pair, which no charset can carry.
    """
    lines = one_line_break(text).encode("utf-8").split(b"\n")
    done = [_quote_line(line, hard=True) for line in lines[:-1]]
    last = lines[-1]
    if not more_follows:
        done.append(_quote_line(last, hard=True))
    elif last:
        done.append(_quote_line(last, hard=False) + SOFT)
    else:
        done.append(b"")
    return b"\r\n".join(done)


@lru_cache(maxsize=256)
def _quote_again(text: str) -> bytes:
    """A value that needs care, such as the text of a condition, and is the same for many people."""
    return quote(text, more_follows=True)


def one_line_break(text: str) -> str:
    """The text with every line break written as one newline: mail knows no other (RFC 2046 §4.1.1)."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _quote_line(line: bytes, *, hard: bool) -> bytes:
    quoted = _UNSAFE.sub(_escape, line)
    if hard and quoted[-1:] in (b" ", b"\t"):  # white space at the end of a line gets lost on the way
        quoted = quoted[:-1] + _HEX[quoted[-1]]
    if len(quoted) <= WIDTH:
        return _protect(quoted)
    pieces: list[bytes] = []
    start = 0
    while len(quoted) - start > WIDTH:
        end = start + WIDTH
        if quoted[end - 1] == 0x3D:  # don't cut an escape in two
            end -= 1
        elif quoted[end - 2] == 0x3D:
            end -= 2
        pieces.append(_protect(quoted[start:end]))
        start = end
    pieces.append(_protect(quoted[start:]))
    return SOFT.join(pieces)


def _protect(line: bytes) -> bytes:
    """A line that neither SMTP's transparency (RFC 5321 §4.5.2) nor mbox's "From " (RFC 4155) would touch."""
    if line[:1] == b".":
        return b"=2E" + line[1:]
    return b"=46" + line[1:] if line[:5] == b"From " else line


def _escape(match: re.Match[bytes]) -> bytes:
    return _HEX[match.group()[0]]
