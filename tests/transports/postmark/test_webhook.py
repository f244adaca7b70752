"""Postmark's events: each of its words in ours, to which delivery, and whose posts are believed."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.errors import MailerError
from mailer.settings import Secrets, Settings
from mailer.transports.base import ReplyClass
from mailer.transports.events import ProviderEvent, Remedy, UnreadablePost, What, delivery_mark
from mailer.transports.postmark.webhook import BOUNCES, PostmarkWebhook

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PASSWORD = "a-password-of-length"


def event(record: str = "Bounce", **fields: object) -> ProviderEvent:
    entry = {
        "RecordType": record,
        "MessageID": "883953f4",
        "Email": "ada@example.org",
        "BouncedAt": "2026-11-24T08:28:10.2735393-04:00",
        "Metadata": {"mailer": delivery_mark(77, 2)},
        **fields,
    }
    ((found,), strange) = PostmarkWebhook().read(json.dumps(entry).encode(), received=NOW)
    assert strange == 0
    return found


def test_an_event_names_its_delivery_and_keeps_no_address() -> None:
    found = event(Type="HardBounce", Details="550 5.1.1 <ada@example.org>: no such user")
    assert (found.delivery_id, found.attempt, found.provider_id) == (77, 2, "883953f4")
    assert found.at == datetime(2026, 11, 24, 12, tzinfo=UTC)  # 12:28 is later than the post itself
    assert (found.what, found.reply_class, found.remedy) == (What.BOUNCED, ReplyClass.HARD, Remedy.BOUNCED)
    assert "ada@" not in json.dumps([found.detail, dict(found.payload)])


@pytest.mark.parametrize(
    ("kind", "details", "what", "reply_class", "remedy"),
    [
        ("HardBounce", "", What.BOUNCED, ReplyClass.HARD, Remedy.BOUNCED),
        ("BadEmailAddress", "", What.BOUNCED, ReplyClass.HARD, Remedy.BOUNCED),
        ("HardBounce", "552 5.2.2 mailbox full", What.BOUNCED, ReplyClass.SOFT, Remedy.NONE),
        ("SoftBounce", "mailbox full", What.BOUNCED, ReplyClass.SOFT, Remedy.NONE),
        ("Transient", "", What.BOUNCED, ReplyClass.SOFT, Remedy.NONE),
        ("DnsError", "", What.BOUNCED, ReplyClass.SOFT, Remedy.NONE),
        ("SpamNotification", "", What.BOUNCED, ReplyClass.POLICY, Remedy.NONE),
        ("Blocked", "554 5.7.1 blocked using a blocklist", What.BOUNCED, ReplyClass.POLICY, Remedy.NONE),
        ("SpamComplaint", "", What.COMPLAINED, None, Remedy.COMPLAINED),
        ("Unsubscribe", "", What.UNSUBSCRIBED, None, Remedy.LEAVE),
        ("AutoResponder", "I am away", None, None, Remedy.NONE),
        ("ChallengeVerification", "", None, None, Remedy.NONE),
        ("ManuallyDeactivated", "no such user", None, None, Remedy.NONE),
        ("SMTPApiError", "", What.DROPPED, ReplyClass.OURS, Remedy.NONE),
        ("Unknown", "550 no such user", What.BOUNCED, ReplyClass.HARD, Remedy.BOUNCED),
        ("Unknown", "", What.BOUNCED, ReplyClass.SOFT, Remedy.NONE),
    ],
)
def test_bounces_in_our_words(
    kind: str, details: str, what: What | None, reply_class: ReplyClass | None, remedy: Remedy
) -> None:
    found = event(Type=kind, Details=details)
    assert (found.what, found.reply_class, found.remedy) == (what, reply_class, remedy)


def test_a_refusal_of_our_sender_is_nobodys_bounce() -> None:
    found = event(Type="HardBounce", Details="550 5.1.8 sender address rejected: domain not found")
    assert (found.reply_class, found.remedy) == (ReplyClass.OURS, Remedy.NONE)


def test_the_other_kinds() -> None:
    assert event("Delivery", Recipient="ada@example.org", DeliveredAt="2026-11-24T08:00:00Z").what is What.DELIVERED
    assert event("SpamComplaint").remedy is Remedy.COMPLAINED
    left = event("SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression")
    assert (left.what, left.remedy) == (What.UNSUBSCRIBED, Remedy.LEAVE)
    for change in (
        {"SuppressSending": False, "SuppressionReason": None},  # somebody was let in again
        {"SuppressSending": True, "SuppressionReason": "HardBounce"},  # reported as a bounce besides
    ):
        assert event("SubscriptionChange", **change).what is None
    assert not event("Open").worth_keeping
    assert event("SomethingNew").what is None


@given(st.sampled_from(sorted(BOUNCES)) | st.text(), st.text(max_size=200), st.none() | st.text() | st.integers())
def test_a_bounce_suppresses_only_when_it_is_hard(kind: str, details: str, mark: Any) -> None:
    found = event(Type=kind, Details=details, Metadata={"mailer": mark})
    assert (found.remedy is Remedy.BOUNCED) == (found.reply_class is ReplyClass.HARD)
    assert found.report("Postmark") is None or found.delivery_id is not None


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda one: st.lists(one) | st.dictionaries(
    st.sampled_from(["RecordType", "Type", "Metadata", "BouncedAt", "Email"]), one)))  # fmt: skip
def test_any_json_is_read_or_counted(data: Any) -> None:
    found, strange = PostmarkWebhook().read(json.dumps(data).encode(), received=NOW)
    assert len(found) + strange == (len(data) if isinstance(data, list) else 1)


def test_what_is_no_json_is_unreadable() -> None:
    with pytest.raises(UnreadablePost):
        PostmarkWebhook().read(b"<xml>", received=NOW)


def test_only_who_knows_the_password_is_believed() -> None:
    settings, webhook = Settings(root=Path()), PostmarkWebhook()
    assert webhook.verifier(settings, Secrets()) is None
    with pytest.raises(MailerError, match="shorter"):
        webhook.verifier(settings, Secrets(providers={"postmark_webhook_password": "short"}))
    verifier = webhook.verifier(settings, Secrets(providers={"postmark_webhook_password": PASSWORD}))
    assert verifier is not None
    assert PASSWORD not in repr(verifier)
    for login, good in ((f"mailer:{PASSWORD}", True), (f"other:{PASSWORD}", False), ("mailer:", False), ("", False)):
        headers = {"authorization": f"Basic {b64encode(login.encode()).decode()}"}
        assert verifier.promising(headers) is good
        assert verifier.is_theirs(headers, b"{}") is good
    assert not verifier.promising({})
    assert not verifier.promising({"authorization": "é"})
