"""Applies the posts of webhooks beside serving: one thread, woken by each post and now and then by itself.

`mailer run` applies what waits, too: nothing is lost while no server runs, or when this one dies.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from mailer.delivery.feedback.webhook_events import AppliedPosts, apply_waiting
from mailer.errors import MailerError
from mailer.settings import Secrets, Settings
from mailer.settings.providers import provider_sections
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import waiting_at_most
from mailer.transports.events import PostVerifier
from mailer.transports.provider import provider_named
from mailer.web.public.http.executors import LOCK_SECONDS

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 30.0  # for posts that other servers took


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
        self.applied = AppliedPosts()
        self._wanted = any(one is not None for one in self.verifiers.values())
        self._soft = settings.bounces
        self._database = database
        self._clock = clock
        self._awake = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="applier", daemon=True)

    def start(self) -> None:
        """Begin, when anybody's posts are believed at all."""
        if self._wanted:
            self._thread.start()

    def wake(self) -> None:
        """There is a new post."""
        self._awake.set()

    def stop(self, at_most_seconds: float | None = None) -> None:
        """Finish the post at hand, then end. Blocks. What is not done after `at_most_seconds` is undone whole."""
        self._ending.set()
        self._awake.set()
        if self._wanted:
            self._thread.join(at_most_seconds)

    def _work(self) -> None:
        while not self._ending.is_set():
            self._awake.clear()
            try:
                with waiting_at_most(LOCK_SECONDS):
                    self.applied += apply_waiting(
                        self._database, soft=self._soft, clock=self._clock, due=self._ending.is_set
                    )
            except Exception as error:  # noqa: BLE001 - the thread must live on, whatever the database says
                words = error.message if isinstance(error, MailerError) else type(error).__name__
                log.error("posts of the webhook wait, since they can't be applied now: %s", words)
            self._awake.wait(LOOK_EVERY_SECONDS)
