"""What signing in needs of a visit: the keys, the browser, and the name under which passkeys know the studio."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.staff.accounts import Account, account_by_id
from mailer.staff.credentials.passkeys import RelyingParty
from mailer.staff.credentials.sign_in import Browser, Gate
from mailer.web.studio.core.access import session_token
from mailer.web.studio.core.context import Visit

MOST_DIGITS = 18  # below 2**63


def gate_of(visit: Visit) -> Gate:
    """The database and the keys. Raises `MailerError` when secrets.toml has none."""
    secrets = visit.workspace.secrets
    return Gate(visit.database, secrets.require_signing(), secrets.require_address_key())


def browser_of(visit: Visit) -> Browser:
    """Where the visitor comes from."""
    request = visit.request
    return Browser(
        network=request.client.host if request.client else "", name=request.headers.get("user-agent", ""),
        cookie=session_token(visit),
    )  # fmt: skip


def party_of(visit: Visit) -> RelyingParty:
    """The studio as passkeys know it: by the name that this browser calls it."""
    name = visit.workspace.settings.organisation.name or "Mailer"
    return RelyingParty(_origin(visit), name)


def by_its_name(visit: Visit) -> Response | None:
    """To the same page under a name, where this machine was called by a number: passkeys are bound to names."""
    here = _origin(visit)
    named = next((one for one in visit.studio.origins if _is_name(one)), None)
    if _is_name(here) or named is None or visit.request.method != "GET":
        return None
    url = visit.request.url
    return RedirectResponse(f"{named}{url.path}{'?' if url.query else ''}{url.query}", 303)


def named_origin(visit: Visit) -> str:
    """How links name the studio."""
    return next((one for one in visit.studio.origins if _is_name(one)), visit.studio.origins[0])


def account_of_visitor(visit: Visit) -> Account:
    """The account of who is signed in. Raises HTTPException 404 for this machine, which has none."""
    if visit.who.account_id is None:
        raise HTTPException(404)
    with visit.database.read() as connection:
        return account_by_id(connection, visit.who.account_id)


def lists_to_choose(visit: Visit) -> Sequence[tuple[str, str]]:
    """The lists an account can be limited to: name and title."""
    workspace = visit.workspace
    return [(name, workspace.list_definition(name).title) for name in workspace.list_names()]


def number_of(text: str) -> int:
    """The number of a row, as addresses name it. Raises HTTPException 404 for what can't be one."""
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS:
        raise HTTPException(404)
    return int(text)


def _origin(visit: Visit) -> str:
    host = visit.request.headers.get("host", "")  # one of ours, as the guard has seen to
    return next((one for one in visit.studio.origins if urlsplit(one).netloc == host), visit.studio.origins[0])


def _is_name(origin: str) -> bool:
    try:
        ip_address(urlsplit(origin).hostname or "")
    except ValueError:
        return True
    return False
