"""`mailer render`: a newsletter as files, as one person would get it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, workspace_and_database
from mailer.private_files import open_private, private_folder

if TYPE_CHECKING:
    from mailer.delivery.campaigns.freeze import Plan
    from mailer.transports.base import Envelope, Mailing

SOMEBODY = "somebody@example.org"
PREVIEW_KEY = b"previews are signed with this, which no server takes"


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--as", "as_address", metavar="ADDRESS", help="Make it as this person gets it; their address.")
@click.option("--language", metavar="LANGUAGE", help="Make this translation; else the one that the person gets.")
@click.option("--version", "arm", metavar="a|b|c|d", help="Make this version of its test.  [default: a]")
@click.option("--thanks", is_flag=True, help="Make the mail that thanks those who sign instead.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; default rendered/NEWSLETTER.")
def render(
    slug: str, as_address: str | None, language: str | None, arm: str | None, thanks: bool, out: Path | None
) -> None:
    """Write a newsletter as HTML, plain text and an email, as one person would get it. Clicks in it don't count."""
    from mailer.audience.people.people import SAMPLE_PERSON, example, find_supporter
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.campaigns.plan import prepare
    from mailer.delivery.thanks.proofs import proof_of_thanks
    from mailer.workspace import THANKS_FILE

    with workspace_and_database() as (workspace, database):
        prepared = prepare(database, read_source(workspace.newsletter(slug), THANKS_FILE if thanks else ""))
        supporter = example(SAMPLE_PERSON)
        if as_address:
            with database.read() as connection:
                _, supporter = find_supporter(connection, as_address)
    for fault in prepared.warnings:
        click.echo(str(fault), err=True)
    folder = out or workspace.root / "rendered" / slug
    private_folder(folder)
    plan = prepared.plan.of_version(arm) if arm else prepared.plan
    plan = plan.in_language(language) if language else plan.read_by(supporter)
    if thanks:
        mailing, envelope = proof_of_thanks(plan, supporter if as_address else None, to=SOMEBODY, now=now())
    else:
        mailing, envelope = _mail(plan, supporter)
    name = "-".join([slug, *(["thanks"] if thanks else []), *([arm.lower()] if arm else [])])
    written = _write(plan, mailing, envelope, folder=folder, name=name)
    for path in written:
        click.echo(str(path))


def _mail(plan: Plan, supporter: dict[str, str]) -> tuple[Mailing, Envelope]:
    from mailer.delivery.sending.envelopes import EnvelopeBuilder
    from mailer.tracking.tokens import Signer

    message = plan.message
    builder = EnvelopeBuilder(
        message,
        settings=plan.newsletter.workspace.settings,
        signer=Signer([PREVIEW_KEY]),
        proof=True,
        cells=plan.cells,
    )
    envelope = builder.envelope(1, attempt=1, address=supporter["email"], supporter=supporter, now=now())
    return builder.mailing(), envelope


def _write(plan: Plan, mailing: Mailing, envelope: Envelope, *, folder: Path, name: str) -> list[Path]:
    """The three files and the pictures they need; in the HTML file pictures are the ones beside it."""
    from mailer.compose.merge import MergeProgram
    from mailer.compose.source.images import address, read_image
    from mailer.transports.mime.message import build

    message = plan.message
    html = MergeProgram.fill(mailing.html, envelope.values)
    for image in message.images:
        picture = f"{image.digest[:6]}-{Path(image.name).name}"
        (folder / picture).write_bytes(read_image(image, plan.newsletter))
        html = html.replace(address(image, message.public_url), picture)
    files = [folder / f"{name}.{kind}" for kind in ("html", "txt", "eml")]
    text = MergeProgram.fill(mailing.text, envelope.values)
    for path, content in zip(files, (html.encode(), text.encode(), build(mailing, envelope)), strict=True):
        with open_private(path, "wb") as file:
            file.write(content)
    return files
