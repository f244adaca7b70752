"""What CSS and HTML somebody wrote uses, by the names that caniemail gives them, each with its file and line.

Jinja is blanked out first. Rules inside @media are left out: their author says by them how things look elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from mailer.diagnostics import Place

JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
STYLE_TAG = re.compile(r"<(?:mj-style|style)\b[^>]*>(.*?)</(?:mj-style|style)>", re.DOTALL | re.IGNORECASE)
STYLE_ATTRIBUTE = re.compile(r"\sstyle\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
TAG = re.compile(r"<([a-z][a-z0-9]*)\b(?!-)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"\s([a-z-]+)\s*=", re.IGNORECASE)
DECLARATION = re.compile(r"(?<![-\w#.&:])([a-z-]+)\s*:\s*([^;{}]+)(?=[;}]|$)", re.IGNORECASE)
AT_RULE = re.compile(r"@([a-z-]+)", re.IGNORECASE)
PSEUDO = re.compile(r"(?<!:)(::?)([a-z-]+)")
UNIT = re.compile(r"(?<![\w#-])-?\d*\.?\d+(rem|em|vh|vw|vmin|vmax|ch|ex|cm|mm|in|pc|pt)\b")
FUNCTION = re.compile(r"\b(calc|min|max|clamp|light-dark|linear-gradient|radial-gradient|conic-gradient|rgba|var)\(")
RULE = re.compile(r"\{([^{}]*)\}")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
VALUES = {
    ("display", "flex"): "css-display-flex", ("display", "inline-flex"): "css-display-flex",
    ("display", "grid"): "css-display-grid", ("display", "inline-grid"): "css-display-grid",
}  # fmt: skip
NAMED = {
    "top": "css-left-right-top-bottom", "left": "css-left-right-top-bottom", "right": "css-left-right-top-bottom",
    "bottom": "css-left-right-top-bottom", "grid-template-columns": "css-grid-template",
    "grid-template-rows": "css-grid-template", "flex": "css-display-flex", "flex-flow": "css-display-flex",
    "animation-name": "css-animation", "columns": "css-column-count",
    "margin-inline": "css-margin-inline-block", "margin-block": "css-margin-inline-block",
    "padding-inline": "css-padding-inline-block", "padding-block": "css-padding-inline-block",
    "margin-inline-start": "css-margin-inline-start-end", "margin-inline-end": "css-margin-inline-start-end",
    "padding-inline-start": "css-padding-inline-start-end", "padding-inline-end": "css-padding-inline-start-end",
}  # fmt: skip
FUNCTIONS = {
    "calc": "css-unit-calc", "min": "css-function-min", "max": "css-function-max", "clamp": "css-function-clamp",
    "light-dark": "css-function-light-dark", "linear-gradient": "css-linear-gradient", "rgba": "css-rgba",
    "radial-gradient": "css-radial-gradient", "conic-gradient": "css-conic-gradient", "var": "css-variables",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Use:
    """A feature, where it is used, and how it is written there."""

    feature: str
    place: Place
    written: str


def uses(text: str, *, file: str, known: Collection[str]) -> Iterator[Use]:
    """The features among `known` that a template, block or message.mjml uses."""
    text = JINJA.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for sheet in STYLE_TAG.finditer(text):
        yield from _sheet(sheet[1], text, sheet.start(1), file, known)
    blanked = STYLE_TAG.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for found in STYLE_ATTRIBUTE.finditer(blanked):
        start = found.start(1) if found[1] is not None else found.start(2)
        yield from _declarations(found[1] or found[2] or "", text, start, file, known)
    for found in TAG.finditer(blanked):
        names = [f"html-{found[1].lower()}", *(f"html-{name[1].lower()}" for name in ATTRIBUTE.finditer(found[2]))]
        for name in names:
            if name in known:
                yield Use(name, _place(file, text, found.start()), f"<{found[1]}>")


def _sheet(css: str, text: str, offset: int, file: str, known: Collection[str]) -> Iterator[Use]:
    css = COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), css)
    for found in AT_RULE.finditer(css):
        name = f"css-at-{found[1].lower()}"
        if name in known and name != "css-at-media":
            yield Use(name, _place(file, text, offset + found.start()), found[0])
    css = _without_media(css)
    end = 0
    for rule in RULE.finditer(css):
        # Looked for from the brace backwards: a pattern that begins with the selector takes ever longer where no rule
        # follows, as in what was blanked out.
        start = max(end, *(css.rfind(brace, end, rule.start()) + 1 for brace in "{}"))
        for found in PSEUDO.finditer(css, start, rule.start()):
            name = f"css-pseudo-{'element' if found[1] == '::' else 'class'}-{found[2]}"
            if name in known:
                yield Use(name, _place(file, text, offset + found.start()), found[0])
        yield from _declarations(rule[1], text, offset + rule.start(1), file, known)
        end = rule.end()


def _declarations(css: str, text: str, offset: int, file: str, known: Collection[str]) -> Iterator[Use]:
    for found in DECLARATION.finditer(css):
        name, value = found[1].lower(), found[2].replace("!important", "").strip().lower()
        features = [VALUES.get((name, value)) or NAMED.get(name) or f"css-{name}"]
        features += [f"css-unit-{unit[1]}" for unit in UNIT.finditer(value)]
        features += [FUNCTIONS[function[1]] for function in FUNCTION.finditer(value)]
        for feature in features:
            if feature in known:
                yield Use(feature, _place(file, text, offset + found.start()), f"{name}: {value}")


def _without_media(css: str) -> str:
    """The sheet with the content of @media, @supports and the like blanked out."""
    out: list[str] = []
    depth, inside = 0, False
    for piece in re.split(r"(@[a-z-]+[^{};]*\{|[{}])", css):
        if piece.startswith("@") and piece.endswith("{") and depth == 0:
            inside, depth = True, 1
            out.append(re.sub(r"[^\n]", " ", piece))
            continue
        depth += piece.count("{") - piece.count("}")
        out.append(re.sub(r"[^\n]", " ", piece) if inside else piece)
        inside = inside and depth > 0
    return "".join(out)


def _place(file: str, text: str, offset: int) -> Place:
    return Place(file, text.count("\n", 0, offset) + 1)
