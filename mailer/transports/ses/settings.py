"""What mailer.toml can set of Amazon SES."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailer.settings.limits import CONNECTIONS, above_zero, matching, or_empty
from mailer.settings.providers import Asked, Preset, ProviderSection

_REGION = "[a-z]{2}(?:-[a-z]+)+-[0-9]"
REGION = matching(_REGION, "{name} {value!r} is not a region", 'Such as "eu-central-1".')
CONFIGURATION_SET = matching("[A-Za-z0-9_-]{1,64}", "{name} has letters, digits, - and _ only")
TOPIC = matching(
    f"arn:(aws|aws-cn|aws-us-gov):sns:{_REGION}:[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}",
    "{name} is not the ARN of a topic",
    'Such as "arn:aws:sns:eu-central-1:123456789012:mail".',
)


@dataclass(frozen=True, slots=True)
class Ses:
    """Amazon SES. `configuration_set`: what publishes events; "" leaves it to the sending identity's default.
    `endpoint`: instead of the region's own, such as one inside a private network."""

    # Such as eu-central-1; empty, nothing is sent: where people's data goes is for staff to say.
    region: Annotated[str, or_empty(REGION)] = ""
    configuration_set: Annotated[str, or_empty(CONFIGURATION_SET)] = ""
    topic_arn: Annotated[str, or_empty(TOPIC)] = ""  # of the SNS topic whose posts are believed; empty, none is
    endpoint: str = ""
    connections: Annotated[int, CONNECTIONS] = 8  # a call carries one mail, so this decides the speed
    timeout_seconds: Annotated[float, above_zero(at_most=600)] = 30.0


def host_of(service: str, region: str) -> str:
    """The host of one of Amazon's services; China's have a domain of their own."""
    return f"{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


PRESET = Preset(
    "amazon-ses",
    "Amazon SES",
    about="Cheap for many mails; an account begins in a sandbox.",
    asks=(
        Asked("region", "Region", "Such as eu-central-1: where the identity of your domain is."),
        Asked("ses_access_key_id", "Access key ID", "Of an IAM user that may do ses:SendEmail, and no more."),
        Asked("ses_secret_access_key", "Secret access key", "Shown once, when the key is made."),
        Asked("configuration_set", "Configuration set", "The one that publishes events. Empty: the identity’s own."),
        Asked("topic_arn", "Topic of its events", "The ARN of the SNS topic, such as arn:aws:sns:eu-central-1:…"),
    ),
    guide=(
        "Identities: verify your domain with Easy DKIM, and add its three DNS records.",
        "Account dashboard: ask for production access. Until it is given, only verified addresses get mail.",
        "IAM: make a user with the right ses:SendEmail and an access key, and copy both halves to here.",
        "Make an SNS topic, have a configuration set publish bounces, complaints and deliveries to it, and subscribe "
        "the address below to the topic.",
    ),
)
SECTION = ProviderSection(
    "ses",
    "Amazon SES",
    Ses,
    secrets=("ses_access_key_id", "ses_secret_access_key", "ses_session_token"),
    presets=(PRESET,),
)
