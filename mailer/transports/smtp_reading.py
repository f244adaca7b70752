"""Puts an SMTP relay's bytes together to replies (RFC 5321 §4.2), whatever pieces they come in. No sockets here."""

from __future__ import annotations

MOST_REPLY_BYTES = 65536


class NotSmtp(ValueError):
    """What was answered is not a reply, or is longer than any reply."""


class ReplyReader:
    """Feed it what arrives; `take` gives the replies that are complete."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._lines: list[bytes] = []
        self._size = 0

    def __bool__(self) -> bool:
        """Whether anything is kept that was not taken yet."""
        return bool(self._unread or self._lines)

    def feed(self, data: bytes) -> None:
        """What arrived."""
        self._unread += data

    def take(self) -> tuple[int, bytes] | None:
        """The next reply: its number and its lines joined by newlines. None when it isn't complete yet.

        Raises `NotSmtp`.
        """
        while (end := self._unread.find(b"\n")) >= 0:
            line = bytes(self._unread[:end]).rstrip(b"\r\n")
            del self._unread[: end + 1]
            self._size += len(line)
            if self._size > MOST_REPLY_BYTES or not line[:3].isdigit() or line[3:4] not in (b"", b" ", b"-"):
                raise NotSmtp
            self._lines.append(line[4:].strip())
            if line[3:4] != b"-":
                words = b"\n".join(self._lines)
                self._lines.clear()
                self._size = 0
                return int(line[:3]), words
        if len(self._unread) > MOST_REPLY_BYTES:
            raise NotSmtp
        return None
