"""Numbers with their words, as staff read them: 1 person, 1,200 people."""

from __future__ import annotations


def counted(number: int, one: str = "person", many: str = "") -> str:
    """`number` with the word for so many: `many`, by itself `one` with an s, or "people" for persons."""
    plural = many or ("people" if one == "person" else f"{one}s")
    return f"{number:,} {one if number == 1 else plural}"
