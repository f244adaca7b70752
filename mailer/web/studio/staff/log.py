"""The room Audit: who did what, when, from where, found by words, names and days; and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from mailer.audience.people.csv_export import guarded
from mailer.staff.audit import PAGE, AuditFilter, entries, names_in_log
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.staff.visitor import number_of

FARTHEST = date(9998, 12, 31)
ROWS_AT_ONCE = 1_000  # of the file
COLUMNS = ("at", "by", "via", "action", "subject", "detail", "reason", "before", "after")


def show(visit: Visit) -> Response:
    """The newest entries that fit, and the way to older ones."""
    wanted, asked = _wanted(visit)
    below = visit.query.get("before", "")
    before_id = number_of(below) if below else None
    with visit.database.read() as connection:
        found = entries(connection, wanted, before_id=before_id, limit=PAGE + 1)
        names = names_in_log(connection)
    older = ""
    if len(found) > PAGE:
        found = found[:PAGE]
        older = "/audit?" + urlencode({**asked, "before": str(found[-1].id)})
    return page(
        visit, "staff/audit.html", found=found, asked=asked, older=older, names=names,
        as_csv="/audit.csv?" + urlencode(asked),
    )  # fmt: skip


def download(visit: Visit) -> Response:
    """All entries that fit, as a file for a spreadsheet, the newest first."""
    wanted, _ = _wanted(visit)
    headers = {"Content-Disposition": f'attachment; filename="who-did-what-{visit.now:%Y-%m-%d}.csv"'}
    return StreamingResponse(_lines(visit, wanted), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(visit: Visit, wanted: AuditFilter) -> Iterator[str]:
    before_id: int | None = None
    yield _line(COLUMNS)
    while True:
        with visit.database.read() as connection:
            found = entries(connection, wanted, before_id=before_id, limit=ROWS_AT_ONCE)
        for one in found:
            yield _line([guarded(str(getattr(one, name))) for name in COLUMNS])
        if len(found) < ROWS_AT_ONCE:
            return
        before_id = found[-1].id


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _wanted(visit: Visit) -> tuple[AuditFilter, dict[str, str]]:
    """What is asked for, and how the address says it."""
    words, by, since, until = (visit.query.get(name, "").strip() for name in ("q", "by", "from", "to"))
    first, last = _day(since), _day(until)
    wanted = AuditFilter(
        text=words, by=by,
        since=_begin(visit, first) if first else None,
        until=_begin(visit, last + timedelta(days=1)) if last else None,
    )  # fmt: skip
    asked = {"q": words, "by": by, "from": first.isoformat() if first else "", "to": last.isoformat() if last else ""}
    return wanted, {name: value for name, value in asked.items() if value}


def _day(text: str) -> date | None:
    try:
        return min(date.fromisoformat(text), FARTHEST)
    except ValueError:
        return None


def _begin(visit: Visit, day: date) -> datetime:
    """When a day begins where staff read times."""
    return datetime(day.year, day.month, day.day, tzinfo=visit.zone)


ROUTES = (
    StudioRoute("/audit", show, Right.STAFF),
    StudioRoute("/audit.csv", download, Right.STAFF),
)
