"""The words of an original, so that a translation can say which words it is of: in `original:` of its front matter.

Only what people read counts, and not how it is wrapped: who gets it, when it leaves and notes to colleagues change
nothing that a translator would have to look at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from mailer.compose.source.frontmatter import FrontMatter
from mailer.compose.source.translations import WORDS_OF_PAGE, WRITTEN
from mailer.compose.source.written import Source

LETTERS = str.maketrans("0123456789", "ghijklmnop")  # else YAML would read some marks as numbers
LENGTH = 12
NAMES = {  # of a page's keys, for people
    "headline": "Headline", "statement": "Statement", "thanks": "Thanks", "share": "Post", "button": "Button",
    "opt_in.wording": "Box for news", "next.label": "Next step", "next.headline": "Headline of the next step",
    "next.text": "Text of the next step", "alt": "What the picture shows", "thanks_alt": "What its picture shows",
    "to": "Petition to", "asks.role": "Who asks, as", "outcome": "What happened", "card": "Card",
}  # fmt: skip


def message_words(source: Source) -> str:
    """What people read of a message, as paragraphs."""
    fields = source.layout.fields.values()
    named = [
        ("Subject", source.subject), ("Line after it", source.preheader), ("Headline", source.headline),
        ("Button", source.action.label if source.action else ""),
        *((one.label or one.name, source.fields.get(one.name, "")) for one in fields if one.type in WRITTEN),
    ]  # fmt: skip
    return _paragraphs(named, [source.body, source.signature])


def page_words(front: FrontMatter) -> str:
    """What people read of a sign page, as paragraphs."""
    held = [(NAMES.get(key, key), _held(front.data, key)) for key in WORDS_OF_PAGE if key not in ("notes", "language")]
    return _paragraphs([*held, *_questions(front.data.get("fields"))], [front.body])


def _questions(fields: object) -> Iterator[tuple[str, str]]:
    """The words of a page's own questions."""
    for value in cast("dict[Any, Any]", fields).values() if isinstance(fields, dict) else ():
        if isinstance(value, dict):
            question = cast("dict[Any, Any]", value)
            choices = question.get("choices")
            listed = list(cast("dict[Any, Any]", choices).values()) if isinstance(choices, dict) else choices
            yield "Question", str(question.get("label") or "")
            yield "Choices", ", ".join(map(str, cast("list[Any]", listed))) if isinstance(listed, list) else ""


def mark_of(words: str) -> str:
    """What names these words: as good as no two texts have the same."""
    return hashlib.sha256(words.encode()).hexdigest()[:LENGTH].translate(LETTERS)


def _held(data: Mapping[str, Any], key: str) -> str:
    value: Any = data
    for name in key.split("."):
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _paragraphs(named: Iterable[tuple[str, str]], texts: Iterable[str]) -> str:
    found = [f"{name}: {' '.join(text.split())}" for name, text in named if text.strip()]
    for text in texts:
        found += [" ".join(one.split()) for one in re.split(r"\n\s*\n", text) if one.strip()]
    return "\n\n".join(found)
