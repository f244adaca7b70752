"""The blocks a Markdown body becomes, as layouts see them: each has its `kind`, and `text` for the plain-text part.

`bodies` makes them. Texts may hold markers; `html` is safe markup already, everything else is escaped by the layout.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Paragraphs, headings, lists."""

    html: Markup
    text: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class AskBlock:
    """The button."""

    label: str
    url: str
    text: str
    kind: str = "ask"


@dataclass(frozen=True, slots=True)
class QuoteBlock:
    """Words of somebody else, and whose."""

    html: Markup
    by: str
    text: str
    kind: str = "quote"


@dataclass(frozen=True, slots=True)
class ImageBlock:
    """A picture. `width` in pixels, when the file is known."""

    src: str
    alt: str
    width: int | None
    caption: str
    text: str
    kind: str = "image"


@dataclass(frozen=True, slots=True)
class LabelledLink:
    """A link and the words it hangs on."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class StoryBlock:
    """One of several pieces of news."""

    title: str
    image: ImageBlock | None
    html: Markup
    link: LabelledLink | None
    text: str
    kind: str = "story"


@dataclass(frozen=True, slots=True)
class ConditionBlock:
    """A marker of {% if %}, {% else %} or {% endif %} that stands around whole blocks."""

    marker: str
    kind: str = "condition"

    @property
    def text(self) -> str:
        return self.marker


Block = TextBlock | AskBlock | QuoteBlock | ImageBlock | StoryBlock | ConditionBlock


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote, numbered in the order of its first mention."""

    number: int
    html: Markup
    text: str
