"""`urgent` and `archive` in the front matter: read, checked, carried into the message and frozen with it."""

from __future__ import annotations

from dataclasses import replace

from mailer.compose.message import from_json, to_json
from tests.compose.conftest import Desk
from tests.compose.source.test_message_file import GOOD, faults_of
from tests.reports.builders import make_message


def test_a_message_says_that_it_is_urgent_and_public(desk: Desk) -> None:
    (desk.folder / "message.md").write_text(GOOD.replace("list:", "urgent: true\narchive: true\nlist:"))
    source = desk.source()
    assert (source.is_urgent, source.is_public) == (True, True)
    (desk.folder / "message.md").write_text(GOOD)
    plain = desk.source()
    assert (plain.is_urgent, plain.is_public) == (False, False)


def test_only_true_and_false_will_do(desk: Desk) -> None:
    (fault,) = faults_of(desk, GOOD.replace("list:", 'urgent: "yes"\nlist:'))
    assert fault.message == "urgent must be true or false, not text"


def test_a_frozen_message_without_them_loads_and_keeps_its_digest() -> None:
    message = make_message()
    data = to_json(message)
    assert not {"is_urgent", "is_public"} & data.keys()
    assert from_json(data) == message
    urgent = replace(message, is_urgent=True)
    assert from_json(to_json(urgent)) == urgent
    assert urgent.digest != message.digest
