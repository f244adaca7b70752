"""SPF: which machines may use a domain in the envelope of a mail (RFC 7208).

Follows the record of the domain and all it includes as a receiver does, and judges whether they form one policy that
can be followed to its end. It doesn't work out whether a particular relay's address passes: that is the receiver's
business. Single records are parsed by `spf_record`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailer.diagnostics import Diagnostic, DnsRecord, bad, warning, well
from mailer.doctor.dns.lookup import Got, Lookup, unanswered
from mailer.doctor.dns.spf_record import Broken, Term, parse, records

MOST_LOOKUPS = 10  # RFC 7208 §4.6.4: beyond it the result is permerror
MOST_VOID = 2  # lookups that find nothing, §4.6.4
MOST_HOSTS = 10  # of one mx, §4.6.4
ENOUGH = 3 * MOST_LOOKUPS  # far beyond what passes: a hostile tree isn't counted to its end
LOOKING_UP = ("include", "a", "mx", "ptr", "exists", "redirect=")  # terms that cost a lookup, §4.6.4
# What is asked for a term, and counts as void when nothing is found; A for exists also of an IPv6 sender, §5.7.
ASKED_FOR = {"exists": ("A",), "a": ("A", "AAAA"), "mx": ("MX",)}


class NotAsked(Exception):
    """Part of the policy couldn't be looked up."""


def check_spf(lookup: Lookup, domain: str, *, provider: str = "", relay: str = "") -> list[Diagnostic]:
    """Whether receivers can follow the policy. `provider`: the one that mails with its own return path and maintains
    the SPF record for it; "": the domain is in the envelope of our mails, as with a relay. `relay`: its name, where it
    is our own and mails are sure to leave from its address."""
    answer = lookup(domain, "TXT")
    found = records(answer)
    if answer.got is Got.UNKNOWN:
        return [unanswered("SPF", answer)]
    if not found and provider:
        return [well(f"SPF: {domain} has no record and needs none: {provider} mails with a return path of its own")]
    if not found:
        said = f"SPF: {domain} has no record, so Gmail, Yahoo and Outlook refuse its mail or treat it as spam"
        txt = f'Add a TXT record at {domain}: "v=spf1 include:… -all", with the include your relay\'s provider names.'
        return [bad(said, txt, record=DnsRecord(domain, "TXT", f"v=spf1 a:{relay} -all") if relay else None)]
    if len(found) > 1:
        said = f"SPF: {domain} has {len(found)} records where one is allowed, so receivers use none of them"
        return [bad(said, "Join them into one v=spf1 record.")]
    policy = Policy(lookup)
    try:
        verdict = _judge(domain, policy, policy.follow(domain))
    except Broken as error:
        return [bad(f"SPF: no mail of {domain} can pass: {error}", "Correct the v=spf1 record.")]
    except NotAsked as error:
        return [warning(f"SPF couldn't be followed to its end: {error}", "Try again when the DNS answers.")]
    if any(term.name == "ptr" for term in parse(found[0])):
        said = f"SPF: the record of {domain} uses ptr, which some receivers skip (RFC 7208 §5.5)"
        return [verdict, warning(said, "Name the relay by ip4, ip6, a or include instead.")]
    return [verdict]


@dataclass(slots=True)
class Policy:
    """A receiver's way through a record and all it includes, for a mail that matches nothing before its end."""

    lookup: Lookup
    lookups: int = 0
    void: list[str] = field(default_factory=list[str])  # the names that lead nowhere

    def follow(self, domain: str, above: tuple[str, ...] = ()) -> str:
        """How the policy of `domain` ends: "+" when everybody passes, by `all`, by a network that holds all addresses
        or by what it includes; else the qualifier of its `all`, "" without one. Counts the lookups on the way.

        Raises `Broken` and `NotAsked`."""
        everybody, ending = False, ""
        for term in self.terms(domain, is_included=bool(above)):
            if self.lookups > ENOUGH:
                break
            self.lookups += term.name in LOOKING_UP
            self.void += self.nowhere(term, domain)
            if term.leads_on and term.value in (domain, *above):
                raise Broken(f"{domain} includes {term.value} in a circle")
            theirs = self.follow(term.value, (*above, domain)) if term.leads_on else ""
            whole = theirs == "+" or term.name == "all" or (term.name in ("ip4", "ip6") and term.value.endswith("/0"))
            everybody = everybody or (whole and term.qualifier == "+")
            ending = {"all": term.qualifier, "redirect=": theirs}.get(term.name, "")
        return "+" if everybody else ending

    def terms(self, domain: str, *, is_included: bool) -> list[Term]:
        """Those of its one SPF record; without it an include or redirect is an error (RFC 7208 §5.2, §6.1)."""
        answer = self.lookup(domain, "TXT")
        if answer.got is Got.UNKNOWN:
            raise NotAsked(f"{domain}, which it includes: {answer.why}")
        found = records(answer)
        if len(found) != 1:
            raise Broken(f"{domain}, which it includes, has {'no' if not found else len(found)} SPF records")
        try:
            return parse(found[0])
        except Broken as error:
            raise Broken(f"the record of {domain}, which it includes: {error}" if is_included else str(error)) from None

    def nowhere(self, term: Term, domain: str) -> list[str]:
        """The hosts of a term that have no address at all, each a void lookup (RFC 7208 §4.6.4). One that has addresses
        of one kind only is void for senders of the other kind; who those are isn't known here."""
        name = term.value or domain
        if term.by_macro or term.name not in ASKED_FOR:
            return []
        hosts = [one for one in self.lookup(name, "MX").values if one != "."] if term.name == "mx" else []
        if len(hosts) > MOST_HOSTS:
            raise Broken(f"mx:{name} has {len(hosts)} servers where {MOST_HOSTS} are allowed")
        asked = [(name, ASKED_FOR[term.name]), *((host, ASKED_FOR["a"]) for host in hosts)]
        nothing = (Got.EMPTY, Got.ABSENT)
        return [host for host, kinds in asked if all(self.lookup(host, kind).got in nothing for kind in kinds)]


def _judge(domain: str, policy: Policy, ending: str) -> Diagnostic:
    record, count = f"SPF: the record of {domain}", len(policy.void)
    if policy.lookups > MOST_LOOKUPS:
        needs = f"{record} needs {policy.lookups} lookups where {MOST_LOOKUPS} are allowed, so receivers give up on it"
        return bad(
            f"{needs} before its end, and mail doesn't pass",
            "Remove the includes of services that no longer mail for you.",
        )
    if count > MOST_VOID:
        names = f"{record} names {count} places that don't exist ({', '.join(policy.void[:5])})"
        return bad(
            f"{names} where receivers tolerate {MOST_VOID}, so they give up on it, and mail doesn't pass",
            "Remove what no longer exists (RFC 7208 §4.6.4).",
        )
    if ending == "+":
        return bad(
            f"{record} or what it includes lets everybody pass (+all, or a network of size /0), so anybody may mail in"
            " your name",
            "End it in -all or ~all, and include nobody who lets everybody pass.",
        )
    if ending not in ("-", "~"):
        ends = "ends in ?all" if ending else "has no all at its end"
        return warning(f"{record} {ends}, so it stops nobody from mailing in your name", "End it in -all or ~all.")
    void = f", of which {' and '.join(policy.void)} found nothing" if policy.void else ""
    return well(f"SPF: one record, {policy.lookups} of {MOST_LOOKUPS} lookups{void}, ends in {ending}all")
