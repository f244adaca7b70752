"""Reading what a message takes from feeds, files and our own campaigns: on a real server, kind and hostile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailer.compose.merge import MergeProgram
from mailer.compose.source.written import Source
from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.plan import compile_newsletter, prepare
from mailer.delivery.data.fetch import FetchRules, fetch
from mailer.delivery.data.kept import FRESH, UnreadableSource
from mailer.delivery.data.read import DataReading, as_frozen, read_data
from mailer.review.approvals import approve, why_not_approved
from mailer.settings import StudioSettings
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.delivery.data.sites import FeedSite, item, newsletter, rss, serving
from tests.patience import HANG_SECONDS

HERE = FetchRules(inside=True, seconds=HANG_SECONDS)


@pytest.fixture
def site() -> Iterator[str]:
    with serving() as address:
        yield address


def at(source: Source, address: str) -> Source:
    """The source with its https addresses at the test's own server, which has no certificate."""
    there = tuple(replace(one, where=one.where.replace("https://feeds", address)) for one in source.data_sources)
    return replace(source, data_sources=there)


def read(database: Database, source: Source, site: str, now: datetime, **asked: object) -> DataReading:
    return read_data(database, at(source, site), now=now, rules=HERE, **asked)  # pyright: ignore[reportArgumentType]


def titles(reading: DataReading) -> list[str]:
    return [one["title"] for one in reading.data.values["news"]]


def test_a_feed_is_read_once_and_kept_for_some_minutes(
    workspace: Workspace, database: Database, now: datetime, site: str
) -> None:
    FeedSite.answers["/f"] = (200, {}, rss(item("First"), item("Second", link="https://e.org/b?x=1&amp;y=2")))
    source = newsletter(workspace, "news: https://feeds/f")
    found = read(database, source, site, now)
    assert [one["link"] for one in found.data.values["news"]] == [
        "https://news.example.com/a", "https://e.org/b?x=1&y=2",
    ]  # fmt: skip
    FeedSite.answers["/f"] = (200, {}, rss(item("Third")))
    later = read(database, source, site, now + FRESH - timedelta(seconds=1))
    assert later.data == found.data
    assert [one.message for one in later.diagnostics] == ["data.news: 2 entries, read 9 minutes ago"]
    assert FeedSite.asked == ["/f"]
    assert titles(read(database, source, site, now + FRESH)) == ["Third"]
    FeedSite.answers["/f"] = (200, {}, rss(item("Fourth")))
    assert titles(read(database, source, site, now + FRESH, again=True)) == ["Fourth"]


BOMB = (
    '<!DOCTYPE rss [<!ENTITY a "xxxxxxxxxx">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
HOSTILE = {
    "bomb": (200, {}, rss(item("&i;"), head=BOMB), "entities"),
    "file": (200, {}, rss(item("&f;"), head='<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]>'), "entities"),
    "huge": (200, {}, b"<rss>" + b" " * 3_000_000, "larger than 2,000,000 bytes"),
    "loop": (302, {"Location": "/loop"}, b"", "more than 4 times"),
    "away": (302, {"Location": "ftp://example.org/feed"}, b"", "no web address"),
    "login": (302, {"Location": "https://a:b@example.org/feed"}, b"", "password"),
    "gone": (404, {}, b"", "answers 404"),
    "down": (503, {}, b"", "answers 503"),
    "page": (200, {}, b"<!doctype html><link rel=alternate type='application/rss+xml' href='/feed'>", "web page"),
    "deep": (200, {}, b"<rss>" + b"<a>" * 500, "deep"),
    "none": (200, {}, b"", "empty"),
    "broken": (200, {}, b"<rss><channel>", "feed"),
    "svg": (200, {}, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no feed"),
    "zip": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b", "compressed"),
    "json": (200, {}, b"[" * 100_000, "no feed"),
    "nul": (200, {}, b"\0\0\0", "no feed"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_one_error_with_its_line_and_never_an_empty_mail(
    workspace: Workspace, database: Database, now: datetime, site: str, name: str
) -> None:
    status, headers, body, said = HOSTILE[name]
    FeedSite.answers[f"/{name}"] = (status, headers, body)
    source = newsletter(workspace, f"news: https://feeds/{name}")
    (fault,) = [one for one in read(database, source, site, now).diagnostics if one.stops]
    assert said in fault.message
    assert str(fault.place) == "newsletters/digest/message.md:6"
    assert fault.remedy


def test_a_site_that_trickles_is_left_and_not_asked_again_at_once(
    workspace: Workspace, database: Database, now: datetime, site: str
) -> None:
    source = newsletter(workspace, "news: https://feeds/drip")
    rules = FetchRules(inside=True, seconds=0.2)
    for seconds in (0, 59):
        found = read_data(database, at(source, site), now=now + timedelta(seconds=seconds), rules=rules)
        assert "within 0.2 s" in found.diagnostics[0].message
    assert FeedSite.asked == ["/drip"]


@pytest.mark.parametrize(
    "address", ["https://localhost/f", "https://127.0.0.1/f", "https://[::1]/f", "https://169.254.169.254/latest"]
)
def test_nothing_inside_is_asked(address: str) -> None:
    with pytest.raises(UnreadableSource, match="private network"):
        fetch(address)


def test_no_redirect_leads_inside_or_to_what_is_unencrypted(site: str) -> None:
    FeedSite.answers["/f"] = (302, {"Location": "http://127.0.0.1:1/f"}, b"")
    outside = FetchRules(resolve=lambda host, port: ["127.0.0.1"], seconds=HANG_SECONDS)
    with pytest.raises(UnreadableSource, match="isn’t https"):
        fetch(f"{site}/f", rules=outside)


ODD = {
    "latin": (
        rss(item("Caf\u00e9")).decode().replace("utf-8", "iso-8859-1").encode("latin-1"), "", ["Café"],
    ),
    "lies": (rss(item("Caf\u00e9")).decode().encode("cp1252"), "", ["Café"]),
    "by the server": (rss(item("Žena")).decode().replace(' encoding="utf-8"', "").encode("cp1250"), "cp1250", ["Žena"]),
    "utf-16": (rss(item("日本")).decode().replace("utf-8", "utf-16").encode("utf-16"), "", ["日本"]),
    "entities": (rss(item("A&nbsp;B &amp;amp; C &mdash; D")), "", ["A B & C — D"]),
    "markup": (rss(item("&lt;b&gt;Bold&lt;/b&gt;&lt;script&gt;x()&lt;/script&gt;")), "", ["Bold"]),
    "twice": (rss(item("New", guid="1"), item("Old", guid="1")), "", ["New"]),
    "undated last": (
        rss(item("No date", date=""), item("Old", date="Sun, 22 Nov 2026 09:00 GMT"), item("Day", date="2026-11-23")),
        "", ["Day", "Old", "No date"],
    ),
    "bad date": (rss(item("A", date="yesterday"), item("B", date="0001-01-01T00:00:00+14:00")), "", ["A", "B"]),
    "from the future": (rss(item("Next year", date="2027-12-01T00:00:00Z"), item("Today")), "", ["Today"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_feeds_are_read_as_they_come(
    workspace: Workspace, database: Database, now: datetime, site: str, name: str
) -> None:
    body, charset, expected = ODD[name]
    FeedSite.answers["/f"] = (200, {"Content-Type": f"text/xml; charset={charset}"} if charset else {}, body)
    found = read(database, newsletter(workspace, "news: https://feeds/f"), site, now)
    assert not [one for one in found.diagnostics if one.stops]
    assert titles(found) == expected


def test_each_entry_is_in_one_issue_however_late_it_shows_up(
    workspace: Workspace, database: Database, now: datetime, site: str
) -> None:
    source = newsletter(workspace, "news:\n  from: https://feeds/f\n  since: last issue\n  limit: 2")
    entries = {name: item(name, date=(now + timedelta(days=days)).isoformat())
               for name, days in (("a", -3), ("b", -2), ("late", -1.01), ("c", 1), ("future", 9))}  # fmt: skip

    def issue(day: int, names: str, seen: tuple[str, ...], since: datetime | None) -> DataReading:
        FeedSite.answers["/f"] = (200, {}, rss(*(entries[one] for one in names.split())))
        return read(database, source, site, now + timedelta(days=day), since=since, seen=seen)

    first = issue(-1, "a b", (), None)
    assert (titles(first), first.data.new_items) == (["b", "a"], 2)
    second = issue(1, "late future c b", first.data.seen, now - timedelta(days=1))  # "late" was in their cache
    assert (titles(second), second.data.new_items) == (["c", "late"], 2)
    third = issue(3, "future c late b a", second.data.seen, now + timedelta(days=1))  # "a" is back after a deletion
    assert (titles(third), third.data.new_items) == ([], 0)
    assert [one.rule for one in third.diagnostics if not one.stops] == ["data.nothing", "data.when"]
    assert titles(issue(10, "future c", third.data.seen, now + timedelta(days=3))) == ["future"]


def test_files_beside_the_message_and_in_the_workspace(workspace: Workspace, database: Database, now: datetime) -> None:
    (workspace.root / "data").mkdir()
    (workspace.root / "data" / "prices.csv").write_bytes("Item;Price\nTee;5\nBrötchen;0,80\n".encode("cp1252"))
    rows = {"results": {"list": [{"items": "x", "n": 3, "none": None, "deep": {"t": "*b*"}}]}}
    source = newsletter(workspace, "prices: prices.csv\nmore:\n  from: m.json\n  items: results.list\n  limit: 1")
    (source.newsletter.folder / "m.json").write_text(json.dumps(rows), encoding="utf-8")
    found = read_data(database, source, now=now)
    assert found.diagnostics == ()
    assert found.data.values == {
        "prices": [{"Item": "Tee", "Price": "5"}, {"Item": "Brötchen", "Price": "0,80"}],
        "more": [{"items": "x", "n": 3, "none": "", "deep": {"t": "*b*"}}],
    }
    (workspace.root / "data" / "out.csv").symlink_to("/etc/hostname")
    outside = read_data(database, newsletter(workspace, "prices: out.csv"), now=now)
    assert "no file out.csv" in outside.diagnostics[0].message


def test_the_message_is_frozen_with_its_data(workspace: Workspace, database: Database, now: datetime) -> None:
    source = newsletter(workspace, "news: f.xml", subject="{{ data.news[0].title }}")
    feed = source.newsletter.folder / "f.xml"
    feed.write_bytes(rss(item("One *bold* [x](javascript:y)"), item("Two")))
    frozen = prepare(database, source, now=now).plan.message
    assert MergeProgram(frozen).subject({}) == "One *bold* [x](javascript:y)"
    assert {link.url for link in frozen.links} >= {"https://news.example.com/a"}
    feed.write_bytes(rss(item("Three")))
    assert prepare(database, source, now=now).plan.message.digest != frozen.digest
    again = prepare(database, as_frozen(source, frozen.data), now=now).plan.message
    assert again.digest == frozen.digest  # what is scheduled isn't held because their site went on
    asked_otherwise = as_frozen(newsletter(workspace, "news:\n  from: f.xml\n  limit: 1"), frozen.data)
    assert asked_otherwise.data is None


def test_a_link_that_is_no_web_address_never_gets_into_a_mail(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    source = newsletter(workspace, "news: f.json", "{% for one in data.news %}[Go]({{ one.url }}) {% endfor %}")
    (source.newsletter.folder / "f.json").write_text('[{"url": "javascript:alert(1)"}]', encoding="utf-8")
    found = compile_newsletter(database, source, now=now)
    assert found.plan is None
    assert "is not a web address" in " ".join(one.message for one in found.diagnostics)


def test_what_is_in_review_stays_as_it_was_seen_until_somebody_reads_it_again(
    workspace: Workspace, database: Database, now: datetime, site: str
) -> None:
    settings = replace(workspace.settings, studio=StudioSettings(approvals=1))
    workspace = replace(workspace, settings=settings)
    FeedSite.answers["/f"] = (200, {}, rss(item("Seen")))
    source = newsletter(workspace, "news: https://feeds/f")
    data = read(database, source, site, now).data
    plan = prepare(database, replace(source, data=data), now=now).plan
    content = content_of(plan, leaves=None)
    with database.write() as connection:
        approve(connection, terminal(), content, seen=content.digest, settings=settings.studio, at=now)
    FeedSite.answers["/f"] = (200, {}, rss(item("Unseen")))
    later = read(database, source, site, now + timedelta(days=2)).data
    again = prepare(database, replace(source, data=later), now=now).plan
    assert content_of(again, leaves=None).digest == content.digest
    renewed = read(database, source, site, now + timedelta(days=2), again=True).data
    other = content_of(prepare(database, replace(source, data=renewed), now=now).plan, leaves=None)
    with database.read() as connection:
        assert why_not_approved(connection, "digest", content.digest, settings.studio) == ""
        assert "was changed since it was approved" in why_not_approved(
            connection, "digest", other.digest, settings.studio
        )
