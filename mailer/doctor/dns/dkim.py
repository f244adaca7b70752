"""DKIM: the public keys that prove a mail is from its domain and unaltered (RFC 6376).

The relay or the provider signs; this module checks that receivers find a key they accept.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailer.diagnostics import Diagnostic, Level, at_most, bad, warning, well
from mailer.doctor.dns.lookup import Got, Lookup, unanswered

LEAST_BITS = 1024  # RFC 8301 §3.2: verifiers must not accept less
ADVISED_BITS = 2048  # support.google.com/a/answer/81126
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
    # One good key is enough to sign with; the other is there to switch to.
    return at_most(Level.WARNING, findings) if any(one.level is Level.OK for one in findings) else findings


def _check(lookup: Lookup, selector: str, name: str, provider: str) -> Diagnostic:
    answer = lookup(name, "TXT")
    if answer.got is Got.UNKNOWN:
        return unanswered(f"DKIM {selector}", answer)
    leads = f"{name} leads to {answer.canonical}, where there is no key"
    if answer.got is not Got.FOUND:
        said = f"DKIM {selector}: {leads if answer.canonical else f'no key at {name}'}, so mails signed with it"
        record = f"CNAME record that your {provider} account" if provider else "TXT record that your relay"
        return bad(f"{said} count as unsigned", f"Add the {record} names for it.")
    try:
        first, *others = answer.values
        if others:  # §3.6.2.2: the result is undefined
            raise Unusable(f"{1 + len(others)} records where one is allowed")
        key = parse_key(first)
    except Unusable as error:
        said = f"DKIM {selector}: receivers don't accept the key at {name}: {error}"
        return bad(said, "Publish the key again as your provider shows it.")
    kind = f"an RSA key of {key.bits} bits" if key.kind == "rsa" else "an Ed25519 key"
    return _judge_key(key, f"DKIM {selector}: {kind}" + (f", kept at {answer.canonical}" if answer.canonical else ""))


def _judge_key(key: Key, named: str) -> Diagnostic:
    if key.testing:
        return warning(f"{named}, marked as a test (t=y), so receivers may treat mails as unsigned", "Remove t=y.")
    if key.kind == "ed25519":
        return warning(f"{named}, which many receivers can't verify yet (RFC 8463)", "Sign with RSA of 2048 bits too.")
    if key.bits < LEAST_BITS:
        return bad(f"{named}: receivers accept none below {LEAST_BITS} bits (RFC 8301)", "Use one of 2048 bits.")
    if key.bits < ADVISED_BITS:
        return warning(f"{named}: accepted, but {ADVISED_BITS} bits are advised", "Change to one of 2048 bits.")
    return well(named)


def parse_key(record: str) -> Key:
    """The key in a TXT record (RFC 6376 §3.6.1). Raises `Unusable`."""
    tags = _tags(record)
    kind = tags.get("k", "rsa").lower()
    hashes, services, flags = (
        [one.strip().lower() for one in tags.get(name, default).split(":")]
        for name, default in (("h", "sha256"), ("s", "*"), ("t", ""))
    )
    for is_wrong, says in (
        ("v" in tags and next(iter(tags.items())) != ("v", "DKIM1"), "v=DKIM1 must come first"),
        (kind not in ("rsa", "ed25519"), f"the kind of key {kind!r} is unknown"),
        ("sha256" not in hashes, "it allows SHA-1 only, which receivers must not accept (RFC 8301)"),
        ({"*", "email"}.isdisjoint(services), "its s= keeps it from being used for email"),
        ("p" not in tags, "it holds no key (p= is missing)"),
        (not tags.get("p"), "the key was withdrawn (p= is empty)"),
    ):
        if is_wrong:
            raise Unusable(says)
    data = re.sub(r"\s+", "", tags["p"])
    try:
        raw = b64decode(data + "=" * (-len(data) % 4), validate=True)
        if kind == "ed25519" and len(raw) != ED25519_BYTES:
            raise ValueError
        return Key(kind, 0 if kind == "ed25519" else rsa_bits(raw), testing="y" in flags)
    except ValueError:
        raise Unusable("p= holds no whole key; was it cut short while copying?") from None


def _tags(record: str) -> dict[str, str]:
    """`name=value; …` (§3.2). Raises `Unusable`."""
    tags: dict[str, str] = {}
    for piece in filter(str.strip, record.split(";")):
        name, mark, value = (part.strip() for part in piece.partition("="))
        if not mark or name in tags:
            raise Unusable(f"{piece.strip()[:40]!r} is not a tag, or appears twice")
        tags[name] = value
    if not tags:
        raise Unusable("the record is empty")
    return tags


def rsa_bits(der: bytes) -> int:
    """The length of the modulus of an RSA key in DER: a SubjectPublicKeyInfo (RFC 5280), as all publish it, or a bare
    RSAPublicKey (RFC 8017 A.1.1), as RFC 6376 first said. Raises ValueError for anything else."""
    try:
        key = load_der_public_key(der)
    except UnsupportedAlgorithm as error:
        raise ValueError("another kind of key") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("another kind of key")
    return key.key_size
