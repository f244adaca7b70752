"""One's own account: where one is signed in, passkeys, password and app, recovery codes."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.credentials.passkeys import (
    PasskeyRefused,
    ask_to_make,
    make_passkey,
    passkeys_of,
    remove_passkey,
)
from mailer.staff.credentials.recovery_codes import renew_codes
from mailer.staff.credentials.setting_up import offer_app, remove_password, set_password, ways_in
from mailer.staff.rights import ABOUT
from mailer.staff.sessions import revoke, revoke_others, sessions_of
from mailer.web.studio.core.access import session_token
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Access, StudioRoute
from mailer.web.studio.staff.sign_in import told
from mailer.web.studio.staff.visitor import account_of_visitor, by_its_name, gate_of, number_of, party_of

HERE = "/account"
PROGRAMS = (
    ("Edg", "Edge"), ("Firefox", "Firefox"), ("OPR", "Opera"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
MACHINES = (
    ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "a Mac"),
    ("Linux", "Linux"),
)  # fmt: skip


def show(visit: Visit) -> Response:
    """The page."""
    if visit.who.account_id is None:
        return page(visit, "staff/no_account.html")
    return by_its_name(visit) or _page(visit)


def end_one(visit: Visit) -> Response:
    """Sign out elsewhere: one session of the list."""
    account = account_of_visitor(visit)
    with visit.database.write() as connection:
        if not revoke(connection, account.id, number_of(visit.path["id"])):
            raise HTTPException(404)
        audit.record(connection, visit.who, "session ended", at=visit.now, subject=account.subject)
    return RedirectResponse(HERE, 303)


def end_others(visit: Visit) -> Response:
    """Sign out everywhere else."""
    account = account_of_visitor(visit)
    with visit.database.write() as connection:
        revoke_others(connection, account.id, session_token(visit))
        audit.record(connection, visit.who, "other sessions ended", at=visit.now, subject=account.subject)
    return RedirectResponse(HERE, 303)


def ask_for_passkey(visit: Visit) -> Response:
    """Script asks what to give the device."""
    account = account_of_visitor(visit)
    try:
        with visit.database.write() as connection:
            return JSONResponse({"publicKey": ask_to_make(connection, party_of(visit), account, now=visit.now)})
    except PasskeyRefused as refused:
        return told(refused, 422)


def add_passkey(visit: Visit) -> Response:
    """Script brings the new passkey."""
    account = account_of_visitor(visit)
    answer, label = visit.body.decode("utf-8", "replace"), visit.query.get("label", "")
    try:
        with visit.database.write() as connection:
            made = make_passkey(connection, party_of(visit), account, answer, label=label, now=visit.now)
            audit.record(
                connection, visit.who, "passkey added", at=visit.now, subject=account.subject, detail=made.label
            )
    except PasskeyRefused as refused:
        return told(refused, 422)
    return JSONResponse({"to": HERE})


def take_passkey_away(visit: Visit) -> Response:
    """One passkey of the list; the last way in stays."""
    account = account_of_visitor(visit)
    try:
        credential = bytes.fromhex(visit.path["id"])
    except ValueError:
        raise HTTPException(404) from None
    with visit.database.write() as connection:
        ways = ways_in(connection, account.id)
        if ways.passkeys == 1 and not (ways.has_password or ways.has_sso):
            return _page(
                visit, refused=MailerError("This passkey is your only way in.", remedy="Add another one first.")
            )
        if not remove_passkey(connection, account.id, credential):
            raise HTTPException(404)
        audit.record(connection, visit.who, "passkey removed", at=visit.now, subject=account.subject)
    return RedirectResponse(HERE, 303)


def choose_password(visit: Visit) -> Response:
    """A new password with a new app; everywhere else one is signed out."""
    account, form = account_of_visitor(visit), visit.form
    try:
        with visit.database.write() as connection:
            codes = set_password(
                connection, visit.who, account, gate_of(visit).seeds, password=form.text("password"),
                code=form.get("code"), carried=form.get("carried"), now=visit.now,
            )  # fmt: skip
            revoke_others(connection, account.id, session_token(visit))
    except MailerError as refused:
        return _page(visit, refused=refused)
    return _show_codes(visit, codes)


def take_password_away(visit: Visit) -> Response:
    """From now on by passkey alone."""
    account = account_of_visitor(visit)
    try:
        with visit.database.write() as connection:
            remove_password(connection, visit.who, account, now=visit.now)
    except MailerError as refused:
        return _page(visit, refused=refused)
    return RedirectResponse(HERE, 303)


def new_codes(visit: Visit) -> Response:
    """New recovery codes in place of the old ones."""
    account = account_of_visitor(visit)
    with visit.database.write() as connection:
        codes = renew_codes(connection, account.id)
        audit.record(connection, visit.who, "recovery codes renewed", at=visit.now, subject=account.subject)
    return _show_codes(visit, codes)


def browser_in_words(name: str) -> str:
    """Firefox on a Mac: as much of a User-Agent as people need to know a device again."""
    program = next((words for part, words in PROGRAMS if part in name), "A browser")
    machine = next((words for part, words in MACHINES if part in name), "")
    return f"{program} on {machine}" if machine else program


def _show_codes(visit: Visit, codes: Sequence[str]) -> Response:
    return page(visit, "staff/recovery_codes.html", codes=codes, to=HERE, first=False)


def _page(visit: Visit, *, refused: MailerError | None = None) -> Response:
    account = account_of_visitor(visit)
    with visit.database.read() as connection:
        ways, passkeys = ways_in(connection, account.id), passkeys_of(connection, account.id)
        sessions = sessions_of(connection, account.id, now=visit.now, token=session_token(visit))
    organisation = visit.workspace.settings.organisation.name
    carried = visit.form.get("carried") if refused else ""
    app = offer_app(account, gate_of(visit).seeds, organisation=organisation, now=visit.now, carried=carried)
    return page(
        visit, "staff/account.html", status=200 if refused is None else 422, account=account, ways=ways,
        passkeys=passkeys, sessions=sessions, app=app, refused=refused, about=ABOUT[account.role],
        in_browser=browser_in_words,
    )  # fmt: skip


ROUTES = (
    StudioRoute(HERE, show, Access.SIGNED_IN),
    StudioRoute("/account/sessions/{id}/end", end_one, Access.SIGNED_IN, method="POST"),
    StudioRoute("/account/sessions/end", end_others, Access.SIGNED_IN, method="POST"),
    StudioRoute("/account/passkey/ask", ask_for_passkey, Access.SIGNED_IN, method="POST"),
    StudioRoute("/account/passkey", add_passkey, Access.SIGNED_IN, method="POST"),
    StudioRoute("/account/passkeys/{id}/remove", take_passkey_away, Access.SIGNED_IN, method="POST"),
    StudioRoute("/account/password", choose_password, Access.SIGNED_IN, method="POST"),
    StudioRoute("/account/password/remove", take_password_away, Access.SIGNED_IN, method="POST"),
    StudioRoute("/account/codes", new_codes, Access.SIGNED_IN, method="POST"),
)
