"""One value of a TOML file changes, and no other line: in what ships, and in files that nobody would write."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.editing.save import SaveConflict, Saved
from mailer.editing.toml_edit import CannotChangeToml, TomlValue, change_toml, save_toml
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from tests.conftest import REPOSITORY

TORTURE = """\
# who we are
title   =  "Old"     # kept
about = 'a literal'
words = \"\"\"
Two
lines\"\"\"
days = [
  1,
  2,
]
# about the sender, in words of its own
sender = { name = "A",  address="a@example.org" } # inline
dotted.one = 1

# the columns
[columns]
"First name" = "first_name"
Email = "email"

# the brand
[brand]
primary="#fff" # why

# deep
[brand.social]
x = "1"

[[hook]]
url = "u"
# the end, without a newline"""
KEYS = (
    "title", "about", "words", "days", "sender.name", "sender.new", "dotted.one", "dotted.two", "columns.Email",
    "columns.New", "brand.primary", "brand.on", "brand.social.y", "new", "pace.per_second", "a.b.c",
)  # fmt: skip
# The lines that a change of one of them may change.
CHANGED = (
    "title",
    "about",
    "sender =",
    "dotted",
    "Email",
    "primary",
    "days",
    "words",
    "Two",
    "lines",
    "  1",
    "  2",
    "]",
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.one_of(
    TEXTS, st.integers(-(2**40), 2**40), st.booleans(), st.lists(TEXTS, max_size=3).map(tuple), st.none()
)


def at(data: Any, key: str) -> Any:
    for name in key.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return list(data) if isinstance(data, tuple) else data


@pytest.mark.parametrize("path", [REPOSITORY / "mailer.toml", *sorted((REPOSITORY / "lists").glob("*.toml"))])
def test_what_ships_changes_in_one_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    key = "title" if "title" in tomllib.loads(text) else "organisation.name"
    found = change_toml(text, {key: "A “new” name, with = and #"})
    before, after = text.split("\n"), found.split("\n")
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert at(tomllib.loads(found), key) == "A “new” name, with = and #"


@given(st.sampled_from(KEYS), VALUES, st.booleans(), st.booleans())
def test_one_value_says_what_was_asked_and_every_other_line_stays(
    key: str, value: TomlValue, crlf: bool, bom: bool
) -> None:
    text = TORTURE.replace("\n", "\r\n") if crlf else TORTURE
    text = "\ufeff" + text if bom else text
    found = change_toml(text, {key: value})
    assert found.startswith("\ufeff") == bom
    if crlf:
        assert "\n" not in found.replace("\r\n", "")
    before, after = tomllib.loads(text.removeprefix("\ufeff")), tomllib.loads(found.removeprefix("\ufeff"))
    wanted = list(value) if isinstance(value, tuple) else value
    assert at(after, key) == (wanted.replace("\r\n", "\n") if crlf and isinstance(wanted, str) else wanted)
    for other in KEYS:
        if other != key:
            assert at(after, other) == at(before, other)
    kept = [line for line in text.removeprefix("\ufeff").splitlines() if not line.startswith(CHANGED)]
    lines = iter(found.removeprefix("\ufeff").splitlines())
    assert all(line in lines for line in kept), "in the order they had"


def test_a_new_key_goes_below_the_last_one_of_its_section_and_not_into_the_next() -> None:
    found = change_toml(TORTURE, {"brand.on": "x", "new": True})
    assert 'primary="#fff" # why\non = "x"\n\n# deep' in found
    assert "# inline\nnew = true\ndotted.one = 1\n\n# the columns" in found


@pytest.mark.parametrize(
    ("section", "left"),
    [
        ("[f.a]\nx = 1\n\n# of b\n[f.b]\nx = 2\n", "\n# of b\n[f.b]\nx = 2\n"),
        ('[f."a"]  # of a\nx = 1\n# the end', "# the end"),
        ('[f.a]\nx = """\n[f.b]\ny"""\n[f.b]\nx = 2\n', "[f.b]\nx = 2\n"),
        ("[f]\na = {x = 1}\nb = 2\n", "[f]\nb = 2\n"),
    ],
)
def test_a_section_is_taken_out_without_the_comment_of_the_next(section: str, left: str) -> None:
    for text, wanted in ((section, left), (section.replace("\n", "\r\n"), left.replace("\n", "\r\n"))):
        assert change_toml(text, {"f.a": None}) == wanted
        assert change_toml(f"z = 1  # kept\n{section}", {"f.a": None}) == f"z = 1  # kept\n{left}"


def test_a_table_is_given_whole_with_names_that_have_dots() -> None:
    found = change_toml(TORTURE, {"columns": {"Email": "email", "a.b c": "x"}})
    assert tomllib.loads(found)["columns"] == {"Email": "email", "a.b c": "x"}
    assert change_toml(TORTURE, {"columns": {"First name": "first_name", "Email": "email"}}) == TORTURE
    assert tomllib.loads(change_toml("", {"columns": {"A": "b"}, "title": "t"})) == {
        "columns": {"A": "b"},
        "title": "t",
    }


def test_what_cannot_be_changed_is_said_without_quoting_the_file() -> None:
    for text, key in (("key = s3cret", "key"), ('a = "s3cret"\n', "a.b")):
        with pytest.raises(CannotChangeToml) as refused:
            change_toml(text, {key: "x"})
        assert "s3cret" not in str(refused.value)


def save(database: Database, path: Path, changes: dict[str, TomlValue], base: str | None) -> Saved | SaveConflict:
    with database.write() as connection:
        return save_toml(connection, path, changes, base=base, within=path.parent, check=tomllib.loads, mode=0o600)


@pytest.mark.sqlite
def test_a_save_keeps_what_a_colleague_did_meanwhile(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    base = 'title = "a"\nabout = "b"\n'
    assert save(database, path, {"title": "a", "about": "b"}, "") == Saved(base)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text('title = "a"\nabout = "theirs"\n')
    assert save(database, path, {"title": "mine"}, base) == Saved('title = "mine"\nabout = "theirs"\n', merged=True)
    conflict = save(database, path, {"about": "mine"}, base)
    assert conflict == SaveConflict(theirs='title = "mine"\nabout = "theirs"\n', mine='title = "a"\nabout = "mine"\n')
    assert path.read_text() == 'title = "mine"\nabout = "theirs"\n'
    assert save(database, path, {"about": "theirs"}, base) == Saved(path.read_text(), merged=True)
    assert save(database, path, {"about": "last"}, None) == Saved('title = "mine"\nabout = "last"\n')


@pytest.mark.sqlite
def test_what_the_check_refuses_is_not_written(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text('title = "a"\n')

    def refuse(text: str) -> None:
        raise MailerError("no")

    with database.write() as connection, pytest.raises(MailerError, match="no"):
        save_toml(connection, path, {"title": "b"}, base=path.read_text(), within=tmp_path, check=refuse)
    assert path.read_text() == 'title = "a"\n'
