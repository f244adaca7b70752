"""A provider is one folder: found by looking, complete, and named nowhere else."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mailer.diagnostics import Place
from mailer.errors import MailerError
from mailer.settings import Settings, read_secrets, read_settings
from mailer.settings.providers import ProviderSection, provider_sections
from mailer.settings.tables import read_table
from mailer.transports.provider import provider_named
from tests.conftest import SETTINGS

MAILER = Path(__file__).parents[2] / "mailer"
SECTIONS = list(provider_sections().values())
COMMERCIAL = re.compile(r"sendgrid|postmark|mailgun|\bses\b|amazon|\bsns\b", re.IGNORECASE)
# Where another provider's documentation is cited as a source, or another program's export is read.
CITING = {
    "delivery/ledger/warm_up.py",  # how fast a new address may grow
    "settings/sending.py",  # the rates at which Amazon pauses an account
    "timezones/guesses.py",  # a state of Brazil
    "transports/replies/phrases.py",  # whose words a row was gathered from
}


def test_folders_are_found_and_the_embedded_one_comes_first() -> None:
    folders = {path.parent.name for path in (MAILER / "transports").glob("*/provider.py")}
    assert set(provider_sections()) == folders
    assert next(iter(provider_sections())) == "outbox"
    with pytest.raises(MailerError, match="unknown transport 'pigeon'"):
        provider_named("pigeon")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one.name)
def test_a_provider_says_all_that_others_ask(section: ProviderSection) -> None:
    provider = provider_named(section.name)
    settings = Settings(root=Path(), transport=section.name)
    assert provider.section is section
    assert section.name.isalpha()
    assert section.name.islower()  # MAILER_<NAME>_<KEY> is split at the first _
    assert all(name.startswith(f"{section.name}_") for name in section.secrets)
    assert not set(section.secrets) & {f"{section.name}_{one.name}" for one in fields(section.kind)}
    assert not read_table(section.kind, {}, section=section.name, place=lambda key: Place(part=key)).faults
    assert provider.where(settings)
    assert 1 <= provider.connections(settings) <= 64
    assert provider.make.__module__ == f"mailer.transports.{section.name}.provider"
    if provider.events is not None:
        assert provider.event_source().verifier(settings, read_secrets(Path("/nowhere"), {})) is None


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one.name)
def test_its_section_and_secrets_are_read_from_files_and_the_environment(
    tmp_path: Path, section: ProviderSection
) -> None:
    (tmp_path / "mailer.toml").write_text(f"{SETTINGS}\n[{section.name}]\npigeons = 1\n", encoding="utf-8")
    with pytest.raises(MailerError, match="settings have faults") as raised:
        read_settings(tmp_path, environ={})
    assert f"unknown setting 'pigeons' in [{section.name}]" in str(raised.value.diagnostics)
    (tmp_path / "mailer.toml").write_text(SETTINGS, encoding="utf-8")
    given = {f"MAILER_{name.upper()}": f"word of {name}" for name in section.secrets}
    assert read_settings(tmp_path, environ={**given, "MAILER_TRANSPORT": section.name}).transport == section.name
    secrets = read_secrets(tmp_path, given)
    assert {name: secrets.of_provider(name) for name in section.secrets} == {
        name: f"word of {name}" for name in section.secrets
    }
    assert "word of" not in repr(secrets)


def test_no_module_outside_its_folder_spells_a_provider() -> None:
    own = {MAILER / "transports" / name for name in provider_sections()}
    spelled = {
        str(path.relative_to(MAILER))
        for path in sorted(MAILER.rglob("*"))
        if path.suffix in (".py", ".html", ".j2")
        and "versions" not in path.parts
        and not own & set(path.parents)
        and COMMERCIAL.search(path.read_text(encoding="utf-8"))
    }
    assert spelled - CITING == set()
    assert CITING - spelled == set()  # none is excepted for nothing
