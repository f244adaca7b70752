"""The words that docs/style.md says to avoid are in no docstring, comment, message, template or page."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "docs" / "style.md"
LINE_END = "\n"
WORDED = {"COMMENT", "STRING", "FSTRING_MIDDLE"}  # tokens of Python that hold words; the last since Python 3.12
# "Stands for", "stands out" and "stands in for" are good English.
IDIOMS = r"(?! (?:for|out|in for)\b)"


def words_to_avoid() -> list[str]:
    """The left column of the table in docs/style.md; remarks in brackets are no part of a word."""
    table = STYLE.read_text(encoding="utf-8").partition("## Words to avoid")[2]
    cells = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    words = [word for cell in cells[1:] for word in re.split(r", | / ", re.sub(r" \(.*?\)", "", cell))]
    assert "whoever" in words, "docs/style.md has no table of words to avoid"
    return words


AVOIDED = re.compile(rf"\b(?:{'|'.join(map(re.escape, words_to_avoid()))})\b{IDIOMS}", re.IGNORECASE)


def files() -> Iterator[Path]:
    """Every file that people read words in, vendored data and licences left out."""
    yield from ROOT.glob("*.md")
    for folder, endings in (("docs", {".md"}), ("templates", {".md", ".mjml", ".txt"}),
                            ("mailer", {".py", ".html", ".txt"})):  # fmt: skip
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in endings and path != STYLE)


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """What `path` says in words, each piece with its line: of code its comments and texts, of other files all of it."""
    if path.suffix != ".py":
        yield from enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        return
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if tokenize.tok_name[token.type] in WORDED:
                yield token.start[0], token.string


def found_in(path: Path) -> list[str]:
    """The words to avoid in `path`, each as file:line: word."""
    name = path.relative_to(ROOT).as_posix()
    return [
        f"{name}:{line + text[: found.start()].count(LINE_END)}: {found[0]}"
        for line, text in prose(path)
        for found in AVOIDED.finditer(text)
    ]


def test_nothing_says_a_word_to_avoid() -> None:
    found = [word for path in sorted(files()) for word in found_in(path)]
    assert not found, "docs/style.md says what to write instead"


def headless(text: str) -> list[str]:
    """Sentences that begin with "Who" and ask nothing: "Who left comes back" is no English."""
    return re.findall(r"(?:^|(?<=[.:;] ))Who [^.?|]+\.(?=\s|$)", text, re.MULTILINE)


def test_who_asks_or_follows_a_noun() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    found = {path: headless(" ".join(path.read_text(encoding="utf-8").split())) for path in pages if path != STYLE}
    assert not {path.name: sentences for path, sentences in found.items() if sentences}


def test_questions_and_people_who_are_english() -> None:
    assert headless("It ends. Who left comes back.") == ["Who left comes back."]
    assert headless("Who signed? People who did. **Who did what**, in the log.") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# Whoever asks\n", ["1: Whoever"]),
        ('"""Says it.\n\nThe row stands there anew.\n"""\n', ["3: stands", "3: anew"]),
        ('WORDS = f"to {name} whom {it} concerns"\n', ["1: whom"]),
        ("# what it stands for stands out\n", []),
        ("whom = let_be\n", []),
        ("# commend, amend and understands\n", []),
    ],
)
def test_words_are_found_in_comments_and_texts_only(
    text: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.docs.test_words.ROOT", tmp_path)
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    assert found_in(tmp_path / "a.py") == [f"a.py:{word}" for word in words]
