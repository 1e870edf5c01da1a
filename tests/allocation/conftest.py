"""Fixtures of the tests of allocation."""

from __future__ import annotations

import pytest

from watersim import jit


@pytest.fixture(scope="session")
def compiled() -> None:
    """The kernels compiled from here on, for what would take too long in plain Python."""
    jit.compiled()
