"""The front matter as a form: what campaigners fill in around the text of a mail, of a sign page and of the thanks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, cast

from mailer.compose.action_page.poster import SHARED_BY
from mailer.compose.source.frontmatter import FrontMatter
from mailer.compose.source.layouts import LayoutField, layout_names, read_layout
from mailer.compose.source.message_file import Source
from mailer.compose.source.translations import WRITTEN
from mailer.editing.splice import FrontValue
from mailer.errors import MailerError
from mailer.petition_fields.own import OWN_KEY
from mailer.petition_fields.table import FIELDS
from mailer.web.studio.compose.parts import choosable
from mailer.workspace import Workspace

SWITCHED = {"true": True, "false": False}
LONGEST_VALUE = 20_000  # characters of one field
# What the form offers beside the subject and the line after it, in this order; the rest of the keys belongs to other
# rooms (audience) or to the file alone.
ASKING = (("", "Not asked"), ("optional", "May stay empty"), ("required", "Needed"))
NAMES = (("true", "Shown, of those who ticked the box"), ("false", "Not shown"))
COMMENTS = (("false", "Not shown"), ("held", "Each once you let it through"), ("true", "Shown at once"))
KINDS = (("text", "A line of text"), ("choice", "One of several"), ("tick", "A box to tick"))
NEEDED = (("false", "May stay empty"), ("true", "Needed"))
PASSED_ON = (("false", "For you alone"), ("true", "Passed on to those you petition"))
GOES_OUT = (("", "To everybody who signs"), ("false", "To nobody: switched off"))
LIST_OF_MAIL = "What the mail says people are on, and can leave."
LIST_OF_THANKS = "Whose sender and language it has, unless something else is said here."
EMPTY_QUESTIONS = 2  # offered below those there are


@dataclass(frozen=True, slots=True)
class TextField:
    """One field. `options` makes it a drop-down; `usual` says what holds while it is empty."""

    key: str
    label: str
    value: str
    help: str = ""
    usual: str = ""
    options: Sequence[tuple[str, str]] = ()
    long: bool = False  # several lines
    type: str = "text"  # or number, switch, list, question, or what a template's fields are


@dataclass(frozen=True, slots=True)
class TextForm:
    """The fields of a text: `head` is written large above it, `about`, `own` and `poster` are in groups that open; a
    mail's `own` are those of its template."""

    head: Sequence[TextField] = ()
    about: Sequence[TextField] = ()
    own: Sequence[TextField] = ()
    poster: Sequence[TextField] = ()  # a page's pictures, the addressee, who asks, the last day
    questions: Sequence[TextField] = ()  # a sign page's own

    @property
    def fields(self) -> Sequence[TextField]:
        return (*self.head, *self.about, *self.own, *self.poster, *self.questions)


def form_of(source: Source | None, workspace: Workspace) -> TextForm | None:
    """The form of a newsletter; None when its front matter can't be read."""
    if source is None:
        return None
    sender = workspace.settings.sender
    lists = [(name, _title(workspace, name)) for name in workspace.list_names()]
    about = [
        TextField("from", "From", source.from_, "Such as: Rhiannon <rhiannon@example.org>", sender.from_),
        TextField(
            "reply_to",
            "Replies go to",
            source.reply_to,
            usual=workspace.settings.reply_to or sender.from_,
        ),
        TextField("list", "List", source.list, LIST_OF_THANKS if source.is_thanks else LIST_OF_MAIL, options=lists),
        TextField(
            "language", "Language", source.language, usual="the list’s", options=(("", "The list’s"), *choosable())
        ),
    ]
    if not source.is_mjml:
        looks = [(name, read_layout(workspace.templates, name)[0].label) for name in layout_names(workspace.root)]
        about.insert(2, TextField("template", "Look", source.template, options=looks))
    action = source.action
    about.append(TextField("action.label", "Words on the button", action.label if action else ""))
    if action is None or not action.page:
        about.append(TextField("action.url", "Where the button leads", action.url if action else ""))
    about.append(TextField("signature", "Signature", source.signature, "Below the text.", long=True))
    if source.is_thanks:
        off = "false" if source.is_off else ""
        about.append(TextField("send", "Goes out", off, options=GOES_OUT, type="switch"))
    own = [
        TextField("headline", "Headline in the mail", source.headline, "Without one it is the subject.", source.subject)
    ]
    own += [
        TextField(
            field.name, field.label, source.fields.get(field.name, ""), field.help, long=field.type == "markdown",
            type=field.type,
        )
        for field in _fields(source, workspace)
    ]  # fmt: skip
    head = [
        TextField("subject", "Subject", source.subject, "The subject: what happened, and who is hurt by it?"),
        TextField(
            "preheader", "Line after it", source.preheader, "The line after it: what can the reader do about it?"
        ),
    ]
    return TextForm(head, about, own)


def translated_form(source: Source, original: Source) -> TextForm:
    """The form of a translation of a mail: its words, each with the original's beside it, and a sender of its own."""
    fields = [one for one in original.layout.fields.values() if one.type in WRITTEN]
    action = source.action
    head = [
        TextField("subject", "Subject", source.subject, original.subject),
        TextField("preheader", "Line after it", source.preheader, original.preheader),
    ]
    about = [
        TextField("from", "From", source.from_, usual=original.from_),
        TextField("reply_to", "Replies go to", source.reply_to, usual=original.reply_to),
    ]
    if original.action is not None:
        words = action.label if action else ""
        about.insert(0, TextField("action.label", "Words on the button", words, usual=original.action.label))
    if original.signature or source.signature:
        about.append(TextField("signature", "Signature", source.signature, usual=original.signature, long=True))
    own = [TextField("headline", "Headline in the mail", source.headline, usual=original.headline)]
    own += [
        TextField(one.name, one.label, source.fields.get(one.name, ""), one.help, original.fields.get(one.name, ""),
                  long=one.type == "markdown")
        for one in fields
    ]  # fmt: skip
    return TextForm(head, about, own)


def translated_page_form(front: FrontMatter, original: FrontMatter, *, thanks: bool) -> TextForm:
    """The form of a translation of a page, or of its thanks: the words that the original has."""
    said, first = _said(front), _said(original)

    def field(key: str, label: str, *, long: bool = False, kept: bool = False) -> Sequence[TextField]:
        is_there = kept or first(key) or said(key)
        return [TextField(key, label, said(key), usual=first(key), long=long)] if is_there else ()

    if thanks:
        return TextForm(about=[*field("share", "The words of a post", long=True, kept=True),
                               *field("next.headline", "Headline of what you ask for next"),
                               *field("next.text", "Text of it", long=True),
                               *field("next.label", "What you ask for next"),
                               *field("thanks_alt", "What the picture shows")])  # fmt: skip
    about = [*field("button", "Words on the button", kept=True), *field("opt_in.wording", "What the box for news says")]
    for key, label in (("to", "Petition to"), ("alt", "What the picture shows"), ("asks.role", "Who asks, as"),
                       ("outcome", "What happened, once it is closed")):  # fmt: skip
        about += field(key, label, long=key == "outcome")
    asked: Any = original.data.get("fields")
    for key in (key for key, value in cast(dict[str, Any], asked or {}).items() if isinstance(value, dict)):
        about += field(f"fields.{key}.label", "A question of your own", kept=True)
    own = field("statement", "The words they sign", long=True, kept=True)
    return TextForm([TextField("headline", "Headline", said("headline"), first("headline"))], about, own)


def page_form(front: FrontMatter, workspace: Workspace) -> TextForm:
    """The form of a sign page."""
    said = _said(front)
    lists = [(name, _title(workspace, name)) for name in workspace.list_names()]
    asked = [
        TextField(
            f"fields.{field.name}", field.staff_label or field.label, said(f"fields.{field.name}"), options=ASKING
        )
        for field in FIELDS
        if not field.always
    ]
    about = [
        TextField("button", "Words on the button", said("button"), usual="Add your name"),
        TextField("target", "Signatures you hope for", said("target"), "A bar shows how near it is.", type="number"),
        TextField("opt_in.list", "A box for news adds them to", said("opt_in.list"), options=(("", "No box"), *lists)),
        TextField("opt_in.wording", "What the box says", said("opt_in.wording"), usual="what the list says"),
        TextField("tags", "Tags for those who sign", said("tags"), "Such as: rivers, swimmer"),
        *asked,
        TextField("show_names", "Latest signers’ names", said("show_names") or "true", options=NAMES, type="switch"),
        TextField("show_comments", "Comments", said("show_comments") or "false", options=COMMENTS, type="switch"),
        TextField(
            "language",
            "Language",
            said("language"),
            options=(("", "That of the box’s list, or English"), *choosable()),
        ),
    ]
    statement = "What people put their names to. It is kept word for word with each signature."
    own = [TextField("statement", "The words they sign", said("statement"), statement, long=True)]
    head = [TextField("headline", "Headline", said("headline"), "The headline: what should happen?")]
    return TextForm(head, about, own, _poster(said), list(_questions(front)))


def _poster(said: Callable[[str], str]) -> list[TextField]:
    card = "What other sites show of a link, 1200 by 630 pixels. Without one it is made of picture and headline."
    return [
        TextField("picture", "Picture", said("picture"), "Without one it is the picture of the mail.", type="image"),
        TextField("alt", "What it shows", said("alt"), "Read aloud to people who can’t see it."),
        TextField("to", "Petition to", said("to"), "Such as: the Environment Secretary"),
        TextField("deadline", "Last day to sign", said("deadline"), "Such as 2027-01-12; without one there is none."),
        TextField("asks.name", "Who asks", said("asks.name"), "A person, such as: Rhiannon Price"),
        TextField("asks.role", "What they are", said("asks.role"), "Such as: River campaigner"),
        TextField("asks.picture", "Their picture", said("asks.picture"), type="image"),
        TextField("card", "Picture of a link", said("card"), card, type="image"),
        TextField("outcome", "What happened", said("outcome"), "Shown once the last day is over.", long=True),
    ]


def thanks_form(front: FrontMatter) -> TextForm:
    """The form of the thanks."""
    said = _said(front)
    share = "What people’s posts say, up to 200 characters; the address of the page is added."
    about = [
        TextField("share", "The words of a post", said("share"), share, usual=said("headline"), long=True),
        TextField("share_by", "Where to share, in this order", said("share_by"), usual=", ".join(SHARED_BY)),
        TextField("thanks_picture", "Picture", said("thanks_picture"), "Without one it is the page’s.", type="image"),
        TextField("thanks_alt", "What it shows", said("thanks_alt"), "Read aloud to people who can’t see it."),
        TextField("next.headline", "What you ask for next", said("next.headline"), "Such as: £5 tests one stretch"),
        TextField("next.text", "Why", said("next.text"), "One sentence below it."),
        TextField("next.label", "Words on its button", said("next.label"), "Such as: Give 5 euros"),
        TextField("next.url", "Where that leads", said("next.url"), "Such as: https://example.org/give"),
        TextField("next.amounts", "Amounts of a gift", said("next.amounts"), "Such as: £5, £10, £25"),
        TextField(
            "next.amount_url", "Where an amount leads", said("next.amount_url"),
            "Such as: https://example.org/give?amount={amount}",
        ),
    ]  # fmt: skip
    return TextForm(about=about)


def changed_fields(sent: Mapping[str, object], form: TextForm | None) -> dict[str, str]:
    """What was sent for the form's fields and differs from what the file says. Other keys are ignored."""
    known = {field.key: field.value for field in form.fields} if form else {}
    return {
        key: value[:LONGEST_VALUE]
        for key, value in sent.items()
        if key in known and isinstance(value, str) and value != known[key]
    }


def form_keys(form: TextForm | None) -> set[str]:
    """The keys that the form may change."""
    return {field.key for field in form.fields} if form else set()


def as_values(changed: Mapping[str, str], form: TextForm | None) -> dict[str, FrontValue]:
    """What was typed, as the file says it: nothing takes the key out, numbers and switches are no texts. What should be
    a number and isn't stays as typed, and is a finding. A question whose words were taken out isn't asked any more."""
    types = {field.key: field.type for field in form.fields} if form else {}
    gone = [key.removesuffix("label") for key, typed in changed.items() if types.get(key) == "question" and not typed]

    def value(key: str, typed: str) -> FrontValue:
        if not typed:
            return None
        digits = typed.replace(",", "").replace(" ", "")
        if types.get(key) == "number" and digits.isascii() and digits.isdigit():
            return int(digits)
        if types.get(key) == "list":
            return tuple(line.strip() for line in typed.split("\n") if line.strip())
        return SWITCHED.get(typed, typed) if types.get(key) == "switch" else typed

    kept = {key: value(key, typed) for key, typed in changed.items() if not key.startswith(tuple(gone))}
    return kept | {key.removesuffix("."): None for key in gone}


def _questions(front: FrontMatter) -> Iterable[TextField]:
    """Those that are declared, and empty ones below them. Choices with words to keep are for the file."""
    declared = front.data.get("fields")
    held = cast(dict[Any, Any], declared) if isinstance(declared, dict) else {}
    there = [key for key, value in held.items() if isinstance(value, dict) and OWN_KEY.fullmatch(str(key))]
    free = (f"question_{number}" for number in count(1))
    new = islice((key for key in free if key not in held), EMPTY_QUESTIONS)
    said = _said(front)
    for place, key in enumerate([*there, *new], 1):
        path = f"fields.{key}"
        choices: Any = held[key].get("choices") if key in there else None
        kind = said(f"{path}.kind") or ("choice" if choices else "text")
        yield TextField(
            f"{path}.label", f"Question {place}", said(f"{path}.label"), "Empty: not asked.", type="question"
        )
        yield TextField(f"{path}.kind", "Answered by", kind, options=KINDS)
        if not isinstance(choices, dict):
            lines = "\n".join(map(str, cast(list[Any], choices))) if isinstance(choices, list) else ""
            yield TextField(f"{path}.choices", "Choices", lines, "One on each line.", long=True, type="list")
        for name, label, options in (
            ("required", "Must it be answered?", NEEDED),
            ("pass_on", "Who gets the answers?", PASSED_ON),
        ):
            yield TextField(f"{path}.{name}", label, said(f"{path}.{name}") or "false", options=options, type="switch")


def _said(front: FrontMatter) -> Callable[[str], str]:
    """What a front matter says for a dotted key, as a field shows it."""

    def said(key: str) -> str:
        held: Any = front.data
        for name in key.split("."):
            held = cast(dict[str, Any], held).get(name) if isinstance(held, dict) else None
        if isinstance(held, list):
            return ", ".join(str(one) for one in cast(list[object], held))
        return "" if held is None else str(held).lower() if isinstance(held, bool) else str(held)

    return said


def _fields(source: Source, workspace: Workspace) -> Iterable[LayoutField]:
    return read_layout(workspace.templates, source.template)[0].fields.values() if source.template else ()


def _title(workspace: Workspace, name: str) -> str:
    try:
        return workspace.list_definition(name).title
    except MailerError:
        return name
