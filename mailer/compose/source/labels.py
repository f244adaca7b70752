"""The few words of a mail that are not the author's, in the language it is written in; their translations are in
mailer/locale/. The HTML footer and the plain text use the same ones. A language without a catalogue gets English."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

from mailer.locale.language import choose, later


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of the three links at the end of every mail, and what blocks say by themselves. Here in English."""

    unsubscribe: str = later("Unsubscribe")
    preferences: str = later("Fewer emails")
    view: str = later("View in browser")
    progress: str = later("How many have signed so far")  # instead of the picture of ::: progress, without pictures
    share: str = later("Pass it on")  # above the links of ::: share
    email: str = later("Email")  # the first of them
    copy: str = later("Or copy this link:")  # before the address to pass on
    ps: str = later("P.S.")
    calendar: str = later("Add to your calendar")  # below the day and place of an event
    read: str = later("Read the whole story")  # of another newsletter
    # Why somebody gets it, when the list has no description. Translators: {where} is a website or the group's name.
    because: str = later("You’re getting this because you signed up for {list} at {where}.")


@lru_cache(maxsize=64)
def words_for(language: str) -> Labels:
    """The words in a BCP 47 language."""
    spoken = choose(language)
    return Labels(**{field.name: spoken.say(str(field.default)) for field in fields(Labels)})
