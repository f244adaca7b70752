"""`series:` of a front matter as people write it, and what is said of what can't be read."""

from __future__ import annotations

from datetime import date, time, timedelta
from functools import partial

import pytest

from mailer.compose.source.message_file import read_source
from mailer.delivery.schedule.recurring import SeriesRule
from mailer.delivery.schedule.series_keys import read_series
from mailer.diagnostics import Diagnostic
from mailer.workspace import Workspace

HEAD = "---\nsubject: News\nlist: supporters\ntemplate: update\nseries:\n"
EVERY_DAY = frozenset(range(7))


def read(workspace: Workspace, lines: str) -> tuple[SeriesRule | None, list[Diagnostic]]:
    folder = workspace.newsletters / "news"
    folder.mkdir(exist_ok=True)
    indented = "".join(f"  {line.strip()}\n" for line in lines.split(";"))
    (folder / "message.md").write_text(f"{HEAD}{indented}---\n\nText.\n", encoding="utf-8")
    source = read_source(workspace.newsletter("news"))
    rule, faults = read_series(source, zone="Europe/Paris")
    return rule, [*source.faults, *faults]


NINE = partial(SeriesRule, time(9), "Europe/Paris")
READ = [
    ('every: monday; at: "09:00"', NINE(weekdays=frozenset({0}))),
    ('every: Mon, thursdays; at: 9:00', NINE(weekdays=frozenset({0, 3}))),
    ('every: [monday, sat]; at: 10:30', SeriesRule(time(10, 30), "Europe/Paris", weekdays=frozenset({0, 5}))),
    ('every: day; at: 23:59; zone: asia/kolkata', SeriesRule(time(23, 59), "Asia/Kolkata", weekdays=EVERY_DAY)),
    ('every: weekdays; at: 09:00', NINE(weekdays=frozenset(range(5)))),
    ('every: 1; at: "09:00"', NINE(days=frozenset({1}))),
    ('every: [1, 15th, last day]; at: "09:00"', NINE(days=frozenset({1, 15, 31}))),
    ('every: first monday, last friday; at: "09:00"', NINE(places=frozenset({(1, 0), (-1, 4)}))),
    ('every: day; at: "09:00"; start: 2026-12-01; end: "2027-01-31"; late: 1d; ahead: 30m; approval: standing',
     NINE(weekdays=EVERY_DAY, start=date(2026, 12, 1), end=date(2027, 1, 31), late=timedelta(days=1),
                ahead=timedelta(minutes=30), approval="standing")),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "rule"), READ, ids=[one for one, _ in READ])
def test_a_rule_as_people_write_it(workspace: Workspace, lines: str, rule: SeriesRule) -> None:
    assert read(workspace, lines) == (rule, [])


FAULTS = [
    ('at: "09:00"', ["series.every is missing"]),
    ("every: monday", ["series.at is missing"]),
    ('every: someday, 32, fifth monday; at: "09:00"',
     ["names no day: 'someday'", "names no day: '32'", "names no day: 'fifth monday'"]),
    ("every: monday; at: 9", ["series.at is no time of day: 9"]),
    ('every: monday; at: "25:00"; zone: CET', ["no time of day: '25:00'", "series.zone: CET is the short name"]),
    ('every: monday; at: "09:00"; evry: x; start: soon; late: 0m; ahead: 8d; approval: never',
     ["unknown key series.evry", "series.start is no day: 'soon'", "series.late must be more than 0",
      "series.ahead must be 7 days at most", "series.approval is 'never'"]),
    ('every: monday; at: "09:00"; start: 2026-12-01; end: 2026-11-30', ["series.end is before its start"]),
    ('every: monday; at: "09:00"; start: 2026-12-01; end: 2026-12-02', ["no day of this series is between"]),
    ("- monday", ["series must hold keys"]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "told"), FAULTS, ids=[one for one, _ in FAULTS])
def test_everything_wrong_is_said_at_once_with_its_line(workspace: Workspace, lines: str, told: list[str]) -> None:
    rule, faults = read(workspace, lines)
    assert rule is None
    assert len(faults) == len(told)
    for fault in faults:
        assert [words for words in told if words in fault.message], fault.message
        assert fault.remedy
        assert fault.place is not None
        assert (fault.place.line or 0) >= 5
    assert all(any(words in fault.message for fault in faults) for words in told)
