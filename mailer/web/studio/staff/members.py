"""The room Staff: who has an account, adding somebody, their role and lists, links, disabling."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.audience.addresses import normalise
from mailer.delivery.notices.queue import Notice, NoticeKind, queue
from mailer.errors import MailerError
from mailer.staff.accounts import (
    Account,
    account_by_id,
    accounts,
    add_account,
    change_rights,
    disable_account,
    enable_account,
)
from mailer.staff.credentials.setting_up import ways_in
from mailer.staff.one_time_links import make_link
from mailer.staff.rights import ABOUT, Right, Role
from mailer.staff.sessions import revoke_everybody, sessions_of
from mailer.web.studio.core.access import cookie_name
from mailer.web.studio.core.context import Form, Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.staff.visitor import lists_to_choose, named_origin, number_of

ROOM_PATH = "/staff"


def show(visit: Visit) -> Response:
    """Everybody."""
    return _page(visit)


def add(visit: Visit) -> Response:
    """Somebody new, with the link that lets them in; who has none yet is asked to be an admin first."""
    form = visit.form
    try:
        role, lists = _wanted(visit, form)
        with visit.database.write() as connection:
            if not accounts(connection) and role is not Role.ADMIN:
                raise MailerError("the first account is an admin's", remedy="Who comes next may be anything.")
            address = normalise(form.get("address"))
            made = add_account(connection, visit.who, address, role, name=form.get("name"), lists=lists, at=visit.now)
            token = _give_link(visit, connection, made, by_mail="mail" in form)
    except MailerError as refused:
        return _page(visit, refused=refused, form=form)
    return _show_link(visit, made, token)


def show_one(visit: Visit) -> Response:
    """One account."""
    return _page_of_one(visit, _account(visit))


def change(visit: Visit) -> Response:
    """Another role, other lists."""
    account = _account(visit)
    try:
        role, lists = _wanted(visit, visit.form)
        with visit.database.write() as connection:
            change_rights(connection, visit.who, account, role=role, lists=lists, at=visit.now)
    except MailerError as refused:
        return _page_of_one(visit, account, refused=refused)
    return RedirectResponse(ROOM_PATH, 303)


def disable(visit: Visit) -> Response:
    """No more signing in."""
    account = _account(visit)
    try:
        with visit.database.write() as connection:
            disable_account(connection, visit.who, account, at=visit.now)
    except MailerError as refused:
        return _page_of_one(visit, account, refused=refused)
    return RedirectResponse(ROOM_PATH, 303)


def enable(visit: Visit) -> Response:
    """As before."""
    account = _account(visit)
    with visit.database.write() as connection:
        enable_account(connection, visit.who, account, at=visit.now)
    return RedirectResponse(f"{ROOM_PATH}/{account.id}", 303)


def new_link(visit: Visit) -> Response:
    """For who can't sign in any more."""
    account = _account(visit)
    if account.disabled_at is not None:
        raise HTTPException(404)
    with visit.database.write() as connection:
        token = _give_link(visit, connection, account, by_mail="mail" in visit.form)
    return _show_link(visit, account, token)


def sign_out_everybody(visit: Visit) -> Response:
    """End all sessions but the visitor's own, as after a lost laptop."""
    token = visit.request.cookies.get(cookie_name(visit.studio), "")
    with visit.database.write() as connection:
        revoke_everybody(connection, visit.who, token=token, at=visit.now)
    return RedirectResponse(ROOM_PATH, 303)


def _give_link(visit: Visit, connection: Connection, account: Account, *, by_mail: bool) -> str:
    """The secret of a new link; "" when it is mailed, and then made as it leaves."""
    if by_mail:
        queue(connection, Notice(NoticeKind.STAFF_LINK, account.address, account=account.id), at=visit.now)
        return ""
    return make_link(connection, visit.who, account, at=visit.now)


def _wanted(visit: Visit, form: Form) -> tuple[Role, list[str] | None]:
    """Role and lists as a form has them. Raises `MailerError`."""
    if form.get("role") not in tuple(Role):
        raise MailerError("choose what they may do")
    if form.get("which") != "some":
        return Role(form.get("role")), None
    lists = [visit.workspace.list_definition(name).name for name in form.all("list")]
    if not lists:
        raise MailerError("choose at least one list, or all of them")
    return Role(form.get("role")), lists


def _account(visit: Visit) -> Account:
    number = number_of(visit.path["id"])
    with visit.database.read() as connection:
        try:
            return account_by_id(connection, number)
        except MailerError:
            raise HTTPException(404) from None


def _show_link(visit: Visit, account: Account, token: str) -> Response:
    link = f"{named_origin(visit)}/join/{token}" if token else ""
    return page(visit, "staff/link.html", account=account, link=link)


def _page(visit: Visit, *, refused: MailerError | None = None, form: Form | None = None) -> Response:
    with visit.database.read() as connection:
        found = [
            (one, ways_in(connection, one.id), sessions_of(connection, one.id, now=visit.now))
            for one in accounts(connection)
        ]
    form = form or Form(b"")
    return page(
        visit, "staff/staff.html", status=200 if refused is None else 422, found=found, refused=refused, form=form,
        about=ABOUT, lists=lists_to_choose(visit), first=not found,
    )  # fmt: skip


def _page_of_one(visit: Visit, account: Account, *, refused: MailerError | None = None) -> Response:
    with visit.database.read() as connection:
        ways = ways_in(connection, account.id)
        sessions = sessions_of(connection, account.id, now=visit.now)
    return page(
        visit, "staff/member.html", status=200 if refused is None else 422, account=account, ways=ways,
        sessions=sessions, refused=refused, about=ABOUT, lists=lists_to_choose(visit),
    )  # fmt: skip


ROUTES = (
    StudioRoute(ROOM_PATH, show, Right.STAFF),
    StudioRoute(ROOM_PATH, add, Right.STAFF, method="POST"),
    StudioRoute("/staff/sign-everybody-out", sign_out_everybody, Right.STAFF, method="POST"),
    StudioRoute("/staff/{id}", show_one, Right.STAFF),
    StudioRoute("/staff/{id}", change, Right.STAFF, method="POST"),
    StudioRoute("/staff/{id}/disable", disable, Right.STAFF, method="POST"),
    StudioRoute("/staff/{id}/enable", enable, Right.STAFF, method="POST"),
    StudioRoute("/staff/{id}/link", new_link, Right.STAFF, method="POST"),
)
