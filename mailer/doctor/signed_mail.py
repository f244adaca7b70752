"""What the DKIM signatures of a mail that arrived cover: one that unsubscribes in one press must be covered for that.

RFC 8058 §4 asks for a signature over List-Unsubscribe and List-Unsubscribe-Post; without it Gmail and Yahoo show no
button, and count the mail as bulk that can't be left. Signing programs don't cover the second unless they are told to.
Whether a signature is right is for receivers to say; the keys are looked at by `dns.dkim`.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path
from typing import BinaryIO

from mailer.delivery.feedback.mailbox_readers import Imap, Maildir
from mailer.diagnostics import Diagnostic, bad, of_part, warning, well
from mailer.errors import MailerError
from mailer.settings import read_secrets
from mailer.transports.loopback import on_this_machine
from mailer.workspace import find_root

LEAVING = ("List-Unsubscribe", "List-Unsubscribe-Post")
HOW_TO_SIGN = (
    "OpenDKIM: SignHeaders *,+List-Unsubscribe,+List-Unsubscribe-Post; for rspamd and others see docs/transports.md."
)
OURS = re.compile(rb"^list-unsubscribe(?:-post)?:", re.IGNORECASE | re.MULTILINE)
BODY = re.compile(rb"\r?\n\r?\n")  # begins here, and may be a mail that came back


def examine_proof(proof: BinaryIO | None, *, maildir: Path | None, imap: str | None) -> list[Diagnostic]:
    """What a mail of ours looked like when it arrived. Changes nothing where it is. Raises `MailerError`."""
    if sum(source is not None for source in (proof, maildir, imap)) != 1:
        raise MailerError("say where the mail is", remedy="One of --proof, --maildir and --imap.")
    raw = proof.read() if proof is not None else _newest_of_ours(maildir, imap)
    if not raw.strip():
        remedy = "Send one there: mailer test NEWSLETTER --to ADDRESS."
        return of_part("proof", [warning("no mail with List-Unsubscribe-Post is among the newest there", remedy)])
    return of_part("proof", judge_proof(raw))


def _newest_of_ours(maildir: Path | None, imap: str | None) -> bytes:
    if maildir is not None:
        mailbox = Maildir(maildir)
    else:
        password = read_secrets(find_root()).imap_password
        mailbox = Imap(imap or "", password=password, may_be_plain=on_this_machine, only_look=True)
    try:
        return next((mail.raw for mail in mailbox.latest() if OURS.search(BODY.split(mail.raw, 1)[0])), b"")
    finally:
        mailbox.close()


def judge_proof(raw: bytes) -> Iterator[Diagnostic]:
    """A mail of ours as it arrived somewhere, with all its headers."""
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    sender = parseaddr(str(mail.get("From", "")))[1].rpartition("@")[2].lower()
    if not sender:
        yield bad("there is no From in it, so it isn't a whole mail", "Save it with all its headers.")
        return
    for name in LEAVING:
        count = len(mail.get_all(name, []))
        if not count:
            yield bad(f"{name} isn't in it", "It leaves with it: ask the people who run the relay what takes it out.")
        elif count > 1:
            yield warning(f"{name} is in it {count} times", "The relay adds its own: have that turned off.")
    signatures = [_tags(str(value)) for value in mail.get_all("DKIM-Signature", [])]
    ours = [one for one in signatures if _aligned(one["d"], sender)]
    if not ours:
        others = ", ".join(sorted({one["d"] for one in signatures if one["d"]}))
        found = f"only {others} signed it, not {sender}" if others else f"it has no DKIM signature of {sender}"
        remedy = f"Have the relay sign mails of {sender} (DKIM), and set [sender] dkim_selectors."
        yield bad(f"{found}: Gmail and Yahoo ask bulk senders for one", remedy)
    covering = [one for one in ours if not _uncovered(one)]
    for one in covering or ours:
        yield from _judge(one)


def _judge(signature: dict[str, str]) -> Iterator[Diagnostic]:
    named = f"the DKIM signature {signature.get('s', '')} of {signature['d']}"
    if missing := _uncovered(signature):
        said = f"{named} doesn't cover {' and '.join(missing)}, so no mail program shows a button to unsubscribe"
        yield bad(f"{said} (RFC 8058 §4)", HOW_TO_SIGN)
        return
    if signature.get("a", "").lower() == "rsa-sha1":
        yield bad(f"{named} is made with SHA-1, which receivers don't accept (RFC 8301)", "Set rsa-sha256.")
    if "l" in signature:
        yield warning(f"{named} covers a part of the mail only (l=), so others can add to it", "Turn that off.")
    yield well(f"{named} covers {' and '.join(LEAVING)}")


def _uncovered(signature: dict[str, str]) -> list[str]:
    covered = signature.get("h", "").lower().split(":")
    return [name for name in LEAVING if name.lower() not in covered]


def _tags(value: str) -> dict[str, str]:
    """The tags of a DKIM-Signature (RFC 6376 §3.5), with its domain, d, in any case; folding and blanks inside a value
    mean nothing (§3.2)."""
    pairs = (item.partition("=") for item in value.split(";"))
    tags = {name.strip(): re.sub(r"\s+", "", text) for name, sign, text in pairs if sign}
    return tags | {"d": tags.get("d", "").lower().rstrip(".")}


def _aligned(domain: str, sender: str) -> bool:
    """As DMARC has it unless it is strict: the same, or one below the other."""
    return bool(domain) and (domain == sender or sender.endswith(f".{domain}") or domain.endswith(f".{sender}"))
