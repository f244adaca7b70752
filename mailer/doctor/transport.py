"""Whether mails can be handed over: the transport is tried without mailing anybody, and its answers judged."""

from __future__ import annotations

from pathlib import Path

from mailer.diagnostics import Diagnostic, in_part, warning, well
from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import TransportRefused, TransportUnavailable
from mailer.transports.loopback import on_this_machine
from mailer.transports.provider import make_transport
from mailer.transports.smtp.settings import Smtp
from mailer.transports.smtp.transport import RelayFacts, SmtpTransport

# A newsletter is a text and HTML of about 100 kB at most, since its pictures are not inside (Gmail cuts longer ones).
LARGEST_MAIL_BYTES = 1_000_000


def examine_transport(settings: Settings, secrets: Secrets, *, root: Path) -> list[Diagnostic]:
    """Log in to the relay, have the provider validate a mail in its sandbox, or write into the outbox."""
    try:
        transport = make_transport(settings, secrets, root=root)
        if not isinstance(transport, SmtpTransport):
            return [well(transport.probe())]
        findings = judge_relay(transport.look())
    except (TransportRefused, TransportUnavailable) as error:
        return in_part("transport", error.diagnostics)
    if secrets.of_provider("smtp_password") and not settings.section(Smtp).username:
        said = "there is an SMTP password and smtp.username is empty, so nobody logs in"
        findings.append(warning(said, "Set smtp.username, or take the password out."))
    return findings


def judge_relay(facts: RelayFacts) -> list[Diagnostic]:
    """Findings about a relay that accepted our login."""
    findings = [well(facts.in_words())]
    if facts.tls_version is None and not on_this_machine(facts.host):
        # Gmail requires TLS of bulk senders (support.google.com/a/answer/81126), and so does the law for
        # addresses that travel (GDPR Article 32).
        said = f"mails travel to {facts.host} unencrypted, and everybody's address with them"
        findings.append(warning(said, 'Set smtp.security to "starttls" or "tls".'))
    if facts.loses_commands:
        said = f"{facts.host} offers pipelining and loses commands that are sent at once, as some filters do"
        waits = "each run waits for the lost answers before it goes on without"
        findings.append(warning(f"{said}; {waits}", "Set smtp.pipelining = false."))
    if facts.size_limit_bytes and facts.size_limit_bytes < LARGEST_MAIL_BYTES:
        said = f"the relay takes no mail above {facts.size_limit_bytes:,} bytes (SIZE, RFC 1870)"
        remedy = "Ask the people who run it to raise the limit."
        findings.append(warning(f"{said}, so long newsletters would be refused", remedy))
    return findings
