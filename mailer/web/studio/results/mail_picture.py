"""The mail as it was sent, for a frame: at each link the figure that belongs to it, and nothing that could act.

The figures are put there by a style sheet, so the mail's own HTML stays as it was frozen. A link leads nowhere here.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from mailer.compose import message as messages
from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.source.images import address
from mailer.delivery.ledger.mailed_message import public_message
from mailer.store.tables.core import campaigns, images
from mailer.web.studio.preview.frame import Look, dressed
from mailer.web.studio.preview.sample_readers import HARD_CASES

LINK = "#link"  # in place of the person's own address: a link's number follows
# Badges keep the studio's colours in any mail, and are large enough to be read beside a button.
BADGED = (
    "{position:relative!important;outline:2px solid #0b6069!important;outline-offset:3px!important;border-radius:4px}"
)
BADGE = (
    "::after{position:absolute;right:-8px;top:-16px;min-width:18px;padding:0 6px;border-radius:10px;background:#0b6069;"
    "color:#fff;font:600 12px/19px Arial,Helvetica,sans-serif;text-align:center;white-space:nowrap;letter-spacing:0;"
    "box-shadow:0 0 0 2px #fff}"
)


def mail_picture(connection: Connection, slug: str, *, figures: Mapping[int, str], pictures: str) -> str | None:
    """The HTML of the mail as somebody ordinary gets it; None when it was never frozen.

    `figures`: what is written at each link, by its number. `pictures`: the path below which its pictures are.
    """
    number = connection.execute(select(campaigns.c.id).where(campaigns.c.slug == slug)).scalar()
    if number is None:
        return None
    message, _ = public_message(connection, number)
    html = MergeProgram(message).html(HARD_CASES[0].supporter, Urls(LINK, "#", "#", "#"))
    for image in message.images:
        html = html.replace(address(image, message.public_url), f"{pictures}/{image.digest}")
    style = f"<style>{''.join(_badge(n, words) for n, words in figures.items())}</style>"
    shown = dressed(html, Look.LIGHT, narrow=True)
    head = shown.lower().rfind("</head>")
    return shown[:head] + style + shown[head:] if head >= 0 else style + shown


def _badge(n: int, words: str) -> str:
    link = f'a[href="{LINK}/{n}"]'
    return f'{link}{BADGED}{link}{BADGE}{link}::after{{content:"{words}"}}'


def kept_picture(connection: Connection, slug: str, digest: str) -> tuple[str, bytes] | None:
    """A picture of the mail as it was mailed: its type and what it holds."""
    data = connection.execute(select(campaigns.c.message).where(campaigns.c.slug == slug)).scalar()
    if data is None or digest not in {image.digest for image in messages.from_json(data).every_image}:
        return None
    found = select(images.c.content_type, images.c.content).where(images.c.digest == digest)
    picture = connection.execute(found).first()
    return (picture.content_type, picture.content) if picture else None
