"""Why somebody got a newsletter, or didn't: each rule of its audience, and what became of their mail.

For a newsletter that left, rules are asked as of the moment it was launched. What can be known of then is: consent (the
proofs), suppressions, mails. What isn't kept is how fields, tags and conditions were then, so those are asked as they
are now, and where nothing explains it, that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.fields import known_fields
from mailer.audience.people.timeline import version_told
from mailer.audience.people.zones import in_words, zone_of
from mailer.audience.selection.front_matter import read_audience
from mailer.audience.selection.groups import MAILED, campaigns_called
from mailer.audience.selection.segment_sql import parse_segment, truth
from mailer.audience.selection.segment_text import segment_text
from mailer.audience.selection.select import A_MONTH
from mailer.audience.selection.spec import Audience, from_json
from mailer.compose.expressions.ast import ANYTHING, And, Call, Expression, Not
from mailer.compose.source.message_file import read_source
from mailer.counting import counted
from mailer.store.engine.by_campaign import numbered
from mailer.store.tables.core import (
    campaigns,
    consent_sources,
    consents,
    deliveries,
    events,
    lists,
    people,
    subscriptions,
    suppressions,
)
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import DeliveryState, Frequency, Membership
from mailer.workspace import Workspace


class RuleKind(StrEnum):
    """What a rule asks."""

    LIST = "list"  # is subscribed to one of these lists
    ADDRESS = "address"  # nothing stops the address: unsubscribed, bounced, complained, staff
    EXCLUDED = "excluded"  # is on none of these lists
    CONDITION = "condition"  # a part of the segment; `about` is its expression
    FREQUENCY = "frequency"  # wants mail as often
    RECENTLY = "recently"  # had no mail within so many hours
    EARLIER = "earlier"  # wasn't mailed by these newsletters
    CAP = "cap"  # had fewer mails than the cap allows
    LIMIT = "limit"  # was among those drawn


@dataclass(frozen=True, slots=True)
class WhyRule:
    """One rule. `holds`: None where it can't be told. `fact` says in a few words what it rests on, `at` since when."""

    kind: RuleKind
    about: str
    holds: bool | None
    fact: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConsentThen:
    """Somebody's consent to one list, at the moment that counts and now; "" where they were not on it. `how`, `source`
    and `wording` are of the proof that held then."""

    list: str
    then: str
    now: str
    since: datetime | None = None
    how: str = ""
    source: str = ""
    wording: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryStep:
    """Something that happened to somebody's mail."""

    at: datetime
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Why:
    """The answer. `moment` is the launch, or now while it hasn't been launched. `state` is that of the person's mail,
    None when none was made for them; `code` the last reply, or why it was skipped."""

    slug: str
    moment: datetime
    was_launched: bool
    rules: Sequence[WhyRule]
    consents: Sequence[ConsentThen]
    state: DeliveryState | None = None
    code: str = ""
    detail: str = ""
    feedback: str = ""
    steps: Sequence[DeliveryStep] = ()
    local: str = ""  # of a newsletter by local time: the hour, the zone and who says so, and when that is

    @property
    def against(self) -> WhyRule | None:
        """The first rule that doesn't hold."""
        return next((rule for rule in self.rules if rule.holds is False), None)


def why(connection: Connection, workspace: Workspace, *, person_id: int, slug: str, now: datetime) -> Why:
    """Why this person got `slug`, or not. Raises `MailerError` for a newsletter that isn't there or has faults."""
    campaign = connection.execute(select(campaigns).where(campaigns.c.slug == slug)).first()
    if campaign is None:
        source = read_source(workspace.newsletter(slug))
        audience = read_audience(connection, source, fields=known_fields(connection, workspace.sound_lists()))
    else:
        audience = from_json(campaign.audience)
    launched = campaign.launched_at if campaign is not None else None
    asking = _Asking(connection, person_id, audience, launched or now, campaign.id if campaign is not None else None)
    consent = asking.consents()
    mail = asking.mail()
    return Why(
        slug, asking.moment, launched is not None, asking.rules(consent), consent,
        state=DeliveryState(mail.state) if mail else None, code=mail.code if mail else "",
        detail=mail.detail if mail else "", feedback=mail.feedback if mail else "",
        steps=asking.steps(mail.id) if mail else (),
        local=asking.local(campaign) if campaign is not None and campaign.local_at else "",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asking:
    """One person, one audience, one moment."""

    connection: Connection
    person_id: int
    audience: Audience
    moment: datetime
    campaign_id: int | None

    def rules(self, consent: Sequence[ConsentThen]) -> list[WhyRule]:
        audience = self.audience
        included = [one for one in consent if one.list in audience.include]
        on = next((one for one in included if one.then == Membership.SUBSCRIBED.value), None)
        best = on or next(iter(sorted(included, key=lambda one: one.then != Membership.PENDING.value)), None)
        found = [
            WhyRule(
                RuleKind.LIST, ", ".join(audience.include), on is not None, best.then if best else "",
                best.since if best else None,
            )
        ]  # fmt: skip
        found.append(self.address(on.list if on else None))
        if audience.exclude:
            off = next((one for one in consent if one.list in audience.exclude and one.then == "subscribed"), None)
            about = ", ".join(audience.exclude)
            found.append(WhyRule(RuleKind.EXCLUDED, about, off is None, off.list if off else ""))
        if audience.segment:
            found += map(self.condition, _parts(parse_segment(audience.segment, fields=ANYTHING)))
        if not audience.urgent:
            found += self.frequency()
        if audience.not_mailed_within_hours > 0:
            hours = audience.not_mailed_within_hours
            before = self.mailed_before(deliveries.c.changed_at >= self.moment - timedelta(hours=hours))
            found.append(self.unmailed(RuleKind.RECENTLY, f"{hours:g}", before))
        if audience.not_mailed_by:
            before = self.mailed_before(campaigns_called(audience.not_mailed_by))
            found.append(self.unmailed(RuleKind.EARLIER, ", ".join(audience.not_mailed_by), before))
        if audience.cap and not audience.urgent:
            found.append(self.within_cap())
        if audience.limit is not None:
            found.append(WhyRule(RuleKind.LIMIT, f"{audience.limit:,}", None))
        return found

    def consents(self) -> list[ConsentThen]:
        """Their consent to each list that the audience names, then and now."""
        named = (*self.audience.include, *self.audience.exclude)
        rows = self.connection.execute(
            select(
                lists.c.name, consents.c.status, consents.c.at, consent_sources.c.how, consent_sources.c.source,
                consent_sources.c.wording,
            )
            .join(lists, lists.c.id == consents.c.list_id)
            .join(consent_sources, consent_sources.c.id == consents.c.source_id)
            .where(consents.c.person_id == self.person_id, lists.c.name.in_(named), consents.c.at <= self.moment)
            .order_by(consents.c.at, consents.c.id)
        )  # fmt: skip
        proofs = {str(row.name): row for row in rows}  # the last of each list
        current = self.connection.execute(
            select(lists.c.name, subscriptions.c.status, subscriptions.c.changed_at)
            .join(lists, lists.c.id == subscriptions.c.list_id)
            .where(subscriptions.c.person_id == self.person_id, lists.c.name.in_(named))
        )
        now = {str(row.name): row for row in current}
        return [_consent(name, proofs.get(name), now.get(name), self.moment) for name in dict.fromkeys(named)]

    def address(self, list_name: str | None) -> WhyRule:
        """Whether something stopped the address, for this list or for all; of those that hold now."""
        holding = [suppressions.c.list_id == EVERY_LIST]
        if list_name is not None:
            holding.append(
                suppressions.c.list_id == select(lists.c.id).where(lists.c.name == list_name).scalar_subquery()
            )
        query = (
            select(suppressions.c.reason, suppressions.c.at)
            .join(people, people.c.address_hash == suppressions.c.address_hash)
            .where(people.c.id == self.person_id, holding[0] if len(holding) == 1 else holding[0] | holding[1])
            .order_by(suppressions.c.at)
        )
        stops = [row for row in self.connection.execute(query) if row.at <= self.moment]
        first = stops[0] if stops else None
        return WhyRule(RuleKind.ADDRESS, "", first is None, first.reason if first else "", first.at if first else None)

    def condition(self, part: Expression) -> WhyRule:
        asked = select(truth(part, now=self.moment)).where(people.c.id == self.person_id)
        holds = bool(self.connection.execute(asked).scalar())
        return WhyRule(RuleKind.CONDITION, segment_text(part), holds, at=self._signed(part))

    def _signed(self, part: Expression) -> datetime | None:
        """When they signed the page that a condition asks about."""
        call = part.operand if isinstance(part, Not) else part
        if not isinstance(call, Call) or call.name != "signed":
            return None
        mine = (signatures.c.person_id == self.person_id) & (signatures.c.page == call.args[0])
        return self.connection.execute(select(signatures.c.signed_at).where(mine)).scalar()

    def frequency(self) -> list[WhyRule]:
        """Nothing for those who want every newsletter."""
        wish = select(people.c.frequency).where(people.c.id == self.person_id)
        frequency = str(self.connection.execute(wish).scalar())
        if frequency == Frequency.EVERY.value:
            return []
        if frequency != Frequency.MONTHLY.value:
            return [WhyRule(RuleKind.FREQUENCY, frequency, False)]
        ordinary = (deliveries.c.changed_at >= self.moment - A_MONTH) & campaigns.c.is_urgent.is_(False)
        return [self.unmailed(RuleKind.FREQUENCY, frequency, self.mailed_before(ordinary))]

    def within_cap(self) -> WhyRule:
        """Whether they had fewer mails in so many days than the cap allows; what waited then isn't known any more."""
        cap, since = self.audience.cap, self.moment - self.audience.cap.length
        had = select(func.count()).select_from(deliveries).join(campaigns, campaigns.c.id == deliveries.c.campaign_id)
        had = had.where(
            deliveries.c.person_id == self.person_id, deliveries.c.state.in_(MAILED), campaigns.c.is_urgent.is_(False),
            deliveries.c.changed_at >= since, campaigns.c.launched_at <= self.moment,
            deliveries.c.campaign_id != (self.campaign_id or 0),
        )  # fmt: skip
        number = int(self.connection.execute(had).scalar_one())
        fact = f"{counted(number, 'mail')} in {counted(cap.days, 'day')}"
        return WhyRule(RuleKind.CAP, cap.in_words, number < cap.newsletters, fact)

    def mailed_before(self, which: ColumnElement[bool]) -> Row[str, datetime] | None:
        """The last mail of another newsletter before the moment, among these."""
        query = (
            select(campaigns.c.slug, deliveries.c.changed_at)
            .join(campaigns, campaigns.c.id == deliveries.c.campaign_id)
            .where(
                deliveries.c.person_id == self.person_id, deliveries.c.state.in_(MAILED), which,
                deliveries.c.changed_at <= self.moment, deliveries.c.campaign_id != (self.campaign_id or 0),
            )
            .order_by(deliveries.c.changed_at.desc())
        )  # fmt: skip
        return self.connection.execute(query.limit(1)).first()

    def unmailed(self, kind: RuleKind, about: str, before: Row[str, datetime] | None) -> WhyRule:
        return WhyRule(
            kind, about, before is None, before.slug if before else "", before.changed_at if before else None
        )

    def local(self, campaign: Row[Any]) -> str:
        """When it leaves where they are, as was fixed at the launch; the zone is that of now."""
        p = people.c
        who = select(p.timezone, p.country, p.attributes, p.timezone_source).where(p.id == self.person_id)
        row = self.connection.execute(who).one()
        zone = in_words(*zone_of({**row.attributes, "timezone": row.timezone, "country": row.country},
                                 row.timezone_source))  # fmt: skip
        frozen = select(deliveries.c.not_after).where(
            deliveries.c.campaign_id == campaign.id, deliveries.c.person_id == self.person_id
        )
        until: datetime | None = self.connection.execute(frozen).scalar()
        at = f": {until - timedelta(seconds=campaign.late_seconds):%a %-d %b %Y %H:%M} UTC" if until else ""
        return f"{campaign.local_at[-5:]} where they are, time zone {zone}{at}"

    def mail(self) -> Row[int, str, str, str, str] | None:
        d = deliveries.c
        query = select(d.id, d.state, d.code, d.detail, d.feedback).where(
            d.campaign_id == (self.campaign_id or 0), d.person_id == self.person_id
        )
        return self.connection.execute(query).first()

    def steps(self, delivery_id: int) -> list[DeliveryStep]:
        """Which version they got of a test, and what happened to the mail, the oldest first."""
        d = deliveries.c
        at = func.coalesce(d.changed_at, d.not_before).label("at")
        tested = deliveries.outerjoin(campaign_tests, campaign_tests.c.campaign_id == d.campaign_id)
        last = self.connection.execute(
            select(at, d.state, d.detail, d.arm, campaign_tests.c.winner)
            .select_from(tested)
            .where(numbered(delivery_id))
        ).one()
        rows = self.connection.execute(
            select(events.c.at, events.c.kind, events.c.detail)
            .where(numbered(delivery_id, events))
            .order_by(events.c.at, events.c.id)
        )
        found = [DeliveryStep(row.at, row.kind, row.detail) for row in rows]
        steps = sorted([*found, DeliveryStep(last.at, last.state, last.detail)], key=lambda step: step.at)
        drawn = version_told(last.arm, last.winner)
        return [DeliveryStep(self.moment, "drawn", drawn), *steps] if drawn else steps


def _consent(name: str, proof: Any, current: Any, moment: datetime) -> ConsentThen:
    now = str(current.status) if current else ""
    if proof is None:  # a subscription that came without a proof counts since it was changed last
        then = now if current and current.changed_at <= moment else ""
        return ConsentThen(name, then, now, since=current.changed_at if current else None)
    return ConsentThen(name, proof.status, now, proof.at, proof.how, proof.source, proof.wording)


def _parts(expression: Expression) -> list[Expression]:
    """What must all hold."""
    if isinstance(expression, And):
        return [*_parts(expression.left), *_parts(expression.right)]
    return [expression]
