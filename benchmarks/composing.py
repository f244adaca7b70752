"""Compiling the sample appeal, and merging it for one person, beside rendering the same HTML with Jinja."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment

from benchmarks.measure import Row, median_seconds
from benchmarks.worlds import SLUG, workspace
from mailer.compose.compiler import compile_message
from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.message import Message
from mailer.compose.source.message_file import read_source
from mailer.workspace import find_workspace

PEOPLE = 2000
FIELDS = frozenset({"email", "first_name", "last_name", "name", "country", "language"})


def measure(folder: Path, quick: bool) -> list[Row]:
    """Compile time, and merge time per person."""
    root = workspace(folder, "compose")
    here = find_workspace(root, environ={})
    source = read_source(here.newsletter(SLUG))
    definition = here.list_definition(source.list)

    def compiled() -> Message:
        return compile_message(source, definition=definition, known_fields=FIELDS).message

    message = compiled()
    compile_seconds = median_seconds(compiled, rounds=5 if quick else 30)

    urls = Urls(click="https://m.example.org/c/t", unsubscribe="https://m.example.org/u/t",
                view="https://m.example.org/v/t", preferences="https://m.example.org/p/t")  # fmt: skip
    people = [dict.fromkeys(FIELDS, "") | {"first_name": f"Name{n}", "country": "GB"} for n in range(PEOPLE)]
    program = MergeProgram(message)

    def merge_all() -> None:
        for person in people:
            values = program.values(person, urls)
            for parts in (message.subject, message.html, message.text):
                program.fill(parts, values)

    merge = median_seconds(merge_all, rounds=3 if quick else 9) / PEOPLE
    template = Environment(autoescape=True).from_string(_as_jinja(message))

    def jinja_all() -> None:
        for person in people[:200]:
            template.render(name=person["first_name"])

    jinja = median_seconds(jinja_all, rounds=3) / 200
    return [
        Row("compile the sample appeal", f"{compile_seconds * 1000:.1f} ms", "the aim of 30 ms",
            compile_seconds / 0.030, "≤ 30 ms", compile_seconds <= 0.030, before="55 ms"),
        Row("merge it for one person (subject, HTML, text)", f"{merge * 1e6:.1f} µs",
            f"Jinja rendering the HTML alone {jinja * 1e6:.1f} µs", merge / jinja, "≤ 40 µs", merge <= 40e-6),
    ]  # fmt: skip


def _as_jinja(message: Message) -> str:
    """The compiled HTML as a Jinja template that puts the name into every slot."""
    return "".join(
        "{{ name }}" if isinstance(part, int) else "{% raw %}" + part + "{% endraw %}" for part in message.html
    )
