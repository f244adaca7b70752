"""Hands mails to SendGrid's v3 Mail Send, and interprets its answers.

SendGrid has no idempotency key, so a request whose answer is missing leaves its people *uncertain*; a request that
surely failed before it was taken may be sent again. `payload` builds a request; `http` posts it and tells
how far it got.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from mailer.transports.base import Envelope, Fate, Mailing, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from mailer.transports.http_api import AnswerMissing
from mailer.transports.mime.headers import Unmailable, split_mailbox
from mailer.transports.sendgrid.http import Poster, SendgridAnswer
from mailer.transports.sendgrid.payload import MOST_PEOPLE, MOST_REQUEST_BYTES, Group, RequestBody
from mailer.transports.sendgrid.recipients import SendgridRecipient
from mailer.transports.sendgrid.settings import Sendgrid

MOST_CORRECTIONS = 20  # requests in one hand-over that may fail for single people: many 400s get an account blocked
COMPLAINTS = (401, 403, 404, 405, 406, 415)  # key, permission, address, gzip: nothing is taken until staff fix it
FIRST_BATCH = 100  # people, before anything is known of what is merged for them
ENOUGH_TO_LEARN = 20  # people; fewer share more than many would
FILLED = 0.92  # of the room in a request: the next people may have longer texts
_NAMED = re.compile(r"personalizations[.\[](\d+)\]?(.*)")


class SendgridTransport:
    """SendGrid, configured by its settings. `probe` validates a mail from `sender` without sending anything."""

    name = "sendgrid"

    def __init__(self, settings: Sendgrid, *, api_key: str, sender: str = "") -> None:
        self.connections = settings.connections
        self._settings = settings
        self._api_key = api_key
        self._sender = sender
        self._most_people = settings.people_per_request or MOST_PEOPLE
        self._merged_bytes = 0.0  # for one person, on average
        self._key = ""  # of the mailing that this was learned from

    @property
    def batch(self) -> int:
        """How many people a request has room for, estimated from what was merged for earlier ones."""
        limit = self._settings.merged_bytes_per_request
        if not limit:
            return self._most_people
        room = int(limit * FILLED / self._merged_bytes) if self._merged_bytes else FIRST_BATCH
        return max(1, min(self._most_people, room))

    def __repr__(self) -> str:
        return f"SendgridTransport({self._settings.base_url!r})"

    def connect(self, mailing: Mailing) -> SendgridConnection:
        """Raises `TransportRefused` without an API key, or when SendGrid could not carry this mailing."""
        if mailing.key != self._key:
            self._key, self._merged_bytes = mailing.key, 0.0
        try:
            body = RequestBody(
                mailing,
                most_people=self._most_people,
                most_merged_bytes=self._settings.merged_bytes_per_request,
            )
        except Unmailable as error:
            raise TransportRefused(error.message, remedy=error.remedy) from error
        return SendgridConnection(Poster(self._settings, self._api_key), body, self._learn)

    def _learn(self, people: int, merged_bytes: int) -> None:
        if people >= ENOUGH_TO_LEARN:
            self._merged_bytes = merged_bytes / people

    def loop(self, mailing: Mailing) -> None:
        return None

    def probe(self) -> str:
        """Validate a mail in sandbox mode: nothing is sent, and no credit used."""
        if not self._sender:
            raise TransportRefused("there is no sender for SendGrid to try", remedy="Set [sender] from in mailer.toml.")
        name, address = split_mailbox(self._sender)
        mail: dict[str, Any] = {
            "from": {"email": address, "name": name} if name else {"email": address},
            "personalizations": [{"to": [{"email": address}]}],
            "subject": "Mailer's check of the SendGrid settings",
            "content": [{"type": "text/plain", "value": "This is not sent."}],
            "mail_settings": {"sandbox_mode": {"enable": True}},
        }
        post = Poster(self._settings, self._api_key)
        try:
            answer = post(json.dumps(mail).encode())
        except AnswerMissing as error:
            raise TransportUnavailable(f"SendGrid didn't answer: {error}") from error
        finally:
            post.close()
        if answer.status == 200:
            return f"SendGrid at {self._settings.base_url} takes mail from {address}"
        raise _complaint(answer)


class SendgridConnection:
    """Requests of one mailing, over an HTTP connection that is kept while they follow one another closely."""

    def __init__(self, post: Poster, body: RequestBody, learn: Callable[[int, int], None]) -> None:
        self._post = post
        self._body = body
        self._learn = learn

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """One outcome for each, in order. Raises only when surely none was handed over."""
        work = _HandOver(self._post, self._body, envelopes)
        self._learn(len(envelopes), sum(group.sharing.total_bytes for group in work.waiting))
        while work.waiting:
            work.post(work.waiting.pop(0))
        return [work.outcomes[place] for place in range(len(envelopes))]

    def close(self) -> None:
        self._post.close()


class _HandOver:
    """One hand-over: the requests still to be made, and what is known about each envelope by its place."""

    def __init__(self, post: Poster, body: RequestBody, envelopes: Sequence[Envelope]) -> None:
        self._post = post
        self._body = body
        self._corrections = 0
        people, refused = body.people.make(envelopes)
        self.outcomes = {place: Outcome(Fate.REFUSED, detail=error.message) for place, error in refused.items()}
        self.waiting = list(body.groups(people))

    def post(self, request: Group) -> None:
        """Make one request and settle its people, or put what is left of them back in front of the queue."""
        group, content = request.people, self._body.request(request)
        if len(content) > MOST_REQUEST_BYTES and len(group) > 1:
            self._halve(group)
            return
        try:
            answer = self._post(content)
        except AnswerMissing as error:
            why = f"SendGrid may have taken it; the answer is missing: {error}"
            self._doubt(group, Outcome(Fate.UNCERTAIN, detail=why))
        except TransportUnavailable as error:
            self._stop(group, error, ReplyClass.SOFT)
        else:
            self._read(group, answer)

    def _read(self, group: Sequence[SendgridRecipient], answer: SendgridAnswer) -> None:
        if answer.status == 413 and len(group) > 1:
            self._halve(group)
        elif answer.status == 400 and self._correct(group, answer):
            pass
        elif answer.status == 429:
            self._settle_all(group, _limited(answer))
        elif answer.status in COMPLAINTS or 300 <= answer.status < 400:
            self._stop(group, _complaint(answer), ReplyClass.OURS)
        elif answer.status in (202, 400, 413):
            self._settle(group, _outcome(answer))
        else:
            self._doubt(group, _outcome(answer))

    def _correct(self, group: Sequence[SendgridRecipient], answer: SendgridAnswer) -> bool:
        """Whether the answer names people: they are refused, and the others wait to be tried again."""
        named = _named(answer, group)
        for person, outcome in named:
            self.outcomes[person.place] = outcome
        rest = [person for person in group if person.place not in self.outcomes]
        if not named or not rest:
            return bool(named)
        self._corrections += 1
        if self._corrections > MOST_CORRECTIONS:
            self._settle_all(rest, Outcome(Fate.DEFERRED, detail="others in the same requests were refused too often"))
        else:
            self.waiting[:0] = self._body.groups(rest)
        return True

    def _doubt(self, group: Sequence[SendgridRecipient], outcome: Outcome) -> None:
        """These people's mails are uncertain; the others surely weren't sent, and don't join them now."""
        self._settle(group, outcome)
        if self.waiting:
            self._settle_all([], Outcome(Fate.DEFERRED, detail="SendGrid's answer to an earlier request is missing"))

    def _stop(
        self, group: Sequence[SendgridRecipient], error: TransportUnavailable | TransportRefused, kind: ReplyClass
    ) -> None:
        """Raise when nobody's mail can have been taken; otherwise defer the people who are left."""
        if not any(outcome.fate in (Fate.ACCEPTED, Fate.UNCERTAIN) for outcome in self.outcomes.values()):
            raise error
        self._settle_all(group, Outcome(Fate.DEFERRED, detail=error.message, reply_class=kind))

    def _settle_all(self, group: Sequence[SendgridRecipient], outcome: Outcome) -> None:
        self._settle(group, outcome)
        for waiting in self.waiting:
            self._settle(waiting.people, outcome)
        self.waiting.clear()

    def _halve(self, group: Sequence[SendgridRecipient]) -> None:
        half = len(group) // 2
        self.waiting[:0] = [*self._body.groups(group[:half]), *self._body.groups(group[half:])]

    def _settle(self, people: Sequence[SendgridRecipient], outcome: Outcome) -> None:
        for person in people:
            self.outcomes[person.place] = outcome


def _outcome(answer: SendgridAnswer) -> Outcome:
    """The outcome of an answer for everybody in its request."""
    code, words = str(answer.status), answer.words
    match answer.status:
        case 202:
            return Outcome(
                Fate.ACCEPTED, code, "queued by SendGrid", provider_id=answer.headers.get("x-message-id", "")
            )
        case 400 | 413:
            return Outcome(Fate.REFUSED, code, words, reply_class=ReplyClass.OURS)
        case _:
            # SendGrid's fault, or not a documented answer: in some such cases the mail was sent all the same.
            return Outcome(
                Fate.UNCERTAIN, code, f"SendGrid answered {code} {words}".strip(), reply_class=ReplyClass.SOFT
            )


def _limited(answer: SendgridAnswer) -> Outcome:
    return Outcome(
        Fate.DEFERRED,
        "429",
        answer.words or "SendGrid's rate limit is reached",
        reply_class=ReplyClass.SOFT,
        retry_after_seconds=answer.wait_seconds,
    )


def _named(answer: SendgridAnswer, group: Sequence[SendgridRecipient]) -> list[tuple[SendgridRecipient, Outcome]]:
    """The people that a 400 names, each with their outcome; empty when it names nobody."""
    found: dict[int, tuple[SendgridRecipient, Outcome]] = {}
    for field, message in answer.errors:
        match = _NAMED.match(field)
        if match and int(match.group(1)) < len(group):
            person = group[int(match.group(1))]
            bad_address = ".to" in match.group(2) and "valid address" in message
            kind = ReplyClass.HARD if bad_address else None
            detail = re.sub(r"[^ -~]+", " ", f"{message} ({field})")[:500]
            found[person.place] = (person, Outcome(Fate.REFUSED, "400", detail, reply_class=kind))
    return list(found.values())


def _complaint(answer: SendgridAnswer) -> TransportRefused | TransportUnavailable:
    said = f"SendGrid answered {answer.status}: {answer.words}".rstrip(": ")
    if answer.status in (401, 403):
        return TransportRefused(said, remedy="Check the API key, its permission to send mail, and the verified sender.")
    if answer.status >= 500 or answer.status == 429:
        return TransportUnavailable(said, retry_after_seconds=answer.wait_seconds if answer.status == 429 else None)
    if answer.status == 415:
        return TransportRefused(said, remedy="Only accounts where SendGrid's support enabled it may set sendgrid.gzip.")
    return TransportRefused(
        said, remedy="Check sendgrid.base_url; it is https://api.sendgrid.com or its EU counterpart."
    )
