"""DMARC: what receivers should do with mail in a domain's name that neither SPF nor DKIM vouches for (RFC 9989).

A domain without a record takes that of its organisation. RFC 9989 finds it by walking up the DNS tree; RFC 7489,
which it replaces, uses a list of public suffixes. For the domains that people mail from, both find the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.doctor.dns.lookup import DnsAnswer, Got, Lookup

MOST_STEPS = 8  # lookups in one tree walk, RFC 9989
POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class DmarcFacts:
    """The domains that were looked up, from the sender's upwards, to the first with a record."""

    domain: str
    answers: tuple[tuple[str, DnsAnswer], ...]

    @property
    def holder(self) -> str:
        """The domain whose record counts; "" when there is none."""
        name, answer = self.answers[-1]
        return name if records(answer) else ""


def records(answer: DnsAnswer) -> list[str]:
    """The DMARC records among TXT records."""
    return [text for text in answer.values if re.match(r"v\s*=\s*DMARC1\s*(;|\Z)", text)]


def gather_dmarc(lookup: Lookup, domain: str) -> DmarcFacts:
    labels = domain.split(".")
    # A long name is looked up itself and then from seven labels on, as RFC 9989 requires to prevent abuse.
    shorter = range(max(1, len(labels) - MOST_STEPS + 1), len(labels) - 1)
    asked: list[tuple[str, DnsAnswer]] = []
    for name in (domain, *(".".join(labels[start:]) for start in shorter)):
        asked.append((name, lookup(f"_dmarc.{name}", "TXT")))
        if records(asked[-1][1]):
            break
    return DmarcFacts(domain, tuple(asked))


def judge_dmarc(facts: DmarcFacts, *, part: str) -> list[Diagnostic]:
    unknown = next((answer for _, answer in facts.answers if answer.got is Got.UNKNOWN), None)
    holder = facts.holder
    if unknown is not None and not holder:
        return [warning(part, f"DMARC couldn't be looked up: {unknown.why}", "Try again when the DNS answers.")]
    if not holder:
        # support.google.com/a/answer/81126, senders.yahooinc.com/best-practices, and Outlook's 550 5.7.515
        return [
            bad(
                part,
                f"DMARC: {facts.domain} has no record, so Gmail, Yahoo and Outlook refuse its mail or treat it as spam",
                f'Add a TXT record at _dmarc.{facts.domain}: "v=DMARC1; p=none; rua=mailto:…".',
            )
        ]
    found = records(facts.answers[-1][1])
    if len(found) > 1:
        return [
            bad(
                part,
                f"DMARC: _dmarc.{holder} has {len(found)} records where one is allowed, so it counts as having none",
                "Remove all but one.",
            )
        ]
    return [_judge_record(facts.domain, holder, found[0], part)]


def _judge_record(domain: str, holder: str, record: str, part: str) -> Diagnostic:
    tags = {name.strip().lower(): value.strip() for name, _, value in (one.partition("=") for one in record.split(";"))}
    own = tags.get("p", "").lower()
    policy = own if holder == domain else tags.get("sp", own).lower()
    if policy not in POLICIES and not (policy == "" and "rua" in tags):  # RFC 9989: without p it is none
        return bad(
            part,
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
        return warning(part, f"{words}; nobody is told about failing mails (no rua)", "Add rua=mailto:… to the record.")
    return well(part, words)
