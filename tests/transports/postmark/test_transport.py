"""Postmark: what each of its answers makes of the people of a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mailer.diagnostics import Place
from mailer.settings.tables import read_table
from mailer.transports.base import Fate, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from mailer.transports.events import read_mark
from mailer.transports.postmark.settings import Postmark
from mailer.transports.postmark.transport import PostmarkTransport
from tests.patience import HANG_SECONDS
from tests.servers.postmark_fake import BREAK, PostmarkFake
from tests.transports.samples import MAILING, envelope

TOKEN = "pm-a-token"


@pytest.fixture
def fake() -> Iterator[PostmarkFake]:
    with PostmarkFake(token=TOKEN) as one:
        yield one


def way(fake: PostmarkFake, **chosen: object) -> PostmarkTransport:
    settings = replace(Postmark(base_url=fake.url, timeout_seconds=HANG_SECONDS), **chosen)
    return PostmarkTransport(settings, token=TOKEN)


def handed(fake: PostmarkFake, *numbers: int) -> list[Outcome]:
    return list(way(fake).connect(MAILING).hand_over([envelope(number) for number in numbers]))


def test_each_mail_says_which_delivery_it_is_and_keeps_its_message_id(fake: PostmarkFake) -> None:
    first, second = handed(fake, 7, 300)
    assert (first.fate, first.provider_id, second.provider_id) == (Fate.ACCEPTED, "pm-1", "pm-2")
    assert [read_mark(one["Metadata"]["mailer"]) for one in fake.accepted] == [(7, 1), (300, 1)]
    headers = {one["Name"]: one["Value"] for one in fake.accepted[0]["Headers"]}
    assert headers["X-PM-KeepID"] == "true"
    assert headers["Message-ID"] == "<7.1@mail.example.org>"
    assert fake.accepted[0]["ReplyTo"] == '"Example Campaigns" <hello@example.org>'
    assert (fake.accepted[0]["TrackOpens"], fake.accepted[0]["TrackLinks"]) == (False, "None")
    assert fake.calls == [2]


def test_a_call_is_no_larger_than_they_take(fake: PostmarkFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.transports.postmark.transport.MOST_BYTES", 1)
    assert [one.fate for one in handed(fake, 1, 2, 3)] == [Fate.ACCEPTED, Fate.DEFERRED, Fate.DEFERRED]
    assert fake.calls == [1], "one mail goes alone, whatever its size"


def test_names_cannot_leave_their_quotes(fake: PostmarkFake) -> None:
    names = ['Ada "x" <evil@example.net>', "a, b", "back\\slash", "back\\", ""]
    people = [envelope(number, name=name) for number, name in enumerate(names, 1)]
    outcomes = way(fake).connect(MAILING).hand_over(people)
    assert [one.fate for one in outcomes] == [Fate.ACCEPTED] * len(names)
    assert [one["To"] for one in fake.accepted] == [
        '"Ada \\"x\\" <evil@example.net>" <person1@example.org>',
        '"a, b" <person2@example.org>',
        '"back\\\\slash" <person3@example.org>',
        '"back\\\\" <person4@example.org>',
        "person5@example.org",
    ]


def test_a_refusal_is_its_own_persons_alone(fake: PostmarkFake) -> None:
    fake.inactive.add("person2@example.org")
    first, second, third = handed(fake, 1, 2, 3)
    assert (first.fate, second.fate, third.fate) == (Fate.ACCEPTED, Fate.REFUSED, Fate.ACCEPTED)
    assert (second.code, second.reply_class) == ("406", ReplyClass.POLICY)


@pytest.mark.parametrize("told", [BREAK, (500, {}), (503, {"Message": "later"}), (200, {}), (200, []), (200, b"<p>")])
def test_without_a_readable_answer_everybody_is_uncertain(fake: PostmarkFake, told: tuple[int, object]) -> None:
    fake.answers.append(told)
    assert [one.fate for one in handed(fake, 1, 2)] == [Fate.UNCERTAIN] * 2


@pytest.mark.parametrize("code", [None, "0", True, [], {}])
def test_a_code_that_is_none_proves_nothing(fake: PostmarkFake, code: object) -> None:
    fake.answers.append((200, [{"ErrorCode": code}]))
    assert handed(fake, 1)[0].fate is Fate.UNCERTAIN


@pytest.mark.parametrize("status", [302, 401, 403, 404, 413, 422])
def test_what_is_wrong_with_the_whole_call_is_said_before_anybody_is_touched(fake: PostmarkFake, status: int) -> None:
    fake.answers.append((status, {"ErrorCode": 10, "Message": "as told"}))
    with pytest.raises(TransportRefused, match=f"{status}: as told"):
        handed(fake, 1)


def test_too_many_calls_are_waited_out(fake: PostmarkFake) -> None:
    fake.answers.append((429, {"Message": "slow down"}))
    with pytest.raises(TransportUnavailable) as raised:
        handed(fake, 1)
    assert raised.value.retry_after_seconds == 60


def test_a_sender_that_is_not_confirmed_stops_the_sending(fake: PostmarkFake) -> None:
    fake.unconfirmed = True
    with pytest.raises(TransportRefused, match="not confirmed"):
        handed(fake, 1, 2)


def test_what_cannot_be_reached_mailed_nobody(fake: PostmarkFake) -> None:
    with pytest.raises(TransportUnavailable, match="can't be reached"):
        way(fake, base_url="https://api.postmark.invalid").connect(MAILING).hand_over([envelope()])


def test_the_probe_looks_for_the_stream(fake: PostmarkFake) -> None:
    assert "knows this server" in way(fake).probe()
    with pytest.raises(TransportRefused, match="404"):
        way(fake, stream="outbound").probe()
    fake.token = "another"
    with pytest.raises(TransportRefused, match="401"):
        way(fake).probe()


@pytest.mark.parametrize(("token", "url"), [("", "https://x.test"), ("a b", "https://x.test"), ("t", "http://x.test")])
def test_no_token_and_no_encryption_is_refused(token: str, url: str) -> None:
    with pytest.raises(TransportRefused):
        PostmarkTransport(Postmark(base_url=url), token=token).connect(MAILING)


@pytest.mark.parametrize(
    ("key", "value"),
    [("people_per_request", 0), ("people_per_request", 501), ("stream", " "), ("timeout_seconds", 0.0),
     ("connections", 65)],
)  # fmt: skip
def test_settings_that_cannot_work(key: str, value: object) -> None:
    (fault,) = read_table(Postmark, {key: value}, section="", place=lambda key: Place(part=key)).faults
    assert fault.part == key
