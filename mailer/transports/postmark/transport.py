"""Hands mails to Postmark in batches, and interprets its answers.

A call answers for each mail by itself (postmarkapp.com/developer/api/email-api). There is no idempotency key, so a call
whose answer is missing leaves its people *uncertain*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from mailer.transports.base import Envelope, Fate, Mailing, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from mailer.transports.events import delivery_mark
from mailer.transports.http_api import AnswerMissing
from mailer.transports.mime.headers import ascii_address, one_line_values, split_mailbox
from mailer.transports.mime.message import Skeleton, Unmailable, fill
from mailer.transports.mime.quoted_printable import one_line_break
from mailer.transports.postmark.http import PostmarkAnswer, PostmarkClient
from mailer.transports.postmark.settings import Postmark

MARK = "mailer"  # the name in Metadata under which a delivery's mark travels to its events
MOST_BYTES = 40_000_000  # of a call; documented: 50 MB
KEEP_MESSAGE_ID = {"Name": "X-PM-KeepID", "Value": "true"}
INACTIVE = 406  # the address bounced or complained before, and Postmark no longer mails it
# Codes of one mail that are about all of them: no sender signature, not confirmed, no credit, no such stream.
OURS = frozenset((400, 401, 405, 412, 413, 1226, 1235))


class PostmarkTransport:
    """Postmark, configured by its settings."""

    name = "postmark"

    def __init__(self, settings: Postmark, *, token: str) -> None:
        self.batch = settings.people_per_request
        self.connections = settings.connections
        self._settings = settings
        self._token = token

    def __repr__(self) -> str:
        return f"PostmarkTransport({self._settings.base_url!r})"

    def connect(self, mailing: Mailing) -> PostmarkConnection:
        """Raises `TransportRefused` without a token, or when Postmark could not carry this mailing."""
        client = PostmarkClient(self._settings, self._token)
        try:
            return PostmarkConnection(client, mailing, stream=self._settings.stream)
        except Unmailable as error:
            raise TransportRefused(error.message, remedy=error.remedy) from error

    def loop(self, mailing: Mailing) -> None:
        return None

    def probe(self) -> str:
        """Look up the configured stream; nothing is sent."""
        given, client = self._settings, PostmarkClient(self._settings, self._token)
        try:
            answer = client.call(f"/message-streams/{given.stream}")
        except AnswerMissing as error:
            raise TransportUnavailable(f"Postmark didn't answer: {error}") from error
        if answer.status == 200:
            return f"Postmark at {given.base_url} knows this server, and its stream {given.stream}"
        raise _complaint(answer)


class PostmarkConnection:
    """Calls for one mailing. Raises `Unmailable` for one that can't be carried."""

    def __init__(self, client: PostmarkClient, mailing: Mailing, *, stream: str) -> None:
        self._client = client
        self._mailing = mailing
        self._skeleton = Skeleton(mailing)  # refuses what no mail can carry, as the other transports do
        shared: dict[str, Any] = {
            "From": _mailbox(mailing.from_name, ascii_address(mailing.from_address)),
            "MessageStream": stream,
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        if mailing.reply_to:
            shared["ReplyTo"] = _mailbox(*split_mailbox(mailing.reply_to))
        self._shared = shared
        self._headers = [KEEP_MESSAGE_ID, *_headers(mailing.headers)]

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """One outcome for each, in order. Raises only when surely none was handed over."""
        outcomes: dict[int, Outcome] = {}
        mails: dict[int, bytes] = {}
        for place, envelope in enumerate(envelopes):
            try:
                mails[place] = json.dumps(self._mail(envelope), ensure_ascii=False).encode()
            except Unmailable as error:
                outcomes[place] = Outcome(Fate.REFUSED, detail=error.message)
        if mails:
            outcomes |= self._post(mails)
        return [outcomes[place] for place in range(len(envelopes))]

    def close(self) -> None:
        """Each call has closed its connection."""

    def _mail(self, envelope: Envelope) -> dict[str, Any]:
        self._skeleton.fill(envelope)
        mailing, values = self._mailing, envelope.values
        reply_name = split_mailbox(mailing.reply_to)[0] if mailing.reply_to else ""
        own = {"ReplyTo": _mailbox(reply_name, ascii_address(envelope.reply_to))} if envelope.reply_to else {}
        return {
            **self._shared,
            **own,
            "To": _mailbox(envelope.name, ascii_address(envelope.address)),
            "Subject": fill(mailing.subject, values),
            "TextBody": one_line_break(fill(mailing.text, values)),
            "HtmlBody": one_line_break(fill(mailing.html, values)),
            "Headers": [*self._headers, *_headers(envelope.headers)],
            "Metadata": {MARK: delivery_mark(envelope.delivery_id, envelope.attempt)},
        }

    def _post(self, mails: dict[int, bytes]) -> dict[int, Outcome]:
        """Make one call; what doesn't fit waits for the next."""
        taken: dict[int, bytes] = {}
        for place, mail in mails.items():
            if taken and sum(map(len, taken.values())) + len(mail) > MOST_BYTES:
                break
            taken[place] = mail
        later = Outcome(Fate.DEFERRED, detail="the mails before it filled the call")
        rest = {place: later for place in mails if place not in taken}
        try:
            answer = self._client.call("/email/batch", b"[" + b",".join(taken.values()) + b"]")
        except AnswerMissing as error:
            doubt = Outcome(Fate.UNCERTAIN, detail=f"Postmark may have taken it; the answer is missing: {error}")
            return rest | dict.fromkeys(taken, doubt)
        return rest | dict(zip(taken, _outcomes(answer, len(taken)), strict=True))


def _outcomes(answer: PostmarkAnswer, count: int) -> list[Outcome]:
    """The outcome of each mail in a call. Raises when none was taken."""
    said = cast(list[Any], answer.data) if isinstance(answer.data, list) else []
    if answer.status == 200 and len(said) == count and all(isinstance(one, dict) for one in said):
        found = [_outcome(cast(dict[str, Any], one)) for one in said]
        if all(one.refuses_us for one in found):
            raise TransportRefused(
                f"Postmark refuses us: {found[0].detail}", remedy="See the server's page at Postmark."
            )
        return found
    if answer.status in (401, 403, 404, 405, 413, 415, 422, 429) or 300 <= answer.status < 400:
        raise _complaint(answer)
    code = str(answer.status)
    doubt = f"Postmark answered {code} {answer.words}".strip()  # Postmark's fault, or an undocumented answer
    return [Outcome(Fate.UNCERTAIN, code, doubt, reply_class=ReplyClass.SOFT)] * count


def _outcome(said: dict[str, Any]) -> Outcome:
    code, words = said.get("ErrorCode"), re.sub(r"[^ -~]+", " ", str(said.get("Message") or ""))[:500]
    if code == 0:
        return Outcome(Fate.ACCEPTED, "0", "queued by Postmark", provider_id=str(said.get("MessageID") or ""))
    if not isinstance(code, int) or isinstance(code, bool):
        return Outcome(Fate.UNCERTAIN, detail="Postmark's answer for it can't be read")
    if code in OURS:
        return Outcome(Fate.REFUSED, str(code), words, reply_class=ReplyClass.OURS, refuses_us=True)
    # Inactive tells that Postmark mails it no more, and not whether it bounced or complained: nothing is concluded.
    kind = ReplyClass.POLICY if code == INACTIVE else None
    return Outcome(Fate.REFUSED, str(code), words, reply_class=kind)


def _complaint(answer: PostmarkAnswer) -> TransportRefused | TransportUnavailable:
    said = f"Postmark answered {answer.status}: {answer.words}".rstrip(": ")
    if answer.status == 429 or answer.status >= 500:
        return TransportUnavailable(said, retry_after_seconds=60.0 if answer.status == 429 else None)
    return TransportRefused(said, remedy="Check the server's token, its stream, and postmark.base_url.")


def _headers(headers: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": one_line_values(name, [value])[0]} for name, value in headers]


def _mailbox(name: str, address: str) -> str:
    """A name and an address in one text; the name is quoted, so nothing in it has a special meaning."""
    if not name.strip():
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'
