"""Amazon SES: what each of its answers makes of a person and of the sending, and what its account says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailer.diagnostics import Place
from mailer.settings import Settings
from mailer.settings.tables import read_table
from mailer.transports.base import Fate, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from mailer.transports.provider import provider_named
from mailer.transports.ses.settings import Ses
from mailer.transports.ses.signature import AccessKey
from mailer.transports.ses.transport import QUOTA_SECONDS, RATE_SECONDS, SesTransport
from tests.patience import HANG_SECONDS
from tests.servers.ses_fake import BREAK, SesFake
from tests.transports.samples import MAILING, envelope, read

TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail"
KEY = AccessKey("AKIDTEST", "secret")
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
SENDER = "Example <appeals@example.org>"
ALL_EVENTS = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY"]


@pytest.fixture
def fake() -> Iterator[SesFake]:
    with SesFake() as one:
        yield one


def way(fake: SesFake, *, key: AccessKey = KEY, sender: str = SENDER, **chosen: object) -> SesTransport:
    base = Ses(region="eu-central-1", endpoint=fake.url, timeout_seconds=HANG_SECONDS)
    return SesTransport(replace(base, **chosen), key=key, sender=sender, clock=lambda: AT)  # pyright: ignore[reportArgumentType]


def handed(fake: SesFake, number: int = 1) -> Outcome:
    with closing(way(fake).connect(MAILING)) as connection:
        return connection.hand_over([envelope(number)])[0]


def test_a_call_carries_the_mail_whole_and_says_which_delivery_it_is(fake: SesFake) -> None:
    fake.destinations["campaigns"] = []
    with closing(way(fake, configuration_set="campaigns").connect(MAILING)) as connection:
        outcomes = [connection.hand_over([envelope(number, attempt=2)])[0] for number in (7, 300)]
    assert [(one.fate, one.provider_id) for one in outcomes] == [(Fate.ACCEPTED, "0100-1"), (Fate.ACCEPTED, "0100-2")]
    first = fake.accepted[0]
    assert first["Destination"] == {"ToAddresses": ["person7@example.org"]}
    assert first["ConfigurationSetName"] == "campaigns"
    assert [one["EmailTags"] for one in fake.accepted] == [
        [{"Name": "mailer", "Value": "7-2"}],
        [{"Name": "mailer", "Value": "12c-2"}],
    ]
    mail = read(fake.mails[0])
    assert (mail["from"], mail["reply-to"]) == (
        "Example Campaigns <appeals@example.org>",
        "Example Campaigns <hello@example.org>",
    )


def test_a_temporary_key_is_taken_too(fake: SesFake) -> None:
    key = replace(KEY, session_token="a-token")
    with closing(way(fake, key=key).connect(MAILING)) as connection:
        assert connection.hand_over([envelope()])[0].fate is Fate.ACCEPTED


@pytest.mark.parametrize(
    ("error", "words", "reply_class"),
    [
        ("MessageRejected", "Transaction failed: Virus found.", ReplyClass.POLICY),
        ("MessageRejected", "Address is on the suppression list for your account", ReplyClass.POLICY),
        ("BadRequestException", "Illegal address", None),
        ("BadRequestException", "Domain contains dot-dot", None),
        ("BadRequestException", "Invalid From address", ReplyClass.OURS),
        ("BadRequestException", "Missing required header", ReplyClass.OURS),
        ("ValidationException", "1 validation error", ReplyClass.OURS),
        ("", "", ReplyClass.OURS),
    ],
)
def test_a_refusal_of_one_mail_is_its_own(
    fake: SesFake, error: str, words: str, reply_class: ReplyClass | None
) -> None:
    fake.answers.append((400, error, words))
    found = handed(fake)
    assert (found.fate, found.reply_class, found.detail) == (Fate.REFUSED, reply_class, words)
    assert found.code == f"400 {error.removesuffix('Exception')}".strip()


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (400, "AccountSuspendedException", "suspended"),
        (400, "SendingPausedException", "paused"),
        (400, "MailFromDomainNotVerifiedException", "x"),
        (400, "MessageRejected", "Email address is not verified. The following identities failed the check: a@b"),
        (400, "MessageRejected", "Sending suspended for this account."),
        (403, "AccessDeniedException", "User is not authorized to perform ses:SendEmail"),
        (403, "SignatureDoesNotMatch", "x"),
        (403, "ExpiredTokenException", "x"),
        (403, "UnrecognizedClientException", "x"),
        (404, "NotFoundException", "Configuration set <x> does not exist."),
        (302, "", ""),
        (413, "", ""),
    ],
)
def test_what_is_wrong_for_everybody_stops_the_sending(fake: SesFake, status: int, error: str, words: str) -> None:
    fake.answers.append((status, error, words))
    with pytest.raises(TransportRefused, match=str(status)) as raised:
        handed(fake)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("status", "error", "words", "seconds"),
    [
        (429, "TooManyRequestsException", "Maximum sending rate exceeded.", RATE_SECONDS),
        (400, "ThrottlingException", "Rate exceeded", RATE_SECONDS),
        (400, "Throttling", "Maximum sending rate exceeded.", RATE_SECONDS),
        (429, "TooManyRequestsException", "Daily message quota exceeded.", QUOTA_SECONDS),
        (400, "LimitExceededException", "x", QUOTA_SECONDS),
    ],
)
def test_limits_are_waited_out_and_nobody_is_touched(
    fake: SesFake, status: int, error: str, words: str, seconds: float
) -> None:
    fake.answers.append((status, error, words))
    with pytest.raises(TransportUnavailable) as raised:
        handed(fake)
    assert raised.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (0, BREAK, None),
        (500, "InternalFailure", "x"),
        (503, "ServiceUnavailable", "x"),
        (200, "", b"<p>"),
        (200, "", {}),
        (200, "", {"MessageId": 3}),
        (204, "", b""),
    ],
)
def test_without_a_readable_answer_it_is_uncertain(fake: SesFake, status: int, error: str, told: object) -> None:
    fake.answers.append((status, error, told))
    assert handed(fake).fate is Fate.UNCERTAIN


def test_what_cannot_be_reached_mailed_nobody(fake: SesFake) -> None:
    connection = way(fake, endpoint="https://email.amazonaws.invalid").connect(MAILING)
    with pytest.raises(TransportUnavailable, match="can't be reached"):
        connection.hand_over([envelope()])


@pytest.mark.parametrize(
    ("chosen", "key"),
    [
        ({"region": ""}, KEY),
        ({}, AccessKey("", "secret")),
        ({}, AccessKey("id", "")),
        ({}, AccessKey("i d", "secret")),
        ({"endpoint": "http://email.example.org"}, KEY),
        ({"endpoint": "ftp://x"}, KEY),
        ({"endpoint": "https://"}, KEY),
    ],
)
def test_without_a_region_a_key_and_encryption_nothing_is_tried(
    fake: SesFake, chosen: dict[str, Any], key: AccessKey
) -> None:
    with pytest.raises(TransportRefused):
        way(fake, key=key, **chosen).connect(MAILING)


def publishing(*events: str, topic: str = TOPIC, enabled: bool = True) -> list[dict[str, object]]:
    return [{"Enabled": enabled, "MatchingEventTypes": list(events), "SnsDestination": {"TopicArn": topic}}]


def test_the_probe_says_what_the_account_may_do_and_where_events_go(fake: SesFake) -> None:
    fake.destinations["campaigns"] = publishing(*ALL_EVENTS)
    said = way(fake, configuration_set="campaigns", topic_arn=TOPIC).probe()
    assert "1,200 of 50,000 mails in 24 hours, at most 14 a second" in said
    assert "example.org is verified and signed, with mail.example.org as MAIL FROM (SUCCESS)" in said
    assert f"campaigns publishes events to {TOPIC}" in said
    assert "nothing is heard of bounces" in way(fake).probe()
    assert "left to the identity's own configuration set" in way(fake, topic_arn=TOPIC).probe()
    assert fake.accepted == []


def test_the_probe_tells_all_that_is_wrong_at_once(fake: SesFake) -> None:
    fake.account |= {"ProductionAccessEnabled": False, "SendingEnabled": False, "EnforcementStatus": "SHUTDOWN"}
    identity = fake.identities["example.org"]
    identity["VerifiedForSendingStatus"] = False
    identity["DkimAttributes"] |= {"Status": "PENDING"}
    identity["MailFromAttributes"] |= {"MailFromDomainStatus": "FAILED"}
    fake.destinations["campaigns"] = publishing("BOUNCE", "SEND") + publishing("COMPLAINT", enabled=False)
    with pytest.raises(TransportRefused) as raised:
        way(fake, configuration_set="campaigns", topic_arn=TOPIC).probe()
    for part in (
        "sandbox", "switched off (the account's status is SHUTDOWN)", "example.org is not verified", "DKIM PENDING",
        "abc, def, ghi", "MAIL FROM domain mail.example.org", "DELIVERY, COMPLAINT, REJECT, DELIVERY_DELAY",
    ):  # fmt: skip
        assert part in raised.value.message


def test_the_probe_looks_for_the_address_where_the_domain_is_none(fake: SesFake) -> None:
    fake.identities["appeals@example.org"] = fake.identities.pop("example.org")
    assert "appeals@example.org is verified" in way(fake).probe()
    with pytest.raises(TransportRefused, match=r"neither example\.net nor"):
        way(fake, sender="x@example.net").probe()
    fake.account["EnforcementStatus"] = "PROBATION"
    with pytest.raises(TransportRefused, match="under review"):
        way(fake).probe()
    with pytest.raises(TransportRefused, match="no sender"):
        way(fake, sender="").probe()


def test_a_probe_with_a_wrong_key_or_at_a_bad_moment(fake: SesFake) -> None:
    with pytest.raises(TransportRefused, match="SignatureDoesNotMatch"):
        way(fake, key=AccessKey("AKIDTEST", "another")).probe()
    fake.answers.append((503, "ServiceUnavailable", "x"))
    with pytest.raises(TransportUnavailable):
        way(fake).probe()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("region", "Frankfurt"),
        ("region", "eu-central-1.evil.test/"),
        ("configuration_set", "a b"),
        ("topic_arn", "mail"),
        ("topic_arn", "arn:aws:sns:eu-central-1.evil.test/:123456789012:x"),
        ("timeout_seconds", 0.0),
        ("connections", 65),
    ],
)
def test_settings_that_cannot_work(key: str, value: object) -> None:
    (fault,) = read_table(Ses, {key: value}, section="", place=lambda key: Place(part=key)).faults
    assert fault.part == key


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (Ses(), "Amazon SES in no region yet"),
        (Ses(region="eu-west-1"), "Amazon SES in eu-west-1"),
        (Ses(endpoint="https://x"), "https://x"),
    ],
)
def test_before_anything_goes_it_is_said_where_to(chosen: Ses, said: str) -> None:
    provider = provider_named("ses")
    assert provider.where(Settings(root=Path(), transport="ses").using(chosen)) == said
    assert (provider.dns.own_return_path, provider.dns.cname, provider.dns.selectors) == (True, True, ())


def test_a_mailing_that_no_mail_could_carry_is_refused_before_anybody_is_mailed(fake: SesFake) -> None:
    with pytest.raises(TransportRefused, match="control character"):
        way(fake).connect(replace(MAILING, headers=(("List-ID", "two\nlines"),)))
    assert fake.accepted == []


def test_a_probe_that_is_hung_up_on_says_so(fake: SesFake) -> None:
    fake.answers.append((0, BREAK, None))
    with pytest.raises(TransportUnavailable, match="Amazon SES didn't answer"):
        way(fake).probe()


def test_an_amazon_that_is_not_there_is_told_without_the_key(fake: SesFake) -> None:
    there = way(fake, endpoint="http://127.0.0.1:1")
    with pytest.raises(TransportUnavailable, match="can't be reached"):
        there.probe()
    assert repr(there) == "SesTransport('eu-central-1')"
