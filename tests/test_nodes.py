"""Every kind against its analytical answer; the derivation stands above each test."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from basins import Basin

DAY = 86_400.0
JAN = ("2001-01-01", "2001-01-31", "month")
MONTH = 31 * DAY
HALF_YEAR = ("2001-01-01", "2001-06-30", "month")
FLAT = "levels: {file: flat.csv}"  # 10 km2 at every level, 1 m per 10 hm3
FLAT_TABLE = {"flat.csv": "level_m,area_km2,storage_hm3\n100,10,0\n120,10,200\n"}


def at(ds: xr.Dataset, name: str, **labels: str) -> np.ndarray:
    """The series of one variable at labels, first realization."""
    return np.asarray(ds[name].sel(**labels).values[0])


def demands(priorities: tuple[int, int], needs: tuple[int, int], runoff: int) -> str:
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: {runoff} m3/s}}
      bend: {{kind: junction}}
      a: {{kind: irrigation, at: bend, priority: {priorities[0]}, requirement: {needs[0]} m3/s}}
      b: {{kind: municipal, at: bend, priority: {priorities[1]}, requirement: {needs[1]} m3/s}}
      sea: {{kind: terminal}}
    rivers: [spring > bend > sea]
    """


# 50 for claims of 60 and 40 at one priority: 30 and 20, nothing goes on
def test_equal_priorities_are_cut_by_the_same_per_cent(basin: Basin) -> None:
    ds = basin.run(demands((1, 1), (60, 40), 50), JAN)
    assert at(ds, "supply", site="a")[0] == pytest.approx(30.0, rel=1e-12)
    assert at(ds, "supply", site="b")[0] == pytest.approx(20.0, rel=1e-12)
    assert at(ds, "sink_flow", terminal="sea")[0] == pytest.approx(0.0, abs=1e-9)


# the second priority gets what the first leaves: 40 and 10
def test_the_first_priority_is_served_before_the_second(basin: Basin) -> None:
    ds = basin.run(demands((2, 1), (60, 40), 50), JAN)
    assert at(ds, "supply", site="b")[0] == 40.0
    assert at(ds, "supply", site="a")[0] == pytest.approx(10.0, rel=1e-12)


def test_with_ample_water_every_requirement_is_met_exactly_and_the_rest_goes_on(
    basin: Basin,
) -> None:
    ds = basin.run(demands((1, 1), (60, 40), 150), JAN)
    assert at(ds, "deficit", site="a")[0] == 0.0
    assert at(ds, "cover", claim="a")[0] == 1.0
    assert at(ds, "sink_flow", terminal="sea")[0] == pytest.approx(50.0, rel=1e-12)


# the upper site takes 10 and gives back half below: the lower one has 10 − 10 + 5 = 5 of its 8
def test_a_return_flow_serves_the_site_below(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 10 m3/s}
          bend: {kind: junction}
          ford: {kind: junction}
          upper: {kind: irrigation, at: bend, priority: 1, requirement: 10 m3/s,
            return_flow: {fraction: 50 %, to: ford}}
          lower: {kind: irrigation, at: ford, priority: 2, requirement: 8 m3/s}
          sea: {kind: terminal}
        rivers: [spring > bend > ford > sea]
        """,
        JAN,
    )
    assert at(ds, "supply", site="upper")[0] == pytest.approx(10.0, rel=1e-12)
    assert at(ds, "supply", site="lower")[0] == pytest.approx(5.0, rel=1e-12)
    assert at(ds, "consumption", site="upper")[0] == pytest.approx(5.0, rel=1e-12)
    assert at(ds, "return_flow", site="upper")[0] == pytest.approx(5.0, rel=1e-12)


# DESIGN §3.2: M 80 first, X the 20 left of 100; its 6 that return to the dry branch serve D
@pytest.mark.parametrize("exactly", [False, True])
def test_a_later_priority_s_return_flow_is_offered_again_from_the_first(
    basin: Basin, exactly: bool
) -> None:
    ds = basin.run(
        """
        nodes:
          a: {kind: catchment, runoff: 100 m3/s}
          dry: {kind: catchment, runoff: 0 m3/s}
          town: {kind: junction}
          m: {kind: municipal, at: a, priority: 2, requirement: 80 m3/s}
          x: {kind: irrigation, at: a, priority: 3, requirement: 100 m3/s,
            return_flow: {fraction: 30 %, to: dry}}
          d: {kind: municipal, at: town, priority: 1, requirement: 30 m3/s}
          sea: {kind: terminal}
        rivers: [a > sea, dry > town > sea]
        """,
        JAN, how={"exactly": exactly},
    )  # fmt: skip
    for site, supply in (("d", 6.0), ("m", 80.0), ("x", 20.0)):
        assert at(ds, "supply", site=site)[0] == pytest.approx(supply, rel=1e-9)


# 12 arrive, 5 must leave the gauge, the site takes the other 7
def test_an_environmental_flow_is_measured_below_every_take_at_its_node(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 12 m3/s}
          gate: {kind: gauge, environmental_flow: {flow: 5 m3/s, priority: 1}}
          farm: {kind: irrigation, at: gate, priority: 2, requirement: 20 m3/s}
          sea: {kind: terminal}
        rivers: [spring > gate > sea]
        """,
        JAN,
    )
    assert at(ds, "supply", site="farm")[0] == pytest.approx(7.0, rel=1e-12)
    assert at(ds, "outflow", node="gate")[0] == pytest.approx(5.0, rel=1e-12)
    assert at(ds, "cover", claim="gate.environmental_flow")[0] == pytest.approx(1.0, rel=1e-12)


def reservoir(more: str, runoff: str = "10 m3/s", below: str = "") -> str:
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: {runoff}}}
      dam: {{kind: reservoir, capacity: 100 hm3, {FLAT}, {more}}}
      bend: {{kind: junction}}
      sea: {{kind: terminal}}
{below}
    rivers: [spring > dam > bend > sea]
    """


# 10 m3/s for 31 days = 26.784 hm3: 50 → 76.784 → full at 100, the rest passes
def test_a_reservoir_fills_to_its_capacity_and_passes_the_rest(basin: Basin) -> None:
    ds = basin.run(reservoir("initial_storage: 50 hm3"), HALF_YEAR, tables=FLAT_TABLE)
    storage = at(ds, "storage", reservoir="dam")
    assert storage[0] == pytest.approx(50e6 + 10 * MONTH, rel=1e-12)
    assert np.all(storage[2:] == 100e6)
    assert at(ds, "release", reservoir="dam")[3] == pytest.approx(10.0, rel=1e-12)
    assert np.all(at(ds, "spill", reservoir="dam") == 0.0)  # an unlimited outlet never spills


# a site asks 30 of inflow 10: the store gives 20 × 31 d = 53.568 of its 60 − 10 = 50 hm3, all of it
def test_dead_storage_is_never_released(basin: Basin) -> None:
    below = "      town: {kind: municipal, at: bend, priority: 1, requirement: 30 m3/s}"
    ds = basin.run(
        reservoir("initial_storage: 60 hm3, dead_storage: 10 hm3", below=below), HALF_YEAR,
        tables=FLAT_TABLE,
    )  # fmt: skip
    assert at(ds, "storage", reservoir="dam")[0] == pytest.approx(10e6, rel=1e-12)
    assert at(ds, "supply", site="town")[0] == pytest.approx(10 + 50e6 / MONTH, rel=1e-12)
    assert at(ds, "supply", site="town")[1] == pytest.approx(10.0, rel=1e-12)


# below dead storage at the start: what arrives fills it first, 26.784 of the 30 hm3 that lack
def test_nothing_passes_a_reservoir_below_its_dead_storage(basin: Basin) -> None:
    below = "      town: {kind: municipal, at: bend, priority: 1, requirement: 30 m3/s}"
    ds = basin.run(
        reservoir("initial_storage: 10 hm3, dead_storage: 40 hm3", below=below), HALF_YEAR,
        tables=FLAT_TABLE,
    )  # fmt: skip
    release, storage = at(ds, "release", reservoir="dam"), at(ds, "storage", reservoir="dam")
    assert release[0] == 0.0
    assert storage[0] == pytest.approx(10e6 + 10 * MONTH, rel=1e-12)
    assert storage[1] == pytest.approx(40e6, rel=1e-12)
    assert np.all((release == 0.0) | (storage >= 40e6 * (1 - 1e-12)))


# 10 km2 × 5 mm/day × 31 d = 1.55 hm3, rain 2 mm/day 0.62, seepage 1 mm/day 0.31
def test_evaporation_rain_and_seepage_act_on_the_lake_s_area(basin: Basin) -> None:
    more = "initial_storage: 50 hm3, evaporation: 5 mm/day, precipitation: 2 mm/day, " \
        "seepage: 1 mm/day"  # fmt: skip
    ds = basin.run(reservoir(more, "0 m3/s"), JAN, tables=FLAT_TABLE)
    assert at(ds, "evaporation", reservoir="dam")[0] * MONTH == pytest.approx(1.55e6, rel=1e-12)
    assert at(ds, "precipitation", reservoir="dam")[0] * MONTH == pytest.approx(0.62e6, rel=1e-12)
    assert at(ds, "seepage", reservoir="dam")[0] * MONTH == pytest.approx(0.31e6, rel=1e-12)
    assert at(ds, "storage", reservoir="dam")[0] == pytest.approx(48.76e6, rel=1e-12)


# 1 hm3 is there and 1.55 would evaporate: all of it goes, nothing more
def test_evaporation_takes_no_more_than_the_water_present(basin: Basin) -> None:
    ds = basin.run(
        reservoir("initial_storage: 1 hm3, evaporation: 5 mm/day", "0 m3/s"), JAN,
        tables=FLAT_TABLE,
    )  # fmt: skip
    assert at(ds, "storage", reservoir="dam")[0] == 0.0
    assert at(ds, "evaporation", reservoir="dam")[0] * MONTH == pytest.approx(1e6, rel=1e-12)


# area grows as storage: V = 100 (h/20)^2, A = 2 V/h; the second pass uses the mean storage of the
# first. S0 = 25, first pass A = 5 km2: E = 0.775; mean 24.6125 → h = 9.92220, A = 4.96110 km2
def test_the_second_pass_evaporates_at_the_mean_storage_of_the_first(basin: Basin) -> None:
    text = reservoir("initial_storage: 25 hm3, evaporation: 5 mm/day", "0 m3/s").replace(
        FLAT, "levels: {full_level: 120 m, depth: 20 m, exponent: 2}")  # fmt: skip
    ds = basin.run(text, JAN)
    depth = 20 * np.sqrt(24.6125 / 100)
    expected = 2 * 24.6125e6 / depth * 0.005 * 31
    assert at(ds, "evaporation", reservoir="dam")[0] * MONTH == pytest.approx(expected, rel=1e-4)


# outlet 6 m3/s, inflow 10: 4 m3/s stay until it is full, then 4 m3/s spill
def test_it_spills_only_when_full_with_the_outlet_at_capacity(basin: Basin) -> None:
    ds = basin.run(
        reservoir("initial_storage: 90 hm3, outlet_capacity: 6 m3/s"), HALF_YEAR,
        tables=FLAT_TABLE,
    )  # fmt: skip
    spill, storage = at(ds, "spill", reservoir="dam"), at(ds, "storage", reservoir="dam")
    release = at(ds, "release", reservoir="dam")
    assert storage[0] == 100e6
    assert release[0] == pytest.approx(6.0, rel=1e-12)
    assert spill[0] * MONTH == pytest.approx(90e6 + 4 * MONTH - 100e6, rel=1e-9)
    assert np.all((spill == 0.0) | ((storage == 100e6) & (release > 6.0 - 1e-9)))
    assert at(ds, "inflow", node="bend")[2] == pytest.approx(10.0, rel=1e-12)


# a site below asks 20 of inflow 10 and a full store, but the outlet passes 6
def test_claims_below_get_no_more_than_the_outlet_passes(basin: Basin) -> None:
    below = "      town: {kind: municipal, at: bend, priority: 1, requirement: 20 m3/s}"
    ds = basin.run(
        reservoir("initial_storage: 60 hm3, outlet_capacity: 6 m3/s", "2 m3/s", below), JAN,
        tables=FLAT_TABLE,
    )  # fmt: skip
    assert at(ds, "supply", site="town")[0] == pytest.approx(6.0, rel=1e-12)
    meanings = ds["bound_by"].attrs["flag_meanings"].split()
    assert meanings[int(at(ds, "bound_by", claim="town")[0])] == "outlet_of_dam"


# reserve 0–30 hm3 before the farm (priority 2), the farm before conservation
def test_a_zone_with_a_priority_is_kept_before_later_claims(basin: Basin) -> None:
    below = "      farm: {kind: irrigation, at: bend, priority: 3, requirement: 100 m3/s}"
    zones = "zones: [{name: reserve, to: 30 hm3, priority: 2}, {name: conservation, to: capacity}]"
    ds = basin.run(
        reservoir(f"initial_storage: 60 hm3, {zones}", "0 m3/s", below), JAN, tables=FLAT_TABLE
    )
    assert at(ds, "storage", reservoir="dam")[0] == pytest.approx(30e6, rel=1e-12)
    assert at(ds, "supply", site="farm")[0] * MONTH == pytest.approx(30e6, rel=1e-12)


# the flood zone 60–100 hm3 is kept empty until the end of March, then fills
def test_a_zone_kept_empty_holds_no_water_on_its_days(basin: Basin) -> None:
    zones = "zones: [{name: conservation, to: 60 hm3}, {name: flood, to: capacity, " \
        "keep_empty: {from: 01-01, to: 03-31}}]"  # fmt: skip
    ds = basin.run(reservoir(f"initial_storage: 60 hm3, {zones}"), HALF_YEAR, tables=FLAT_TABLE)
    storage = at(ds, "storage", reservoir="dam")
    assert storage[:3] == pytest.approx([60e6] * 3, rel=1e-12)
    assert storage[3] == pytest.approx(60e6 + 10 * 30 * DAY, rel=1e-12)


def two_dams(group: str) -> str:
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: 0 m3/s}}
      high: {{kind: reservoir, capacity: 100 hm3, {FLAT}, initial_storage: 80 hm3,
        zones: [{{name: all, to: capacity{group}}}]}}
      low: {{kind: reservoir, capacity: 50 hm3, {FLAT}, initial_storage: 40 hm3,
        zones: [{{name: all, to: capacity{group}}}]}}
      town: {{kind: municipal, at: bend, priority: 1, requirement: {{monthly: [30, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0], unit: hm3/month}}}}
      bend: {{kind: junction}}
      sea: {{kind: terminal}}
    rivers: [spring > high > low > bend > sea]
    """


# 30 hm3 are asked: the lower store gives them, the upper keeps its 80
def test_the_lower_reservoir_is_drawn_first(basin: Basin) -> None:
    ds = basin.run(two_dams(""), JAN, tables=FLAT_TABLE)
    assert at(ds, "storage", reservoir="high")[0] == pytest.approx(80e6, rel=1e-12)
    assert at(ds, "storage", reservoir="low")[0] == pytest.approx(10e6, rel=1e-9)


# 90 hm3 left in stores of 150: both at 60 %
def test_a_balance_group_draws_down_to_equal_cover(basin: Basin) -> None:
    ds = basin.run(two_dams(", balance_group: both"), JAN, tables=FLAT_TABLE)
    assert at(ds, "storage", reservoir="high")[0] == pytest.approx(60e6, rel=1e-9)
    assert at(ds, "storage", reservoir="low")[0] == pytest.approx(30e6, rel=1e-9)


# full, inflow 30: river 8, then the side lake takes 12, the rest goes to the depression
def test_surplus_outlets_are_used_in_their_order(basin: Basin) -> None:
    ds = basin.run(
        f"""
        nodes:
          spring: {{kind: catchment, runoff: 30 m3/s}}
          dam: {{kind: reservoir, capacity: 100 hm3, {FLAT}, initial_storage: 100 hm3,
            outlets: [{{to: sea, capacity: 8 m3/s}}, {{to: side, capacity: 12 m3/s}},
              {{to: hollow}}]}}
          sea: {{kind: terminal}}
          side: {{kind: lake, capacity: 200 hm3, {FLAT}, initial_storage: 0 hm3}}
          inlet: {{kind: junction}}
          hollow: {{kind: terminal}}
        rivers: [spring > dam > sea, inlet > side, inlet2 > hollow]
        """.replace("inlet2 > hollow", "ditch > hollow").replace(
            "inlet: {kind", "ditch: {kind: junction}\n          inlet: {kind"),
        JAN, tables=FLAT_TABLE,
    )  # fmt: skip
    flows = dict(zip(ds["outlet_to"].values, ds["outlet_flow"].values[0, 0], strict=True))
    assert at(ds, "release", reservoir="dam")[0] == pytest.approx(8.0, rel=1e-12)
    assert flows["side"] == pytest.approx(12.0, rel=1e-12)
    assert flows["hollow"] == pytest.approx(10.0, rel=1e-12)
    assert at(ds, "spill", reservoir="dam")[0] == 0.0
    assert at(ds, "storage", reservoir="side")[0] == pytest.approx(12 * MONTH, rel=1e-12)


# 10 m3/s into 10 km2 that lose 5 mm/day; overflow above 40 hm3 leaves the model
def test_a_lake_gathers_water_and_overflows(basin: Basin) -> None:
    ds = basin.run(
        f"""
        nodes:
          spring: {{kind: catchment, runoff: 10 m3/s}}
          aral: {{kind: lake, capacity: 40 hm3, {FLAT}, initial_storage: 0 hm3,
            evaporation: 5 mm/day}}
        rivers: [spring > aral]
        """,
        HALF_YEAR, tables=FLAT_TABLE,
    )  # fmt: skip
    storage = at(ds, "storage", reservoir="aral")
    assert storage[0] == pytest.approx(10 * MONTH - 1.55e6, rel=1e-12)
    assert storage[1] == 40e6
    assert at(ds, "sink_flow", terminal="aral")[3] == pytest.approx(10 - 0.05e6 / DAY, rel=1e-12)


def plant(more: str, runoff: int = 10) -> str:
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: {runoff} m3/s}}
      bend: {{kind: junction}}
      farm: {{kind: irrigation, at: spring, priority: 2, requirement: 100 m3/s}}
      mill: {{kind: hydropower, at: bend, efficiency: 0.9, {more}}}
      sea: {{kind: terminal}}
    rivers: [spring > bend > sea]
    """


# P = 1000 · 9.81 · 4 · 30 · 0.9 = 1 059 480 W; the energy of 4 m3/s is asked before the farm
def test_an_energy_requirement_becomes_turbine_flow_through_the_head(basin: Basin) -> None:
    watts = 1000 * 9.81 * 4 * 30 * 0.9
    asked = f"energy_requirement: {{energy: {watts / 1e6:.6f} MW, priority: 1}}"
    ds = basin.run(plant(f"capacity: 5 MW, head: 30 m, {asked}"), JAN)
    assert at(ds, "turbine_flow", plant="mill")[0] == pytest.approx(4.0, rel=1e-12)
    assert at(ds, "power", plant="mill")[0] == pytest.approx(watts, rel=1e-12)
    assert at(ds, "energy", plant="mill")[0] == pytest.approx(watts * MONTH, rel=1e-12)
    assert at(ds, "energy_deficit", plant="mill")[0] == pytest.approx(0.0, abs=1.0)
    assert at(ds, "supply", site="farm")[0] == pytest.approx(6.0, rel=1e-12)


# other generation covers half: only 2 m3/s are asked of the plant
def test_other_generation_comes_first(basin: Basin) -> None:
    watts = 1000 * 9.81 * 4 * 30 * 0.9
    asked = f"energy_requirement: {{energy: {watts / 1e6:.6f} MW, priority: 1, " \
        f"other_generation: {watts / 2e6:.6f} MW}}"  # fmt: skip
    ds = basin.run(plant(f"capacity: 5 MW, head: 30 m, {asked}"), JAN)
    assert at(ds, "turbine_flow", plant="mill")[0] == pytest.approx(2.0, rel=1e-9)


# capacity 1 MW at 30 m and 0.9: 1e6/(9810 · 30 · 0.9) = 3.7755 m3/s, however much flows
def test_a_plant_makes_no_more_than_its_capacity(basin: Basin) -> None:
    ds = basin.run(plant("capacity: 1 MW, head: 30 m", 200), JAN)
    assert at(ds, "power", plant="mill")[0] == pytest.approx(1e6, rel=1e-12)
    assert at(ds, "turbine_flow", plant="mill")[0] == pytest.approx(1e6 / (9810 * 27), rel=1e-12)


def test_a_plant_stands_still_below_its_minimum_head(basin: Basin) -> None:
    ds = basin.run(plant("capacity: 1 MW, head: 30 m, minimum_head: 31 m", 200), JAN)
    assert at(ds, "power", plant="mill")[0] == 0.0


# level 110 m (100 hm3 of 200 in 20 m), tailwater 80 m + 0.5 m per m3/s of 10: head 25 m
def test_the_head_is_the_mean_level_less_the_tailwater_at_the_release(basin: Basin) -> None:
    below = "      mill: {kind: hydropower, at: dam, capacity: 50 MW, efficiency: 0.9, " \
        "tailwater: {file: rating.csv}}"  # fmt: skip
    ds = basin.run(
        reservoir("initial_storage: 100 hm3", below=below), JAN,
        tables={**FLAT_TABLE, "rating.csv": "flow_m3s,level_m\n0,80\n100,130\n"},
    )  # fmt: skip
    assert at(ds, "head", plant="mill")[0] == pytest.approx(25.0, rel=1e-12)
    assert at(ds, "power", plant="mill")[0] == pytest.approx(9810 * 10 * 25 * 0.9, rel=1e-12)
    assert at(ds, "bypass", reservoir="dam")[0] == pytest.approx(0.0, abs=1e-12)


# loss 10 %, lag 6 of 30 or 31 days: in the first month 0.9 · (1 − 6/31) arrives, what is under
# way arrives in the next; with constant inflow 0.9 of it from then on
def test_a_reach_holds_back_its_lag_and_loses_its_share(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 10 m3/s}
          sea: {kind: terminal}
        rivers: [spring > sea]
        reaches:
          spring > sea: {loss: 10 %, lag: 6 days}
        """,
        HALF_YEAR,
    )
    arrival, storage = ds["reach_arrival"].values[0, :, 0], ds["reach_storage"].values[0, :, 0]
    assert arrival[0] == pytest.approx(9 * (1 - 6 / 31), rel=1e-12)
    assert storage == pytest.approx([9 * 6 * DAY] * 6, rel=1e-12)
    assert arrival[1:] == pytest.approx([9.0] * 5, rel=1e-12)
    assert ds["reach_loss"].values[0, :, 0] == pytest.approx([1.0] * 6, rel=1e-12)


# head 6 m3/s at most, a tenth lost to the river below: the gate has 5.4, the sea 4 + 0.6
def test_a_canal_is_limited_at_its_head_and_its_loss_comes_back_where_it_says(
    basin: Basin,
) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 10 m3/s}
          bend: {kind: junction}
          farm: {kind: irrigation, priority: 1, requirement: 20 m3/s}
          sea: {kind: terminal}
        rivers: [spring > bend > sea]
        canals:
          main: {from: bend, to: farm, capacity: 6 m3/s, loss: {fraction: 10 %, to: sea}}
        """,
        JAN,
    )
    assert at(ds, "canal_flow", canal="main")[0] == pytest.approx(6.0, rel=1e-12)
    assert at(ds, "supply", site="farm")[0] == pytest.approx(5.4, rel=1e-12)
    assert at(ds, "sink_flow", terminal="sea")[0] == pytest.approx(4.6, rel=1e-12)
    meanings = ds["bound_by"].attrs["flag_meanings"].split()
    assert meanings[int(at(ds, "bound_by", claim="farm")[0])] == "canal_main"


# cover is given / requirement: a claim of 100 behind a canal of 50 shares as one of 100
def test_a_canal_s_capacity_does_not_change_how_its_site_shares(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 60 m3/s}
          bend: {kind: junction}
          a: {kind: irrigation, priority: 1, requirement: 100 m3/s}
          b: {kind: irrigation, at: bend, priority: 1, requirement: 100 m3/s}
          sea: {kind: terminal}
        rivers: [spring > bend > sea]
        canals: {main: {from: bend, to: a, capacity: 50 m3/s}}
        """,
        JAN,
    )
    assert at(ds, "supply", site="a")[0] == pytest.approx(30.0, rel=1e-12)
    assert at(ds, "supply", site="b")[0] == pytest.approx(30.0, rel=1e-12)


# the preferred canal first: 7 of 10 from the hill, 3 from the river, at 20 % loss 3.75 at its head
def test_of_several_canals_the_preferred_one_is_used_first(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          hill: {kind: catchment, runoff: 7 m3/s}
          spring: {kind: catchment, runoff: 50 m3/s}
          farm: {kind: irrigation, priority: 1, requirement: 10 m3/s}
          sea: {kind: terminal}
        rivers: [hill > sea, spring > sea]
        canals:
          near: {from: hill, to: farm, preference: 1}
          far: {from: spring, to: farm, preference: 2, loss: 20 %}
        """,
        JAN,
    )
    assert at(ds, "canal_flow", canal="near")[0] == pytest.approx(7.0, rel=1e-12)
    assert at(ds, "canal_flow", canal="far")[0] == pytest.approx(3.75, rel=1e-12)
    assert at(ds, "supply", site="farm")[0] == pytest.approx(10.0, rel=1e-12)
    assert at(ds, "diversion", site="farm")[0] == pytest.approx(10.75, rel=1e-12)


# a canal between rivers carries only what is asked beyond the river's own 2 m3/s
def test_a_canal_to_a_river_node_carries_what_is_asked_there(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          wet: {kind: catchment, runoff: 50 m3/s}
          dry: {kind: catchment, runoff: 2 m3/s}
          ford: {kind: junction}
          town: {kind: municipal, at: ford, priority: 1, requirement: 6 m3/s}
          sea: {kind: terminal}
        rivers: [wet > sea, dry > ford > sea]
        canals: {link: {from: wet, to: ford, loss: 20 %}}
        """,
        JAN,
    )
    assert at(ds, "canal_flow", canal="link")[0] == pytest.approx(5.0, rel=1e-12)
    assert at(ds, "supply", site="town")[0] == pytest.approx(6.0, rel=1e-12)


# the five ways to write 3 m3/s or its volume in January and February 2000 (31 and 29 days)
@pytest.mark.parametrize(
    ("requirement", "january", "february"),
    [
        ("3 m3/s", 3.0, 3.0),
        ("{monthly: [3, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], unit: m3/s}", 3.0, 5.0),
        ("10 hm3/month", 10e6 / MONTH, 10e6 / (29 * DAY)),
        ("{decades: [1, 2, 3, 6, 6, 6" + ", 0" * 30 + "], unit: m3/s}",
         (10 * 1 + 10 * 2 + 11 * 3) / 31, 6.0),
        ("{annual: 100 hm3, shares: [60, 40" + ", 0" * 10 + "], unit: '%'}",
         60e6 / MONTH, 40e6 / (29 * DAY)),
        ("{monthly: [10, 10" + ", 0" * 10 + "], unit: m3/s, factor: 0.5}", 5.0, 5.0),
    ],
)  # fmt: skip
def test_a_requirement_may_be_written_in_several_ways(
    basin: Basin, requirement: str, january: float, february: float
) -> None:
    ds = basin.run(
        f"""
        nodes:
          spring: {{kind: catchment, runoff: 100 m3/s}}
          town: {{kind: municipal, at: spring, priority: 1, requirement: {requirement}}}
          sea: {{kind: terminal}}
        rivers: [spring > sea]
        """,
        ("2000-01-01", "2000-02-29", "month"),
    )
    assert at(ds, "requirement", site="town") == pytest.approx([january, february], rel=1e-12)


@pytest.mark.parametrize("step", ["day", "decade", "month"])
def test_a_year_has_the_same_volumes_in_every_step(basin: Basin, step: str) -> None:
    """366 days of 10 m3/s, a requirement by month: no step length loses or finds water."""
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 10 m3/s}
          farm: {kind: irrigation, at: spring, priority: 1, requirement: {monthly: [0, 0, 1, 2, 4, 6,
            8, 6, 3, 1, 0, 0], unit: m3/s}}
          sea: {kind: terminal}
        rivers: [spring > sea]
        """,
        ("2000-01-01", "2000-12-31", step),
    )
    seconds = np.diff(ds["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    assert seconds.sum() == 366 * DAY
    days = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    asked = np.array([0, 0, 1, 2, 4, 6, 8, 6, 3, 1, 0, 0])
    assert (at(ds, "supply", site="farm") * seconds).sum() == pytest.approx(
        float((days * asked).sum() * DAY), rel=1e-12
    )
