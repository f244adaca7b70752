"""Calls to a provider's HTTP API over a kept connection, and how far each of them got. What goes into a call, and what
an answer means, is for the provider."""

from __future__ import annotations

import re

from mailer.transports.base import TransportRefused, TransportUnavailable
from mailer.transports.http_connection import HttpAnswer, HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.http_kept import KeptConnection, environment_proxy
from mailer.transports.loopback import on_this_machine


class AnswerMissing(Exception):
    """The call may have been taken: it began to go out, and no answer came. The message says why."""


class HttpApi:
    """One API, called by one thread. `title` is what people call the provider, `setting` where `base_url` is set.

    `timeout_seconds` bounds connecting, and again all the rest of a call.
    """

    def __init__(self, title: str, base_url: str, *, setting: str, timeout_seconds: float) -> None:
        """Raises `TransportRefused` for an address that is none, or that mails would travel to unencrypted."""
        self._title = title
        self._base_url = base_url.rstrip("/")
        self._setting = setting
        self._seconds = timeout_seconds
        endpoint = self.endpoint("/")
        if not endpoint.secure and not on_this_machine(endpoint.host):
            raise TransportRefused(
                f"mails would travel to {title} unencrypted, and the key with them",
                remedy=f"{setting} must begin with https://.",
            )
        self._kept = KeptConnection(endpoint, seconds=timeout_seconds, proxy=environment_proxy(endpoint))

    def endpoint(self, path: str) -> HttpEndpoint:
        try:
            return HttpEndpoint.of(self._base_url + path)
        except ValueError as error:
            raise TransportRefused(f"{self._base_url} is no web address", remedy=f"Correct {self._setting}.") from error

    def call(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status. Raises `TransportUnavailable` when surely nothing went out, else
        `AnswerMissing`."""
        try:
            return self._kept.exchange(request)
        except NoAnswer as error:
            why = error.in_words(self._seconds)
            if error.began:
                raise AnswerMissing(why) from error
            remedy = f"Check the network and {self._setting}."
            raise TransportUnavailable(f"{self._title} can't be reached: {why}", remedy=remedy) from error

    def close(self) -> None:
        self._kept.close()


def check_key(key: str, *, named: str, remedy: str) -> None:
    """Raises `TransportRefused` when there is no key, or none that a header can carry. `named` is what people call it,
    such as an API token."""
    if not key:
        raise TransportRefused(f"there is no {named}", remedy=remedy)
    if not re.fullmatch(r"[!-~]+", key):
        raise TransportRefused(f"the {named} holds white space or characters beyond ASCII")
