"""The page that a thanks.md thanks people for signing, as far as their mail speaks of it."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.locale.language import Language
from mailer.workspace import THANKS_FILE


def is_thanks(file: str) -> bool:
    """Whether this is the name of a thanks.md, in whichever language."""
    return file.rpartition("/")[2].partition(".")[0] == THANKS_FILE.removesuffix(".md")


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed. `list`: what people know the list by that its box for news joins, "" without a box."""

    headline: str
    confirm: str  # where the button that confirms leads, before the token
    language: Language
    list: str = ""

    @property
    def because(self) -> str:
        """Why somebody gets the mail. Nobody but staff typed any of it."""
        return self.language.say(
            "You’re getting this because you (or someone using your address) signed “%(headline)s”. Wasn’t it you?"
            " Reply to this email, and we’ll take the signature off."
        ) % {"headline": self.headline}
