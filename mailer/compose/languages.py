"""Which of several language versions somebody reads best.

Tags are compared by RFC 4647 §3.4 (lookup): the tag itself, then without its region, then without its script. Where
that finds none, another region of the same language in the same script is better than a foreign one: somebody in
Quebec reads fr-FR.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from mailer.locale.cldr import script_of
from mailer.workspace import ListDefinition

ORIGINAL = ""  # the version that was written first; a translation is called by its language


def best_of(wanted: str, known: Collection[str]) -> str | None:
    """The best of the languages `known` for somebody who reads `wanted`, both BCP 47; None when none of them is it."""
    spelt = {_tag(code): code for code in known}
    tag = _tag(wanted)
    parts = tag
    while parts:
        if parts in spelt:
            return spelt[parts]
        parts = parts.rpartition("-")[0]
    akin = (spelt[one] for one in sorted(spelt) if tag and primary(one) == primary(tag))
    return next((one for one in akin if script_of(one) == script_of(tag)), None)


def first_of(wishes: Iterable[str], known: Collection[str]) -> str | None:
    """The best of `known` for the first of the wishes that it can meet; None when it meets none."""
    return next((found for wish in wishes if (found := best_of(wish, known)) is not None), None)


def described(definition: ListDefinition, language: str) -> str:
    """Why people on a list get a mail in this language, in the words of staff, "" for none."""
    return definition.descriptions.get(best_of(language, definition.descriptions) or "") or definition.description


def primary(tag: str) -> str:
    """The language of a tag, without script and region: "pt" of "pt-BR"."""
    return _tag(tag).partition("-")[0]


def _tag(code: str) -> str:
    return code.strip().replace("_", "-").lower()


@dataclass(frozen=True, slots=True)
class SpokenLanguages:
    """The languages that something is written in. `otherwise`: what people are taken to read whose language isn't known
    or has no version, which is the list's."""

    original: str
    translations: tuple[str, ...] = ()
    otherwise: str = ""

    @property
    def by_version(self) -> dict[str, str]:
        """Each version's language: the original's at "", a translation's at its own name."""
        return {ORIGINAL: self.original, **{one: one for one in self.translations}}

    def version_for(self, *languages: str) -> str:
        """The version for somebody who reads these, the most wanted first, "" for not known: theirs, else the list's,
        else the original.

        The same for everybody who reads the same; total, so nobody is without one.
        """
        if not self.translations:
            return ORIGINAL
        spoken = {tag: version for version, tag in reversed(self.by_version.items())}  # the original has its language
        found = first_of((*languages, self.otherwise), spoken)
        return ORIGINAL if found is None else spoken[found]
