"""Lets axe-core (tests/vendor) look at a page, and says what it finds.

Only what is asserted on leaves the browser: a whole answer of axe names every element it looked at, and carrying that
over to Python took longer than the looking.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
LEAST_RULES_PASSED = 5  # fewer, and axe saw no page

_LOOK = """async (options) => {
  const found = await axe.run(document, options);
  const told = found.violations.map((rule) => [rule.id, rule.nodes.map((node) => node.html.slice(0, 160))]);
  return [found.passes.length, told];
}"""


def faults_on(page: Page, *, least: int = LEAST_RULES_PASSED, frames: bool = True) -> list[tuple[str, list[str]]]:
    """Each rule that the page breaks, by axe's name, with the beginnings of the elements that break it.

    More than `least` rules must pass. The frames in the page are looked at too, unless `frames` is false.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))  # a script tag would be against a strict policy
    passed, told = page.evaluate(_LOOK, {"iframes": frames})
    assert passed > least, "axe saw no page"
    return [(rule, elements) for rule, elements in told]
