"""What a translation, message.fr.md beside message.md, takes from its original.

Words are written in each language; all else comes from the original unless the translation says otherwise: the sender,
where the button leads, pictures. What makes one newsletter of them (list, audience, template …) can't differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from mailer.compose.languages import primary
from mailer.compose.source.frontmatter import FrontMatter
from mailer.compose.source.written import LANGUAGE, Source
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.workspace import Newsletter

ORIGINAL_KEY = "original"  # which text of the original was translated: `wording.digest`
# The same for all languages.
SHARED = ("list", "template", "audience", "urgent", "archive", "name", "petition", "send", "data", "series")
# Keys of a page that hold words, which a translation has of its own or not at all.
WORDS_OF_PAGE = (
    "headline", "statement", "thanks", "share", "button", "notes", "language", "opt_in.wording", "alt", "thanks_alt",
    "to", "outcome", "card", "asks.role", "next.label", "next.headline", "next.text",
)  # fmt: skip
WRITTEN = ("text", "markdown")  # types of a template's fields that hold words
OWN_LANGUAGE = "The file's name says it: take the line out."


def with_original(
    own: FrontMatter, original: Source, language: str, *, file: str
) -> tuple[FrontMatter, list[Diagnostic]]:
    """The front matter of a translation with what it takes from its original, and what can't be in it."""
    faults: list[Diagnostic] = []
    for key in own.data:
        if key in SHARED:
            remedy = f"Take the line out: {original.file} says it for all languages."
            faults.append(Diagnostic(f"{key} is the same in all languages", Place(file, own.lines.get(key, 1)), remedy))
    if own.data.get("language", language) != language:
        faults.append(Diagnostic("language differs from the file's name", Place(file, own.lines.get("language", 1)),
                                 OWN_LANGUAGE))  # fmt: skip
    said = {key: value for key, value in own.data.items() if key not in (*SHARED, ORIGINAL_KEY)}
    data = {**_taken(original), **said, "language": language}
    if original.action is not None:
        data["action"] = _action(original, own.data.get("action"))
    return replace(own, data=data), faults


def is_taken(fault: Diagnostic, said: Collection[str]) -> bool:
    """Whether a fault of a translation is one of its original: one of `said`, at a key that isn't in its own file."""
    above = fault.place is not None and fault.place.line == 1
    if fault.message.endswith("is missing"):
        return above and fault.message.partition(" ")[0] in SHARED
    return above and fault.message in said


def named_faults(newsletter: Newsletter, files: Mapping[str, str], original: str) -> dict[str, Diagnostic]:
    """Which of the translations can't be used, by what their names say, since that is no language of its own.
    `original` is the original's language, "" when it isn't known."""
    faults: dict[str, Diagnostic] = {}
    seen = {original.lower()}
    for language, file in files.items():
        place = Place(newsletter.place(file))
        if not is_language(language):
            remedy = "Name it by its language, such as message.fr.md or message.pt-BR.md, or keep it elsewhere."
            faults[language] = Diagnostic(f"{language!r} is not a language", place, remedy)
        elif language.lower() in seen:
            faults[language] = Diagnostic(f"there is another text in {language!r}", place, "Keep one of them.")
        seen.add(language.lower())
    return faults


def outdated(place: Place) -> Diagnostic:
    """That the original's words changed since a translation of them was finished."""
    remedy = "The studio shows what changed, and there you say that the translation is up to date."
    message = "the original was changed since this was translated"
    return Diagnostic(message, place, remedy, level=Level.WARNING, rule="writing.outdated")


def is_language(tag: str) -> bool:
    """Whether a file's name means a language: well formed (BCP 47), and one that Unicode CLDR knows, so that
    message.old.md isn't mailed to anybody."""
    from babel import Locale  # here, since few newsletters have translations

    names = cast("Mapping[str, str]", Locale("en").languages)
    return bool(LANGUAGE.fullmatch(tag)) and primary(tag) in names


def _taken(original: Source) -> dict[str, Any]:
    """What isn't words, as the front matter would say it."""
    fields = {name: original.fields[name] for name, one in original.layout.fields.items() if one.type not in WRITTEN}
    found = {
        "list": original.list, "template": original.template, "from": original.from_, "reply_to": original.reply_to,
        "urgent": original.is_urgent, "archive": original.is_public, "waive": dict(original.waived),
        "audience": dict(original.audience), "petition": original.petition, **fields,
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}


def _action(original: Source, own: object) -> object:
    """Where the original's button leads, with the translation's own words, or its own address."""
    if not isinstance(own, dict | None):
        return own  # the checker says what is wrong with it
    said: dict[str, Any] = {str(key): value for key, value in cast("dict[Any, Any]", own or {}).items()}
    if "url" in said or "page" in said or original.action is None:
        return said
    return {**({"page": True} if original.action.page else {"url": original.action.url}), **said}
