"""SPF held against the test suite of RFC 7208 (tests/vendor/rfc7208), which tests receivers: one mail, one result.

We judge a policy for every mail at once. So what is permerror for a receiver must be broken for us, what isn't must
not be, and where one mail's way through the policy decides, the test is named with the reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mailer.diagnostics import Level
from mailer.doctor.dns.lookup import DnsAnswer, Got
from mailer.doctor.dns.spf import check_spf

SUITE = Path(__file__).parents[2] / "vendor" / "rfc7208" / "rfc7208-tests.yml"
# Tests in which this one mail passes before it comes to where others would break off.
EARLIER = {"Processing limits: include-at-limit": "matches with the tenth lookup; a mail from elsewhere needs the 11th"}


def zone_of(scenario: dict[str, Any]) -> dict[str, list[Any]]:
    return {name.lower(): records for name, records in scenario["zonedata"].items()}


def answer(zone: dict[str, list[Any]], name: str, kind: str, *, hops: int = 0) -> DnsAnswer:
    """What a resolver would say. An SPF record stands for TXT too, unless the zone has TXT of its own."""
    records = zone.get(name.lower().rstrip("."))
    if any(len(label) > 63 for label in name.split(".")):
        return DnsAnswer(Got.UNKNOWN, why="not a name")
    if records is None:
        return DnsAnswer(Got.ABSENT)
    pairs = [pair for record in records if isinstance(record, dict) for pair in record.items()]
    if kind == "TXT" and not any(one == "TXT" for one, _ in pairs):
        pairs = [("TXT" if one == "SPF" else one, value) for one, value in pairs]
    if alias := next((value for one, value in pairs if one == "CNAME"), None):
        return answer(zone, alias, kind, hops=hops + 1) if hops < 8 else DnsAnswer(Got.UNKNOWN, why="a circle")
    values = [value for one, value in pairs if one == kind and value != "NONE"]
    given = tuple(as_text(value, kind) for value in values if value != "TIMEOUT")
    if not given and "TIMEOUT" in (*records, *values):
        return DnsAnswer(Got.UNKNOWN, why="the DNS doesn't answer")
    return DnsAnswer(Got.FOUND, given) if given else DnsAnswer(Got.EMPTY)


def as_text(value: Any, kind: str) -> str:
    if kind == "MX":
        return str(value[1]).rstrip(".") or "."
    return "".join(value) if isinstance(value, list) else str(value)


def cases() -> list[Any]:
    return [
        pytest.param(scenario, test, id=f"{scenario['description']}: {name}")
        for scenario in yaml.load_all(SUITE.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for name, test in scenario["tests"].items()
    ]


@pytest.mark.parametrize(("scenario", "test"), cases())
def test_receivers_and_we_agree(scenario: dict[str, Any], test: dict[str, Any], request: pytest.FixtureRequest) -> None:
    zone = zone_of(scenario)
    domain = (str(test["mailfrom"]) or str(test["helo"])).rpartition("@")[2]
    finding = check_spf(lambda name, kind: answer(zone, name, kind), domain)[0]
    broken = finding.level is Level.ERROR and not finding.message.endswith(("mail in your name", "or treat it as spam"))
    results = test["result"] if isinstance(test["result"], list) else [test["result"]]
    if broken and any(request.node.name.endswith(f"[{name}]") for name in EARLIER):
        return
    allowed = {result == "permerror" for result in results}
    assert broken in allowed, (finding.message, results)
