"""Fixtures of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from basins import Basin


@pytest.fixture
def basin(tmp_path: Path) -> Basin:
    """See `basins.Basin`."""
    return Basin(tmp_path)
