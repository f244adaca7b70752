"""docs/checks.md is what the rules say, and each rule says all it should."""

from __future__ import annotations

import re
from pathlib import Path

from mailer.checking.runner import MODULES, rules
from scripts.check_rules import GROUPS, PAGE, page
from tests.checking.evidence import test_simulate
from tests.checking.rules import test_rules, test_specimens

# Two are about no newsletter (tests/cli/newsletter/test_render.py), one is about a campaign
# (tests/cli/campaign/test_status.py).
# Tested where they are found: tests/checking/test_preflight.py, tests/delivery/data.
ELSEWHERE = (
    "lists.fault", "lists.addresses", "check.edited", "audience.no-row", "data.unreadable", "data.nothing", "data.when",
)  # fmt: skip


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: .venv/bin/python -m scripts.check_rules"


def test_each_rule_says_what_it_is_and_why_it_matters() -> None:
    for rule in rules().values():
        assert re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", rule.id)
        assert rule.group in GROUPS
        assert len(rule.title) > 12
        assert len(rule.why) > 15
    assert len(MODULES) == 12


def test_each_rule_has_a_test() -> None:
    tested = {case.rule for case in test_rules.CASES}
    for module in (test_specimens, test_simulate):
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        tested.update(name for name in rules() if f'"{name}"' in text)
    assert sorted(set(rules()) - tested - set(ELSEWHERE)) == []
