"""A setting is its field: read, limited, named and placed by what is declared there, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest

from mailer.diagnostics import Place
from mailer.errors import MailerError
from mailer.settings import loader, read_settings
from mailer.settings.limits import between, each, one_of, or_empty
from mailer.settings.providers import ProviderSection, provider_sections
from mailer.settings.schema import Settings
from mailer.settings.tables import SHAPES, read_table, settings_of
from tests.conftest import SETTINGS


@dataclass(frozen=True, slots=True)
class Pigeons:
    """A section for these tests."""

    lofts: Annotated[int, between(1, 64)] = 4
    from_: Annotated[str, or_empty(one_of(("north", "south")))] = ""
    names: Annotated[tuple[str, ...], each(one_of(("Ada", "Bo")))] = ()
    feed: Annotated[Mapping[str, str], each(one_of(("corn", "peas"), "{name} eats no {value!r}"))] = field(
        default_factory=dict[str, str]
    )


@pytest.fixture
def pigeons(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {**provider_sections(), "pigeons": ProviderSection("pigeons", "pigeons", Pigeons)}
    monkeypatch.setattr(loader, "provider_sections", lambda: both)


def written(root: Path, text: str) -> Path:
    (root / "mailer.toml").write_text(SETTINGS + text, encoding="utf-8")
    return root


@pytest.mark.usefixtures("pigeons")
def test_a_field_is_all_that_a_setting_needs(tmp_path: Path) -> None:
    text = '[pigeons]\nlofts = 7\nfrom = "north"\nnames = ["Ada"]\n[pigeons.feed]\nAda = "corn"\n'
    read = read_settings(written(tmp_path, text), environ={"MAILER_PIGEONS_NAMES": "Ada Bo"}).section(Pigeons)
    assert read == Pigeons(lofts=7, from_="north", names=("Ada", "Bo"), feed={"Ada": "corn"})


@pytest.mark.usefixtures("pigeons")
def test_each_fault_has_its_setting_its_place_and_its_remedy(tmp_path: Path) -> None:
    text = '[pigeons]\nlofts = 65\nfrom = 7\nnams = []\n[pigeons.feed]\nAda = "corn"\nBo = "cake"\n'
    with pytest.raises(MailerError) as found:
        read_settings(written(tmp_path, text), environ={"MAILER_PIGEONS_NAMES": "Ada Cy"})
    first = SETTINGS.count("\n") + 1
    assert [str(one) for one in found.value.diagnostics] == [
        "MAILER_PIGEONS_NAMES: unknown pigeons.names 'Cy'\n    Choose one of: Ada, Bo.",
        f"mailer.toml:{first + 1}: pigeons.lofts must be from 1 to 64",
        f'mailer.toml:{first + 2}: pigeons.from must be text, not 7\n    For example: from = "text"',
        f"mailer.toml:{first + 3}: unknown setting 'nams' in [pigeons]\n    Did you mean 'names'?",
        f"mailer.toml:{first + 4}: pigeons.feed: 'Bo' eats no 'cake'\n    Choose one of: corn, peas.",
    ]


@pytest.mark.parametrize(("name", "kind"), [("", Settings), *loader.sections().items()])
def test_every_number_has_limits_and_every_default_keeps_its_own(name: str, kind: type) -> None:
    for key, setting in settings_of(kind).items():
        if setting.shape in (SHAPES[int], SHAPES[float]):
            for nonsense in (float("nan"), float("inf"), -1):
                assert [one for limit in setting.limits for one in limit(key, nonsense)], f"{name}.{key} = {nonsense}"
    read = read_table(kind, {}, section=name, place=lambda key: Place(part=key))
    assert [one.part for one in read.faults] == (["postal_address"] if name == "organisation" else [])


@pytest.mark.parametrize(
    "text", ['[public]\nurl = "http://[::1"', '[webhook]\nurl = "http://[x]/"', "[smtp]\nport = inf"]
)
def test_an_address_or_a_number_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "mailer.toml").write_text(text, encoding="utf-8")
    with pytest.raises(MailerError, match=r"mailer.toml:2: (public.url|webhook.url|smtp.port) must be"):
        read_settings(tmp_path, environ={})
