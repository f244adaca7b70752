"""Tables for inbound data: signatures and what became of them, what people ask for by forms, provider events, bounces,
conversions.

Those of people and of the sending are in `core`, which brings these along.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from mailer.petition_fields.table import KEPT
from mailer.store.tables.types import Id, Instant, metadata, partial_index

statements = Table(  # what people put their names to, word for word
    "statements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("page", Text, nullable=False),  # newsletters/<slug>/action.md
    Column("text", Text, nullable=False),
    UniqueConstraint("page", "text"),
)

signatures = Table(  # one for each person and sign page; stays as a count when the person is forgotten
    "signatures",
    metadata,
    Column("id", Id, primary_key=True),
    Column("page", Text, nullable=False),  # newsletters/<slug>/action.md
    Column("person_id", BigInteger),  # null once the person is forgotten, and the texts below are empty then
    Column("statement_id", BigInteger, ForeignKey("statements.id"), nullable=False),
    # As signed: `people` may know another spelling of a name.
    *(Column(field.name, Text, nullable=False, server_default="") for field in KEPT),
    # What they answered to the page's own questions, by the question's key; `{}` once they are forgotten.
    Column("own", JSON, nullable=False, server_default="{}"),
    Column("shown", Boolean, nullable=False, server_default="0"),  # agreed that the first name is shown on the page
    Column("thanks", Text, nullable=False, server_default=""),  # ThanksState
    Column("comment_state", Text, nullable=False, server_default=""),  # CommentState: whether the page may show it
    Column("signed_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("campaign_id", BigInteger),  # what brought the person: the mail, if it was one …
    Column("delivery_id", BigInteger),  # … null too when the person is not to be tracked
    Column("n", Integer),  # … and its link
    Column("source", Text, nullable=False, server_default=""),  # … or what the page's address named as its source
    Column("language", Text, nullable=False, server_default=""),  # of the page that they read, BCP 47; "" before 0016
    UniqueConstraint("page", "person_id"),
    Index("ix_signatures_person_id", "person_id"),
    Index("ix_signatures_page_signed_at", "page", "signed_at"),
    Index("ix_signatures_campaign_id", "campaign_id"),
    sqlite_autoincrement=True,
)
# What signers agreed to have shown and nobody has decided about. Written out, so that both engines see that a query
# asks for what the index holds.
TO_DECIDE = text("shown AND comment <> '' AND comment_state IN ('new', 'held')")
partial_index("ix_signatures_to_decide", signatures.c.page, signatures.c.changed_at, signatures.c.id, where=TO_DECIDE)

delivered_petitions = Table(  # that a petition was handed to those it is addressed to
    "delivered_petitions",
    metadata,
    Column("page", Text, primary_key=True),  # newsletters/<slug>/action.md
    Column("day", Text, nullable=False),  # YYYY-MM-DD, where it was delivered
    Column("note", Text, nullable=False, server_default=""),  # what is told of it, in the group's own words
    Column("signatures", Integer, nullable=False),  # counted when it was noted
    Column("noted_at", Instant, nullable=False),
)

requests = Table(  # what somebody asked for by a form; nothing of it holds until the link in a mail is pressed
    "requests",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # random: the token's number
    Column("kind", Text, nullable=False),  # RequestKind
    Column("address", Text, nullable=False),  # where the mail with the link goes; normalised
    Column("person_id", BigInteger),  # whose address is to change
    Column("fields", JSON, nullable=False, server_default="{}"),  # first_name, last_name, country, language
    Column("lists", JSON, nullable=False, server_default="[]"),  # names of the lists to join
    Column("source", Text, nullable=False),  # the page it was asked on
    Column("wording", Text, nullable=False, server_default=""),  # what was agreed to, word for word
    Column("asked_at", Instant, nullable=False, index=True),
    Column("done_at", Instant),
    Index("ix_requests_address", "address"),
)

conversions = Table(  # what a supporter did elsewhere after following a link, as the other site reports it
    "conversions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", BigInteger, nullable=False, index=True),
    Column("delivery_id", BigInteger),  # null once the person does not want to be tracked
    Column("n", Integer),  # the link, where it is known
    Column("name", Text, nullable=False),  # what was done: signed, donated …
    Column("reference", Text, nullable=False),  # the other site's own number of it; a repeat changes nothing
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),  # api or the file's name
    UniqueConstraint("name", "reference"),
)

judged_hits = Table(  # how far the hits of a campaign were judged together
    "judged_hits",
    metadata,
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False),
    Column("up_to", BigInteger, nullable=False),  # the last hit seen
    Column("rules", Integer, nullable=False),  # the version of the rules
)

provider_events = Table(  # events that changed nothing: of an unknown kind, or about nobody we know
    "provider_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("key", Text, nullable=False),  # the provider's own number of it, or a digest
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("delivery_id", BigInteger, index=True),
    Column("payload", JSON, nullable=False),  # without the address
    Column("why", Text, nullable=False),  # why it was only kept
    UniqueConstraint("provider", "key"),
)

returned_mails = Table(  # each mail read from the mailbox for bounces, once
    "returned_mails",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of its bytes, in hex
    Column("at", Instant, nullable=False),  # when it was read
    Column("kind", Text, nullable=False),  # ReturnedKind
    Column("delivery_id", BigInteger, index=True),  # by our signed token; null: it acted on nobody
    Column("why", Text, nullable=False, server_default=""),  # what was done, or why nothing
    Column("sender", Text, nullable=False, server_default=""),  # of what staff must look at; else ""
    Column("subject", Text, nullable=False, server_default=""),
    Column("decision", Text, nullable=False, server_default=""),  # MailDecision
)
# Few among many, and counted on each page of the studio.
OPEN_MAIL = text("decision = 'open'")
partial_index("ix_returned_mails_open", returned_mails.c.at, where=OPEN_MAIL)

replies = Table(  # what people answered to a newsletter; the words go when they are old, or the person is forgotten
    "replies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # SHA-256 of its Message-ID and its token, in hex: a copy is none
    Column("at", Instant, nullable=False, index=True),  # when it was read
    Column("kind", Text, nullable=False),  # ReplyKind
    Column("state", Text, nullable=False),  # ReplyState
    Column("campaign_id", BigInteger, index=True),
    Column("delivery_id", BigInteger, index=True),  # by our signed token; null: it doesn't say what it answers
    Column("sender", Text, nullable=False, server_default=""),  # Name <address>, as the mail says
    Column("subject", Text, nullable=False, server_default=""),
    Column("message_id", Text, nullable=False, server_default=""),  # of their mail, for an answer to refer to
    Column("words", Text, nullable=False, server_default=""),  # what they wrote, without the mail they answer
    Column("attachments", JSON, nullable=False, server_default="[]"),  # their names; the files aren't kept
    Column("handed_to", BigInteger),  # the account that sees to it
    Column("changed_at", Instant, nullable=False),
)
# Few among many, and counted on each page of the studio.
WAITING_REPLY = replies.c.state == literal_column("'new'")  # written out, as SQLite's partial indexes want it
partial_index("ix_replies_waiting", replies.c.at, where=WAITING_REPLY)

unsubscribe_presses = Table(  # who pressed "unsubscribe" on a page or by one click; kept for a month
    "unsubscribe_presses",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", BigInteger, nullable=False, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("how", Text, nullable=False),  # link, one-click, or page: who had left already looked at the page
    # By what and from where, as `hits` have it; empty of somebody who isn't to be tracked.
    Column("agent", Text, nullable=False, server_default=""),
    Column("network", LargeBinary, nullable=False),  # salted hash of the network, never an address
    Column("decided", Text, nullable=False, server_default=""),  # PressDecision
)

rate_limits = Table(  # how far ahead the turns of one address or network are given out, over all servers together
    "rate_limits",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # keyed hash of what is limited, and for which person
    Column("next_at", Instant, nullable=False, index=True),
)
