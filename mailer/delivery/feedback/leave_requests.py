"""Requests to unsubscribe by mail: our signed token in the subject, or on a line of the text that isn't quoted.

Programs write such a mail from our List-Unsubscribe address, each in its own way: Apple Mail marks it as automatic,
others leave `%20` or `+` in the subject (RFC 6068 §5 asks for decoding), gateways put words before and after it. The
signature is proof enough, so nothing else about the mail counts. A token in an address is not a request: somebody may
have replied with our mail quoted below.
"""

from __future__ import annotations

import re
from email.message import Message
from urllib.parse import unquote

from mailer.delivery.feedback.mail_parts import LONGEST_LINE, field, first_text, header
from mailer.tracking.tokens import BadToken, Named, Purpose, Signer

MOST_LINES = 50
MOST_TOKENS = 5

# Next to the token there is at most one word on its left ("unsubscribe_" joined to it), and punctuation.
_SIGNED = r"(?:[Uu][Nn][Ss][Uu][Bb][Ss][Cc][Rr][Ii][Bb][Ee]_)?([A-Za-z0-9_-]{32})"
_IN_SUBJECT = re.compile(rf"(?<![A-Za-z0-9_/@-]){_SIGNED}(?![A-Za-z0-9_/@-])")
_LINE = re.compile(rf"[^\w>/@]{{0,10}}(?:[^\W_]{{1,20}}[^\w/@]{{1,5}}){{0,3}}[^\w>/@]{{0,10}}{_SIGNED}[^\w/@]{{0,10}}")
_Q_WORD = re.compile(r"=\?[^?]{1,40}\?[Qq]\?([^?]*)\?=")
_SPACES = re.compile(r"=20|&nbsp;|&#160;|\s+", re.IGNORECASE)


def leaving(message: Message, signer: Signer, *, in_text: bool = True) -> Named | None:
    """Who asks to unsubscribe with this mail, if anybody. `in_text`: whether to read its text besides its subject."""
    for subject in _subjects(message):
        if (named := _signed(_IN_SUBJECT.findall(_spaced(subject)), signer)) is not None:
            return named
    if not in_text:
        return None
    for line in first_text(message).splitlines()[:MOST_LINES]:
        match = _LINE.fullmatch(_spaced(line[:LONGEST_LINE]).strip())
        if match and (named := _signed(match.groups(), signer)):
            return named
    return None


def _subjects(message: Message) -> tuple[str, ...]:
    """The subject decoded; and decoded for programs that forget that _ is a space in RFC 2047's Q encoding."""
    raw = field(message, "Subject")[:LONGEST_LINE]
    return header(message, "Subject"), unquote(
        re.sub(r"=(?=[0-9A-Fa-f]{2})", "%", _Q_WORD.sub(r"\1", raw)), errors="replace"
    )


def _spaced(text: str) -> str:
    """Decode the spaces that mail programs leave encoded, once or twice."""
    return _SPACES.sub(" ", unquote(unquote(text, errors="replace"), errors="replace").replace("+", " "))


def _signed(tokens: list[str] | tuple[str, ...], signer: Signer) -> Named | None:
    for token in tokens[:MOST_TOKENS]:
        try:
            return signer.read(Purpose.UNSUBSCRIBE, token)
        except BadToken:
            continue
    return None
