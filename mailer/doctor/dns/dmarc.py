"""DMARC: what receivers should do with mail in a domain's name that neither SPF nor DKIM vouches for (RFC 9989).

A domain without a record takes that of its organisation. RFC 9989 finds it by walking up the DNS tree; RFC 7489,
which it replaces, uses a list of public suffixes. For the domains that people mail from, both find the same.
"""

from __future__ import annotations

import re

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.doctor.dns.lookup import DnsAnswer, Lookup

MOST_STEPS = 8  # lookups in one tree walk, RFC 9989
POLICIES = ("none", "quarantine", "reject")


def records(answer: DnsAnswer) -> list[str]:
    """The DMARC records among TXT records."""
    return [text for text in answer.values if re.match(r"v\s*=\s*DMARC1\s*(;|\Z)", text)]


def check_dmarc(lookup: Lookup, domain: str) -> tuple[str, Diagnostic]:
    """The domain whose record counts, "" when there is none, and what there is to say of it."""
    why = ""
    for name in _upwards(domain):
        answer = lookup(f"_dmarc.{name}", "TXT")
        if found := records(answer):
            return name, _judge_records(domain, name, found)
        why = why or answer.why
    if why:
        return "", warning(f"DMARC couldn't be looked up: {why}", "Try again when the DNS answers.")
    # support.google.com/a/answer/81126, senders.yahooinc.com/best-practices, and Outlook's 550 5.7.515
    said = f"DMARC: {domain} has no record, so Gmail, Yahoo and Outlook refuse its mail or treat it as spam"
    return "", bad(said, f'Add a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:…".')


def _upwards(domain: str) -> tuple[str, ...]:
    """The domain, then those above it: of a long name from seven labels on, as RFC 9989 requires to prevent abuse."""
    labels = domain.split(".")
    shorter = range(max(1, len(labels) - MOST_STEPS + 1), len(labels) - 1)
    return (domain, *(".".join(labels[start:]) for start in shorter))


def _judge_records(domain: str, holder: str, found: list[str]) -> Diagnostic:
    if len(found) > 1:
        said = f"DMARC: _dmarc.{holder} has {len(found)} records where one is allowed, so it counts as having none"
        return bad(said, "Remove all but one.")
    return _judge_record(domain, holder, found[0])


def _judge_record(domain: str, holder: str, record: str) -> Diagnostic:
    tags = {name.strip().lower(): value.strip() for name, _, value in (one.partition("=") for one in record.split(";"))}
    own = tags.get("p", "").lower()
    policy = own if holder == domain else tags.get("sp", own).lower()
    if policy not in POLICIES and not (policy == "" and "rua" in tags):  # RFC 9989: without p it is none
        return bad(
            f"DMARC: the record at _dmarc.{holder} says p={policy}, which isn't a policy, so receivers ignore it",
            "Say p=none, p=quarantine or p=reject.",
        )
    policy = policy or "none"
    words = f"DMARC: {'' if holder == domain else f'the record of {holder} applies; '}p={policy}"
    words += ", fine for the large providers, but it stops nobody who forges your name" if policy == "none" else ""
    strict = [name for tag, name in (("adkim", "DKIM"), ("aspf", "SPF")) if tags.get(tag, "r").lower() == "s"]
    if strict:
        words += f"; {' and '.join(strict)} must name exactly {domain}, not a domain below it"
    if "rua" not in tags:
        return warning(f"{words}; nobody is told about failing mails (no rua)", "Add rua=mailto:… to the record.")
    return well(words)
