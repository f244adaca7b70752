"""A thanks.md: its links are those of the tracked mail with nothing between, and it has no way out of a list."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from mailer.compose.compiler import Compiled, compile_message
from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.message import Choice
from mailer.compose.source.message_file import read_source
from mailer.compose.source.written import Signed
from mailer.compose.thank_you import CONFIRMATION, FIELDS, ON_LIST, with_own_links
from mailer.errors import MailerError
from mailer.locale.language import choose
from mailer.workspace import THANKS_FILE, Workspace

FRONT = """\
---
subject: "Thanks{% if supporter.first_name %}, {{ supporter.first_name }}{% endif %}"
preheader: "What your name does now."
list: supporters
template: thanks
action:
  url: https://act.org.uk/give?a=1&b={{ supporter.country }}
  label: Give 5 euros
---

"""
BODIES = [
    "See [the letter](https://act.org.uk/letter?x=1&y=2#part) and {{ supporter.country }}.\n\n::: ask\n:::\n",
    "{% if supporter.country == 'IE' %}\n[Here](https://act.org.uk/ie?who={{ supporter.first_name }})\n{% else %}\n"
    "[Elsewhere](https://act.org.uk/other)[^1] {% if supporter.first_name %}[A](https://act.org.uk/a){% endif %}\n"
    "{% endif %}\n\n[^1]: [Source](https://act.org.uk/source)\n\n::: ask\n:::\n",
    "::: share https://act.org.uk/page\nSign & pass it on:\n:::\n\n::: ask\n:::\n\n[Call](tel:+4420) [Top](#top)\n",
]
PEOPLE = [
    {"first_name": "Ana & Co <b>", "country": "IE", CONFIRMATION: "a.b-c_d"},
    {"country": "GB", ON_LIST: "1"},
    {},
]
TRACKED = Urls("https://mail.example.org/c/TOKEN", "", "", "")


def compiled(workspace: Workspace, body: str, *, joins: str = "Supporters", front: str = FRONT) -> Compiled:
    folder = workspace.newsletters / "library"
    folder.mkdir(exist_ok=True)
    (folder / THANKS_FILE).write_text(front + body, encoding="utf-8")
    signed = Signed("Keep “it” <open>", "https://mail.example.org/confirm/", choose("en"), joins)
    source = replace(read_source(workspace.newsletter("library"), THANKS_FILE), signed=signed)
    return compile_message(source, definition=workspace.list_definition("supporters"), known_fields=FIELDS)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("person", PEOPLE)
def test_own_links_are_the_tracked_ones_with_nothing_between(
    workspace: Workspace, body: str, person: dict[str, str]
) -> None:
    message = compiled(workspace, body).message
    tracked, direct = MergeProgram(message), MergeProgram(with_own_links(message))
    leads = {link.n: tracked.written_destination(link, person) for link in message.links}

    def followed(text: str) -> str:
        return re.sub(rf"{TRACKED.click}/(\d+)", lambda found: leads[int(found[1])], text)

    html = direct.html(person, TRACKED)
    assert unescape(html) == unescape(followed(tracked.html(person, TRACKED)))
    assert re.findall(r"&(?!amp;|lt;|gt;|#\d+;|[a-z]+;)", html) == [], "escaped for where they are"
    assert direct.text(person, TRACKED) == followed(tracked.text(person, TRACKED))
    assert direct.subject(person) == tracked.subject(person)
    assert TRACKED.click not in html


def test_slots_of_a_choice_come_before_it(workspace: Workspace) -> None:
    message = with_own_links(compiled(workspace, BODIES[1]).message)
    for n, slot in enumerate(message.slots):
        if isinstance(slot, Choice):
            assert all(part < n for _, parts in slot.branches for part in parts if isinstance(part, int))


def test_the_button_that_confirms_is_for_those_who_were_asked(workspace: Workspace) -> None:
    program = MergeProgram(with_own_links(compiled(workspace, BODIES[0]).message))
    asked, known, other = (program.html(person, TRACKED) for person in PEOPLE)
    assert "https://mail.example.org/confirm/a.b-c_d" in asked
    assert "Keep “it” &lt;open&gt;" in asked
    assert "nothing to confirm" in known
    for html in (known, other):
        assert "/confirm/" not in html
    without_box = MergeProgram(with_own_links(compiled(workspace, BODIES[0], joins="").message))
    assert "/confirm/" not in without_box.html(PEOPLE[0], TRACKED)


def test_there_is_no_list_to_leave(workspace: Workspace, tmp_path: Path) -> None:
    message = compiled(workspace, BODIES[0]).message
    assert not {"unsubscribe_url", "preferences_url", "view_url"} & {
        getattr(slot, "source", "") for slot in message.slots
    }
    ours = shutil.copytree(workspace.templates, tmp_path / "templates")
    workspace.templates.unlink()
    ours.rename(workspace.templates)
    footer = workspace.templates / "blocks" / "footer.mjml"
    footer.write_text(footer.read_text().replace("{% if not message.is_thanks %}", "{% if true %}"))
    with pytest.raises(MailerError) as found:
        compiled(workspace, BODIES[0])
    assert sorted(one.message for one in found.value.diagnostics) == [
        "a thanks.md has no {{ preferences_url }}", "a thanks.md has no {{ unsubscribe_url }}",
        "a thanks.md has no {{ view_url }}",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["audience:\n  include: [supporters]", "urgent: true", "archive: true"])
def test_it_has_no_audience(workspace: Workspace, key: str) -> None:
    with pytest.raises(MailerError, match="unknown key"):
        compiled(workspace, BODIES[0], front=FRONT.replace("list: s", f"{key}\nlist: s"))
