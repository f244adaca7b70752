"""Dependencies shared by all public routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

from starlette.requests import Request

from mailer.compose.source.message_file import Source
from mailer.compose.templating.link_table import LANGUAGE_FIELD
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.data.rows import TableCells
from mailer.delivery.notices.sender import Courier
from mailer.delivery.subscriptions.unsubscribe import note_arrival
from mailer.delivery.thanks.mails import ThanksMails
from mailer.delivery.thanks.sender import ThanksCourier
from mailer.errors import MailerError
from mailer.locale.language import Language, accepted_languages, choose
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import waiting_at_most
from mailer.store.job_thread import JobThread
from mailer.tracking.hits import Hit, Nameless, record_hits
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.pages.templates import Pages
from mailer.web.public.core.click_writer import Recorder
from mailer.web.public.core.page_cache import ActionPages
from mailer.web.public.core.public_issues import Archive
from mailer.web.public.core.sent_messages import Letters
from mailer.web.public.http.executors import LOCK_SECONDS, Executors
from mailer.web.public.http.rate_limits import RequestLimits
from mailer.workspace import ListDefinition, Workspace

RECORD_SECONDS = 2.0  # how long one try to store clicks waits for a lock; it is repeated


@dataclass(frozen=True, slots=True)
class Door:
    """The parts of one running app."""

    workspace: Workspace
    database: Database
    clock: Callable[[], datetime]
    signing_keys: tuple[bytes, ...] = field(repr=False)
    signer: Signer
    network_key: bytes
    pages: Pages
    letters: Letters
    archive: Archive
    recorder: Recorder
    acts: ActionPages
    limits: RequestLimits
    courier: JobThread
    thanks: ThanksMails
    thanks_courier: JobThread
    threads: Executors

    @property
    def root(self) -> str:
        """The path before our own addresses, without a slash at its end."""
        return urlsplit(self.workspace.settings.public.url).path

    def named(self, request: Request, purpose: Purpose) -> Named:
        """What the request's token names. Raises `BadToken`."""
        return self.signer.read(purpose, request.path_params["token"])

    def language(self, request: Request, *wishes: str) -> Language:
        """The language to answer in: what the page's address asks for, then these wishes, then the browser's."""
        return choose(
            request.query_params.get(LANGUAGE_FIELD, ""), *wishes, accepted=request.headers.get("accept-language", "")
        )

    def wishes(self, request: Request, *wishes: str) -> tuple[str, ...]:
        """The languages that a request asks for, the most wanted first, as `language`; those of the browser last."""
        asked = request.query_params.get(LANGUAGE_FIELD, "")
        return (asked, *wishes, *accepted_languages(request.headers.get("accept-language", "")))

    def about_list(self, name: str) -> ListDefinition:
        """A list as supporters know it; one that is not defined any more is called by its name."""
        try:
            return self.workspace.list_definition(name)
        except MailerError:
            return ListDefinition(name=name, title=name, list_id="")

    def open_lists(self) -> list[ListDefinition]:
        """The lists that anybody may sign up for, by name; reads files."""
        return [one for one in map(self.about_list, self.workspace.list_names()) if one.public_form]

    def titles(self, names: Iterable[str]) -> list[str]:
        """The names supporters know these lists by."""
        return [self.about_list(name).title for name in names]


def open_door(workspace: Workspace, database: Database, *, clock: Callable[[], datetime]) -> Door:
    """A workspace's dependencies. Raises when it has no signing key or no address key: links could be forged.

    Raises, too, when another program is to be told of signatures and there is no key to sign that with.
    """
    keys = workspace.secrets.require_signing()
    signer = Signer(keys)
    if workspace.settings.webhook.url:
        workspace.secrets.require_webhook()  # said now, and not by the run that is to use it

    nameless = Nameless()

    def write(hits: Sequence[Hit]) -> None:
        with waiting_at_most(RECORD_SECONDS), database.held.write() as connection:
            arrived = record_hits(connection, hits, nameless=nameless)
            if arrived:
                note_arrival(connection, arrived, at=clock())

    threads = Executors(database)
    address_key = workspace.secrets.require_address_key()
    mails = ThanksMails(workspace, database, sound=lambda source: _fit_to_thank(database, source, clock()))
    thanks = ThanksCourier(workspace, database, mails=mails, clock=clock)
    return Door(
        workspace=workspace,
        database=database,
        clock=clock,
        signing_keys=keys,
        signer=signer,
        network_key=address_key,
        pages=Pages(workspace.settings),
        letters=Letters(
            database,
            settings=workspace.settings,
            signer=signer,
            cells=TableCells(database, workspace.secrets.require_address_key),
        ),
        archive=Archive(database, workspace.settings),
        recorder=Recorder(write),
        acts=ActionPages(workspace, database, clock=clock),
        limits=RequestLimits(database, key=address_key, clock=clock, wait=threads.write),
        courier=JobThread("notices", Courier(workspace, database, clock=clock).deliver_due, lock_seconds=LOCK_SECONDS),
        thanks=mails,
        thanks_courier=JobThread("thanks", thanks.deliver_due, lock_seconds=LOCK_SECONDS),
        threads=threads,
    )


def _fit_to_thank(database: Database, source: Source, now: datetime) -> Plan:
    from mailer.checking.preflight import fit_to_thank  # here, since it brings every rule, and most looks need none

    return fit_to_thank(database, source, now=now)


def door_of(request: Request) -> Door:
    """The dependencies of the app a request came to."""
    return cast(Door, request.app.state.door)
