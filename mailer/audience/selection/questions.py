"""What a segment may ask beside fields: was somebody mailed, did they sign, since when are they here, how often do
they want mail, what are they tagged with.

Each question takes one text in quotes, and means a condition over `people`. Times count back from the moment of the
count, so that a segment written today means the same kind of people at the launch.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement

from mailer.audience.selection.groups import (
    clicked_in,
    clicked_since,
    joined_since,
    mailed_by,
    mailed_since,
    signed_at_least,
    signed_on,
    signed_since,
    subscribed_to,
)
from mailer.audience.tags import tagged_with
from mailer.compose.expressions.tagged import sound_tag
from mailer.errors import MailerError
from mailer.store.tables.core import people
from mailer.store.tables.states import Frequency

SPAN = re.compile(r"([1-9][0-9]{0,3}) (day|week|month|year)s?", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
TIMES = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
MOST_YEARS = 100


class QuestionTopic(StrEnum):
    """What the text of a question is."""

    LIST = "list"
    NEWSLETTER = "campaign"
    PAGE = "sign page"
    DAY = "day"
    SPAN = "span"
    TIMES = "times"
    FREQUENCY = "frequency"
    TAG = "tag"
    SEGMENT = "saved segment"


REMEDIES: Mapping[QuestionTopic, str] = {
    QuestionTopic.DAY: 'Write a day as "2026-02-03".',
    QuestionTopic.SPAN: 'Write "30 days", "6 weeks", "12 months" or "2 years".',
    QuestionTopic.TIMES: 'Write a number from "1" to "999".',
    QuestionTopic.FREQUENCY: 'Write "every", "monthly" or "urgent".',
    QuestionTopic.TAG: 'Write one tag, without commas: tagged("volunteer").',
}


@dataclass(frozen=True, slots=True)
class Question:
    """One question: what its text is, and who it holds for at a moment."""

    topic: QuestionTopic
    holds: Callable[[str, datetime], ColumnElement[bool]]


def is_sound(question: Question, given: str) -> bool:
    """Whether the text can be read as what it must be. Whether a name is known is for who knows them."""
    try:
        match question.topic:
            case QuestionTopic.DAY:
                read_day(given)
            case QuestionTopic.SPAN:
                before(datetime(2000, 1, 1, tzinfo=UTC), given)
            case QuestionTopic.TIMES:
                read_times(given)
            case QuestionTopic.FREQUENCY:
                Frequency(given)
            case QuestionTopic.TAG:
                return bool(sound_tag(given))
            case _:
                return True
    except (MailerError, ValueError):
        return False
    return True


def read_day(given: str) -> datetime:
    """The beginning, in UTC, of a day written as 2026-02-03. Raises `MailerError`."""
    try:
        if DAY.fullmatch(given):
            return datetime.fromisoformat(given).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise MailerError(f"{given!r} is not a day", remedy=REMEDIES[QuestionTopic.DAY])


def before(now: datetime, given: str) -> datetime:
    """The moment so long before `now`: "30 days", "12 months". Months are the calendar's. Raises `MailerError`."""
    found = SPAN.fullmatch(given)
    number, unit = (int(found[1]), found[2]) if found else (0, "")
    if unit in ("day", "week") and number <= 366 * MOST_YEARS:
        return now - timedelta(days=number * (7 if unit == "week" else 1))
    months = number * (12 if unit == "year" else 1)
    if not 0 < months <= 12 * MOST_YEARS:
        raise MailerError(f"{given!r} is not a length of time", remedy=REMEDIES[QuestionTopic.SPAN])
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, calendar.monthrange(year, month + 1)[1]))


def read_times(given: str) -> int:
    """A number of times from 1 to 999. Raises `MailerError`."""
    if not TIMES.fullmatch(given):
        raise MailerError(f"{given!r} is not a number of times", remedy=REMEDIES[QuestionTopic.TIMES])
    return int(given)


def _not_written_out(name: str, _: datetime) -> ColumnElement[bool]:
    raise MailerError(f"the saved segment {name!r} must be written out before people are counted")


SEGMENT = "segment"  # the question that names a saved segment; `saved_segments` puts its expression in its place
QUESTIONS: Mapping[str, Question] = {
    "mailed": Question(QuestionTopic.NEWSLETTER, lambda slug, _: people.c.id.in_(mailed_by([slug]))),
    "clicked": Question(QuestionTopic.NEWSLETTER, lambda slug, _: people.c.id.in_(clicked_in([slug]))),
    "signed": Question(QuestionTopic.PAGE, lambda page, _: people.c.id.in_(signed_on([page]))),
    "subscribed": Question(QuestionTopic.LIST, lambda name, _: people.c.id.in_(subscribed_to([name]))),
    "joined_since": Question(QuestionTopic.DAY, lambda day, _: joined_since(read_day(day))),
    "joined_within": Question(QuestionTopic.SPAN, lambda span, now: joined_since(before(now, span))),
    "mailed_within": Question(QuestionTopic.SPAN, lambda span, now: people.c.id.in_(mailed_since(before(now, span)))),
    "clicked_within": Question(QuestionTopic.SPAN, lambda span, now: people.c.id.in_(clicked_since(before(now, span)))),
    "signed_within": Question(QuestionTopic.SPAN, lambda span, now: people.c.id.in_(signed_since(before(now, span)))),
    "signed_times": Question(QuestionTopic.TIMES, lambda times, _: people.c.id.in_(signed_at_least(read_times(times)))),
    "tagged": Question(QuestionTopic.TAG, lambda tag, _: people.c.id.in_(tagged_with(tag))),
    "wants": Question(QuestionTopic.FREQUENCY, lambda frequency, _: people.c.frequency == frequency),
    SEGMENT: Question(QuestionTopic.SEGMENT, _not_written_out),
}
