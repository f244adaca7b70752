"""How a headline is set: smaller when it is long, and never tightened where letters join."""

from __future__ import annotations

import pytest

from mailer.compose.look.voice import voice_of


@pytest.mark.parametrize(
    ("headline", "language", "phone", "wide", "tracking"),
    [
        ("Keep our library open", "en", 34, 46, "-0.7px"), ("Збережімо бібліотеку", "uk", 34, 46, "-0.7px"),
        ("x" * 61, "en", 28, 38, "-0.7px"), ("أبقوا مكتبتنا مفتوحة", "ar", 32, 42, "normal"),
        ("हमारा पुस्तकालय", "hi", 32, 42, "normal"), ("x" * 61, "he-IL", 26, 34, "normal"),
        ("Odkaz", "sr-Latn", 34, 46, "-0.7px"),
    ],
)  # fmt: skip
def test_a_headline_fits_its_language(headline: str, language: str, phone: int, wide: int, tracking: str) -> None:
    voice = voice_of(headline, language)
    assert (voice.headline, voice.headline_wide, voice.tracking) == (phone, wide, tracking)
    assert float(voice.leading) >= (1.25 if tracking == "normal" else 1.0)
