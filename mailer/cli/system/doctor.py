"""`mailer doctor`: everything a send depends on, looked at and told in plain sentences. `doctor.examine` says what is
looked at; here it is shown."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any, BinaryIO

import click

from mailer.cli.context import console, now, print_json
from mailer.diagnostics import Diagnostic, Level, worst

WORDS = {Level.OK: "well", Level.WARNING: "warning", Level.ERROR: "bad"}
COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}
INDENT = 11  # two spaces, the longest level, two spaces
WIDEST = 100  # longer lines are hard to read


@click.command()
@click.option("--proof", type=click.File("rb"), metavar="FILE", help="Look at a mail that arrived; - reads stdin.")
@click.option("--maildir", type=click.Path(path_type=Path), metavar="DIR", help="Look at our newest mail in a Maildir.")
@click.option("--imap", metavar="URL", help="Look at our newest mail at imaps://name@host/folder.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def doctor(proof: BinaryIO | None, maildir: Path | None, imap: str | None, as_json: bool) -> None:
    """Check everything a send depends on and suggest fixes.

    Keys, database, stalled campaigns, transport, DNS of the sending domains, public address. Nobody is mailed and
    nothing is changed. Exit code 1 when something is bad, 0 otherwise.

    With --proof, --maildir or --imap it looks at a mail instead: send a proof to the bounce mailbox or to yourself, and
    it says whether the DKIM signature covers what one-click unsubscribing needs (RFC 8058).
    """
    if proof is not None or maildir is not None or imap is not None:
        from mailer.doctor.signed_mail import examine_proof

        findings = examine_proof(proof, maildir=maildir, imap=imap)
    else:
        from mailer.doctor.examine import examine
        from mailer.workspace import find_root

        findings = examine(find_root(), clock=now)
    if as_json:
        print_json([_as_data(one) for one in findings])
    else:
        show(findings)
    sys.exit(1 if worst(findings) is Level.ERROR else 0)


def _width() -> int | None:
    """Where lines are broken: at the terminal's edge. In a pipe each finding stays one line, for grep."""
    return min(console().width, WIDEST) if sys.stdout.isatty() else None


def show(findings: Sequence[Diagnostic]) -> None:
    """The findings under the names of their parts, and the sum of it."""
    width = _width()
    for part, group in groupby(findings, key=lambda one: one.part):
        click.secho(part[:1].upper() + part[1:], bold=True)
        for one in group:
            _show_one(one, width)
        click.echo()
    click.echo(_summary(findings))


def _as_data(one: Diagnostic) -> dict[str, Any]:
    told = {"part": one.part, "level": WORDS[one.level], "found": one.message, "todo": one.remedy}
    return {**told, "record": asdict(one.record)} if one.record else told


def _show_one(one: Diagnostic, width: int | None) -> None:
    label = click.style(f"{WORDS[one.level]:<{INDENT - 4}}", fg=COLOURS[one.level].rpartition(" ")[2],
                        bold="bold" in COLOURS[one.level])  # fmt: skip
    first, *rest = _lines(_sentence(one.message), width)
    click.echo(f"  {label}  {first}")
    for line in rest:
        click.echo(" " * INDENT + line)
    for place, line in enumerate(_lines(one.remedy, width, arrow=2) if one.remedy else ()):
        click.echo(" " * INDENT + ("→ " if place == 0 else "  ") + line)


def _lines(text: str, width: int | None, *, arrow: int = 0) -> list[str]:
    if width is None:
        return [text]
    return wrap(text, max(30, width - INDENT - arrow), break_long_words=False, break_on_hyphens=False)


def _sentence(text: str) -> str:
    """With a capital, unless it begins with a name that is written as it is."""
    first = text.split(" ", 1)[0]
    return text if not first.isalpha() else text[:1].upper() + text[1:]


def _summary(findings: Sequence[Diagnostic]) -> str:
    counts = Counter(one.level for one in findings)
    words = [
        f"{counts[Level.ERROR]} bad" if counts[Level.ERROR] else "",
        f"{counts[Level.WARNING]} warning{'s' if counts[Level.WARNING] > 1 else ''}" if counts[Level.WARNING] else "",
        f"{counts[Level.OK]} well" if counts[Level.OK] else "",
    ]
    told = ", ".join(word for word in words if word)
    if counts[Level.ERROR]:
        return f"{told}. Fix the errors before sending."
    return f"{told}." if counts[Level.WARNING] else f"No problems ({counts[Level.OK]} checks)."
