"""SendGrid in trouble: storms of 429, errors after it has accepted, answers that never come."""

from __future__ import annotations

import time

import pytest

from tests.chaos.combinations import on
from tests.chaos.receivers import PER_REQUEST, BySendgrid
from tests.chaos.site import ENDED_WELL, Site
from tests.servers.sendgrid_fake import Act, Answer, Break, SendgridFake, Stall

PEOPLE = 200
QUICK = {"MAILER_SENDGRID_TIMEOUT_SECONDS": "3"}
MOST_SILENCES = 2  # each lasts until the timeout

# Whether they were taken or not, nobody can know: each request may leave its people uncertain, and no more.
UNKNOWABLE: dict[str, tuple[Act, ...]] = {
    "500 after accepting": (Answer(500, accepted=True),),
    "503": (Answer(503),),
    "silent before the body": (Stall(read_body=False),),
    "silent after the body": (Stall(),),
    "silent after accepting": (Stall(accepted=True),),
    "breaks before the body": (Break(read_body=False),),
    "breaks after accepting": (Break(accepted=True),),
}
UNKNOWABLE["all of it"] = tuple(act for acts in UNKNOWABLE.values() for act in acts)
CASES = [
    pytest.param(acts, id=name, marks=() if name == "all of it" else pytest.mark.long)
    for name, acts in UNKNOWABLE.items()
]


def fake_of(site: Site) -> SendgridFake:
    assert isinstance(site.receiver, BySendgrid)
    return site.receiver.fake


@pytest.mark.parametrize("acts", CASES)
@on("postgresql-sendgrid", transports=["sendgrid"])
def test_answers_that_leave_people_uncertain(site: Site, acts: tuple[Act, ...]) -> None:
    site.launch(PEOPLE)
    site.pace_per_second = 0
    site.environ = QUICK
    fake = fake_of(site)
    most = [MOST_SILENCES if isinstance(act, Stall) else None for act in acts]
    rules = [fake.on(act, share=0.3 / len(acts) ** 0.5, times=times) for act, times in zip(acts, most, strict=True)]
    site.mailer("run", codes=ENDED_WELL)
    fake.behave()
    requests = sum(rule.taken for rule in rules)
    assert requests, "nothing happened"
    site.bound = requests * PER_REQUEST
    assert set(site.finish(later=True)) == {"sent", "uncertain"}
    assert site.told(r"\d+ uncertain")


@on("postgresql-sendgrid", transports=["sendgrid"])
def test_storms_of_429(site: Site) -> None:
    site.launch(PEOPLE)
    site.pace_per_second = 0
    fake = fake_of(site)
    # A reset that is past asks for a pause of a second.
    storm = fake.on(Answer(429, headers={"X-RateLimit-Reset": str(int(time.time()))}), share=0.4)
    site.mailer("run", codes=ENDED_WELL)
    assert storm.taken, "nothing happened"
    fake.behave()
    assert site.finish(later=True) == {"sent": PEOPLE}
