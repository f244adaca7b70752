"""What the DKIM signatures of a mail that arrived cover: one that unsubscribes in one press must be covered for that.

RFC 8058 §4 asks for a signature over List-Unsubscribe and List-Unsubscribe-Post; without it Gmail and Yahoo show no
button, and count the mail as bulk that can't be left. Signing programs don't cover the second unless they are told to.
Whether a signature is right is for receivers to say; the keys are looked at by `dns.dkim`.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import parseaddr

from mailer.diagnostics import Diagnostic, bad, warning, well

LEAVING = ("list-unsubscribe", "list-unsubscribe-post")
HOW_TO_SIGN = (
    "OpenDKIM: SignHeaders *,+List-Unsubscribe,+List-Unsubscribe-Post; for rspamd and others see docs/transports.md."
)


@dataclass(frozen=True, slots=True)
class DkimSignature:
    """One DKIM-Signature (RFC 6376 §3.5): whose it is, under which selector, and which headers it covers."""

    domain: str
    selector: str
    algorithm: str
    headers: tuple[str, ...]  # in small letters
    cuts_body: bool  # whether it covers the beginning of the body only (l=)


def judge_proof(raw: bytes) -> list[Diagnostic]:
    """A mail of ours as it arrived somewhere, with all its headers."""
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    sender = parseaddr(str(mail.get("From", "")))[1].rpartition("@")[2].lower()
    if not sender:
        return [bad("there is no From in it, so it isn't a whole mail", "Save it with all its headers.")]
    findings = list(_judge_leaving(mail))
    signatures = [_read(value) for value in mail.get_all("DKIM-Signature", [])]
    ours = [one for one in signatures if _aligned(one.domain, sender)]
    if not ours:
        others = ", ".join(sorted({one.domain for one in signatures if one.domain}))
        found = f"only {others} signed it, not {sender}" if others else f"it has no DKIM signature of {sender}"
        remedy = f"Have the relay sign mails of {sender} (DKIM), and set [sender] dkim_selectors."
        return [*findings, bad(f"{found}: Gmail and Yahoo ask bulk senders for one", remedy)]
    covering = [one for one in ours if all(name in one.headers for name in LEAVING)]
    if not covering:
        return [*findings, *map(_uncovered, ours)]
    for one in covering:
        findings += _judge_one(one)
    return findings


def _judge_leaving(mail: Message) -> Iterator[Diagnostic]:
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post"):
        values = mail.get_all(name, [])
        if not values:
            yield bad(f"{name} isn't in it", "It leaves with it: ask the people who run the relay what takes it out.")
        elif len(values) > 1:
            yield warning(f"{name} is in it {len(values)} times", "The relay adds its own: have that turned off.")


def _uncovered(one: DkimSignature) -> Diagnostic:
    missing = [name for name in ("List-Unsubscribe", "List-Unsubscribe-Post") if name.lower() not in one.headers]
    return bad(
        f"the DKIM signature {one.selector} of {one.domain} doesn't cover {' and '.join(missing)}, so no mail program"
        " shows a button to unsubscribe (RFC 8058 §4)",
        HOW_TO_SIGN,
    )


def _judge_one(one: DkimSignature) -> Iterator[Diagnostic]:
    named = f"the DKIM signature {one.selector} of {one.domain}"
    if one.algorithm == "rsa-sha1":
        yield bad(f"{named} is made with SHA-1, which receivers don't accept (RFC 8301)", "Set rsa-sha256.")
    if one.cuts_body:
        yield warning(f"{named} covers a part of the mail only (l=), so others can add to it", "Turn that off.")
    yield well(f"{named} covers List-Unsubscribe and List-Unsubscribe-Post")


def _read(value: object) -> DkimSignature:
    tags = _tags(str(value))
    return DkimSignature(
        domain=tags.get("d", "").lower().rstrip("."),
        selector=tags.get("s", ""),
        algorithm=tags.get("a", "").lower(),
        headers=tuple(name.lower() for name in tags.get("h", "").split(":")),
        cuts_body="l" in tags,
    )


def _tags(value: str) -> Mapping[str, str]:
    """tag=value pairs; folding and blanks inside a value mean nothing (RFC 6376 §3.2)."""
    pairs = (item.partition("=") for item in value.split(";"))
    return {name.strip(): re.sub(r"\s+", "", text) for name, sign, text in pairs if sign}


def _aligned(domain: str, sender: str) -> bool:
    """As DMARC has it unless it is strict: the same, or one below the other."""
    return bool(domain) and (domain == sender or sender.endswith(f".{domain}") or domain.endswith(f".{sender}"))
