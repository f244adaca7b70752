"""Where replies go: nobody writes back into nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mailer.diagnostics import Diagnostic, warning, well
from mailer.senders import split_sender
from mailer.settings import Settings
from mailer.transports.provider import provider_named

_NOBODY = re.compile(r"(?:no|do[._-]?not|never)[._-]?(?:reply|respond|answer)|mailer-daemon|noanswer", re.IGNORECASE)


def examine_replies(settings: Settings, of_lists: Mapping[str, str]) -> list[Diagnostic]:
    """Where replies to the newsletters go; `of_lists`: the Reply-To of those lists that name one."""
    return list(_findings(settings, of_lists))


def _findings(settings: Settings, of_lists: Mapping[str, str]) -> Iterator[Diagnostic]:
    sender = settings.sender.reply_to or settings.sender.from_
    if mailbox := settings.replies.address:
        yield well(f"replies go to {mailbox}: mailer bounces reads them, and the studio’s Inbox has them")
        provider = provider_named(settings.transport)
        if provider.one_reply_to:
            words = "gives all mails one Reply-To, so who wrote is told by the sender’s address alone"
            yield well(f"{provider.title} {words}")
    elif sender:
        yield _judged("replies go to", sender)
    for name, reply_to in sorted(of_lists.items()):
        yield _judged(f"replies to the list {name} go to", reply_to)


def _judged(words: str, sender: str) -> Diagnostic:
    address = split_sender(sender)[1]
    if _NOBODY.match(address):
        remedy = (
            "Set [replies] address, and read them in the studio; or name a mailbox that somebody reads as reply_to."
        )
        return warning(f"{words} {address}, which by its name nobody reads", remedy)
    return well(f"{words} {address}")
