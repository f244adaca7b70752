"""What SES itself says of the account, of the sender's identity and of where events go, for `mailer doctor`.

Calls: GetAccount, GetEmailIdentity and GetConfigurationSetEventDestinations
(docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html and so on). All faults are told at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

from mailer.senders import split_sender
from mailer.transports.base import TransportRefused, TransportUnavailable
from mailer.transports.ses.http import SesAnswer
from mailer.transports.ses.settings import Ses

Call = Callable[[str], SesAnswer]
# BOUNCE and COMPLAINT keep us from mailing people who must not be; the others settle what was uncertain, or is late.
EVENTS = ("SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY")


def look(call: Call, settings: Ses, *, sender: str) -> str:
    """A sentence on what works. Raises `TransportRefused` with all that doesn't, `TransportUnavailable` for now."""
    account, faults = _answer(call, "account"), list[str]()
    quota = _table(account, "SendQuota")
    known = [
        f"Amazon SES in {settings.region} sends: {_number(quota, 'SentLast24Hours'):,.0f} of"
        f" {_number(quota, 'Max24HourSend'):,.0f} mails in 24 hours, at most {_number(quota, 'MaxSendRate'):g} a second"
    ]
    if account.get("ProductionAccessEnabled") is not True:
        faults.append("the account is in the sandbox, which mails nobody but verified addresses")
    if account.get("SendingEnabled") is not True:
        faults.append(f"sending is switched off (the account's status is {account.get('EnforcementStatus')})")
    elif account.get("EnforcementStatus") == "PROBATION":
        faults.append("the account is under review for its bounces or complaints")
    for said, wrong in (_identity(call, sender), _events(call, settings)):
        known += said
        faults += wrong
    if faults:
        raise TransportRefused(
            f"Amazon SES in {settings.region}: {'; '.join(faults)}",
            remedy="Put it right in the SES console.",
        )
    return "; ".join(known)


def _identity(call: Call, sender: str) -> tuple[list[str], list[str]]:
    """What is known of the sender's domain or, where that isn't verified, of the address."""
    if not sender:
        return [], ["there is no sender to look up: set [sender] from in mailer.toml"]
    address = split_sender(sender)[1]
    domain = address.rpartition("@")[2]
    for name in (domain, address):
        identity = _answer(call, f"identities/{quote(name, safe='@')}", missing={})
        if identity:
            break
    else:
        return [], [f"neither {domain} nor {address} is an identity there"]
    dkim, mail_from = _table(identity, "DkimAttributes"), _table(identity, "MailFromAttributes")
    faults: list[str] = []
    if identity.get("VerifiedForSendingStatus") is not True:
        faults.append(f"{name} is not verified")
    if dkim.get("SigningEnabled") is not True or dkim.get("Status") != "SUCCESS":
        faults.append(
            f"mails from {name} are not signed (DKIM {dkim.get('Status', 'unknown')}): publish the CNAME records of"
            f" {_listed(dkim.get('Tokens')) or 'its tokens'} under _domainkey.{domain}"
        )
    own, state = mail_from.get("MailFromDomain"), mail_from.get("MailFromDomainStatus")
    if own and state in ("FAILED", "TEMPORARY_FAILURE"):
        faults.append(f"the MAIL FROM domain {own} has no MX record that leads to SES ({state})")
    way = f"with {own} as MAIL FROM ({state})" if own else "without a MAIL FROM domain of its own"
    return [f"{name} is verified and signed, {way}"], faults


def _events(call: Call, settings: Ses) -> tuple[list[str], list[str]]:
    """Whether the configuration set publishes to the topic that we believe."""
    if not settings.topic_arn:
        return ["without ses.topic_arn nothing is heard of bounces and complaints"], []
    if not settings.configuration_set:
        return ["events are left to the identity's own configuration set"], []
    name = settings.configuration_set
    told = _answer(call, f"configuration-sets/{name}/event-destinations", missing={})
    published = {
        event
        for one in cast(list[dict[str, Any]], told.get("EventDestinations") or [])
        if one.get("Enabled") is True and _table(one, "SnsDestination").get("TopicArn") == settings.topic_arn
        for event in cast(list[str], one.get("MatchingEventTypes") or [])
    }
    missing = [event for event in EVENTS if event not in published]
    if missing:
        return [], [f"the configuration set {name} doesn't publish {', '.join(missing)} to {settings.topic_arn}"]
    return [f"{name} publishes events to {settings.topic_arn}"], []


def _answer(call: Call, path: str, *, missing: dict[str, Any] | None = None) -> dict[str, Any]:
    """The data of an answer; `missing` for what isn't there."""
    answer = call(path)
    if answer.status == 200:
        return answer.data
    if answer.status == 404 and missing is not None:
        return missing
    if answer.status == 429 or answer.status >= 500 or answer.error.startswith("Throttl"):
        raise TransportUnavailable(f"Amazon SES answered {answer}")
    raise TransportRefused(
        f"Amazon SES refuses us: {answer}",
        remedy="Check the access key, this machine's clock, and the permissions ses:GetAccount, ses:GetEmailIdentity"
        " and ses:GetConfigurationSetEventDestinations.",
    )


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    found: object = data.get(name)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _number(data: dict[str, Any], name: str) -> float:
    found: object = data.get(name)
    return float(found) if isinstance(found, int | float) else 0.0


def _listed(found: object) -> str:
    return ", ".join(map(str, cast(list[object], found))) if isinstance(found, list) else ""
