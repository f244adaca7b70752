"""What the folder brings to the house: its routes, its line of the sidebar, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starlette.responses import Response

from mailer.counting import counted
from mailer.staff.rights import Right
from mailer.web.studio.automations.stuck import stuck_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may, page
from mailer.web.studio.core.rooms import Room, SidebarPlace, StudioRoute, WaitingTask
from mailer.web.studio.inbox import answers, bursts, returned
from mailer.web.studio.newsletters.listing import ListedNewsletter, everything
from mailer.web.studio.newsletters.shelf import names_of


def show(visit: Visit) -> Response:
    """What waits for a decision."""
    return page(
        visit, "inbox/inbox.html", called=names_of(visit), bursts=bursts.to_decide(visit), uncertain=_uncertain(visit),
        stuck=[one for one in stuck_of(visit) if one.may_decide and (one.mail.uncertain or one.mail.held)],
        replies=answers.how_many_wait(visit), unclear=returned.unclear(visit),
        many_unclear=returned.how_many_unclear(visit),
    )  # fmt: skip


def waits(visit: Visit) -> Iterator[WaitingTask]:
    """What waits here for those who may see people. Uncertain mails are on Today by themselves."""
    if may(visit, Right.SEE_PEOPLE):
        found = bursts.to_decide(visit)
        called = names_of(visit) if found else str
        for burst in found or ():
            words = f"Their mail was “{called(burst.slug)}”. Look at the list, then put them back or leave it"
            path = f"/inbox/bursts/{burst.number}"
            yield WaitingTask(f"A scanner may have unsubscribed {counted(burst.people)}", words, path, "Look", "shield")
    if waiting := answers.how_many_wait(visit):
        words = "People wrote back to a newsletter"
        yield WaitingTask(f"Answer {counted(waiting, 'reply', 'replies')}", words, answers.HERE, "Read", "reply")
    if many := returned.how_many_unclear(visit):
        words = "They came back, and no program can be sure what they mean"
        yield WaitingTask(f"Look at {counted(many, 'mail')}", words, "/inbox", "Look", "inbox")


def count(visit: Visit) -> int:
    """How much waits, for the sidebar."""
    seen = len(bursts.to_decide(visit) or ()) if may(visit, Right.SEE_PEOPLE) else 0
    return seen + returned.how_many_unclear(visit) + answers.how_many_wait(visit)


def _uncertain(visit: Visit) -> Sequence[ListedNewsletter]:
    if not may(visit, Right.PAUSE):
        return []
    return [one for one in everything(visit) if (one.uncertain or one.held) and not one.file.is_away]


ROOM = Room(
    routes=(StudioRoute("/inbox", show, Right.REPORTS), *answers.ROUTES, *bursts.ROUTES, *returned.ROUTES),
    places=(SidebarPlace("/inbox", "Inbox", "inbox", group=3, key="I", asks=Right.REPORTS, phone=True, count=count),),
    waits=waits,
)
