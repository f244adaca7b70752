"""Splits a message file into its front matter and its body, and reads the front matter with the line of every key.

What the keys mean is for `message_file`. YAML is read by PyYAML's safe loader: texts, numbers, lists and mappings only.
Two of its rules lose words that people write without quotes, and are met here: a text on one line that YAML can't read
is taken as what it says (`Sewage in our river: 3,412 hours`), and a text that a comment cuts short is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml
from frontmatter.default_handlers import YAMLHandler

from mailer.compose.source.text_file import merge_conflicts
from mailer.diagnostics import Diagnostic, Place

MISSING = "Begin the file with a line ---, then keys such as `subject: …`, then another line ---."
COLON = "A text that holds a colon or begins with a sign such as @, *, { or [ needs quotes around it."
# A key and a value on one line. Items of lists are left alone: `- a: b` is a mapping, and meant as one.
ENTRY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z_][\w.-]*):[ \t]+(?P<value>\S.*?)[ \t]*")
BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*(?:[ \t]+#.*)?")
COMMENT = re.compile(r"[ \t]+#(?P<words>.*)")
TAG = re.compile(r"(?:[ \t]*\n)*[ \t]+#(?P<words>[^\s#].*)")  # #SaveOurLibrary, on this line or the one below
# Keys that hold a name, and nothing that people read: a comment behind one cuts no text.
NAMES = (
    "list", "template", "language", "opt_in.list", "series.every", "series.at", "series.zone", "series.late",
    "series.ahead", "series.approval",
)  # fmt: skip
OPENED = {'"': '"', "'": "'", "[": "]", "{": "}"}
TEXT, NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The data above a message's body. `lines` maps a dotted key, such as "action.url" or "audience.include.0", to its
    line in the file."""

    data: Mapping[str, Any]
    lines: Mapping[str, int]
    body: str
    body_line: int  # the line of the file on which the body begins


def split_front_matter(text: str, *, file: str) -> tuple[FrontMatter | None, list[Diagnostic]]:
    """The front matter and the body of `text`, and what is wrong with them; None when nothing can be read."""
    found, faults = _split(text, file=file)
    conflicts = merge_conflicts(text, file=file) if found is None else []  # then they are why
    return found, conflicts or faults


def _split(text: str, *, file: str) -> tuple[FrontMatter | None, list[Diagnostic]]:
    handler = YAMLHandler()
    if not handler.detect(text):
        return None, [Diagnostic("the front matter is missing", Place(file, 1), MISSING)]
    try:
        above, body = handler.split(text)
    except ValueError:
        return None, [Diagnostic("the front matter has no end", Place(file, 1), "End it with a line ---.")]
    body_line = text[: len(text) - len(body)].count("\n") + 1
    if body.startswith("\n"):
        body, body_line = body[1:], body_line + 1
    found, faults = _read_yaml(above, file=file)
    return (None if found is None else FrontMatter(found[0], found[1], body, body_line)), faults


def _read_yaml(above: str, *, file: str) -> tuple[tuple[dict[str, Any], dict[str, int]] | None, list[Diagnostic]]:
    faults: list[Diagnostic] = []
    try:
        data, reader = _loaded(above, file=file)
    except (yaml.YAMLError, ValueError, RecursionError):
        above, faults = _quoted(above, file=file)
        try:
            data, reader = _loaded(above, file=file)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            unread = Diagnostic(f"the front matter can't be read: {error.problem}", Place(file, line), COLON)
            return None, [*faults, unread]
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            reason = error if isinstance(error, ValueError) else "it is not valid YAML"
            return None, [*faults, Diagnostic(f"the front matter can't be read: {reason}", Place(file, 1), COLON)]
    if data is None:
        return ({}, {}), faults
    faults += reader.faults
    if not isinstance(data, dict):
        return None, [*faults, Diagnostic("the front matter must hold keys and values", Place(file, 2), MISSING)]
    return ({str(key): value for key, value in cast(dict[Any, Any], data).items()}, reader.lines), faults


def _loaded(above: str, *, file: str) -> tuple[object, _Reader]:
    """The data, and what was seen on the way through it. Raises what PyYAML raises."""
    loader = yaml.SafeLoader(above)
    reader = _Reader(above, file)
    try:
        node = loader.get_single_node()
        if node is not None:
            reader.walk(node, "", column=0)
        return None if node is None else cast(Any, loader).construct_document(node), reader
    finally:
        loader.dispose()


def _quoted(above: str, *, file: str) -> tuple[str, list[Diagnostic]]:
    """`above` with quotes around each text on one line that YAML can't read without them, and what that would hide."""
    lines, faults = above.split("\n"), list[Diagnostic]()
    block: int | None = None  # how far the key of a text over several lines is indented
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip(" "))
        if block is not None and (not line.strip() or indent > block):
            continue
        block = None
        entry = ENTRY.fullmatch(line)
        if entry is None:
            continue
        value = entry["value"]
        if BLOCK_SCALAR.fullmatch(value):
            block = indent
        elif not _goes_on(lines, number, indent) and not _readable(entry["key"], value):
            place = Place(file, number + 1)
            if value[0] in OPENED and not _closed(value):
                what = f"{entry['key']} opens with {value[0]} and doesn't close"
                faults.append(Diagnostic(what, place, f"Close it, or take the {value[0]} out."))
            elif cut := COMMENT.search(value):
                faults.append(_cut(entry["key"], value[: cut.start()], cut["words"], place))
            doubled = value.replace("'", "''")
            lines[number] = f"{entry['indent']}{entry['key']}: '{doubled}'"
    return "\n".join(lines), faults


def masked(above: str) -> str:
    """`above` with each text that YAML can't read without quotes made of as many x: every place in it stays."""
    lines = above.split("\n")
    for number, (line, readable) in enumerate(zip(lines, _quoted(above, file="")[0].split("\n"), strict=True)):
        if line != readable and (entry := ENTRY.fullmatch(line)):
            lines[number] = f"{line[: entry.start('value')]}{'x' * len(entry['value'])}{line[entry.end('value') :]}"
    return "\n".join(lines)


def _closed(value: str) -> bool:
    """Whether what the value opens with is closed somewhere: `[Action] Sign now` is a text, `[a, b` half a list."""
    closing = OPENED[value[0]]
    return value.count(closing) >= value.count(value[0]) if closing != value[0] else value.count(closing) > 1


def _goes_on(lines: list[str], number: int, indent: int) -> bool:
    """Whether the entry on a line has more lines below it."""
    below = next((line for line in lines[number + 1 :] if line.strip()), "")
    return len(below) - len(below.lstrip(" ")) > indent


def _readable(key: str, value: str) -> bool:
    try:
        yaml.safe_load(f"{key}: {value}")
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    return True


def _cut(key: str, text: str, comment: str, place: Place) -> Diagnostic:
    whole = f"{text.strip()} #{comment.strip()}".strip().replace('"', "'")
    remedy = f'What follows a space and # is a comment. Put the text in quotes: {key.rpartition(".")[2]}: "{whole}"'
    return Diagnostic(f"{key} is cut at #{comment.strip()[:40]}, which nobody would read", place, remedy)


class _Reader:
    """Collects the line of each key, and what would be lost without a word: one of two equal keys, and what a comment
    takes from a text."""

    def __init__(self, above: str, file: str) -> None:
        self.above = above
        self.file = file
        self.faults: list[Diagnostic] = []
        self.lines: dict[str, int] = {}

    def walk(self, node: yaml.Node, path: str, *, column: int) -> None:
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in cast(list[tuple[yaml.Node, yaml.Node]], node.value):
                self.entry(f"{path}{key_node.value}", key_node, value_node)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(cast(list[yaml.Node], node.value)):
                self.entry(f"{path}{index}", item, item)
        elif isinstance(node, yaml.ScalarNode):
            self.comment(node, path.removesuffix("."), column)
            self.swallowed(node, path.removesuffix("."), column)
            if self.above[node.start_mark.index : node.start_mark.index + 1] in ("&", "!"):
                place = Place(self.file, node.start_mark.line + 1)
                what = f"{path.removesuffix('.')} begins with a sign that YAML takes for itself"
                self.faults.append(Diagnostic(what, place, "Put quotes around the text."))

    def entry(self, key: str, key_node: yaml.Node, value_node: yaml.Node) -> None:
        line = key_node.start_mark.line + 1
        # A block scalar's text begins on the line below its key.
        below = isinstance(value_node, yaml.ScalarNode) and value_node.style in ("|", ">")
        if key in self.lines:
            self.faults.append(Diagnostic(f"{key} appears twice", Place(self.file, line), "Keep one of them."))
        self.lines[key] = line + 1 if below else line
        if len(self.lines) < 10_000:  # aliases can make a small file describe a huge tree
            self.walk(value_node, f"{key}.", column=key_node.start_mark.column)

    def comment(self, node: yaml.ScalarNode, key: str, column: int) -> None:
        """Note a text that ends at a comment. Behind quotes, and where there is no text, only a #tag is one."""
        end = node.end_mark
        if key in NAMES or node.tag not in (TEXT, NULL) or node.style in ("|", ">"):
            return
        plain = node.style is None and bool(node.value)
        found = (COMMENT.match(self.above, end.index) if plain else None) or TAG.match(self.above, end.index)
        if found is None:
            return
        line = end.line + found[0].count("\n") + 1
        begun = found[0].rpartition("\n")[2]
        if line > end.line + 1 and begun.index("#") <= column:
            return  # a comment of its own, which is indented no further than the key
        self.faults.append(_cut(key, str(node.value), found["words"], Place(self.file, line)))

    def swallowed(self, node: yaml.ScalarNode, key: str, column: int) -> None:
        """Note a text in quotes that goes on over keys: its own quotation mark was forgotten."""
        inside = self.above[node.start_mark.index : node.end_mark.index].split("\n")[1:]
        outside = [line for line in inside if line.strip() and len(line) - len(line.lstrip()) <= column]
        if node.style in ("'", '"') and outside:
            what = f"the text of {key} goes on over the lines below it, to the next {node.style}"
            remedy = "Close the quotes on the text's own line, or indent its further lines."
            self.faults.append(Diagnostic(what, Place(self.file, node.start_mark.line + 1), remedy))
