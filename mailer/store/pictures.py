"""Pictures of mails, kept under a digest of their bytes, so that they are served as they were mailed for as long as
somebody may open one. What they are pictures of is for others."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import images


def keep_picture(connection: Connection, digest: str, content_type: str, *, read: Callable[[], bytes]) -> None:
    """Keep a picture that isn't kept yet; only then are its bytes read."""
    if connection.execute(select(images.c.digest).where(images.c.digest == digest)).scalar() is None:
        row = {"digest": digest, "content_type": content_type, "content": read()}
        connection.execute(insert_for(connection, images).values(row).on_conflict_do_nothing())
