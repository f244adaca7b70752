"""Elements of what is written as XML: a feed, and the pictures of reports. Their content is for those."""

from __future__ import annotations

from xml.etree import ElementTree as ET


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
