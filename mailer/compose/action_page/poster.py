"""What a sign page shows around its text: pictures, who asks, the addressee, until when, where to share.

All of it is optional, and read from the front matter of action.md by `parse`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol, cast

from markupsafe import Markup

from mailer.compose.action_page.html import address_fault
from mailer.compose.action_page.page_pictures import (
    CARD_PIXELS,
    FACE_PIXELS,
    HERO_PIXELS,
    PagePicture,
    find_picture,
)
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import nearest

SHARED_BY = ("whatsapp", "signal", "telegram", "email", "facebook", "bluesky", "mastodon", "x")
AMOUNT = "{amount}"  # in an address: stands for the digits of the amount that is pressed
MOST_AMOUNTS = 6
NO_WORDS = Markup()


@dataclass(frozen=True, slots=True)
class WhoAsks:
    """Who asks people to sign."""

    name: str
    role: str = ""
    picture: PagePicture | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount of a gift, as it is written on its button, and where that leads."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class NextAsk:
    """What people are asked for once they have signed; with `amounts` it is a gift, and `url` is for another amount."""

    url: str
    label: str
    headline: str = ""
    text: str = ""
    amounts: tuple[Amount, ...] = ()


@dataclass(frozen=True, slots=True)
class PagePoster:
    """Everything of a page but its words. `deadline` is the last day on which people can sign; `card` is what other
    sites show of a link to the page, in place of one that is drawn."""

    picture: PagePicture | None = None
    thanks_picture: PagePicture | None = None
    card: PagePicture | None = None
    asks: WhoAsks | None = None
    to: str = ""
    deadline: date | None = None
    share_by: tuple[str, ...] = SHARED_BY
    outcome_html: Markup = NO_WORDS

    @property
    def pictures(self) -> Sequence[PagePicture]:
        """All of them, each once."""
        face = self.asks.picture if self.asks else None
        return list({one.digest: one for one in (self.picture, self.thanks_picture, self.card, face) if one}.values())

    def is_closed(self, today: date) -> bool:
        """Whether the last day is over."""
        return self.deadline is not None and today > self.deadline


PLAIN = PagePoster()
KEYS = (
    "picture", "alt", "thanks_picture", "thanks_alt", "card", "asks", "to", "deadline", "share_by", "outcome",
)  # fmt: skip


class FrontReader(Protocol):
    """What `parse` offers for reading a front matter: texts with their faults, and places."""

    @property
    def data(self) -> Mapping[str, Any]: ...

    def place(self, key: str) -> Place: ...

    def fault(self, message: str, key: str, remedy: str = "", *, level: Level = Level.ERROR) -> None: ...

    def told(self, faults: Sequence[Diagnostic]) -> None: ...

    def text(self, key: str, *, within: Mapping[Any, Any] | None = None, path: str = "") -> str: ...

    def mapping(self, key: str, remedy: str) -> list[tuple[str, Any]]: ...

    def known_keys(self, data: Mapping[str, Any], key: str, known: tuple[str, ...]) -> None: ...

    def html(self, text: str, place: Place) -> Markup: ...


def read_poster(front: FrontReader, folder: Path | None, usual: tuple[str, str]) -> PagePoster:
    """The poster that the front matter describes. `folder`: where its pictures are, None while nobody looks at them;
    `usual`: the picture of the mail and what it shows, for a page without one."""
    pictures = _Pictures(front, folder)
    picture = pictures.take("picture", "alt", HERO_PIXELS) or pictures.of_mail(*usual)
    return PagePoster(
        picture=picture,
        thanks_picture=pictures.take("thanks_picture", "thanks_alt", HERO_PIXELS),
        card=pictures.take("card", "", CARD_PIXELS),
        asks=_asks(front, pictures),
        to=front.text("to"),
        deadline=_deadline(front),
        share_by=_share_by(front),
        outcome_html=front.html(front.text("outcome"), front.place("outcome")),
    )


def read_next(front: FrontReader) -> NextAsk | None:
    """What the front matter asks for after signing."""
    if front.data.get("next") is None:
        return None
    remedy = "Below `next:` write two indented lines, `url: https://…` and `label: Give 5 euros`."
    data = dict(front.mapping("next", remedy))
    keys = ("url", "label", "headline", "text", "amounts", "amount_url")
    front.known_keys(data, "next", keys)
    amounts = data.pop("amounts", None)
    said = {key: front.text(key, within=data, path=f"next.{key}") for key in keys if key != "amounts"}
    if not said["url"] or not (said["label"] or amounts):
        front.fault("next must have a url and a label", "next", remedy)
    elif wrong := address_fault(said["url"]):
        front.fault(wrong, "next.url", "A link begins with https://, mailto: or tel:.")
    else:
        gifts = _amounts(front, amounts, said["amount_url"])
        return NextAsk(said["url"], said["label"], said["headline"], said["text"], gifts)
    return None


def _amounts(front: FrontReader, written: object, address: str) -> tuple[Amount, ...]:
    labels = _listed(written)
    if not labels:
        return ()
    remedy = f"amount_url: https://example.org/give?amount={AMOUNT}"
    if AMOUNT not in address:
        front.fault(f"next.amount_url must say where {AMOUNT} goes", "next.amounts", remedy)
        return ()
    if wrong := address_fault(address.replace(AMOUNT, "5")):
        front.fault(wrong, "next.amount_url", remedy)
        return ()
    if len(labels) > MOST_AMOUNTS:
        front.fault(f"next.amounts has more than {MOST_AMOUNTS}", "next.amounts", "Three are chosen from most easily.")
    found: list[Amount] = []
    for label in labels:
        digits = "".join(c for c in label if (c.isascii() and c.isdigit()) or c == ".").strip(".")
        if not digits:
            front.fault(f"next.amounts: {label!r} has no number", "next.amounts", 'amounts: "£5, £10, £25"')
            continue
        found.append(Amount(label, address.replace(AMOUNT, digits)))
    return tuple(found)


def _asks(front: FrontReader, pictures: _Pictures) -> WhoAsks | None:
    if front.data.get("asks") is None:
        return None
    data = dict(front.mapping("asks", "Below `asks:` write an indented line `name: Rhiannon Price`."))
    front.known_keys(data, "asks", ("name", "role", "picture"))
    name, role, written = (front.text(key, within=data, path=f"asks.{key}") for key in ("name", "role", "picture"))
    if not name:
        front.fault("asks has no name", "asks", "Below `asks:` write an indented line `name: Rhiannon Price`.")
        return None
    return WhoAsks(name, role, pictures.find(written, "", "asks.picture", FACE_PIXELS))


def _deadline(front: FrontReader) -> date | None:
    value = front.data.get("deadline")
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _no_date()
    except ValueError:
        front.fault("deadline must be a day", "deadline", "deadline: 2027-01-12")
        return None


def _no_date() -> date:
    raise ValueError


def _share_by(front: FrontReader) -> tuple[str, ...]:
    value = front.data.get("share_by")
    if value is None:
        return SHARED_BY
    named = [one.lower() for one in _listed(value)]
    for one in named:
        if one not in SHARED_BY:
            front.fault(f"unknown in share_by: {one!r}", "share_by", nearest(one, SHARED_BY))
    return tuple(dict.fromkeys(one for one in named if one in SHARED_BY))


def _listed(value: object) -> list[str]:
    """The items of a list, or of a text with commas between them."""
    items = cast(list[object], value) if isinstance(value, list) else str(value or "").split(",")
    return [text for one in items if (text := str(one).strip())]


class _Pictures:
    """Finds the pictures that the keys name."""

    def __init__(self, front: FrontReader, folder: Path | None) -> None:
        self._front = front
        self._folder = folder

    def take(self, key: str, alt: str, least: int) -> PagePicture | None:
        written, shows = self._front.text(key), self._front.text(alt) if alt else ""
        if written and alt and not shows:
            self._front.fault(
                f"{key} has no words for people who can't see it", key, f'{alt}: "A heron on a clean river"',
                level=Level.WARNING,
            )  # fmt: skip
        return self.find(written, shows, key, least)

    def of_mail(self, written: str, alt: str) -> PagePicture | None:
        """The mail's picture; what is wrong with it is told where it is checked with the mail."""
        if not written or self._folder is None:
            return None
        shows = self._front.text("alt") or alt
        return find_picture(written, shows, folder=self._folder, place=self._front.place(""), least=0)[0]

    def find(self, written: str, alt: str, key: str, least: int) -> PagePicture | None:
        if not written or self._folder is None:
            return None
        found, faults = find_picture(written, alt, folder=self._folder, place=self._front.place(key), least=least)
        self._front.told(faults)
        return found
