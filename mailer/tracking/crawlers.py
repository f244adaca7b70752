"""Programs that a list maintained by many knows by their names (PyPI's crawler-user-agents): link previewers of
messengers and social networks above all, whose names don't say that they are programs.

Such a list takes some people for programs: it has the build number of a telephone in it, and browsers inside apps. So
it is asked only about agents that don't look like a person's browser. It is read when it is first needed, which takes a
fifth of a second.
"""

from __future__ import annotations

import re
from functools import cache

# A platform in brackets, then an engine: how browsers name themselves (WHATWG HTML §8.9.1.1). One that puts a web
# address or "compatible" into it is no browser of today, nor is a robot that says so.
BROWSER = re.compile(
    r"(?:mozilla/5\.0|opera/\d[\d.]*) \([^)]*\).*?(?:applewebkit/|gecko/|presto/)", re.IGNORECASE | re.DOTALL
)
NO_BROWSER = re.compile(r"https?:|www\.|compatible;|bot\b|crawl|spider|preview|fetch", re.IGNORECASE)


def is_listed(agent: str) -> bool:
    """Whether the list knows the User-Agent as a program's, and it doesn't look like a browser's."""
    if BROWSER.match(agent) and not NO_BROWSER.search(agent):
        return False
    return any(pattern.search(agent) for pattern in _patterns())


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    words = [str(entry["pattern"]) for entry in CRAWLER_USER_AGENTS_DATA]
    at_once = 50  # more alternatives in one expression are no quicker
    return tuple(re.compile("|".join(words[start : start + at_once])) for start in range(0, len(words), at_once))
