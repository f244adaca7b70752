"""Hands mails to Amazon SES, one in each call of `SendEmail`, and interprets its answers.

The mail goes as finished MIME, the same bytes as by SMTP
(docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html). There is no idempotency key, so a call whose answer
is missing leaves its person *uncertain*. Why not SMTP or Amazon's own library: decision 32.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from mailer.transports.base import Envelope, Fate, Mailing, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from mailer.transports.events import delivery_mark
from mailer.transports.http_api import AnswerMissing
from mailer.transports.mime.headers import ascii_address
from mailer.transports.mime.message import Skeleton, Unmailable
from mailer.transports.ses.health import look
from mailer.transports.ses.http import SesAnswer, SesClient
from mailer.transports.ses.settings import Ses
from mailer.transports.ses.signature import AccessKey

MARK = "mailer"  # the tag that brings a delivery's mark back with its events
RATE_SECONDS = 1.0  # limits are counted by the second
QUOTA_SECONDS = 3600.0  # the 24 hours of the quota slide, so an hour later there is room for some
TOO_MANY = ("TooManyRequests", "Throttling", "Throttled", "LimitExceeded")
# Nothing is taken until staff fix it, whatever the mail is.
STOPS = ("AccountSuspended", "SendingPaused", "MailFromDomainNotVerified", "NotFound", "AccessDenied")
_QUOTA = re.compile(r"daily|quota|24.hour", re.IGNORECASE)
_OF_US = re.compile(r"not verified|suspended|paused|disabled|not authori[sz]ed", re.IGNORECASE)
_OF_ADDRESS = re.compile(r"address|domain|destination|recipient", re.IGNORECASE)
_OF_SENDER = re.compile(r"\bfrom\b|source|sender|reply|return|configuration", re.IGNORECASE)


def mark_of(envelope: Envelope) -> str:
    """The delivery's mark in the signs that a tag may have: letters, digits, - and _."""
    return delivery_mark(envelope.delivery_id, envelope.attempt).replace(".", "-")


class SesTransport:
    """Amazon SES, configured by its settings. `sender` is what the probe looks up."""

    name = "ses"
    batch = 1

    def __init__(
        self,
        settings: Ses,
        *,
        key: AccessKey,
        sender: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.connections = settings.connections
        self._settings = settings
        self._key = key
        self._sender = sender
        self._clock = clock

    def __repr__(self) -> str:
        return f"SesTransport({self._settings.region!r})"

    def connect(self, mailing: Mailing) -> SesConnection:
        """Raises `TransportRefused` without a region or access key, or when no mail could carry this mailing."""
        client = self._client()
        try:
            return SesConnection(client, mailing, configuration_set=self._settings.configuration_set)
        except Unmailable as error:
            raise TransportRefused(error.message, remedy=error.remedy) from error

    def loop(self, mailing: Mailing) -> None:
        return None

    def probe(self) -> str:
        """Ask for the account, the sender's identity and where events go; nothing is sent."""
        client = self._client()
        try:
            return look(client.call, self._settings, sender=self._sender)
        except AnswerMissing as error:
            raise TransportUnavailable(f"Amazon SES didn't answer: {error}") from error
        finally:
            client.close()

    def _client(self) -> SesClient:
        return SesClient(self._settings, self._key, clock=self._clock)


class SesConnection:
    """Calls for one mailing. Raises `Unmailable` for one that can't be carried."""

    def __init__(self, client: SesClient, mailing: Mailing, *, configuration_set: str) -> None:
        self._client = client
        self._skeleton = Skeleton(mailing)
        self._shared = {"ConfigurationSetName": configuration_set} if configuration_set else {}

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """The outcome of the one envelope. Raises only when it surely wasn't handed over."""
        (envelope,) = envelopes
        try:
            body = json.dumps(self._mail(envelope)).encode()
        except Unmailable as error:
            return [Outcome(Fate.REFUSED, detail=error.message)]
        try:
            return [outcome_of(self._client.call("outbound-emails", body))]
        except AnswerMissing as error:
            doubt = f"Amazon SES may have taken it; the answer is missing: {error}"
            return [Outcome(Fate.UNCERTAIN, detail=doubt)]

    def close(self) -> None:
        self._client.close()

    def _mail(self, envelope: Envelope) -> dict[str, Any]:
        content = self._skeleton.fill(envelope)
        return {
            **self._shared,
            "Destination": {"ToAddresses": [ascii_address(envelope.address)]},
            "Content": {"Raw": {"Data": b64encode(content).decode()}},
            "EmailTags": [{"Name": MARK, "Value": mark_of(envelope)}],
        }


def outcome_of(answer: SesAnswer) -> Outcome:
    """What an answer to `SendEmail` says of its mail. Raises `TransportUnavailable` or `TransportRefused` for one that
    says the same of every mail."""
    code = f"{answer.status} {answer.error}".strip()
    number = answer.data.get("MessageId")
    if answer.status == 200 and isinstance(number, str) and number:
        return Outcome(Fate.ACCEPTED, code, "queued by Amazon SES", provider_id=number)
    if answer.status < 300 or answer.status >= 500:  # its fault, or unreadable: the mail may be on its way all the same
        return Outcome(Fate.UNCERTAIN, code, f"Amazon SES answered {answer}", reply_class=ReplyClass.SOFT)
    if answer.status == 429 or answer.error in TOO_MANY:
        quota = answer.error == "LimitExceeded" or _QUOTA.search(answer.words)
        raise TransportUnavailable(
            f"Amazon SES answered {answer}",
            remedy="See the sending limits in the SES console, and set [pace] per_second below the rate.",
            retry_after_seconds=QUOTA_SECONDS if quota else RATE_SECONDS,
        )
    rejected = answer.error == "MessageRejected"
    if answer.status != 400 or answer.error in STOPS or (rejected and _OF_US.search(answer.words)):
        raise complaint(answer)
    if rejected:  # by its content, such as a virus
        return Outcome(Fate.REFUSED, code, answer.words, reply_class=ReplyClass.POLICY)
    of_address = _OF_ADDRESS.search(answer.words) and not _OF_SENDER.search(answer.words)
    return Outcome(Fate.REFUSED, code, answer.words, reply_class=None if of_address else ReplyClass.OURS)


def complaint(answer: SesAnswer) -> TransportRefused:
    """What stops the sending, with what to do."""
    if answer.error in ("AccountSuspended", "SendingPaused") or "paused" in answer.words:
        remedy = "See the account's reputation page in the SES console; only Amazon can let it send again."
    elif "not verified" in answer.words or answer.error == "MailFromDomainNotVerified":
        remedy = "Verify the sender's domain and its MAIL FROM domain in this region, and ask for production access."
    elif answer.error == "NotFound":
        remedy = "Check ses.configuration_set and ses.region: each region has its own."
    elif answer.error in ("SignatureDoesNotMatch", "InvalidSignature", "RequestExpired", "RequestTimeTooSkewed"):
        remedy = "Check the secret access key and this machine's clock."
    else:
        remedy = "Check the access key, its permissions (ses:SendEmail, ses:SendRawEmail), ses.region and ses.endpoint."
    return TransportRefused(f"Amazon SES refuses us: {answer}", remedy=remedy)
