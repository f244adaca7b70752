"""Who made a hit, as far as one request can tell: a person, a machine, or nobody knows. Pure and versioned.

Each rule gives a reason, and the strongest verdict wins. Hits are stored raw, so that later rules judge old hits again;
what only several hits together can show (every link in seconds, one network for many people) is not judged here.

The words of generic robot lists are left out on purpose: they take mail providers' picture proxies for robots, and let
scanners that look like Chrome pass. Only who says so of itself is a machine here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mailer.store.states import Verdict

RULES = 1  # goes up with each change of what follows, and stands beside every verdict

# What prefetching browsers and proxies say of themselves: Sec-Purpose (Fetch, §3.7 of the WHATWG standard) and the
# older spellings of Chrome and Safari ("Purpose"), and Firefox ("X-Moz").
PREFETCH_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
PREFETCH = re.compile(r"\b(prefetch|prerender|preview)\b", re.IGNORECASE)

# A word that ends in "bot" names one, unless it is Cubot, a maker of telephones.
ROBOT = re.compile(
    r"(?<![a-z])(?!cubot)[a-z]*bot(?![a-z])|crawl|spider|slurp|scanner|monitor|uptime|fetcher|facebookexternalhit"
    r"|whatsapp/|skypeuripreview|link ?preview|urlscan|headless|lighthouse|phantomjs|safelinks",
    re.IGNORECASE,
)
# Programs that fetch without a reader. Microsoft Office asks for a link itself before it opens the reader's browser.
LIBRARY = re.compile(
    r"^(curl|wget|python|aiohttp|httpx|java|okhttp|apache-httpclient|go-http-client|go-resty|libwww|lwp|perl|ruby|php"
    r"|guzzlehttp|node|axios|got|undici|powershell|microsoft office|reqwest|ureq|dart|postmanruntime|insomnia|httpie)"
    r"(?![a-z])",
    re.IGNORECASE,
)


def judge(method: str, headers: Mapping[str, str]) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict over one request, and every reason for it. `headers` have lower-case names."""
    machine: list[str] = []
    unsure: list[str] = []
    if method != "GET":
        machine.append(f"method:{method.lower()}")
    machine += [f"prefetch:{name}" for name in PREFETCH_HEADERS if PREFETCH.search(headers.get(name, ""))]
    agent = headers.get("user-agent", "").strip()
    if not agent:
        unsure.append("agent:none")  # no browser leaves it out, some proxies strip it
    elif LIBRARY.match(agent):
        machine.append("agent:library")
    elif ROBOT.search(agent):
        machine.append("agent:robot")
    verdict = Verdict.MACHINE if machine else Verdict.UNSURE if unsure else Verdict.HUMAN
    return verdict, (*machine, *unsure)
