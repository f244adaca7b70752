"""The house stays one that people find their way in: small folders, names that mean one thing, imports without
circles."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "mailer").rglob("*.py"))
    if "versions" not in path.parts
}
FOLDERS = sorted({path.parent for path in MODULES.values()})
MODULES_A_FOLDER = 12
SHORTEST_MODULE = 25  # lines, of one that only one other imports: it would read better inside that one


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a module imports anywhere in it, also inside functions and for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            names = [f"{node.module}.{one.name}" for one in node.names]
            yield from (name if name in MODULES else node.module for name in names)


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports. It takes seconds, so whoever only collects the tests doesn't look."""
    return {name: {one for one in imported(path) if one != name} for name, path in MODULES.items()}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_can_be_taken_in_at_a_glance(folder: Path) -> None:
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MODULES_A_FOLDER


def test_no_two_public_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_imports_run_in_a_circle() -> None:
    """Also none that an import inside a function would hide. A package's own list of names is no module of it."""
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_no_module_is_a_paragraph_of_the_only_one_that_imports_it() -> None:
    importers: dict[str, set[str]] = defaultdict(set)
    for name, found in imports().items():
        for one in found:
            importers[one].add(name)
    short = {
        name
        for name, path in MODULES.items()
        if path.name != "__init__.py" and len(path.read_text(encoding="utf-8").splitlines()) < SHORTEST_MODULE
    }
    assert {name for name in short if len(importers[name]) == 1} == set()
