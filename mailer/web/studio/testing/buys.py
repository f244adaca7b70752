"""What a test of so many versions on such a part of the audience brings, for the page on which it is set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.audience.fields import known_fields
from mailer.audience.selection.front_matter import read_audience
from mailer.audience.selection.spec import Audience
from mailer.compose.source.message_file import Source
from mailer.delivery.experiments.draw import people_of_each
from mailer.delivery.experiments.priors import past_prior
from mailer.errors import MailerError
from mailer.experiments.cohorts import PlannedCohorts, advice_on
from mailer.experiments.sampling import LEAST_SHARE, MOST_ARMS, MOST_SHARE, expected_gain, recommended_share
from mailer.experiments.words import advice, gains
from mailer.web.studio.audience.counting import count, known_count
from mailer.web.studio.core.context import Visit
from mailer.web.studio.testing.form import TrialForm

SHOWN = (10, 20, 30, 40, 50)  # percent, as bars, beside the one that is chosen
PERCENTS = range(round(100 * LEAST_SHARE), round(100 * MOST_SHARE) + 1)


@dataclass(frozen=True, slots=True)
class WhatItBuys:
    """For an audience of `people`. `share`: percent that is tried, `recommended` the one that brings most; `each` gets
    one version, `rest` the one that wins. `bars`: percent and signatures; `curves`: those by versions and percent."""

    people: int
    share: int
    recommended: int
    each: int
    rest: int
    words: str
    advice: str
    bars: tuple[tuple[int, float], ...]
    curves: Mapping[int, Mapping[int, int]]
    plan: PlannedCohorts | None
    plan_advice: tuple[str, ...]


def asked_of(visit: Visit, source: Source) -> Audience:
    """The audience that a newsletter asks for. Raises `MailerError` with what is wrong with it."""
    with visit.database.read() as connection:
        fields = known_fields(connection, visit.workspace.sound_lists())
        return read_audience(connection, source, fields=fields)


def what_it_buys(visit: Visit, source: Source, form: TrialForm, *, now: bool) -> WhatItBuys | None:
    """None while nobody counted the audience, unless it is to be counted `now`, and where it can't be read."""
    try:
        audience = asked_of(visit, source)
        counted = count(visit, audience, names=False) if now else known_count(visit, audience)
    except MailerError:  # Audience says what is wrong with it
        return None
    if counted is None:
        return None
    people, arms = counted.selection.chosen, max(2, form.arms)
    with visit.database.read() as connection:
        prior = past_prior(connection)
    recommended = round(100 * recommended_share(people, arms, prior))
    share = int(form.share) if form.share[:3] in map(str, PERCENTS) else recommended
    each = people_of_each(share / 100, people, arms)
    return WhatItBuys(
        people, share, recommended, each, people - arms * each,
        gains(expected_gain(people, arms, share / 100, prior)), advice(people, arms),
        tuple((one, expected_gain(people, arms, one / 100, prior)) for one in sorted({*SHOWN, share})),
        {
            many: {one: round(expected_gain(people, many, one / 100, prior)) for one in PERCENTS}
            for many in range(2, MOST_ARMS + 1)
        },
        audience.down_the_list, tuple(advice_on(people, audience.down_the_list or PlannedCohorts())),
    )  # fmt: skip
