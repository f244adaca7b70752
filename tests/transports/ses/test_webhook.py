"""SES's events: each of its words in ours, to which delivery, whoever's words they quote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.transports.base import ReplyClass
from mailer.transports.events import ProviderEvent, Remedy, UnreadablePost, What
from mailer.transports.ses.transport import mark_of
from mailer.transports.ses.webhook import BOUNCES, DROPS, SesWebhook
from tests.servers.sns_fake import post
from tests.transports.samples import envelope

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS


def read(message: object) -> tuple[list[ProviderEvent], int]:
    return SesWebhook().read(json.dumps(post(json.dumps(message))).encode(), received=NOW)


def entry(kind: str, part: str, detail: object, *, name: str = "eventType", **mail: object) -> dict[str, Any]:
    given_mail = {
        "timestamp": "2026-11-24T10:00:00.000Z",
        "messageId": "0100-7",
        "destination": ["ada@example.org"],
        "commonHeaders": {"to": ["Ada Lovelace <ada@example.org>"], "subject": "A secret"},
        "tags": {"ses:operation": ["SendEmail"], "mailer": [mark_of(envelope(77, attempt=2))]},
        **mail,
    }
    return {name: kind, "mail": given_mail, part: detail}


def event(kind: str, part: str, detail: object, **more: Any) -> ProviderEvent:
    ((found,), strange) = read(entry(kind, part, detail, **more))
    assert strange == 0
    return found


def bounced(
    bounce_type: str, subtype: str, *, words: str = "", status: str = "", name: str = "eventType", **mail: Any
) -> ProviderEvent:
    recipient = {"emailAddress": "forwarded@example.net", "action": "failed", "diagnosticCode": words, "status": status}
    detail = {
        "bounceType": bounce_type,
        "bounceSubType": subtype,
        "bouncedRecipients": [recipient],
        "timestamp": "2026-11-24T11:00:00.000Z",
        "feedbackId": "f-1",
    }
    return event("Bounce", "bounce", detail, name=name, **mail)


@pytest.mark.parametrize("name", ["eventType", "notificationType"])
def test_an_event_names_its_delivery_and_keeps_no_address(name: str) -> None:
    words = "smtp; 550 5.1.1 <ada@example.org>: user unknown"
    found = bounced("Permanent", "General", words=words, status="5.1.1", name=name)
    assert (found.delivery_id, found.attempt, found.provider_id) == (77, 2, "0100-7")
    assert (found.what, found.reply_class, found.remedy) == (What.BOUNCED, HARD, Remedy.BOUNCED)
    assert found.at == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert found.address == "ada@example.org"  # whom we mailed, not whom they forward to
    assert found.kind == "bounce permanent general"
    kept = json.dumps([found.detail, dict(found.payload)])
    assert not any(secret in kept for secret in ("ada@", "forwarded@", "Lovelace", "A secret"))


@pytest.mark.parametrize(
    ("bounce_type", "subtype", "words", "what", "reply_class", "remedy"),
    [
        ("Permanent", "General", "", What.BOUNCED, HARD, Remedy.BOUNCED),
        ("Permanent", "NoEmail", "", What.BOUNCED, HARD, Remedy.BOUNCED),
        ("Permanent", "General", "smtp; 552 5.2.2 mailbox full", What.BOUNCED, SOFT, Remedy.NONE),
        ("Permanent", "General", "smtp; 554 5.7.1 blocked using a blocklist", What.BOUNCED, POLICY, Remedy.NONE),
        ("Permanent", "Suppressed", "", What.DROPPED, HARD, Remedy.BOUNCED),
        ("Permanent", "OnAccountSuppressionList", "", What.DROPPED, POLICY, Remedy.NONE),
        ("Permanent", "UnsubscribedRecipient", "", What.DROPPED, POLICY, Remedy.LEAVE),
        ("Transient", "MailboxFull", "", What.BOUNCED, SOFT, Remedy.NONE),
        ("Transient", "MessageTooLarge", "", What.BOUNCED, POLICY, Remedy.NONE),
        ("Transient", "ContentRejected", "", What.BOUNCED, POLICY, Remedy.NONE),
        ("Transient", "AttachmentRejected", "", What.BOUNCED, POLICY, Remedy.NONE),
        ("Transient", "CustomTimeoutExceeded", "", What.BOUNCED, SOFT, Remedy.NONE),
        ("Transient", "General", "smtp; 450 4.2.1 try again later", What.BOUNCED, SOFT, Remedy.NONE),
        ("Transient", "General", "", None, None, Remedy.NONE),  # as automatic answers are told
        ("Undetermined", "Undetermined", "", What.BOUNCED, SOFT, Remedy.NONE),
        ("Undetermined", "Undetermined", "smtp; 550 5.1.1 no such user", What.BOUNCED, HARD, Remedy.BOUNCED),
        ("Something", "New", "", What.BOUNCED, SOFT, Remedy.NONE),
    ],
)
def test_bounces_in_our_words(
    bounce_type: str, subtype: str, words: str, what: What | None, reply_class: ReplyClass | None, remedy: Remedy
) -> None:
    found = bounced(bounce_type, subtype, words=words)
    assert (found.what, found.reply_class, found.remedy) == (what, reply_class, remedy)


def test_a_refusal_of_our_sender_is_nobodys_bounce() -> None:
    found = bounced("Permanent", "General", words="smtp; 550 5.1.8 sender address rejected: domain not found")
    assert (found.reply_class, found.remedy) == (OURS, Remedy.NONE)


@pytest.mark.parametrize(
    ("kind", "part", "detail", "what", "remedy", "kept"),
    [
        ("Send", "send", {}, What.PROCESSED, Remedy.NONE, False),
        ("Delivery", "delivery", {"smtpResponse": "250 ok"}, What.DELIVERED, Remedy.NONE, False),
        ("DeliveryDelay", "deliveryDelay", {"delayType": "MailboxFull"}, What.DEFERRED, Remedy.NONE, False),
        ("Reject", "reject", {"reason": "Bad content"}, What.DROPPED, Remedy.NONE, True),
        ("Rendering Failure", "failure", {"errorMessage": "x"}, What.DROPPED, Remedy.NONE, True),
        ("Complaint", "complaint", {"complaintFeedbackType": "abuse"}, What.COMPLAINED, Remedy.COMPLAINED, True),
        ("Complaint", "complaint", {"complaintSubType": None}, What.COMPLAINED, Remedy.COMPLAINED, True),
        ("Complaint", "complaint", {"complaintFeedbackType": "not-spam"}, None, Remedy.NONE, True),
        ("Complaint", "complaint", {"complaintSubType": "OnAccountSuppressionList"}, What.DROPPED,
         Remedy.COMPLAINED, True),
        ("Subscription", "subscription", {"newTopicPreferences": {"unsubscribeAll": True}}, What.UNSUBSCRIBED,
         Remedy.LEAVE, True),
        ("Subscription", "subscription", {"newTopicPreferences": {"unsubscribeAll": False}}, None, Remedy.NONE, True),
        ("Open", "open", {"ipAddress": "192.0.2.1"}, None, Remedy.NONE, False),
        ("Click", "click", {"link": "https://example.org"}, None, Remedy.NONE, False),
        ("Something New", "x", {}, None, Remedy.NONE, True),
    ],
)  # fmt: skip
def test_the_other_kinds(kind: str, part: str, detail: object, what: What | None, remedy: Remedy, kept: bool) -> None:
    found = event(kind, part, detail)
    assert (found.what, found.remedy, found.worth_keeping) == (what, remedy, kept)
    assert found.delivery_id == 77
    assert found.at == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_a_repeat_has_the_same_key_whatever_post_it_comes_in() -> None:
    message = json.dumps(entry("Bounce", "bounce", {"bounceType": "Permanent", "bouncedRecipients": [{}]}))
    keys = {
        SesWebhook().read(json.dumps(post(message, MessageId=number)).encode(), received=NOW)[0][0].key
        for number in ("m-1", "m-2")
    }
    assert len(keys) == 1


def test_a_mail_of_another_program_to_many_is_one_event_for_each() -> None:
    detail = {"bounceType": "Permanent", "bounceSubType": "General",
              "bouncedRecipients": [{"emailAddress": "a@example.org"}, {"emailAddress": "b@example.org"}]}  # fmt: skip
    found, _ = read(entry("Bounce", "bounce", detail, destination=["a@example.org", "b@example.org"], tags={}))
    assert [(one.address, one.delivery_id) for one in found] == [("a@example.org", None), ("b@example.org", None)]
    assert len({one.key for one in found}) == 2


def test_what_sns_says_of_itself_changes_nobody(caplog: pytest.LogCaptureFixture) -> None:
    webhook = SesWebhook()

    def of(fields: dict[str, str]) -> tuple[list[ProviderEvent], int]:
        return webhook.read(json.dumps(fields).encode(), received=NOW)

    assert of(post("x", kind="SubscriptionConfirmation")) == ([], 0)
    assert of(post("Successfully validated SNS topic for Amazon SES event publishing.")) == ([], 0)
    ((ended,), _) = of(post("x", kind="UnsubscribeConfirmation"))
    assert (ended.what, ended.worth_keeping) == (None, True)
    assert "the subscription was ended" in caplog.text
    assert "t0ken" not in json.dumps(dict(ended.payload))
    assert of(post("[1, 2]")) == ([], 1)
    assert of(post("{}")) == ([], 1)
    with pytest.raises(UnreadablePost):
        of(post("words"))
    for body in (b"<xml>", b"[]", b"{}"):
        with pytest.raises(UnreadablePost):
            webhook.read(body, received=NOW)


@given(
    st.sampled_from(sorted({one for pair in (*BOUNCES, *DROPS) for one in pair})) | st.text(max_size=9),
    st.sampled_from(sorted({subtype for _, subtype in (*BOUNCES, *DROPS)})) | st.text(max_size=9),
    st.text(max_size=200),
    st.none() | st.text() | st.integers() | st.lists(st.text() | st.none()),
)
def test_a_bounce_suppresses_only_when_it_is_hard(bounce_type: str, subtype: str, words: str, mark: Any) -> None:
    found = bounced(bounce_type, subtype, words=words, tags={"mailer": mark})
    assert (found.remedy is Remedy.BOUNCED) == (found.reply_class is HARD)
    assert found.report("Amazon SES") is None or found.delivery_id is not None


NAMES = st.sampled_from(
    ["eventType", "mail", "bounce", "bouncedRecipients", "tags", "mailer", "destination", "timestamp"]
)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.just("Bounce"),
                    lambda one: st.lists(one) | st.dictionaries(NAMES, one)))  # fmt: skip
def test_any_json_is_read_or_counted(data: Any) -> None:
    found, strange = read(data)
    assert found or strange or data == "Successfully validated SNS topic"
