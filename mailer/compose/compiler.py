"""Message file → Message: the whole way, once for a campaign. Every fault is found before anything is raised.

Jinja's first moment (`templating.deferred`, `templating.render`), Markdown (`markdown`, `markdown.body`), the layout as
MJML (`mjml.lint`, `mjml`), the link table (`links`, `addresses`) and the cutting into parts and slots (`splitter`).
`merge` fills it in for a person.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from mailer.compose.emptiness import no_subject, shows_to_all
from mailer.compose.expressions.ast import Vocabulary
from mailer.compose.expressions.tagged import TAGGED, TAGS
from mailer.compose.html_to_text.convert import text_of_html
from mailer.compose.languages import described
from mailer.compose.look.text_part import text_part
from mailer.compose.look.voice import look_of_mail
from mailer.compose.markdown.blocks import PostscriptBlock, Signature
from mailer.compose.markdown.body import Body, RenderedBody
from mailer.compose.markdown.context import BlockContext
from mailer.compose.markdown.parser import Markdown
from mailer.compose.markdown.setting import kept_together
from mailer.compose.merge import with_tables
from mailer.compose.message import Context, Link, Message, together
from mailer.compose.mjml.lint import check_structure
from mailer.compose.mjml.rewrite_links import Addresses, conditions_in_raw
from mailer.compose.mjml.to_html import mjml_to_html
from mailer.compose.source.event import event_of
from mailer.compose.source.images import Pictures
from mailer.compose.source.labels import words_for
from mailer.compose.source.message_file import SAID, Source, read_source
from mailer.compose.source.written import Action
from mailer.compose.splitter import MergeSlots, Splitter
from mailer.compose.templating.deferred import PERSONAL_ADDRESSES
from mailer.compose.templating.link_table import Links, OwnPages
from mailer.compose.templating.markers import LinkMark, Markers, Value
from mailer.compose.templating.render import Resolved, Resolver, Task
from mailer.compose.thank_you import confirming
from mailer.compose.warnings import texts_of, vet_finished, vet_layout, vet_leaving, vet_tags, vet_words
from mailer.diagnostics import Diagnostic, Place, in_order
from mailer.errors import MailerError, raise_errors
from mailer.locale.cldr import direction_of
from mailer.locale.quotation_marks import quotes_for
from mailer.workspace import ListDefinition

BASE_FIELDS = ("email", "first_name", "last_name", "name", "country", "language", TAGS)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A message and the warnings found on the way."""

    message: Message
    faults: tuple[Diagnostic, ...]


def compile_message(source: Source, *, definition: ListDefinition, known_fields: Collection[str]) -> Compiled:
    """Compile `source` and its translations for the list `definition`. `known_fields` are the names after `supporter.`
    that exist.

    Raises `MailerError` with all faults of all files. The same input gives the same bytes.
    """
    versions: dict[str, Message] = {}
    faults: list[Diagnostic] = []
    first_link = 1
    for name, one in source.versions.items():
        try:
            compiler = _Compiler(one, definition=definition, known_fields=known_fields, first_link=first_link)
            made = compiler.compiled()
        except MemoryError:
            remedy = "Shorten it, or what its template repeats."
            faults.append(Diagnostic("there isn't enough memory to compile this", Place(one.file), remedy))
        except MailerError as error:
            faults += error.diagnostics
        else:
            versions[name] = made.message
            faults += made.faults
            first_link += len(made.message.links)
    faults = list(dict.fromkeys(faults))  # what they share, such as a template, has its faults once
    raise_errors(SAID.format(source.newsletter.slug), faults)
    languages = [one.language for one in source.translations]
    return Compiled(together(versions, languages, test=source.test, otherwise=definition.language), tuple(faults))


@dataclass(frozen=True, slots=True)
class _Authored:
    """What the author wrote, resolved; markers inside."""

    subject: str
    preheader: str
    headline: str
    action: Action | None  # its url is a marker
    fields: SimpleNamespace
    fields_text: str
    body: RenderedBody
    signature: Signature


class _Compiler:
    def __init__(
        self, source: Source, *, definition: ListDefinition, known_fields: Collection[str], first_link: int
    ) -> None:
        workspace = source.newsletter.workspace
        settings = workspace.settings
        self.source = source
        self.workspace = workspace
        self.definition = definition
        self.faults: list[Diagnostic] = list(source.faults)  # what the steps gave back; `links` … keep their own
        self.language = source.language or definition.language
        self.words = words_for(self.language)
        self.description = source.signed.because if source.signed else described(definition, self.language)
        where = (urlsplit(settings.organisation.website).hostname or settings.organisation.name).removeprefix("www.")
        if where and not self.description:
            self.description = self.words.because.format(list=definition.title, where=where)
        self.direction = direction_of(self.language)
        self.constants = {
            "list": {
                "name": definition.name, "title": definition.title, "list_id": definition.list_id,
                "description": self.description,
            },
            "campaign": {"slug": source.campaign, "list": definition.name},
            "organisation": {
                "name": settings.organisation.name, "postal_address": settings.organisation.postal_address,
                "website": settings.organisation.website,
            },
            **source.told,
        }  # fmt: skip
        self.event = event_of(source, language=self.language, settings=settings)
        self.constants |= {"event": self.event} if self.event else {}
        self.markers = Markers("\n".join((*texts_of(source).values(), source.body)))
        self.context: dict[str, Any] = {name: SimpleNamespace(**values) for name, values in self.constants.items()}
        self.context |= source.data.for_templates(marker=self.markers.prefix) if source.data else {}
        self.fields = frozenset({*BASE_FIELDS, *known_fields})
        scopes = {"supporter": self.fields, **self.constants}
        vocabulary = Vocabulary(scopes, names=PERSONAL_ADDRESSES, calls=(TAGGED,), language=self.language,
                                tables=source.tables)  # fmt: skip
        self.task = Task(workspace.templates, self.markers, vocabulary, self.context)
        self.resolver = Resolver(self.task)
        self.pictures = Pictures(source.newsletter)
        self.slots = MergeSlots(first_link=first_link)
        pages = OwnPages(workspace, language=self.language)
        self.links = Links(markers=self.markers, parameters=settings.link_parameters, pages=pages)
        self.addresses = Addresses(links=self.links, pictures=self.pictures, markers=self.markers)

    def compiled(self) -> Compiled:
        written = self._written()
        if not self.source.is_mjml:  # whose body is read with the layout, being one
            self._stop_on_faults()
        resolved = self._laid_out(written)
        if resolved is None or not self.source.is_mjml:
            self._stop_on_faults()
        assert resolved is not None, "a text that can't be resolved has a fault"
        html = self._html(resolved)
        text = self._text_of(html) if self.source.is_mjml else self._text(written)
        message = self._message(written, html=html, text=text)
        self._stop_on_faults()
        return Compiled(message, self._found())

    def _found(self) -> tuple[Diagnostic, ...]:
        """All faults so far, in the order of their places."""
        return in_order([*self.faults, *self.resolver.faults, *self.links.faults, *self.pictures.faults])

    def _stop_on_faults(self) -> None:
        raise_errors(SAID.format(self.source.newsletter.slug), self._found())

    # What the author wrote

    def _written(self) -> _Authored:
        source, line = self.source, self.resolver.line
        subject = line(source.subject, source.place("subject"))
        preheader = line(source.preheader, source.place("preheader"))
        headline = line(source.headline, source.place("headline"))
        action = self._action()
        title = headline or self.markers.without(subject, conditions=True).lstrip(" ,;:!.–-")
        body = Body(
            BlockContext(
                markdown=Markdown(
                    markers=self.markers, links=self.links,
                    quotes=quotes_for(self.language) if source.layout.typographic_quotes else None,
                ), markers=self.markers,
                links=self.links, pictures=self.pictures, words=self.words, action=action,
                slug=source.newsletter.slug, title=title, language=self.language,
                others=self._other,
            )
        )  # fmt: skip
        fields, fields_text = self._fields(body)
        found = None if source.is_mjml else self.resolver.words(source.body, Place(source.file, source.body_line))
        written = body.written(found) if found else RenderedBody([], [], [])
        written = replace(written, blocks=[*confirming(source, self.markers, self.links), *written.blocks])
        signature = self._signature(body)
        self.faults += [*vet_words(source, self.fields), *body.faults]
        return _Authored(subject, preheader, title, action, fields, fields_text, written, signature)

    def _other(self, slug: str) -> Source:
        """Another newsletter, in the version of this language if there is one."""
        source = read_source(self.workspace.newsletter(slug))
        return next((one for one in source.translations if one.language == self.language), source)

    def _action(self) -> Action | None:
        if (written := self.source.action) is None:
            return None
        own = f"{self.workspace.settings.public.url}/act/{self.source.newsletter.slug}"
        url = own if written.page else self.resolver.line(written.url, self.source.place("action.url"))
        label = self.resolver.line(written.label, self.source.place("action.label"))
        self.links.set_action(url)
        self.context["action"] = SimpleNamespace(url=url, label=label)
        marker = self.links.add(
            "action", label=self.markers.without(label), placement="button", place=self.source.place("action.url")
        )
        return Action(marker, label)

    def _fields(self, body: Body) -> tuple[SimpleNamespace, str]:
        values: dict[str, object] = {}
        text = ""
        for name, field in self.source.layout.fields.items():
            written, place = self.source.fields[name], self.source.place(name)
            if not written:
                values[name] = ""
            elif field.type == "markdown":
                found = self.resolver.words(written, place)
                values[name], said = body.markup(found, placement="inline") if found else ("", "")
                text += said
            elif field.type == "image":
                values[name] = self.pictures.add(written, place).src
            else:
                words = self.resolver.line(written, place)
                url = field.type == "url" and words
                values[name] = (
                    self.links.add(words, label=field.label, placement="template", place=place) if url else words
                )
        return SimpleNamespace(**values), text

    def _signature(self, body: Body) -> Signature:
        place = self.source.place("signature")
        found = self.resolver.words(self.source.signature, place) if self.source.signature else None
        return body.signature(found) if found else Signature(Markup(""), None, "")

    # The layout

    def _laid_out(self, written: _Authored) -> Resolved | None:
        source = self.source
        look = look_of_mail(self.workspace.settings, pictures=self.pictures, language=self.language,
                            headline=self.markers.without(written.headline, conditions=True))  # fmt: skip
        context = {
            **look, "message": SimpleNamespace(
                subject=written.subject, preheader=written.preheader, title=written.subject,
                headline=kept_together(written.headline), language=self.language, direction=self.direction,
                start="right" if self.direction == "rtl" else "left",
                end="left" if self.direction == "rtl" else "right",
                is_thanks=source.is_thanks,
            ),
            "body": written.body.blocks, "postscripts": written.body.postscripts, "notes": written.body.notes,
            "signature": written.signature.html, "signature_picture": written.signature.picture,
            "fields": written.fields, "action": written.action, "words": self.words,
        }  # fmt: skip
        if source.is_mjml:
            return self.resolver.mjml(source.body, Place(source.file, source.body_line), context)
        layout = self.resolver.layout(f"{source.template}/layout.mjml", context)
        for place, text in self.resolver.templates_read():
            self.faults += vet_tags(text, place, fields=self.fields, is_mjml=True)
        if layout:
            postscripts = [str(one.html) for one in written.body.postscripts if isinstance(one, PostscriptBlock)]
            picture = written.signature.picture
            self.faults += vet_layout(layout, postscripts=postscripts, picture=picture.src if picture else "")
        return layout

    def _html(self, resolved: Resolved) -> str:
        file = resolved.place(1).file
        resolved = replace(resolved, text=conditions_in_raw(resolved.text, self.markers))
        if self.markers.damaged(resolved.text):
            self.faults.append(Diagnostic("a filter changes text that waits for the person", Place(file)))
        for fault in check_structure(resolved.text, file=file):
            line = fault.place.line if fault.place else None
            self.faults.append(replace(fault, place=resolved.place(line) if line else fault.place))
        self._stop_on_faults()
        rewritten = self.addresses.rewritten(resolved)
        self._stop_on_faults()
        try:
            return mjml_to_html(rewritten)
        except MailerError as error:
            line = error.place.line if error.place else None
            self.faults.append(replace(error.diagnostics[0], place=resolved.place(line) if line else Place(file)))
            self._stop_on_faults()
            raise

    # The parts

    def _text_of(self, html: str) -> str:
        """The text of an author's own MJML."""

        def destination(address: str) -> str:
            mark = next(iter(self.markers.pieces(address)), None)
            return self.links.rows[mark.index].destination if isinstance(mark, LinkMark) else address

        return text_of_html(html, markers=self.markers, destination=destination)

    def _text(self, written: _Authored) -> str:
        organisation = self.workspace.settings.organisation
        own = () if self.source.is_thanks else PERSONAL_ADDRESSES
        return text_part(
            written.body, headline=written.headline, before=written.fields_text, signature=written.signature.text,
            event=self.event, words=self.words,
            footer=(self.description, organisation.name, organisation.postal_address),
            addresses=[self.markers.add(Value(name, Place(self.source.file))) for name in own],
        )  # fmt: skip

    def _message(self, written: _Authored, *, html: str, text: str) -> Message:
        slots, splitter = self.slots, Splitter(markers=self.markers, slots=self.slots)
        settings, source = self.workspace.settings, self.source
        html_parts, text_parts = splitter.html(html), splitter.plain(text, Context.TEXT)
        subject, preheader = (splitter.plain(text, Context.HEADER) for text in (written.subject, written.preheader))
        links = self._links(slots, splitter)
        if not shows_to_all(subject, slots.slots, vocabulary=self.task.vocabulary, constants=self.constants):
            self.faults.append(no_subject(subject, source.place("subject")))
        self.faults += [*splitter.faults, *vet_leaving(slots.slots, source)]
        self.faults += vet_finished(html, file=source.file, address=settings.organisation.postal_address)
        sender = source.from_ or self.definition.from_ or settings.sender.from_
        if not sender:
            remedy = 'In mailer.toml, below [sender]: from = "Example Campaigns <appeals@example.org>"'
            self.faults.append(Diagnostic("there is no sender", source.place("from"), remedy))
        return with_tables(Message(
            slug=source.campaign, list=self.definition.name, language=self.language,
            direction=self.direction, from_=sender,
            reply_to=source.reply_to or self.definition.reply_to or settings.reply_to,
            public_url=settings.public.url, subject=subject, preheader=preheader, html=html_parts, text=text_parts,
            slots=tuple(slots.slots), links=links, images=self.pictures.images,
            constants=self.constants, is_urgent=source.is_urgent, is_public=source.is_public,
            waived=dict(source.waived), data=source.data.to_json() if source.data and source.data_sources else {},
        ), source.tables)  # fmt: skip

    def _links(self, slots: MergeSlots, splitter: Splitter) -> tuple[Link, ...]:
        return tuple(
            Link(
                n=number,
                url=self.links.as_written(self.links.rows[index].destination),
                destination=splitter.destination(self.links.rows[index]),
                label=self.markers.without(self.links.rows[index].label, conditions=True),
                placement=self.links.rows[index].placement,
                is_action=self.links.rows[index].is_action,
            )
            for index, number in slots.links.items()
        )
