""" "Send a proof" from the page: the same as `mailer test`, with the person the page shows, told in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.audience.addresses import normalise
from mailer.delivery.sending.proofs import ProofRecipient, send_proof
from mailer.errors import MailerError
from mailer.transports.provider import make_transport
from mailer.web.studio.live_compile import LiveNewsletter
from mailer.web.studio.preview.sample_readers import Reader


@dataclass(frozen=True, slots=True)
class ProofResult:
    """What became of a proof, in words."""

    went: bool
    words: str
    remedy: str = ""
    to: str = ""


def send(desk: LiveNewsletter, reader: Reader, to: str) -> ProofResult:
    """Mail a proof of the newest version, merged for `reader`, to the address `to`."""
    showing = desk.look()
    if showing.faults or showing.prepared is None:
        return ProofResult(
            False, "Nothing was sent: the newest version has faults.", "Fix what Findings shows first.", to
        )
    workspace = showing.workspace
    try:
        address = normalise(to)
        transport = make_transport(workspace.settings, workspace.secrets, root=workspace.root)
        proof = ProofRecipient(to=address, supporter=reader.supporter, person_id=reader.person_id)
        send_proof(workspace, desk.database, showing.prepared.plan, proof, transport=transport, now=desk.clock())
    except MailerError as error:
        return ProofResult(False, f"Nothing was sent: {error.message}.".replace("..", "."), error.remedy, to)
    merged = f"as {reader.label} would get it" if reader.supporter["name"] else "as somebody without a name gets it"
    return ProofResult(
        True, f"A proof went to {address} by {transport.name}, {merged}.", "Nothing done with it counts.", to
    )
