"""Assembles an SMTP relay's bytes into replies (RFC 5321 §4.2), whatever pieces they come in. Uses no sockets."""

from __future__ import annotations

MOST_REPLY_BYTES = 65536


class NotSmtp(ValueError):
    """What was answered is not a reply, or is longer than any reply."""


class ReplyReader:
    """Feed it what arrives; `take` gives the replies that are complete."""

    def __init__(self) -> None:
        self._unread = b""  # from `_start` on
        self._start = 0
        self._lines: list[bytes] = []  # of a reply that goes on
        self._size = 0

    def __bool__(self) -> bool:
        """Whether anything is left that wasn't taken yet."""
        return self._start < len(self._unread) or bool(self._lines)

    def feed(self, data: bytes) -> None:
        """Add the bytes that arrived."""
        self._unread = self._unread[self._start :] + data
        self._start = 0

    def take(self) -> tuple[int, bytes] | None:
        """The next reply: its number and its lines joined by newlines. None when it isn't complete yet.

        Raises `NotSmtp`.
        """
        while (end := self._unread.find(b"\n", self._start)) >= 0:
            line = self._unread[self._start : end]
            self._start = end + 1
            self._size += len(line)
            number, sign = line[:3], line[3:4]
            # RFC 5321 §4.2.1 defines only the first digits 2 to 5.
            is_number = number.isdigit() and len(number) == 3 and number[:1] in b"2345"
            if self._size > MOST_REPLY_BYTES or not is_number or sign not in (b"", b"\r", b" ", b"-"):
                raise NotSmtp
            self._lines.append(line[4:].strip())
            if sign != b"-":
                words = b"\n".join(self._lines)
                self._lines.clear()
                self._size = 0
                return int(number), words
        if len(self._unread) - self._start > MOST_REPLY_BYTES:
            raise NotSmtp
        return None
