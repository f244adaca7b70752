"""Splits a message file into its front matter and its body, and reads the front matter with the line of every key.

What the keys mean is for `source`. YAML is read by PyYAML's safe loader: texts, numbers, lists and mappings only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml
from frontmatter.default_handlers import YAMLHandler

from mailer.errors import Fault, Place

MISSING = "Begin the file with a line ---, then keys such as `subject: …`, then another line ---."
COLON = "A text that holds a colon or begins with a sign such as @, *, { or [ needs quotes around it."


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The data above a message's body. `lines` maps a dotted key, such as "action.url" or "audience.include.0", to its
    line in the file."""

    data: Mapping[str, Any]
    lines: Mapping[str, int]
    body: str
    body_line: int  # the line of the file on which the body begins


def split_front_matter(text: str, *, file: str, faults: list[Fault]) -> FrontMatter | None:
    """The front matter and the body of `text`, or None with the reason added to `faults`."""
    handler = YAMLHandler()
    if not handler.detect(text):
        faults.append(Fault("the front matter is missing", Place(file, 1), MISSING))
        return None
    try:
        above, body = handler.split(text)
    except ValueError:
        faults.append(Fault("the front matter has no end", Place(file, 1), "End it with a line ---."))
        return None
    body_line = text[: len(text) - len(body)].count("\n") + 1
    if body.startswith("\n"):
        body, body_line = body[1:], body_line + 1
    found = _read_yaml(above, file=file, faults=faults)
    return None if found is None else FrontMatter(found[0], found[1], body, body_line)


def _read_yaml(above: str, *, file: str, faults: list[Fault]) -> tuple[dict[str, Any], dict[str, int]] | None:
    loader = yaml.SafeLoader(above)
    try:
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        reader = _Reader(file, faults)
        reader.walk(node, "")
        data: object = cast(Any, loader).construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        faults.append(Fault(f"the front matter can't be read: {error.problem}", Place(file, line), COLON))
        return None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = error if isinstance(error, ValueError) else "it is not valid YAML"
        faults.append(Fault(f"the front matter can't be read: {reason}", Place(file, 1), COLON))
        return None
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        faults.append(Fault("the front matter must hold keys and values", Place(file, 2), MISSING))
        return None
    return {str(key): value for key, value in cast(dict[Any, Any], data).items()}, reader.lines


class _Reader:
    """Collects the line of each key; a key that stands twice is a fault, since one of the two would be lost."""

    def __init__(self, file: str, faults: list[Fault]) -> None:
        self.file = file
        self.faults = faults
        self.lines: dict[str, int] = {}

    def walk(self, node: yaml.Node, path: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in cast(list[tuple[yaml.Node, yaml.Node]], node.value):
                self.entry(f"{path}{key_node.value}", key_node, value_node)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(cast(list[yaml.Node], node.value)):
                self.entry(f"{path}{index}", item, item)

    def entry(self, key: str, key_node: yaml.Node, value_node: yaml.Node) -> None:
        line = key_node.start_mark.line + 1
        # A block scalar's text begins on the line below its key.
        below = isinstance(value_node, yaml.ScalarNode) and value_node.style in ("|", ">")
        if key in self.lines:
            self.faults.append(Fault(f"{key} stands twice", Place(self.file, line), "Keep one of them."))
        self.lines[key] = line + 1 if below else line
        if len(self.lines) < 10_000:  # aliases can make a small file describe a huge tree
            self.walk(value_node, f"{key}.")
