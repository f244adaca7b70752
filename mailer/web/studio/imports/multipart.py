"""A form with a file in it, read as it comes: its fields, and the file piece by piece, never whole in memory.

RFC 7578. The file's field must come last, as it does in our form.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

IDLE_SECONDS = 60.0  # without a byte
LONGEST_FIELD = 1_000  # bytes


class MultipartForm:
    """One form. `fields` fills before `file` is told the first piece."""

    def __init__(self, request: Request) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise HTTPException(400)
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self._request, self._is_whole = request, False
        self._header, self._headers = [b"", b""], dict[bytes, bytes]()
        self._name, self._value, self._pieces = "", b"", list[bytes]()
        self._parser = MultipartParser(options[b"boundary"], {
            "on_part_begin": self._part_begun, "on_header_field": self._header_name, "on_header_value": self._header_is,
            "on_header_end": self._header_over, "on_headers_finished": self._headers_over, "on_part_data": self._data,

            "on_part_end": self._part_over, "on_end": self._over,
        })  # fmt: skip

    async def read(self, take: Callable[[bytes], Awaitable[None]]) -> None:
        """Read it to its end; `take` gets the pieces of the file. Raises HTTPException for what isn't a form."""
        try:
            async for block in self._blocks():
                self._parser.write(block)
                for piece in self._pieces:
                    await take(piece)
                self._pieces.clear()
        except (MultipartParseError, ClientDisconnect, UnicodeDecodeError):
            raise HTTPException(400) from None
        if not self._is_whole:  # half a file would silently leave people out
            raise HTTPException(400)

    async def _blocks(self) -> AsyncIterator[bytes]:
        blocks = aiter(self._request.stream())
        while True:
            try:
                yield await asyncio.wait_for(anext(blocks), IDLE_SECONDS)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise HTTPException(408) from None

    def _part_begun(self) -> None:
        self._headers, self._name, self._value = {}, "", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _header_is(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _header_over(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = [b"", b""]

    def _headers_over(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode()
        if b"filename" in options:
            self.file_name = options[b"filename"].decode()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self._pieces.append(data[start:end])
        elif len(self._value) + end - start > LONGEST_FIELD:
            raise HTTPException(413)
        else:
            self._value += data[start:end]

    def _over(self) -> None:
        self._is_whole = True

    def _part_over(self) -> None:
        if self._name != "file":
            self.fields[self._name] = self._value.decode().strip()
