"""One desk for all tests of rules: making a database for each would take most of the time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checking.desk import Desk


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.database.close()
