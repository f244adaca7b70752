"""What a one-time link opens: setting up how one signs in, by passkey or by a password with an app. Looking spends
nothing, since mail scanners look; the link is spent when the set-up is done."""

from __future__ import annotations

from starlette.responses import JSONResponse, RedirectResponse, Response

from mailer.errors import MailerError
from mailer.staff.accounts import Account
from mailer.staff.credentials.passkeys import PasskeyRefused, ask_to_make, make_passkey
from mailer.staff.credentials.setting_up import offer_app, set_password
from mailer.staff.credentials.sign_in import enter
from mailer.staff.one_time_links import holder, use_link
from mailer.web.studio.core.access import set_session
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Access, StudioRoute
from mailer.web.studio.staff.sign_in import told
from mailer.web.studio.staff.visitor import browser_of, by_its_name, gate_of, party_of

GONE = "This link was used, or is older than a day."
GONE_HINT = "Ask the person who sent it for a new one. If you have set up how you sign in, sign in."


class LinkIsGone(MailerError):
    """Used, too old, or never made."""

    def __init__(self) -> None:
        super().__init__(GONE, remedy=GONE_HINT)


def show(visit: Visit) -> Response:
    """The page."""
    account = _holder(visit)
    if account is None:
        return page(
            visit, "staff/link_gone.html", status=410, words=GONE, remedy="Ask the person who sent it for a new one."
        )
    return by_its_name(visit) or _page(visit, account)


def ask_for_passkey(visit: Visit) -> Response:
    """Script asks what to give the device."""
    account = _holder(visit)
    if account is None:
        return told(LinkIsGone(), 410)
    with visit.database.write() as connection:
        return JSONResponse({"publicKey": ask_to_make(connection, party_of(visit), account, now=visit.now)})


def join_by_passkey(visit: Visit) -> Response:
    """Script brings the new passkey: it is kept, and its owner is in."""
    try:
        with visit.database.write() as connection:
            account = use_link(connection, visit.path["token"], now=visit.now)
            if account is None:
                raise LinkIsGone
            label = visit.query.get("label", "")
            answer = visit.body.decode("utf-8", "replace")
            make_passkey(connection, party_of(visit), account, answer, label=label, now=visit.now)
            token = enter(connection, account, browser_of(visit), how="one-time link and passkey", now=visit.now)
    except (LinkIsGone, PasskeyRefused) as refused:
        return told(refused, 422)
    response = JSONResponse({"to": "/"})
    set_session(visit, response, token)
    return response


def join_by_password(visit: Visit) -> Response:
    """The form was sent: the password and its app are kept, and the recovery codes shown."""
    form, gate, browser = visit.form, gate_of(visit), browser_of(visit)
    account = _holder(visit)
    if account is None:
        return page(visit, "staff/link_gone.html", status=410, words=GONE, remedy=GONE_HINT)
    try:
        with visit.database.write() as connection:
            if use_link(connection, visit.path["token"], now=visit.now) is None:
                raise LinkIsGone
            codes = set_password(
                connection, account.actor(browser.via), account, gate.seeds, password=form.text("password"),
                code=form.get("code"), carried=form.get("carried"), now=visit.now,
            )  # fmt: skip
            token = enter(connection, account, browser, how="one-time link and password", now=visit.now)
    except MailerError as refused:
        return _page(visit, account, refused=refused)
    response = page(visit, "staff/recovery_codes.html", codes=codes, to="/", first=True)
    set_session(visit, response, token)
    return response


def to_sign_in(_visit: Visit) -> Response:
    """An address without its token, as some programs cut them."""
    return RedirectResponse("/sign-in", 303)


def _holder(visit: Visit) -> Account | None:
    with visit.database.read() as connection:
        return holder(connection, visit.path["token"], now=visit.now)


def _page(visit: Visit, account: Account, *, refused: MailerError | None = None) -> Response:
    organisation = visit.workspace.settings.organisation.name
    carried = visit.form.get("carried") if refused else ""
    app = offer_app(account, gate_of(visit).seeds, organisation=organisation, now=visit.now, carried=carried)
    return page(
        visit, "staff/join.html", status=200 if refused is None else 422, account=account, app=app, refused=refused,
        path=f"/join/{visit.path['token']}",
    )  # fmt: skip


ROUTES = (
    StudioRoute("/join", to_sign_in, Access.ANYBODY),
    StudioRoute("/join/{token}", show, Access.ANYBODY),
    StudioRoute("/join/{token}", join_by_password, Access.ANYBODY, method="POST"),
    StudioRoute("/join/{token}/passkey/ask", ask_for_passkey, Access.ANYBODY, method="POST"),
    StudioRoute("/join/{token}/passkey", join_by_passkey, Access.ANYBODY, method="POST"),
)
