"""How fast: token buckets for the whole transport and for single domains. Pure: it is told the time."""

from __future__ import annotations

from mailer.settings import Pace

BURST_SECONDS = 0.25  # how much unused allowance may be made up for at once


class Bucket:
    """Allows `per_second` mails a second, evenly."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next mail may go; `now` is a monotonic time in seconds."""
        return max(0.0, self._next - now)

    def take(self, now: float) -> None:
        self._next = max(self._next, now - BURST_SECONDS) + self._interval


class Pacer:
    """The pace of one worker: the total and each named domain."""

    def __init__(self, pace: Pace) -> None:
        self._total = Bucket(pace.per_second) if pace.per_second else None
        self._domains = {domain: Bucket(rate) for domain, rate in pace.domains.items()}

    def wait(self, domain: str, now: float) -> float:
        """Seconds until a mail to `domain` may go."""
        return max((bucket.wait(now) for bucket in self._buckets(domain)), default=0.0)

    def take(self, domain: str, now: float) -> None:
        """Count one mail to `domain`."""
        for bucket in self._buckets(domain):
            bucket.take(now)

    def _buckets(self, domain: str) -> list[Bucket]:
        buckets = [self._total, self._domains.get(domain)]
        return [bucket for bucket in buckets if bucket is not None]
