"""Applies the posts of webhooks beside serving: one thread, woken by each post and now and then by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mailer.delivery.feedback.webhook_events import apply_waiting
from mailer.settings import Secrets, Settings
from mailer.settings.providers import provider_sections
from mailer.store.engine.database import Database
from mailer.store.job_thread import JobThread
from mailer.transports.events import PostVerifier
from mailer.transports.provider import provider_named
from mailer.web.public.http.executors import LOCK_SECONDS


class Applier:
    """The thread, and what tells each provider's posts from others. Raises `MailerError` for a key that is none."""

    def __init__(
        self, settings: Settings, secrets: Secrets, database: Database, *, clock: Callable[[], datetime]
    ) -> None:
        # Of providers that report events: None where the settings have nothing to believe them by.
        self.verifiers: dict[str, PostVerifier | None] = {
            name: provider.event_source().verifier(settings, secrets)
            for name, provider in ((name, provider_named(name)) for name in provider_sections())
            if provider.events is not None
        }
        self._wanted = any(one is not None for one in self.verifiers.values())

        def work(ending: Callable[[], bool]) -> None:
            apply_waiting(database, soft=settings.bounces, clock=clock, due=ending)

        self._thread = JobThread("posts of webhooks", work, lock_seconds=LOCK_SECONDS)
        self.wake = self._thread.wake
        self.stop = self._thread.stop

    def start(self) -> None:
        """Begin, when anybody's posts are believed at all."""
        if self._wanted:
            self._thread.start()
