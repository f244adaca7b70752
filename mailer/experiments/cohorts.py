"""Testing down the list: those who acted lately get a mail first, each group after them only as far as it goes well.

A group is those who last acted so long ago. A sample of it is mailed, and the others of it once people of the sample
followed the action link and few of them complained: pure bounds, which `delivery.experiments` applies.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.counting import counted, listed
from mailer.experiments.deciding import ArmCounts

USEFUL_PEOPLE = 60_000  # Action Network's advice: below, a group's sample says too little (help 360044092891)
USEFUL_SAMPLE = 1_000
A_YEAR = 365


@dataclass(frozen=True, slots=True)
class PlannedCohorts:
    """How a newsletter goes down its list.

    `days`: where groups end, counted from a person's last action; the last group is everybody else. The first goes at
    once, whole. `clicks`: of a sample, at least so many people for each 1,000 sent must follow the action link;
    `complaints`: at most so many may report it as spam. Gmail asks for fewer than 1 in 1,000
    (support.google.com/a/answer/81126).
    """

    days: tuple[int, ...] = (30, 90, A_YEAR)
    sample: int = USEFUL_SAMPLE
    wait_seconds: int = 24 * 3600
    clicks: float = 3.0
    complaints: float = 1.0

    @property
    def last(self) -> int:
        """The number of the last group; the first is 0."""
        return len(self.days)

    @property
    def in_words(self) -> str:
        """The whole plan in a line, for those who approve it and send it."""
        groups = listed([self.words(n).removeprefix("who ") for n in range(self.last + 1)], "then")
        return (
            f"first people who {groups}; each group once a sample of {self.sample:,} has had it for {self.hours},"
            f" with at least {self.clicks:g} clicks and at most {self.complaints:g} complaints for each 1,000"
        )

    @property
    def hours(self) -> str:
        """How long a sample is waited for, in words."""
        return counted(round(self.wait_seconds / 3600), "hour")

    def words(self, n: int) -> str:
        """Who is in a group, to follow "people": "who acted in the last 30 days"."""
        since = _span(self.days[n - 1]) if n else ""
        if n == self.last:
            return f"who haven’t acted for {since}"
        return (
            f"who last acted {since} to {_span(self.days[n])} ago"
            if n
            else f"who acted in the last {_span(self.days[0])}"
        )


def stage_of(cohort: int, *, is_sample: bool) -> int:
    """The gate that somebody waits behind: 0 the first group, then each group's sample and its others."""
    return 2 * cohort - is_sample if cohort else 0


def stage_opened(cohort: int) -> int:
    """The stage that opens a group's others, together with the next group's sample."""
    return 2 * cohort + 1


def why_not_on(sample: ArmCounts, plan: PlannedCohorts) -> str:
    """Why a group's others must not get it, by what its sample did; "" when they may."""
    if not sample.sent:
        return "nobody of the sample got it"
    of = counted(sample.sent)
    if sample.complained * 1000 > plan.complaints * sample.sent:
        return f"{sample.complained:,} of {of} reported it as spam, and at most {plan.complaints:g} in 1,000 may"
    if sample.clicked * 1000 < plan.clicks * sample.sent:
        return f"{sample.clicked:,} of {of} followed the action link, and at least {plan.clicks:g} in 1,000 should"
    return ""


def advice_on(people: int, plan: PlannedCohorts) -> list[str]:
    """What makes testing down the list of so many people of little use; nothing is forbidden."""
    found: list[str] = []
    if people < USEFUL_PEOPLE:
        found.append(f"{counted(people)} are few for testing down the list, which is of use from {USEFUL_PEOPLE:,} on")
    if plan.sample < USEFUL_SAMPLE:
        found.append(f"a sample of {counted(plan.sample)} says little: {USEFUL_SAMPLE:,} in each group say more")
    return found


def _span(days: int) -> str:
    if days % A_YEAR == 0:
        return "a year" if days == A_YEAR else f"{days // A_YEAR} years"
    return counted(days, "day")
