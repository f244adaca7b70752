"""Changing settings: in place, only if all are sound, never over what somebody else changed, and told in the log."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.editing.save import SaveConflict, Saved
from mailer.editing.settings.change import SettingsRefused, change_settings, settings_text
from mailer.editing.settings.secrets import write_secrets
from mailer.editing.toml_edit import TomlValue
from mailer.errors import MailerError
from mailer.settings import Secrets, read_secrets, read_settings
from mailer.settings.secrets import secret_names
from mailer.staff.actor import Actor, NotAllowed, terminal
from mailer.staff.audit import entries
from mailer.staff.rights import EVERY_RIGHT, Right
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.conftest import NOW

KEY = "a-key-of-another-site-that-is-long-enough"
NOTHING: dict[str, str] = {}


def change(
    workspace: Workspace, database: Database, base: str | None = None, environ: dict[str, str] = NOTHING,
    **changes: TomlValue,
) -> Saved | SaveConflict:  # fmt: skip
    named = {name.replace("__", "."): value for name, value in changes.items()}
    with database.write() as connection:
        return change_settings(
            workspace, connection, terminal(), named, base=base, at=NOW, environ=environ
        )  # fmt: skip


def test_a_value_is_changed_where_it_is_and_logged(workspace: Workspace, database: Database) -> None:
    before = settings_text(workspace)
    change(workspace, database, brand__primary="#0b6069", organisation__name="Clean River")
    after = settings_text(workspace)
    assert after.replace("Clean River", "Example Campaigns", 1) == f'{before}\n[brand]\nprimary = "#0b6069"\n'
    assert read_settings(workspace.root, {}).brand.primary == "#0b6069"
    with database.read() as connection:
        (entry,) = entries(connection)
    assert (entry.action, entry.subject) == ("settings changed", "settings")
    assert entry.detail == "brand.primary not set → #0b6069; organisation.name Example Campaigns → Clean River"
    assert entry.before != entry.after


def test_every_fault_is_said_at_its_setting_and_nothing_is_written(workspace: Workspace, database: Database) -> None:
    before = settings_text(workspace)
    with pytest.raises(SettingsRefused) as refused:
        change(
            workspace, database, brand__primary="blue", pace__per_second="fast", organisation__postal_address=None,
            bounces__imap="imap.example.org",
        )  # fmt: skip
    assert set(refused.value.by_name) == {
        "brand.primary", "pace.per_second", "organisation.postal_address", "bounces.imap",
    }  # fmt: skip
    assert settings_text(workspace) == before
    with database.read() as connection:
        assert not entries(connection)


def test_what_others_changed_meanwhile_stays_and_the_same_one_is_not_overwritten(
    workspace: Workspace, database: Database
) -> None:
    base = settings_text(workspace)
    change(workspace, database, base, brand__primary="#0b6069")
    found = change(workspace, database, base, organisation__name="Clean River")
    assert isinstance(found, Saved)
    assert found.merged
    settings = read_settings(workspace.root, {})
    assert (settings.brand.primary, settings.organisation.name) == ("#0b6069", "Clean River")
    assert isinstance(change(workspace, database, base, brand__primary="#111111"), SaveConflict)
    assert read_settings(workspace.root, {}).brand.primary == "#0b6069"


def test_the_log_keeps_no_path_of_an_address(workspace: Workspace, database: Database) -> None:
    change(workspace, database, webhook__url="https://us:pass@crm.example.org/hook/8f7e6d")
    with database.read() as connection:
        assert entries(connection)[0].detail == "webhook.url not set → https://crm.example.org/…"


def test_both_ask_for_the_right(workspace: Workspace, database: Database) -> None:
    without = Actor("w", EVERY_RIGHT - {Right.SETTINGS})
    limited = Actor("l", EVERY_RIGHT, lists=frozenset({"supporters"}))  # settings hold for every list
    for actor in (without, limited):
        with database.write() as connection:
            with pytest.raises(NotAllowed):
                change_settings(workspace, connection, actor, {"timezone": "Europe/London"}, base=None, at=NOW)
            with pytest.raises(NotAllowed):
                write_secrets(workspace, connection, actor, {"smtp_password": "x"}, at=NOW)


def keep(workspace: Workspace, database: Database, environ: dict[str, str] = NOTHING, **given: object) -> Secrets:
    with database.write() as connection:
        write_secrets(workspace, connection, terminal(), given, at=NOW, environ=environ)  # pyright: ignore[reportArgumentType]
    return read_secrets(workspace.root, {})


def test_secrets_are_written_privately_and_logged_by_name_alone(workspace: Workspace, database: Database) -> None:
    before = (workspace.root / "secrets.toml").read_text()
    found = keep(workspace, database, smtp_password='p"ass\\wörd', api_keys=(KEY,))
    assert (found.of_provider("smtp_password"), found.api_keys) == ('p"ass\\wörd', (KEY,))
    assert found.signing_keys == workspace.secrets.signing_keys
    assert stat.S_IMODE((workspace.root / "secrets.toml").stat().st_mode) == 0o600
    assert keep(workspace, database, smtp_password=None, api_keys=None).of_provider("smtp_password") == ""
    assert (workspace.root / "secrets.toml").read_text() == before
    with database.read() as connection:
        told = [(one.action, one.detail) for one in entries(connection)]
    assert told == [
        ("secret taken out", "api_keys, smtp_password"), ("secret written", "api_keys, smtp_password"),
    ]  # fmt: skip


def test_a_first_secret_makes_a_private_file(workspace: Workspace, database: Database) -> None:
    (workspace.root / "secrets.toml").unlink()
    keep(workspace, database, smtp_password="x")
    assert stat.S_IMODE((workspace.root / "secrets.toml").stat().st_mode) == 0o600


def test_bad_secrets_are_refused_without_being_quoted(workspace: Workspace, database: Database) -> None:
    before = (workspace.root / "secrets.toml").read_bytes()
    for given_, environ in (
        ({"webhook_key": "short-secret"}, NOTHING), ({"signing_keys": (KEY,)}, NOTHING),
        ({"address_key": KEY}, NOTHING), ({"nothing": "short-secret"}, NOTHING),
        ({"smtp_password": "short-secret"}, {"MAILER_SMTP_PASSWORD": "x"}),
    ):  # fmt: skip
        with pytest.raises(MailerError) as refused:
            keep(workspace, database, environ, **given_)
        assert "short-secret" not in str(refused.value)
        assert KEY not in str(refused.value)
    (workspace.root / "secrets.toml").chmod(0o640)
    with pytest.raises(MailerError, match="can be read by others"):
        keep(workspace, database, smtp_password="x")
    assert (workspace.root / "secrets.toml").read_bytes() == before


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60), st.sampled_from(secret_names()))
def test_any_secret_comes_back_as_it_went_in(text: str, name: str) -> None:
    from mailer.editing.toml_edit import change_toml, read_values

    before = '# ours\nsmtp_password = "old" # why\n'
    assert read_values(change_toml(before, {name: text}))[name] == text
