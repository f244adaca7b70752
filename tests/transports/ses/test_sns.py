"""Which posts are believed: those that SNS signed for our topic, and nothing that only says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.settings import Secrets, Settings
from mailer.transports.events import PostUndecided
from mailer.transports.ses.settings import Ses
from mailer.transports.ses.sns import MOST_KEPT, SnsVerifier, fetch
from mailer.transports.ses.webhook import SesWebhook
from tests.servers.sns_fake import (
    CERTIFICATE_URL,
    HOST,
    SUBSCRIBE_URL,
    TOPIC,
    SnsFake,
    certificate,
    headers_of,
    key_of,
    post,
    signed,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CERTIFICATE = urlsplit(CERTIFICATE_URL).path


@pytest.fixture
def sns() -> Iterator[SnsFake]:
    with SnsFake() as one:
        yield one


def verifier(sns: SnsFake) -> SnsVerifier:
    chosen = Settings(root=Path()).using(Ses(topic_arn=TOPIC))
    found = SesWebhook(fetch=sns.fetch, clock=lambda: NOW).verifier(chosen, Secrets())
    assert found is not None
    return found


def believed(sns: SnsFake, fields: dict[str, str], by: SnsVerifier | None = None) -> bool:
    return (by or verifier(sns)).is_theirs(headers_of(fields), json.dumps(fields).encode())


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "Amazon SES Email Event Notification"}])
def test_both_versions_of_the_signature_are_believed(sns: SnsFake, version: str, more: dict[str, str]) -> None:
    assert believed(sns, post("{}", version=version, **more))


def test_the_certificate_is_fetched_once(sns: SnsFake) -> None:
    by = verifier(sns)
    assert all(believed(sns, post(str(number)), by) for number in range(3))
    assert sns.asked == [CERTIFICATE]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from(["Message", "MessageId", "Timestamp", "TopicArn", "Type", "Signature", "SignatureVersion"]),
    value=st.text(max_size=40) | st.just("2") | st.just("Notification"),
)
def test_whatever_is_changed_is_believed_no_more(sns: SnsFake, name: str, value: str) -> None:
    fields = post("{}", version="1")
    if fields[name] != value:
        assert not believed(sns, fields | {name: value})


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn", "Type", "Signature",
                                  "SignatureVersion", "SigningCertURL"])  # fmt: skip
def test_whatever_is_missing_is_believed_no_more(sns: SnsFake, name: str) -> None:
    fields = post("{}")
    del fields[name]
    assert not believed(sns, fields)


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE_URL.replace("https", "http"),
        CERTIFICATE_URL.replace(HOST, f"{HOST}.evil.test"),
        CERTIFICATE_URL.replace(HOST, f"{HOST}@evil.test"),
        CERTIFICATE_URL.replace(HOST, f"{HOST}:8443"),
        CERTIFICATE_URL.replace(HOST, f"{HOST}\\.evil.test"),
        CERTIFICATE_URL.replace(HOST, "evil.test"),
        CERTIFICATE_URL.replace("eu-central-1", "us-east-1"),  # another region than our topic's
        f"https://{HOST}/?Action=Echo&x=/SimpleNotificationService-{'0a' * 16}.pem",
        f"https://{HOST}/evil/SimpleNotificationService-{'0a' * 16}.pem",
        f"{CERTIFICATE_URL}?x=1",
        f"{CERTIFICATE_URL}#x",
        f"{CERTIFICATE_URL}\n",
        CERTIFICATE,
        "",
    ],
)
def test_no_certificate_is_taken_from_anywhere_else(sns: SnsFake, url: str) -> None:
    assert not believed(sns, post("{}") | {"SigningCertURL": url})
    assert sns.asked == []


def test_another_key_another_time_and_a_short_key_are_not_believed(sns: SnsFake) -> None:
    fields = {"Type": "Notification", "MessageId": "m", "TopicArn": TOPIC, "Message": "{}", "Timestamp": "t"}
    assert not believed(sns, signed(fields, key=key_of("another")))
    for pem in (
        certificate(key_of("sns"), first=2027),
        certificate(key_of("sns"), last=2026),
        b"no certificate",
    ):
        sns.pem = pem
        assert not believed(sns, signed(fields))
    sns.pem = certificate(key_of("short", 1024))
    assert not believed(sns, signed(fields, key=key_of("short", 1024)))


def test_another_topic_is_nobodys(sns: SnsFake) -> None:
    other = post("{}", TopicArn=TOPIC.replace("mail", "evil"))
    assert not believed(sns, other)
    assert not verifier(sns).promising(headers_of(other))
    assert verifier(sns).promising(headers_of(post("{}")))
    assert not verifier(sns).promising({"x-amz-sns-topic-arn": TOPIC, "x-amz-sns-message-type": "Raw"})
    assert not verifier(sns).promising({})
    assert SesWebhook().verifier(Settings(root=Path()), Secrets()) is None


def test_a_subscription_is_confirmed_once_it_is_surely_ours(sns: SnsFake) -> None:
    fields = post("You have chosen…", kind="SubscriptionConfirmation")
    assert not believed(sns, fields | {"Token": "another"})
    assert sns.asked == [CERTIFICATE]
    assert believed(sns, fields)
    assert sns.asked[-1] == urlsplit(SUBSCRIBE_URL)._replace(scheme="", netloc="").geturl()


@pytest.mark.parametrize(
    "url",
    [
        SUBSCRIBE_URL.replace(HOST, "evil.test"),
        SUBSCRIBE_URL.replace("https", "http"),
        SUBSCRIBE_URL.replace("mail&", "evil&"),
        SUBSCRIBE_URL.replace("ConfirmSubscription", "Unsubscribe"),
        f"https://{HOST}/x?{urlsplit(SUBSCRIBE_URL).query}",
        f"https://{HOST}/",
    ],
)
def test_nothing_else_is_confirmed_though_it_is_signed(sns: SnsFake, url: str) -> None:
    assert not believed(sns, post("x", kind="SubscriptionConfirmation", SubscribeURL=url))
    assert sns.asked == [CERTIFICATE]


def test_the_end_of_a_subscription_confirms_nothing(sns: SnsFake) -> None:
    assert believed(sns, post("x", kind="UnsubscribeConfirmation"))
    assert sns.asked == [CERTIFICATE]


def test_without_an_answer_of_theirs_it_is_asked_for_again(sns: SnsFake) -> None:
    def broken(url: str) -> bytes:
        raise PostUndecided("no answer")

    by = replace(verifier(sns), fetch=broken)
    for _ in range(2):  # nothing is left locked
        with pytest.raises(PostUndecided, match="no answer"):
            believed(sns, post("{}"), by)


def test_what_their_site_does_not_give_is_asked_for_again(sns: SnsFake) -> None:
    url = f"http://127.0.0.1:{sns.port}{CERTIFICATE}"
    assert fetch(url) == sns.pem
    sns.status = 503
    with pytest.raises(PostUndecided, match=r"127\.0\.0\.1 answered 503"):
        fetch(url)
    with pytest.raises(PostUndecided, match=r"127\.0\.0\.1 can't be asked"):
        fetch(f"http://127.0.0.1:1{CERTIFICATE}")


def test_certificates_do_not_pile_up(sns: SnsFake) -> None:
    by = verifier(sns)
    urls = [CERTIFICATE_URL.replace("0a" * 16, f"{number:032x}") for number in range(MOST_KEPT + 1)]
    for url in (*urls, urls[-1]):
        assert believed(sns, post("{}") | {"SigningCertURL": url}, by)
    assert len(sns.asked) == len(urls), "the last one is known"
    assert believed(sns, post("{}") | {"SigningCertURL": urls[0]}, by), "and what was let go is fetched again"
    assert len(sns.asked) == len(urls) + 1


def test_only_one_is_fetched_at_a_time(sns: SnsFake) -> None:
    inner: list[str] = []

    def fetch(url: str) -> bytes:
        with pytest.raises(PostUndecided, match="another"):
            by.is_theirs({}, json.dumps(post("{}")).encode())
        inner.append(url)
        return sns.fetch(url)

    by = replace(verifier(sns), fetch=fetch)
    assert believed(sns, post("{}"), by)
    assert inner == [CERTIFICATE_URL]


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(
    lambda one: json.dumps(one).encode()))  # fmt: skip
def test_any_body_is_answered(body: bytes) -> None:
    assert not SnsVerifier(TOPIC, lambda url: b"", lambda: NOW).is_theirs({}, body)
