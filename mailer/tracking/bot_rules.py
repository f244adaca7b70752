"""Who made a hit, as far as one request can tell: a person, a machine, or nobody knows. Pure and versioned.

Each rule gives a reason, and the strongest verdict wins. Hits are stored raw, so that later rules judge old hits again.
This is the judgement at first sight; what only several hits together can show is for `bot_patterns`.

Programs that say so of themselves are machines here, and those that a maintained list knows (`crawlers`). The list is
not believed about programs that fetch pictures: it takes mail providers' picture proxies for robots.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mailer.store.tables.states import Verdict
from mailer.tracking.crawlers import is_listed

RULES = 3  # goes up with each change of what follows or of `bot_patterns`, and is stored with every verdict
LISTED = "agent:listed"
OPENING = 0  # the open pixel's number, in place of a link's

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


# Providers that fetch pictures in the reader's place and keep them: Gmail and Yahoo when the mail is opened, which
# also programs do that read along. They say so of themselves.
PROXY = re.compile(r"googleimageproxy|ggpht\.com|yahoomailproxy", re.IGNORECASE)
# Apple's Mail Privacy Protection fetches each picture, read or not, and says no more than this; Apple's Mail without
# it names WebKit and no browser. The two can't be told apart for sure.
PERHAPS_APPLE = re.compile(
    r"^mozilla/5\.0( \((macintosh|iphone|ipad)[^)]*\) applewebkit/[\d.]+ \(khtml, like gecko\)( mobile/\w+)?)?$",
    re.IGNORECASE,
)


def judge(method: str, headers: Mapping[str, str], *, opening: bool = False) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict over one request, and every reason for it. `headers` have lower-case names.

    `opening`: it asked for the picture of a mail, which programs do in the reader's place.
    """
    machine: list[str] = []
    unsure: list[str] = []
    if method != "GET":
        machine.append(f"method:{method.lower()}")
    machine += [f"prefetch:{name}" for name in PREFETCH_HEADERS if PREFETCH.search(headers.get(name, ""))]
    agent = headers.get("user-agent", "").strip()
    if not agent:
        unsure.append("agent:none")  # no browser leaves it out, some proxies strip it
    elif PROXY.search(agent):
        (unsure if opening else machine).append("agent:image-proxy")
    elif program := _program(agent):
        (unsure if opening and program == LISTED else machine).append(program)
    elif opening and PERHAPS_APPLE.match(agent):
        unsure.append("agent:perhaps-apple")
    verdict = Verdict.MACHINE if machine else Verdict.UNSURE if unsure else Verdict.HUMAN
    return verdict, (*machine, *unsure)


def says_it_is_a_program(agent: str) -> bool:
    """Whether a User-Agent names a robot or a library."""
    return bool(_program(agent))


def _program(agent: str) -> str:
    """The reason to take it for a program's, or ""."""
    if LIBRARY.match(agent):
        return "agent:library"
    return "agent:robot" if ROBOT.search(agent) else LISTED if is_listed(agent) else ""
