"""A language is one file: with one more catalogue beside the others, everything that speaks to supporters speaks it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from mailer.checking.rules.links import VAGUE
from mailer.checking.rules.wording import AHEAD
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from scripts.catalogues import words
from tests.conftest import REPOSITORY

MAIL = """\
---
subject: Keep the library open
preheader: The council votes on Thursday
template: appeal
list: supporters
language: {language}
---
Read it [yma](https://libraryfriends.ngo/1). Sign {ahead} {day}, {day_told}

::: share https://libraryfriends.ngo/
Keep it open
:::
"""
# Runs in the program that has one more catalogue, and prints what that says.
SAYING = """
import json, sys
from datetime import date, datetime
from mailer.checking.collect import Scope
from mailer.checking.preflight import preflight
from mailer.compose.compiler import compile_message
from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.source.message_file import read_source
from mailer.delivery.notices.text import put_into_words
from mailer.locale import language
from mailer.store.engine.database import open_database
from mailer.web.pages.templates import Pages
from mailer.web.studio.compose.fields import form_of
from mailer.workspace import find_workspace

asked, now = sys.argv[1], datetime.fromisoformat(sys.argv[2])
workspace = find_workspace()
newsletter = workspace.newsletter("ours")
source = read_source(newsletter)
definition = workspace.list_definition("supporters")
program = MergeProgram(compile_message(source, definition=definition, known_fields=()).message)
urls = Urls(*["https://mail.example.org/x"] * 4)
database = open_database(workspace.settings.database_url)
remarks = preflight(database, newsletter, scope=Scope(everyone=False), now=now).remarks
database.close()
spoken = language.choose("", accepted=asked)
json.dump({
    "home": language.__file__, "code": spoken.code, "name": spoken.name, "day": spoken.day(date(2026, 11, 25)),
    "direction": program.message.direction,
    "page": Pages(workspace.settings).problem(404, spoken).body.decode(),
    "notice": put_into_words("welcome", spoken, settings=workspace.settings, titles=["A"]).text,
    "html": program.html({}, urls), "text": program.text({}, urls),
    "remarks": [[remark.rule, remark.message] for remark in remarks],
    "offered": [option[0] for field in form_of(source, workspace).fields for option in field.options],
}, sys.stdout)
"""


def said(told: str, name: str) -> str:
    """What the made-up catalogue has for an English text: its own words for checks, else the text with a mark."""
    return {VAGUE: "yma|yma nawr", AHEAD: "erbyn"}.get(told, f"{name}·{told}")


def catalogue(path: Path) -> None:
    made = Catalog(locale=path.stem)
    for message in words():
        if isinstance(message.id, str):
            made.add(message.id, said(message.id, path.stem) if message.id else "", context=message.context)
        else:
            one, several = message.id
            made.add(message.id, (said(one, path.stem), *[said(several, path.stem)] * (made.num_plurals - 1)))
    with path.open("wb") as file:
        write_po(file, made)


def program_with(folder: Path, name: str) -> Path:
    """The program as it is, with a copy of its catalogues and one more."""
    ours = folder / "mailer"
    ours.mkdir()
    for path in (REPOSITORY / "mailer").iterdir():
        if path.name != "locale":
            (ours / path.name).symlink_to(path)
    shutil.copytree(REPOSITORY / "mailer" / "locale", ours / "locale")
    catalogue(ours / "locale" / f"{name}.po")
    return folder


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("name", "asked", "code", "called", "day", "direction"),
    [
        ("cy", "cy-GB, en;q=0.5", "cy", "Cymraeg", "25 Tachwedd 2026", "ltr"),
        ("fa", "fa-AF", "fa", "فارسی", "25 نوامبر 2026", "rtl"),
        ("sr_Latn", "sr-Latn-RS", "sr-Latn", "Srpski (latinica)", "25. novembar 2026.", "ltr"),
        ("art", "Art", "art", "Art", "25 November 2026", "ltr"),  # one that the CLDR has never heard of
    ],
)  # fmt: skip
def test_a_language_is_one_file(  # noqa: PLR0917 - the columns of the table
    tmp_path: Path, workspace: Workspace, database: Database, now: datetime,
    name: str, asked: str, code: str, called: str, day: str, direction: str,
) -> None:  # fmt: skip
    (workspace.newsletters / "ours").mkdir()
    text = MAIL.format(language=code, ahead="erbyn", day="20 November 2024", day_told="please.")
    (workspace.newsletters / "ours" / "message.md").write_text(text, encoding="utf-8")
    definition = workspace.lists / "supporters.toml"
    definition.write_text('title = "Supporters"\nlist_id = "s.lists.example.org"\n', encoding="utf-8")
    where = os.environ | {"PYTHONPATH": str(program_with(tmp_path, name)), "MAILER_WORKSPACE": str(workspace.root)}
    command = [sys.executable, "-P", "-c", SAYING, asked, now.isoformat()]
    done = subprocess.run(command, env=where, check=False, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["home"].startswith(str(tmp_path))
    assert [answer[key] for key in ("code", "name", "day", "direction")] == [code, called, day, direction]
    assert f'<html lang="{code}" dir="{direction}">' in answer["page"]
    assert f"{name}·" in answer["page"]
    assert f"{name}·" in answer["notice"]
    for words_of_ours in ("Unsubscribe", "Fewer emails", "Pass it on"):
        assert f"{name}·{words_of_ours}" in answer["html"]
    assert f"{name}·Unsubscribe: https://" in answer["text"]
    assert f"{name}·You’re getting this because you signed up for Supporters at example.org." in " ".join(
        answer["text"].split()
    )
    assert ["links.vague", "a link is called “yma”"] in answer["remarks"]
    assert any(rule == "writing.past-date" for rule, _ in answer["remarks"])
    assert code in answer["offered"]
