"""How tokens are set for a mail before they become HTML: numbered lists as rows, headings without a lost last word.

The plain text is made of the same tokens, so nothing here changes them: what differs is a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from mailer.compose.markdown.tokens import closing
from mailer.compose.templating.markers import ANY_MARKER

SHORT_WORD, SHORT_PAIR = 8, 14  # characters that fit on the last line of a headline on the smallest phone
SAID_MARKS = '"“”„«»‹›「」『』'
ROWS = '<table role="presentation" class="rows" width="100%" cellpadding="0" cellspacing="0" border="0">\n'
ROW = '<tr><td class="nth" valign="top" width="38">{number}</td><td valign="top">'


def set_for_mail(tokens: Sequence[Token]) -> list[Token]:
    """The tokens as they are shown.

    A numbered list becomes a table of two cells a row, the number in large, since mail programs disagree on where the
    numbers of a list are. One that a condition lengthens stays a list, whose numbers follow by themselves.
    """
    return list(_set(tokens))


def _set(tokens: Sequence[Token]) -> Iterator[Token]:
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "heading_open" and at + 1 < len(tokens):
            yield token
            at += 1
            yield _heading(tokens[at])
        elif token.type == "ordered_list_open" and token.level == 0:
            end = closing(tokens, at)
            yield from _rows(token, tokens[at + 1 : end]) if _steady(tokens[at:end]) else tokens[at : end + 1]
            at = end
        else:
            yield token
        at += 1


def _heading(inline: Token) -> Token:
    children = list(inline.children or ())
    if not children or children[-1].type != "text":
        return inline
    last = children[-1].copy(content=kept_together(children[-1].content))
    return inline.copy(children=[*children[:-1], last])


def _steady(tokens: Sequence[Token]) -> bool:
    """Whether everybody gets the same items."""
    return not any(token.type == "condition" and token.level == 1 for token in tokens)


def _rows(opening: Token, items: Sequence[Token]) -> Iterator[Token]:
    number = int(opening.attrs.get("start", 1) or 1)
    yield _html(ROWS)
    for token in items:
        if token.type == "list_item_open" and token.level == 1:
            yield _html(ROW.format(number=number))
            number += 1
        elif token.type == "list_item_close" and token.level == 1:
            yield _html("</td></tr>\n")
        else:
            yield token
    yield _html("</table>\n")


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)


def kept_together(text: str) -> str:
    """A headline with a no-break space before a short last word, which looks lost on a line of its own."""
    rest, blank, last = text.rstrip().rpartition(" ")
    before = rest.rpartition(" ")[2]
    if not blank or before == rest or ANY_MARKER.search(before + last):
        return text
    fits = len(last) <= SHORT_WORD and len(before) + 1 + len(last) <= SHORT_PAIR
    return f"{rest}\u00a0{last}" if fits else text


def is_quoted(text: str) -> bool:
    """Whether somebody has put quotation marks around it already, of whatever kind."""
    said = text.strip()
    return len(said) > 2 and said[0] in SAID_MARKS and said.rstrip(".")[-1] in SAID_MARKS
