"""The studio of tests/web/studio/core, and signing in to it by what a person types."""

from __future__ import annotations

from urllib.parse import urlencode

from mailer.staff.accounts import Account, find_account
from mailer.staff.one_time_links import make_link
from mailer.staff.rights import Role
from tests.staff.world import AMINA, KIM, an_account
from tests.web.client import Reply
from tests.web.studio.conftest import House

__all__ = ["House"]


def invited(house: House, role: Role = Role.ADMIN, address: str = AMINA) -> str:
    """The path of a one-time link for an account, which is added if need be."""
    now = house.studio.clock()
    with house.studio.database.write() as connection:
        account = find_account(connection, address) or an_account(connection, address, role, at=now)
        return f"/join/{make_link(connection, KIM, account, at=now)}"


def account_named(house: House, address: str = AMINA) -> Account:
    with house.studio.database.read() as connection:
        found = find_account(connection, address)
    assert found
    return found


def send(house: House, path: str, *, cookie: str = "", **fields: str) -> Reply:
    """A form, as a browser sends it from a page under the studio's name."""
    return house.post(path, urlencode(fields).encode(), cookie=cookie)


def cookie_from(reply: Reply) -> str:
    """The session that an answer opened."""
    (found,) = (line for line in reply.headers["set-cookie"].splitlines() if not line.startswith("mailer-sso"))
    return found.partition(";")[0]
