"""What is tried in a test: what each version says, and in which parts versions differ. Kept with the test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mailer.compose.message import Message, as_written

SUBJECT, PREHEADER, SENDER, WHOLE = "subject", "preheader", "sender", "message"
LINK_NUMBER = re.compile(r"(?<=\}\})/\d+\b")
RULE = re.compile(r"^=+$", re.MULTILINE)


def what_versions_say(message: Message) -> dict[str, dict[str, str]]:
    """Subject, line after it and sender of each version, as their author wrote them."""
    return {
        arm: {
            SUBJECT: as_written(one, one.subject), PREHEADER: as_written(one, one.preheader), SENDER: one.from_,
        }
        for arm, one in message.arms.items()
    }  # fmt: skip


def what_differs(message: Message) -> tuple[str, ...]:
    """The parts in which versions differ. Where the text does beyond its headline, which is the subject unless the
    author says otherwise, the whole message is another."""
    said = what_versions_say(message)
    found = [part for part in (SUBJECT, PREHEADER, SENDER) if len({one[part] for one in said.values()}) > 1]
    texts = {_text(one).replace(" ".join(said[arm][SUBJECT].split()), "", 1) for arm, one in message.arms.items()}
    return (*found, *([WHOLE] if len(texts) > 1 else []))


def in_short(says: Mapping[str, Mapping[str, str]], differs: Sequence[str]) -> dict[str, str]:
    """Each version by what it says where versions differ, for a line of its own."""
    parts = [part for part in differs if part != WHOLE] or [SUBJECT]
    found: dict[str, str] = {}
    for arm, said in says.items():
        words = " · ".join(filter(None, (said.get(part, "") for part in parts)))
        found[arm] = f"{words} · another text" if words in found.values() else words
    return found


def _text(message: Message) -> str:
    """The words of a version, without the numbers of its links and the lines below its headline."""
    text = LINK_NUMBER.sub("", as_written(message, message.text))
    return " ".join(RULE.sub("", text).split())
