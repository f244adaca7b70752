"""What was previewed is what is mailed: a picture that changed after compiling is refused, wherever it is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import select

from mailer.compose.message import Image, Message
from mailer.delivery.campaigns.freeze import keep_images
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import images
from tests.delivery.world import newsletter_in

PNG = b"\x89PNG\r\n\x1a\n"


def message_with(name: str, content: bytes) -> Message:
    image = Image(name, hashlib.sha256(content).hexdigest()[:16], "image/png")
    return Message(
        slug="appeal", list="supporters", language="en", direction="ltr", from_="", reply_to="", public_url="",
        subject=(), preheader=(), html=(), text=(), slots=(), links=(), images=(image,),
    )  # fmt: skip


def kept(database: Database) -> list[tuple[str, bytes]]:
    with database.read() as connection:
        return [(row.digest, bytes(row.content)) for row in connection.execute(select(images))]


@pytest.mark.parametrize("beside", ["folder", "root"])
@pytest.mark.parametrize("change", ["edited", "gone"])
def test_a_picture_that_changed_since_it_was_compiled_is_refused(
    database: Database, tmp_path: Path, beside: str, change: str
) -> None:
    newsletter = newsletter_in(tmp_path)
    newsletter.folder.mkdir(parents=True)
    file = (newsletter.folder if beside == "folder" else tmp_path) / "a.png"
    file.write_bytes(PNG + b"checked")
    message = message_with("a.png", file.read_bytes())
    if change == "edited":
        file.write_bytes(PNG + b"edited")
    else:
        file.unlink()
    with pytest.raises(MailerError, match="changed or gone"), database.write() as connection:
        keep_images(connection, message, newsletter)
    assert kept(database) == []


def test_a_picture_is_kept_under_the_digest_of_its_own_bytes(database: Database, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG + b"checked")
    message = message_with("a.png", PNG + b"checked")
    for _ in range(2):  # a second mail with the same picture keeps it once
        with database.write() as connection:
            keep_images(connection, message, newsletter_in(tmp_path))
    assert kept(database) == [(message.images[0].digest, PNG + b"checked")]
