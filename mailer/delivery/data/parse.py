"""What a source holds: entries of a feed, or rows and values. Which form it has is found, not declared."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mailer.audience.imports.files.reader import NotARow, open_table
from mailer.compose.data.entries import DataEntry
from mailer.compose.data.feed import entries_of_json, entries_of_xml, is_json_feed
from mailer.compose.data.frozen import sound
from mailer.compose.data.sources import DataSource
from mailer.delivery.data.kept import RawData, UnreadableSource
from mailer.delivery.data.tables import filled
from mailer.errors import MailerError
from mailer.private_files import open_private
from mailer.xml_elements import UnreadableXml

MOST_ROWS = 5_000  # of a table that is shown; a larger one is for `lookup`
ALTERNATE = re.compile(rb"<link\b[^>]*\btype=[\"']application/(?:rss|atom)\+xml[\"'][^>]*>", re.IGNORECASE)
HREF = re.compile(rb"\bhref=[\"']([^\"'<>\s]{1,300})[\"']", re.IGNORECASE)
PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*(?:<!doctype html|<html)", re.IGNORECASE | re.DOTALL)
RIGHT = "Is it the right address or file?"
BIG = "A message shows some rows. For one row a person, use lookup(…): docs/data.md."


@dataclass(frozen=True, slots=True)
class ParsedData:
    """The entries of a feed; or, where that is None, what a JSON file or a table holds: mostly a list of rows."""

    entries: Sequence[DataEntry] | None
    value: Any = None


def parsed(raw: RawData, source: DataSource) -> ParsedData:
    """What a source holds. Raises `UnreadableSource`, and `TooMuchData` for what no message needs."""
    body = raw.body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body:
        raise UnreadableSource("it is empty", remedy=RIGHT)
    if PAGE.match(body[:4000]):
        raise _a_page(body)
    if body[:1] == b"<" or body[:4] in (b"<\0?\0", b"\xff\xfe<\0", b"\xfe\xff\0<"):
        try:
            return ParsedData(entries_of_xml(raw.body, charset=raw.charset, base=raw.base))
        except UnreadableXml as error:
            remedy = "Open the address in a browser: is it the feed? Its owners can check it at validator.w3.org/feed."
            raise UnreadableSource(f"it can't be read as a feed: {error}", remedy=remedy) from None
    if body[:1] in (b"{", b"["):
        found = _json(raw.body)
        if found is not None:
            if is_json_feed(found):
                return ParsedData(entries_of_json(found, base=raw.base))
            return ParsedData(None, sound(_within(found, source.items)))
    return ParsedData(None, sound(_table(raw, source)))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None  # perhaps lines of JSON, which the table's reader knows


def _within(found: object, path: str) -> object:
    for name in filter(None, path.split(".")):
        inner = cast("dict[str, Any]", found).get(name) if isinstance(found, dict) else None
        if inner is None:
            known = ", ".join(sorted(map(str, cast("dict[Any, Any]", found)))[:10]) if isinstance(found, dict) else ""
            remedy = f"There is: {known}." if known else "Look into it, and write where the list is."
            raise UnreadableSource(f"it has no {name!r}, which `items` names", remedy=remedy)
        found = inner
    return found


def _table(raw: RawData, source: DataSource) -> list[dict[str, str]]:
    name = source.where.rpartition("/")[2] if source.is_file else "data.csv"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{Path(name).suffix}"
        with open_private(path, "wb") as file:
            file.write(raw.body)
        try:
            table = open_table(path, is_header=filled, place=name)
            rows = [(number, row) for number, row in table.rows() if not isinstance(row, NotARow)][: MOST_ROWS + 1]
        except MailerError as error:
            one = error.diagnostics[0]
            raise UnreadableSource(f"it is no feed, and no table: {one.message}", remedy=one.remedy or RIGHT) from None
    if len(rows) > MOST_ROWS:
        raise UnreadableSource(f"it has more than {MOST_ROWS:,} rows", remedy=BIG)
    return [dict(zip(table.columns, [*row, *[""] * len(table.columns)], strict=False)) for _, row in rows]


def _a_page(body: bytes) -> UnreadableSource:
    found = ALTERNATE.search(body[:200_000])
    address = HREF.search(found[0]) if found else None
    remedy = "Look for “RSS”, “Atom” or “feed” on that page, and write that address."
    if address:
        remedy = f"The page says where its feed is: {address[1].decode('utf-8', 'replace')}"
    return UnreadableSource("it is a web page and no feed", remedy=remedy)
