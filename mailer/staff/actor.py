"""Who does something: a member of staff in the studio, somebody at a terminal, or cron.

Every use case that changes something takes an actor, asks it for the right, and writes its name into the audit log.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mailer.errors import MailerError
from mailer.staff.rights import EVERY_RIGHT, Right


class NotAllowed(MailerError):
    """The actor lacks a right, or has it for other lists only. `right` is the one that was asked for."""

    def __init__(self, right: Right, list_name: str | None = None) -> None:
        where = f" for the list {list_name}" if list_name else ""
        super().__init__(
            f"your account may not do this{where}: it lacks the right “{right}”",
            remedy="Somebody with the role admin can change that on the page Staff.",
        )
        self.right = right
        self.list_name = list_name


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and with what rights. `lists`: the lists they may work with; None for all.

    `via` says from where, in words for the audit log: "terminal", "cron", "this machine", "studio, 192.0.2.7".
    """

    name: str
    rights: frozenset[Right]
    lists: frozenset[str] | None = None
    account_id: int | None = None  # of a signed-in member of staff
    via: str = ""

    @property
    def person(self) -> int | str:
        """Who it is, whatever they are called: the number of an account, or a name."""
        return self.name if self.account_id is None else self.account_id

    def may(self, right: Right, list_name: str | None = None) -> bool:
        """Whether they may do this; with a list, whether for that one."""
        return right in self.rights and (list_name is None or self.lists is None or list_name in self.lists)

    def may_work_on(self, list_names: Collection[str]) -> bool:
        """Whether a newsletter to these lists is theirs to work on, as far as their limit goes."""
        return self.lists is None or (bool(list_names) and self.lists.issuperset(list_names))

    def may_all(self, right: Right, list_names: Collection[str]) -> bool:
        """Whether they may do this for each of these lists. No lists at all is everybody, for who isn't limited."""
        if not list_names:
            return self.may(right) and self.lists is None
        return all(self.may(right, name) for name in list_names)

    def require_work_on(self, list_names: Collection[str]) -> None:
        """Raise `NotAllowed` unless they may write, and a newsletter to these lists is theirs to work on."""
        self.require(Right.WRITE)
        if not self.may_work_on(list_names):
            raise NotAllowed(Right.WRITE, ", ".join(sorted(set(list_names) - (self.lists or frozenset()))))

    def require(self, right: Right, list_name: str | None = None) -> None:
        """Raise `NotAllowed` unless they may."""
        if not self.may(right, list_name):
            raise NotAllowed(right, list_name)


def terminal() -> Actor:
    """Somebody with a shell in the workspace, who may do everything: the account of the operating system names them."""
    from getpass import getuser
    from socket import gethostname

    try:
        name = getuser()
    except (KeyError, OSError):  # a container's user without a name
        import os

        name = f"user {os.getuid()}"
    return Actor(f"terminal: {name}", EVERY_RIGHT, via=f"terminal on {gethostname()}")


def cron() -> Actor:
    """What runs by itself: `mailer run` and the work it does."""
    return Actor("cron", EVERY_RIGHT, via="cron")


def this_machine() -> Actor:
    """The studio on one's own machine while no account exists."""
    return Actor("this machine", EVERY_RIGHT, via="this machine")
