"""The reference of commands is what the commands say, and the short list at the top names them all."""

from __future__ import annotations

import click

from mailer.cli import COMMANDS, cli
from scripts.cli_reference import PAGE, reference


def test_the_reference_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: .venv/bin/python scripts/cli_reference.py"


def test_every_command_exists_and_says_what_it_does() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert command.help, name
