"""mailer.toml, MAILER_* variables and secrets: every fault at once, with its line; secrets never shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mailer.errors import MailerError
from mailer.settings import Brand, Secrets, read_secrets, read_settings
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.smtp.settings import Smtp
from mailer.workspace import read_list
from tests.conftest import SETTINGS

GOOD_KEY = "k" * 40


def write(root: Path, text: str) -> Path:
    (root / "mailer.toml").write_text(text, encoding="utf-8")
    return root


def test_the_file_and_its_defaults(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, SETTINGS), environ={})
    assert settings.organisation.name == "Example Campaigns"
    assert settings.sender.from_ == "Example Campaigns <appeals@example.org>"
    assert settings.transport == "outbox"
    assert settings.database_url == f"sqlite:///{tmp_path}/mailer.db"


def test_the_environment_comes_first(tmp_path: Path) -> None:
    environ = {
        "MAILER_TRANSPORT": "smtp",
        "MAILER_SMTP_HOST": "relay.example.org",
        "MAILER_SMTP_PORT": "2525",
        "MAILER_DATABASE": "postgresql+psycopg://mailer@db.example.org/mailer",
        "MAILER_SENDER_REPLY_TO": "x@example.org",
        "PATH": "/bin",
    }
    settings = read_settings(write(tmp_path, SETTINGS), environ=environ)
    assert (settings.transport, settings.section(Smtp).host, settings.section(Smtp).port) == (
        "smtp",
        "relay.example.org",
        2525,
    )
    assert settings.database_url.startswith("postgresql+psycopg://")
    assert settings.sender.reply_to == "x@example.org"
    assert settings.organisation.name == "Example Campaigns"


def test_the_time_zone_has_its_full_name(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, SETTINGS), environ={}).zone == "UTC"
    there = write(tmp_path, f'timezone = "europe/london"\n{SETTINGS}')
    assert read_settings(there, environ={}).zone == "Europe/London"
    assert read_settings(there, environ={"MAILER_TIMEZONE": "Asia/Kolkata"}).zone == "Asia/Kolkata"


def test_every_fault_is_found_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
transport = "pigeon"
colour = "red"

[organisation]
name = 7

[public]
url = "mail.example.org/"

[smtp]
port = 70000
security = "maybe"
hots = "x"

[sendgrid]
people_per_request = 5000

[brand]
primary = "blue"
"""
    with pytest.raises(MailerError) as found:
        read_settings(write(tmp_path, text), environ={"MAILER_SMTP_SPEED": "1", "MAILER_WHAT": "1"})
    told = str(found.value)
    for words in (
        "mailer.toml:1: unknown transport 'pigeon'",
        "mailer.toml:2: unknown setting 'colour'",
        "mailer.toml:5: organisation.name must be text",
        "mailer.toml:8: public.url must be",
        "mailer.toml:11: smtp.port must be",
        "mailer.toml:12: unknown smtp.security 'maybe'",
        "mailer.toml:13: unknown setting 'hots' in [smtp]",
        "mailer.toml:16: sendgrid.people_per_request",
        "mailer.toml:19: brand.primary",
        "postal_address is missing",
        "unknown setting 'speed' in [smtp]",
        "MAILER_WHAT is not a setting",
    ):
        assert words in told


@pytest.mark.parametrize("text", ["transport = ", "[organisation", "\x00"])
def test_what_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MailerError, match="not valid TOML"):
        read_settings(write(tmp_path, text), environ={})


def test_selectors_and_the_dns_server(tmp_path: Path) -> None:
    text = SETTINGS.replace(
        "[public]", 'dkim_selectors = ["s1", "mail.2026"]\n\n[dns]\nserver = "[::1]:5353"\n\n[public]'
    )
    settings = read_settings(write(tmp_path, text), environ={})
    assert settings.sender.dkim_selectors == ("s1", "mail.2026")
    assert settings.dns.where() == ("::1", 5353)
    environ = {
        "MAILER_SENDER_DKIM_SELECTORS": "a b",
        "MAILER_DNS_SERVER": "192.0.2.1",
        "MAILER_DNS_TIMEOUT_SECONDS": "3",
    }
    settings = read_settings(write(tmp_path, text), environ=environ)
    assert settings.sender.dkim_selectors == ("a", "b")
    assert settings.dns.where() == ("192.0.2.1", 53)
    assert settings.dns.timeout_seconds == 3.0


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('[dns]\nserver = "dns.example.org"', "dns.server must be an IP address"),
        ('[dns]\nserver = "127.0.0.1:x"', "dns.server must be an IP address"),
        ('[dns]\nserver = "127.0.0.1:70000"', "dns.server must be an IP address"),
        ('[dns]\nserver = "[::1"', "dns.server must be an IP address"),
        ("[dns]\ntimeout_seconds = 0", "dns.timeout_seconds must be above 0"),
        ("[dns]\ntimeout_seconds = nan", "dns.timeout_seconds must be above 0"),
    ],
)
def test_a_dns_server_that_can_not_be_is_refused(tmp_path: Path, setting: str, words: str) -> None:
    with pytest.raises(MailerError, match=words):
        read_settings(write(tmp_path, f"{SETTINGS}\n{setting}\n"), environ={})


@pytest.mark.parametrize("selectors", ["7", "[7]", '["s1._domainkey.example.org."]', '["a b"]', '["*"]', '[""]'])
def test_a_selector_that_can_not_be_is_refused(tmp_path: Path, selectors: str) -> None:
    text = SETTINGS.replace("[public]", f"dkim_selectors = {selectors}\n\n[public]")
    with pytest.raises(MailerError, match=r"dkim_selectors must be a list of texts|can't be a DKIM selector"):
        read_settings(write(tmp_path, text), environ={})


def test_no_file_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(MailerError, match=r"mailer.toml is missing") as missing:
        read_settings(tmp_path, environ={})
    assert "mailer init" in (missing.value.remedy or "")


def write_secrets(root: Path, text: str, mode: int = 0o600) -> Path:
    path = root / "secrets.toml"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return root


def test_secrets_are_read_and_never_shown(tmp_path: Path) -> None:
    write_secrets(tmp_path, f'signing_keys = ["{GOOD_KEY}"]\nsmtp_password = "hunter2"\n')
    secrets = read_secrets(tmp_path, environ={"MAILER_SENDGRID_API_KEY": "SG.x"})
    assert secrets.require_signing() == (GOOD_KEY.encode(),)
    assert (secrets.of_provider("smtp_password"), secrets.of_provider("sendgrid_api_key")) == ("hunter2", "SG.x")
    assert repr(secrets) == "Secrets()"


def test_secrets_that_others_can_read_are_refused(tmp_path: Path) -> None:
    write_secrets(tmp_path, f'signing_keys = ["{GOOD_KEY}"]\n', mode=0o644)
    with pytest.raises(MailerError, match="can be read by others") as refused:
        read_secrets(tmp_path, environ={})
    assert refused.value.remedy == "Run: chmod 600 secrets.toml"


@pytest.mark.parametrize("text", ['signing_keys = ["short"]', 'smtp_pasword = "hunter2"', 'smtp_password = "hunter2'])
def test_a_fault_in_the_secrets_tells_no_secret(tmp_path: Path, text: str) -> None:
    write_secrets(tmp_path, text)
    with pytest.raises(MailerError) as found:
        read_secrets(tmp_path, environ={})
    assert "hunter2" not in str(found.value)
    assert "short" not in str(found.value).replace("shorter", "")


def test_without_a_signing_key_nothing_is_signed() -> None:
    with pytest.raises(MailerError, match="no signing key"):
        Secrets().require_signing()


def test_pace_and_guard_are_read(tmp_path: Path) -> None:
    text = f"""{SETTINGS}
[pace]
per_second = 200
domains = {{ "Gmail.com" = 20 }}
warm_up = [200, 400, 400, 800]
warm_up_since = 2026-12-01

[guard]
complaint_rate = 0.001
troubles = 0
"""
    settings = read_settings(write(tmp_path, text), environ={"MAILER_PACE_WARM_UP_SINCE": "2026-12-02"})
    assert settings.pace.domains == {"gmail.com": 20}
    assert (settings.pace.warm_up, settings.pace.warm_up_since) == ((200, 400, 400, 800), date(2026, 12, 2))
    assert (settings.guard.complaint_rate, settings.guard.troubles, settings.guard.refused_of) == (0.001, 0, 200)


def test_pace_and_guard_that_can_not_work_are_refused(tmp_path: Path) -> None:
    text = """\
[pace]
per_second = -1
warm_up = [400, 200]
warm_up_since = "soon"

[guard]
refused_share = 5
bounce_rate = -0.1
complaint_rate = nan
refused_of = 3
refusals_of_us = 0
troubles = -1
"""
    with pytest.raises(MailerError) as found:
        read_settings(write(tmp_path, text), environ={})
    told = str(found.value)
    for words in (
        "mailer.toml:2: pace.per_second must be",
        "mailer.toml:3: pace.warm_up goes down, from 400 to 200",
        "mailer.toml:4: pace.warm_up_since must be a day, not 'soon'",
        "mailer.toml:7: guard.refused_share must be a share from 0 to 1\n    Write 0.05 for 5 %",
        "mailer.toml:8: guard.bounce_rate",
        "mailer.toml:9: guard.complaint_rate",
        "mailer.toml:10: guard.refused_of must be from 10 to 10,000",
        "mailer.toml:11: guard.refusals_of_us must be 1 or more",
        "mailer.toml:12: guard.troubles must be",
    ):
        assert words in told


@pytest.mark.parametrize("plan", ["200", '["200"]', "[0]", "[1.5]", "[true]"])
def test_a_warm_up_plan_is_numbers_of_people(tmp_path: Path, plan: str) -> None:
    with pytest.raises(MailerError, match=r"pace\.warm_up must be (a list of whole numbers|1 or more) (of )?people"):
        read_settings(write(tmp_path, f"{SETTINGS}\n[pace]\nwarm_up = {plan}\n"), environ={})


def test_truths_are_read_from_the_file_and_from_the_environment(tmp_path: Path) -> None:
    text = SETTINGS + "\n[sendgrid]\ngzip = true\n"
    assert read_settings(write(tmp_path, text), environ={}).section(Sendgrid).gzip
    assert not read_settings(tmp_path, environ={"MAILER_SENDGRID_GZIP": "false"}).section(Sendgrid).gzip
    with pytest.raises(MailerError, match=r"sendgrid\.gzip must be true or false"):
        read_settings(write(tmp_path, SETTINGS + "\n[sendgrid]\ngzip = 1\n"), environ={})


def test_what_comes_back_is_judged_all_at_once(tmp_path: Path) -> None:
    text = """
[tracking]
fresh_days = 0
[bounces]
address = "bounces+x@example.org"
soft_days = 0
[webhook]
url = "crm.example.org"
"""
    with pytest.raises(MailerError) as caught:
        read_settings(write(tmp_path, SETTINGS + text), environ={"MAILER_PUBLIC_PROXIES": "10.0.0.0/8 everywhere"})
    said = str(caught.value)
    for words in ("fresh_days", "bounces.address", "soft_days", "webhook.url", "'everywhere'"):
        assert words in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('databse = "x.db"', "mailer.toml:1: unknown setting 'databse'\n    Did you mean 'database'?"),
        ("[trakcing] # opens\nopens = true", "mailer.toml:1: unknown setting 'trakcing'\n    Did you mean 'tracking'?"),
        ('[smtp]\nhots = "x"', "mailer.toml:2: unknown setting 'hots' in [smtp]\n    Did you mean 'host'?"),
        ('[smtp]\nport = "ten"', "toml:2: smtp.port must be a whole number, not 'ten'\n    For example: port = 20"),
        ("transport = outbox", "mailer.toml:1: this is not valid TOML: Invalid value\n    Texts go in quotes: "),
        (
            'transport = "outbox"\ntimezone = "BST"',
            "mailer.toml:2: timezone: BST is the short name of a time, not of a place\n    Name the city",
        ),
        ('timezone = "Europe/Lodnon"', "no time zone 'Europe/Lodnon'\n    Did you mean Europe/London?"),
        ("timezone = 2", "mailer.toml:1: timezone must be text, not 2"),
        ("\n\n[smtp", "mailer.toml:3: this is not valid TOML: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_the_remedy(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(MailerError) as found:
        read_settings(write(tmp_path, text), environ={})
    assert told in str(found.value)


def test_a_file_in_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mailer.toml").write_bytes(b'[organisation]\nname = "Caf\xe9"\n')
    with pytest.raises(MailerError) as found:
        read_settings(tmp_path, environ={})
    assert str(found.value) == "mailer.toml:2: this is not UTF-8 text\n    Save the file with the encoding UTF-8."


def test_a_list_is_told_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "news.toml"
    path.write_text('titel = "News"\nlist_id = "x"\nopt_in = "triple"\npublic_form = "yes"\n[colunms]\na = "b"\n')
    with pytest.raises(MailerError) as found:
        read_list(path)
    for told in (
        "lists/news.toml:1: unknown key 'titel'\n    Did you mean 'title'?", "lists/news.toml: title is missing",
        "lists/news.toml:2: list_id must look like", "lists/news.toml:3: opt_in must be single or double",
        "lists/news.toml:4: public_form must be true or false", "lists/news.toml:5: unknown key 'colunms'",
    ):  # fmt: skip
        assert told in str(found.value)


def keep_secrets(root: Path, text: str) -> None:
    (root / "secrets.toml").write_text(text, encoding="utf-8")
    (root / "secrets.toml").chmod(0o600)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'signing_keys = "{GOOD_KEY}"', "signing_keys must be a list of texts"),
        (f'signing_keys = ["{GOOD_KEY}", 7]', "signing_keys must be a list of texts"),
        (f'address_key = ["{GOOD_KEY}"]', "address_key must be text"),
        ("smtp_password = 1234", "smtp_password must be text"),
        ('smtp_pasword = "x"', "Did you mean 'smtp_password'?"),
        (f"address_key = {GOOD_KEY}", "secrets.toml:1: this is not valid TOML\n"),
    ],
)
def test_a_secret_in_the_wrong_form_is_told_and_not_shown(tmp_path: Path, text: str, told: str) -> None:
    keep_secrets(tmp_path, text)
    with pytest.raises(MailerError) as found:
        read_secrets(tmp_path, environ={})
    assert told in str(found.value)
    assert GOOD_KEY not in str(found.value)
    assert "1234" not in str(found.value)


def test_keys_that_could_be_guessed_are_refused(tmp_path: Path) -> None:
    for name in ("MAILER_API_KEYS", "MAILER_WEBHOOK_KEY"):
        with pytest.raises(MailerError, match="shorter than 32 characters"):
            read_secrets(tmp_path, environ={name: "short"})


def test_where_else_people_find_us_is_read_and_judged(tmp_path: Path) -> None:
    good = '[brand]\nsocial = { Mastodon = "https://social.example.org/@us" }\n'
    assert read_settings(write(tmp_path, SETTINGS + good), environ={}).brand.social == {
        "Mastodon": "https://social.example.org/@us"
    }
    for bad, words in (
        ('social = { X = "x.com/us" }', "'X' needs an https address"),
        ('social = { X = "javascript:alert(1)" }', "'X' needs an https address"),
        ('social = "https://x.com"', "brand.social must be a table of texts"),
    ):
        with pytest.raises(MailerError, match=words) as found:
            read_settings(write(tmp_path, f"{SETTINGS}[brand]\n{bad}\n"), environ={})
        lines = SETTINGS.count("\n") + 2
        assert f"mailer.toml:{lines}: " in str(found.value)


def test_the_tint_is_a_breath_of_the_brands_colour() -> None:
    assert Brand(primary="#000000", surface="#ffffff").tint == "#ededed"
    assert Brand(primary="#1d4f91", surface="#ffffff").tint == "#eff3f7"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[studio]\nurl = "https://studio.example.org/x"', "studio.url must be https://host, without a path"),
        ('[studio]\nurl = "http://studio.example.org"', "studio.url must be https://host"),
        ('[studio]\nproxies = ["10.0.0.0/8", "web"]', "'web' is not an IP address or network"),
        ("[studio]\napprovals = 3", "studio.approvals must be from 0 to 2"),
        ('[studio]\nhold = "soon"', "studio.hold: 'soon' is not a duration"),
        ('[studio]\nhold = "2d"', "studio.hold must be at most 1d, not 2d"),
        ('[studio]\nhold = ""', "studio.hold: '' is not a duration"),
        ('[studio]\nhold = "-5m"', "studio.hold: '-5m' is not a duration"),
        ('[studio]\nhold = "1.5h"', "studio.hold: '1.5h' is not a duration"),
        ('[studio]\nhold = "' + "9" * 5000 + 's"', "is not a duration"),  # more digits than Python makes a number of
        ("[studio]\nhold = 10", 'studio.hold must be a duration, not 10\n    For example: hold = "10m"'),
        ("[studio]\nhold = true", "studio.hold must be a duration, not True"),
        ("[studio]\napprovals = -1", "studio.approvals must be from 0 to 2"),
        ("[studio]\napprovals = 1.5", "studio.approvals must be a whole number, not 1.5"),
        ("[studio]\napprovals = true", "studio.approvals must be a whole number, not True"),
        ('[studio]\napprovals = "10"', "studio.approvals must be from 0 to 2"),
        ('[studio]\napprovals = ""', "studio.approvals must be a whole number, not ''"),
        ('[sso]\nissuer = "http://id.example.org"\nclient_id = "x"', "sso.issuer must be an https address"),
        ('[sso]\nissuer = "https://id.example.org"', "sso.client_id is missing\n    The provider gives one"),
        (
            '[sso]\nroles = { Board = "king" }',
            "sso.roles: 'Board' has the unknown role 'king'\n    Choose one of: viewer",
        ),
        ('[check]\nclients = ["gmail", "pine"]', "unknown family of mail programs 'pine'\n    Choose one of: aol"),
        ('[bounces]\naddress = "bounces@"', "bounces.address must be a mailbox that takes tags"),
        ('[public]\nurl = "https://bücher.example"', "public.url must be written in ASCII\n    Write its xn-- form"),
        ('[pace]\ndomains = { "gmail.com" = 0 }', "pace.domains: 'gmail.com' must be above 0"),
        (
            '[pace]\ndomains = { "gmail.com" = "many" }',
            "pace.domains must be a table of mails a second for each domain",
        ),
        ("link_parameters = 7", "mailer.toml:1: link_parameters must be a table of texts, not 7"),
    ],
)
def test_limits(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(MailerError) as found:
        read_settings(write(tmp_path, text), environ={})
    assert told in str(found.value)


def test_a_provider_on_this_machine_needs_no_tls(tmp_path: Path) -> None:
    text = '\n[sso]\nissuer = "http://127.0.0.1:9000"\nclient_id = "x"\nroles = { Board = "admin" }\n'
    assert read_settings(write(tmp_path, SETTINGS + text), environ={}).sso.roles == {"Board": "admin"}
