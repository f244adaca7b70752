"""What is different between two contents, in words for people: by part, old beside new, paragraph by paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any, cast

from mailer.compose.message import ORIGINAL, Message, Parts, as_written, from_json, version_in_words
from mailer.compose.source.frontmatter import split_front_matter
from mailer.review.content import NewsletterContent, leaves_at

HEADERS = (
    ("subject", "Subject"), ("preheader", "Line below the subject"), ("from_", "Sender"), ("reply_to", "Replies"),
    ("list", "List"), ("language", "Language"), ("public_url", "Public address"), ("is_urgent", "Urgent"),
    ("is_public", "In the public archive"), ("waived", "Checks left aside"),
)  # fmt: skip
AUDIENCE = {
    "include": "lists", "exclude": "lists left out", "segment": "only for", "limit": "at most",
    "not_mailed_within_hours": "not mailed within hours", "not_mailed_by": "not mailed by", "seed": "draw",
    "urgent": "urgent", "down_the_list": "down the list",
}  # fmt: skip
WORD = re.compile(r"\s*\S+")
NOT_DRAWN = re.compile(r"[^=*-]").search  # what isn't a line below a heading, a rule or a bullet
ALIKE = 0.35  # below this share of the same words the old and the new are shown whole
BESIDE = 12  # words
CLICK = re.compile(r"\{\{ click_url \}\}/(\d+)")
TAG = re.compile(r"<[^>]*>")
FEW = 3  # differences that are told in one line
SOON = "as soon as it is sent"


@dataclass(frozen=True, slots=True)
class ChangedPiece:
    """Some words of a difference; `kind` is same, old or new."""

    kind: str
    words: str

    @property
    def shortened(self) -> str:
        """The words, and of many that are the same only those beside what changed."""
        found = WORD.findall(self.words)
        if self.kind != "same" or len(found) <= 2 * BESIDE + 4:
            return self.words
        return f"{''.join(found[:BESIDE])} … {''.join(found[-BESIDE:]).lstrip()}"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `part` names where ("Mail, paragraph 4"); "" is nothing there."""

    part: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.part}: “{self.after}” is new"
        if not self.after:
            return f"{self.part}: “{self.before}” is gone"
        return f"{self.part}: “{self.before}” is now “{self.after}”"

    @property
    def pieces(self) -> tuple[ChangedPiece, ...]:
        """The same word by word: what is equal, what is gone, what is new. The old is that without the new pieces, and
        the other way round."""
        old, new = (WORD.findall(text) for text in (self.before, self.after))
        matcher = SequenceMatcher(None, old, new, autojunk=False)
        whole = matcher.ratio() < ALIKE
        codes = [("replace", 0, len(old), 0, len(new))] if whole else matcher.get_opcodes()
        found: list[ChangedPiece] = []
        for kind, a, b, c, d in codes:
            gone, come = "".join(old[a:b]), "".join(new[c:d])
            if kind == "equal":
                found.append(ChangedPiece("same", gone))
            else:
                found += [ChangedPiece(name, text) for name, text in (("old", gone), ("new", come)) if text]
        return tuple(found)


def changes(before: NewsletterContent, after: NewsletterContent) -> list[Change]:
    """Every difference, in the order in which readers would meet it. Empty for equal contents, and only for those."""
    if before.digest == after.digest:
        return []
    found = [*_of_mail(before, after), *_of_rest(before, after), *_of_automation(before, after)]
    return found or [Change("Look", "the mail as it was compiled", "another layout of the same words")]


def text_changes(before: str, after: str) -> list[Change]:
    """Every difference between two versions of a newsletter's file, as its fields and paragraphs."""
    (old, one), (new, other) = _front(before), _front(after)
    found = [*_values("Field", old, new), *paragraphs("Text", one, other)]
    same = before == after
    return found if found or same else [Change("File", "as it was", "other comments, blanks or line ends")]


def _front(text: str) -> tuple[Mapping[str, Any], list[str]]:
    """The fields above a text, and its paragraphs; without fields where they can't be read."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    front, _ = split_front_matter(plain, file="")
    paragraphs = (front.body if front else plain).split("\n\n")
    return front.data if front else {}, [piece.strip() for piece in paragraphs if piece.strip()]


def in_short(found: Sequence[Change]) -> str:
    """The first few differences in one line, and how many more there are; "" for none."""
    more = f"; and {len(found) - FEW:,} more" if len(found) > FEW else ""
    return f"{'; '.join(map(str, found[:FEW]))}{more}"


def _of_mail(before: NewsletterContent, after: NewsletterContent) -> Iterator[Change]:
    old, new = from_json(before.parts["mail"]), from_json(after.parts["mail"])
    yield from _of_version(old, new)
    yield from _values("Picture", before.parts["pictures"], after.parts["pictures"], shown=_picture)
    if old.test != new.test:
        yield Change("Test", *(_tried(each) for each in (old, new)))
    for name in sorted({*old.versions, *new.versions} - {ORIGINAL}):
        one, other = old.versions.get(name), new.versions.get(name)
        if one is not None and other is not None:
            yield from _of_version(one, other, name)
        else:
            yield Change(version_in_words(name).capitalize(), *("" if each is None else _header(each, "subject")
                                                                for each in (one, other)))  # fmt: skip


def _tried(message: Message) -> str:
    """The plan of its test."""
    if message.test is None:
        return ""
    share = "the recommended share" if message.test.share is None else f"{message.test.share:.0%}"
    hours = message.test.wait_seconds / 3600
    return f"{1 + len(message.variants)} versions, {share}, {hours:g} h, decided by {message.test.decides}"


def _of_version(old: Message, new: Message, language: str = ORIGINAL) -> Iterator[Change]:
    """What changed in the mail, or in its translation into `language`."""
    of_it = f" ({language})" if language else ""
    for name, label in HEADERS:
        one, other = _header(old, name), _header(new, name)
        if one != other:
            yield Change(f"{label}{of_it}", one, other)
    yield from paragraphs(f"Mail{of_it}", _text(old), _text(new))
    # A link's number in a translation is another one when the original has one link more.
    if _text(old) == _text(new) and any(_led(old, one) != _led(new, other)
                                        for one, other in ((old.html, new.html), (old.text, new.text))):  # fmt: skip
        yield Change(f"Look{of_it}", "as it was", "a template, a colour or a place in it changed")


def _of_rest(before: NewsletterContent, after: NewsletterContent) -> Iterator[Change]:
    for part, label in (("pages", "Sign page"), ("thanks", "Thanks")):
        old, new = before.parts[part], after.parts[part]
        for slug in sorted({*old, *new}):
            several = f" of {slug}" if slug not in (before.slug, after.slug) else ""
            yield from _page(label + several, old.get(slug), new.get(slug))
    for name in sorted({*before.parts["lists"], *after.parts["lists"]}):
        yield from _values(f"List {name}", before.parts["lists"].get(name, {}), after.parts["lists"].get(name, {}))
    yield from _values("Brand", _flat(before.parts["brand"]), _flat(after.parts["brand"]))
    yield from _values("Audience", _asked(before), _asked(after))
    yield from _values("Series", before.parts.get("series") or {}, after.parts.get("series") or {})
    if before.parts["leaves"] != after.parts["leaves"]:
        yield Change("Leaves", str(leaves_at(before) or SOON), str(leaves_at(after) or SOON))


def _of_automation(before: NewsletterContent, after: NewsletterContent) -> Iterator[Change]:
    """What changed in an automation beside its first mail: its other mails, by step, and what its file says."""
    old, new = (content.parts.get("steps", {}) for content in (before, after))
    for step in sorted({*old, *new}):
        if step in old and step in new:
            one, other = (NewsletterContent(before.slug, parts[step]) for parts in (old, new))
            for change in (*_of_mail(one, other), *_of_rest(one, other)):
                yield replace(change, part=f"{step}: {change.part}")
        else:
            subject = _header(from_json((old.get(step) or new[step])["mail"]), "subject")
            yield Change(f"Mail {step}", subject if step in old else "", subject if step in new else "")
    definitions = [dict(content.parts.get("automation", {})) for content in (before, after)]
    steps = [{one["name"]: one for one in each.pop("steps", ())} for each in definitions]
    yield from _values("Automation", *definitions)
    yield from _values("Step", *steps)


def _asked(content: NewsletterContent) -> dict[str, Any]:
    audience: Mapping[str, Any] = content.parts["audience"]
    return {AUDIENCE.get(key, key): value for key, value in audience.items()}


def _page(label: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) or isinstance(new, Mapping):
        one, other = cast("Mapping[str, Any]", old or {}), cast("Mapping[str, Any]", new or {})
        for key in {**one, **other}:
            if key.endswith("_html"):
                yield from paragraphs(label, _blocks(one.get(key, "")), _blocks(other.get(key, "")))
        plain = [{key: value for key, value in page.items() if not key.endswith("_html")} for page in (one, other)]
        yield from _values(label, *plain)
    elif old != new:
        yield from paragraphs(label, _blocks(old or ""), _blocks(new or ""))


def _blocks(html: str) -> list[str]:
    """The lines of a page's HTML without its tags; the addresses of links stay, since they are shown by pressing."""
    led = re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', r"\2 (\1)", html)
    return [words for line in led.split("\n") if (words := TAG.sub("", line).strip())]


def paragraphs(label: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """What is different between two texts, paragraph by paragraph."""
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for at in range(max(b - a, d - c)):
            one = old[a + at] if a + at < b else ""
            other = new[c + at] if c + at < d else ""
            yield Change(f"{label}, paragraph {(c if d > c else a) + at + 1}", one, other)


def _values(label: str, old: Mapping[str, Any], new: Mapping[str, Any], shown: Any = None) -> Iterator[Change]:
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if one != other:
            said = (shown or _said)(one, other)
            yield Change(f"{label}: {key.rstrip('_').replace('_', ' ')}", *said)


def _said(one: Any, other: Any) -> tuple[str, str]:
    return _value(one), _value(other)


def _picture(one: Any, other: Any) -> tuple[str, str]:
    return ("as it was" if one else "", "another picture" if one and other else "in the mail" if other else "")


def _value(value: Any) -> str:
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_value(one) for one in cast("list[Any]", value)) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(one)}" for key, one in cast("dict[str, Any]", value).items())
    return "nothing" if value in (None, "") else str(value)


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in data.items():
        found |= cast("dict[str, Any]", value) if isinstance(value, dict) else {key: value}
    return found


def _header(message: Message, name: str) -> str:
    value: Any = getattr(message, name)
    if isinstance(value, tuple):
        return " ".join(as_written(message, cast(Parts, value)).split())
    if isinstance(value, Mapping):
        return _value(dict(cast("Mapping[str, str]", value)))
    return value if isinstance(value, str) else _value(value)


def _text(message: Message) -> list[str]:
    """The paragraphs of the plain text as staff wrote them, with the addresses that links lead to."""
    written = _led(message, message.text)
    blocks = (" ".join(filter(NOT_DRAWN, block.split())) for block in re.split(r"\n\s*\n", written))
    return [block for block in blocks if block]


def _led(message: Message, parts: Parts) -> str:
    """Some parts as staff wrote them, with the addresses that links lead to."""
    links = {str(link.n): link.url for link in message.links}
    return CLICK.sub(lambda found: links.get(found[1], found[0]), as_written(message, parts))
