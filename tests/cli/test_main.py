"""How the command line ends: one clear message and a code that scripts can tell apart, never a traceback."""

from __future__ import annotations

import errno

import click
import pytest

from mailer import cli
from mailer.cli import COMMANDS
from mailer.diagnostics import Place
from mailer.errors import MailerError
from tests.cli.conftest import Mailer

ENDS = [
    (click.Abort(), 130, "Stopped.\n"),
    (KeyboardInterrupt(), 130, "Stopped.\n"),
    (click.UsageError("--a goes with --b"), 2, "Error: --a goes with --b\n"),
    (MailerError("no", place=Place("x.md", 3), remedy="Do."), 1, "error: x.md:3: no\n    Do.\n"),
    (OSError(errno.ENOSPC, "No space left on device", "out.csv"), 1, "error: out.csv: No space left on device\n"),
    (OSError("the pipe is gone"), 1, "error: the pipe is gone\n"),
    (BrokenPipeError(), 141, ""),
    (LookupError("ada@example.org"), 1, "error: this is a fault of Mailer itself: LookupError\n"
     "    Run it again with MAILER_DEBUG=1 to see where, and please report that.\n"),
]  # fmt: skip


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(**options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "cli", fail)


@pytest.mark.parametrize(("error", "code", "said"), ENDS, ids=repr)
def test_each_end_has_its_code_and_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    failing(monkeypatch, error)
    monkeypatch.setattr("sys.stderr.close", lambda: None)  # which keeps Python from writing to a pipe nobody reads
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == code
    assert capsys.readouterr() == ("", said)


def test_a_fault_of_the_program_is_shown_whole_to_developers(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, LookupError("here"))
    monkeypatch.setenv("MAILER_DEBUG", "1")
    with pytest.raises(LookupError, match="here"):
        cli.main()


def test_help_lists_every_command_and_others_are_unknown(mailer: Mailer) -> None:
    said = " ".join(mailer("--help").out.split())
    assert all(f"{name} {summary.partition(' ')[0]}" in said for name, (_, summary) in COMMANDS.items())
    unknown = mailer("snd")
    assert (unknown.code, "No such command 'snd'" in unknown.err) == (2, True)
