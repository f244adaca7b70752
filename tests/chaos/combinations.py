"""On which database and by which transport a case runs: a few combinations in `make test`, all in `make chaos`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

ENGINES = ("sqlite", "postgresql")
TRANSPORTS = ("smtp", "sendgrid")


def on(
    *short: str, engines: Sequence[str] = ENGINES, transports: Sequence[str] = TRANSPORTS, also: Sequence[str] = ()
) -> pytest.MarkDecorator:
    """Run a case on all combinations of `engines` and `transports`, and on `also`; those not in `short` only with
    --long. A combination is written engine-transport."""
    every = [f"{engine}-{transport}" for engine in engines for transport in transports] + list(also)
    assert set(short) <= set(every), "a short combination is missing from the long form"
    cases = [pytest.param(one, marks=() if one in short else pytest.mark.long) for one in every]
    return pytest.mark.parametrize("site", cases, indirect=True)
