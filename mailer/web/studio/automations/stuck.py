"""The mails of automations that wait for somebody: told on Today, in the Inbox and above the drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.automations.control.stuck import StuckMail, stuck_mails
from mailer.counting import counted
from mailer.delivery.campaigns import orders
from mailer.delivery.campaigns.held import HeldChoice
from mailer.delivery.ledger.guard import why_paused
from mailer.staff.rights import Right
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may
from mailer.web.studio.core.rooms import WaitingTask
from mailer.web.studio.following.told import last_of, plain_why
from mailer.web.studio.people.automations import automation_names, step_names


@dataclass(frozen=True, slots=True)
class ShownStuck:
    """One of them. `until`: when the page looked, so that a decision is about the people it showed. `path`: where it is
    decided, "" where the automation's folder is gone."""

    mail: StuckMail
    name: str
    path: str
    may_decide: bool
    until: str

    @property
    def why(self) -> str:
        """What paused it, for campaigners; "" when staff did."""
        return plain_why(why_paused(self.mail.why)[0])

    @property
    def is_over(self) -> bool:
        return self.mail.state is CampaignState.CANCELLED


def stuck_of(visit: Visit, slug: str | None = None) -> list[ShownStuck]:
    """Those of all automations or of one. Quick: most of the time there are none."""
    with visit.database.read() as connection:
        found = stuck_mails(connection, slug)
        if not found:
            return []
        until = {one.campaign: _last(connection, one) for one in found}
    there = set(visit.workspace.automations())
    names = step_names(until, automation_names(visit, {one.automation for one in found}))
    return [
        ShownStuck(
            one, names.get(one.campaign, one.campaign),
            f"/automations/{one.automation}#{one.campaign}" if one.automation in there else "",
            visit.who.may(Right.PAUSE, one.to), until[one.campaign],
        )
        for one in found
    ]  # fmt: skip


def _last(connection: Connection, one: StuckMail) -> str:
    """When the last of its people became uncertain, or was held."""
    moments = [last_of(connection, one.number, state) for state in (DeliveryState.UNCERTAIN, DeliveryState.HELD)]
    return max((at.isoformat() for at in moments if at is not None), default="")


def waits(visit: Visit) -> Iterator[WaitingTask]:
    """What those who may decide it find on Today."""
    for one in stuck_of(visit) if may(visit, Right.PAUSE) else ():
        if one.may_decide and (number := one.mail.uncertain + one.mail.held):
            words = (
                f"They may or may not have got “{one.name}”" if one.mail.uncertain else f"“{one.name}” came too late"
            )
            yield WaitingTask(f"Decide about {counted(number)}", words, one.path, "Decide")


def wrong(visit: Visit) -> Iterator[WaitingTask]:
    """What somebody should know."""
    for one in stuck_of(visit):
        if one.mail.is_paused:
            words = f"{one.why} People of the automation wait before it.".strip()
            yield WaitingTask(f"“{one.name}” is paused", words, one.path, "Look", "pause")
        elif one.mail.troubles:
            words = "Everybody who has not got it waits, and it is tried again each minute."
            title = f"“{one.name}” can’t leave: the mail server doesn’t answer"
            yield WaitingTask(title, words, one.path, "Look", "triangle-alert")


def resume(visit: Visit) -> Response:
    """Go on."""
    return _done(visit, lambda mail: orders.resume(visit.database, mail, visit.who, now=visit.now))


def decide(visit: Visit) -> Response:
    """What becomes of those who may or may not have got it, or whose hour was past, as many as the page showed."""
    choice = visit.form.get("choice")
    try:
        until = datetime.fromisoformat(visit.form.get("until"))
        held = None if choice in ("again", "sent") else HeldChoice(choice)
    except ValueError:
        raise HTTPException(400) from None
    if until.tzinfo is None:
        raise HTTPException(400)

    def order(mail: str) -> object:
        if held is not None:
            return orders.decide_held(visit.database, mail, visit.who, held, now=visit.now, until=until)
        again = choice == "again"
        return orders.resolve(visit.database, mail, visit.who, resend=again, now=visit.now, until=until)

    return _done(visit, order)


def _done(visit: Visit, order: Callable[[str], object]) -> Response:
    """Give the order about the mail in the address, which must be of the automation there."""
    slug, mail = visit.path["name"], visit.path["mail"]
    with visit.database.read() as connection:
        if mail not in {one.campaign for one in stuck_mails(connection, slug)}:
            raise HTTPException(404)
    order(mail)
    return RedirectResponse(f"/automations/{slug}", 303)
