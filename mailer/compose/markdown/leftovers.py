"""Markdown that stayed Markdown: signs that were meant to make something bold, a link or a table, and would be mailed.

CommonMark never fails: what it can't read is text. Here the text that is left of a paragraph is looked through for what
its writer must have meant. Signs behind a backslash, code and addresses are meant as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

KEY = "leftovers"  # under which an inline token's `meta` keeps them
SOMETHING = "\ufdd1"  # a noncharacter: stands for what is no text of its own (a link, code, an escaped sign)
ADDRESS = re.compile(r"https?://[^\s()<>\[\]]+")


@dataclass(frozen=True, slots=True)
class Leftover:
    """What was found, on which line of its paragraph (from 0), and what to write."""

    message: str
    line: int
    remedy: str


@dataclass(frozen=True, slots=True)
class _Sign:
    """What a sign in the text was meant for. The first group, if there is one, is what is shown of it."""

    found: re.Pattern[str]
    message: str
    remedy: str


_LINK = "Write [the words](https://…), both brackets closed, with nothing between them."
_WORDS = r"\[[^\]\[\n]{1,80}\]"  # in square brackets
_SIGNS = (
    _Sign(
        re.compile(rf"(!?{_WORDS}\([^)\n]*\))"),
        "{} is no link as it is written",
        "An address can't contain spaces: write %20 for each.",
    ),
    _Sign(re.compile(rf"(!?{_WORDS}\([^)\s]*)(?:\s|$)"), "the link {} is never closed", _LINK),
    _Sign(re.compile(rf"({_WORDS}[ \t]+\((?:{SOMETHING}|action\b)[^)\n]*\)?)"), "{} is no link", _LINK),
    _Sign(
        re.compile(rf"(\([^()\n]{{1,80}}\)\[{SOMETHING}[^\]\n]*\]?)"), "{} is no link: its brackets are swapped", _LINK
    ),
    _Sign(
        re.compile(r"(\[[^\]\[\n^][^\]\[\n]{0,80}\]\[[^\]\[\n]{0,80}\])"),
        "{} leads nowhere: the name in its second brackets is not defined",
        "Write [the words](https://…), or [the words](action) for the action link.",
    ),
    _Sign(re.compile(r"^(\[[ xX]\])(?= \S)"), "{} is shown as it is", "Nobody can tick a box in a mail: take it out."),
    _Sign(
        re.compile(r"^(\|?[ \t]*:?-+:?[ \t]*\|[ \t:|-]*)$|^(\|[^\n]+\|)[ \t]*\n\|", re.MULTILINE),
        "tables are not part of a mail, and {} is shown as it is",
        "Write a list, or ::: numbers for two or three figures.",
    ),
    _Sign(
        re.compile(r"(?<!\*)\*{2,3}(?!\*)|(?<![\w_])_{2,3}(?!_)|(?<!_)_{2,3}(?![\w_])"),
        "{} is shown as it is",
        "For bold write **words**: two stars on each side, and no spaces inside them.",
    ),
    _Sign(
        re.compile(r"(?<![\w*])(\*[^\W_][^*\n]*\*)(?!\w)|(?<!\w)(_[^\W_][^_\n]*_)(?!\w)"),
        "{} is shown as it is",
        "For italics write *words*, without spaces inside the stars.",
    ),
    # In the middle of a sentence: before it, and behind a word, a star marks a note.
    _Sign(
        re.compile(r"(?<=[^\s.!?:;] )(\*\w+)(?![^\n]*\*)"),
        "{} is shown as it is",
        "For italics write *words*: close the star.",
    ),
    _Sign(
        re.compile(r"(~~[^~\n]+~~|==[^=\n]+==)"),
        "{} is shown as it is",
        "Words can be **bold** or *italic*; take these signs out.",
    ),
    _Sign(
        re.compile(r"^(#{2,6}[^\s#]\S*)", re.MULTILINE),
        "{} is no heading",
        "Write a space after the signs: ## Heading",
    ),
    _Sign(
        re.compile(r"^([-*+][^\W\d_][^\n]*)\n[-*+][^\W\d_]", re.MULTILINE),
        "{} is no list",
        "Write a space after the sign: - item",
    ),
)


def leftovers_rule(ignored: str) -> Callable[[StateCore], None]:
    """A rule for the parser, before texts are joined: notes what is left in each paragraph, heading and item."""

    def rule(state: StateCore) -> None:
        for token in state.tokens:
            if token.type == "inline":
                text = "".join(_said(child) for child in token.children or ()).replace(ignored, "")
                token.meta = {**token.meta, KEY: list(_leftovers(text))}

    return rule


def _leftovers(text: str) -> Iterator[Leftover]:
    text = ADDRESS.sub(SOMETHING, text)
    told: set[tuple[int, str]] = set()
    for sign in _SIGNS:
        for found in sign.found.finditer(text):
            shown = next((group for group in found.groups() if group), found[0])[:60].replace(SOMETHING, "…")
            line = text.count("\n", 0, found.start())
            if (line, shown) not in told:
                told.add((line, shown))
                yield Leftover(sign.message.format(shown), line, sign.remedy)
            text = text[: found.start()] + re.sub(r"\S", SOMETHING, found[0]) + text[found.end() :]


def _said(child: Token) -> str:
    if child.type == "text":
        return child.content
    if child.type in ("softbreak", "hardbreak"):
        return "\n"
    return "" if child.type.startswith(("em_", "strong_")) else SOMETHING
