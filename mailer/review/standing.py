"""What a standing approval of a series is bound to, where its message takes data from elsewhere: the text as it is
written, since what it comes to is another in each issue."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from mailer.compose import message as messages
from mailer.compose.message import Message
from mailer.compose.source.written import Source
from mailer.workspace import Workspace


def standing_parts(message: Message, source: Source) -> dict[str, Any]:
    """The parts of the content that stand for the mail: its words with their tags, and the files of its look."""
    look = hashlib.sha256()
    for path in _look(source.newsletter.workspace, source.template):
        look.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes())
    mail = messages.to_json(_written(message, source))
    return {"mail": json.loads(json.dumps(mail, default=str)), "look": look.hexdigest()}


def _look(workspace: Workspace, template: str) -> list[Any]:
    folders = [workspace.templates / name for name in (template, "blocks") if name]
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()) if path.is_file()]


def _written(message: Message, source: Source) -> Message:
    """The message with its words as they are written, in all languages and versions."""
    action = f"[{source.action.label}]({source.action.url})" if source.action else ""
    fields = [f"{name}: {value}" for name, value in source.fields.items() if value]
    words = "\n\n".join(filter(None, (source.headline, *fields, source.body.strip(), action, source.signature)))
    each = {one.language: one for one in source.translations}
    return replace(
        message, subject=(source.subject,), preheader=(source.preheader,), html=(), text=(words,), slots=(), links=(),
        images=(), data={}, tables=(),
        translations=tuple(_written(one, each[one.language]) for one in message.translations if one.language in each),
        variants=tuple(map(_written, message.variants, source.variants)),
    )  # fmt: skip
