"""SPF: which machines may use a domain in the envelope of a mail (RFC 7208).

Gathered are the records of the domain and of all it includes; judged is whether they form one policy that receivers can
follow. Whether a certain relay's address passes is not worked out: that is the receiver's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailer.findings import Finding, bad, warning, well
from mailer.transports.dns.asking import Answer, Got, Lookup

MOST_LOOKUPS = 10  # RFC 7208 §4.6.4: beyond it the result is permerror, and no mail passes
MOST_RECORDS = 40  # how many included records are followed before giving up
LOOKING_UP = ("include", "a", "mx", "ptr", "exists", "redirect")  # terms that cost a lookup, §4.6.4
MECHANISMS = (*LOOKING_UP[:-1], "all", "ip4", "ip6")
_TERM = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9_.-]*)(?:([:=/])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a record: a mechanism with its qualifier, or a modifier (`name=value`)."""

    qualifier: str  # + - ~ ?
    name: str
    value: str
    is_modifier: bool


@dataclass(frozen=True, slots=True)
class SpfFacts:
    """TXT records of the domain, and of each domain that its policy includes or redirects to."""

    domain: str
    answers: Mapping[str, Answer]

    @property
    def answer(self) -> Answer:
        return self.answers[self.domain]


class Broken(Exception):
    """The policy gives permerror: receivers can't follow it."""


class NotAsked(Exception):
    """A part of the policy couldn't be asked for."""


def records(answer: Answer) -> list[str]:
    """The SPF records among TXT records (RFC 7208 §4.5)."""
    return [text for text in answer.values if re.match(r"v=spf1( |\Z)", text, re.IGNORECASE)]


def parse(record: str) -> list[Term]:
    """The terms of a record. Raises `Broken` for what RFC 7208 §4.6 calls a syntax error."""
    terms: list[Term] = []
    for word in record.split()[1:]:
        match = _TERM.fullmatch(word)
        if match is None:
            raise Broken(f"{word!r} is not a term of SPF")
        qualifier, name, mark, value = match.group(1), match.group(2).lower(), match.group(3), match.group(4) or ""
        is_modifier = mark == "="
        if not is_modifier and name not in MECHANISMS:
            raise Broken(f"{word!r} is not a term of SPF")
        if name == "include" and not value:
            raise Broken("an include names no domain")
        terms.append(Term(qualifier or "+", name, value.lower(), is_modifier))
    return terms


def followed(terms: list[Term]) -> list[str]:
    """The domains whose records are a part of this one. RFC 7208 §6.1: redirect counts only without `all`."""
    return [
        term.value.rstrip(".")
        for term in terms
        if (term.name == "include" and not term.is_modifier)
        or (term.name == "redirect" and term.is_modifier and not _has_all(terms))
    ]


def _has_all(terms: list[Term]) -> bool:
    return any(term.name == "all" and not term.is_modifier for term in terms)


def gather_spf(lookup: Lookup, domain: str) -> SpfFacts:
    """The records of `domain` and, level by level, of all it includes."""
    answers: dict[str, Answer] = {}
    waiting = [domain]
    while waiting and len(answers) < MOST_RECORDS:
        name = waiting.pop(0)
        if name in answers or "%" in name:  # a macro: depends on the mail (§7)
            continue
        answers[name] = lookup(name, "TXT")
        found = records(answers[name])
        if len(found) == 1:
            try:
                waiting += followed(parse(found[0]))
            except Broken:
                continue
    return SpfFacts(domain, answers)


def judge_spf(facts: SpfFacts, *, part: str, own_envelope: bool) -> list[Finding]:
    """Whether receivers can follow the policy. `own_envelope`: the domain stands in the envelope of our mails, as with
    a relay; SendGrid mails with a return path of its own, whose SPF it keeps itself."""
    if facts.answer.got is Got.UNKNOWN:
        return [warning(part, f"SPF couldn't be asked for: {facts.answer.why}", "Try again when the DNS answers.")]
    found = records(facts.answer)
    if not found:
        return [_missing(facts.domain, part, own_envelope=own_envelope)]
    if len(found) > 1:
        return [
            bad(
                part,
                f"SPF: {facts.domain} has {len(found)} records where one is allowed, so receivers heed none of them",
                "Join them into one v=spf1 record.",
            )
        ]
    try:
        terms = parse(found[0])
        lookups = _count(facts, facts.domain, ())
        last = _ending(facts, terms)
    except Broken as error:
        return [bad(part, f"SPF: no mail of {facts.domain} can pass: {error}", "Mend the v=spf1 record.")]
    except NotAsked as error:
        return [warning(part, f"SPF couldn't be followed to its end: {error}", "Try again when the DNS answers.")]
    return [_verdict(facts.domain, part, lookups=lookups, last=last), *_advice(facts.domain, part, terms)]


def _missing(domain: str, part: str, *, own_envelope: bool) -> Finding:
    if own_envelope:
        return bad(
            part,
            f"SPF: {domain} has no record, so Gmail, Yahoo and Outlook refuse its mail or call it spam",
            f'Add a TXT record at {domain}: "v=spf1 include:… -all" with what your relay\'s provider names.',
        )
    return well(
        part, f"SPF: {domain} has no record and needs none: SendGrid mails with a return path of its own"
    )  # support.sendgrid.com: Automated Security Explained


def _verdict(domain: str, part: str, *, lookups: int, last: str) -> Finding:
    if lookups > MOST_LOOKUPS:
        return bad(
            part,
            f"SPF: the record of {domain} needs {lookups} lookups where {MOST_LOOKUPS} are allowed, so no mail passes",
            "Take out includes of services that mail no more.",
        )
    counted = f"{lookups} of {MOST_LOOKUPS} lookups"
    match last:
        case "-" | "~":
            return well(part, f"SPF: one record, {counted}, ends in {last}all")
        case "+":
            return bad(
                part,
                f"SPF: the record of {domain} ends in +all, so anybody may mail in your name",
                "End it in -all or ~all.",
            )
        case _:
            ends = "ends in ?all" if last else "has no all at its end"
            return warning(
                part,
                f"SPF: the record of {domain} {ends}, so it keeps nobody from mailing in your name",
                "End it in -all or ~all.",
            )


def _advice(domain: str, part: str, terms: list[Term]) -> Iterator[Finding]:
    if any(term.name == "ptr" and not term.is_modifier for term in terms):
        yield warning(
            part,
            f"SPF: the record of {domain} uses ptr, which some receivers skip (RFC 7208 §5.5)",
            "Name the relay by ip4, ip6, a or include instead.",
        )


def _ending(facts: SpfFacts, terms: list[Term]) -> str:
    """The qualifier of the `all` that decides in the end; "" when there is none."""
    for _ in range(MOST_LOOKUPS + 1):
        for term in terms:
            if term.name == "all" and not term.is_modifier:
                return term.qualifier
        target = next((term.value.rstrip(".") for term in terms if term.name == "redirect" and term.is_modifier), "")
        if not target or target not in facts.answers:
            return ""
        terms = parse(_the_one(facts, target))
    return ""


def _count(facts: SpfFacts, domain: str, above: tuple[str, ...]) -> int:
    """How many lookups the record of `domain` costs with all it includes."""
    terms = parse(_the_one(facts, domain))
    inside = followed(terms)
    lookups = sum(1 for term in terms if term.name in LOOKING_UP and not term.is_modifier)
    lookups += sum(1 for term in terms if term.name == "redirect" and term.is_modifier and not _has_all(terms))
    for target in inside:
        if target == domain or target in above:
            raise Broken(f"{domain} includes {target} in a circle")
        if "%" in target:
            continue
        lookups += _count(facts, target, (*above, domain))
        if lookups > MOST_LOOKUPS * 3:  # far beyond what passes; a hostile tree is not counted out
            return lookups
    return lookups


def _the_one(facts: SpfFacts, domain: str) -> str:
    answer = facts.answers.get(domain)
    if answer is None:
        raise Broken(f"it includes more than {MOST_RECORDS} records")
    if answer.got is Got.UNKNOWN:
        raise NotAsked(f"{domain}, which it includes: {answer.why}")
    found = records(answer)
    if len(found) != 1:  # RFC 7208 §5.2: an include without a record is an error, not "no match"
        raise Broken(f"{domain}, which it includes, has {'no' if not found else len(found)} SPF records")
    return found[0]
