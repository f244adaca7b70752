"""An automation from end to end: who comes in, what they get and when, and who leaves at once."""

from __future__ import annotations

import pytest

from tests.automations.conftest import WELCOME
from tests.automations.engine.conftest import Group


def test_somebody_who_joins_gets_each_mail_once_and_comes_to_the_end(group: Group) -> None:
    group.join("early")  # before it was started
    assert group.start(WELCOME) == 1
    group.run()
    group.join("ada")
    group.later(minutes=1)
    group.run()
    assert group.mails("ada") == ["hello"]
    assert group.where("ada") == [("inside", "", "three-days")]
    group.pass_days(5)
    assert group.mails("ada") == ["hello", "second"]
    assert group.where("ada") == [("ended", "", "second")]
    assert group.mails("early") == []
    group.run()
    assert group.states() == {"sent": 2}


@pytest.mark.parametrize("act", ["leave", "forget", "sign", "reply"])
def test_who_acts_leaves_at_once(group: Group, act: str) -> None:
    group.start(WELCOME.replace('list = "supporters"', 'list = "supporters"\ngoals = ["library"]', 1))
    group.join("ada")
    group.join("bob")
    group.run()
    assert (group.mails("ada"), group.mails("bob")) == (["hello"], ["hello"])
    group.later(hours=1)
    getattr(group, act)("ada")
    group.later(minutes=2)
    group.run(sends=False)
    if act != "forget":
        assert [(state, bool(why)) for state, why, _ in group.where("ada")] == [("left", True)]
    group.pass_days(5)
    assert group.mails("bob") == ["hello", "second"]
    assert group.states() == {"sent": 3}
