"""The ::: blocks of a body, and the picture that has a paragraph of its own: Markdown tokens → the blocks layouts show.

What a block can't hold is a fault with its line and what to write instead. Which pieces a body has, and their order,
is for `body`; the links, numbers and pictures of `share`, `numbers` and a signature are for
`lists_of_blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markdown_it.token import Token
from markupsafe import Markup

from mailer.compose.markdown.blocks import (
    AskBlock,
    Block,
    ImageBlock,
    LabelledLink,
    PostscriptBlock,
    ProgressBlock,
    QuoteBlock,
    StoryBlock,
)
from mailer.compose.markdown.context import BlockContext
from mailer.compose.markdown.lists_of_blocks import numbers, share
from mailer.compose.markdown.plain_text import label_and_address, ruled, wrap
from mailer.compose.markdown.setting import is_quoted, kept_together
from mailer.compose.markdown.tokens import (
    Piece,
    behind_name,
    is_lone_image,
    joined,
    lone_link,
    pieces_of,
    without_image,
)
from mailer.compose.source.event import without_tags
from mailer.compose.source.written import Source
from mailer.compose.templating.link_table import NO_ACTION
from mailer.compose.templating.render import Resolved
from mailer.diagnostics import Place
from mailer.errors import MailerError
from mailer.locale.quotation_marks import quotes_for

Maker = Callable[[Piece, Resolved, Place], Block | None]


class Containers:
    """Makes the blocks of one message."""

    def __init__(self, desk: BlockContext) -> None:
        self.desk = desk
        self.makers: Mapping[str, Maker] = {
            "ask": self._ask, "quote": self._quote, "picture": self._picture, "story": self._story,
            "numbers": lambda piece, resolved, place: numbers(desk, piece, resolved, place),
            "progress": self._progress,
            "share": lambda piece, _, place: share(desk, piece, place), "ps": self._ps,
        }  # fmt: skip

    def block(self, piece: Piece, resolved: Resolved) -> Block | None:
        """The block a ::: piece becomes; None when it has a fault that leaves nothing to show."""
        place = resolved.place((piece[0].map or [0])[0] + 1)
        name = piece[0].type.removeprefix("container_").removesuffix("_open")
        return self.makers[name](piece, resolved, place)

    def image(self, image: Token, place: Place, caption: Markup | None = None, caption_text: str = "") -> ImageBlock:
        """A picture. Its text is the description and the caption: what it shows is part of the story.

        Without a `caption`, words in quotes behind the file's name are one.
        """
        alt = image.content.strip()
        if not alt:
            remedy = "Say in a few words what it shows: ![What it shows](picture.jpg)"
            self.desk.fault("the picture has no description", place, remedy, rule="pictures.no-alt")
        titled = str(image.attrs.get("title", "")).strip()
        found = self.desk.pictures.add(str(image.attrs.get("src", "")), place)
        said = caption_text or (wrap(titled) + "\n\n" if titled else "")
        text = wrap(f"[{alt}]") + "\n" + (said or "\n")
        return ImageBlock(found.src, alt, found.width, titled if caption is None else caption, text)

    def _ask(self, piece: Piece, resolved: Resolved, place: Place) -> AskBlock | None:
        del resolved
        if len(piece) > 2:
            remedy = "The button's words go behind ::: ask; the text belongs above or below it."
            self.desk.fault("an ask holds nothing but its button", place, remedy)
        action = self.desk.action
        if action is None:
            self.desk.fault("::: ask leads nowhere yet", place, NO_ACTION)
            return None
        label = behind_name(piece) or action.label
        said = self.desk.markers.without(label, conditions=True)
        url = self.desk.links.add("action", label=said, placement="button", place=place)
        return AskBlock(label, url, f"{label_and_address(label, url)}\n\n")

    def _quote(self, piece: Piece, resolved: Resolved, place: Place) -> QuoteBlock:
        del place
        self.desk.refuse_images(piece, resolved)
        by = behind_name(piece)
        inner = piece[1:-1]
        quoted = self.desk.plain.blocks(inner, width=70).rstrip("\n")
        lines = [f"> {line}".rstrip() for line in quoted.split("\n")]
        lines += [f"> — {by}"] if by else []
        text = "\n".join(lines) + "\n\n"
        last = next((at for at, token in enumerate(inner) if token.type == "inline" and at == len(inner) - 2), None)
        if last is None or is_quoted(self.desk.markers.without(self.desk.plain.inline(inner[last]))):
            return QuoteBlock(self.desk.html(inner), by, text)
        mark, closing, *_ = quotes_for(self.desk.language)
        ended = inner[last].copy(children=[*(inner[last].children or ()), Token("text", "", 0, content=closing)])
        html = self.desk.html([*inner[:last], ended, *inner[last + 1 :]])
        return QuoteBlock(html, by, text, mark=mark.strip())

    def _picture(self, piece: Piece, resolved: Resolved, place: Place) -> ImageBlock | None:
        inner = pieces_of(piece[1:-1])
        found = without_image(inner[0]) if inner else None
        if found is None:
            remedy = "Below ::: picture write ![What it shows](picture.jpg), and below that its caption."
            self.desk.fault("::: picture has no picture", place, remedy)
            return None
        image, rest = found
        caption = joined([rest, *inner[1:]] if rest else inner[1:])
        self.desk.refuse_images(caption, resolved)
        if not caption:
            return self.image(image, place)
        return self.image(image, place, self.desk.html(caption), self.desk.plain.blocks(caption))

    def _story(self, piece: Piece, resolved: Resolved, place: Place) -> StoryBlock:
        inner = pieces_of(piece[1:-1])
        told = self._told(behind_name(piece), place)
        image = told.image if told else None
        if inner and is_lone_image(inner[0]):
            picture = without_image(inner.pop(0))
            image = self.image(picture[0], place) if picture else None
        title, anchor = told.title if told else "", ""
        if inner and inner[0][0].type == "heading_open":
            heading = inner.pop(0)
            title, anchor = self.desk.plain.inline(heading[1]), str(heading[0].attrs.get("id", ""))
        elif not behind_name(piece):
            remedy = "Below ::: story come a picture (if there is one) and then a line ### Title."
            self.desk.fault("the story has no title", place, remedy)
        link = lone_link(inner[-1]) if inner else None
        if link:
            inner.pop()
        tokens = joined(inner)
        self.desk.refuse_images(tokens, resolved)
        said = self.desk.plain.blocks(tokens)
        html = self.desk.html(tokens)
        if told:
            link = link or told.link
            said, html = said or told.text, html or told.html
        text = (image.text if image else "") + f"{ruled(title, '-')}\n\n{said}"
        text += f"{label_and_address(link.label, link.url)}\n\n" if link else ""
        return StoryBlock(kept_together(title), image, html, link, text, anchor=anchor)

    def _told(self, slug: str, place: Place) -> StoryBlock | None:
        """What another newsletter says of itself: its headline, its preheader, its picture, and its public page."""
        if not slug:
            return None
        try:
            source = self.desk.others(slug)
        except MailerError as error:
            self.desk.fault(f"the newsletter {slug!r} can't be told of: {error}", place, error.remedy or "")
            return None
        if not source.is_public:
            remedy = f"Write `archive: true` above the text of {source.file}, or tell the story here, with a link."
            self.desk.fault(f"the newsletter {slug!r} has no public page to lead to", place, remedy)
            return None
        said = without_tags(source.preheader)
        base = self.desk.pictures.public_url
        url = self.desk.links.add(f"{base}/archive/{slug}", label=self.desk.words.read, placement="story", place=place)
        link = LabelledLink(self.desk.words.read, url)
        html = Markup("<p>{}</p>").format(said) if said else Markup("")
        image = self._their_picture(source, place)
        title = without_tags(source.headline or source.subject)
        return StoryBlock(title, image, html, link, f"{wrap(said)}\n\n" if said else "")

    def _their_picture(self, source: Source, place: Place) -> ImageBlock | None:
        """The picture on the band of another newsletter, where its template has one."""
        written, alt = source.fields.get("picture", ""), source.fields.get("picture_alt", "").strip()
        if not written or not alt or "{" in written + alt:
            return None
        path = f"{source.newsletter.folder.relative_to(source.newsletter.workspace.root).as_posix()}/{written}"
        found = self.desk.pictures.add(written if "://" in written else path, place, of_workspace=True)
        return ImageBlock(found.src, alt, found.width, "", wrap(f"[{alt}]") + "\n\n")

    def _progress(self, piece: Piece, resolved: Resolved, place: Place) -> ProgressBlock:
        slug = behind_name(piece) or self.desk.slug
        if any(not (c.isascii() and (c.isalnum() or c == "-")) for c in slug):
            remedy = "Write the name of a newsletter's folder behind ::: progress, or nothing for this one."
            self.desk.fault(f"{slug!r} names no newsletter", place, remedy)
        inner = piece[1:-1]
        self.desk.refuse_images(inner, resolved)
        src = f"{self.desk.pictures.public_url}/progress/{slug}.png?lang={self.desk.language}"
        alt = self.desk.words.progress
        text = f"{label_and_address(alt, src)}\n\n" + self.desk.plain.blocks(inner)
        return ProgressBlock(src, f"{src}&mode=dark", alt, self.desk.html(inner), text)

    def _ps(self, piece: Piece, resolved: Resolved, place: Place) -> PostscriptBlock | None:
        inner: Sequence[Token] = piece[1:-1]
        self.desk.refuse_images(inner, resolved)
        if not inner or inner[0].type != "paragraph_open":
            self.desk.fault("::: ps begins with words", place, "Write a sentence below ::: ps.")
            return None
        mark = [Token("strong_open", "strong", 1), Token("text", "", 0, content=self.desk.words.ps),
                Token("strong_close", "strong", -1), Token("text", "", 0, content=" ")]  # fmt: skip
        inner[1].children = [*mark, *(inner[1].children or ())]
        return PostscriptBlock(self.desk.html(inner), self.desk.plain.blocks(inner))
