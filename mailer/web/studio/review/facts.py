"""Who gets it and what the check says: what takes longer than a page may, so it follows when the page is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from mailer.audience.selection.select import Selection, select_audience
from mailer.editing.folders import name_of
from mailer.errors import MailerError
from mailer.web.last_used import LastUsed
from mailer.web.studio.compose.looks import DraftLook, looks_of
from mailer.web.studio.compose.panel import ShownFinding, findings
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.review.blocks import condition_words

FRESH = timedelta(minutes=5)  # a count this old is shown while a new one is made
KEPT = 60


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """What was counted and found of one look, and when. `selection` is None where nobody can be counted."""

    selection: Selection | None
    found: Sequence[ShownFinding]
    at: datetime

    @property
    def errors(self) -> int:
        return sum(one.weight == "bad" for one in self.found)


def facts_of(visit: Visit, look: DraftLook) -> ReviewFacts:
    """Count and check now; a second or two for a million people."""
    selection = None
    if look.press is not None:
        with visit.database.read(of_everyone=True) as connection:
            try:
                selection = select_audience(connection, look.press.plan.audience, now=visit.now)
            except MailerError:  # Audience says what is wrong with it
                selection = None
    found = findings(looks_of(visit.studio).whole(visit, look))
    return _kept(visit.studio).keep(look.id, ReviewFacts(selection, found, visit.now))


def known_facts(visit: Visit, look: DraftLook) -> ReviewFacts | None:
    """What was counted a moment ago of exactly this, if anything."""
    found = _kept(visit.studio).get(look.id)
    return found if found is not None and visit.now - found.at < FRESH else None


def who_gets_it(look: DraftLook, titles: Mapping[str, str]) -> str:
    """The rules of the audience in a line; "" where it has none that can be read. `titles`: of the lists."""
    if look.press is None:
        return ""
    asked = look.press.plan.audience
    named = [", ".join(titles.get(name, name) for name in names) for names in (asked.include, asked.exclude)]
    rules = [
        named[0],
        named[1] and f"not on {named[1]}",
        asked.segment and f"only where {condition_words(asked.segment)}",
        asked.not_mailed_by and f"not who got {', '.join(map(name_of, asked.not_mailed_by))}",
        asked.not_mailed_within_hours and f"not who was mailed within {asked.not_mailed_within_hours:g} hours",
        asked.limit and f"{asked.limit:,} of them at most",
        asked.down_the_list and f"down the list: {asked.down_the_list.in_words}",
    ]
    return "; ".join(str(rule) for rule in rules if rule)


def _kept(studio: Studio) -> LastUsed[str, ReviewFacts]:
    return cast("LastUsed[str, ReviewFacts]", studio.kept.setdefault("review facts", LastUsed[str, ReviewFacts](KEPT)))
