"""`mailer render`: a newsletter as files, as one person would get it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, workspace_and_database
from mailer.private_files import open_private, private_folder

if TYPE_CHECKING:
    from mailer.delivery.campaigns.freeze import Plan

PREVIEW_KEY = b"previews are signed with this, which no server takes"


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--as", "as_address", metavar="ADDRESS", help="Make it as this person gets it; their address.")
@click.option("--language", metavar="LANGUAGE", help="Make this translation; else the one that the person gets.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; default rendered/NEWSLETTER.")
def render(slug: str, as_address: str | None, language: str | None, out: Path | None) -> None:
    """Write a newsletter as HTML, plain text and an email, as one person would get it. Clicks in it don't count."""
    from mailer.audience.people.people import SAMPLE_PERSON, example, find_supporter
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.campaigns.plan import prepare

    with workspace_and_database() as (workspace, database):
        prepared = prepare(database, read_source(workspace.newsletter(slug)))
        supporter = example(SAMPLE_PERSON)
        if as_address:
            with database.read() as connection:
                _, supporter = find_supporter(connection, as_address)
    for fault in prepared.warnings:
        click.echo(str(fault), err=True)
    folder = out or workspace.root / "rendered" / slug
    private_folder(folder)
    plan = prepared.plan.in_language(language) if language else prepared.plan.read_by(supporter)
    written = _write(plan, supporter, folder=folder)
    for path in written:
        click.echo(str(path))


def _write(plan: Plan, supporter: dict[str, str], *, folder: Path) -> list[Path]:
    """The three files and the pictures they need; in the HTML file pictures are the ones beside it."""
    from mailer.compose.source.images import address, read_image
    from mailer.delivery.sending.envelopes import EnvelopeBuilder
    from mailer.tracking.tokens import Signer
    from mailer.transports.mime.message import build

    message = plan.message
    builder = EnvelopeBuilder(
        message, settings=plan.newsletter.workspace.settings, signer=Signer([PREVIEW_KEY]), proof=True
    )
    envelope = builder.envelope(1, attempt=1, address=supporter["email"], supporter=supporter, now=now())
    html = builder.program.fill(message.html, envelope.values)
    for image in message.images:
        name = f"{image.digest[:6]}-{Path(image.name).name}"
        (folder / name).write_bytes(read_image(image, plan.newsletter))
        html = html.replace(address(image, message.public_url), name)
    files = [folder / f"{message.slug}.{kind}" for kind in ("html", "txt", "eml")]
    text = builder.program.fill(message.text, envelope.values)
    for path, content in zip(files, (html.encode(), text.encode(), build(builder.mailing(), envelope)), strict=True):
        with open_private(path, "wb") as file:
            file.write(content)
    return files
