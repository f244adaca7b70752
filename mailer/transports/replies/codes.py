"""What the numbers of a reply mean, as data: whose fault it is by its enhanced code, or by its number alone.

Sources: RFC 3463 and the IANA registry of enhanced codes, RFC 5321 §4.2.1 and §4.3.2, RFC 4954 §6, RFC 7504, RFC 7505,
Microsoft's "Email non-delivery reports in Exchange Online". How they are read is for `classify`.
"""

from __future__ import annotations

import re

from mailer.transports.base import ReplyClass

HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS

# The most exact entry wins: 5.7.1, then 5.7, then 5. "x" stands for 4 and 5 alike.
ENHANCED: dict[str, ReplyClass] = {
    "5.1.1": HARD,  # no such mailbox
    "5.1.2": HARD,  # no such domain
    "5.1.3": HARD,  # not an address
    "5.1.6": HARD,  # moved, no forwarding address
    "5.1.10": HARD,  # the domain takes no mail: null MX, RFC 7505; Exchange Online: no such recipient
    "5.2.1": HARD,  # disabled; but some use it for limits, which their words tell
    "5.4.310": HARD,  # Exchange Online: the domain doesn't exist
    "x.1.7": OURS,  # the sender's address is malformed
    "x.1.8": OURS,  # the sender's domain doesn't exist
    "x.1": SOFT,  # other troubles with an address
    "x.2.2": SOFT,  # full
    "x.2.3": POLICY,  # longer than this mailbox takes
    "x.2": SOFT,  # other states of a mailbox
    "x.3.4": POLICY,  # too big for the system
    "x.3": SOFT,  # the receiving system
    "x.4": SOFT,  # network and routing
    "x.5": OURS,  # protocol: we said something wrong
    "x.6": POLICY,  # content
    "5.7.60": OURS,  # Exchange: no right to send as this sender
    "x.7.8": OURS,  # login refused, RFC 4954
    "x.7.9": OURS,  # login method too weak
    "x.7.25": OURS,  # no reverse DNS for the client, RFC 7372
    "x.7": POLICY,  # authentication of the mail, reputation, content
}

# Replies without an enhanced code, by their number.
PLAIN: dict[int, ReplyClass] = {
    421: SOFT, 432: OURS, 450: SOFT, 451: SOFT, 452: SOFT, 454: SOFT, 455: OURS,
    500: OURS, 501: OURS, 502: OURS, 503: OURS, 504: OURS, 521: HARD, 530: OURS, 534: OURS, 535: OURS, 538: OURS,
    550: SOFT, 551: HARD, 552: SOFT, 553: SOFT, 554: POLICY, 555: OURS, 556: HARD,
}  # fmt: skip

LOGIN = (530, 534, 535, 538)  # RFC 4954: a login is missing or wrong, whatever the enhanced code


def by_code(enhanced: str) -> ReplyClass | None:
    """What the table says of an enhanced code; None when it has no entry."""
    kind, subject, detail = enhanced.split(".")
    for key in (f"{kind}.{subject}.{detail}", f"x.{subject}.{detail}", f"{kind}.{subject}", f"x.{subject}"):
        if key in ENHANCED:
            return ENHANCED[key]
    return None


def is_generic(enhanced: str) -> bool:
    """Whether a code says so little that words beat it: "", and what the table knows by its subject alone. Servers give
    such codes where they mean something else or nothing at all: 5.0.0, 5.1.0, 5.4.1, 5.5.0, 5.7.1."""
    return re.sub("^[45]", "5", enhanced) not in ENHANCED and re.sub("^[45]", "x", enhanced) not in ENHANCED
