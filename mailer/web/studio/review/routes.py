"""The addresses of the Review room: the page, what is said and done there, and what follows when it is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, func, select
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.audience.selection.languages import language_name
from mailer.delivery.notices.approvers import ask_for_approval
from mailer.errors import MailerError
from mailer.review import approvals, comments, reviewers
from mailer.review.approvals import review_path
from mailer.review.content import NewsletterContent
from mailer.review.planned import plan_time, planned_time
from mailer.review.waiting import waiting_for
from mailer.staff.accounts import accounts
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import Right
from mailer.store.tables.writing import approvals as approvals_table
from mailer.store.tables.writing import comments as comments_table
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.compose.panel import reader_for, readers, sees_people
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.moments import distance, moment
from mailer.web.studio.core.pages import page, part, way
from mailer.web.studio.core.rooms import Access, Fact, Room, Step, StudioRoute, WaitingTask
from mailer.web.studio.newsletters.listing import ListedNewsletter, everything, has_left, list_titles, one
from mailer.web.studio.review import proofs
from mailer.web.studio.review.approval import panel_of
from mailer.web.studio.review.facts import facts_of, known_facts, who_gets_it
from mailer.web.studio.review.overview import fact_of, keep_seen, overview, overview_of
from mailer.web.studio.review.reading import PARTS, language_links, languages_of, part_label, parts_of, reviewed_text
from mailer.web.studio.send.leaving import time_given

LOOK_EVERY_SECONDS = 1.0
CHANGED = "it was changed while you looked at it"
PART = re.compile(r"[a-z]+(?:\.[A-Za-z0-9-]+)?")  # mail, page.fr


def show(visit: Visit) -> Response:
    """The room."""
    return _room(visit)


def count(visit: Visit) -> Response:
    """Who gets it, and what the check says: shown once it is known."""
    found = overview(visit, visit.path["name"])
    return HTMLResponse(part(visit, "review/facts.html", facts=facts_of(visit, found.look), slug=found.look.slug))


def moves(visit: Visit) -> Response:
    """Events whenever somebody changes the newsletter, says something about it or approves it."""
    return live(visit, lambda later: _mark(later, visit.path["name"]), every_seconds=LOOK_EVERY_SECONDS)


def approve(visit: Visit) -> Response:
    """Approve what the visitor looked at."""
    seen, settings = visit.form.get("seen"), visit.workspace.settings.studio

    def give(content: NewsletterContent) -> str:
        if seen != content.digest:
            raise MailerError(CHANGED, remedy="Nothing was approved. What changed is shown here: look at it again.")
        _require_sound(visit, "approved")
        with visit.database.write() as connection:
            approvals.approve(connection, visit.who, content, seen=seen, settings=settings, at=visit.now)
        return "approved"

    return _with_content(visit, give, since=seen)


def withdraw(visit: Visit) -> Response:
    """Take the visitor's own approval back."""

    def take(content: NewsletterContent) -> str:
        with visit.database.write() as connection:
            approvals.withdraw(connection, visit.who, content, at=visit.now)
        return "withdrawn"

    return _with_content(visit, take)


def ask(visit: Visit) -> Response:
    """Ask for approval."""

    def asked(content: NewsletterContent) -> str:
        _require_sound(visit, "asked for")
        name, settings = one(visit, content.slug).name, visit.workspace.settings
        with visit.database.write() as connection:
            mailed = ask_for_approval(connection, visit.who, content, settings=settings, name=name, at=visit.now)
        return "mailed" if mailed else "asked"

    return _with_content(visit, asked)


def plan(visit: Visit) -> Response:
    """Say when it is meant to leave; without a time, as soon as it is sent."""
    given = visit.form.get("at").replace("T", " ")

    def planned(content: NewsletterContent) -> str:
        leaves = time_given(visit, given) if given else None
        if overview(visit, content.slug).is_scheduled:
            raise MailerError("it is scheduled already", remedy="Take it off the schedule in Send first.")
        with visit.database.write() as connection:
            plan_time(connection, visit.who, content.slug, leaves, list_name=content.list_name, at=visit.now)
        return "planned"

    return _with_content(visit, planned)


def say(visit: Visit) -> Response:
    """Begin a thread about some words."""
    form = visit.form
    line = form.get("line")

    def said(connection: Connection, list_name: str) -> None:
        comments.comment(
            connection, visit.who, visit.path["name"], form.get("text"), list_name=list_name, at=visit.now,
            file=form.get("file")[:200], line=int(line) if line.isascii() and line.isdecimal() and len(line) < 7 else 0,
            quote=form.text("quote"),
        )  # fmt: skip

    return _commented(visit, said)


def answer(visit: Visit) -> Response:
    """Answer a thread."""

    def answered(connection: Connection, list_name: str) -> None:
        comments.answer(
            connection, visit.who, visit.path["name"], int(visit.path["thread"]), visit.form.get("text"),
            list_name=list_name, at=visit.now,
        )  # fmt: skip

    return _commented(visit, answered)


def done(visit: Visit) -> Response:
    """Say that what a thread is about is done."""

    def resolved(connection: Connection, list_name: str) -> None:
        number = int(visit.path["thread"])
        comments.resolve(connection, visit.who, visit.path["name"], number, list_name=list_name, at=visit.now)

    return _commented(visit, resolved)


def send_proofs(visit: Visit) -> Response:
    """Mail proofs to the reviewers who are ticked, as the readers who are ticked."""
    look = looks_of(visit.studio).saved(visit, visit.path["name"])
    with visit.database.read() as connection:
        everybody = reviewers.reviewers_of(connection)
    wanted, found = set(visit.form.all("to")), [reader_for(visit, key) for key in dict.fromkeys(visit.form.all("as"))]
    try:
        told = proofs.send(
            visit, look, to=[one for one in everybody if one.address in wanted],
            readers=list({reader.key: reader for reader in found}.values()),  # a name that is hidden is Ada
        )  # fmt: skip
    except NotAllowed:
        raise
    except MailerError as error:
        return _room(visit, wrong=error)
    return _room(visit, told=told)


def add_reviewer(visit: Visit) -> Response:
    """Put a colleague on the standing list."""
    try:
        with visit.database.write() as connection:
            form = visit.form
            reviewers.add_reviewer(connection, visit.who, form.get("address"), name=form.get("name")[:80], at=visit.now)
    except NotAllowed:
        raise
    except MailerError as error:
        return _room(visit, wrong=error)
    return _back(visit, "#proofs")


def remove_reviewer(visit: Visit) -> Response:
    """Take a colleague off the standing list."""
    with visit.database.write() as connection:
        reviewers.remove_reviewer(connection, visit.who, visit.form.get("address"), at=visit.now)
    return _back(visit, "#proofs")


DONE = {
    "approved": "You approved exactly this.", "withdrawn": "Your approval no longer counts.",
    "asked": "Asked for. It waits on the front page of everybody who may approve it.",
    "mailed": "Asked for. Everybody who may approve it is told by mail, and finds it on their front page.",
    "planned": "The time is set. It is part of what is approved.",
}  # fmt: skip


def _room(visit: Visit, *, wrong: MailerError | None = None, told: str = "", since: str = "") -> Response:
    slug = visit.path["name"]
    newsletter, asked_part = one(visit, slug), visit.query.get("part", "")
    language = asked_part.partition(".")[2]
    spoken = languages_of(visit, slug)
    parts = parts_of(visit, slug, language if language in spoken else "")
    shown = asked_part if asked_part in parts else parts[0]
    mark = _mark(visit, slug)  # before the files are looked at: what is saved meanwhile is told
    look = looks_of(visit.studio).saved(visit, slug)
    with visit.database.read() as connection:
        found = overview_of(visit, connection, look)
        panel = panel_of(visit, connection, found, since=since or visit.query.get("since", ""))
        said = comments.threads(connection, slug)
        last, everybody = proofs.last_proofs(connection, look), reviewers.reviewers_of(connection)
    if found.content is not None:
        keep_seen(visit.studio, found.content)
    links = [(f"{review_path(slug)}?part={name}", part_label(name), name == shown, "") for name in parts]
    languages = language_links(slug, shown, spoken) if spoken and shown != "people" else []
    text = reviewed_text(visit, look, shown, said) if shown != "people" else None
    facts = facts_of(visit, look) if visit.query.get("count") else known_facts(visit, look)
    return page(
        visit, "review/review.html", status=422 if wrong else 200, newsletter=newsletter,
        steps=way(visit, newsletter, here="review"), found=found, look=look, panel=panel, part=shown,
        parts=[(name, part_label(name)) for name in parts], parts_shown=links, languages=languages,
        text_language=shown.partition(".")[2] or (look.source.language if look.source else ""), spoken=spoken,
        language_name=language_name, text=text, mark=mark, wrong=wrong,
        told=told or DONE.get(visit.query.get("done", ""), ""), facts=facts, last=last, reviewers=everybody,
        readers=readers(visit, look) if visit.who.may(Right.PROOF) else (), usual=proofs.USUAL, slug=slug,
        sees_people=sees_people(visit), reader=reader_for(visit, visit.query.get("as", "ada")),
        open_threads=sum(one.is_open for one in said), done_threads=sum(not one.is_open for one in said),
        zone=visit.zone, who_gets=who_gets_it(look, list_titles(visit)),
    )  # fmt: skip


def _with_content(visit: Visit, act: Callable[[NewsletterContent], str], *, since: str = "") -> Response:
    """Do something about the newsletter as its files are now, and show the room again: with what was done, or with what
    is in the way."""
    found = overview(visit, _slug(visit))
    try:
        if found.content is None:
            raise MailerError(f"there is something to fix first: {found.fault}", remedy="Fix it in Write.")
        if found.was_launched:
            raise MailerError("it left already")
        words = act(found.content)
    except NotAllowed:
        raise
    except MailerError as error:
        return _room(visit, wrong=error, since=since)
    return _back(visit, f"?done={words}")


def _commented(visit: Visit, act: Callable[[Connection, str], None]) -> Response:
    source = looks_of(visit.studio).saved(visit, _slug(visit)).source
    try:
        with visit.database.write() as connection:
            act(connection, source.list if source else "")
    except NotAllowed:
        raise
    except MailerError as error:
        return _room(visit, wrong=error)
    shown = visit.form.get("part")
    return _back(
        visit, f"?part={shown}#said" if shown.partition(".")[0] in PARTS and PART.fullmatch(shown) else "#said"
    )


def _require_sound(visit: Visit, what: str) -> None:
    """Raise while the check finds an error: nobody should approve, or be asked to, what can't leave."""
    looks = looks_of(visit.studio)
    found = looks.whole(visit, looks.saved(visit, visit.path["name"]))
    if found.errors:
        first = next(one for one in found.found if one.stops)
        more = f", and {found.errors - 1} more" if found.errors > 1 else ""
        raise MailerError(f"it isn’t {what}: {first.message}{more}", remedy="Fix it in Write first.")


def _slug(visit: Visit) -> str:
    """The newsletter that the address names. Raises `MailerError` where there is none."""
    return visit.workspace.newsletter(visit.path["name"]).slug


def _mark(visit: Visit, slug: str) -> str:
    said, step = comments_table.c, approvals_table.c
    with visit.database.read() as connection:
        newest: Any = connection.execute(
            select(func.max(said.id), func.count(said.resolved_at)).where(said.slug == slug)
        ).one()
        last = connection.execute(select(func.max(step.id)).where(step.slug == slug)).scalar()
        leaves = planned_time(connection, slug)
    return f"{looks_of(visit.studio).mark(visit, slug)} {newest[0]} {newest[1]} {last} {leaves}"


def _back(visit: Visit, rest: str = "") -> Response:
    return RedirectResponse(f"{review_path(visit.path['name'])}{rest}", 303)


def _fact(visit: Visit, newsletter: ListedNewsletter) -> Fact:
    return fact_of(visit, newsletter.slug)


def _waits(visit: Visit) -> Iterable[WaitingTask]:
    """What the visitor is asked to approve."""
    with visit.database.read() as connection:
        found = waiting_for(connection, visit.who, visit.workspace.settings.studio)
        names = {account.address: account.name for account in accounts(connection)} if found else {}
    listed = {newsletter.slug: newsletter for newsletter in everything(visit)} if found else {}
    for waiting in found:
        asked, newsletter = waiting.asked, listed.get(waiting.slug)
        if asked is None or newsletter is None or newsletter.file.is_away:
            continue
        words = f"{names.get(asked.by) or asked.by} asked {distance(asked.at, visit.now)}"
        if newsletter.is_issue and newsletter.when:  # nobody asked: it was made by itself
            when = moment(newsletter.when, visit.zone, visit.now)
            is_late = newsletter.when < visit.now
            words = f"It should have left {when}" if is_late else f"It leaves {when} if it is approved by then"
        path = review_path(waiting.slug)
        yield WaitingTask(f"Approve “{newsletter.name}”", words, path, "Review", "message-square")


HERE = "/newsletters/{name}/review"
ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/facts", count, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/moves", moves, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/approve", approve, Right.APPROVE, method="POST"),
        StudioRoute(f"{HERE}/withdraw", withdraw, Right.APPROVE, method="POST"),
        StudioRoute(f"{HERE}/ask", ask, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/time", plan, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/comments", say, Right.PROOF, method="POST"),
        StudioRoute(f"{HERE}/comments/{{thread:int}}/answer", answer, Right.PROOF, method="POST"),
        StudioRoute(f"{HERE}/comments/{{thread:int}}/done", done, Right.PROOF, method="POST"),
        StudioRoute(f"{HERE}/proofs", send_proofs, Right.PROOF, method="POST"),
        StudioRoute(f"{HERE}/reviewers", add_reviewer, Right.PROOF, method="POST"),
        StudioRoute(f"{HERE}/reviewers/remove", remove_reviewer, Right.PROOF, method="POST"),
    ),
    steps=(Step("review", "Review", "review", order=3, fact=_fact, when=lambda newsletter: not has_left(newsletter)),),
    waits=_waits,
)
