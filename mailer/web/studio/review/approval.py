"""The right side of the room: who approved what, what is missing, what changed since, and what the visitor may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mailer.counting import listed
from mailer.review.approvals import kept_content, may_approve, writers
from mailer.review.changes import Change, changes
from mailer.review.content import NewsletterContent
from mailer.staff.accounts import accounts, holders
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.review.overview import ReviewOverview, changed_since_seen

WORDS = {1: "One person must approve it", 2: "Two people must approve it"}
# What a difference can be about, by the beginning of its part, as the list of what stayed equal says it.
ALL_PARTS = {
    "Subject": "subject", "Line below": "the line after it", "Mail": "text", "Picture": "pictures", "Sender": "sender",
    "Sign page": "sign page", "Thanks": "thanks", "List": "list", "Look": "look", "Audience": "audience rules",
    "Leaves": "time",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """What changed since something that happened: since Amina approved it, since it was asked for."""

    words: str
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class ApprovalPanel:
    """What the visitor is shown and may do. `names`: what people are called, by how steps name them."""

    rule: str
    names: Mapping[str, str]
    approvers: str  # who may, in words
    may_approve: bool
    has_approved: bool
    mine_is_void: bool  # they approved it, and it changed since
    wrote: bool
    may_ask: bool
    since: ChangedSince | None

    def name(self, by: str) -> str:
        return self.names.get(by, by)

    def rest(self, found: Sequence[Change]) -> str:
        """What is as it was, beside these differences."""
        told = {name for name in ALL_PARTS for one in found if one.part.startswith(name)}
        return ", ".join(words for name, words in ALL_PARTS.items() if name not in told)


def panel_of(visit: Visit, connection: Connection, found: ReviewOverview, *, since: str) -> ApprovalPanel:
    """The panel for a newsletter as it is now. `since`: the digest of what the visitor looked at before, or ""."""
    settings, who, slug = visit.workspace.settings.studio, visit.who, found.look.slug
    everybody = accounts(connection)
    names = {one.address: one.called for one in everybody}
    called = {one.id: one.called for one in everybody}
    wrote = frozenset[int | str]() if settings.approver_may_be_writer else writers(connection, slug)
    list_name = found.content.list_name if found.content else ""
    approvers = [one.called for one in holders(connection, Right.APPROVE, list_name) if one.id not in wrote]
    counting = found.state.counting if found.state else ()
    may = bool(list_name) and may_approve(connection, who, slug, list_name=list_name, settings=settings)
    has_approved = any(one.person == who.person for one in counting)
    return ApprovalPanel(
        rule=_rule(settings.approvals, [str(called.get(one, one)) if isinstance(one, int) else one for one in wrote]),
        names=names, approvers=listed(approvers), may_approve=may and not has_approved, has_approved=has_approved,
        mine_is_void=any(old.approval.person == who.person for old in (found.state.outdated if found.state else ())),
        wrote=who.person in wrote, may_ask=found.content is not None and who.may(Right.WRITE),
        since=_since(visit, connection, found, since) if found.content else None,
    )  # fmt: skip


def _since(visit: Visit, connection: Connection, found: ReviewOverview, digest: str) -> ChangedSince | None:
    """What changed since the visitor looked; else since approval was asked for, unless an approval given later shows
    more."""
    assert found.content is not None
    assert found.state is not None
    if digest and (seen := changed_since_seen(visit.studio, digest, found.content)):
        return ChangedSince("Changed while you looked", seen)
    asked = found.state.asked
    if asked is None or asked.digest == found.content.digest or found.state.outdated or found.state.counting:
        return None
    before: NewsletterContent | None = kept_content(connection, found.look.slug, asked.digest)
    return ChangedSince("Changed since it was asked for", changes(before, found.content)) if before else None


def _rule(needed: int, wrote: Sequence[str]) -> str:
    if not needed:
        return "It may leave without an approval here. Colleagues can give theirs all the same."
    but = f", but not {listed(sorted(wrote), 'or')}, who wrote some of it" if wrote else ""
    return f"{WORDS.get(needed, f'{needed} people must approve it')}{but}."
