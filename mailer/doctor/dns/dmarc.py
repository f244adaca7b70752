"""DMARC: what receivers should do with mail in a domain's name that neither SPF nor DKIM vouches for (RFC 9989).

A domain without a record takes that of its organisation. RFC 9989 finds it by walking up the DNS tree; RFC 7489,
which it replaces, uses a list of public suffixes. For the domains that people mail from, both find the same.
"""

from __future__ import annotations

import re

from mailer.diagnostics import Diagnostic, DnsRecord, bad, warning, well
from mailer.doctor.dns.lookup import DnsAnswer, Got, Lookup, unanswered

MOST_STEPS = 8  # lookups in one tree walk, RFC 9989
POLICIES = ("none", "quarantine", "reject")


def check_dmarc(lookup: Lookup, domain: str) -> tuple[str, Diagnostic]:
    """The domain whose record counts, "" when there is none, and what there is to say of it."""
    answers: list[DnsAnswer] = []
    for name in _upwards(domain):
        answers.append(lookup(f"_dmarc.{name}", "TXT"))
        found = [text for text in answers[-1].values if re.match(r"v\s*=\s*DMARC1\s*(;|\Z)", text)]
        if len(found) > 1:
            said = f"DMARC: _dmarc.{name} has {len(found)} records where one is allowed, so it counts as having none"
            return name, bad(said, "Remove all but one.")
        if found:
            return name, _judge(found[0], domain=domain, holder=name)
    if unknown := next((one for one in answers if one.got is Got.UNKNOWN), None):
        return "", unanswered("DMARC", unknown)
    # support.google.com/a/answer/81126, senders.yahooinc.com/best-practices, and Outlook's 550 5.7.515
    said = f"DMARC: {domain} has no record, so Gmail, Yahoo and Outlook refuse its mail or treat it as spam"
    # postmaster is the one mailbox that each domain has (RFC 5321 §4.5.1).
    record = DnsRecord(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}")
    return "", bad(said, f'Add a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:…".', record=record)


def _upwards(domain: str) -> tuple[str, ...]:
    """The domain, then those above it: of a long name from seven labels on, as RFC 9989 requires to prevent abuse."""
    labels = domain.split(".")
    shorter = range(max(1, len(labels) - MOST_STEPS + 1), len(labels) - 1)
    return (domain, *(".".join(labels[start:]) for start in shorter))


def _judge(record: str, *, domain: str, holder: str) -> Diagnostic:
    tags = {name.strip().lower(): value.strip() for name, _, value in (one.partition("=") for one in record.split(";"))}
    own = tags.get("p", "").lower() or ("none" if "rua" in tags else "")  # RFC 9989: without p it is none
    policy = own if holder == domain else tags.get("sp", "").lower() or own
    if policy not in POLICIES:
        said = f"DMARC: the record at _dmarc.{holder} says p={policy}, which isn't a policy, so receivers ignore it"
        return bad(said, "Say p=none, p=quarantine or p=reject.")
    words = f"DMARC: {'' if holder == domain else f'the record of {holder} applies; '}p={policy}"
    words += ", fine for the large providers, but it stops nobody who forges your name" if policy == "none" else ""
    if strict := [name for tag, name in (("adkim", "DKIM"), ("aspf", "SPF")) if tags.get(tag, "").lower() == "s"]:
        words += f"; {' and '.join(strict)} must name exactly {domain}, not a domain below it"
    if "rua" not in tags:
        whole = f"{record.strip().rstrip(';')}; rua=mailto:postmaster@{holder}"
        return warning(
            f"{words}; nobody is told about failing mails (no rua)", "Add rua=mailto:… to the record.",
            record=DnsRecord(f"_dmarc.{holder}", "TXT", whole),
        )  # fmt: skip
    return well(words)
