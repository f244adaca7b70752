"""What came of a test or a press, as pages of the room tell it."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.errors import MailerError


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence in bold, what it means, and whether it is good."""

    title: str
    words: str = ""
    good: bool = False

    @property
    def tone(self) -> str:
        return "ok" if self.good else "bad"

    @property
    def icon(self) -> str:
        return "check" if self.good else "circle-alert"


def refusal(title: str, error: MailerError) -> Told:
    """Why something did not work, and what to do."""
    message = error.message.rstrip(".")
    return Told(title, f"{message[:1].upper()}{message[1:]}. {error.remedy}".strip())
