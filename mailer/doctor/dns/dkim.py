"""DKIM: the public keys that prove a mail is from its domain and unaltered (RFC 6376).

The relay or the provider signs; this module checks that receivers find a key they accept.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

from mailer.diagnostics import Diagnostic, Level, at_most, bad, warning, well
from mailer.doctor.dns.lookup import Got, Lookup

LEAST_BITS = 1024  # RFC 8301 §3.2: verifiers must not accept less
ADVISED_BITS = 2048
ED25519_BYTES = 32  # RFC 8463 §4


@dataclass(frozen=True, slots=True)
class Key:
    """A key record. `bits` is 0 unless the key is RSA."""

    kind: str  # rsa, ed25519
    bits: int
    testing: bool = False  # t=y: receivers treat the mail as unsigned (§3.6.1)


class Unusable(Exception):
    """No receiver accepts this record as a key."""


def check_dkim(lookup: Lookup, domain: str, *, selectors: Sequence[str], provider: str = "") -> list[Diagnostic]:
    """A finding for each selector; bad only when no selector has a key that receivers accept.

    `provider`: who wants its keys as CNAME records, so that it can change them; "": TXT, as relays do.
    """
    if not selectors:
        said = f"DKIM: no selector is set, so whether mails from {domain} are signed can't be checked"
        remedy = 'Ask the relay\'s provider for it, and set it in mailer.toml: [sender] dkim_selectors = ["s1"].'
        return [warning(said, remedy)]
    findings = [_check(lookup, one, f"{one}._domainkey.{domain}", provider) for one in selectors]
    if any(one.level is Level.OK for one in findings):
        # One good key is enough to sign with; the other is there to switch to.
        return at_most(Level.WARNING, findings)
    return findings


def _check(lookup: Lookup, selector: str, name: str, provider: str) -> Diagnostic:
    answer = lookup(name, "TXT")
    if answer.got is Got.UNKNOWN:
        return warning(f"DKIM {selector} couldn't be looked up: {answer.why}", "Try again when the DNS answers.")
    if answer.got is not Got.FOUND:
        kind, who = ("CNAME", f"{provider} account") if provider else ("TXT", "relay")
        there = f"{name} leads to {answer.canonical}, where there is no key"
        where = there if answer.canonical else f"no key at {name}"
        said = f"DKIM {selector}: {where}, so mails signed with it count as unsigned"
        return bad(said, f"Add the {kind} record that your {who} names for it.")
    try:
        first, *others = answer.values
        if others:  # §3.6.2.2: the result is undefined
            raise Unusable(f"{1 + len(others)} records where one is allowed")
        key = parse_key(first)
    except Unusable as error:
        said = f"DKIM {selector}: receivers don't accept the key at {name}: {error}"
        return bad(said, "Publish the key again as your provider shows it.")
    return _judge_key(selector, key, through=answer.canonical)


def _judge_key(selector: str, key: Key, *, through: str) -> Diagnostic:
    named = f"DKIM {selector}: {_called(key)}" + (f", kept at {through}" if through else "")
    if key.testing:
        return warning(f"{named}, marked as a test (t=y), so receivers may treat mails as unsigned", "Remove t=y.")
    if key.kind == "ed25519":
        return warning(
            f"{named}, which many receivers can't verify yet (RFC 8463)",
            "Sign with an RSA key of 2048 bits as well.",
        )
    if key.bits < LEAST_BITS:
        return bad(f"{named}: receivers accept none below {LEAST_BITS} bits (RFC 8301)", "Use one of 2048 bits.")
    if key.bits < ADVISED_BITS:
        # support.google.com/a/answer/81126: at least 1024, 2048 advised
        return warning(f"{named}: accepted, but {ADVISED_BITS} bits are advised", "Change to one of 2048 bits.")
    return well(named)


def _called(key: Key) -> str:
    return f"an RSA key of {key.bits} bits" if key.kind == "rsa" else "an Ed25519 key"


def parse_key(record: str) -> Key:
    """The key in a TXT record (RFC 6376 §3.6.1). Raises `Unusable`."""
    tags = _tags(record)
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise Unusable("v=DKIM1 must come first")
    kind = tags.get("k", "rsa").lower()
    if kind not in ("rsa", "ed25519"):
        raise Unusable(f"the kind of key {kind!r} is unknown")
    hashes = [one.strip().lower() for one in tags.get("h", "sha256").split(":")]
    if "sha256" not in hashes:
        raise Unusable("it allows SHA-1 only, which receivers must not accept (RFC 8301)")
    if not {"*", "email"} & {one.strip() for one in tags.get("s", "*").split(":")}:
        raise Unusable("its s= keeps it from being used for email")
    data = re.sub(r"\s+", "", tags.get("p", ""))
    if "p" not in tags:
        raise Unusable("it holds no key (p= is missing)")
    if not data:
        raise Unusable("the key was withdrawn (p= is empty)")
    try:
        raw = b64decode(data + "=" * (-len(data) % 4), validate=True)
        bits = 0 if kind == "ed25519" else rsa_bits(raw)
    except (binascii.Error, ValueError):
        raise Unusable("p= holds no whole key; was it cut short while copying?") from None
    if kind == "ed25519" and len(raw) != ED25519_BYTES:
        raise Unusable("p= holds no whole key; was it cut short while copying?")
    return Key(kind, bits, testing="y" in [one.strip() for one in tags.get("t", "").split(":")])


def _tags(record: str) -> dict[str, str]:
    """`name=value; …` (§3.2). Raises `Unusable`."""
    tags: dict[str, str] = {}
    for piece in record.split(";"):
        name, mark, value = piece.partition("=")
        if not piece.strip():
            continue
        if not mark or name.strip() in tags:
            raise Unusable(f"{piece.strip()[:40]!r} is not a tag, or appears twice")
        tags[name.strip()] = value.strip()
    if not tags:
        raise Unusable("the record is empty")
    return tags


def rsa_bits(der: bytes) -> int:
    """The length of the modulus of an RSA key in DER: a SubjectPublicKeyInfo (RFC 5280), as all publish it, or a bare
    RSAPublicKey (RFC 8017 A.1.1), as RFC 6376 first said. Raises ValueError for anything else."""
    from cryptography.exceptions import UnsupportedAlgorithm  # slow to import, so only when needed
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except UnsupportedAlgorithm as error:
        raise ValueError("another kind of key") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("another kind of key")
    return key.key_size
