"""DKIM keys judged from their records: real keys, short ones, withdrawn ones, and those damaged by copying."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from mailer.doctor.dns.dkim import Key, Unusable, check_dkim, parse_key, rsa_bits
from mailer.doctor.dns.lookup import DnsAnswer, Got


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def bare_key(bits: int) -> bytes:
    """An RSAPublicKey of that length: no real primes, which a reader can't see."""
    modulus = (1 << (bits - 1)) | 1
    return der(0x30, der(2, modulus.to_bytes(bits // 8 + 1)) + der(2, b"\x01\x00\x01"))


def spki(bits: int) -> bytes:
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d010101") + b"\x05\x00")
    return der(0x30, algorithm + der(3, b"\x00" + bare_key(bits)))


def record(raw: bytes, tags: str = "v=DKIM1; k=rsa; ") -> str:
    return f"{tags}p={base64.b64encode(raw).decode()}"


GOOD = record(spki(2048))


def test_a_real_rsa_key_is_read() -> None:
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    whole = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bare = public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert rsa_bits(whole) == rsa_bits(bare) == 2048
    assert parse_key(record(whole)) == Key("rsa", 2048)


def test_a_real_ed25519_key_is_read() -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert parse_key(record(raw, "v=DKIM1; k=ed25519; ")) == Key("ed25519", 0)
    with pytest.raises(Unusable, match="cut short"):
        parse_key(record(raw[:-1], "v=DKIM1; k=ed25519; "))


@pytest.mark.parametrize(
    "tags", ["", "k=rsa;", "v=DKIM1;", "v = DKIM1 ; h=sha1:sha256; s=email; n=note ; x=1; ", "t=s;"]
)
def test_what_may_be_left_out_or_added(tags: str) -> None:
    assert parse_key(record(spki(1024), tags)) == Key("rsa", 1024)


def test_white_space_in_the_key_is_nothing() -> None:
    text = base64.b64encode(spki(2048)).decode()
    assert parse_key(f"p={text[:60]} {text[60:120]}\t{text[120:]};").bits == 2048


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v=DKIM1; p=", "withdrawn"),
        ("v=DKIM1; k=rsa", "p= is missing"),
        ("", "empty"),
        ("hello", "not a tag"),
        (f"{GOOD}; p=x", "appears twice"),
        (GOOD.replace("v=DKIM1", "v=DKIM2"), "must come first"),
        (f"k=rsa; v=DKIM1; p={GOOD.partition('p=')[2]}", "must come first"),
        (GOOD.replace("k=rsa", "k=dsa"), "'dsa' is unknown"),
        (GOOD.replace("k=rsa", "h=sha1"), "SHA-1 only"),
        (GOOD.replace("k=rsa", "s=other"), "used for email"),
        (GOOD[:-40], "cut short"),
        (GOOD[:-41], "cut short"),
        ("v=DKIM1; p=not!base64", "cut short"),
        (record(b"\x30"), "cut short"),
        (record(b"\x30\x82"), "cut short"),
        (record(b"\x02\x01\x05"), "cut short"),
    ],
)
def test_what_receivers_do_not_take_as_a_key(text: str, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        parse_key(text)


def test_a_key_of_another_kind_is_no_rsa_key() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(Unusable, match="no whole key"):
        parse_key(record(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)))


@given(st.binary(max_size=120))
def test_no_bytes_are_an_exception_of_another_kind(raw: bytes) -> None:
    with suppress(Unusable):
        parse_key(record(raw))


def judged(answers: dict[str, DnsAnswer], *, provider: str = "", selectors: tuple[str, ...] = ("s1",)) -> list[str]:
    zone = {f"{name}._domainkey.a.test": answer for name, answer in answers.items()}
    said = check_dkim(
        lambda name, _kind: zone.get(name, DnsAnswer(Got.ABSENT)), "a.test", selectors=selectors, provider=provider
    )
    return [f"{one.level}: {one.message}" for one in said]


def found(text: str, canonical: str = "") -> DnsAnswer:
    return DnsAnswer(Got.FOUND, (text,), canonical)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD, "ok: DKIM s1: an RSA key of 2048 bits"),
        (record(spki(1024)), "warning: DKIM s1: an RSA key of 1024 bits: accepted, but 2048 bits are advised"),
        (record(spki(768)), "error: DKIM s1: an RSA key of 768 bits: receivers accept none below 1024"),
        (record(bytes(32), "k=ed25519;"), "warning: DKIM s1: an Ed25519 key, which many receivers can't verify"),
        (record(spki(2048), "t=y:s;"), "warning: DKIM s1: an RSA key of 2048 bits, marked as a test"),
        (
            "v=DKIM1; p=",
            "error: DKIM s1: receivers don't accept the key at s1._domainkey.a.test: the key was withdrawn",
        ),
    ],
)
def test_one_key(text: str, says: str) -> None:
    (said,) = judged({"s1": found(text)})
    assert said.startswith(says)


def test_without_a_selector_nobody_can_tell() -> None:
    (said,) = judged({}, selectors=())
    assert said.startswith("warning: DKIM: no selector is set")


def test_sendgrid_has_two_names_and_one_good_key_is_enough() -> None:
    both = {name: found(GOOD, f"{name}.domainkey.u1.wl.sendgrid.net") for name in ("s1", "s2")}
    assert [said.partition(":")[0] for said in judged(both, provider="SendGrid", selectors=("s1", "s2"))] == [
        "ok",
        "ok",
    ]
    first, second = judged({"s1": both["s1"]}, provider="SendGrid", selectors=("s1", "s2"))
    assert first == "ok: DKIM s1: an RSA key of 2048 bits, kept at s1.domainkey.u1.wl.sendgrid.net"
    assert second.startswith("warning: DKIM s2: no key at s2._domainkey.a.test")
    assert all(said.startswith("error: ") for said in judged({}, provider="SendGrid", selectors=("s1", "s2")))


def test_a_name_that_leads_nowhere_says_where() -> None:
    (said,) = judged({"s1": DnsAnswer(Got.EMPTY, canonical="s1.gone.test")})
    assert said.startswith("error: DKIM s1: s1._domainkey.a.test leads to s1.gone.test, where there is no key")


def test_two_records_and_no_answer() -> None:
    (said,) = judged({"s1": DnsAnswer(Got.FOUND, (GOOD, GOOD))})
    assert "2 records where one is allowed" in said
    (said,) = judged({"s1": DnsAnswer(Got.UNKNOWN, why="the DNS doesn't answer")})
    assert said == "warning: DKIM s1 couldn't be looked up: the DNS doesn't answer"
