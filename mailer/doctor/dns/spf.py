"""SPF: which machines may use a domain in the envelope of a mail (RFC 7208).

Follows the record of the domain and all it includes as a receiver does, and judges whether they form one policy that
can be followed to its end. It doesn't work out whether a particular relay's address passes: that is the receiver's
business. Single records are parsed by `spf_record`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.doctor.dns.lookup import Got, Lookup
from mailer.doctor.dns.spf_record import Broken, Term, in_force, parse, records

MOST_LOOKUPS = 10  # RFC 7208 §4.6.4: beyond it the result is permerror
MOST_VOID = 2  # lookups that find nothing, §4.6.4
MOST_HOSTS = 10  # of one mx, §4.6.4
ENOUGH = 3 * MOST_LOOKUPS  # far beyond what passes: a hostile tree isn't counted to its end
LOOKING_UP = ("include", "a", "mx", "ptr", "exists", "redirect")  # terms that cost a lookup, §4.6.4


class NotAsked(Exception):
    """Part of the policy couldn't be looked up."""


def check_spf(lookup: Lookup, domain: str, *, provider: str = "") -> list[Diagnostic]:
    """Whether receivers can follow the policy. `provider`: the one that mails with its own return path and maintains
    the SPF record for it; "": the domain is in the envelope of our mails, as with a relay."""
    answer = lookup(domain, "TXT")
    if answer.got is Got.UNKNOWN:
        return [warning(f"SPF couldn't be looked up: {answer.why}", "Try again when the DNS answers.")]
    found = records(answer)
    if not found:
        return [_missing(domain, provider)]
    if len(found) > 1:
        said = f"SPF: {domain} has {len(found)} records where one is allowed, so receivers use none of them"
        return [bad(said, "Join them into one v=spf1 record.")]
    policy = Policy(lookup)
    try:
        policy.follow(domain)
        last = policy.ending(domain) if policy.lookups <= MOST_LOOKUPS else ""
    except Broken as error:
        return [bad(f"SPF: no mail of {domain} can pass: {error}", "Correct the v=spf1 record.")]
    except NotAsked as error:
        return [warning(f"SPF couldn't be followed to its end: {error}", "Try again when the DNS answers.")]
    return [_verdict(domain, policy, last), *_advice(domain, parse(found[0]))]


@dataclass(slots=True)
class Policy:
    """A receiver's way through a record and all it includes, for a mail that matches nothing before its end."""

    lookup: Lookup
    lookups: int = 0
    void: list[str] = field(default_factory=list[str])  # the names that lead nowhere

    def follow(self, domain: str, above: tuple[str, ...] = ()) -> None:
        """Counts the lookups for the record of `domain`. Raises `Broken` and `NotAsked`."""
        record = self.record(domain)
        try:
            terms = in_force(parse(record))
        except Broken as error:
            raise Broken(f"the record of {domain}, which it includes: {error}" if above else str(error)) from None
        for term in terms:
            if self.lookups > ENOUGH:
                return
            self.lookups += term.name in LOOKING_UP
            self.void += self.nowhere(term, domain)
            if term.leads_on:
                if term.value in (domain, *above):
                    raise Broken(f"{domain} includes {term.value} in a circle")
                self.follow(term.value, (*above, domain))

    def record(self, domain: str) -> str:
        """The one SPF record of a domain; without it an include or redirect is an error (RFC 7208 §5.2, §6.1)."""
        answer = self.lookup(domain, "TXT")
        if answer.got is Got.UNKNOWN:
            raise NotAsked(f"{domain}, which it includes: {answer.why}")
        found = records(answer)
        if len(found) != 1:
            raise Broken(f"{domain}, which it includes, has {'no' if not found else len(found)} SPF records")
        return found[0]

    def nowhere(self, term: Term, domain: str) -> Iterator[str]:
        """The hosts of a term that have no address at all, each a void lookup (RFC 7208 §4.6.4). One that has addresses
        of one kind only is void for senders of the other kind; who those are isn't known here."""
        name = term.value or domain
        if term.by_macro:
            return
        match term.name:
            case "exists":  # A also for an IPv6 sender, §5.7
                yield from [name] * self._is_void(name, "A")
            case "a":
                yield from [name] * self._is_void(name, "A", "AAAA")
            case "mx":
                yield from [name] * self._is_void(name, "MX")
                hosts = [host for host in self.lookup(name, "MX").values if host != "."]
                if len(hosts) > MOST_HOSTS:
                    raise Broken(f"mx:{name} has {len(hosts)} servers where {MOST_HOSTS} are allowed")
                yield from (host for host in hosts if self._is_void(host, "A", "AAAA"))
            case _:
                pass

    def _is_void(self, name: str, *kinds: str) -> bool:
        return all(self.lookup(name, kind).got in (Got.EMPTY, Got.ABSENT) for kind in kinds)

    def ending(self, domain: str) -> str:
        """ "+" when every machine passes, else the qualifier of the `all` that decides in the end; "" without one."""
        terms = in_force(parse(self.record(domain)))
        if self._takes_all(terms):
            return "+"
        last = terms[-1] if terms else None
        if last and last.name == "redirect" and last.leads_on:
            return self.ending(last.value)
        return last.qualifier if last and last.name == "all" else ""

    def _takes_all(self, terms: list[Term]) -> bool:
        """By `all`, by a network that holds all addresses, or by what it includes."""
        for term in terms:
            if term.name == "all":
                return term.qualifier == "+"
            if term.name in ("ip4", "ip6") and term.value.endswith("/0"):
                if term.qualifier == "+":
                    return True
                continue
            passes_on = term.leads_on and (term.qualifier == "+" or term.is_modifier)
            if passes_on and self._takes_all(in_force(parse(self.record(term.value)))):
                return True
        return False


def _missing(domain: str, provider: str) -> Diagnostic:
    if not provider:
        return bad(
            f"SPF: {domain} has no record, so Gmail, Yahoo and Outlook refuse its mail or treat it as spam",
            f'Add a TXT record at {domain}: "v=spf1 include:… -all", with the include your relay\'s provider names.',
        )
    return well(f"SPF: {domain} has no record and needs none: {provider} mails with a return path of its own")


def _verdict(domain: str, policy: Policy, last: str) -> Diagnostic:
    if policy.lookups > MOST_LOOKUPS:
        return bad(
            f"SPF: the record of {domain} needs {policy.lookups} lookups where {MOST_LOOKUPS} are allowed, so receivers"
            " give up on it before its end, and mail doesn't pass",
            "Remove the includes of services that no longer mail for you.",
        )
    if len(policy.void) > MOST_VOID:
        return bad(
            f"SPF: the record of {domain} names {len(policy.void)} places that don't exist"
            f" ({', '.join(policy.void[:5])}) where receivers tolerate {MOST_VOID}, so they give up on it, and mail"
            " doesn't pass",
            "Remove what no longer exists (RFC 7208 §4.6.4).",
        )
    counted = f"{policy.lookups} of {MOST_LOOKUPS} lookups"
    counted += f", of which {' and '.join(policy.void)} found nothing" if policy.void else ""
    match last:
        case "-" | "~":
            return well(f"SPF: one record, {counted}, ends in {last}all")
        case "+":
            return bad(
                f"SPF: the record of {domain} lets everybody pass (+all, or a network of size /0, in it or in what it"
                " includes), so anybody may mail in your name",
                "End it in -all or ~all, and include nobody who lets everybody pass.",
            )
        case _:
            ends = "ends in ?all" if last else "has no all at its end"
            return warning(
                f"SPF: the record of {domain} {ends}, so it stops nobody from mailing in your name",
                "End it in -all or ~all.",
            )


def _advice(domain: str, terms: list[Term]) -> Iterator[Diagnostic]:
    if any(term.name == "ptr" and not term.is_modifier for term in terms):
        yield warning(
            f"SPF: the record of {domain} uses ptr, which some receivers skip (RFC 7208 §5.5)",
            "Name the relay by ip4, ip6, a or include instead.",
        )
