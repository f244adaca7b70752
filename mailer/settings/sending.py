"""The settings of sending: how fast mails leave, by how many processes, and when a campaign pauses itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated

from mailer.counting import counted
from mailer.settings import limits
from mailer.settings.limits import at_least, between, each
from mailer.settings.tables import AUTO_OR_NUMBER, PEOPLE_PER_DAY, RATES_BY_DOMAIN


@dataclass(frozen=True, slots=True)
class Pace:
    """The most mails a second, in total and for one recipient domain, over all workers together; 0 is as fast as the
    transport takes them. `warm_up` is for a sending address nobody knows yet: how many people on the 1st, 2nd, 3rd …
    day of mailing, without a limit after the last; days before `warm_up_since` don't count.
    """

    per_second: Annotated[float, at_least(0, "a number of mails a second, or 0 for no limit")] = 0.0
    domains: Annotated[Mapping[str, float], RATES_BY_DOMAIN, each(limits.POSITIVE)] = field(
        default_factory=dict[str, float]
    )
    warm_up: Annotated[
        tuple[int, ...], PEOPLE_PER_DAY, each(at_least(1, "1 or more people for each day")), limits.never_falling
    ] = ()
    warm_up_since: date | None = None


@dataclass(frozen=True, slots=True)
class Caps:
    """At most so many `newsletters` to one person in so many `days`, steps of automations among them; 0 newsletters:
    no cap. Urgent ones neither count nor are held back. docs/local-time.md has more."""

    newsletters: Annotated[int, between(0, 100)] = 0
    days: Annotated[int, between(1, 365)] = 7

    def __bool__(self) -> bool:
        return self.newsletters > 0

    @property
    def length(self) -> timedelta:
        return timedelta(days=self.days)

    @property
    def in_words(self) -> str:
        """Such as "at most 2 mails in 7 days", or "none"."""
        return f"at most {counted(self.newsletters, 'mail')} in {counted(self.days, 'day')}" if self else "none"


@dataclass(frozen=True, slots=True)
class Run:
    """How many processes send one campaign side by side on this machine; 0, written "auto", is one for each processor
    but one, which the rest needs."""

    workers: Annotated[int, AUTO_OR_NUMBER, between(0, 8)] = 0

    @property
    def processes(self) -> int:
        """From 1 to 8."""
        return self.workers or max(1, min(8, processors() - 1))


@dataclass(frozen=True, slots=True)
class Guard:
    """When a campaign pauses itself. Rates are shares of 1; a rail is off at 0. docs/pace-and-guard-rails.md has more.

    Amazon SES reviews an account at 5 % hard bounces and pauses it at 10 %, and at 0.1 % and 0.5 % complaints
    (docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html). Gmail asks for complaints below 0.1 % and
    never 0.3 % (support.google.com/a/answer/81126), Yahoo for less than 0.3 % (senders.yahooinc.com/best-practices).
    """

    # Refusals of our login, our identity or our syntax in a row; a single odd answer may come from an odd server.
    refusals_of_us: Annotated[int, at_least(1)] = 3
    # Of the last 200 people, more than 10 % refused for good: the rate at which SES pauses, seen while it happens. With
    # 3 %, which is poor, chance alone brings 21 of 200 once in a million; a blocklist or a bad import does at once.
    refused_share: Annotated[float, limits.SHARE] = 0.10
    refused_of: Annotated[int, between(10, 10_000, "people")] = 200
    # Hard bounces of all people mailed: SES's rate for a review; half the rate that pauses an account is late enough.
    bounce_rate: Annotated[float, limits.SHARE] = 0.05
    # With 2 %, 20 among the first 400 are an accident of one in five thousand.
    bounces_at_least: Annotated[int, at_least(1)] = 20
    # Complaints of all people mailed: what Gmail and Yahoo never want to see. Gmail reports none of its own to us, so
    # those that we hear of are part of the truth.
    complaint_rate: Annotated[float, limits.SHARE] = 0.003
    # With 0.05 %, 5 among the first 1,666 are an accident of one in six hundred.
    complaints_at_least: Annotated[int, at_least(1)] = 5
    # Who left by way of a version of a test, of those who got it: such a version can't win. Of a newsletter to people
    # who want it, fewer than 5 of 1,000 leave; with those, 10 among the first 500 are an accident of one in 3,600.
    unsubscribe_rate: Annotated[float, limits.SHARE] = 0.02
    unsubscribes_at_least: Annotated[int, at_least(1)] = 10
    # Failures of the transport in a row, counted once a minute at most: an hour. Within it relays are restarted,
    # certificates renewed and networks repaired, and RFC 5321 §4.5.4.1 has a client retry rather than give up.
    troubles: Annotated[int, at_least(0, "1 or more, or 0 to turn it off")] = 60


def processors() -> int:
    """How many processors this process may use, at least one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
