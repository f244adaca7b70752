"""The front matter as a form: what campaigners fill in above the text, and after it the template's own fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailer.compose.source.layouts import LayoutField, layout_names, read_layout
from mailer.compose.source.message_file import Source
from mailer.errors import MailerError
from mailer.workspace import Workspace

LONGEST_VALUE = 20_000  # characters of one field
# What the form offers beside the subject and the line after it, in this order; the rest of the keys belongs to other
# rooms (audience) or to the file alone.
LANGUAGES = (
    ("ar", "العربية"), ("cy", "Cymraeg"), ("de", "Deutsch"), ("en", "English"), ("es", "Español"), ("fr", "Français"),
    ("ga", "Gaeilge"), ("it", "Italiano"), ("nl", "Nederlands"), ("pl", "Polski"), ("pt", "Português"),
    ("uk", "Українська"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MessageField:
    """One field. `options` makes it a drop-down; `usual` says what holds while it is empty."""

    key: str
    label: str
    value: str
    help: str = ""
    usual: str = ""
    options: Sequence[tuple[str, str]] = ()
    long: bool = False  # several lines


@dataclass(frozen=True, slots=True)
class MessageForm:
    """All of them. `own` are the template's."""

    subject: str
    preheader: str
    about: Sequence[MessageField]
    own: Sequence[MessageField]


def form_of(source: Source | None, workspace: Workspace) -> MessageForm | None:
    """The form of a newsletter; None when its front matter can't be read."""
    if source is None:
        return None
    sender = workspace.settings.sender
    lists = [(name, _title(workspace, name)) for name in workspace.list_names()]
    about = [
        MessageField("from", "From", source.from_, "Such as: Rhiannon <rhiannon@example.org>", sender.from_),
        MessageField("reply_to", "Replies go to", source.reply_to, usual=sender.reply_to or sender.from_),
        MessageField("list", "List", source.list, "What the mail says people are on, and can leave.", options=lists),
        MessageField(
            "language", "Language", source.language, usual="the list’s", options=(("", "The list’s"), *LANGUAGES)
        ),
    ]
    if not source.is_mjml:
        looks = [(name, name.replace("-", " ").capitalize()) for name in layout_names(workspace.root)]
        about.insert(2, MessageField("template", "Look", source.template, options=looks))
    if source.action is not None:
        about.append(MessageField("action.label", "Words on the button", source.action.label))
        if not source.action.page:
            about.append(MessageField("action.url", "Where the button leads", source.action.url))
    about.append(MessageField("signature", "Signature", source.signature, "Below the text.", long=True))
    own = [
        MessageField(
            "headline", "Headline in the mail", source.headline, "Without one it is the subject.", source.subject
        )
    ]
    own += [
        MessageField(
            field.name, field.label, source.fields.get(field.name, ""), field.help, long=field.type == "markdown"
        )
        for field in _fields(source, workspace)
    ]
    return MessageForm(source.subject, source.preheader, about, own)


def changed_fields(sent: Mapping[str, object], form: MessageForm | None) -> dict[str, str]:
    """What was sent for the form's fields and differs from what the file says. Other keys are ignored."""
    if form is None:
        return {}
    known = {"subject": form.subject, "preheader": form.preheader}
    known |= {field.key: field.value for field in (*form.about, *form.own)}
    return {
        key: value[:LONGEST_VALUE]
        for key, value in sent.items()
        if key in known and isinstance(value, str) and value != known[key]
    }


def form_keys(form: MessageForm | None) -> set[str]:
    """The keys that the form may change."""
    return set() if form is None else {"subject", "preheader", *(field.key for field in (*form.about, *form.own))}


def _fields(source: Source, workspace: Workspace) -> Iterable[LayoutField]:
    return read_layout(workspace.root, source.template)[0].fields.values() if source.template else ()


def _title(workspace: Workspace, name: str) -> str:
    try:
        return workspace.list_definition(name).title
    except MailerError:
        return name
