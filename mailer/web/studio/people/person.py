"""One person's page: what is known, whether they get our mail, what happened since they came, and why they (didn't) get
a newsletter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mailer.audience.people.people import FIELDS, Dossier, show
from mailer.audience.people.zones import in_words as zone_in_words
from mailer.audience.people.zones import zone_of
from mailer.audience.selection.rows import to_rows
from mailer.audience.selection.segment_sql import parse_segment
from mailer.audience.supporter_care.why import Why, WhyRule, why
from mailer.audience.supporter_care.why_words import headline, reason, title
from mailer.audience.tags import known_tags
from mailer.compose.expressions.ast import ANYTHING
from mailer.compose.expressions.tagged import BETWEEN, TAGS
from mailer.errors import MailerError
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Right
from mailer.store.tables.core import campaigns, people
from mailer.store.tables.states import CampaignKind, Membership
from mailer.web.studio.audience.choices import choices_of, country_name, language_name
from mailer.web.studio.audience.words import words_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.newsletters.listing import list_titles
from mailer.web.studio.newsletters.shelf import shelf_of
from mailer.web.studio.people.automations import (
    automation_names,
    automation_story,
    started_automations,
    step_names,
)
from mailer.web.studio.people.story import ShownMoment, shown_story

MOST_DIGITS = 18  # of a person's number
VIEWS = (("", "Everything"), ("signed", "Signed"), ("mails", "Mails"), ("consent", "Consent"))
MOST_NEWSLETTERS = 200  # offered to ask about


@dataclass(frozen=True, slots=True)
class PersonPage:
    """Who the page is about. `called`: the first name, else the whole name or the address, for sentences."""

    id: int
    dossier: Dossier
    titles: Mapping[str, str]  # of lists

    @property
    def fields(self) -> Mapping[str, str]:
        return self.dossier.fields

    @property
    def called(self) -> str:
        return self.fields["first_name"] or self.fields["name"] or self.fields["email"]

    @property
    def tags(self) -> Sequence[str]:
        return [one for one in self.fields[TAGS].split(BETWEEN) if one]

    @property
    def zone(self) -> str:
        """Their time zone and who says so."""
        return zone_in_words(*zone_of(self.fields, self.dossier.timezone_source))

    @property
    def own_fields(self) -> Sequence[str]:
        """The names of fields that not everybody has."""
        return sorted(set(self.fields) - set(FIELDS))

    @property
    def on(self) -> Sequence[str]:
        """The lists they are on, or asked to join."""
        return [one.list for one in self.dossier.lists if one.status != Membership.UNSUBSCRIBED.value]

    @property
    def is_mailed(self) -> bool:
        return any(not one.obstacle for one in self.dossier.lists)


def show_person(visit: Visit) -> Response:
    """Everything about one person."""
    return person_page(visit, find_person(visit))


def find_person(visit: Visit) -> PersonPage:
    """The person of the address. HTTPException 404 for nobody, and for people of lists that aren't the visitor's."""
    visit.who.require(Right.SEE_PEOPLE)
    number = visit.path["id"]
    if not number.isascii() or not number.isdigit() or len(number) > MOST_DIGITS:
        raise HTTPException(404)
    with visit.database.read() as connection:
        address = connection.execute(select(people.c.address).where(people.c.id == int(number))).scalar()
        key = visit.workspace.secrets.require_address_key()
        dossier = show(connection, address, address_key=key) if address else None
    limit = visit.who.lists
    if dossier is None or (limit is not None and not limit & {one.list for one in dossier.lists}):
        raise HTTPException(404)
    return PersonPage(int(number), dossier, list_titles(visit))


def person_page(
    visit: Visit, person: PersonPage, *, wrong: MailerError | None = None, typed: Mapping[str, str] | None = None
) -> Response:
    """The page; with what was `wrong` with a form, and what was `typed` into it."""
    names = {one.slug: one.name for one in shelf_of(visit.studio).newsletters(visit.workspace)}
    with visit.database.read() as connection:
        automations = automation_names(visit, started_automations(connection))
        inside = automation_story(connection, person.id, automations)
        steps = step_names({one.what for one in person.dossier.story}, automations)
        asked = _newsletters(connection, names)
        slug = visit.query.get("why", "") or next((slug for slug, _ in asked), "")
        answer, unread = None, None
        try:
            answer = _answer(visit, connection, person, slug, names) if slug else None
        except MailerError as error:  # a draft with faults: there is no audience to ask
            unread = error
        tags = known_tags(connection)
        decided = [*person.dossier.decisions, *entries(connection, AuditFilter(subject=f"person {person.id}"))]
    view = visit.query.get("view", "")
    moments = shown_story(person.dossier, decided, names | steps, person.titles, inside)
    return page(
        visit, "people/person.html", status=422 if wrong else 200, person=person, wrong=wrong,
        typed=typed or {}, answer=answer, unread=unread, newsletters=asked, asked=slug, tags=tags,
        moments=[one for one in moments if not view or one.view == view], views=VIEWS, view=view,
        in_all=_in_all(moments), to_join=[
            (name, words) for name, words in person.titles.items()
            if visit.who.may(Right.IMPORT, name) and name not in {one.list for one in person.dossier.lists}
        ],
        may_on=partial(visit.who.may, Right.IMPORT), whole=visit.who.lists is None, country_name=country_name,
        language_name=language_name, changing="change" in visit.query or "first_name" in (typed or {}),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownRule:
    """A rule in words: ✓, ✗, or – where it can't be told."""

    title: str
    rule: WhyRule


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """Why they got a newsletter, or didn't."""

    why: Why
    headline: str
    reason: str
    rules: Sequence[ShownRule]


def _answer(
    visit: Visit, connection: Connection, person: PersonPage, slug: str, names: Mapping[str, str]
) -> ShownAnswer:
    found = why(connection, visit.workspace, person_id=person.id, slug=slug, now=visit.now)

    def expressions(text: str) -> str:
        group = to_rows(parse_segment(text, fields=ANYTHING))
        return words_of(group, choices_of(visit)) if group else f"people with {text}"

    def lists(name: str) -> str:
        return person.titles.get(name, name)

    def newsletters(name: str) -> str:
        return names.get(name, name)

    rules = [
        ShownRule(title(one, lists=lists, newsletters=newsletters, expressions=expressions), one) for one in found.rules
    ]
    told = reason(found, person.called, lists=lists, newsletters=newsletters, expressions=expressions)
    return ShownAnswer(found, headline(found, person.called), told, rules)


def _newsletters(connection: Connection, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What can be asked about: what was launched, the newest first, then what is being written."""
    query = select(campaigns.c.slug).where(campaigns.c.kind != CampaignKind.STEP)
    newest = query.order_by(campaigns.c.created_at.desc()).limit(MOST_NEWSLETTERS)
    sent = [str(slug) for slug in connection.execute(newest).scalars()]
    drafts = [slug for slug in names if slug not in sent][: MOST_NEWSLETTERS - len(sent)]
    return [(slug, names.get(slug, slug)) for slug in (*sent, *drafts)]


def _in_all(moments: Sequence[ShownMoment]) -> Mapping[str, int]:
    """How much there is of each kind."""
    counts: dict[str, int] = {}
    for one in moments:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return counts
