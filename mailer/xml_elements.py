"""XML: the elements that we write (a feed, the pictures of reports), and what strangers wrote, read without trust."""

from __future__ import annotations

from html.entities import html5
from typing import Any
from xml.etree import ElementTree as ET
from xml.parsers import expat

DEEPEST = 100  # elements within one another


class UnreadableXml(ValueError):
    """This is no XML that is safe to read; the message says why."""


def begin(name: str, namespace: str, **attributes: str) -> ET.Element:
    """The outermost element, whose namespace the text will not repeat with a prefix."""
    ET.register_namespace("", namespace)
    return ET.Element(f"{{{namespace}}}{name}", attributes)


def add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    """A new element at the end of `parent`, in its namespace."""
    namespace, brace, _ = parent.tag.rpartition("}")
    child = ET.SubElement(parent, f"{namespace}{brace}{name}", attributes)
    # XML has no place for control characters, escaped or not (XML 1.0 §2.2).
    child.text = "".join(c for c in text if c.isprintable()) or None
    return child


def parse_xml(data: bytes, *, encoding: str | None = None) -> ET.Element:
    """What a stranger's document holds; names have their namespace as `{namespace}name`. Raises `UnreadableXml`.

    Entities that a document declares are refused: ten lines of them grow to gigabytes ("billion laughs"), and one of
    them may name a file of ours (CWE-611). Nothing it refers to is fetched. HTML's own entities, such as &nbsp;, are
    read, since feeds have them undeclared. `encoding` takes the place of the document's own.
    """
    builder, depth = ET.TreeBuilder(), 0
    parser: Any = expat.ParserCreate(encoding, "}")  # typed without its handlers

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise UnreadableXml(f"its elements are more than {DEEPEST} deep")
        builder.start(_named(name), {_named(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_named(name))

    def declared(*_: object) -> None:
        raise UnreadableXml("it declares entities, which can be made to fill the memory")

    def skipped(name: str, _: bool) -> None:
        builder.data(html5.get(f"{name};", ""))

    def not_fetched(*_: object) -> int:
        return 1

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = declared
    parser.SkippedEntityHandler = skipped
    # As if a DTD were elsewhere: an unknown entity is skipped and not an error. It isn't looked for.
    parser.UseForeignDTD(True)
    parser.ExternalEntityRefHandler = not_fetched
    try:
        parser.Parse(data, True)
        return builder.close()
    except expat.ExpatError as error:
        words = expat.ErrorString(error.code) or "it is broken"
        raise UnreadableXml(f"line {error.lineno}: {words}") from None
    except (LookupError, ValueError) as error:
        raise error if isinstance(error, UnreadableXml) else UnreadableXml("its encoding is not known") from None


def _named(name: str) -> str:
    return f"{{{name}" if "}" in name else name
