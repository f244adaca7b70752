"""Markdown → tokens, set up for mail: CommonMark without raw HTML, footnotes, ::: containers, conditions on lines.

`body` makes blocks of the tokens, `text` makes plain text of them. Both get tokens whose links are in the link table
already and whose faults (raw HTML, lost footnotes, unknown containers) have been noted with their lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, takewhile
from typing import Any, cast
from unicodedata import category

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink, normalizeLinkText
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.footnote import footnote_plugin

from mailer.compose.markdown.leftovers import KEY, Leftover, leftovers_rule
from mailer.compose.markdown.setting import set_for_mail
from mailer.compose.templating.link_table import Links
from mailer.compose.templating.markers import Markers
from mailer.compose.templating.render import Resolved
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import nearest

CONTAINERS = ("ask", "quote", "picture", "story", "numbers", "progress", "share", "ps")
# Beside a letter `**` is no emphasis, beside punctuation it is. A {% tag %} counts as punctuation, so while Markdown is
# read its marker is put between two signs that nobody writes (U+2E31, category Po).
FENCE = "\u2e31"
BARE_ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]*_]")
INDENTED = re.compile(r" {4}|\t")
HTML_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
LOST_NOTE = re.compile(r"\[\^([^\]\s]+)\]")
# Its tables of how addresses are written are filled when first used. Of two threads one would find a half of them, and
# escape the slashes of an address.
normalizeLink("/%20")
normalizeLinkText("/%20")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Tokens of the body, and of each footnote in the order of its first mention."""

    tokens: Sequence[Token]
    notes: Sequence[Sequence[Token]]


class Markdown:
    """Reads the Markdown of one message."""

    def __init__(self, *, markers: Markers, links: Links, quotes: Sequence[str] | None = None) -> None:
        """`quotes`: the outer and inner marks that straight ones are set as; None leaves them straight."""
        self.markers = markers
        self.links = links
        self.faults: list[Diagnostic] = []
        self.anchors: set[str] = set()  # ids of headings, each once in a message
        self.parser = _parser(self.markers.control_pattern.pattern, tuple(quotes or ()))

    def parse(self, resolved: Resolved, *, placement: str) -> Parsed:
        """The tokens of a text; links are put into the table under `placement`, those of notes as footnotes."""
        fenced = self.markers.control_pattern.sub(rf"{FENCE}\g<0>{FENCE}", resolved.text)
        if not fenced.endswith("\n"):
            fenced += "\n"  # the plugin for ::: looks at the sign behind a `>`, which has to be there
        env: dict[str, Any] = {}
        tokens = self.parser.parse(fenced, env)
        for token in _all(tokens):
            token.content = token.content.replace(FENCE, "")
            token.info = token.info.replace(FENCE, "")
            token.attrs = {
                key: value.replace(FENCE, "") if isinstance(value, str) else value for key, value in token.attrs.items()
            }
        self._check(tokens, resolved, env)
        parsed = _without_notes(tokens)
        lines = _Lines(resolved)
        self._links(parsed.tokens, lines, placement)
        for note in parsed.notes:
            self._links(note, lines, "footnote")
        return parsed

    def html(self, tokens: Sequence[Token]) -> str:
        """The tokens as XHTML."""
        return self.parser.renderer.render(set_for_mail(tokens), self.parser.options, {})

    def inline_html(self, tokens: Sequence[Token]) -> str:
        """The tokens of a note without the paragraphs around its lines."""
        inner = [
            token for token in tokens if token.type not in ("paragraph_open", "paragraph_close", "footnote_anchor")
        ]
        return "<br />".join(self.html([token]) for token in inner)

    def _check(self, tokens: list[Token], resolved: Resolved, env: dict[str, Any]) -> None:
        lines, rows = _Lines(resolved), resolved.text.split("\n")
        for index, token in enumerate(tokens):
            place = lines.at(token)
            if token.type == "heading_open":
                self._check_heading(token, place)
                token.attrs["id"] = self._anchor(tokens[index + 1])
            elif token.type == "heading_close":
                token.tag = "h2" if token.tag in ("h1", "h2") else "h3"
            elif token.type.startswith("container_") and token.nesting == 1:
                self._check_closed(token, resolved, place)
            elif token.type == "fence":
                remedy = "Take the lines of ``` out. What people should copy can go in `one line`."
                self.faults.append(Diagnostic("there are no code blocks in a mail", place, remedy))
            elif token.type == "inline":
                self._check_words(token, place)
                for left in cast(list[Leftover], token.meta.get(KEY, ())):
                    at = resolved.place((token.map or [0])[0] + 1 + left.line) if token.map else place
                    self._warn(self.links.as_written(left.message), at, left.remedy, rule="writing.markdown")
            if token.level == 0 and token.map and INDENTED.match(rows[token.map[0]]):
                remedy = "Remove the spaces at the beginning of the line, so that it looks as it will be."
                self._warn("spaces at the beginning of a line are not shown", place, remedy, rule="writing.indented")
        refs = cast(dict[str, int], cast(dict[str, Any], env.get("footnotes", {})).get("refs", {}))
        for label, number in refs.items():
            if number < 0:
                self._warn(
                    f"the note {label.removeprefix(':')!r} is mentioned nowhere",
                    resolved.place(1),
                    rule="text.note-unused",
                )

    def _check_heading(self, token: Token, place: Place) -> None:
        if token.tag == "h1":
            self._warn("the headline is the only first-level heading", place, "Write ## for headings in the text.")
        token.tag = "h2" if token.tag in ("h1", "h2") else "h3"

    def _anchor(self, heading: Token) -> str:
        """The id that links such as [part two](#part-two) find a heading by: its words in small letters."""
        words = self.markers.without(_words(heading.children or ()), conditions=True)
        kept = (sign if category(sign)[0] in "LMN" else " " for sign in words.lower())
        stem = "-".join("".join(kept).split()) or "part"
        anchor = next(name for n in count(1) if (name := stem if n == 1 else f"{stem}-{n}") not in self.anchors)
        self.anchors.add(anchor)
        return anchor

    def _check_closed(self, token: Token, resolved: Resolved, place: Place) -> None:
        lines = resolved.text.split("\n")
        after = token.map[1] if token.map else 0
        near = lines[max(after - 1, 0) : after + 1]
        if not any(re.match(r"\s*:{3,}\s*$", line) for line in near):
            name = token.type.removeprefix("container_").removesuffix("_open")
            self.faults.append(Diagnostic(f"::: {name} is never closed", place, "Write a line ::: below it."))

    def _check_words(self, token: Token, place: Place) -> None:
        stray = re.match(r":{3,}\s*([^\s]*)", token.content)
        if stray:
            name = stray[1]
            message = f"unknown block {name!r}" if name else "::: closes nothing here"
            self.faults.append(Diagnostic(message, place, nearest(name, CONTAINERS)))
        for child in token.children or ():
            if child.type == "text" and HTML_TAG.search(child.content):
                remedy = "Write Markdown: **bold**, *italic*, [words](address)."
                self._warn("HTML is shown as text here", place, remedy, rule="text.tags")
            lost = LOST_NOTE.search(child.content) if child.type == "text" else None
            if lost:
                note = f"Write the note on a line of its own: [^{lost[1]}]: …"
                self.faults.append(Diagnostic(f"there is no note {lost[1]!r}", place, note, rule="text.note-missing"))

    def _links(self, tokens: Sequence[Token], lines: _Lines, placement: str) -> None:
        inside = ""
        for token in tokens:
            if token.type.startswith("container_"):
                inside = token.type.split("_")[1] if token.nesting == 1 else ""
            if token.type != "inline" or not token.children:
                continue
            token.children = _with_bare_addresses(token.children)
            place = lines.at(token)
            for index, child in enumerate(token.children):
                if child.type != "link_open" or inside == "share":
                    continue  # what is shared is text for others: `containers` refuses links in it
                label = _label(token.children[index + 1 :])
                if BARE_ADDRESS.fullmatch(label) and placement != "signature":
                    remedy = "Mail programs warn when the address shown isn't where the link leads. Give it words."
                    self._warn(f"the link shows an address, {label}", place, remedy)
                if not label and not any(c.type == "image" for c in token.children[index + 1 : index + 2]):
                    self.faults.append(Diagnostic("a link has no words", place, "Write [the words](https://…)."))
                href = str(child.attrs.get("href", ""))
                child.attrs["href"] = self.links.add(href, label=label, placement=inside or placement, place=place)
                child.attrs.pop("title", None)

    def _warn(self, message: str, place: Place, remedy: str = "", *, rule: str = "") -> None:
        self.faults.append(Diagnostic(message, place, remedy, level=Level.WARNING, rule=rule))


class _Lines:
    """The places of tokens. Tokens of footnotes don't say, so they take the last place that was known."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved = resolved
        self.last = resolved.place(1)

    def at(self, token: Token) -> Place:
        if token.map:
            self.last = self.resolved.place(token.map[0] + 1)
        return self.last


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or ())


def _label(children: Sequence[Token]) -> str:
    """The words of a link whose opening has just passed."""
    return _words(list(takewhile(lambda child: child.type != "link_close", children))).strip()


def _words(children: Sequence[Token]) -> str:
    return "".join(" " if child.type in ("softbreak", "hardbreak") else child.content for child in children)


def _with_bare_addresses(children: Sequence[Token]) -> list[Token]:
    """Makes links of bare addresses in the text."""
    found: list[Token] = []
    depth = 0
    for child in children:
        depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        if child.type != "text" or depth:
            found.append(child)
            continue
        at = 0
        for match in BARE_ADDRESS.finditer(child.content):
            before = child.content[at : match.start()]
            found += [Token("text", "", 0, content=before)] if before else []
            found += [
                Token("link_open", "a", 1, attrs={"href": match[0]}),
                Token("text", "", 0, content=match[0]),
                Token("link_close", "a", -1),
            ]
            at = match.end()
        rest = child.content[at:]
        found += [Token("text", "", 0, content=rest)] if rest or not at else []
    return found


def _without_notes(tokens: Sequence[Token]) -> Parsed:
    body: list[Token] = []
    notes: list[list[Token]] = []
    inside = False
    for token in tokens:
        if token.type == "footnote_open":
            inside = True
            notes.append([])
        elif token.type == "footnote_close":
            inside = False
        elif inside:
            notes[-1].append(token)
        elif not token.type.startswith("footnote_block"):
            body.append(token)
    return Parsed(body, notes)


@lru_cache(maxsize=32)
def _parser(control: str, quotes: tuple[str, ...]) -> MarkdownIt:
    """A parser that keeps nothing of what it reads, for all texts with these marks of quotation. `control` is the
    pattern of a condition's markers."""
    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": True, "typographer": False})
    parser.use(footnote_plugin, inline=True)
    for name in CONTAINERS:
        parser.use(container_plugin, name=name)
    # Addresses are judged by `links`, which says what is wrong with one; Markdown would just not make a link of it.
    cast(Any, parser).validateLink = lambda url: True  # pyright: ignore[reportUnknownLambdaType]
    cast(Any, parser).normalizeLink = lambda url: url  # pyright: ignore[reportUnknownLambdaType]
    parser.block.ruler.before(
        "fence", "condition", _condition_rule(re.compile(rf"(?:{FENCE}{control}{FENCE}\s*)+")),
        {"alt": ["paragraph", "reference", "blockquote", "list", "footnote_def"]},
    )  # fmt: skip
    if quotes:
        parser.enable("smartquotes")
        parser.options["typographer"] = True  # of its rules only that one is enabled
        parser.options["quotes"] = list(quotes)
    # Four blanks in front make no code block: mostly they are pasted, and the paragraph would lose its links.
    parser.disable("code")
    parser.core.ruler.before("text_join", "leftovers", leftovers_rule(FENCE))
    parser.add_render_rule("footnote_ref", _render_footnote)
    parser.add_render_rule("condition", _render_content)
    for ruler in (parser.core.ruler, parser.block.ruler, parser.inline.ruler, parser.inline.ruler2):
        ruler.getRules()  # which would put its rules in order at first use, by several threads at once
    return parser


def _condition_rule(control: re.Pattern[str]) -> Any:
    def rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
        """A line of nothing but {% tags %} goes between blocks and is in no paragraph."""
        del end_line
        if state.is_code_block(start_line):
            return False
        line = state.src[state.bMarks[start_line] + state.tShift[start_line] : state.eMarks[start_line]]
        if not control.fullmatch(line):
            return False
        if not silent:
            token = state.push("condition", "", 0)
            token.content = line.strip()
            token.map = [start_line, start_line + 1]
            state.line = start_line + 1
        return True

    return rule


def _render_footnote(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    # No link down to the note: in-page anchors fail in many mail programs, the number works in all.
    del renderer, options, env
    return f"<sup>{tokens[index].meta['id'] + 1}</sup>"


def _render_content(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    del renderer, options, env
    return tokens[index].content + "\n"
