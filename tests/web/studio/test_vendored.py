"""The scripts of others are what npm has, with their licences, and every import in them leads somewhere."""

from __future__ import annotations

import gzip
import hashlib
import json
import re

import pytest

from mailer.web.studio.app import ROOMS
from mailer.web.studio.newsletters import states
from mailer.web.studio.vendored import FOLDER, ICONS, PACKAGES, SUMS, Package, import_map, without_comments

IMPORT = re.compile(r"""(?:^|[;}\s])(?:import|export)\s*(?:[\w$*\s{},]*?\sfrom\s*)?["']([^"'\s]+)["']""", re.MULTILINE)
LAZY = re.compile(r"""\bimport\(\s*["']([^"']+)["']\s*\)""")
COMMENT = re.compile(r"^\s*(?://.*|/\*.*?\*/)$", re.MULTILINE)
NAMES = sorted(json.loads(import_map(""))["imports"])


def imports(text: str) -> set[str]:
    """What a script imports by name."""
    text = COMMENT.sub("", text)
    return set(IMPORT.findall(text)) | set(LAZY.findall(text))


def test_imports_are_seen() -> None:
    text = "import a from 'a';\nimport {\n b,\n c } from \"b\";export * from 'c'; import 'd'; x = import('e');\n"
    assert imports(text) == {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_is_as_it_was_fetched(package: Package) -> None:
    folder = FOLDER / package.folder
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: known for known, name in (line.split("  ") for line in lines)}
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {SUMS}
    assert kept == set(sums) == set(package.files)
    for name, known in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == known, name
    licence = "MIT" if package.script else "ISC License"  # of the icons
    assert licence in (folder / package.licence).read_text(encoding="utf-8")


@pytest.mark.parametrize("package", [one for one in PACKAGES if one.script], ids=lambda package: package.name)
def test_what_a_package_imports_is_there(package: Package) -> None:
    text = (FOLDER / package.folder / package.script).read_text(encoding="utf-8")
    assert imports(text) <= set(NAMES)


def test_what_our_editor_imports_is_there() -> None:
    editor = FOLDER.parent / "editor"
    for script in editor.glob("*.js"):
        for name in imports(script.read_text(encoding="utf-8")):
            assert name in NAMES or (script.parent / name).is_file(), f"{script.name} imports {name}"


def test_every_package_is_needed() -> None:
    scripts = [*(FOLDER.parent / "editor").glob("*.js"), *(FOLDER / p.folder / p.script for p in PACKAGES if p.script)]
    named = set[str]().union(*(imports(script.read_text(encoding="utf-8")) for script in scripts))
    assert set(NAMES) - named == set()


NOT_AT_FIRST = {"turndown", "@codemirror/merge"}
MOST_SCRIPT = 215_000  # bytes of the editor as gzip sends it, of the 250 kB that a page may have


def test_the_editor_is_small_enough_to_send() -> None:
    vendored = [
        FOLDER / one.folder / one.script for one in PACKAGES if one.name in NAMES and one.name not in NOT_AT_FIRST
    ]
    ours = [script for script in (FOLDER.parent / "editor").glob("*.js") if script.name != "compare.js"]
    scripts = [without_comments(script.read_text(encoding="utf-8")) for script in [*vendored, *ours]]
    assert sum(len(gzip.compress(script.encode(), 6)) for script in scripts) < MOST_SCRIPT


def test_comments_go_and_code_stays() -> None:
    text = "/** a\n * b */\nx = 1; // c\n  // d\n/* e */ y();\nz = /\\/*/;\n  /* f */\n"
    assert without_comments(text) == "x = 1; // c\n/* e */ y();\nz = /\\/*/;\n"


@pytest.mark.parametrize("package", [one for one in PACKAGES if one.name in NAMES], ids=lambda package: package.name)
def test_no_text_over_several_lines_looks_like_a_comment(package: Package) -> None:
    """Of what is in backquotes, `without_comments` would take lines away that begin with `//` or `/*`."""
    text = (FOLDER / package.folder / package.script).read_text(encoding="utf-8")
    for literal in re.findall(r"`[^`]*`", without_comments(text)):
        assert "\n" not in literal or not re.search(r"^\s*/[/*]", literal, re.MULTILINE)


def test_every_icon_that_is_asked_for_is_there() -> None:
    """In pages by `icon("…")` or `with_icon`, in rooms by their own values; a name that isn't there would be an error
    of the page."""
    studio = FOLDER.parent.parent
    asked = set[str]()
    for path in studio.rglob("*.html"):
        asked |= set(re.findall(r"""(?:icon\(|with_icon=)["']([a-z0-9-]+)["']""", path.read_text(encoding="utf-8")))
    asked |= {place.icon for room in ROOMS for place in room.places}
    asked |= {deed.icon for room in ROOMS for deed in room.deeds}
    asked |= {state.icon for state in vars(states).values() if isinstance(state, states.ShownState)}
    assert asked <= set(ICONS), asked - set(ICONS)
    assert len(asked) > 20
