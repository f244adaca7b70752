"""What mail programs can do, as caniemail.com tested it: read from data/caniemail.json, whose licence is beside it.

Answers are those of the newest version tested: y yes, a partly, n no, u unknown. They age: `tested` says from when.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing of CSS or HTML, and the answer of each mail program (family.platform)."""

    slug: str  # css-display-flex
    title: str
    tested: str  # the day, ISO 8601
    answers: Mapping[str, str]

    def families(self, answer: str, wanted: Collection[str]) -> list[str]:
        """Of the wanted families, those of which some program gives this answer."""
        return sorted(
            {
                client.partition(".")[0]
                for client, said in self.answers.items()
                if said == answer and client.partition(".")[0] in wanted
            }
        )


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All of it. `families` gives each its name as people know it."""

    updated: str
    families: Mapping[str, str]
    features: Mapping[str, Feature]


@cache
def knowledge() -> Knowledge:
    """The data, read once."""
    text = files("mailer.checking").joinpath("data/caniemail.json").read_text(encoding="utf-8")
    data = cast(dict[str, Any], json.loads(text))
    clients = cast(list[str], data["clients"])
    features = {
        slug: Feature(slug, title, tested, dict(zip(clients, answers, strict=True)))
        for slug, (title, tested, answers) in cast(dict[str, list[str]], data["features"]).items()
    }
    return Knowledge(str(data["updated"]), cast(dict[str, str], data["families"]), features)
