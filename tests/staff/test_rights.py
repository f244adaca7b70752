"""What each role may do, as a table that staff can check, and what no role may imply."""

from __future__ import annotations

import pytest

from mailer.settings.schema import ROLES
from mailer.staff.actor import Actor, NotAllowed, cron, terminal, this_machine
from mailer.staff.rights import ABOUT, EVERY_RIGHT, RIGHTS, Right, Role

R = Right
TABLE = {
    Role.VIEWER: {R.REPORTS},
    Role.WRITER: {R.REPORTS, R.WRITE, R.PROOF},
    Role.APPROVER: {R.REPORTS, R.WRITE, R.PROOF, R.APPROVE, R.PAUSE},
    Role.SENDER: {R.REPORTS, R.WRITE, R.PROOF, R.SEE_PEOPLE, R.IMPORT, R.SEND, R.PAUSE},
    Role.ADMIN: set(Right),
}


@pytest.mark.parametrize("role", Role)
def test_each_role_has_these_rights_and_says_so(role: Role) -> None:
    assert RIGHTS[role] == TABLE[role]
    assert ABOUT[role]


def test_who_writes_sees_no_people() -> None:
    assert not {R.SEE_PEOPLE, R.EXPORT_PEOPLE} & RIGHTS[Role.WRITER]
    assert not {R.SEE_PEOPLE, R.EXPORT_PEOPLE} & RIGHTS[Role.APPROVER]
    assert [role for role in Role if R.EXPORT_PEOPLE in RIGHTS[role]] == [Role.ADMIN]


def test_settings_name_the_same_roles() -> None:
    assert tuple(Role) == ROLES


def test_a_limit_to_lists_holds_for_each_right() -> None:
    actor = Actor("amina@example.org", frozenset({R.SEND}), frozenset({"rivers"}))
    assert actor.may(R.SEND)
    assert actor.may(R.SEND, "rivers")
    assert not actor.may(R.SEND, "forests")
    assert not actor.may(R.WRITE, "rivers")
    assert actor.may_all(R.SEND, ["rivers"])
    assert not actor.may_all(R.SEND, ["rivers", "forests"])
    assert not actor.may_all(R.SEND, []), "everybody is more than their lists"
    with pytest.raises(NotAllowed, match="for the list forests"):
        actor.require(R.SEND, "forests")


@pytest.mark.parametrize("actor", [terminal(), cron(), this_machine()])
def test_who_has_the_machine_may_do_everything(actor: Actor) -> None:
    assert actor.rights == EVERY_RIGHT
    assert actor.may_all(R.SEND, [])
    assert actor.account_id is None
    assert actor.name
    assert actor.via
