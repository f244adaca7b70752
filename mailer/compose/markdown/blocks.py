"""The blocks a Markdown body becomes, as layouts see them: each has its `kind`, and `text` for the plain-text part.

`body` makes them. Texts may hold markers; `html` is safe markup already, everything else is escaped by the layout.
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
    """Somebody else's words, and whose. `mark` is the language's opening quotation mark, `html` ends with the other."""

    html: Markup
    by: str
    text: str
    kind: str = "quote"
    mark: str = ""


@dataclass(frozen=True, slots=True)
class ImageBlock:
    """A picture. `width` in pixels, when the file is known; `caption` may hold links."""

    src: str
    alt: str
    width: int | None
    caption: str | Markup
    text: str
    kind: str = "image"


@dataclass(frozen=True, slots=True)
class LabelledLink:
    """A link and the words it hangs on."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class StoryBlock:
    """One of several pieces of news. Links find it by its title's `anchor`."""

    title: str
    image: ImageBlock | None
    html: Markup
    link: LabelledLink | None
    text: str
    kind: str = "story"
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what there are that many of."""

    figure: Markup
    label: Markup


@dataclass(frozen=True, slots=True)
class NumbersBlock:
    """Two or three figures, each with its words beside it. `size`: of the figures, in pixels, by the longest."""

    figures: tuple[Figure, ...]
    text: str
    kind: str = "numbers"
    size: int = 48


@dataclass(frozen=True, slots=True)
class ProgressBlock:
    """A picture of how many have signed, drawn by our server when the mail is opened, and words below it.

    `night_src` is the picture for dark mode.
    """

    src: str
    night_src: str
    alt: str
    html: Markup
    text: str
    kind: str = "progress"


@dataclass(frozen=True, slots=True)
class ShareBlock:
    """Links with which a reader passes an address on, and the address itself to copy."""

    title: str
    links: tuple[LabelledLink, ...]
    copy: str  # the words before the address
    address: str
    text: str
    kind: str = "share"


@dataclass(frozen=True, slots=True)
class PostscriptBlock:
    """A P.S.; it comes below the signature."""

    html: Markup
    text: str
    kind: str = "ps"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs, with a picture of them or none."""

    html: Markup
    picture: ImageBlock | None
    text: str


@dataclass(frozen=True, slots=True)
class ConditionBlock:
    """A marker of {% if %}, {% else %} or {% endif %} around whole blocks."""

    marker: str
    kind: str = "condition"

    @property
    def text(self) -> str:
        return self.marker


Block = (
    TextBlock
    | AskBlock
    | QuoteBlock
    | ImageBlock
    | StoryBlock
    | NumbersBlock
    | ProgressBlock
    | ShareBlock
    | PostscriptBlock
    | ConditionBlock
)


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote, numbered in the order of its first mention."""

    number: int
    html: Markup
    text: str
