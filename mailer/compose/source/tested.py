"""What `test:` in the front matter says: the versions of a message that are tried on a part of the audience, how large
that part is, how long it lasts and what decides.

A version is said there, by what is different in it, or is a file of its own: message.b.md beside message.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from mailer.compose.message import ARMS, USUAL_WAIT, PlannedTest
from mailer.compose.source.frontmatter import FrontMatter
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, nearest
from mailer.settings.durations import seconds_of

TEST_KEY = "test"
TRIED = ("subject", "preheader", "from")  # what a version may change without a file of its own
WORDS = TRIED[:2]  # of these, what each language says by itself
PLAN = ("share", "wait", "decides")
DECIDES = ("signatures", "clicks")
LEAST_SHARE, MOST_SHARE = 0.1, 0.5
LEAST_WAIT, MOST_WAIT = 3600, 7 * 86400  # seconds
EXAMPLE = "Below `test:` write an indented line `b:`, and below that, indented further, `subject: …`."
PERCENT = re.compile(r"(\d{1,3})\s*%")

Tell = Callable[[str, str, str], None]  # a fault's words, the dotted key it is at, and the remedy


def read_test(front: FrontMatter, fault: Tell) -> tuple[PlannedTest, dict[str, dict[str, str]]]:
    """The plan, and the versions that the front matter says, by letter. Whether the texts of a version can be used is
    seen when it is read as a message."""
    data = front.data[TEST_KEY]
    if not isinstance(data, dict | None):
        fault("test must hold keys", TEST_KEY, EXAMPLE)
        data = None
    said: dict[str, Any] = {str(key): value for key, value in cast("dict[Any, Any]", data or {}).items()}
    tried: dict[str, dict[str, str]] = {}
    for key, value in said.items():
        place = f"{TEST_KEY}.{key}"
        if key == ARMS[0]:
            fault("version a is the message itself", place, "Take it out, and call the others b, c and d.")
        elif key in ARMS:
            tried[key] = _version(value, place, fault)
        elif key not in PLAN:
            fault(f"unknown key {place}", place, nearest(key, [*PLAN, *ARMS[1:]]))
    return PlannedTest(_share(said.get("share"), fault), _wait(said, fault), _decides(said, fault)), tried


def _version(value: object, place: str, fault: Tell) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        fault(f"{place} must say what is different in this version", place, EXAMPLE)
        return {}
    found: dict[str, str] = {}
    for key, text in cast("dict[Any, Any]", value).items():
        if key not in TRIED:
            remedy = f"A version of the whole message is a file of its own: message.{place[-1]}.md."
            fault(f"unknown key {place}.{key}", f"{place}.{key}", f"{nearest(str(key), TRIED)} {remedy}".strip())
        else:
            found[key] = text
    return found


def _share(value: object, fault: Tell) -> float | None:
    if value is None:
        return None
    found = PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    share = int(found[1]) / 100 if found else 0.0
    if not LEAST_SHARE <= share <= MOST_SHARE:
        remedy = "Write share: 30%, or take the line out: then it is what is best for so many people."
        fault(f"test.share must be from {LEAST_SHARE:.0%} to {MOST_SHARE:.0%} of the audience", "test.share", remedy)
        return None
    return share


def _wait(said: Mapping[str, Any], fault: Tell) -> int:
    value = said.get("wait")
    if value is None:
        return USUAL_WAIT
    try:
        seconds = seconds_of(str(value))
    except MailerError as error:
        fault(f"test.wait: {error.message}", "test.wait", error.remedy)
        return USUAL_WAIT
    if not LEAST_WAIT <= seconds <= MOST_WAIT:
        fault("test.wait must be from 1 hour to 7 days", "test.wait", "Write wait: 4h, or 24h for a weekend.")
    return seconds


def _decides(said: Mapping[str, Any], fault: Tell) -> str:
    value = said.get("decides")
    if value is not None and value not in DECIDES:
        fault(f"test.decides must be {' or '.join(DECIDES)}", "test.decides", f"decides: {DECIDES[0]}")
    return value if value in DECIDES else DECIDES[0]


def with_version(front: FrontMatter, arm: str) -> FrontMatter:
    """The front matter as a version says it that has no file of its own."""
    test = front.data.get(TEST_KEY)
    within = cast("dict[Any, Any]", test).get(arm) if isinstance(test, dict) else None
    said = {key: text for key, text in cast("dict[Any, Any]", within).items() if key in TRIED} \
        if isinstance(within, dict) else {}  # fmt: skip
    lines = {key: line for key in said if (line := front.lines.get(f"{TEST_KEY}.{arm}.{key}")) is not None}
    data = {key: value for key, value in front.data.items() if key != TEST_KEY}
    return replace(front, data={**data, **said}, lines={**front.lines, **lines})


def without_test(front: FrontMatter) -> FrontMatter:
    """The front matter of a translation, for reading its first version."""
    return replace(front, data={key: value for key, value in front.data.items() if key != TEST_KEY})


def over(own: FrontMatter, first: FrontMatter, *, of_all: Collection[str]) -> FrontMatter:
    """The front matter of a version that is a file of its own, with what it takes from the `first` version's. With
    another template it takes what messages `of_all` templates may have."""
    takes_all = own.data.get("template") in (None, first.data.get("template"))
    not_taken = (TEST_KEY, "original")
    taken = {key: value for key, value in first.data.items() if key not in not_taken and (takes_all or key in of_all)}
    return replace(own, data={**taken, **own.data})


def not_shared(own: FrontMatter, shared: Collection[str], *, file: str) -> Iterator[Diagnostic]:
    """Keys in a version's own file that can't differ between versions."""
    for key in own.data:
        if key in shared or key in (TEST_KEY, "language"):
            remedy = "Take the line out: the first version says it for all."
            yield Diagnostic(f"{key} is the same in all versions", Place(file, own.lines.get(key, 1)), remedy)


def untold(front: FrontMatter, tried: Mapping[str, Mapping[str, str]], *, file: str) -> Iterator[Diagnostic]:
    """What is wrong with the versions that a translation says: it has its own words for each that its original has
    words for, and nothing else."""
    said = front.data.get(TEST_KEY)
    data = cast("dict[Any, Any]", said) if isinstance(said, dict) else {}

    def at(key: str) -> Place:
        while key not in front.lines and "." in key:
            key = key.rpartition(".")[0]
        return Place(file, front.lines.get(key, 1))

    for arm, changed in tried.items():
        own = data.get(arm)
        for key in WORDS:
            if key in changed and not (isinstance(own, dict) and str(cast("dict[Any, Any]", own).get(key) or "")):
                path = f"{TEST_KEY}.{arm}.{key}"
                remedy = f"Version {arm} has {key} of its own: below `test:` and `{arm}:` say it in this language, too."
                yield Diagnostic(f"{path} is missing", at(path), remedy)
    for arm, own in data.items():
        keys = list(cast("dict[Any, Any]", own)) if isinstance(own, dict) else [""]
        for key in keys:
            if key not in tried.get(str(arm), {}):
                path = f"{TEST_KEY}.{arm}.{key}".rstrip(".")
                remedy = "Take it out: the original says what is tested, and a translation says its words."
                yield Diagnostic(f"{path} isn't tested in the original", at(path), remedy)
