"""Makes specimens, one of each version: what the rules look at, asked of the files, the database and perhaps the
network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING, Any

from mailer.audience.people.people import SAMPLE_PERSON, example
from mailer.audience.selection.languages import VersionReach
from mailer.audience.selection.segment_sql import Unread, unread
from mailer.audience.selection.select import Selection, decided
from mailer.checking.evidence.audience_rows import merge_versions, supporter_of
from mailer.checking.evidence.audience_stats import AudienceStats, Which
from mailer.checking.specimen import PictureFile, Specimen
from mailer.compose.html_tree import parse
from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.message import Choice, Message, Parts
from mailer.compose.source.images import look, read_image
from mailer.compose.source.message_file import Source
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.plan import CompiledNewsletter
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.store.engine.database import Database
from mailer.tracking.tokens import Signer
from mailer.transports.mime.message import build

if TYPE_CHECKING:
    from mailer.checking.evidence.link_probe import LinkResponse
    from mailer.checking.evidence.spamassassin import SpamTest

KEY = b"specimens are signed with this, which no server takes"
NUMBER = 2**62  # as long as a delivery's number gets
TOKEN = "TOKEN"  # noqa: S105  in place of a signed one where only its position matters


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at beside the message itself."""

    everyone: bool = True  # merge the whole audience
    online: bool = False  # ask where links lead
    spam: bool = False  # ask SpamAssassin


def gather(database: Database, written: CompiledNewsletter, *, scope: Scope, now: datetime) -> list[Specimen]:
    """The specimens of a newsletter with a plan: the original, then one of each translation, and the same of each
    version of a test."""
    plan = written.plan
    assert plan is not None
    sources = written.source.versions
    selection, looked_at = _people(database, plan, scope=scope, now=now)
    unread_of_segment = _unread(database, plan, scope=scope, now=now)
    return [
        _specimen(
            written, sources[version], message, looked_at[version], plan=plan, scope=scope, now=now, today=now.date(),
            selection=selection, unread=() if version else unread_of_segment,
        )
        for version, message in plan.message.versions.items()
    ]  # fmt: skip


def _specimen(
    written: CompiledNewsletter, source: Source, message: Message, people: _LookedAt, *, plan: Plan, scope: Scope,
    now: datetime, **facts: Any,
) -> Specimen:  # fmt: skip
    workspace, longest = plan.newsletter.workspace, people.longest
    settings = workspace.settings
    builder = EnvelopeBuilder(message, settings=settings, signer=Signer([KEY]), cells=plan.cells)
    envelope = builder.envelope(NUMBER, attempt=1, address=longest["email"], supporter=longest, now=now)
    mail = build(builder.mailing(), envelope)
    headers = BytesHeaderParser().parsebytes(mail)
    whole = MergeProgram(_with_all_branches(message), cells=plan.cells)
    urls = Urls(*(f"{message.public_url}/{path}/{TOKEN}" for path in "cuvp"))
    return Specimen(
        source=source,
        message=message,
        settings=settings,
        definition=written.definition,
        fields=written.fields,
        html=parse(whole.html(people.best, urls)),
        mail=builder.program.fill(message.html, envelope.values),
        text=whole.text(people.best, urls),
        subject=builder.program.subject(people.best),
        preheader=builder.program.preheader(people.best),
        headers={name.lower(): " ".join(str(value).split()) for name, value in headers.items()},
        click_stem=f"{urls.click}/",
        files=_files(source),
        pictures=_pictures(message, plan),
        pages=frozenset(workspace.action_pages()),
        audience=people.figures,
        reach=people.reach,
        original=_original(written.source, source),
        answers=_answers(message) if scope.online else {},
        spam=_spam_tests(mail) if scope.spam else (),
        **facts,
    )


def _original(first: Source, source: Source) -> Source | None:
    """What a version is a translation of; None when it is no translation."""
    return next((one for one in (first, *first.variants) if source in one.translations), None)


def _answers(message: Message) -> Mapping[str, LinkResponse]:
    from mailer.checking.evidence.link_probe import ask

    return ask(link.url for link in message.links)


def _spam_tests(mail: bytes) -> tuple[SpamTest, ...]:
    from mailer.checking.evidence.spamassassin import spam_tests

    return spam_tests(mail)


@dataclass(frozen=True, slots=True)
class _LookedAt:
    """What is known of those who get one version: figures, and the merge mappings of the best and the longest mail."""

    best: dict[str, str]
    longest: dict[str, str]
    figures: AudienceStats | None = None
    reach: VersionReach | None = None


def _people(
    database: Database, plan: Plan, *, scope: Scope, now: datetime
) -> tuple[Selection | None, dict[str, _LookedAt]]:
    """Who gets it, and what is known of those who get each version."""
    sample = example(SAMPLE_PERSON)
    if not scope.everyone:
        return None, dict.fromkeys(plan.message.versions, _LookedAt(sample, sample))
    with database.read(of_everyone=True) as connection, decided(connection, plan.audience, now=now) as selection:
        found = {
            version: _LookedAt(
                supporter_of(connection, figures, Which.BEST) or sample,
                supporter_of(connection, figures, Which.LONGEST) or sample,
                figures, reached,
            )
            for version, (figures, reached) in merge_versions(connection, plan.message, plan.cells).items()
        }  # fmt: skip
    return selection, found


def _unread(database: Database, plan: Plan, *, scope: Scope, now: datetime) -> tuple[Unread, ...]:
    """What the segment can't read of the people on the lists."""
    if not scope.everyone or not plan.audience.segment:
        return ()
    with database.read(of_everyone=True) as connection:
        return unread(connection, plan.audience.segment, lists=plan.audience.include, now=now)


def _files(source: Source) -> dict[str, str]:
    """What was written for this message in CSS and HTML, by the name faults give it."""
    if source.is_mjml:
        return {source.file: "\n" * (source.body_line - 1) + source.body}
    workspace = source.newsletter.workspace
    paths = [*sorted((workspace.templates / source.template).glob("*.mjml")),
             *sorted((workspace.templates / "blocks").glob("*.mjml"))]  # fmt: skip
    return {
        f"templates/{path.parent.name}/{path.name}": path.read_text(encoding="utf-8", errors="replace")
        for path in paths
    }


def _pictures(message: Message, plan: Plan) -> tuple[PictureFile, ...]:
    found: list[PictureFile] = []
    for image in message.images:
        data = read_image(image, plan.newsletter)
        found.append(PictureFile(image.name, image.content_type, len(data), look(data)))
    return tuple(found)


def _with_all_branches(message: Message) -> Message:
    """The message whose conditions print every branch, so that what only some people see is looked at as well."""

    def all_of(choice: Choice) -> Choice:
        together: Parts = tuple(part for _, parts in choice.branches for part in parts)
        return Choice((("", together),))

    return replace(message, slots=tuple(all_of(slot) if isinstance(slot, Choice) else slot for slot in message.slots))
