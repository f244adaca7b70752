"""Issues that are made of what is new: a feed that goes on, stands still, or is away."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from mailer.delivery.series.data import reads_data
from mailer.store.tables.core import campaigns
from tests.delivery.data.sites import item, rss
from tests.delivery.series.conftest import Series


def feed(series: Series, *entries: str) -> Path:
    path = series.path.parent / "f.xml"
    path.write_bytes(rss(*(item(one, date=f"2026-11-2{4 + n}T08:00:00Z") for n, one in enumerate(entries))))
    return path


def test_each_issue_has_what_is_new_and_none_is_made_of_nothing(series: Series, now: datetime) -> None:
    series.edit("action:\n", "data:\n  news:\n    from: f.xml\n    since: last issue\naction:\n")
    series.edit("::: ask\n", "{% for one in data.news %}\n- {{ one.title }}\n{% endfor %}\n\n::: ask\n")
    path = feed(series, "Otters")
    due = series.start(now)
    told: list[tuple[str, list[str]]] = []
    for week, entries in enumerate((["Otters"], ["Otters"], ["Otters", "Salmon"], None)):
        if entries is None:
            path.unlink()
        else:
            feed(series, *entries)
        at = due + timedelta(weeks=week)
        series.read = reads_data(series.database, now=at)
        (made,) = series.run(at)
        text = mail_of(series, made.campaign)
        told.append((made.state.value, [one for one in ("Otters", "Salmon") if one in text]))
    assert told == [("composed", ["Otters"]), ("skipped", []), ("composed", ["Salmon"]), ("failed", [])]
    assert any("no file f.xml" in one.why for one in series.issues)


def mail_of(series: Series, slug: str) -> str:
    with series.database.read() as connection:
        found = connection.execute(select(campaigns.c.message).where(campaigns.c.slug == slug)).scalar()
    return "".join(part for part in found["text"] if isinstance(part, str)) if found else ""
