"""Opens what was sealed, by a program of others."""

from __future__ import annotations

import importlib


def opened(sealed: bytes, passphrase: str) -> bytes | None:
    """What is inside; None when age refuses it. Its Python module, written in Rust, comes without types."""
    age = importlib.import_module("pyrage")
    try:
        return bytes(age.passphrase.decrypt(sealed, passphrase))
    except age.DecryptError:
        return None
