"""What `mailer doctor` finds, as a page: each finding with its button, and what the DNS lacks to be copied.

The whole look takes seconds, so it is done beside the page. While somebody watches, what they put right elsewhere, the
DNS and the public address, is looked at again and again.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import cast

from starlette.responses import RedirectResponse, Response

from mailer.diagnostics import Diagnostic, Level, of_part, warning
from mailer.doctor.examine import examine
from mailer.settings.providers import provider_sections
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.settings.sections import ORGANISATION, SENDERS, WEBHOOK, page_of

PATH = "/settings/domain"
PUT_RIGHT_ELSEWHERE = ("DNS", "public address")  # parts that are looked at again by themselves
AGAIN = timedelta(seconds=15)
WAIT_SECONDS = 20.0  # for a look, without script
MARK_SECONDS = 1.0
NAMED = re.compile(r"\b([a-z]+\.[a-z_]+)\b|\[([a-z]+)\] ([a-z_]+)")  # a setting, as findings name it
LISTED = re.compile(r"lists/([a-z0-9-]+)\.toml")
TITLES = {"transport": "Mail service", "public address": "Your pages", "webhook": "Another program"}
PLACES = {
    "transport": ("/settings/sending", "Mail service"),
    "public address": (ORGANISATION.path, ORGANISATION.title),
    "webhook": (WEBHOOK.path, WEBHOOK.title),
}


@dataclass(slots=True)
class Examination:
    """The last look of this studio, and the one that is being taken. Use it from any thread."""

    found: tuple[Diagnostic, ...] = ()
    at: datetime | None = None
    number: int = 0  # of looks that were taken
    thread: threading.Thread | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def looking(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    @property
    def mark(self) -> str:
        """Changes when a look begins or ends."""
        return f"{self.number} {self.looking}"

    def begin(self, visit: Visit, *, whole: bool) -> threading.Thread:
        """Look at everything, or again at what is put right elsewhere; one look at a time."""
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                # A daemon, since it may wait for a server that doesn't answer, and holds nothing that would be lost.
                only = () if whole or self.at is None else PUT_RIGHT_ELSEWHERE
                self.thread = threading.Thread(target=self._look, args=(visit, only), daemon=True)
                self.thread.start()
            return self.thread

    def _look(self, visit: Visit, only: tuple[str, ...]) -> None:
        clock = visit.studio.clock
        try:
            found = tuple(examine(visit.workspace.root, clock=clock, only=only))
        except Exception as error:  # noqa: BLE001 - the page says so, and another look may do better
            words = f"it couldn't be examined, through a fault of Mailer itself: {type(error).__name__}"
            found = tuple(of_part("settings", [warning(words, "Check again.")]))
        if only:
            kept = [one for one in self.found if not one.part.startswith(only)]
            found = (*kept, *(one for one in found if one.part.startswith(only)))
        self.found, self.at, self.number = found, clock(), self.number + 1


@dataclass(frozen=True, slots=True)
class FoundThing:
    """A finding, and where what it is about is set."""

    one: Diagnostic
    words: str
    remedy: str
    path: str = ""
    label: str = ""

    @property
    def tone(self) -> str:
        return {Level.ERROR: "bad", Level.WARNING: "warn"}.get(self.one.level, "ok")


def show(visit: Visit) -> Response:
    """The last look."""
    look = _examination(visit)
    wrong = [one for one in look.found if one.level in (Level.ERROR, Level.WARNING)]
    return page(
        visit, "settings/domain.html", look=look, errors=sum(one.level is Level.ERROR for one in wrong),
        warnings=sum(one.level is Level.WARNING for one in wrong), wrong=_by_part(wrong),
        fine=_by_part([one for one in look.found if one.level is Level.OK]), mark=look.mark,
    )  # fmt: skip


def check(visit: Visit) -> Response:
    """Look at everything now."""
    _examination(visit).begin(visit, whole=True).join(WAIT_SECONDS)
    return RedirectResponse(PATH, 303)


def moves(visit: Visit) -> Response:
    """Events as looks begin and end; who listens has them taken."""

    def mark(later: Visit) -> str:
        look = _examination(later)
        if look.at is None:
            look.begin(later, whole=True)
        elif later.now - look.at > AGAIN and any(
            one.level is not Level.OK and one.part.startswith(PUT_RIGHT_ELSEWHERE) for one in look.found
        ):
            look.begin(later, whole=False)
        return look.mark

    return live(visit, mark, every_seconds=MARK_SECONDS)


def place_of(one: Diagnostic) -> tuple[str, str]:
    """The address and the title of the page on which what a finding is about is set; "" for none."""
    for found in NAMED.finditer(f"{one.remedy} {one.message}"):
        name = found[1] or f"{found[2]}.{found[3]}"
        if section := page_of(name):
            return section.path, section.title
        if name.partition(".")[0] in provider_sections():
            return PLACES["transport"]
    if found := LISTED.search(f"{one.remedy} {one.message}"):
        return f"/lists/{found[1]}", f"List {found[1]}"
    if "no selector is set" in one.message:
        return SENDERS.path, SENDERS.title
    return PLACES.get(one.part, ("", ""))


def _by_part(found: Sequence[Diagnostic]) -> list[tuple[str, list[FoundThing]]]:
    parts = groupby(found, key=lambda one: one.part)
    return [(_title(part), [_shown(one) for one in group]) for part, group in parts]


def _title(part: str) -> str:
    named = part.replace("DNS of", "Domain") if part.startswith("DNS of") else part
    return TITLES.get(part, f"{named[:1].upper()}{named[1:]}")


def _shown(one: Diagnostic) -> FoundThing:
    words = f"{one.message[:1].upper()}{one.message[1:]}" if one.message.partition(" ")[0].isalpha() else one.message
    path, label = place_of(one) if one.level is not Level.OK else ("", "")
    return FoundThing(one, f"{in_labels(words)}.", in_labels(one.remedy), path, label)


def in_labels(words: str) -> str:
    """The words with settings called as the pages call them: “Public address” for public.url."""

    def called(found: re.Match[str]) -> str:
        name = found[1] or f"{found[2]}.{found[3]}"
        section = page_of(name)
        label = next((one.label for one in section.fields if one.name == name), "") if section else ""
        return f"“{label}”" if label else found[0]

    return NAMED.sub(called, words).replace(" in mailer.toml", "")


def _examination(visit: Visit) -> Examination:
    return cast(Examination, visit.studio.kept.setdefault("examination", Examination()))


ROUTES = (
    StudioRoute(PATH, show, Right.SETTINGS),
    StudioRoute(f"{PATH}/check", check, Right.SETTINGS, method="POST"),
    StudioRoute(f"{PATH}/moves", moves, Right.SETTINGS),
)
