"""A run split in two equals one, bit for bit; steps by hand equal a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from basins import Basin
from test_metamorphic import FORKED, same

import watersim
from watersim.errors import InputError
from watersim.netcdf import save


def test_a_run_split_in_two_gives_the_same_bits(basin: Basin) -> None:
    whole = basin.run(FORKED, ("2001-01-01", "2003-12-31", "month"))
    first = basin.run(FORKED, ("2001-01-01", "2001-12-31", "month"))
    save(first, basin.folder / "scenarios" / "first.nc")
    second = basin.run(
        FORKED, ("2002-01-01", "2003-12-31", "month"),
        more="initial: {from: first.nc, at: 2001-12-31}",
    )  # fmt: skip
    assert float(first["reach_storage"][0, -1].sum()) > 0.0  # something is under way
    both = whole.isel(time=slice(12, None))
    for name, variable in second.variables.items():
        if not str(name).startswith("initial_"):
            np.testing.assert_array_equal(variable.values, both[name].values, err_msg=str(name))
    np.testing.assert_array_equal(
        second["initial_storage"].values, whole["storage"].isel(time=11).values
    )


def test_a_restart_from_a_day_that_ends_no_step_is_refused(basin: Basin) -> None:
    first = basin.run(FORKED, ("2001-01-01", "2001-12-31", "month"))
    save(first, basin.folder / "scenarios" / "first.nc")
    scenario = basin.load(
        FORKED, ("2002-01-01", "2002-12-31", "month"),
        more="initial: {from: first.nc, at: 2001-12-30}",
    )  # fmt: skip
    with pytest.raises(InputError, match="is not the last day of a step"):
        watersim.run(scenario)


def test_steps_by_hand_equal_a_run(basin: Basin) -> None:
    scenario = basin.load(FORKED, ("2001-01-01", "2001-12-31", "month"))
    hand = watersim.stepper(scenario)
    while hand.time is not None:
        hand.step()
    same(hand.results(), watersim.run(scenario))


def test_a_rule_of_ones_own_changes_the_next_step_only(basin: Basin) -> None:
    scenario = basin.load(FORKED, ("2001-01-01", "2001-12-31", "month"))
    hand = watersim.stepper(scenario)
    for _ in range(5):
        hand.step()
    asked = hand.forcing("lower.requirement")
    hand.step({"lower.requirement": asked / 2})
    ds = hand.results()
    assert ds.sizes["time"] == 6
    assert float(ds["requirement"].sel(site="lower")[0, 5]) == asked / 2
    plain = watersim.run(scenario)
    np.testing.assert_array_equal(ds["storage"].values[0, :5], plain["storage"].values[0, :5])


def test_a_saved_run_is_read_back_identical(basin: Basin, tmp_path: Path) -> None:
    ds = basin.run(FORKED, ("2001-01-01", "2001-12-31", "month"))
    save(ds, tmp_path / "run.nc")
    xr_back = watersim.open_results(tmp_path / "run.nc")
    assert xr_back.identical(ds)


def test_forcing_given_in_python_replaces_the_files(basin: Basin) -> None:
    import xarray as xr

    scenario = basin.load(FORKED, ("2001-01-01", "2001-12-31", "month"))
    plain = watersim.run(scenario)
    time = plain["time"]
    flows = np.stack([plain["runoff"].sel(catchment="north").values[0] * f for f in (1.0, 0.5)])
    forcing = xr.Dataset({"north.runoff": (("realization", "time"), flows)}, {"time": time})
    ds = watersim.run(scenario, realizations=2, forcing=forcing)
    np.testing.assert_array_equal(ds["storage"].values[0], plain["storage"].values[0])
    assert float(ds["supply"][1].sum()) < float(ds["supply"][0].sum())
    with pytest.raises(InputError, match="is not a forcing of this scenario"):
        watersim.run(scenario, forcing=forcing.rename({"north.runoff": "nort.runoff"}))
