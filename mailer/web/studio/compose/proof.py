""" "Send a proof" from the page: the same as `mailer test`, with the reader the page shows, told in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.audience.addresses import normalise
from mailer.delivery.sending.proofs import ProofRecipient
from mailer.delivery.sending.proofs import send_proof as mail_proof
from mailer.delivery.thanks.proofs import prove_thanks
from mailer.errors import MailerError
from mailer.transports.provider import make_transport
from mailer.web.studio.compose.looks import DraftLook
from mailer.web.studio.core.context import Visit
from mailer.web.studio.preview.sample_readers import TYPED, Reader


@dataclass(frozen=True, slots=True)
class ProofResult:
    """What became of a proof, in words."""

    went: bool
    words: str
    remedy: str = ""
    to: str = ""


def send(visit: Visit, look: DraftLook, reader: Reader, to: str) -> ProofResult:
    """Mail a proof of a look, merged for `reader`, to the address `to`."""
    workspace = visit.workspace
    if look.press is None or look.errors:
        return ProofResult(False, "Nothing was sent: the newsletter has something to fix.", "It is listed below.", to)
    try:
        address = normalise(to)
        transport = make_transport(workspace.settings, workspace.secrets, root=workspace.root)
        if look.is_thanks:
            named = None if reader is TYPED else reader.supporter
            prove_thanks(visit.database, look.press.plan, named, to=address, transport=transport, now=visit.now)
        else:
            recipient = ProofRecipient(to=address, supporter=reader.supporter, person_id=reader.person_id)
            mail_proof(visit.database, look.press.plan, recipient, transport=transport, now=visit.now)
    except MailerError as error:
        return ProofResult(False, f"Nothing was sent: {error.message}.".replace("..", "."), error.remedy, to)
    merged = f"as {reader.label} would get it" if reader.supporter["name"] else "as somebody without a name gets it"
    return ProofResult(True, f"A proof went to {address}, {merged}.", "Nothing done with it counts.", to)
