"""A wish to leave that came by mail: our signed token in the subject, or on a line of the text that isn't quoted.

Programs write the mail from our List-Unsubscribe address, and each in its own way: Apple Mail marks it as automatic,
others leave `%20` or `+` in the subject (RFC 6068 §5 asks for decoding), gateways put words before and after it. The
signature is proof enough, so nothing else about the mail counts. A token in an address is no wish: somebody may have
answered with our mail below.
"""

from __future__ import annotations

import re
from email.message import Message
from urllib.parse import unquote

from mailer.delivery.feedback.mail_parts import LONGEST_LINE, field, first_text, header
from mailer.tracking.tokens import BadToken, Named, Purpose, Signer

MOST_LINES = 50
MOST_TOKENS = 5

# Beside the token stand a word at most on its left ("unsubscribe_" in one piece with it), and marks.
_SIGNED = r"(?:[Uu][Nn][Ss][Uu][Bb][Ss][Cc][Rr][Ii][Bb][Ee]_)?([A-Za-z0-9_-]{32})"
_IN_SUBJECT = re.compile(rf"(?<![A-Za-z0-9_/@-]){_SIGNED}(?![A-Za-z0-9_/@-])")
_LINE = re.compile(rf"[^\w>/@]{{0,10}}(?:[^\W_]{{1,20}}[^\w/@]{{1,5}}){{0,3}}[^\w>/@]{{0,10}}{_SIGNED}[^\w/@]{{0,10}}")
_Q_WORD = re.compile(r"=\?[^?]{1,40}\?[Qq]\?([^?]*)\?=")
_SPACES = re.compile(r"=20|&nbsp;|&#160;|\s+", re.IGNORECASE)


def leaving(message: Message, signer: Signer, *, in_text: bool = True) -> Named | None:
    """Whose wish this mail is, if it is one. `in_text`: whether its text is looked at beside its subject."""
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
    """The subject as it is decoded; and as it is where a program forgot that _ is a blank in RFC 2047's Q encoding."""
    raw = field(message, "Subject")[:LONGEST_LINE]
    return header(message, "Subject"), unquote(
        re.sub(r"=(?=[0-9A-Fa-f]{2})", "%", _Q_WORD.sub(r"\1", raw)), errors="replace"
    )


def _spaced(text: str) -> str:
    """With the blanks that mail programs leave encoded, once or twice."""
    return _SPACES.sub(" ", unquote(unquote(text, errors="replace"), errors="replace").replace("+", " "))


def _signed(tokens: list[str] | tuple[str, ...], signer: Signer) -> Named | None:
    for token in tokens[:MOST_TOKENS]:
        try:
            return signer.read(Purpose.UNSUBSCRIBE, token)
        except BadToken:
            continue
    return None
