"""The appeal of tests/review/world.py in each test's workspace."""

from __future__ import annotations

import pytest

from mailer.workspace import Workspace
from tests.review.world import write_appeal


@pytest.fixture
def appeal(workspace: Workspace) -> Workspace:
    """A workspace with the appeal in it."""
    write_appeal(workspace.root)
    return workspace
