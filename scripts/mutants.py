"""Puts faults into the modules that decide who is mailed, one at a time, and says which ones no test noticed.

    make mutants                                    all modules, 40 random faults each
    make mutants MUTANTS="ledger --sample 0"        all faults of one module
    make mutants MUTANTS="ledger --only attempt"    those in lines with this text

A fault is never written to the tree: each runs in a process of its own that imports the changed module from memory. So
tests that start programs see none; those named below start none that matter. SQLite only. A test that never ends counts
as having noticed. What no test can notice is listed with its reason in `mutants.toml`, by the line as it was and is.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from scripts.mutations import ROOT, mutants_of

TABLE = Path(__file__).parent / "mutants.toml"
# What nearly every test imports; brought in once, so that each process needn't.
HEAVY = ("pytest", "_pytest.main", "hypothesis.stateful", "sqlalchemy", "alembic.command", "psycopg", "jinja2", "click",
         "dns.resolver", "cryptography.x509", "babel.numbers", "starlette.applications", "markdown_it", "css_inline",
         "mjml", "aiosmtpd.controller", "trustme", "sendgrid", "rich.console", "sqlite_utils")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: what was done, and the lines before and after."""

    operator: str
    source: str
    removed: str
    added: str
    line: int

    def __str__(self) -> str:
        return f"  {self.line:4}  {self.operator}, not noticed\n        - {self.removed}\n        + {self.added}"


class _Changed(importlib.machinery.SourceFileLoader):
    """Loads a module from the text that it is given instead of its file."""

    text = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.text, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._path, self._text = name, path, text

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if fullname != self._name:
            return None
        loader = _Changed(fullname, str(self._path))
        loader.text = self._text
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


def main() -> int:
    """Run what the arguments name; 1 when fewer than nine in ten faults of a module were noticed."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    arguments = _arguments(sorted(table["modules"]))
    for name in HEAVY:
        with suppress(ImportError):
            importlib.import_module(name)
    weak = [
        name
        for name in arguments.modules or table["modules"]
        if not _in_a_process(partial(_is_strong, name, table, arguments))
    ]
    if weak:
        print(f"\nfewer than 90 % were noticed in: {', '.join(weak)}")
    return int(bool(weak))


def _in_a_process(ask: Callable[[], bool]) -> bool:
    """Its answer. What is imported on the way is not imported here."""
    pid = os.fork()
    if not pid:
        try:
            os._exit(0 if ask() else 1)
        except BaseException:  # noqa: BLE001 - said, and no more of this module
            traceback.print_exc()
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _is_strong(name: str, table: dict[str, Any], options: argparse.Namespace) -> bool:
    """Whether nine in ten of a module's faults were noticed."""
    module = table["modules"][name]
    for other in _untouched_by(_name_of(ROOT / module["path"])):
        with suppress(ImportError):
            importlib.import_module(other)
    return _try_module(name, module, table.get("equivalent", []), options) >= 0.9


def _untouched_by(name: str) -> list[str]:
    """Our modules that import `name` neither themselves nor by way of others, so that all processes can share them."""
    imports: dict[str, set[str]] = {}
    for path in (ROOT / "mailer").rglob("*.py"):
        if "migrations" in path.parts or path.stem == "__main__":
            continue
        module = _name_of(path)
        found = {module.rpartition(".")[0]}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        imports[module] = found
    touched = {name}
    while more := {module for module, found in imports.items() if found & touched} - touched:
        touched |= more
    return sorted(imports.keys() - touched)


def _name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _arguments(modules: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help=f"of: {', '.join(modules)}; all when none is named"
    )
    parser.add_argument(
        "--sample", type=int, default=40, help="random faults of each module; 0: every one (default 40)"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="only faults in lines with this text, all of them")
    parser.add_argument("--seed", default="1", help="what the choice comes from")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="tried side by side")
    arguments = parser.parse_args()
    if unknown := set(arguments.modules) - set(modules):
        parser.error(f"there is no {', '.join(sorted(unknown))} in {TABLE.name}")
    return arguments


def _try_module(
    name: str, module: dict[str, Any], equivalent: list[dict[str, str]], options: argparse.Namespace
) -> float:
    """Try a module's faults and print what came of them; the share that was noticed."""
    path = ROOT / module["path"]
    source = path.read_text(encoding="utf-8")
    every = [mutant for mutant in _mutants(source) if options.only in mutant.removed]
    chosen = every
    if not options.only and 0 < options.sample < len(every):
        chosen = random.Random(f"{options.seed} {name}").sample(every, options.sample)
    same = {(one["was"], one["is"]) for one in equivalent if one["module"] == name}
    tried = [mutant for mutant in chosen if (mutant.removed, mutant.added) not in same]
    began = time.monotonic()
    if _wait(_start(path, source, module["tests"], began), until=began + 1200):
        sys.exit(f"{name}: its tests fail without any fault: pytest {' '.join(module['tests'])} -k 'not postgresql'")
    # Beside others a test takes longer than alone, and one that never ends is seldom.
    longest = 30 + 10 * (time.monotonic() - began)
    survivors = _survivors(path, tried, module["tests"], longest=longest, jobs=options.jobs)
    noticed = 1 - len(survivors) / len(tried) if tried else 1.0
    print(
        f"{name}: {len(tried) - len(survivors)} of {len(tried)} noticed ({noticed:.0%});"
        f" {len(chosen) - len(tried)} make no difference; chosen from {len(every)};"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return noticed


def _mutants(source: str) -> Iterator[Mutant]:
    seen: set[str] = set()
    for operator, text in mutants_of(source):
        if text not in seen:
            seen.add(text)
            diff = list(unified_diff(source.splitlines(), text.splitlines(), n=0, lineterm=""))[2:]
            removed, added = (
                " ".join(line[1:].strip() for line in diff if line.startswith(mark)) for mark in ("-", "+")
            )
            yield Mutant(operator, text, removed, added, int(diff[0].split()[1].lstrip("-").partition(",")[0]))


def _survivors(
    path: Path, mutants: Sequence[Mutant], tests: Sequence[str], *, longest: float, jobs: int
) -> list[Mutant]:
    waiting, running, survivors = list(reversed(mutants)), dict[int, tuple[Mutant, float]](), list[Mutant]()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant, now = waiting.pop(), time.monotonic()
            running[_start(path, mutant.source, tests, now)] = (mutant, now + longest)
        for pid, (mutant, until) in list(running.items()):
            status = _wait(pid, until=time.monotonic() + 0.02, kill=time.monotonic() > until)
            if status is not None:
                del running[pid]
                if status == 0:
                    print(mutant, flush=True)
                    survivors.append(mutant)
    return survivors


def _wait(pid: int, *, until: float, kill: bool = False) -> int | None:
    """How a process ended; None when it has not by then."""
    if kill:
        os.killpg(pid, signal.SIGKILL)
    while True:
        ended, status = os.waitpid(pid, 0 if kill else os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            return None
        time.sleep(0.01)


def _start(path: Path, text: str, tests: Sequence[str], began: float) -> int:
    """Run the tests in a process of their own, with `text` in the module's place."""
    pid = os.fork()
    if pid:
        with suppress(OSError):
            os.setpgid(pid, pid)
        return pid
    code = 1
    folder = tempfile.mkdtemp(prefix="mutant-")
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        sys.meta_path.insert(0, _Finder(_name_of(path), path, text))
        import hypothesis
        import pytest

        # The first example that fails is enough: no smaller one is looked for.
        found, made = hypothesis.Phase.explicit, hypothesis.Phase.generate
        hypothesis.settings.register_profile("mutants", phases=(found, made), deadline=None, database=None)
        options = [
            "--hypothesis-profile=mutants",
            "-x",
            "-q",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-k",
            "not postgresql",
        ]
        code = int(pytest.main([*options, f"--basetemp={folder}/tests", *tests]))
    except BaseException:  # noqa: BLE001 - whatever it was, it was noticed
        code = 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
