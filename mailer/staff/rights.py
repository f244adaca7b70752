"""What staff may do, and which roles bring it. Code asks for a right, never for a role.

Writing never implies seeing people: who writes sees how many get a newsletter, and no names.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Right(StrEnum):
    """One thing that an account may do. Counts and newsletters may be read by everybody who is signed in."""

    SEE_PEOPLE = "see people"  # names, addresses and what is known of a supporter
    EXPORT_PEOPLE = "export people"  # take them away as a file
    IMPORT = "import"  # bring people in, and take an import back
    WRITE = "write"  # newsletters: text, pictures, audience
    PROOF = "proof"  # mail a proof to reviewers, and comment
    APPROVE = "approve"  # say that a newsletter may leave as it is
    SEND = "send"  # schedule and send
    PAUSE = "pause"  # pause, resume and stop what is leaving, and decide on uncertain mails
    REPORTS = "reports"  # results of what was sent
    SETTINGS = "settings"  # organisation, brand, pace, keys
    STAFF = "staff"  # accounts, their rights and the audit log


class Role(StrEnum):
    """What an account is given: a bundle of rights under a name that staff know."""

    VIEWER = "viewer"
    WRITER = "writer"
    APPROVER = "approver"
    SENDER = "sender"
    ADMIN = "admin"


EVERY_RIGHT = frozenset(Right)
_VIEWER = frozenset({Right.REPORTS})
_WRITER = _VIEWER | {Right.WRITE, Right.PROOF}
_APPROVER = _WRITER | {Right.APPROVE, Right.PAUSE}
_SENDER = _WRITER | {Right.SEE_PEOPLE, Right.IMPORT, Right.SEND, Right.PAUSE}

RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.WRITER: _WRITER,
        Role.APPROVER: _APPROVER,
        Role.SENDER: _SENDER,
        Role.ADMIN: EVERY_RIGHT,
    }
)

ABOUT: Mapping[Role, str] = MappingProxyType(
    {
        Role.VIEWER: "looks at newsletters and results",
        Role.WRITER: "writes newsletters, sends proofs and sees how many people they reach, but no names",
        Role.APPROVER: "writes and approves newsletters, and stops what is leaving",
        Role.SENDER: "writes, imports people, schedules and sends",
        Role.ADMIN: "does everything, settings and staff included",
    }
)
