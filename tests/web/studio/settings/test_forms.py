"""The pages that are a form of settings: every setting has its place, and what is typed is what is saved."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.settings import Settings, read_settings
from mailer.settings.loader import sections
from mailer.settings.providers import provider_sections
from mailer.settings.tables import settings_of
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.web.studio.core.context import Form
from mailer.web.studio.settings.fields import changes, read, shown
from mailer.web.studio.settings.sections import BY_HAND, PAGES, page_of
from tests.web.client import Reply
from tests.web.studio.conftest import House

pytestmark = pytest.mark.sqlite  # what is in the database is for tests/editing/settings

ALL = {f"{name}.{key}" for name, kind in sections().items() for key in settings_of(kind)} | set(settings_of(Settings))
OF_PROVIDERS = {name for name in ALL if name.partition(".")[0] in provider_sections()} | {"transport"}


def base(house: House, path: str) -> str:
    found = re.search(r'name="base" value="([^"]*)"', house.get(path, cookie=house.sign_in(Role.ADMIN)).text)
    assert found is not None
    return unescape(found[1])


def save(house: House, path: str, *, based_on: str | None = None, **typed: str) -> Reply:
    fields = {name.replace("__", "."): value for name, value in typed.items()}
    body = urlencode({"base": base(house, path) if based_on is None else based_on, **fields}).encode()
    return house.post(path, body, cookie=house.sign_in(Role.ADMIN))


def test_each_setting_is_on_one_page_or_says_why_not() -> None:
    on_pages = [field.name for section in PAGES for field in section.fields]
    assert len(on_pages) == len(set(on_pages))
    assert set(on_pages) | set(BY_HAND) | OF_PROVIDERS == ALL
    assert not set(on_pages) & set(BY_HAND)
    assert all(page_of(name) for name in on_pages)


WORD = st.text(st.characters(categories=("L", "N")), min_size=1)
FIELDS = {field.name: field for section in PAGES for field in section.fields}
VALUES = {
    "guard.bounce_rate": st.integers(0, 9999).map(lambda n: n / 10_000),
    "sender.dkim_selectors": st.lists(WORD).map(tuple),
    "pace.warm_up": st.lists(st.integers(1, 10**9)).map(tuple),
    "link_parameters": st.dictionaries(WORD, WORD.map(lambda word: f"https://{word}:8080/")),
    "pace.domains": st.dictionaries(WORD, st.floats(0.01, 900).map(lambda n: round(n, 2))),
    "webhook.timeout_seconds": st.floats(0.01, 60).map(lambda n: round(n, 2)),
    "organisation.name": WORD,
    "tracking.opens": st.booleans(),
}


@given(st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])))
def test_what_is_shown_and_sent_back_is_the_same(drawn: tuple[str, object]) -> None:
    name, value = drawn
    found = read(FIELDS[name], shown(FIELDS[name], value))
    assert found == value or (found is None and not value)


def test_a_change_is_saved_used_at_once_and_logged(house: House) -> None:
    reply = save(house, "/settings/organisation", organisation__name="Clean River", timezone="Europe/London")
    assert (reply.status, reply.headers["location"]) == (303, "/settings/organisation?saved")
    after = house.get("/settings/organisation?saved", cookie=house.sign_in(Role.ADMIN)).text
    assert "Saved." in after
    assert "<bdi>Clean River</bdi>" in after, "the running studio uses it"
    assert read_settings(house.workspace.root, {}).zone == "Europe/London"
    with house.studio.database.read() as connection:
        (entry,) = entries(connection, AuditFilter(actions=("settings changed",)))
    assert entry.by.startswith("admin")
    assert "timezone not set → Europe/London" in entry.detail


def test_faults_are_beside_their_fields_with_what_was_typed(house: House) -> None:
    before = (house.workspace.root / "mailer.toml").read_bytes()
    reply = save(house, "/settings/guard", guard__bounce_rate="5 %", guard__refused_of="5", guard__troubles="many")
    assert reply.status == 422
    assert "Of how many must be from 10 to 10,000 people." in reply.text
    assert "Minutes without the mail service must be a whole number" in reply.text
    assert 'value="5 %"' in reply.text
    assert reply.text.count('aria-invalid="true"') == 2
    assert (house.workspace.root / "mailer.toml").read_bytes() == before


def test_per_cent_numbers_lists_and_tables_are_read_as_people_write_them(house: House) -> None:
    assert save(house, "/settings/guard", guard__bounce_rate="2.5 %", guard__refused_of="1,000").status == 303
    assert save(
        house, "/settings/pace", pace__per_second="20", pace__warm_up="500\r\n1,000\r\n2000\r\n",
        pace__domains="gmail.com: 12.5", pace__warm_up_since="2026-12-01",
    ).status == 303  # fmt: skip
    settings = read_settings(house.workspace.root, {})
    assert (settings.guard.bounce_rate, settings.guard.refused_of) == (0.025, 1000)
    assert settings.pace.warm_up == (500, 1000, 2000)
    assert (settings.pace.per_second, dict(settings.pace.domains)) == (20.0, {"gmail.com": 12.5})
    assert str(settings.pace.warm_up_since) == "2026-12-01"
    page = house.get("/settings/pace", cookie=house.sign_in(Role.ADMIN)).text
    assert "gmail.com: 12.5</textarea>" in page
    assert save(house, "/settings/pace", pace__warm_up="", pace__domains="", pace__warm_up_since="").status == 303
    assert read_settings(house.workspace.root, {}).pace.warm_up == ()


def test_ticks_are_taken_out_and_untouched_fields_stay(house: House) -> None:
    assert save(house, "/settings/approval", studio__approvals="2", studio__approver_may_be_writer="on").status == 303
    assert read_settings(house.workspace.root, {}).studio.approver_may_be_writer
    assert save(house, "/settings/approval").status == 303
    studio = read_settings(house.workspace.root, {}).studio
    assert (studio.approvals, studio.approver_may_be_writer, studio.hold) == (2, False, "10m")


def test_somebody_elses_change_is_not_overwritten(house: House) -> None:
    old = base(house, "/settings/organisation")
    save(house, "/settings/organisation", organisation__name="Clean River")
    late = save(house, "/settings/organisation", based_on=old, organisation__name="Dirty River")
    assert late.status == 409
    assert "Somebody changed the same setting meanwhile" in late.text
    assert 'value="Dirty River"' in late.text
    assert read_settings(house.workspace.root, {}).organisation.name == "Clean River"
    other = save(house, "/settings/organisation", based_on=old, organisation__website="https://river.example.org")
    assert other.status == 303


def test_line_ends_and_comments_stay_as_they_are(house: House) -> None:
    """A browser sends the base with other line ends than the file has, which is no change of anybody's."""
    path = house.workspace.root / "mailer.toml"
    before = path.read_text(encoding="utf-8").replace("[organisation]", "# us\n[organisation]  # who mails")
    path.write_bytes(before.replace("\n", "\r\n").encode())
    assert save(house, "/settings/organisation", organisation__name="Clean River").status == 303
    after = before.replace('name = "Example Campaigns"', 'name = "Clean River"', 1).replace("\n", "\r\n")
    assert path.read_bytes() == after.encode()


def test_what_the_environment_sets_is_said_and_left(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILER_PACE_PER_SECOND", "7")
    (house.workspace.root / "mailer.toml").touch()
    page = house.get("/settings/pace", cookie=house.sign_in(Role.ADMIN)).text
    assert "Set by the variable MAILER_PACE_PER_SECOND" in page
    assert save(house, "/settings/pace", pace__per_second="9").status == 303
    assert read_settings(house.workspace.root, {}).pace.per_second == 0


def test_what_is_wrong_elsewhere_in_the_file_is_said_and_nothing_is_written(house: House) -> None:
    """Somebody left half a change in an editor: the studio goes on with the settings it had."""
    path = house.workspace.root / "mailer.toml"
    broken = path.read_text(encoding="utf-8") + '\n[pace]\nper_second = "fast"\n[brnd]\n'
    path.write_text(broken, encoding="utf-8")
    reply = save(house, "/settings/approval", studio__approvals="1")
    assert reply.status == 422
    assert "Nothing was saved: other settings have faults." in reply.text
    assert "pace.per_second must be a number" in reply.text
    assert "unknown setting &#39;brnd&#39;" in reply.text
    assert path.read_text(encoding="utf-8") == broken
    path.write_text("[organisation\n", encoding="utf-8")
    unread = save(house, "/settings/approval", studio__approvals="1")
    assert (unread.status, "not valid TOML" in unread.text) == (422, True)
    assert path.read_text(encoding="utf-8") == "[organisation\n"


def test_a_form_without_its_base_changes_nothing(house: House) -> None:
    before = (house.workspace.root / "mailer.toml").read_bytes()
    assert house.post("/settings/approval", b"", cookie=house.sign_in(Role.ADMIN)).status == 400
    assert (house.workspace.root / "mailer.toml").read_bytes() == before
    assert changes((), Form(b""), house.workspace.settings) == {}


def test_a_newcomer_is_shown_the_way_to_the_first_mail(house: House) -> None:
    page = house.get("/settings", cookie=house.sign_in(Role.ADMIN)).text
    assert "steps until your first mail" in page
    assert "Nobody yet: mails stay on this machine" in page
    for section in PAGES:
        assert f'href="{section.path}"' in page
