"""One more room, whose routes do what a test of the core needs."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse, Response

from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Room, StudioRoute


def _show(visit: Visit) -> Response:
    return page(visit, "core/find.html", words="", found=())


def _echo(visit: Visit) -> Response:
    return PlainTextResponse(visit.form.text("words"))


def _fails(_visit: Visit) -> Response:
    raise RuntimeError("Ada's address is in here")


def _told(_visit: Visit) -> Response:
    raise MailerError("the ink is empty", remedy="Fill it.")


TRIED = Room(
    routes=(
        StudioRoute("/tried", _show, Right.WRITE),
        StudioRoute("/tried", _echo, Right.WRITE, method="POST"),
        StudioRoute("/tried/fails", _fails, Right.WRITE),
        StudioRoute("/tried/told", _told, Right.WRITE),
        StudioRoute("/tried/approve", _show, Right.APPROVE),
    )
)


@pytest.fixture
def more_rooms() -> tuple[Room, ...]:
    return (TRIED,)
