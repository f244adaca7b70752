"""A message that needs more memory than there is, or a mail that can't be made, is a finding and not a traceback."""

from __future__ import annotations

import pytest

from mailer.checking import preflight as module
from mailer.compose.compiler import _Compiler
from mailer.errors import MailerError
from tests.checking.desk import Desk, Try


def fails(error: Exception) -> object:
    def failing(*_: object, **__: object) -> None:
        raise error

    return failing


@pytest.mark.parametrize("error", [MemoryError(), MailerError("a merge tag makes more than 1,000,000 characters")])
def test_what_fails_while_merging_is_a_finding(desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(module, "gather", fails(error))
    found = desk.preflight(Try())
    assert any("memory" in one.message or "1,000,000" in one.message for one in found.errors)


def test_what_fails_while_compiling_is_a_finding(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Compiler, "compiled", fails(MemoryError()))
    found = desk.preflight(Try())
    assert any("enough memory to compile" in one.message for one in found.errors)
