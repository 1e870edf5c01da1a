"""Same bits compiled and plain; CF conformance of the saved file; closure that can fail."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from basins import Basin
from test_metamorphic import FORKED, YEARS

from watersim.closure import close, require
from watersim.errors import ClosureError
from watersim.netcdf import save

DIGEST = """
import sys, hashlib, numpy as np, watersim
ds = watersim.run(watersim.load(sys.argv[1]))
digest = hashlib.sha256()
for name in sorted(map(str, ds.data_vars)):
    if ds[name].dtype.kind in "fi":
        digest.update(np.ascontiguousarray(ds[name].values).tobytes())
print(digest.hexdigest())
"""


def test_compiled_and_plain_give_the_same_bits(basin: Basin) -> None:
    path = basin.write(FORKED, YEARS)
    digests = [
        subprocess.run(
            [sys.executable, "-c", DIGEST, str(path)], capture_output=True, text=True, check=True,
            env={**os.environ, "NUMBA_DISABLE_JIT": off},
        ).stdout.strip()
        for off in ("0", "1")
    ]  # fmt: skip
    assert len(digests[0]) == hashlib.sha256().digest_size * 2
    assert digests[0] == digests[1]


@pytest.mark.parametrize("name", ["evaporation", "reach_flow", "return_flow", "storage", "inflow"])
def test_closure_refuses_a_changed_term(basin: Basin, name: str) -> None:
    ds = basin.run(FORKED, YEARS)
    assert close(ds).residual <= 1e-12
    changed = ds.copy(deep=True)
    changed[name][0, 5, 0] *= 1.0 + 1e-5
    changed[name][0, 5, 0] += 1e-3
    with pytest.raises(ClosureError, match="does not close"):
        require(changed)


def test_a_saved_run_conforms_to_cf(basin: Basin, tmp_path: Path) -> None:
    """No error of the compliance checker; its advice on the order of dims is refused (DESIGN §5)."""
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    path = save(basin.run(FORKED, YEARS), tmp_path / "run.nc")
    CheckSuite.load_all_available_checkers()
    report = tmp_path / "report.json"
    ComplianceChecker.run_checker(
        str(path), ["cf:1.11"], 0, "normal", output_filename=str(report), output_format="json"
    )
    import json

    found = json.loads(report.read_text())["cf:1.11"]
    wrong = {
        check["name"]: check["msgs"]
        for level in ("high_priorities", "medium_priorities")
        for check in found[level]
        if check["msgs"] and not check["name"].startswith("§2.4")
    }
    assert wrong == {}
    with xr.open_dataset(path) as ds:
        assert ds.attrs["Conventions"] == "CF-1.11"
        assert np.issubdtype(ds["time"].dtype, np.datetime64)
