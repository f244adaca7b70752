"""Where a newsletter's file names a picture, and the file with another picture or description there.

A picture is named in the text, as ![what it shows](river.jpg) or in a tag's src, and by a value of the front matter.
What it shows is in the brackets, in the tag's alt, or in the value beside it: picture_alt, or alt beside a page's.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from mailer.compose.source.frontmatter import split_front_matter
from mailer.editing.save import Edit
from mailer.editing.splice import CannotSplice, FrontValue, head_end
from mailer.errors import MailerError

PAGE_ALTS = {"picture": "alt", "thanks_picture": "thanks_alt"}  # what each shows on a sign page
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
LONGEST_ALT = 300  # characters; a sentence or two
IN_MARKDOWN = re.compile(
    r"!\[(?P<alt>(?:\\.|[^\[\]\\])*)\]\(\s*(?P<name><[^<>\n]*>|[^\s()<>]+)(?=[\s)])", re.DOTALL
)  # fmt: skip
IN_A_TAG = re.compile(r"<[a-z][a-z-]*\b[^<>]*?\bsrc\s*=\s*(?P<quote>[\"'])(?P<name>[^\"'<>]*)(?P=quote)[^<>]*>", re.I)
ALT_OF_TAG = re.compile(r"\balt\s*=\s*(?P<quote>[\"'])(?P<alt>.*?)(?P=quote)", re.I | re.DOTALL)


@dataclass(frozen=True, slots=True)
class PictureReference:
    """One place that shows a picture. `name`: its path from the newsletter's folder; `alt`: what it shows, in words;
    None where that place has no words of its own. `key`: of the front matter, "" in the text, where it begins at `at`.
    """

    name: str
    alt: str | None
    key: str = ""
    alt_key: str = ""
    at: int = -1


@dataclass(frozen=True, slots=True)
class PictureSwap:
    """What to put in the place of pictures: `names`, another file for each; `alts`, other words for those that say
    what they show, for pictures called as in `of`."""

    names: Mapping[str, str]
    alts: Mapping[str, str]
    of: frozenset[str]


def references(text: str, *, of_page: bool = False) -> list[PictureReference]:
    """Every place in a file, which may be that of a sign page, that shows a picture of its folder."""
    front, _ = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file="")
    flat = dict(_texts(front.data, "")) if front else {}
    found: list[PictureReference] = []
    for key, value in flat.items():
        if value.lower().endswith(SUFFIXES) and "://" not in value and "{" not in value:
            beside = PAGE_ALTS.get(key, "") if of_page else f"{key}_alt"
            if not of_page and key != "picture" and beside not in flat:
                beside = ""
            found.append(PictureReference(_plain(value), flat.get(beside, "") if beside else None, key, beside))
    start = _body_at(text)
    for place in IN_MARKDOWN.finditer(text, start):
        name = _plain(place["name"].strip("<>"))
        if name.lower().endswith(SUFFIXES) and "://" not in name:
            found.append(PictureReference(name, " ".join(place["alt"].split()), at=place.start()))
    for place in IN_A_TAG.finditer(text, start):
        name = _plain(place["name"])
        if name.lower().endswith(SUFFIXES) and "://" not in name:
            said = ALT_OF_TAG.search(place[0])
            found.append(PictureReference(name, html.unescape(said["alt"]) if said else "", at=place.start()))
    return found


def swapped(text: str, swap: PictureSwap, *, of_page: bool = False) -> Edit:
    """The edit that changes what `swap` says, and nothing else. Raises `CannotSplice` where the file can't take it."""
    fields: dict[str, FrontValue] = {}
    for one in references(text, of_page=of_page):
        if one.key and one.name in swap.names:
            fields[one.key] = swap.names[one.name]
        if one.alt_key and one.name in swap.of and (one.alt or "") in swap.alts:
            fields[one.alt_key] = swap.alts[one.alt or ""]
    body = IN_MARKDOWN.sub(lambda place: _markdown(place, swap), text[head_end(text) :])
    return Edit(text, IN_A_TAG.sub(lambda place: _tag(place, swap), body), fields)


def read_alt(words: str) -> str:
    """What somebody typed for a picture, on one line. Raises `MailerError` for what could be read as something else."""
    plain = " ".join(words.split())
    if not plain:
        raise MailerError("say in a few words what the picture shows", remedy="People who can’t see it hear them.")
    if len(plain) > LONGEST_ALT:
        raise MailerError(f"this is longer than {LONGEST_ALT} characters", remedy="One sentence is enough.")
    if any(sign in plain for sign in "[]{}\\<>"):
        raise MailerError("these words can’t hold [ ] { } < > or \\", remedy="Leave the sign out.")
    return plain


def _markdown(place: re.Match[str], swap: PictureSwap) -> str:
    name = _plain(place["name"].strip("<>"))
    whole, alt = place[0], " ".join(place["alt"].split())
    if name in swap.names:
        whole = whole[: place.start("name") - place.start()] + swap.names[name]
    if name in swap.of and alt in swap.alts:
        whole = f"![{swap.alts[alt]}]" + whole[place.end("alt") - place.start() + 1 :]
    return whole


def _tag(place: re.Match[str], swap: PictureSwap) -> str:
    name, whole = _plain(place["name"]), place[0]
    if name in swap.names:
        begin, end = place.start("name") - place.start(), place.end("name") - place.start()
        whole = whole[:begin] + swap.names[name] + whole[end:]
    said = ALT_OF_TAG.search(whole)
    alt = html.unescape(said["alt"]) if said else ""
    if name in swap.of and alt in swap.alts:
        words = f'alt="{html.escape(swap.alts[alt])}"'
        if said:
            return whole[: said.start()] + words + whole[said.end() :]
        end = len(whole) - (2 if whole.endswith("/>") else 1)
        return f"{whole[:end].rstrip()} {words}{' ' if whole.endswith('/>') else ''}{whole[end:]}"
    return whole


def _texts(data: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _texts(cast("dict[str, Any]", value), f"{prefix}{name}.")
        elif isinstance(value, str):
            yield f"{prefix}{name}", value


def _plain(written: str) -> str:
    return posixpath.normpath(unquote(written)) if written else ""


def _body_at(text: str) -> int:
    try:
        return head_end(text)
    except CannotSplice:
        return 0
