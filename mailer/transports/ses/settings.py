"""What mailer.toml can set of Amazon SES."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailer.settings.providers import ProviderSection, SectionFault, connections_fault

REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")
TOPIC = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-[0-9]):[0-9]{12}:[A-Za-z0-9_-]{1,256}")
CONFIGURATION_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Ses:
    """Amazon SES. `configuration_set`: what publishes events; "" leaves it to the sending identity's default.
    `endpoint`: instead of the region's own, such as one inside a private network."""

    region: str = ""  # such as eu-central-1; empty, nothing is sent: where people's data goes is for staff to say
    configuration_set: str = ""
    topic_arn: str = ""  # of the SNS topic whose posts are believed; empty, none is
    endpoint: str = ""
    connections: int = 8  # a call carries one mail, so this decides the speed
    timeout_seconds: float = 30.0


def host_of(service: str, region: str) -> str:
    """The host of one of Amazon's services; China's have a domain of their own."""
    return f"{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def _faults(given: Ses) -> Iterator[SectionFault]:
    if given.region and not REGION.fullmatch(given.region):
        yield SectionFault("region", f"ses.region {given.region!r} is not a region", 'Such as "eu-central-1".')
    if given.configuration_set and not CONFIGURATION_SET.fullmatch(given.configuration_set):
        yield SectionFault("configuration_set", "ses.configuration_set has letters, digits, - and _ only")
    if given.topic_arn and not TOPIC.fullmatch(given.topic_arn):
        yield SectionFault(
            "topic_arn",
            "ses.topic_arn is not the ARN of a topic",
            'Such as "arn:aws:sns:eu-central-1:123456789012:mail".',
        )
    if not 0 < given.timeout_seconds <= 600:
        yield SectionFault("timeout_seconds", "ses.timeout_seconds must be above 0 and at most 600")
    yield from connections_fault("ses", given.connections)


SECTION = ProviderSection(
    "ses",
    "Amazon SES",
    Ses,
    faults=_faults,
    secrets=("ses_access_key_id", "ses_secret_access_key", "ses_session_token"),
)
