"""The room Audit: who did what, when, from where, found by words and by days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from mailer.staff.audit import PAGE, AuditFilter, entries
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.staff.visitor import number_of

FARTHEST = date(9998, 12, 31)


def show(visit: Visit) -> Response:
    """The newest entries that fit, and the way to older ones."""
    words, since, until = (visit.query.get(name, "").strip() for name in ("q", "from", "to"))
    first, last = _day(since), _day(until)
    wanted = AuditFilter(
        text=words.replace("\0", ""),
        since=_begin(visit, first) if first else None,
        until=_begin(visit, last + timedelta(days=1)) if last else None,
    )
    below = visit.query.get("before", "")
    before_id = number_of(below) if below else None
    with visit.database.read() as connection:
        found = entries(connection, wanted, before_id=before_id, limit=PAGE + 1)
    asked = {"q": words, "from": first.isoformat() if first else "", "to": last.isoformat() if last else ""}
    older = ""
    if len(found) > PAGE:
        found = found[:PAGE]
        older = "/audit?" + urlencode({**{k: v for k, v in asked.items() if v}, "before": str(found[-1].id)})
    return page(visit, "staff/audit.html", found=found, asked=asked, older=older)


def _day(text: str) -> date | None:
    try:
        return min(date.fromisoformat(text), FARTHEST)
    except ValueError:
        return None


def _begin(visit: Visit, day: date) -> datetime:
    """When a day begins where staff read times."""
    return datetime(day.year, day.month, day.day, tzinfo=visit.zone)


ROUTES = (StudioRoute("/audit", show, Right.STAFF),)
