"""Reads feeds: Atom (RFC 4287), RSS 0.9 to 2.0, and JSON Feed 1.1 (jsonfeed.org), as they come and not as they should.

Bytes in, entries out. Which of them are shown, and where the bytes come from, is for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from xml.etree import ElementTree as ET

from mailer.compose.data.entries import (
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    DataEntry,
    plain,
    shortened,
    text_of_markup,
    web_address,
)
from mailer.xml_elements import UnreadableXml, parse_xml

MOST_ENTRIES = 500
ATOM = "http://www.w3.org/2005/Atom"
# Elements of other vocabularies have the same names and mean something else: media:title, itunes:summary.
VOCABULARIES = (
    "", ATOM, "http://purl.org/atom/ns#", "http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/",
    "http://channel.netscape.com/rdf/simple/0.9/", "http://backend.userland.com/rss2",
    "http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/", "http://purl.org/rss/1.0/modules/content/",
)  # fmt: skip
DATES = ("published", "pubDate", "issued", "date", "created", "updated", "modified")
SUMMARIES = ("summary", "description", "content", "encoded")
XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
JSON_FEED = "jsonfeed.org/version/"
DECLARED = re.compile(rb"<\?xml[^>]*\?>")


def entries_of_xml(body: bytes, *, charset: str = "", base: str = "") -> list[DataEntry]:
    """The entries of an Atom or RSS document. `charset` is what its server said of it, `base` where it came from.

    Raises `UnreadableXml` when it is no XML, or no feed.
    """
    root = _parsed(body, charset)
    if root.tag.rpartition("}")[2] not in ("feed", "rss", "RDF", "channel"):
        raise UnreadableXml("it is XML, but no feed")
    home = _home(root, base)
    found = [one for one in root.iter() if one.tag.rpartition("}")[2] in ("item", "entry") and _named(one)]
    return [_entry(one, home) for one in found[:MOST_ENTRIES]]


def entries_of_json(feed: Mapping[str, Any], *, base: str = "") -> list[DataEntry]:
    """The entries of a JSON Feed."""
    home = web_address(str(feed.get("home_page_url") or ""), base) or base
    items = feed.get("items")
    found: list[DataEntry] = []
    for one in cast("Sequence[Any]", items if isinstance(items, list) else ())[:MOST_ENTRIES]:
        if isinstance(one, dict):
            said = {key: str(value) for key, value in cast("dict[str, Any]", one).items() if value not in (None, "")}
            summary = plain(said.get("summary") or said.get("content_text", ""))
            found.append(
                _made(
                    said.get("id", ""), plain(said.get("title", "")), said.get("url") or said.get("external_url", ""),
                    said.get("date_published") or said.get("date_modified", ""),
                    summary or text_of_markup(said.get("content_html", "")), home=home,
                )
            )  # fmt: skip
    return found


def is_json_feed(value: object) -> bool:
    return isinstance(value, dict) and JSON_FEED in str(cast("dict[str, Any]", value).get("version", ""))


def moment_of(text: str) -> datetime | None:
    """When a feed says something was: RFC 3339, or RFC 822 as in RSS; without a zone UTC. None for neither."""
    text = text.strip()
    found: datetime | None = None
    with suppress(ValueError):
        found = datetime.fromisoformat(text)
    if found is None:
        with suppress(ValueError, TypeError, IndexError, OverflowError):
            found = parsedate_to_datetime(text)
    if found is None:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _parsed(body: bytes, charset: str) -> ET.Element:
    """The document; with the encoding that it declares, that its server named, or that it must be."""
    try:
        return parse_xml(body.lstrip())
    except UnreadableXml as error:
        told = error
    text = DECLARED.sub(b"", body.lstrip(b"\xef\xbb\xbf \t\r\n"), count=1)
    for encoding in (charset, "utf-8", "cp1252"):
        if encoding:
            with suppress(UnreadableXml, LookupError, UnicodeError):
                return parse_xml(text.decode(encoding).encode(), encoding="utf-8")
    raise told


def _named(one: ET.Element) -> bool:
    return one.tag[1:].partition("}")[0] in VOCABULARIES if one.tag.startswith("{") else True


def _children(parent: ET.Element, name: str) -> Iterator[ET.Element]:
    for child in parent:
        if child.tag.rpartition("}")[2] == name and _named(child):
            yield child


def _home(root: ET.Element, base: str) -> str:
    """Where the feed's site is: what an entry without an address of its own leads to, and relative ones begin at."""
    base = web_address(root.get(XML_BASE, ""), base) or base
    channel = next((one for one in root if one.tag.rpartition("}")[2] == "channel"), root)
    return _link(channel, base) or base


def _link(parent: ET.Element, base: str) -> str:
    links = [one for one in _children(parent, "link") if one.get("rel", "alternate") == "alternate"]
    links.sort(key=lambda one: one.get("type", "text/html") != "text/html")
    for one in links:
        if found := web_address(one.get("href") or one.text or "", one.get(XML_BASE, base)):
            return found
    for one in _children(parent, "guid"):  # RSS 2.0: "a permanent URL", unless it says otherwise
        if one.get("isPermaLink", "true").lower() != "false" and (one.text or "").strip().startswith("http"):
            return web_address(one.text or "", base)
    return ""


def _entry(one: ET.Element, home: str) -> DataEntry:
    base = web_address(one.get(XML_BASE, ""), home) or home
    ids = [(found.text or "").strip() for name in ("guid", "id") for found in _children(one, name)]
    date = next((text for name in DATES for found in _children(one, name) if (text := (found.text or "").strip())), "")
    summary = next((text for name in SUMMARIES for found in _children(one, name) if (text := _words(found))), "")
    title = next((text for found in _children(one, "title") if (text := _words(found))), "")
    return _made(next(filter(None, ids), ""), title, _link(one, base), date, summary, author=_author(one), home=home)


def _author(one: ET.Element) -> str:
    for name in ("author", "creator"):
        for found in _children(one, name):
            inner = next(_children(found, "name"), None)
            if text := plain("".join((found if inner is None else inner).itertext())):
                return shortened(text, LONGEST_TITLE)
    return ""


def _words(found: ET.Element) -> str:
    """The words of a text construct: Atom says whether they are HTML (RFC 4287 §3.1), RSS leaves it open."""
    kind = found.get("type", "text" if found.tag.startswith(f"{{{ATOM}}}") else "html")
    text = "".join(found.itertext())
    return text_of_markup(text) if kind in ("html", "text/html") else plain(text)


def _made(id_: str, title: str, link: str, date: str, summary: str, *, home: str, author: str = "") -> DataEntry:
    link = web_address(link, home) or home
    title = shortened(title or shortened(summary, 80) or link, LONGEST_TITLE)
    summary = shortened(summary, LONGEST_SUMMARY)
    return DataEntry(plain(id_) or f"{link} {title}", title, link, moment_of(date), summary, author)
