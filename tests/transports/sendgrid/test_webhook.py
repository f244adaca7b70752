"""SendGrid's posts: their own signature vector, their own examples, and whatever else may stand in a body."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.errors import MailerError
from mailer.transports.base import ReplyClass
from mailer.transports.events import ADDRESS, ProviderEvent, UnreadablePost
from mailer.transports.sendgrid.signature import is_signed, load_keys
from mailer.transports.sendgrid.webhook import SendgridWebhook

RECEIVED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

# sendgrid-python, test/unit/test_eventwebhook.py (MIT).
KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc"
    "6wEA3F+g=="
)
OTHER_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1N"
    "Ge1OPzpA=="
)
SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
OTHER_SIGNATURE = "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH3j/0="
TIMESTAMP = "1600112502"
BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":'
    b'"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":'
    b'"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":'
    b'"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)

# The examples of the reference page, shortened: a status as text, attempts as text, tls as number and as truth value.
EXAMPLES: list[dict[str, object]] = [
    {"email": "example@test.com", "timestamp": 1513299569, "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
     "event": "processed", "category": ["cat facts"], "sg_event_id": "a1", "sg_message_id": "14c5d75ce93.f.1.1.0",
     "pool": {"name": "new_MY_test", "id": 210}},
    {"email": "example@test.com", "timestamp": 1513299569, "event": "deferred", "category": "cat facts",
     "sg_event_id": "a2", "sg_message_id": "m", "response": "400 try again later", "attempt": "5"},
    {"email": "example@test.com", "timestamp": 1513299569, "event": "delivered", "sg_event_id": "a3",
     "sg_message_id": "m", "response": "250 OK", "tls": 1},
    {"email": "example@test.com", "timestamp": 1513299569, "event": "bounce", "sg_event_id": "a4", "sg_message_id": "m",
     "bounce_classification": "Invalid Address", "reason": "500 unknown recipient", "status": "5.0.0",
     "type": "bounce", "tls": True},
    {"email": "example@test.com", "timestamp": 1513299569, "event": "bounce", "sg_event_id": "a4", "sg_message_id": "m",
     "bounce_classification": "Reputation", "reason": "example@test.com blocked", "status": "5.0.0",
     "type": "blocked"},
    {"email": "example@test.com", "timestamp": 1513299569, "event": "dropped", "sg_event_id": "a5",
     "sg_message_id": "m", "reason": "Bounced Address", "status": "5.0.0"},
    {"email": "example@test.com", "timestamp": 1513299569, "event": "spamreport", "sg_event_id": "a6"},
    {"event": "account_status_change", "timestamp": "1725291600", "sg_event_id": "a7", "type": "compliance_suspend"},
]  # fmt: skip


def test_the_published_vector_is_believed() -> None:
    assert hashlib.sha256(BODY).hexdigest() == "ef3e4606385ea6adbc55fceb6117cf2784040cf145a010e5ef4afc2bc7c70452"
    assert is_signed(load_keys([KEY]), BODY, signature=SIGNATURE, timestamp=TIMESTAMP)
    assert is_signed(load_keys([OTHER_KEY, KEY]), BODY, signature=SIGNATURE, timestamp=TIMESTAMP), "keys can be changed"


@pytest.mark.parametrize(
    ("key", "signature", "timestamp", "body"),
    [
        (OTHER_KEY, SIGNATURE, TIMESTAMP, BODY),
        (KEY, OTHER_SIGNATURE, TIMESTAMP, BODY),
        (KEY, SIGNATURE, "timestamp", BODY),
        (KEY, SIGNATURE, TIMESTAMP, b"payload"),
        (KEY, SIGNATURE, TIMESTAMP, BODY[:-1]),
        (KEY, SIGNATURE, TIMESTAMP, BODY[:-2]),
        (KEY, "", "", BODY),
        (KEY, "%%%", TIMESTAMP, BODY),
        (KEY, "AAAA", TIMESTAMP, BODY),
        (KEY, "MEUCIé", TIMESTAMP, BODY),
        (KEY, SIGNATURE, "1600112502é", BODY),
        (KEY, "A" * 4000, TIMESTAMP, BODY),
    ],
)
def test_anything_else_is_not(key: str, signature: str, timestamp: str, body: bytes) -> None:
    assert not is_signed(load_keys([key]), body, signature=signature, timestamp=timestamp)


@given(st.text(max_size=120), st.text(max_size=20), st.binary(max_size=50))
def test_no_signature_makes_it_fail(signature: str, timestamp: str, body: bytes) -> None:
    assert not is_signed(load_keys([KEY]), body, signature=signature, timestamp=timestamp)


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA", KEY[:-8], SIGNATURE])
def test_a_key_that_is_none_is_named_by_its_place(text: str) -> None:
    with pytest.raises(MailerError, match=r"number 2 of sendgrid\.webhook_keys"):
        load_keys([KEY, text])


def read_post(body: bytes, *, received: datetime) -> tuple[list[ProviderEvent], int]:
    return SendgridWebhook().read(body, received=received)


def test_the_documented_examples_are_read() -> None:
    found, strange = read_post(json.dumps(EXAMPLES).encode(), received=RECEIVED)
    assert strange == 0
    assert [event.kind for event in found] == [example["event"] for example in EXAMPLES]
    assert found[0].at == datetime(2017, 12, 15, 0, 59, 29, tzinfo=UTC)
    assert found[1].detail == "400 try again later"
    assert (found[3].detail, found[3].reply_class) == ("5.0.0 500 unknown recipient", ReplyClass.HARD)
    assert (found[4].detail, found[4].reply_class) == ("5.0.0 <address> blocked", ReplyClass.POLICY)
    assert found[7].at == datetime(2024, 9, 2, 15, 40, tzinfo=UTC), "a time may be a text"
    assert all(event.delivery_id is None for event in found)


def test_our_arguments_name_the_delivery_and_the_attempt() -> None:
    body = json.dumps({"event": "processed", "email": "a@example.org", "timestamp": 1764000000, "c": "4d00000001.2"})
    ((event,), _) = read_post(body.encode(), received=RECEIVED)
    assert (event.delivery_id, event.attempt) == (77 * 2**32 + 1, 2)


@pytest.mark.parametrize(
    "argument", ["", "1", "1.", ".1", "g.1", "-1.1", "1.1.1", "0.1", "ffffffffffffffff.1", "1.1\n", 5, None, ["1.1"]]
)
def test_arguments_that_are_not_ours_name_nothing(argument: object) -> None:
    body = json.dumps({"event": "processed", "c": argument})
    ((event,), _) = read_post(body.encode(), received=RECEIVED)
    assert (event.delivery_id, event.attempt) == (None, None)


def test_a_repeat_has_the_same_key_though_its_own_number_changed() -> None:
    (first, second), _ = read_post(json.dumps([EXAMPLES[0], EXAMPLES[0] | {"sg_event_id": "other"}]).encode(),
                                   received=RECEIVED)  # fmt: skip
    assert first.key == second.key


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[", b"\xff\xfe", b"[" * 100_000, b'{"event":' + b"9" * 5000 + b"}"]
)
def test_what_is_no_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadablePost):
        read_post(body, received=RECEIVED)


def test_entries_that_are_no_events_are_counted() -> None:
    body = b'[1, null, "x", [], {}, {"event": 5}, {"event": "open"}]'
    found, strange = read_post(body, received=RECEIVED)
    assert ([event.kind for event in found], strange) == (["open"], 6)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("email", "timestamp", "c", "type", "status", "reason", "bounce_classification", "sg_message_id", "anything")


@given(st.dictionaries(st.sampled_from(FIELDS), values))
def test_any_types_are_taken_and_what_is_kept_can_be_stored(fields: dict[str, object]) -> None:
    ((event,), _) = read_post(json.dumps({"event": "bounce", **fields}).encode(), received=RECEIVED)
    kept = json.dumps(event.payload, allow_nan=False)
    assert json.loads(kept.encode()) == event.payload
    assert event.at <= RECEIVED


def test_what_is_kept_holds_no_address() -> None:
    entry = {
        "event": "bounce", "email": "mary1@example.org", "reason": "550 <mary1@example.org>: unknown",
        "ip": "192.0.2.1",
        "other": {"to": ["mary1@example.org"]}, "mary1@example.org": 1,
    }  # fmt: skip
    ((event,), _) = read_post(json.dumps(entry).encode(), received=RECEIVED)
    assert not ADDRESS.search(json.dumps(event.payload).replace("<address>", ""))
    assert "192.0.2.1" not in json.dumps(event.payload)
    assert event.detail == "550 <<address>>: unknown"
