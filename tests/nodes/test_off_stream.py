"""A reservoir beside the river: a canal fills it in the high-water season, a site empties it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from basins import YEAR, Basin
from click.testing import CliRunner

import watersim
from watersim.cli import commands
from watersim.summary import text as summary

DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
LEVELS = "levels: {full_level: 120 m, depth: 20 m, exponent: 2}"
# the river has 20 m3/s from January to April and 2 after; the town has the first right to 5, the
# fields below the reservoir ask for 4 from May to August
TEXT = f"""
nodes:
  hills: {{kind: catchment, runoff: {{monthly: [20, 20, 20, 20, 2, 2, 2, 2, 2, 2, 2, 2],
    unit: m3/s}}}}
  weir: {{kind: junction}}
  town: {{kind: municipal, at: weir, priority: 1, requirement: 5 m3/s}}
  sea: {{kind: terminal}}
  gully: {{kind: catchment, runoff: 0 m3/s}}
  basin: {{kind: reservoir, capacity: 60 hm3, dead_storage: 4 hm3, initial_storage: 4 hm3, {LEVELS},
    zones: [{{name: store, to: capacity, priority: 3}}]}}
  fields: {{kind: irrigation, at: basin, priority: 2, requirement: {{monthly: [0, 0, 0, 0, 4, 4, 4,
    4, 0, 0, 0, 0], unit: m3/s}}}}
  ditch: {{kind: terminal}}
rivers: [hills > weir > sea, gully > basin > ditch]
canals: {{feeder: {{from: weir, to: basin, capacity: 10 m3/s, loss: 20 %}}}}
"""


def hm3(flow: xr.DataArray) -> np.ndarray:
    return np.asarray(flow.values.ravel() * DAYS * 0.0864)


# 8 of the feeder's 10 m3/s arrive: 4 + 21.4272 + 19.3536 is 44.7808 at the end of February; March
# needs 15.2192 at the end of the canal to fill it
def test_it_fills_in_the_high_water_season_as_fast_as_its_feeder_carries(basin: Basin) -> None:
    ds = basin.run(TEXT, YEAR)
    stored = ds["storage"].sel(reservoir="basin").values[0] / 1e6
    assert stored[:4] == pytest.approx([25.4272, 44.7808, 60.0, 60.0], rel=1e-12)
    feeder = hm3(ds["canal_flow"])
    assert feeder[:4] == pytest.approx([26.784, 24.192, 15.2192 / 0.8, 0.0], rel=1e-12)
    assert hm3(ds["canal_loss"])[:3] == pytest.approx(0.2 * feeder[:3], rel=1e-12)
    assert ds["supply"].sel(site="town").values[0, :4] == pytest.approx([5.0] * 4, rel=1e-12)


# 56 hm3 above the dead storage: 10.7136 in May, 10.368 in June, 10.7136 in July and in August
def test_it_serves_its_site_in_the_dry_season(basin: Basin) -> None:
    ds = basin.run(TEXT, YEAR)
    assert ds["supply"].sel(site="fields").values[0, 4:8] == pytest.approx([4.0] * 4, rel=1e-12)
    stored = ds["storage"].sel(reservoir="basin").values[0, 4:] / 1e6
    assert stored == pytest.approx([49.2864, 38.9184, 28.2048] + [17.4912] * 5, rel=1e-12)


# the town takes 19 of 20: 1 m3/s is left for the feeder, 0.8 of it arrives
def test_it_gets_only_what_earlier_claims_leave(basin: Basin) -> None:
    ds = basin.run(TEXT.replace("requirement: 5 m3/s", "requirement: 19 m3/s"), YEAR)
    assert ds["supply"].sel(site="town").values[0, :4] == pytest.approx([19.0] * 4, rel=1e-12)
    assert ds["canal_flow"].values.ravel()[:4] == pytest.approx([1.0] * 4, rel=1e-12)
    assert ds["supply"].sel(site="town").values[0, 4:] == pytest.approx([2.0] * 8, rel=1e-12)


# a field of the last priority on the river stands behind the zone: 20 − 5 − 10 are left to it
def test_its_zone_fills_before_a_later_claim_on_the_river(basin: Basin) -> None:
    late = "  late: {kind: irrigation, at: weir, priority: 4, requirement: 9 m3/s}\n  sea:"
    ds = basin.run(TEXT.replace("  sea:", late, 1), YEAR)
    assert ds["supply"].sel(site="late").values[0, :2] == pytest.approx([5.0] * 2, rel=1e-12)
    assert ds["supply"].sel(site="late").values[0, 3] == pytest.approx(9.0, rel=1e-12)


def test_a_full_feeder_is_named_as_what_stops_the_zone(basin: Basin) -> None:
    ds = basin.run(TEXT, YEAR)
    flags = ds["bound_by"].attrs["flag_meanings"].split()
    codes = ds["bound_by"].sel(claim="basin.store").values[0]
    assert [flags[code] for code in codes[:3]] == ["canal_feeder", "canal_feeder", flags[0]]


# fields that ask for 40 m3/s from May: all 56 hm3 above the dead storage in May, nothing after
def test_its_dead_storage_stays(basin: Basin) -> None:
    text = TEXT.replace("0, 0, 0, 0, 4, 4, 4,\n    4,", "0, 0, 0, 0, 40, 40, 40,\n    40,")
    ds = basin.run(text, YEAR)
    stored = ds["storage"].sel(reservoir="basin").values[0]
    assert np.all(stored[4:] == 4e6)
    assert hm3(ds["supply"].sel(site="fields"))[4] == pytest.approx(56.0, rel=1e-12)


# nothing is asked of it and its zone ends at the dead storage: the river keeps its water
def test_it_calls_no_water_for_nobody(basin: Basin) -> None:
    text = TEXT.replace("to: capacity, priority: 3", "to: 4 hm3, priority: 3").replace(
        "0, 0, 0, 0, 4, 4, 4,\n    4,", "0, 0, 0, 0, 0, 0, 0,\n    0,")  # fmt: skip
    ds = basin.run(text, YEAR)
    assert np.all(ds["canal_flow"].values == 0.0)
    assert np.all(ds["storage"].sel(reservoir="basin").values == 4e6)


# May to August without a drop: it shrinks by what evaporates, below its dead storage in the end
def test_evaporation_takes_it_below_its_dead_storage_and_the_feeder_makes_it_good(
    basin: Basin,
) -> None:
    text = TEXT.replace("zones:", "evaporation: 5 mm/day, zones:")
    ds = basin.run(text, YEAR)
    at = ds.sel(reservoir="basin")
    stored = np.concatenate([[4e6], at["storage"].values[0]]) / 1e6
    came, went = hm3(ds["canal_delivery"]), hm3(at["evaporation"])
    taken = hm3(ds["supply"].sel(site="fields"))
    assert np.diff(stored) == pytest.approx(came - went - taken, abs=1e-9)
    assert np.all(went > 0.0)
    assert stored[4] == 60.0
    assert came[3] == pytest.approx(went[3], rel=1e-12)


# two feeders of 5 m3/s each, without loss, fill it like one of 10
def test_two_feeders_fill_it_together(basin: Basin) -> None:
    one = TEXT.replace(", loss: 20 %", "")
    two = one.replace("capacity: 10 m3/s}", "capacity: 5 m3/s}, second: {from: hills, to: basin, "
                      "capacity: 5 m3/s}")  # fmt: skip
    stored = [basin.run(text, YEAR, name=name)["storage"].values
              for name, text in (("one", one), ("two", two))]  # fmt: skip
    np.testing.assert_allclose(stored[1], stored[0], rtol=1e-12)
    assert stored[1][0, 0, 0] == pytest.approx(4e6 + 10 * 31 * 86_400, rel=1e-12)


def test_check_summary_and_figure_know_it(basin: Basin) -> None:
    path = basin.write(TEXT, YEAR)
    ds = basin.check(watersim.run(watersim.load(path)))
    assert CliRunner().invoke(commands, ["check", str(path)]).exit_code == 0
    assert "basin" in summary(ds)
    ds.watersim.plot.storage("basin")
