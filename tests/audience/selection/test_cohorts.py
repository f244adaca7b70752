"""What `down_the_list:` says, and every fault of it at once."""

from __future__ import annotations

import pytest

from mailer.audience.selection.front_matter import read_cohorts
from mailer.experiments.cohorts import PlannedCohorts

USUAL = PlannedCohorts()


def read(raw: object) -> tuple[PlannedCohorts | None, list[str]]:
    faults: list[str] = []
    return read_cohorts(raw, lambda key, _message, _remedy: faults.append(key)), faults


@pytest.mark.parametrize(
    ("raw", "plan"),
    [
        (None, None),
        (False, None),
        (True, USUAL),
        ({}, USUAL),
        ({"groups": ["1 month", "1 year", "2 years"]}, PlannedCohorts(days=(30, 365, 730))),
        ({"groups": "90 days", "sample": 2000}, PlannedCohorts(days=(90,), sample=2000)),
        ({"wait": "2d", "clicks": 5, "complaints": 0.5}, PlannedCohorts(wait_seconds=172800, clicks=5, complaints=0.5)),
    ],
)
def test_what_it_says(raw: object, plan: PlannedCohorts | None) -> None:
    assert read(raw) == (plan, [])


@pytest.mark.parametrize(
    ("raw", "keys"),
    [
        ("yes", ["down_the_list"]),
        ({"cohorts": 3}, ["down_the_list.cohorts"]),
        ({"groups": []}, ["down_the_list.groups"]),
        ({"groups": ["90 days", "30 days"]}, ["down_the_list.groups"]),
        ({"groups": ["soon"]}, ["down_the_list.groups"]),
        ({"groups": ["11 years"]}, ["down_the_list.groups"]),
        ({"sample": 0}, ["down_the_list.sample"]),
        ({"sample": True}, ["down_the_list.sample"]),
        (
            {"sample": 2.5, "clicks": "many", "wait": "59m"},
            [f"down_the_list.{key}" for key in ("sample", "wait", "clicks")],
        ),
        ({"complaints": -1}, ["down_the_list.complaints"]),
        ({"wait": "soon"}, ["down_the_list.wait"]),
    ],
)
def test_what_is_wrong_with_it(raw: object, keys: list[str]) -> None:
    plan, faults = read(raw)
    assert faults == keys
    assert plan in (None, USUAL), "what is wrong is as usual, so that nothing else is said of it"
