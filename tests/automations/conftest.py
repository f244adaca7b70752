"""Automations as folders of a small workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import dedent

import pytest

from mailer.workspace import Newsletter, Workspace

MESSAGE = """\
---
subject: "Welcome"
list: supporters
template: update
signature: The team
---

Dear {{ supporter.first_name | default("friend") }}, it is good to have you here.
"""
WELCOME = """\
title = "Welcome"
list = "supporters"

[trigger]
joined = "supporters"

[steps.hello]
send = "hello.md"

[steps.three-days]
wait = "3 days"

[steps.second]
send = "second.md"
"""

Write = Callable[..., Newsletter]


@pytest.fixture
def write(workspace: Workspace) -> Write:
    """Makes newsletters/welcome of a text, with hello.md and second.md or the messages that are given."""

    def written(text: str, messages: Mapping[str, str] | None = None, *, slug: str = "welcome") -> Newsletter:
        folder = workspace.newsletters / slug
        folder.mkdir(exist_ok=True)
        (folder / "automation.toml").write_text(dedent(text), encoding="utf-8")
        for name, content in (messages or {"hello.md": MESSAGE, "second.md": MESSAGE}).items():
            (folder / name).write_text(content, encoding="utf-8")
        return Newsletter(workspace, slug)

    return written
