"""Numbers and names with their words, as staff read them: 1 person, 1,200 people; Amina, Tom and Kim."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, one: str = "person", many: str = "") -> str:
    """`number` with the word for so many: `many`, by itself `one` with an s, or "people" for persons."""
    plural = many or ("people" if one == "person" else f"{one}s")
    return f"{number:,} {one if number == 1 else plural}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """The names as one reads them out: "Amina, Tom and Kim"; "" for none."""
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def printable(text: str) -> str:
    """Text of a message, which must not move the cursor of a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)
