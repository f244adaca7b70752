"""What staff change of one person on their page: each a form, each asks for its right, each is in the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from mailer.audience.consent.lift import lift as lift_suppressions
from mailer.audience.people.data_export import everything
from mailer.audience.supporter_care.bulk import BulkDeed, BulkOrder, check_order, do_to_batch
from mailer.audience.supporter_care.edit import (
    change_person,
    forget_person,
    new_field,
    tag_person,
    unsubscribe_person,
    untag_person,
)
from mailer.errors import MailerError
from mailer.staff.actor import NotAllowed
from mailer.staff.audit import record
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.people.person import PersonPage, find_person, person_page

OWN = "own."  # before the name of a field that not everybody has
WAS = "was."  # before the name of one as the page showed it


def change(visit: Visit) -> Response:
    """Names, country, language and their own fields."""
    values = visit.form.values()
    wanted = {_field(name): value for name, value in values.items() if _is_field(name)}
    seen = {_field(name.removeprefix(WAS)): value for name, value in values.items() if name.startswith(WAS)}

    def changed(connection: Connection, person: PersonPage) -> None:
        more = (
            {new_field(values["new_name"]): values.get("new_value", "")} if values.get("new_name", "").strip() else {}
        )
        change_person(connection, visit.who, person.id, {**more, **wanted}, seen=seen, at=visit.now)

    return _done(visit, changed, typed=values)


def tag(visit: Visit) -> Response:
    """One more tag."""
    name = visit.form.get("tag")
    return _done(visit, lambda connection, one: tag_person(connection, visit.who, one.id, name, at=visit.now))


def untag(visit: Visit) -> Response:
    """One tag less."""
    name = visit.form.get("tag")
    return _done(visit, lambda connection, one: untag_person(connection, visit.who, one.id, name, at=visit.now))


def join(visit: Visit) -> Response:
    """Onto a list, with how they agreed and to which words."""
    form = visit.form
    order = BulkOrder(
        BulkDeed.LIST, {}, None, name=form.get("name"), source=form.get("source"), wording=form.get("wording")
    )

    def joined(connection: Connection, person: PersonPage) -> None:
        check_order(visit.workspace, visit.who, order)
        if not do_to_batch(connection, visit.who, order, [person.id], at=visit.now):
            raise MailerError(
                f"{person.called} left this list, or mail to the address is stopped",
                remedy="Who left comes back by joining again.",
            )
        subject = f"person {person.id}"
        record(connection, visit.who, "person put on a list", at=visit.now, subject=subject, detail=order.name)

    return _done(visit, joined, typed=form.values())


def leave(visit: Visit) -> Response:
    """Off one list, or off all, at their request."""
    name = visit.form.get("list") or None
    if name is None:
        require_whole(visit, Right.IMPORT)
    else:
        visit.who.require(Right.IMPORT, name)

    def left(connection: Connection, person: PersonPage) -> None:
        if name is None or name in person.on:
            unsubscribe_person(connection, visit.who, person.id, name, source="studio", at=visit.now)

    return _done(visit, left)


def lift(visit: Visit) -> Response:
    """Mail again what bounced, complained or was stopped."""
    require_whole(visit, Right.IMPORT)
    form = visit.form

    def lifted(connection: Connection, person: PersonPage) -> None:
        lift_suppressions(
            connection, person.fields["email"], address_key=visit.workspace.secrets.require_address_key(),
            reason=form.get("reason"), by=visit.who, complaint="complaint" in form, at=visit.now,
        )  # fmt: skip

    return _done(visit, lifted, typed={"reason": form.get("reason")})


def data(visit: Visit) -> Response:
    """A copy of everything that is kept of them."""
    person = find_person(visit)
    key = visit.workspace.secrets.require_address_key()
    with visit.database.write() as connection:
        found = everything(connection, person.fields["email"], address_key=key)
        record(connection, visit.who, "person’s data downloaded", at=visit.now, subject=f"person {person.id}")
    headers = {"Content-Disposition": f'attachment; filename="person-{person.id}.json"', "Cache-Control": "no-store"}
    body = json.dumps(found, indent=2, ensure_ascii=False, default=str)
    return Response(body, media_type="application/json", headers=headers)


def forget(visit: Visit) -> Response:
    """Delete everything that names them, once their address was typed."""
    require_whole(visit, Right.EXPORT_PEOPLE)
    person = find_person(visit)
    try:
        with visit.database.write() as connection:
            forget_person(connection, visit.who, person.fields["email"], typed=visit.form.get("typed"), at=visit.now)
    except MailerError as wrong:
        return person_page(visit, person, wrong=wrong, typed={"typed": ""})
    return RedirectResponse("/people", 303)


def require_whole(visit: Visit, right: Right) -> None:
    """For what holds on every list: somebody who is limited to some lists hasn't the right to it."""
    visit.who.require(right)
    if visit.who.lists is not None:
        raise NotAllowed(right, "every list")


def _done(
    visit: Visit, change: Callable[[Connection, PersonPage], None], *, typed: Mapping[str, str] | None = None
) -> Response:
    """Their page once the change is made, or with what was wrong."""
    person = find_person(visit)
    try:
        with visit.database.write() as connection:
            change(connection, person)
    except NotAllowed:
        raise
    except MailerError as wrong:
        return person_page(visit, person, wrong=wrong, typed=typed)
    return RedirectResponse(f"/people/{person.id}", 303)


def _is_field(name: str) -> bool:
    return name in ("first_name", "last_name", "country", "language", "timezone") or name.startswith(OWN)


def _field(name: str) -> str:
    return name.removeprefix(OWN)
