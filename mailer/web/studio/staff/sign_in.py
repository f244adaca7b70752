"""The sign-in: by passkey, by password and code, by the organisation's own accounts; and signing out."""

from __future__ import annotations

from starlette.responses import JSONResponse, RedirectResponse, Response

from mailer.errors import MailerError
from mailer.staff.credentials import single_sign_on
from mailer.staff.credentials.passkeys import PasskeyRefused
from mailer.staff.credentials.sign_in import SignInRefused, ask_passkey, by_passkey, by_password
from mailer.staff.credentials.tries import TooManyTries
from mailer.staff.sessions import end_session
from mailer.web.studio.core.access import cookie_name, end_session_cookie, needs_sign_in, session_token, set_session
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.opening import own_path
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Access, StudioRoute
from mailer.web.studio.staff.visitor import browser_of, by_its_name, gate_of, party_of

SSO_COOKIE = "sso"
SSO_SECONDS = 600
BACK = "/sign-in/back"


def show(visit: Visit) -> Response:
    """The page; for who is in already, where they wanted to go."""
    to = own_path(visit.query.get("to", "/"))
    if visit.actor is not None or not needs_sign_in(visit.studio):
        return RedirectResponse(to, 303)
    return by_its_name(visit) or _page(visit, to)


def enter_by_password(visit: Visit) -> Response:
    """The form was sent."""
    form, to = visit.form, own_path(visit.form.get("to", "/"))
    try:
        token = by_password(
            gate_of(visit), browser_of(visit), address=form.get("address"), password=form.text("password"),
            code=form.get("code"), now=visit.now,
        )  # fmt: skip
    except (SignInRefused, TooManyTries) as refused:
        return _page(visit, to, refused=refused, address=form.get("address"))
    return _entered(visit, token, RedirectResponse(to, 303))


def ask_for_passkey(visit: Visit) -> Response:
    """Script asks what to give the device."""
    try:
        asked = ask_passkey(gate_of(visit), browser_of(visit), party_of(visit), now=visit.now)
    except TooManyTries as refused:
        return told(refused, 429)
    return JSONResponse({"publicKey": asked})


def enter_by_passkey(visit: Visit) -> Response:
    """Script brings the device's answer."""
    answer = visit.body.decode("utf-8", "replace")
    try:
        token = by_passkey(gate_of(visit), browser_of(visit), party_of(visit), answer, now=visit.now)
    except PasskeyRefused as refused:
        return told(refused, 422)
    return _entered(visit, token, JSONResponse({"to": own_path(visit.query.get("to", "/"))}))


def go_to_provider(visit: Visit) -> Response:
    """To the organisation's own sign-in. A link and no form, since our policy lets forms lead nowhere else."""
    client = _client(visit)
    try:
        url, cookie = single_sign_on.begin(
            gate_of(visit), client, network=browser_of(visit).network, now=visit.now
        )  # fmt: skip
    except (single_sign_on.SsoRefused, TooManyTries) as refused:
        return _page(visit, "/", refused=refused)
    response = RedirectResponse(url, 303)
    response.set_cookie(
        cookie_name(visit.studio, SSO_COOKIE), cookie, max_age=SSO_SECONDS, path="/", secure=visit.studio.is_secure,
        httponly=True, samesite="lax",
    )  # fmt: skip
    return response


def come_back(visit: Visit) -> Response:
    """From there, with who it says they are."""
    cookie = visit.request.cookies.get(cookie_name(visit.studio, SSO_COOKIE), "")
    state, code = visit.query.get("state", ""), visit.query.get("code", "")
    try:
        token = single_sign_on.finish(
            gate_of(visit), browser_of(visit), _client(visit), cookie=cookie, state=state, code=code, now=visit.now
        )
    except MailerError as refused:
        return _page(visit, "/", refused=refused)
    response = _entered(visit, token, RedirectResponse("/", 303))
    response.delete_cookie(cookie_name(visit.studio, SSO_COOKIE), path="/", secure=visit.studio.is_secure)
    return response


def leave(visit: Visit) -> Response:
    """Sign out."""
    if token := session_token(visit):
        with visit.database.write() as connection:
            end_session(connection, token)
    response = RedirectResponse("/sign-in", 303)
    end_session_cookie(visit, response)
    return response


def told(error: MailerError, status: int) -> Response:
    """An error for the page's script to show."""
    return JSONResponse({"message": error.message, "remedy": error.remedy}, status)


def _entered(visit: Visit, token: str, response: Response) -> Response:
    set_session(visit, response, token)
    return response


def _client(visit: Visit) -> single_sign_on.Client:
    settings = visit.workspace.settings.sso
    if not settings.issuer:
        raise MailerError("single sign-on is not set up", remedy="See docs/staff.md for what mailer.toml needs.")
    return single_sign_on.Client(settings, visit.workspace.secrets.sso_client_secret, f"{party_of(visit).origin}{BACK}")


def _page(visit: Visit, to: str, *, refused: MailerError | None = None, address: str = "") -> Response:
    status = 200 if refused is None else 429 if isinstance(refused, TooManyTries) else 422
    sso = visit.workspace.settings.sso
    button = sso.button if sso.issuer else ""
    return page(visit, "staff/sign_in.html", status=status, to=to, refused=refused, address=address, sso=button)


ROUTES = (
    StudioRoute("/sign-in", show, Access.ANYBODY),
    StudioRoute("/sign-in", enter_by_password, Access.ANYBODY, method="POST"),
    StudioRoute("/sign-in/passkey/ask", ask_for_passkey, Access.ANYBODY, method="POST"),
    StudioRoute("/sign-in/passkey", enter_by_passkey, Access.ANYBODY, method="POST"),
    StudioRoute("/sign-in/sso", go_to_provider, Access.ANYBODY),
    StudioRoute(BACK, come_back, Access.ANYBODY),
    StudioRoute("/sign-out", leave, Access.ANYBODY, method="POST"),
)
