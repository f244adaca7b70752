"""Looking at a newsletter before anyone gets it: `check` finds its faults, `render` writes it as files."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import console, now, print_json, workspace_and_database
from mailer.errors import Fault, FaultsFound, MailerError, Place

if TYPE_CHECKING:
    from mailer.compose.message import Message
    from mailer.store.database import Database
    from mailer.workspace import ListDefinition, Workspace

# What may lie in lists/: definitions and the generated sample. Anything else may hold people's addresses.
IN_LISTS = (".toml",)
SAMPLE = ("README.md", "sample-supporters.csv")
PREVIEW_KEY = b"previews are signed with this, which no server takes"
SAMPLE_PERSON = {"email": "ada@example.org", "first_name": "Ada", "last_name": "Sample", "name": "Ada Sample"}


@click.command()
@click.argument("slug", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(slug: str | None, as_json: bool) -> None:
    """Look for faults in a newsletter, or in all of them and in the lists."""
    with workspace_and_database() as (workspace, database):
        findings: dict[str, list[Fault]] = {}
        if slug is None:
            findings["lists"] = _check_lists(workspace)
        for name in [slug] if slug else workspace.slugs():
            findings[name] = _check_newsletter(workspace, database, name)
    failed = any(not fault.warning for faults in findings.values() for fault in faults)
    if as_json:
        print_json({name: [_as_data(fault) for fault in faults] for name, faults in findings.items()})
    else:
        _show(findings)
    sys.exit(1 if failed else 0)


@click.command()
@click.argument("slug")
@click.option("--as", "as_address", metavar="ADDRESS", help="Merge it for this person of the database.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; default rendered/SLUG.")
def render(slug: str, as_address: str | None, out: Path | None) -> None:
    """Write a newsletter as HTML, text and a mail, as one person would get it. Its links are not counted."""
    from mailer.audience.people import example, find_supporter
    from mailer.delivery.preparing import prepare

    with workspace_and_database() as (workspace, database):
        prepared = prepare(workspace, database, slug)
        supporter = example(SAMPLE_PERSON)
        if as_address:
            with database.read() as connection:
                _, supporter = find_supporter(connection, as_address)
    for fault in prepared.warnings:
        click.echo(str(fault), err=True)
    folder = out or workspace.root / "rendered" / slug
    folder.mkdir(parents=True, exist_ok=True)
    written = _write(workspace, prepared.plan.message, supporter, folder=folder)
    for path in written:
        click.echo(str(path))


def _check_newsletter(workspace: Workspace, database: Database, slug: str) -> list[Fault]:
    """Every fault of one newsletter: of its message, its audience and its action page together."""
    from mailer.audience.definition import read_audience
    from mailer.audience.fields import known_fields
    from mailer.compose.action import has_action_page, read_action_page
    from mailer.compose.compiling import compile_message
    from mailer.compose.source import read_source

    faults: list[Fault] = []
    if has_action_page(workspace, slug):
        try:
            faults += read_action_page(workspace, slug)[1]
        except MailerError as error:
            faults += _faults(error)
    try:
        source = read_source(workspace.newsletter(slug), root=workspace.root)
        definition = workspace.list_definition(source.list)
    except MailerError as error:
        return [*_faults(error), *faults]
    definitions = _sound_lists(workspace)
    with database.read() as connection:
        fields = known_fields(connection, definitions)
        try:
            read_audience(connection, source, workspace=workspace, fields=fields)
        except MailerError as error:
            faults += _faults(error)
    try:
        faults += compile_message(source, workspace=workspace, definition=definition, known_fields=fields).faults
    except MailerError as error:
        faults += _faults(error)
    return faults


def _sound_lists(workspace: Workspace) -> list[ListDefinition]:
    """The lists that can be read; what is wrong with others is no fault of a newsletter that doesn't use them."""
    sound: list[ListDefinition] = []
    for name in workspace.list_names():
        with suppress(MailerError):
            sound.append(workspace.list_definition(name))
    return sound


def _check_lists(workspace: Workspace) -> list[Fault]:
    faults: list[Fault] = []
    for name in workspace.list_names():
        try:
            workspace.list_definition(name)
        except MailerError as error:
            faults += _faults(error)
    for path in sorted(workspace.lists.rglob("*")) if workspace.lists.is_dir() else ():
        if path.is_file() and path.suffix not in IN_LISTS and path.name not in SAMPLE:
            hint = "Addresses live in the database: bring them in with `mailer import` and keep the file elsewhere."
            place = Place(path.relative_to(workspace.root).as_posix())
            faults.append(Fault("this is no list definition and may hold people's addresses", place, hint))
    return faults


def _faults(error: MailerError) -> tuple[Fault, ...]:
    return error.faults if isinstance(error, FaultsFound) else (error.fault,)


def _as_data(fault: Fault) -> dict[str, Any]:
    place = fault.place
    return {
        "file": place.file if place else None, "line": place.line if place else None, "message": fault.message,
        "hint": fault.hint, "warning": fault.warning,
    }  # fmt: skip


def _show(findings: dict[str, list[Fault]]) -> None:
    screen = console()
    for name, faults in findings.items():
        errors = sum(not fault.warning for fault in faults)
        warnings = len(faults) - errors
        verdict = f"[red]{_count(errors, 'fault')}[/red]" if errors else "[green]sound[/green]"
        if warnings:
            verdict += f", [yellow]{_count(warnings, 'warning')}[/yellow]"
        screen.print(f"[bold]{name}[/bold]  {verdict}")
        for fault in faults:
            screen.print(f"  {fault}".replace("\n", "\n  "), markup=False, style="yellow" if fault.warning else None)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _write(workspace: Workspace, message: Message, supporter: dict[str, str], *, folder: Path) -> list[Path]:
    """The three files and the pictures they need; in the HTML file pictures are the ones beside it."""
    from mailer.compose.images import address, read_image
    from mailer.delivery.postman import Postman
    from mailer.tracking.tokens import Signer
    from mailer.transports.mime import build

    postman = Postman(message, settings=workspace.settings, signer=Signer([PREVIEW_KEY]), proof=True)
    envelope = postman.envelope(1, attempt=1, address=supporter["email"], supporter=supporter, now=now())
    html = postman.program.fill(message.html, envelope.values)
    for image in message.images:
        name = f"{image.digest[:6]}-{Path(image.name).name}"
        data = read_image(image, folder=workspace.newsletter(message.slug), root=workspace.root)
        (folder / name).write_bytes(data)
        html = html.replace(address(image, message.public_url), name)
    files = [folder / f"{message.slug}.{kind}" for kind in ("html", "txt", "eml")]
    files[0].write_text(html, encoding="utf-8")
    files[1].write_text(postman.program.fill(message.text, envelope.values), encoding="utf-8")
    files[2].write_bytes(build(postman.mailing(), envelope))
    return files
