"""Names, copies and being put away: nothing else in a file changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mailer.editing.folders import folder_name, name_of, with_name
from mailer.errors import MailerError

AT = datetime(2026, 12, 1, tzinfo=UTC)
ENDS = st.sampled_from([b"\n", b"\r\n"])
LINES = st.lists(
    st.text(st.characters(blacklist_characters="\r\n"), max_size=20).filter(
        lambda line: line.rstrip() != "---" and not line.startswith("name:")
    ),
    max_size=6,
)


@given(LINES, LINES, ENDS, st.text(min_size=1, max_size=30), st.booleans())
def test_a_name_changes_its_own_line_alone(
    above: list[str], below: list[str], end: bytes, name: str, known: bool
) -> None:
    lines = ["---", *(['name: "before"', "notes: x"] if known else []), *above, "---", *below]
    content = end.join(line.encode("utf-8", "replace") for line in lines)
    named = with_name(content, name)
    before, after = content.split(b"\n"), named.split(b"\n")
    at = next(n for n, line in enumerate(after) if line.startswith(b"name:"))
    assert after[:at] + after[at + 1 :] == before[:at] + before[at + known :]
    assert with_name(named, name) == named


@pytest.mark.parametrize(
    "before",
    ["name: >-\n  Our\n\n  appeal", "name: |\n  Our appeal", 'name: "Our\n  appeal"', "name: 'Our\nappeal'",
     "name: Our\n  appeal", "name:\n  Our appeal", "name: Our # appeal"],
)  # fmt: skip
def test_a_name_over_several_lines_leaves_nothing_behind(before: str) -> None:
    text = f"---\n{before}\n\nsubject: x\n---\nBody\n"
    assert yaml.safe_load(text.split("---")[1])["name"]
    named = with_name(text.encode(), "Another").decode()
    assert named == '---\nname: "Another"\n\nsubject: x\n---\nBody\n'


@pytest.mark.parametrize("name", ['“Quoted” "and" \\ more', "Five thousand: thank you", "#now", "  a  b ", "رسالة"])
def test_yaml_reads_the_name_that_was_given(name: str) -> None:
    line = with_name(b"---\nsubject: x\n---\n", name).split(b"\n")[1]
    assert yaml.safe_load(line)["name"] == " ".join(name.split())


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ("Sewage in our river", "2026-12-sewage-in-our-river"),
        ("Fish can't vote!", "2026-12-fish-cant-vote"),
        ("Größe & Öl", "2026-12-große-ol".replace("ß", "")),
        ("2027-01 Winter", "2027-01-winter"),
    ],
)
def test_folders_are_named_after_what_people_say(words: str, folder: str) -> None:
    assert folder_name(words, at=AT) == folder


def test_a_name_without_letters_that_a_folder_may_hold_is_refused() -> None:
    with pytest.raises(MailerError, match="letters from a to z"):
        folder_name("رسالة", at=AT)


def test_a_folder_says_its_name_in_words() -> None:
    assert name_of("2026-12-sewage-in-our-river") == "Sewage in our river"
    assert name_of("2026") == "2026"
