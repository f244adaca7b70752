"""A proof that came back: whether its DKIM signature covers what one-click unsubscribing needs (RFC 8058 §4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.diagnostics import Level
from mailer.doctor.signed_mail import judge_proof
from tests.cli.conftest import Mailer, mailer
from tests.servers.imap_server import Box, ImapServer

__all__ = ["mailer"]

OPENDKIM = "From:Reply-To:Subject:Date:To:Cc:In-Reply-To:References:List-Id:List-Help:List-Unsubscribe:List-Post"
WHOLE = f"{OPENDKIM}:List-Unsubscribe-Post"
HEADERS = {
    "From": "Night School <appeals@night-school.test>",
    "Subject": "[Proof] Ask",
    "List-Unsubscribe": "<https://mail.night-school.test/u/x>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def signature(
    covers: str = WHOLE, *, domain: str = "night-school.test", more: str = "", algorithm: str = "rsa-sha256"
) -> str:
    folded = covers.replace(":List-Un", ":\r\n\tList-Un").replace(":Date", " : Date")
    named = f"v=1; a={algorithm}; c=relaxed/simple; d={domain}; s=s1"
    return f"DKIM-Signature: {named};\r\n\th={folded};{more}\r\n\tbh=x; b=y\r\n"


def mail(*signatures: str, without: str = "", more: str = "") -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items() if name != without)
    return ("".join(signatures) + headers + more + "\r\nwords\r\n").encode()


def bad(raw: bytes) -> list[str]:
    return [one.message for one in judge_proof(raw) if one.level is not Level.OK]


def test_a_signature_that_covers_both_is_well() -> None:
    (finding,) = judge_proof(mail(signature()))
    assert finding.level is Level.OK
    assert finding.message == (
        "the DKIM signature s1 of night-school.test covers List-Unsubscribe and List-Unsubscribe-Post"
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (mail(signature(OPENDKIM)), "doesn't cover List-Unsubscribe-Post, so"),
        (mail(signature("From:Subject")), "doesn't cover List-Unsubscribe and List-Unsubscribe-Post"),
        (mail(signature(domain="relay.test")), "only relay.test signed it, not night-school.test"),
        (mail(), "it has no DKIM signature of night-school.test"),
        (mail(signature(), without="List-Unsubscribe-Post"), "List-Unsubscribe-Post isn't in it"),
        (mail(signature(), without="From"), "there is no From in it"),
        (mail(signature(algorithm="rsa-sha1")), "made with SHA-1"),
        (mail(signature(more=" l=200;")), "covers a part of the mail only"),
        (mail(signature(), more="List-Unsubscribe: <mailto:x@relay.test>\r\n"), "List-Unsubscribe is in it 2 times"),
        (b"DKIM-Signature: rubbish\r\n" + mail(), "no DKIM signature of night-school.test"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(raw: bytes, words: str) -> None:
    (finding,) = [one for one in judge_proof(raw) if one.level is not Level.OK]
    assert words in finding.message
    assert finding.remedy
    assert ("SignHeaders *,+List-Unsubscribe,+List-Unsubscribe-Post" in finding.remedy) is (
        "cover List" in finding.message
    )


def test_one_of_several_signatures_is_enough() -> None:
    assert bad(mail(signature("From", domain="relay.test"), signature(OPENDKIM), signature())) == []
    assert bad(mail(signature(domain="mail.night-school.test"))) == []
    assert bad(mail(signature(domain="other-night-school.test")))


def test_doctor_looks_at_a_file_and_in_the_bounce_mailbox(mailer: Mailer, tmp_path: Path) -> None:
    file = tmp_path / "proof.eml"
    file.write_bytes(mail(signature()))
    assert mailer("doctor", "--proof", str(file)).code == 0
    file.write_bytes(mail(signature(OPENDKIM)))
    done = mailer("doctor", "--proof", str(file))
    assert done.code == 1
    assert "+List-Unsubscribe-Post" in done.out
    box = tmp_path / "Maildir"
    for folder in ("new", "cur"):
        (box / folder).mkdir(parents=True)
    assert "o mail with List-Unsubscribe-Post" in mailer("doctor", "--maildir", str(box)).out
    (box / "cur" / "1:2,S").write_bytes(mail(signature()))
    (box / "new" / "2").write_bytes(b"From: MAILER-DAEMON@relay.test\r\n\r\nreturned:\r\n" + mail())
    done = mailer("doctor", "--maildir", str(box))
    assert done.code == 0, done.out
    assert "covers List-Unsubscribe and List-Unsubscribe-Post" in done.out
    assert sorted(path.name for path in box.rglob("*") if path.is_file()) == ["1:2,S", "2"]
    assert mailer("doctor", "--maildir", str(box), "--proof", str(file)).code == 1


def test_doctor_looks_over_imap_and_marks_nothing(mailer: Mailer, monkeypatch: pytest.MonkeyPatch) -> None:
    back = b"From: MAILER-DAEMON@relay.test\r\n\r\nreturned:\r\n" + mail()
    box = Box({7: mail(signature(OPENDKIM)), 8: mail(signature()), 9: back}, seen={8})
    monkeypatch.setenv("MAILER_IMAP_PASSWORD", box.password)
    with ImapServer(box) as server:
        done = mailer("doctor", "--imap", server.url)
    assert done.code == 0, done.out + done.err
    assert "covers List-Unsubscribe and List-Unsubscribe-Post" in done.out
    assert box.seen == {8}
    assert "STORE" not in box.commands
