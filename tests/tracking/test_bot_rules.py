"""Who made a hit, judged by one request: a table of what real programs say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.store.tables.states import Verdict
from mailer.tracking.bot_rules import judge

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


# By whom a link is looked at when somebody passes it on, and others that don't call themselves robots.
LISTED = (
    "Viber",
    "Bluesky/1.0",
    "Mastodon/4.3.0 (http.rb/5.2.0; +https://mastodon.example/)",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Synapse/1.120",
    "Friendica 'Giant Rhubarb' 2024.12; https://friendica.example",
    "Valve/Steam HTTP Client 1.0 (SteamChatURLLookup)",
    "Embedly +support@embed.ly",
    "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
    "Mozilla/5.0 (compatible; Goodreads; +https://www.goodreads.com)",
    "Lemmy/0.19.8; +https://lemmy.example",
    "Tumblr/14.0.835.186",
    "Notion/1.0 (https://notion.so; team@makenotion.com)",
    "ia_archiver-web.archive.org",
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)",
)
# What the list would take for a program: a telephone by its build, browsers inside apps, and browsers with odd names.
TAKEN_FOR_PROGRAMS = (
    "Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/142.0.7444.142 Mobile Safari/537.36 Instagram 404.0.0.48.76 Android",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10 Pro XL Build/CP1A.260305.018; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/146.0.7680.174 Mobile Safari/537.36 MetaIAB Facebook",
    "Mozilla/5.0 (Linux; Android 14; V2318A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0 Mobile Safari/537.36 "
    "SogouMobileBrowser/12.9",
    "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_5_6; en-us) AppleWebKit/528.16 (KHTML, like Gecko) Fluid/0.9.6 "
    "Safari/528.16",
    "Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0 Mobile "
    "Safari/537.36 Viber/24.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.183 "
    "Safari/537.36 Valve Steam GameOverlay/1733265467",
    "Mozilla/5.0 (Linux; Android 13; LE2111) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36 "
    "DaumApps/9.7 Daum/9.7",
    "BlackBerry9700/5.0.0.351 Profile/MIDP-2.1 Configuration/CLDC-1.1 VendorID/123",
    "UCWEB/2.0 (MIDP-2.0; U; Adr 4.4.2; en-US; GT-S7262) U2/1.0.0 UCBrowser/10.9 U2/1.0.0 Mobile",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15 Epiphany/46",
    "Mozilla/5.0 (Mobile; rv:48.0; A405DL) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
)


@pytest.mark.parametrize("agent", LISTED)
def test_link_previewers_are_not_people(agent: str) -> None:
    verdict, reasons = judge("GET", {"user-agent": agent})
    assert verdict is Verdict.MACHINE
    assert reasons in {("agent:listed",), ("agent:robot",)}


@pytest.mark.parametrize("agent", TAKEN_FOR_PROGRAMS)
def test_people_whom_a_list_would_take_for_programs(agent: str) -> None:
    assert judge("GET", {"user-agent": agent}) == (Verdict.HUMAN, ())


def test_every_previewer_of_the_list_is_known() -> None:
    """As the list has them; but for a browser inside an app, which people use."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    agents = [
        agent
        for entry in CRAWLER_USER_AGENTS_DATA
        if "social-preview" in entry.get("tags", [])
        for agent in entry.get("instances", [])
    ]
    assert len(agents) > 80
    people = [agent for agent in agents if judge("GET", {"user-agent": agent})[0] is not Verdict.MACHINE]
    assert [agent for agent in people if "MetaIAB" not in agent] == []


def test_the_list_is_not_believed_about_who_fetches_pictures() -> None:
    agent = {"user-agent": "FastmailUA/1.0 (image proxy)"}
    assert judge("GET", agent)[0] is Verdict.MACHINE
    assert judge("GET", agent, opening=True) == (Verdict.UNSURE, ("agent:listed",))


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
