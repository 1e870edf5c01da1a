"""What is not finite never reaches the kernel: every door by which a number comes in is tried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from basins import YEAR, Basin
from test_summary import EMPTIES

import watersim
from watersim.engine import Engine
from watersim.errors import InputError
from watersim.netcdf import save
from watersim.scenario import Scenario
from watersim.simulation import run

TABLE = """
nodes:
  hills: {kind: catchment, runoff: {file: inflow.csv, column: runoff_m3s}}
  dam:
    kind: reservoir
    capacity: 50 hm3
    initial_storage: 50 hm3
    levels: {file: levels.csv}
  sands: {kind: terminal}
rivers: [hills > dam > sands]
"""
FLOWS = "month,runoff_m3s\n2001-01,4\n2001-02,5\n"
LEVELS = "level_m,area_km2,storage_hm3\n90,0,0\n95,3,20\n99,9,60\n"
NOT_FINITE = ["nan", "NaN", "inf", "-inf", "1e999", "1e305", ".nan"]


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may advance."""

    def never(*given: object, **options: object) -> int:
        raise AssertionError("a number that is not finite has reached the kernel")

    monkeypatch.setattr(Engine, "advance", never)


def refused(caught: pytest.ExceptionInfo[InputError]) -> str:
    """The only problem, in one line."""
    (problem,) = caught.value.problems
    assert "\n" not in str(problem)
    return str(problem)


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize("cell", NOT_FINITE)
def test_a_cell_of_a_series_is_refused_at_its_line(basin: Basin, cell: str) -> None:
    tables = {"inflow.csv": FLOWS.replace("5", cell), "levels.csv": LEVELS}
    with pytest.raises(InputError) as caught:
        run(basin.load(TABLE, ("2001-01-01", "2001-02-28", "month"), tables=tables))
    assert "inflow.csv:3: runoff_m3s: " in refused(caught)


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize("cell", NOT_FINITE)
@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_cell_of_a_table_is_refused_at_its_line(basin: Basin, cell: str, column: int) -> None:
    cells = ["95", "3", "20"]
    cells[column] = cell
    tables = {"inflow.csv": FLOWS, "levels.csv": LEVELS.replace("95,3,20", ",".join(cells))}
    with pytest.raises(InputError) as caught:
        run(basin.load(TABLE, ("2001-01-01", "2001-02-28", "month"), tables=tables))
    assert "levels.csv:3: " in refused(caught)


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(
    "value", [".nan", ".NaN", ".inf", "-.inf", "1e999", "1e305 m3/s", "nan m3/s"]
)
@pytest.mark.parametrize(
    "place", ["{}", "{{monthly: [{}, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], unit: m3/s}}"]
)
def test_a_value_of_a_file_is_refused(basin: Basin, value: str, place: str) -> None:
    text = EMPTIES.replace("requirement: 4 m3/s", f"requirement: {place.format(value)}")
    with pytest.raises(InputError) as caught:
        run(basin.load(text, YEAR))
    assert "nodes.homes.requirement" in refused(caught)


LARGE = [math.nan, math.inf, -math.inf, np.float64("nan"), 10**400, 1e305]


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize("value", LARGE, ids=lambda value: str(value)[:6])
@pytest.mark.parametrize(
    "path",
    [
        "nodes.dam.capacity", "nodes.dam.levels.exponent", "nodes.plant.efficiency",
        "nodes.hills.runoff.monthly.0", "nodes.hills.runoff.factor", "nodes.hills.runoff",
        "nodes.homes.priority", "nodes.hills.lon", "time.start", "nodes.dam.outlet_capacity",
    ],
)  # fmt: skip
def test_a_value_given_to_with_is_refused(basin: Basin, path: str, value: Any) -> None:
    scenario = basin.load(EMPTIES, YEAR)
    with pytest.raises(InputError) as caught:
        run(scenario.with_({path: value}))
    assert path in refused(caught)


@pytest.mark.usefixtures("no_kernel")
def test_a_value_deep_in_what_is_given_to_with_is_refused_by_its_place(basin: Basin) -> None:
    scenario = basin.load(EMPTIES, YEAR)
    with pytest.raises(InputError) as caught:
        scenario.with_({"nodes.hills.runoff": {"monthly": [1.0] * 11 + [math.nan], "unit": "m3/s"}})
    assert refused(caught) == "nodes.hills.runoff.monthly.11: must be a finite number (got nan)"
    with pytest.raises(InputError, match=r"must be text, a number, .* \(got 4, of type int64\)"):
        scenario.with_({"nodes.homes.priority": np.int64(4)})


def forcing(scenario: Scenario, values: Any) -> xr.Dataset:
    starts = scenario.timeline.starts.astype("datetime64[ns]")
    return xr.Dataset({"hills.runoff": ("time", values)}, {"time": starts})


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "must be finite"), (math.inf, "must be finite"), (-math.inf, "must be finite"),
        (-1.0, "must be at least 0 and at most 1e+18"),
        (1e305, "must be at least 0 and at most 1e+18"),
        ("4", "must be a number"), (1 + 2j, "must be a number"), (None, "must be a number"),
        (True, "must be a number"), (np.datetime64("2001-01-01", "ns"), "must be a number"),
    ],
    ids=str,
)  # fmt: skip
def test_a_forcing_dataset_is_refused(basin: Basin, value: Any, said: str) -> None:
    scenario = basin.load(EMPTIES, YEAR)
    values: Any = np.ones(12).astype(object)
    values[7] = value
    if not isinstance(value, (str, type(None))):
        values = np.array([value] * 12) if not isinstance(value, float) else values.astype(float)
    with pytest.raises(InputError) as caught:
        run(scenario, forcing=forcing(scenario, values))
    assert refused(caught) == f"forcing: hills.runoff: {said}; correct it"


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(
    "time",
    [np.full(12, np.datetime64("NaT", "ns")), np.arange(12.0), np.array([*"abcdefghijkl"], object)],
    ids=["NaT", "float", "text"],
)
def test_a_forcing_dataset_of_other_times_is_refused(basin: Basin, time: Any) -> None:
    scenario = basin.load(EMPTIES, YEAR)
    ds = xr.Dataset({"hills.runoff": ("time", np.ones(12))}, {"time": time})
    with pytest.raises(InputError) as caught:
        run(scenario, forcing=ds)
    assert "must have the starts of the scenario's steps" in refused(caught)


def test_a_forcing_dataset_of_whole_numbers_is_accepted(basin: Basin) -> None:
    scenario = basin.load(EMPTIES, YEAR)
    ds = run(scenario, forcing=forcing(scenario, np.full(12, 3)))
    assert ds["runoff"].values == pytest.approx(3.0)


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 1e305, "4", None, True, [1.0, 2.0]])
def test_a_change_of_a_step_is_refused_and_changes_nothing(basin: Basin, value: Any) -> None:
    stepper = watersim.stepper(basin.load(EMPTIES, YEAR))
    changes: Mapping[str, Any] = {"homes.requirement": 1.0, "hills.runoff": value}
    with pytest.raises(InputError) as caught:
        stepper.step(changes)
    assert refused(caught).startswith("hills.runoff: must be ")
    assert refused(caught).endswith(f"(got {value})")
    assert stepper.forcing("homes.requirement") == 4.0
    assert stepper.forcing("hills.runoff") == 40.0


def test_every_wrong_change_of_a_step_is_named_at_once(basin: Basin) -> None:
    stepper = watersim.stepper(basin.load(EMPTIES, YEAR))
    with pytest.raises(InputError) as caught:
        stepper.step({"homes.requirement": math.nan, "hills.runoff": -1.0})
    assert len(caught.value.problems) == 2


def from_another(basin: Basin, change: Any, text: str = EMPTIES) -> None:
    """Run from the end of a run whose file was changed."""
    ds = run(basin.load(text, ("2000-12-01", "2000-12-31", "month")))
    change(ds)
    save(ds, basin.folder / "scenarios" / "first.nc")
    more = "initial: {from: first.nc, at: 2000-12-31}"
    run(basin.load(text, YEAR, more=more))


def set_storage(value: float) -> Any:
    def change(ds: xr.Dataset) -> None:
        ds["storage"].values[0, -1, 0] = value

    return change


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "must be finite (got nan)"),
        (math.inf, "must be finite (got inf)"),
        (-5.0, "must be at least 0 and at most 1e+18 (got -5.0)"),
        (1e305, "must be at least 0 and at most 1e+18 (got 1e+305)"),
    ],
)
def test_a_corrupted_store_of_another_run_is_refused(
    basin: Basin, monkeypatch: pytest.MonkeyPatch, value: float, said: str
) -> None:
    def corrupt_and_guard(ds: xr.Dataset) -> None:
        set_storage(value)(ds)
        monkeypatch.setattr(Engine, "advance", None)

    with pytest.raises(InputError) as caught:
        from_another(basin, corrupt_and_guard)
    assert refused(caught).endswith(
        f"initial.from: is a run whose storage of 'dam' on 2000-12-31 {said}; run it again"
    )


def test_corrupted_water_under_way_is_refused(basin: Basin) -> None:
    def corrupt(ds: xr.Dataset) -> None:
        ds["reach_storage"].values[0, -1, 0] = math.nan

    with pytest.raises(InputError, match="whose reach_storage of 'hills > dam' on 2000-12-31 must"):
        from_another(basin, corrupt)


def test_a_sound_run_to_start_from_is_accepted(basin: Basin) -> None:
    from_another(basin, set_storage(20e6))


def test_a_file_that_says_it_is_a_run_but_has_no_steps_is_refused(
    basin: Basin, tmp_path: Path
) -> None:
    xr.Dataset(attrs={"watersim_version": "0"}).to_netcdf(tmp_path / "odd.nc")
    with pytest.raises(InputError, match=r"odd.nc: is not a result of watersim run"):
        watersim.open_results(tmp_path / "odd.nc")
