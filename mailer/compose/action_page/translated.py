"""What a page in another language, action.fr.md beside action.md, takes from its original, and what it must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from mailer.compose.source.frontmatter import FrontMatter
from mailer.compose.source.translations import ORIGINAL_KEY, OWN_LANGUAGE, WORDS_OF_PAGE
from mailer.diagnostics import Diagnostic, Place

SHARED = ("target", "show_names", "show_comments", "tags", "deadline")  # what makes one petition of all languages
QUESTION_WORDS = ("label", "choices")  # of a question of the page's own
Data = Mapping[str, Any]


def page_with_original(
    own: FrontMatter, original: FrontMatter, language: str, *, file: str
) -> tuple[FrontMatter, list[Diagnostic]]:
    """The front matter of a translation with what it takes from its original, and what can't be in it."""
    merging = _Merging(own, file)
    for key in own.data:
        if key in SHARED:
            merging.fault(f"{key} is the same in all languages", key, "Take the line out.")
    if own.data.get("language", language) != language:
        merging.fault("language differs from the file's name", "language", OWN_LANGUAGE)
    said = {key: value for key, value in own.data.items() if key not in (*SHARED, ORIGINAL_KEY)}
    if original.data.get("opt_in") is not None and not _keys(said.get("opt_in")).get("wording"):
        remedy = "Below `opt_in:` write an indented line `wording: …`: people agree to what they can read."
        merging.fault("opt_in.wording is missing", "opt_in", remedy)
    data = _over(_without_words(original.data), {key: value for key, value in said.items() if key != "fields"})
    if isinstance(original.data.get("fields"), dict) or "fields" in said:
        data["fields"] = merging.fields(_keys(original.data.get("fields")), said.get("fields"))
    return replace(own, data={**data, "language": language}), merging.faults


@dataclass(slots=True)
class _Merging:
    """Puts what is asked for together."""

    own: FrontMatter
    file: str
    faults: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def fault(self, message: str, key: str, remedy: str) -> None:
        while key and key not in self.own.lines:
            key = key.rpartition(".")[0]
        self.faults.append(Diagnostic(message, Place(self.file, self.own.lines.get(key, 1)), remedy))

    def fields(self, original: Data, own: Any) -> dict[str, Any]:
        """What the original asks for, with the translation's words."""
        said = _keys(own)
        for key in said:
            if key not in original or not isinstance(original[key], dict):
                remedy = "What is asked for is in action.md. Here are the words of its own questions alone."
                self.fault(f"fields.{key} is the same in all languages", f"fields.{key}", remedy)
        return {
            key: self.question(key, _keys(value), _keys(said.get(key))) if isinstance(value, dict) else value
            for key, value in original.items()
        }

    def question(self, key: str, original: Data, own: Data) -> dict[str, Any]:
        path = f"fields.{key}"
        for name in own:
            if name not in QUESTION_WORDS:
                self.fault(f"{path}.{name} is the same in all languages", f"{path}.{name}", "Take the line out.")
        found = {name: value for name, value in original.items() if name not in QUESTION_WORDS}
        if own.get("label"):
            found["label"] = own["label"]
        if "choices" in original:
            found["choices"] = self.choices(path, original["choices"], own.get("choices"))
        return found

    def choices(self, path: str, original: Any, own: Any) -> Any:
        """The words of each choice under what is kept of it, which is the same in all languages."""
        kept = (
            [str(one) for one in cast("list[Any]", original)] if isinstance(original, list) else list(_keys(original))
        )
        said = cast("list[Any]", own) if isinstance(own, list) else []
        if len(said) == len(kept):
            return dict(zip(kept, said, strict=True))
        words = {str(name): text for name, text in _keys(own).items()}
        if sorted(words) != sorted(kept):
            remedy = f"In the order of action.md, which has {', '.join(kept)}: `choices: [ … ]`."
            self.fault(f"{path}.choices needs words for each of the {len(kept)} choices", f"{path}.choices", remedy)
            return {name: name for name in kept}
        return {name: words[name] for name in kept}


def _keys(value: Any) -> dict[str, Any]:
    return {str(key): one for key, one in cast("dict[Any, Any]", value).items()} if isinstance(value, dict) else {}


def _without_words(data: Data, path: str = "") -> dict[str, Any]:
    """What isn't words of a page's front matter."""
    kept: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{path}{key}"
        if name not in WORDS_OF_PAGE:
            kept[key] = _without_words(_keys(value), f"{name}.") if isinstance(value, dict) else value
    return kept


def _over(below: Data, above: Data) -> dict[str, Any]:
    """Keys of both, at every depth; where both have one, that of `above`."""
    found = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _over(_keys(found[key]), _keys(value)) if both else value
    return found
