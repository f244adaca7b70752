"""Tells posts of our topic at Amazon SNS from anybody else's, and confirms its subscription.

A post is signed with a key whose certificate Amazon serves
(docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html). The post itself says where that is, so nothing
is asked but the host of the topic that the settings name, over TLS, and only for what certificates are called there:
under other paths a host may repeat what it is asked.
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from mailer.transports.events import PostUndecided
from mailer.transports.http_connection import HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.http_kept import KeptConnection, environment_proxy
from mailer.transports.ses.settings import host_of

NOTIFICATION, CONFIRMATION, UNSUBSCRIBED = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
# What is signed of a post, in this order; Subject only where there is one.
SIGNED: Mapping[str, tuple[str, ...]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        (CONFIRMATION, UNSUBSCRIBED),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
# 1 is what a topic has unless it is set. Nobody can forge it: the weakness of SHA-1 needs the signer's help.
HASHES = {"1": SHA1, "2": SHA256}
CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")
LEAST_BITS = 2048
MOST_KEPT = 8  # certificates; Amazon has one at a time, and changes it about once a year
FETCH_SECONDS = 5.0  # for connecting, and again for the rest

Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """The body behind an https URL of Amazon's. Redirects are not followed. Raises `PostUndecided`."""
    endpoint = HttpEndpoint.of(url)
    connection = KeptConnection(endpoint, seconds=FETCH_SECONDS, proxy=environment_proxy(endpoint))
    try:
        answer = connection.exchange(HttpRequest("GET", endpoint, {}))
    except NoAnswer as error:
        raise PostUndecided(f"{endpoint.host} can't be asked: {error.in_words(FETCH_SECONDS)}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise PostUndecided(f"{endpoint.host} answered {answer.status}")
    return answer.body


def fields_of(body: bytes) -> dict[str, str]:
    """The fields of a post that are texts; none when it isn't an object of JSON."""
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    entries = cast(dict[str, object], data) if isinstance(data, dict) else {}
    return {name: value for name, value in entries.items() if isinstance(value, str)}


@dataclass(frozen=True, slots=True)
class SnsVerifier:
    """Believes what SNS signed for one topic."""

    topic_arn: str
    fetch: Fetch
    clock: Callable[[], datetime]
    _kept: dict[str, Certificate] = field(default_factory=dict[str, Certificate], init=False, repr=False)
    _fetching: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def promising(self, headers: Mapping[str, str]) -> bool:
        return (
            headers.get("x-amz-sns-topic-arn") == self.topic_arn and headers.get("x-amz-sns-message-type", "") in SIGNED
        )

    def is_theirs(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Confirms the subscription too, when that is what the post asks for: SNS sends nothing else before."""
        post = fields_of(body)
        if post.get("TopicArn") != self.topic_arn or not self._is_signed(post):
            return False
        return post["Type"] != CONFIRMATION or self._confirm(post)

    def _is_signed(self, post: Mapping[str, str]) -> bool:
        names, hashed = SIGNED.get(post.get("Type", ""), ()), HASHES.get(post.get("SignatureVersion", ""))
        required = {*names, "Signature", "SigningCertURL"} - {"Subject"}
        if not names or hashed is None or not required <= set(post):
            return False
        text = "".join(f"{name}\n{post[name]}\n" for name in names if name in post)
        key = self._key(post["SigningCertURL"])
        if key is None:
            return False
        try:
            key.verify(b64decode(post["Signature"], validate=True), text.encode(), PKCS1v15(), hashed())
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False
        return True

    def _key(self, url: str) -> RSAPublicKey | None:
        """The key behind a certificate's address; None for what no certificate of theirs is."""
        path = url.removeprefix(self._home)
        if path == url or not CERTIFICATE_PATH.fullmatch(path):
            return None
        certificate = self._kept.get(url)
        if certificate is None:
            try:
                certificate = load_pem_x509_certificate(self._ask(url))
            except ValueError:
                return None
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[url] = certificate
        key = certificate.public_key()
        valid = certificate.not_valid_before_utc <= self.clock() <= certificate.not_valid_after_utc
        return key if valid and isinstance(key, RSAPublicKey) and key.key_size >= LEAST_BITS else None

    def _confirm(self, post: Mapping[str, str]) -> bool:
        url = post["SubscribeURL"]
        where, _, query = url.partition("?")
        asked = parse_qs(query)
        wanted = asked.get("Action") == ["ConfirmSubscription"] and asked.get("TopicArn") == [self.topic_arn]
        if not wanted or where != f"{self._home}/":
            return False
        self._ask(url)
        return True

    @property
    def _home(self) -> str:
        """The only site that is asked anything: SNS in the region of our topic."""
        return f"https://{host_of('sns', self.topic_arn.split(':')[3])}"

    def _ask(self, url: str) -> bytes:
        """One at a time: forged posts may name what must be fetched, and mustn't hold up all that readers wait for."""
        if not self._fetching.acquire(blocking=False):
            raise PostUndecided("another post's certificate is being fetched")
        try:
            return self.fetch(url)
        finally:
            self._fetching.release()
