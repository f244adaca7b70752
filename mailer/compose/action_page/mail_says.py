"""What a newsletter's mail says that its sign page says as well where it has nothing of its own: the words on the
button that leads there, and the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mailer.compose.action_page.html import TAG
from mailer.compose.source.frontmatter import split_front_matter
from mailer.compose.source.message_file import MARKDOWN_FILE, MJML_FILE
from mailer.compose.source.text_file import read_text
from mailer.workspace import Newsletter


@dataclass(frozen=True, slots=True)
class MailSays:
    """Texts of a mail's front matter; "" where there is none, or one that differs from reader to reader."""

    label: str = ""
    picture: str = ""
    picture_alt: str = ""


NOTHING_SAID = MailSays()


def mail_says(newsletter: Newsletter, language: str = "") -> MailSays:
    """What the newsletter's mail says now, or its translation into `language`, which has the original's picture unless
    it has one of its own. What is wrong with the mail is told where it is checked."""
    original = _front(newsletter, MARKDOWN_FILE, MJML_FILE)
    own = _front(newsletter, f"message.{language}.md") if language else original
    action, label = original.get("action"), own.get("action")
    leads_here = isinstance(action, dict) and cast(dict[str, Any], action).get("page") is True
    words = _same_for_all(cast(dict[str, Any], label), "label") if leads_here and isinstance(label, dict) else ""
    picture = _same_for_all(own, "picture") or _same_for_all(original, "picture")
    return MailSays(words, picture, _same_for_all(own, "picture_alt"))


def _front(newsletter: Newsletter, *names: str) -> Mapping[str, Any]:
    """The front matter of the first of these files that is there; empty when it can't be read."""
    name = next((name for name in names if (newsletter.folder / name).is_file()), "")
    text = read_text(newsletter.folder / name, file=name)[0] if name else None
    front = split_front_matter(text, file=name)[0] if text is not None else None
    return front.data if front else {}


def _same_for_all(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if not isinstance(value, str) or TAG.search(value) or "\n" in value.strip() else value.strip()
