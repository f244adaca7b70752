"""Senders: a name is whatever stands before the address and arrives as written, or the text is refused."""

from __future__ import annotations

from email.header import decode_header, make_header
from email.utils import getaddresses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.errors import MailerError
from mailer.senders import BadSender, ascii_domain, domain_of, split_sender
from mailer.settings import read_settings
from mailer.transports.mime.headers import mailbox_header, split_mailbox
from mailer.workspace import read_list

NAMES = [
    "Library @ Leeds",
    "Library: Leeds",
    "Leeds, Library",
    "a@b.example",
    "Library; Leeds",
    "Library (Leeds)",
    "Dr. Amina O'Neill",
    "Friends of the “Library”",
    'The "Library"',
    "Bibliothèque de l’Orme",
    "مكتبة",
    "👩‍👩‍👧 Families",
    "A.B",
    "=?x?=",
    "x\\y",
    "a | b",
    "50% off",
    "[Action]",
    "Group: a@b.example;",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_arrives_as_written(name: str) -> None:
    assert split_sender(f"{name} <post@library.example>") == (name, "post@library.example")
    assert arrived(f"{name} <post@library.example>") == (name, "post@library.example")


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"], exclude_characters='<>"\\'), max_size=40)
)
def test_any_name_arrives_as_written(name: str) -> None:
    name = " ".join(name.split())
    assert arrived(f"{name} <post@library.example>") == (name, "post@library.example")


def arrived(sender: str) -> tuple[str, str]:
    """The sender as a mail program reads it out of the header we write."""
    header = mailbox_header("From", *split_mailbox(sender)).decode("ascii").replace("\r\n", "").partition(": ")[2]
    ((name, address),) = getaddresses([header])
    return str(make_header(decode_header(name))) if name else "", address


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("post@library.example", "", "post@library.example"),
        ("<post@library.example>", "", "post@library.example"),
        ('"Library: Leeds" <post@library.example>', "Library: Leeds", "post@library.example"),
        (r'"The \"Library\"" <post@library.example>', 'The "Library"', "post@library.example"),
        ('"A" and "B" <post@library.example>', '"A" and "B"', "post@library.example"),
        ("Library< post@library.example >", "Library", "post@library.example"),
    ],
)
def test_other_spellings(text: str, name: str, address: str) -> None:
    assert split_sender(text) == (name, address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "Library",
        "Library <>",
        "Library <post>",
        "Library post@library.example",
        "a@b.example, c@d.example",
        "A <a@b.example>, C <c@d.example>",
        "A <a@b.example> C",
        "<A> <a@b.example>",
        "A <a@@b.example>",
        "A <a@b>",
        "A\nBcc: x@y.example <a@b.example>",
        "A\u202e <a@b.example>",
        "A <a@b..example>",
        "A <.a@b.example>",
        "A <ü@b.example>",
        "A <a@-b.example>",
        "A <a@b.example",
        "a@b.example (A)",
        "A <a@b_c.example>",
        "A <a@münchen\u3000.example>",
    ],
)
def test_what_is_no_sender_is_refused_everywhere(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadSender):
        split_sender(text)
    if not text or "\n" in text:
        return
    (tmp_path / "mailer.toml").write_text(
        f'[organisation]\npostal_address = "x"\n[sender]\nfrom = "{text}"\n', encoding="utf-8"
    )
    with pytest.raises(MailerError, match=r"mailer\.toml:4: sender\.from "):
        read_settings(tmp_path, {})
    path = tmp_path / "supporters.toml"
    path.write_text(
        f'title = "x"\nlist_id = "a.b"\ndescription = "x"\nlanguage = "en"\nfrom = "{text}"\n', encoding="utf-8"
    )
    with pytest.raises(MailerError, match=r"lists/supporters\.toml:5: from "):
        read_list(path)


def test_a_domain_of_other_letters_is_ascii_where_programs_read_it() -> None:
    assert ascii_domain("Bücher.example") == "xn--bcher-kva.example"
    assert ascii_domain("Library.Example") == "library.example"
    assert domain_of("Bücher <post@bücher.example>") == "xn--bcher-kva.example"
    assert split_mailbox("Bücher <post@bücher.example>") == ("Bücher", "post@xn--bcher-kva.example")
    assert domain_of("nobody") == ""
