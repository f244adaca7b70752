"""Writes docs/cli.md from the commands themselves; a test fails when it is out of date."""

from __future__ import annotations

from pathlib import Path

import click

from mailer.cli import cli

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
WIDTH = 100  # whatever the terminal is, so that the page is the same everywhere
INTRODUCTION = """\
# Commands

Made from the commands themselves by `scripts/cli_reference.py`. Every command says the same with `--help`.

Exit codes: 0 done; 1 a fault, told in one message; 2 wrong usage; 3 `run` or `send` met something that somebody
should look at; 130 stopped by Ctrl-C.
"""


def reference() -> str:
    """The whole page."""
    context = click.Context(cli, info_name="mailer", terminal_width=WIDTH, help_option_names=["-h", "--help"])
    return "\n".join([INTRODUCTION, *_sections(cli, context, "mailer")])


def _sections(group: click.Group, context: click.Context, path: str) -> list[str]:
    lines: list[str] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        below = click.Context(command, parent=context, info_name=name, terminal_width=WIDTH)
        lines += [f"## {path} {name}", "", "```", command.get_help(below), "```", ""]
        if isinstance(command, click.Group):
            lines += _sections(command, below, f"{path} {name}")
    return lines


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
