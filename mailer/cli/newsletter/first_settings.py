"""Who mails: what `mailer init` asks for, and the first mailer.toml and list made of the answers.

What is left unanswered stays as the sample has it, and `mailer check` finds it as soon as the sender is a real one.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mailer.errors import MailerError
from mailer.settings import SETTINGS_FILE, read_settings
from mailer.timezones import zone_named

SPECIALS = re.compile(r"[()<>@,:;.\"\[\]\\]")  # what makes a name need quotes (RFC 5322 §3.2.3)

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
NAMED = re.compile(r"(.*)<([^<>]*)>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answers:
    """What an organisation says about itself; "" where it said nothing."""

    name: str = ""
    address: str = ""  # postal
    sender: str = ""  # appeals@group.org, or Group <appeals@group.org>
    site: str = ""
    zone: str = ""

    @property
    def named(self) -> tuple[str, str]:
        """The sender's name, "" for none, and address. A name may hold any sign: Library: Leeds <…>."""
        found = NAMED.fullmatch(self.sender.strip())
        return (found[1].strip().strip('"'), found[2]) if found else ("", self.sender.strip())

    @property
    def domain(self) -> str:
        """The sender's domain, in ASCII as headers need it."""
        domain = self.named[1].rpartition("@")[2].lower()
        try:
            return domain.encode("idna").decode()
        except UnicodeError:  # the settings' reader says what is wrong with it
            return domain


def settings_text(sample: str, answers: Answers) -> str:
    """`sample`, the text of a mailer.toml, with the answers in their places. Raises for an answer that can't be one."""
    said = {"name": answers.name, "postal_address": answers.address, "website": _site(answers)}
    if answers.sender:
        said["from"] = _sender(answers)
    text = sample
    for key, value in said.items():
        if value:
            text = _set(text, key, value)
    if answers.sender:  # the sample's other addresses belong to nobody
        text = re.sub(r"(?m)^(reply_to|unsubscribe_mailto) = .*\n", "", text)
    if answers.zone:
        text = _with_zone(text, zone_named(answers.zone).key)
    _judge(text)
    return text


def list_text(sample: str, answers: Answers) -> str:
    """`sample`, the text of a list's definition, with its List-ID below the sender's domain."""
    return sample.replace("lists.example.org", f"lists.{answers.domain}") if answers.domain else sample


def _site(answers: Answers) -> str:
    site = answers.site or (f"https://{answers.domain}" if answers.domain else "")
    return site.rstrip("/") if not site or "://" in site else f"https://{site.rstrip('/')}"


def _sender(answers: Answers) -> str:
    name, address = answers.named
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
        raise MailerError(
            f"{answers.sender!r} is not an address you can mail from",
            remedy="Such as appeals@your-group.org, of a domain of yours.",
        )
    name = " ".join(CONTROLS.sub(" ", name or answers.name).split())
    if SPECIALS.search(name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{address}>" if name else address


def _set(text: str, key: str, value: str) -> str:
    line = re.compile(rf"(?m)^{key} = .*$")
    if not line.search(text):
        raise MailerError(f"the sample settings have no {key}", remedy="Install Mailer again.")
    return line.sub(lambda _: f"{key} = {_toml(value)}", text, count=1)


def _with_zone(text: str, zone: str) -> str:
    """With the time zone at the top: below a section's name it would belong to that."""
    above, transport, below = text.partition('transport = "outbox"\n')
    return f"{above}{transport}timezone = {_toml(zone)}\n{below}"


def _toml(value: str) -> str:
    """A basic string of TOML, which escapes as JSON does."""
    return json.dumps(" ".join(value.split()), ensure_ascii=False).replace("\x7f", "\\u007f")


def _judge(text: str) -> None:
    """Raise the faults that `mailer` would find in these settings, before anything is written."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / SETTINGS_FILE).write_text(text, encoding="utf-8")
        read_settings(Path(folder), {})
