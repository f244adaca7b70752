"""What a room brings: its routes, its place in the sidebar, its step in a newsletter's way, what Ctrl-K finds there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from mailer.staff.rights import Right

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.responses import Response

USUAL_BODY_BYTES = 64 * 1024  # of a form; a route that takes more says so


class Access(Enum):
    """Who may use a route that asks for no right."""

    SIGNED_IN = "everybody who is signed in"
    ANYBODY = "everybody"  # signing in, and what it is made of


@dataclass(frozen=True, slots=True)
class StudioRoute:
    """One address. `show` takes the `Visit` and returns the answer: plain functions run in a thread, so they may read
    the database; async ones run on the loop and read the request's body themselves."""

    path: str  # as Starlette writes it: /newsletters/{name}/
    show: Callable[[Any], Response | Awaitable[Response]]
    asks: Right | Access
    method: str = "GET"  # GET also answers HEAD
    most_bytes: int = USUAL_BODY_BYTES


@dataclass(frozen=True, slots=True)
class SidebarPlace:
    """A line of the sidebar. `group` is separated from the one above by a gap; `key` opens it after G; `count`, if any,
    is shown behind it unless it is 0; on a phone those with `phone` are in the bottom bar."""

    path: str
    label: str
    icon: str
    group: int
    key: str = ""
    asks: Right | Access = Access.SIGNED_IN
    phone: bool = False
    count: Callable[[Any], int] | None = None


class Weight(Enum):
    """How a fact is coloured. A colour never comes without its word."""

    PLAIN = ""
    GOOD = "g"
    LOOK = "w"
    STOPS = "b"


@dataclass(frozen=True, slots=True)
class Fact:
    """What a step of the way says below its name, such as "48,212 people"."""

    words: str
    weight: Weight = Weight.PLAIN


@dataclass(frozen=True, slots=True)
class Step:
    """A step in the way of a newsletter. `fact` takes the visit and the newsletter and must be quick: every room of the
    newsletter shows it. `when` says whether it is there: Send before a newsletter left, Following after it."""

    name: str
    label: str
    path: str  # behind /newsletters/{name}/, "" the first
    order: int
    fact: Callable[[Any, Any], Fact]
    when: Callable[[Any], bool] = lambda _newsletter: True
    apart: bool = False  # at the far end, as History is
    of_issues: bool = False  # whether an issue of a series, which has no files of its own, has it as well


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that Ctrl-K can begin, such as a new newsletter."""

    label: str
    path: str
    icon: str
    asks: Right | Access = Access.SIGNED_IN
    key: str = ""


@dataclass(frozen=True, slots=True)
class PaletteHit:
    """One thing that Ctrl-K found. `about` says in a few words what it is."""

    label: str
    about: str
    path: str
    icon: str


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """Something that waits for somebody, or went wrong, with the button that deals with it."""

    title: str  # verb first: "Approve “Fish can’t vote”"
    words: str
    path: str  # "" where nothing in the studio deals with it, and the words say who does
    label: str  # of the button
    icon: str = "circle-question-mark"


@dataclass(frozen=True, slots=True)
class LongWork:
    """How a topic of long work is shown: its title, who may see and stop it, and where what it brings is. `after` takes
    the `WorkStatus` of one that is done."""

    title: str  # as a sentence begins: "Importing people"
    asks: Right
    after: Callable[[Any], str]
    label: str  # of the button that leads there


@dataclass(frozen=True, slots=True)
class Room:
    """All that a folder of the studio brings. Its pages lie beside its routes and are named by folder and file. `find`
    takes the visit and what was typed after Ctrl-K, and must be quick."""

    routes: tuple[StudioRoute, ...]
    places: tuple[SidebarPlace, ...] = ()
    steps: tuple[Step, ...] = ()
    deeds: tuple[Deed, ...] = ()
    find: Callable[[Any, str], Iterable[PaletteHit]] | None = None
    waits: Callable[[Any], Iterable[WaitingTask]] | None = (
        None  # what waits for the visitor, for the front page; quick too
    )
    wrong: Callable[[Any], Iterable[WaitingTask]] | None = None  # what went wrong and somebody should know
    work: Mapping[str, LongWork] = field(default_factory=dict[str, LongWork])  # by topic
