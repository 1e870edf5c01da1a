"""The compiled filling against the same source run plainly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import hashlib
from families import FAMILIES, SMALL, generate
from networks import filled, filling
from watersim import jit

def digest():
    whole = hashlib.sha256()
    for seed in range(20):
        for family in FAMILIES:
            answer = filled(generate(family, seed, SMALL))
            for part in answer[:3]:
                whole.update(part.tobytes())
    return whole.hexdigest()

plain = digest()
jit.compiled()
assert hasattr(filling.fill, "py_func")
print(plain == digest())
"""


def test_compiled_and_plain_give_the_same_bits(pytestconfig: pytest.Config) -> None:
    # in a process of its own: compiling replaces the functions for good
    here = Path(__file__).parent
    cache = pytestconfig.cache
    assert cache is not None
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(here), str(here.parents[1])]),
        "WATERSIM_CACHE_DIR": str(cache.mkdir("kernels")),
    }
    environment.pop("NUMBA_DISABLE_JIT", None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "True", done.stderr
