"""Who made a hit, judged by one request: a table of what real programs say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.store.states import Verdict
from mailer.tracking.rules import judge

PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 12; CUBOT X18) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 [FBAN/FBIOS;FBAV/500.0]",
    "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 Version/4.0 Chrome/130.0 Instagram 350.0 Android",
    "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; id) Presto/2.12.423 Version/12.16",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15 DuckDuckGo/7",
    "Abbottabad Browser 1.0",
    "Nokia6300/2.0 (07.21) Profile/MIDP-2.0 Configuration/CLDC-1.1",
)  # fmt: skip
ROBOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "AdsBot-Google (+http://www.google.com/adsbot.html)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Baiduspider/2.0",
    "SomeCrawler/1.0",
)
LIBRARIES = (
    "curl/8.14.1",
    "Wget/1.25",
    "python-requests/2.32.3",
    "Python-urllib/3.13",
    "Java/21.0.2",
    "okhttp/4.12.0",
    "Go-http-client/2.0",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "axios/1.7.2",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)",
    "Apache-HttpClient/4.5.13 (Java/11.0.16)",
)


@pytest.mark.parametrize("agent", PEOPLE)
def test_people(agent: str) -> None:
    assert judge("GET", {"user-agent": agent}) == (Verdict.HUMAN, ())


@pytest.mark.parametrize(
    ("agent", "reason"),
    [(agent, "agent:robot") for agent in ROBOTS] + [(agent, "agent:library") for agent in LIBRARIES],
)
def test_programs_that_say_so(agent: str, reason: str) -> None:
    assert judge("GET", {"user-agent": agent}) == (Verdict.MACHINE, (reason,))


@pytest.mark.parametrize("agent", [{}, {"user-agent": ""}, {"user-agent": "  "}])
def test_nobody_knows_without_a_user_agent(agent: dict[str, str]) -> None:
    assert judge("GET", agent) == (Verdict.UNSURE, ("agent:none",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "Preview"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ],
)
def test_prefetching(name: str, value: str) -> None:
    verdict, reasons = judge("GET", {"user-agent": PEOPLE[0], name: value})
    assert (verdict, reasons) == (Verdict.MACHINE, (f"prefetch:{name}",))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
def test_only_get_is_a_person(method: str) -> None:
    assert judge(method, {"user-agent": PEOPLE[0]}) == (Verdict.MACHINE, (f"method:{method.lower()}",))


def test_all_reasons_are_named() -> None:
    verdict, reasons = judge("HEAD", {"user-agent": "curl/8", "purpose": "prefetch"})
    assert verdict is Verdict.MACHINE
    assert reasons == ("method:head", "prefetch:purpose", "agent:library")


@given(
    st.text(max_size=20), st.dictionaries(st.sampled_from(["user-agent", "purpose", "x-moz"]), st.text(max_size=300))
)
def test_hostile_headers_get_a_verdict(method: str, headers: dict[str, str]) -> None:
    verdict, reasons = judge(method, headers)
    assert (verdict is Verdict.HUMAN) == (not reasons)
