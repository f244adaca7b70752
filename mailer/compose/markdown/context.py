"""Shared context for the Markdown block builders: one message's parser, tables, words and faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token
from markupsafe import Markup

from mailer.compose.markdown.parser import Markdown
from mailer.compose.markdown.plain_text import PlainText
from mailer.compose.source.images import Pictures
from mailer.compose.source.labels import Labels
from mailer.compose.source.written import Action, Source
from mailer.compose.templating.link_table import Links
from mailer.compose.templating.markers import Markers
from mailer.compose.templating.render import Resolved
from mailer.diagnostics import Diagnostic, Level, Place


@dataclass(frozen=True, slots=True)
class BlockContext:
    """The tools of one message. `title` is what its mail is called when readers pass it on."""

    markdown: Markdown
    markers: Markers
    links: Links
    pictures: Pictures
    words: Labels
    action: Action | None
    slug: str
    title: str
    language: str
    others: Callable[[str], Source]  # another newsletter as written, by its folder's name; raises `MailerError`
    faults: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def plain(self) -> PlainText:
        """Sets the plain text."""
        return PlainText(self.markers)

    def html(self, tokens: Sequence[Token]) -> Markup:
        """The tokens as HTML that layouts may show as it is."""
        return Markup(self.markdown.html(tokens))  # noqa: S704 - rendered with html off

    def fault(
        self, message: str, place: Place, remedy: str = "", *, level: Level = Level.ERROR, rule: str = ""
    ) -> None:
        self.faults.append(Diagnostic(message, place, remedy, level, rule))

    def refuse_images(self, piece: Sequence[Token], resolved: Resolved) -> None:
        """Note a fault for each picture that isn't a paragraph of its own."""
        for token in piece:
            if token.type == "inline" and any(child.type == "image" for child in token.children or ()):
                place = resolved.place((token.map or [0])[0] + 1)
                remedy = "Put empty lines around it; it can't be inside a sentence, a list or a link."
                self.fault("a picture needs a paragraph of its own", place, remedy)
