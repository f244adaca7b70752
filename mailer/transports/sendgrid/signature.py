"""Verifies that a post to the webhook is SendGrid's: ECDSA (P-256, SHA-256) over the timestamp and the raw body.

Works like sendgrid-python's `EventWebhook`. The age of a post isn't checked: SendGrid retries for 24 hours, and a
repeat changes nothing. Reading the body is left to `webhook`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailer.errors import MailerError

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
LONGEST_HEADER = 500  # a signature is 96 characters


def load_keys(texts: Sequence[str]) -> tuple[EllipticCurvePublicKey, ...]:
    """The public keys as SendGrid shows them: base64 of a DER SubjectPublicKeyInfo. Raises `MailerError`."""
    keys: list[EllipticCurvePublicKey] = []
    for place, text in enumerate(texts, 1):
        try:
            key = load_der_public_key(b64decode(text, validate=True))
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, EllipticCurvePublicKey):
            raise MailerError(
                f"number {place} of sendgrid.webhook_keys is not a public key of SendGrid's Event Webhook",
                remedy="Copy the verification key from Settings, Mail Settings, Event Webhooks.",
            )
        keys.append(key)
    return tuple(keys)


def is_signed(keys: Sequence[EllipticCurvePublicKey], body: bytes, *, signature: str, timestamp: str) -> bool:
    """Whether one of `keys` signed the body. Anything that isn't a signature counts as a wrong one."""
    if max(len(signature), len(timestamp)) > LONGEST_HEADER:
        return False
    try:
        der = b64decode(signature, validate=True)
        message = timestamp.encode("ascii") + body
    except ValueError:
        return False
    for key in keys:
        try:
            key.verify(der, message, ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            continue
        return True
    return False
