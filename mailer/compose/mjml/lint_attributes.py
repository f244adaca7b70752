"""Judges the attributes of one tag of MJML source: their names and values, what must be there, and style sheets.

`lint` calls it for every tag. It knows nothing of nesting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from mailer.compose.mjml.forbidden import ATTRIBUTES, STYLE_WORDS, VALUES, WITHOUT_EFFECT
from mailer.compose.mjml.schema import Tag, attribute_types, settled, value_fault
from mailer.compose.mjml.tokenizer import Attribute, Piece
from mailer.diagnostics import Diagnostic, Place

# Without these the tag comes out broken or says nothing to somebody who can't see it.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "mj-button": ("href",),
    "mj-navbar-link": ("href",),
    "mj-image": ("src", "alt"),
    "mj-social-element": ("src", "alt", "href"),
    "mj-class": ("name",),
}
_WHY: Mapping[tuple[str, str], str] = {
    ("mj-image", "alt"): 'Say what the picture shows; alt="" if it says nothing that the text doesn\'t.',
    ("mj-social-element", "src"): "Give it a picture of your own: without one it is fetched from another company.",
    ("mj-social-element", "alt"): "Say where the link leads.",
    ("mj-button", "href"): "Say where the button leads.",
}


def attribute_faults(piece: Piece, tag: Tag | None, *, file: str, setting: bool) -> Iterator[Diagnostic]:
    """Faults in the attributes of `piece`; `tag` is None for HTML. `setting`: inside mj-attributes, none required."""
    seen: dict[str, Attribute] = {}
    for attribute in piece.attributes:
        if attribute.name in seen:
            yield Diagnostic(
                f"{attribute.name} appears twice on <{piece.name}>", Place(file, attribute.line), "Keep one of them."
            )
        seen[attribute.name] = attribute
        if tag is None:
            yield from _html(piece.name, attribute, file)
        else:
            yield from _mjml(piece.name, attribute, file)
    if tag is not None and not setting:
        for name in REQUIRED.get(piece.name, ()):
            if name not in seen:
                yield Diagnostic(
                    f"<{piece.name}> has no {name}", Place(file, piece.line), _WHY.get((piece.name, name), "")
                )
    yield from _picture(piece, seen, file)


def _mjml(name: str, attribute: Attribute, file: str) -> Iterator[Diagnostic]:
    place = Place(file, attribute.line)
    refusal = ATTRIBUTES.get((name, attribute.name)) or VALUES.get((name, attribute.name, attribute.value or ""))
    types = attribute_types(name)
    if (name, attribute.name) in WITHOUT_EFFECT:
        return
    if refusal:
        yield Diagnostic(refusal.message, place, refusal.remedy)
    elif attribute.name not in types:
        near = get_close_matches(attribute.name, types, n=1)
        yield Diagnostic(
            f"<{name}> has no attribute {attribute.name!r}", place, f"Did you mean {near[0]!r}?" if near else ""
        )
    elif attribute.value is None:
        yield Diagnostic(f"{attribute.name} on <{name}> has no value", place, f'Write {attribute.name}="…".')
    else:
        kind = types[attribute.name]
        reason = value_fault(kind, settled(kind, attribute.value)) or _padding(attribute)
        if reason:
            yield Diagnostic(f'{attribute.name}="{attribute.value}" on <{name}> {reason}', place)


def _padding(attribute: Attribute) -> str | None:
    """What MJML allows in a padding and mrml leaves out of its widths, so that Outlook's column comes out too wide."""
    if "padding" not in attribute.name or attribute.value is None:
        return None
    if "%" in attribute.value:
        return "must be in px: the compiler leaves percentages out of the widths it works out"
    return None


def _html(name: str, attribute: Attribute, file: str) -> Iterator[Diagnostic]:
    if attribute.name.lower().startswith("on"):
        yield Diagnostic(
            f"{attribute.name} on <{name}> is code, which no mail reader runs",
            Place(file, attribute.line),
            "Leave it out.",
        )


def _picture(piece: Piece, seen: Mapping[str, Attribute], file: str) -> Iterator[Diagnostic]:
    """A picture needs an alt, and one that leads somewhere needs an alt that says where."""
    place = Place(file, piece.line)
    if piece.name.lower() == "img" and "alt" not in seen:
        yield Diagnostic("<img> has no alt", place, _WHY["mj-image", "alt"], rule="accessibility.alt")
    elif piece.name == "mj-image" and "href" in seen and "alt" in seen and not (seen["alt"].value or "").strip():
        remedy = "Say in alt where it leads."
        yield Diagnostic("a picture that is a link has an empty alt", place, remedy, rule="accessibility.link-text")


def style_faults(css: str, *, file: str, line: int) -> Iterator[Diagnostic]:
    """Faults in a style sheet that begins on `line`."""
    for number, text in enumerate(css.splitlines(), start=line):
        for word, refusal in STYLE_WORDS.items():
            if word in text.lower():
                yield Diagnostic(refusal.message, Place(file, number), refusal.remedy)
