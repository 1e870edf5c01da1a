"""Fixtures of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from basins import Basin
from hypothesis import settings

# the same examples on every machine: a test that fails, fails again
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture
def basin(tmp_path: Path) -> Basin:
    """See `basins.Basin`."""
    return Basin(tmp_path)
