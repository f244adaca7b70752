"""Whether HTML is as the standard wants it: no error of its parser (tinyhtml5), and what a parser doesn't look for.

The Nu HTML checker knows more, and needs Java: docs/internals/testing.md says how to run it, and when it last was.
"""

from __future__ import annotations

from collections import Counter
from typing import cast
from xml.etree.ElementTree import Element

from tinyhtml5.parser import HTMLParser

REFERENCES = ("for", "form", "aria-describedby", "aria-labelledby", "aria-controls")
OBSOLETE = {"align", "bgcolor", "border", "cellpadding", "cellspacing", "valign"}  # a page has a style sheet for that
NAMES = {"big", "center", "font", "strike", "tt"}


def html_faults(html: str, *, mail: bool = False) -> list[str]:
    """What is wrong, each in a few words; `mail`: with the attributes that only mail programs still need."""
    parser = HTMLParser(namespace_html_elements=False)
    root = cast("Element[str]", parser.parse(html))
    found = [f"line {place[0]}: {code} {about or ''}" for place, code, about in parser.errors]
    elements = list(root.iter())
    ids = Counter(one.attrib["id"] for one in elements if "id" in one.attrib)
    found += [f"id {name} is there {count} times" for name, count in ids.items() if count > 1 or not name]
    for one in elements:
        named = [(name, key) for name in REFERENCES for key in one.attrib.get(name, "").split()]
        found += [f"{one.tag} {name}: no id {key}" for name, key in named if key not in ids]
        if one.tag in ("ul", "ol"):
            found += [f"{child.tag} in {one.tag}" for child in one if child.tag != "li"]
        if one.tag == "img" and ("alt" not in one.attrib or not one.attrib.get("src")):
            found.append(f"img without alt or src: {one.attrib}")
        if one.tag in ("td", "img") and {"vertical-align"} & set(one.attrib) | ({one.attrib.get("height")} & {"auto"}):
            found.append(f"{one.tag} with what HTML doesn't know: {one.attrib}")
        if not mail and (one.tag in NAMES or set(one.attrib) & OBSOLETE):
            found.append(f"obsolete: {one.tag} {one.attrib}")
    return found
