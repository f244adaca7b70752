"""SPF: which machines may use a domain in the envelope of a mail (RFC 7208).

Gathers the records of the domain and of everything it includes, looks up the hosts they name, and judges whether they
form one policy that receivers can follow to its end. It doesn't work out whether a particular relay's address passes:
that is the receiver's business. Single records are parsed by `spf_record`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.doctor.dns.lookup import DnsAnswer, Got, Lookup
from mailer.doctor.dns.spf_record import Broken, Term, parse, records

MOST_LOOKUPS = 10  # RFC 7208 §4.6.4: beyond it the result is permerror
MOST_VOID = 2  # lookups that find nothing, §4.6.4
MOST_HOSTS = 10  # of one mx, §4.6.4
MOST_RECORDS = 40  # how many included records are followed before giving up
MOST_QUESTIONS = 120  # about hosts, over all records
LOOKING_UP = ("include", "a", "mx", "ptr", "exists", "redirect")  # terms that cost a lookup, §4.6.4


@dataclass(frozen=True, slots=True)
class SpfFacts:
    """TXT records of the domain, and of each domain that its policy includes or redirects to. `hosts`: answers about
    the hosts that the records name, by name and kind (A, AAAA, MX)."""

    domain: str
    answers: Mapping[str, DnsAnswer]
    hosts: Mapping[tuple[str, str], DnsAnswer]

    @property
    def answer(self) -> DnsAnswer:
        return self.answers[self.domain]


@dataclass(frozen=True, slots=True)
class Cost:
    """The lookups of a receiver that follows a policy to its end. `void`: the names that lead nowhere."""

    lookups: int = 0
    void: tuple[str, ...] = ()

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.lookups + other.lookups, self.void + other.void)


class NotAsked(Exception):
    """Part of the policy couldn't be looked up."""


def in_force(terms: list[Term]) -> list[Term]:
    """The terms that receivers reach: nothing after `all` (RFC 7208 §5.1), and redirect only without it (§6.1)."""
    mechanisms = [term for term in terms if not term.is_modifier]
    for place, term in enumerate(mechanisms):
        if term.name == "all":
            return mechanisms[: place + 1]
    return mechanisms + [term for term in terms if term.is_modifier and term.name == "redirect"]


def _followed(terms: list[Term]) -> list[str]:
    """The domains whose records are part of this one."""
    return [term.value for term in in_force(terms) if term.name in ("include", "redirect") and not term.by_macro]


def gather_spf(lookup: Lookup, domain: str) -> SpfFacts:
    """The records of `domain` and, level by level, of all it includes; then the hosts they name."""
    answers: dict[str, DnsAnswer] = {}
    hosts: dict[tuple[str, str], DnsAnswer] = {}
    waiting, naming = [domain], list[tuple[str, Term]]()
    while waiting and len(answers) < MOST_RECORDS:
        name = waiting.pop(0)
        if name in answers:
            continue
        answers[name] = lookup(name, "TXT")
        found = records(answers[name])
        if len(found) == 1:
            try:
                terms = parse(found[0])
            except Broken:
                continue
            waiting += _followed(terms)
            naming += [(name, term) for term in in_force(terms)]
    for name, term in naming:
        if len(hosts) < MOST_QUESTIONS and not term.by_macro:
            _ask_for_hosts(lookup, term.name, term.value or name, hosts=hosts)
    return SpfFacts(domain, answers, hosts)


def _ask_for_hosts(lookup: Lookup, mechanism: str, name: str, *, hosts: dict[tuple[str, str], DnsAnswer]) -> None:
    def ask(host: str, *kinds: str) -> DnsAnswer:
        for kind in kinds:
            answer = hosts.setdefault((host, kind), lookup(host, kind))
            if answer.values:
                break
        return answer  # pyright: ignore[reportPossiblyUnboundVariable]  at least one kind is named

    match mechanism:
        case "a":
            ask(name, "A", "AAAA")
        case "exists":
            ask(name, "A")  # also for an IPv6 sender, §5.7
        case "mx":
            for host in ask(name, "MX").values[:MOST_HOSTS]:
                ask(host, "A", "AAAA")
        case _:
            pass


def judge_spf(facts: SpfFacts, *, part: str, provider: str = "") -> list[Diagnostic]:
    """Whether receivers can follow the policy. `provider`: the one that mails with its own return path and maintains
    the SPF record for it; "": the domain is in the envelope of our mails, as with a relay."""
    if facts.answer.got is Got.UNKNOWN:
        return [warning(part, f"SPF couldn't be looked up: {facts.answer.why}", "Try again when the DNS answers.")]
    found = records(facts.answer)
    if not found:
        return [_missing(facts.domain, part, provider)]
    if len(found) > 1:
        return [
            bad(
                part,
                f"SPF: {facts.domain} has {len(found)} records where one is allowed, so receivers use none of them",
                "Join them into one v=spf1 record.",
            )
        ]
    try:
        cost = _count(facts, facts.domain, ())
        terms = parse(found[0])
        last = "+" if _takes_all(facts, facts.domain) else _ending(facts, terms)
    except Broken as error:
        return [bad(part, f"SPF: no mail of {facts.domain} can pass: {error}", "Correct the v=spf1 record.")]
    except NotAsked as error:
        return [warning(part, f"SPF couldn't be followed to its end: {error}", "Try again when the DNS answers.")]
    return [_verdict(facts.domain, part, cost=cost, last=last), *_advice(facts.domain, part, terms)]


def _missing(domain: str, part: str, provider: str) -> Diagnostic:
    if not provider:
        return bad(
            part,
            f"SPF: {domain} has no record, so Gmail, Yahoo and Outlook refuse its mail or treat it as spam",
            f'Add a TXT record at {domain}: "v=spf1 include:… -all", with the include your relay\'s provider names.',
        )
    return well(part, f"SPF: {domain} has no record and needs none: {provider} mails with a return path of its own")


def _verdict(domain: str, part: str, *, cost: Cost, last: str) -> Diagnostic:
    if cost.lookups > MOST_LOOKUPS:
        return bad(
            part,
            f"SPF: the record of {domain} needs {cost.lookups} lookups where {MOST_LOOKUPS} are allowed, so receivers"
            " give up on it before its end, and mail doesn't pass",
            "Remove the includes of services that no longer mail for you.",
        )
    if len(cost.void) > MOST_VOID:
        return bad(
            part,
            f"SPF: the record of {domain} names {len(cost.void)} places that don't exist ({', '.join(cost.void[:5])})"
            f" where receivers tolerate {MOST_VOID}, so they give up on it, and mail doesn't pass",
            "Remove what no longer exists (RFC 7208 §4.6.4).",
        )
    counted = f"{cost.lookups} of {MOST_LOOKUPS} lookups"
    counted += f", of which {' and '.join(cost.void)} found nothing" if cost.void else ""
    match last:
        case "-" | "~":
            return well(part, f"SPF: one record, {counted}, ends in {last}all")
        case "+":
            return bad(
                part,
                f"SPF: the record of {domain} lets everybody pass (+all, or a network of size /0, in it or in what it"
                " includes), so anybody may mail in your name",
                "End it in -all or ~all, and include nobody who lets everybody pass.",
            )
        case _:
            ends = "ends in ?all" if last else "has no all at its end"
            return warning(
                part,
                f"SPF: the record of {domain} {ends}, so it stops nobody from mailing in your name",
                "End it in -all or ~all.",
            )


def _advice(domain: str, part: str, terms: list[Term]) -> Iterator[Diagnostic]:
    if any(term.name == "ptr" and not term.is_modifier for term in terms):
        yield warning(
            part,
            f"SPF: the record of {domain} uses ptr, which some receivers skip (RFC 7208 §5.5)",
            "Name the relay by ip4, ip6, a or include instead.",
        )


def _takes_all(facts: SpfFacts, domain: str) -> bool:
    """Whether every machine passes: by `all`, by a network that holds all addresses, or by what it includes."""
    for term in in_force(parse(_the_one(facts, domain))):
        if term.name == "all" or (term.name in ("ip4", "ip6") and term.value.endswith("/0")):
            if term.name == "all" or term.qualifier == "+":
                return term.qualifier == "+"
        elif term.by_macro or (term.qualifier != "+" and not term.is_modifier):
            continue
        elif term.name in ("include", "redirect") and _takes_all(facts, term.value):
            return True
    return False


def _ending(facts: SpfFacts, terms: list[Term]) -> str:
    """The qualifier of the `all` that decides in the end; "" when there is none."""
    last = in_force(terms)[-1:]
    if last and last[0].name == "redirect" and not last[0].by_macro:
        return _ending(facts, parse(_the_one(facts, last[0].value)))
    return last[0].qualifier if last and last[0].name == "all" else ""


def _count(facts: SpfFacts, domain: str, above: tuple[str, ...]) -> Cost:
    """The lookups for the record of `domain` and all it includes, for a mail that matches nothing before its end."""
    record = _the_one(facts, domain)
    try:
        terms = in_force(parse(record))
    except Broken as error:
        raise Broken(f"the record of {domain}, which it includes: {error}" if above else str(error)) from None
    cost = Cost()
    for term in terms:
        cost += Cost(term.name in LOOKING_UP, tuple(_void(facts, term, domain)))
        if term.name not in ("include", "redirect") or term.by_macro:
            continue
        if term.value in (domain, *above):
            raise Broken(f"{domain} includes {term.value} in a circle")
        cost += _count(facts, term.value, (*above, domain))
        if cost.lookups > MOST_LOOKUPS * 3:  # far beyond what passes; don't count a hostile tree to its end
            break
    return cost


def _void(facts: SpfFacts, term: Term, domain: str) -> Iterator[str]:
    """The hosts of a term that have no address at all, each a void lookup (RFC 7208 §4.6.4). One that has addresses of
    one kind only is void for senders of the other kind; who those are isn't known here."""
    name = term.value or domain
    if term.by_macro or term.name not in ("a", "mx", "exists"):
        return
    kinds = ("A",) if term.name == "exists" else ("A", "AAAA")
    names = [name]
    if term.name == "mx":
        answer = facts.hosts.get((name, "MX"))
        if answer is None or answer.got is not Got.FOUND:
            names, kinds = [name], ("MX",)
        else:
            names = [host for host in answer.values if host != "."]
            if len(names) > MOST_HOSTS:
                raise Broken(f"mx:{name} has {len(names)} servers where {MOST_HOSTS} are allowed")
    for one in names:
        answers = [facts.hosts.get((one, kind)) for kind in kinds]
        if all(answer is not None and answer.got in (Got.EMPTY, Got.ABSENT) for answer in answers):
            yield one


def _the_one(facts: SpfFacts, domain: str) -> str:
    answer = facts.answers.get(domain)
    if answer is None:
        raise Broken(f"it includes more than {MOST_RECORDS} records")
    if answer.got is Got.UNKNOWN:
        raise NotAsked(f"{domain}, which it includes: {answer.why}")
    found = records(answer)
    if len(found) != 1:  # RFC 7208 §5.2, §6.1: an include or redirect without a record is an error, not "no match"
        raise Broken(f"{domain}, which it includes, has {'no' if not found else len(found)} SPF records")
    return found[0]
