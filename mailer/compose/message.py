"""The compiled message: constant text with numbered slots, the slots, the links and the pictures. No person yet.

`compiler` makes it, `merge` fills it in for a person, `delivery` freezes it as JSON. Equal input gives equal bytes,
and `digest` tells two messages apart. A message carries its translations, so all of this holds for them as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from mailer.compose.data.tables import LookupTable
from mailer.compose.languages import ORIGINAL, SpokenLanguages

# Constant text and, between it, numbers of slots. ("Dear ", 0, ",") is "Dear {{ supporter.first_name }},".
Parts = tuple[str | int, ...]


# Fields of `Message` that frozen ones may lack.
ADDED = ("is_urgent", "is_public", "translations", "otherwise", "data", "tables", "test", "variants")
ARMS = "abcd"  # the versions of a test; the message itself is the first
REST = "rest"  # in place of a version: the one that wins
USUAL_WAIT = 4 * 3600  # seconds: nine of ten people who follow a link have done so


class Context(StrEnum):
    """Where a slot is, and so how its value is escaped."""

    HTML = "html"  # between tags
    ATTRIBUTE = "attribute"  # inside a quoted attribute
    URL = "url"  # inside an address: percent-encoded
    TEXT = "text"  # the plain-text part
    HEADER = "header"  # a header's value: no line breaks or control characters


@dataclass(frozen=True, slots=True)
class Slot:
    """An expression that waits for the person, as its source, and where its text goes.

    The sources click_url, unsubscribe_url, view_url and preferences_url are the person's own addresses.
    """

    source: str
    context: Context


@dataclass(frozen=True, slots=True)
class Choice:
    """{% if %} … {% elif %} … {% else %} … {% endif %}: the first branch whose test holds, or nothing.

    A branch is (source of the test, its text); the test of {% else %} is "". The slots of a branch are computed only
    when the branch is taken, and the parts of a message name the choice alone.
    """

    branches: tuple[tuple[str, Parts], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A row of the link table: in the mail it is `click_url`/n, and this says where that leads."""

    n: int  # from 1, in order of appearance in the HTML; those of translations go on from there
    url: str  # as written, merge tags included, with the workspace's link parameters
    destination: Parts  # the same with slots, filled in for the person when followed
    label: str  # what the reader sees, for reports
    placement: str  # button, inline, footnote, footer, image …
    is_action: bool


@dataclass(frozen=True, slots=True)
class Image:
    """A picture beside the message. In the mail its address is PUBLIC_URL/i/<digest>/<name>."""

    name: str  # relative to the newsletter's folder, or brand's to the workspace
    digest: str  # first 16 hex digits of the content's SHA-256
    content_type: str


@dataclass(frozen=True, slots=True)
class PlannedTest:
    """How the versions of a message are tried on a part of the audience, before the better one goes to the rest."""

    share: float | None = None  # of the audience, for all versions together; None: what is recommended for its size
    wait_seconds: int = USUAL_WAIT  # from the launch to the decision
    decides: str = "signatures"  # or clicks


def version_name(arm: str, language: str) -> str:
    """What a version of a message is called, as its file is between message and md: "", "fr", "b", "b.fr"."""
    return ".".join(part for part in ("" if arm == ARMS[0] else arm, language) if part)


def version_in_words(name: str) -> str:
    """A version's name for staff: "translation fr", "version b", "version b, fr"."""
    arm, _, language = name.partition(".") if len(name.partition(".")[0]) == 1 else ("", "", name)
    return f"version {arm}" + f", {language}" * bool(language) if arm else f"translation {language}"


@dataclass(frozen=True, slots=True)
class Message:
    """Everything that is the same for all recipients."""

    slug: str
    list: str  # the name of the list in whose name it goes out
    language: str  # BCP 47
    direction: str  # ltr or rtl
    from_: str  # Name <address>
    reply_to: str  # "" for none
    public_url: str  # under which its links were built
    subject: Parts
    preheader: Parts
    html: Parts
    text: Parts
    slots: tuple[Slot | Choice, ...]
    links: tuple[Link, ...]
    images: tuple[Image, ...] = ()
    # What merge tags may name beside the supporter: list.*, campaign.*, organisation.*
    constants: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    is_urgent: bool = False  # goes to those, too, who asked for fewer mails
    is_public: bool = False  # is in the public archive
    # Rules of `mailer check` that were waived, each with the author's reason: the report shows them.
    waived: Mapping[str, str] = field(default_factory=dict[str, str])
    translations: tuple[Message, ...] = ()  # the same mail in other languages; each is in one of its own
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])  # what it was made with: `compose.data`
    tables: tuple[LookupTable, ...] = ()  # those that its merge tags look into
    otherwise: str = ""  # what people are taken to read whose language isn't known or has no version: the list's
    test: PlannedTest | None = None  # where there are `variants`
    variants: tuple[Message, ...] = ()  # the other versions of a test, each in the same languages

    @property
    def arms(self) -> dict[str, Message]:
        """The versions of its test with their translations, by letter; "" alone where nothing is tested."""
        return dict(zip(ARMS, (self, *self.variants), strict=False)) if self.variants else {"": self}

    @property
    def mails(self) -> dict[tuple[str, str], Message]:
        """All that it is mailed as, by the version of the test and the language of the translation: "" for none and for
        the original. No two share a link's number."""
        return {
            (arm, language): one
            for arm, tried in self.arms.items()
            for language, one in ((ORIGINAL, tried), *((one.language, one) for one in tried.translations))
        }

    @property
    def versions(self) -> dict[str, Message]:
        """The same by `version_name`."""
        return {version_name(*which): one for which, one in self.mails.items()}

    @property
    def every_link(self) -> tuple[Link, ...]:
        """The links of all versions."""
        return tuple(link for one in self.versions.values() for link in one.links)

    @property
    def every_image(self) -> tuple[Image, ...]:
        """The pictures of all versions, each once."""
        return tuple(dict.fromkeys(image for one in self.versions.values() for image in one.images))

    @property
    def spoken(self) -> SpokenLanguages:
        """The languages of its versions."""
        return SpokenLanguages(self.language, tuple(one.language for one in self.translations), self.otherwise)

    def version(self, name: str) -> Message:
        """One of `versions`, by itself."""
        return replace(self.versions[name], translations=(), otherwise="", test=None, variants=())

    def arm(self, letter: str) -> Message:
        """One version of its test in all languages. Raises `KeyError` for one that there isn't."""
        return replace(self.arms[letter], otherwise=self.otherwise, test=None, variants=())

    @property
    def digest(self) -> str:
        """SHA-256 over everything above, in hex: two messages with one digest are the same mail."""
        return hashlib.sha256(json.dumps(to_json(self), sort_keys=True).encode()).hexdigest()


def together(
    compiled: Mapping[str, Message], languages: Sequence[str], *, test: PlannedTest | None, otherwise: str
) -> Message:
    """One message of all its versions, by `version_name`; each is in the same `languages` beside the original's."""
    first, *variants = (
        replace(
            compiled[version_name(arm, ORIGINAL)],
            translations=tuple(compiled[version_name(arm, tag)] for tag in languages),
        )
        for arm in ARMS
        if version_name(arm, ORIGINAL) in compiled
    )
    otherwise = otherwise if languages else ""
    return replace(first, otherwise=otherwise, test=test if variants else None, variants=tuple(variants))


def as_written(message: Message, parts: Parts) -> str:
    """Some parts with their merge tags as staff wrote them, for showing: "Dear {{ supporter.first_name }}"."""
    return "".join(part if isinstance(part, str) else _tag(message, message.slots[part]) for part in parts)


def _tag(message: Message, slot: Slot | Choice) -> str:
    if isinstance(slot, Slot):
        return f"{{{{ {slot.source} }}}}"
    words = ("if", *("elif" for _ in slot.branches[1:]))
    tags = [
        f"{{% {word} {test} %}}" if test else "{% else %}" for word, (test, _) in zip(words, slot.branches, strict=True)
    ]
    branches = [tag + as_written(message, parts) for tag, (_, parts) in zip(tags, slot.branches, strict=True)]
    return "".join([*branches, "{% endif %}"])


def to_json(message: Message) -> dict[str, Any]:
    """The message as JSON data; `from_json` is its inverse.

    What was added later is left out where it says nothing, so that a message keeps the digest it always had.
    """
    data = {name: value for name, value in asdict(message).items() if name not in ADDED or value}
    if message.tables:
        data["tables"] = [one.to_json() for one in message.tables]
    if message.translations:
        data["translations"] = [to_json(one) for one in message.translations]
    if message.variants:
        data["variants"] = [to_json(one) for one in message.variants]
    return data


def from_json(data: Mapping[str, Any]) -> Message:
    """The message that `to_json` described."""
    values: dict[str, Any] = dict(data)
    for name in ("subject", "preheader", "html", "text"):
        values[name] = tuple(values[name])
    values["slots"] = tuple(_slot(slot) for slot in values["slots"])
    values["links"] = tuple(_link(**link) for link in values["links"])
    values["images"] = tuple(Image(**image) for image in values["images"])
    values["tables"] = tuple(map(LookupTable.from_json, values.get("tables", ())))
    for name in ("translations", "variants"):
        values[name] = tuple(from_json(one) for one in values.get(name, ()))
    values["test"] = PlannedTest(**values["test"]) if values.get("test") else None
    return Message(**values)


def _slot(data: Mapping[str, Any]) -> Slot | Choice:
    if "branches" in data:
        return Choice(tuple((test, tuple(parts)) for test, parts in data["branches"]))
    return Slot(data["source"], Context(data["context"]))


def _link(*, destination: list[str | int], **values: Any) -> Link:
    return Link(destination=tuple(destination), **values)
