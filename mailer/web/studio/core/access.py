"""Who asks: the holder of the run's key on one's own machine, or of a session once anybody has an account."""

from __future__ import annotations

import hmac
from datetime import timedelta

from starlette.responses import Response

from mailer.staff.accounts import any_account
from mailer.staff.actor import Actor, this_machine
from mailer.staff.sessions import LONGEST, actor_of
from mailer.web.studio.core.context import Studio, Visit

RUN_LASTS = timedelta(days=1)


def cookie_name(studio: Studio, what: str = "session") -> str:
    """The name of a cookie. By TLS the prefix binds it to this very host (RFC 6265bis §4.1.3.2); on this machine, where
    cookies know no ports, its name keeps two studios apart."""
    if studio.is_secure:
        return f"__Host-mailer-{what}"
    return f"mailer-{what}-{studio.origins[0].rpartition(':')[2].strip('/')}"


def set_session(visit: Visit, response: Response, token: str) -> None:
    """Give the browser the secret of a session, as `staff.sessions.open_session` made it."""
    _set(visit.studio, response, "session", token, lasts=LONGEST)


def session_token(visit: Visit) -> str:
    """The secret of the session that the browser came with, "" for none."""
    return visit.request.cookies.get(cookie_name(visit.studio), "")


def end_session_cookie(visit: Visit, response: Response) -> None:
    """Have the browser forget its session."""
    studio = visit.studio
    response.delete_cookie(cookie_name(studio), path="/", secure=studio.is_secure, httponly=True, samesite="lax")


def needs_sign_in(studio: Studio) -> bool:
    """Whether people sign in here: always where others can reach it, and everywhere once somebody has an account."""
    if studio.run_key is None or studio.kept.get("accounts"):
        return True
    with studio.database.read() as connection:
        found = any_account(connection)
    if found:
        studio.kept["accounts"] = True  # accounts are disabled, never deleted
    return found


def actor_of_request(studio: Studio, cookies: dict[str, str], *, address: str) -> Actor | None:
    """Who sends a request with these cookies from `address`; None for a stranger."""
    if needs_sign_in(studio):
        token = cookies.get(cookie_name(studio), "")
        via = f"studio, {address}" if address else "studio"
        return actor_of(studio.database, token, now=studio.clock(), via=via) if token else None
    return this_machine() if is_run_key(studio, cookies.get(cookie_name(studio, "run"), "")) else None


def is_run_key(studio: Studio, key: str) -> bool:
    """Whether this is the key of the run."""
    return studio.run_key is not None and hmac.compare_digest(studio.run_key.encode(), key.encode())


def set_run_key(visit: Visit, response: Response) -> None:
    """Let the browser that opened the printed address in from now on, until the studio stops."""
    assert visit.studio.run_key is not None
    _set(visit.studio, response, "run", visit.studio.run_key, lasts=RUN_LASTS)


def _set(studio: Studio, response: Response, what: str, value: str, *, lasts: timedelta) -> None:
    response.set_cookie(
        cookie_name(studio, what), value, max_age=int(lasts.total_seconds()), path="/", secure=studio.is_secure,
        httponly=True, samesite="lax",
    )  # fmt: skip
