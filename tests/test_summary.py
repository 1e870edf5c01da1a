from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from watersim.absent import absent
from watersim.metrics import seconds
from watersim.scenario import load
from watersim.simulation import run
from watersim.sources import shipped_root
from watersim.summary import summary, text
from watersim.text_table import Table, lines, per_year

YEAR = ("2001-01-01", "2001-12-31", "month")

# April to September are 183 days. Of 10 m3/s 2 must leave the gate, 8 of the 16 asked for remain:
# requirement 16 x 183 x 0.0864 = 252.98 hm3, supply and deficit half of it, never whole.
HALF = """
parties: {UP: Upper, LOW: Lower}
nodes:
  hills: {kind: catchment, party: UP, runoff: 10 m3/s}
  gate: {kind: gauge, environmental_flow: {flow: 2 m3/s, priority: 1}}
  fields:
    kind: irrigation
    party: LOW
    at: gate
    priority: 2
    requirement: {monthly: [0, 0, 0, 16, 16, 16, 16, 16, 16, 0, 0, 0], unit: m3/s}
  sands: {kind: terminal}
rivers: [hills > gate > sands]
"""
# January brings 40 m3/s into a full lake whose outlet passes 5: 35 m3/s x 31 days = 93.7 hm3 spill.
# Then 5 m3/s leave: 50 - 28 x 0.432 = 37.9 at the end of February, 24.5, 11.6; May reaches the dead
# storage of 10. The homes get their 4 m3/s for 120 days, 41.5 hm3, and nothing after.
EMPTIES = """
parties: {UP: Upper}
nodes:
  hills: {kind: catchment, runoff: {monthly: [40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], unit: m3/s}}
  dam:
    kind: reservoir
    capacity: 50 hm3
    dead_storage: 10 hm3
    initial_storage: 50 hm3
    levels: {full_level: 900 m, depth: 50 m, exponent: 2}
    outlet_capacity: 5 m3/s
  plant: {kind: hydropower, at: dam, capacity: 20 MW, efficiency: 0.8, tailwater: 840 m}
  town: {kind: gauge, environmental_flow: {flow: 1 m3/s, priority: 1}}
  homes: {kind: municipal, at: town, party: UP, priority: 2, requirement: 4 m3/s}
  sands: {kind: terminal}
rivers: [hills > dam > town > sands]
"""


def table(ds: xr.Dataset, begins: str) -> Table:
    """The table of a summary whose title begins so."""
    (found,) = (one for one in summary(ds).tables if one.title.startswith(begins))
    return found


def test_a_year_of_half_supply_is_said_in_hm3_per_year(basin) -> None:
    found = table(basin.run(HALF, YEAR), "Supply")
    assert found.title == "Supply by party and sector, hm3/yr; cover and reliability in %"
    assert found.rows == [("Lower irrigation, Apr–Sep", "253.0", "126.5", "126.5", "50.0", "0.0")]


def test_two_years_are_a_mean_year(basin) -> None:
    ds = basin.run(HALF, ("2001-01-01", "2002-12-31", "month"))
    assert table(ds, "Supply").rows[0][1:4] == ("253.0", "126.5", "126.5")


def test_half_a_year_is_not_doubled(basin) -> None:
    found = table(basin.run(HALF, ("2001-04-01", "2001-09-30", "decade")), "Supply")
    assert "hm3 in the run" in found.title
    assert found.rows[0][1:4] == ("253.0", "126.5", "126.5")


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (("2001-01-01", "2001-12-31", "month"), (1.0, "/yr")),
        (("2003-10-01", "2005-09-30", "day"), (2.0, "/yr")),  # with 29 February 2004
        (("2001-02-01", "2001-12-31", "month"), (1.0, " in the run")),
        (("2001-01-01", "2001-12-20", "decade"), (1.0, " in the run")),
    ],
)
def test_only_whole_years_are_divided_by(basin, time, expected) -> None:
    assert per_year(basin.run(HALF, time)) == expected


def test_a_short_claim_says_how_often_and_what_ran_out(basin) -> None:
    assert summary(basin.run(HALF, YEAR)).short == [
        "fields: short in 6 of 6 steps; in 6 bound by the water of the river at gate beyond the "
        "environmental flow"
    ]


def test_the_commonest_bound_is_named_first(basin) -> None:
    # in April 5 m3/s arrive, else 30; the canal carries 10 of the 16 asked for
    ds = basin.run(
        """
        nodes:
          hills:
            kind: catchment
            runoff: {monthly: [30, 30, 30, 5, 30, 30, 30, 30, 30, 30, 30, 30], unit: m3/s}
          gate: {kind: gauge}
          fields: {kind: irrigation, priority: 2, requirement: 16 m3/s}
          sands: {kind: terminal}
        rivers: [hills > gate > sands]
        canals:
          main: {from: gate, to: fields, capacity: 10 m3/s}
        """,
        YEAR,
    )
    assert summary(ds).short == [
        "fields: short in 12 of 12 steps; in 11 bound by the capacity of the canal main; in 1 bound "
        "by the water of the river at gate"
    ]


def test_seasons_stand_apart_where_both_ask(basin) -> None:
    # 4 m3/s: winter 182 days, of which 90 served; growing 183, of which April's 30
    rows = table(basin.run(EMPTIES, YEAR), "Supply").rows
    assert [row[0] for row in rows] == ["Upper municipal", "  Apr–Sep", "  Oct–Mar"]
    assert [row[2] for row in rows] == ["41.5", "10.4", "31.1"]
    assert [row[5] for row in rows] == ["33.3", "–", "–"]


def test_storage_is_named_with_the_days_of_its_extremes(basin) -> None:
    assert table(basin.run(EMPTIES, YEAR), "Storage").rows == [
        ("dam", "50.0", "10.0", "2001-05-31", "50.0", "2001-01-31", "10.0")
    ]


def test_energy_adds_up_over_the_seasons(basin) -> None:
    ds = basin.run(EMPTIES, YEAR)
    (row,) = table(ds, "Energy").rows
    total = float(ds["energy"].sum()) / 3.6e12
    assert float(row[3]) == pytest.approx(total, abs=0.006)
    assert float(row[1]) + float(row[2]) == pytest.approx(total, abs=0.011)
    assert row[4:] == ("–", "–")


def test_a_large_volume_is_said_without_an_exponent(basin) -> None:
    (said,) = summary(basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 5000 m3/s}
          sea: {kind: lake, capacity: 40 hm3, initial_storage: 40 hm3,
            levels: {full_level: 10 m, depth: 10 m, exponent: 2}}
        rivers: [spring > sea]
        """
    )).warnings  # fmt: skip
    assert said == "sea: overflow in 1 step, 13400 hm3: 2001-01"  # 5000 m3/s x 31 days = 13392


def test_accounts_begin_with_the_run(basin) -> None:
    ds = basin.run(
        """
        parties: {UP: Up, LOW: Low}
        nodes:
          spring: {kind: catchment, runoff: 5 m3/s}
          farm: {kind: irrigation, party: LOW, at: spring, priority: 1, requirement: 4 m3/s}
          mill: {kind: municipal, party: UP, at: spring, priority: 1, requirement: 4 m3/s}
          sea: {kind: terminal}
        rivers: [spring > sea]
        agreements:
          pact: {kind: shares, period: year, resource: {inflow_of: [spring]},
            shares: {UP: 50 %, LOW: 50 %}}
        """,
        YEAR,
    )
    assert [row[0] for row in table(ds, "Accounts of pact").rows[:3]] == [
        "Low",
        "  from 2001-01-01",
        "  from 2001-10-01",
    ]


def test_warnings_carry_dates(basin) -> None:
    assert summary(basin.run(EMPTIES, YEAR)).warnings == [
        "town, environmental flow not met in 8 steps: 2001-05 to 2001-12",
        "dam: at dead storage in 8 steps: 2001-05 to 2001-12",
        "dam: spill in 1 step, 93.7 hm3: 2001-01",
    ]


def test_many_periods_are_counted_and_shorter_steps_named_by_day(basin) -> None:
    ds = basin.run(EMPTIES, ("2001-01-01", "2006-12-31", "decade"))
    (warning,) = (one for one in summary(ds).warnings if "spill" in one)
    assert "2001-01-01 to 2001-01-31" in warning
    assert warning.endswith(" and 2 more periods")


def test_a_surplus_outlet_in_use_is_a_warning(basin) -> None:
    # 10 m3/s into a full lake, 4 pass to the river, 6 x 31 days = 16.1 hm3 to the desert
    ds = basin.run(
        """
        nodes:
          hills: {kind: catchment, runoff: 10 m3/s}
          dam:
            kind: reservoir
            capacity: 50 hm3
            initial_storage: 50 hm3
            levels: {full_level: 900 m, depth: 50 m, exponent: 2}
            outlets: [{to: sands, capacity: 4 m3/s}, {to: ditch}]
          ditch: {kind: junction}
          sands: {kind: terminal}
          desert: {kind: terminal}
        rivers: [hills > dam > sands, ditch > desert]
        """
    )
    assert summary(ds).warnings == [
        "surplus outlet dam > ditch (2) used in 1 step, 16.1 hm3: 2001-01"
    ]


def test_realizations_are_a_median_and_what_ten_and_ninety_per_cent_stay_under(basin) -> None:
    # runoff 6, 10, 14 m3/s: supply 4, 8, 12 of 16, cover 25, 50, 75 %; quantiles 30 and 70 %
    scenario = basin.load(HALF, YEAR)
    starts = scenario.timeline.starts.astype("datetime64[ns]")
    runoff = np.array([[6.0], [10.0], [14.0]]) * np.ones(starts.size)
    forcing = xr.Dataset({"hills.runoff": (("realization", "time"), runoff)}, {"time": starts})
    ds = run(scenario, 3, forcing=forcing)
    middle, between = table(ds, "Supply").rows
    assert middle[4] == "50.0"
    assert between[4] == "30.0–70.0"
    assert between[1] == ""  # all ask for the same
    low, between = reasons_of(ds).rows[1:3]
    assert low[1:] == ("6", "126.5", "100.0")  # 12, 8 and 4 m3/s are missing
    assert between == ("", "", "75.9–177.1", "")
    assert summary(ds).short == [
        "fields: short in 18 of 18 steps of 3 realizations; in 18 bound by the water of the river "
        "at gate beyond the environmental flow"
    ]


def test_notes_and_slow_fills_are_passed_on(basin) -> None:
    ds = basin.run(HALF, YEAR).assign_attrs(notes="a: held\nb: held", exact_fallbacks=2)
    assert summary(ds).notes == [
        "a: held", "b: held", "2 fills were settled by linear programmes, the slow way",
    ]  # fmt: skip
    assert "Notes\n  a: held\n  b: held\n" in text(ds)


def test_the_text_is_eighty_columns_wide() -> None:
    ds = run(load(shipped_root() / "scenarios/talas/baseline.yaml", "energy_first"))
    shown = text(ds)
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.startswith(ds.attrs["title"])
    assert "water balance closes to" in shown


def test_a_label_that_does_not_fit_goes_on_below_itself() -> None:
    long = "  an agency with a very long name indeed"
    shown = lines(Table("", ("", "x" * 50), [(long, "1.0"), ("short", "2.0")]))
    assert [line.rstrip() for line in shown[1:2]] == ["  an agency with a very long"]
    assert shown[2].startswith("    name indeed  ")
    assert shown[2].endswith("1.0")
    assert shown[3].startswith("short ")
    assert max(map(len, shown)) <= 80


def reasons_of(ds: xr.Dataset) -> Table:
    return table(ds, "Commonest")


def test_the_commonest_reasons_stand_below_their_party(basin) -> None:
    # 120 days served, 245 not; of the 8 steps, May to December, May lacks 4 m3/s less what is left
    ds = basin.run(EMPTIES, YEAR)
    found = reasons_of(ds)
    assert found.title == ("Commonest reasons of deficits by party; missing in hm3/yr, share in %")
    assert found.columns == ("", "steps", "missing", "share")
    lacks = float((ds["deficit"].sum("site") * seconds(ds)).sum()) / 1e6
    assert found.rows[:2] == [
        ("Upper", "", "", ""),
        ("  the end of the water: dam is empty", "8", f"{lacks:.1f}", "100.0"),
    ]
    assert found.rows[2][0] == "no party, in the stream"  # the environmental flow of the gauge
    assert len(found.rows) == 4


def test_no_more_than_three_reasons_of_a_party_are_shown(basin) -> None:
    scenario = basin.load(
        """
        parties: {LOW: Lower}
        nodes:
          hills: {kind: catchment, runoff: 100 m3/s}
          gate: {kind: gauge}
          sands: {kind: terminal}
        rivers: [hills > gate > sands]
        """
    )
    more = {}
    for k in range(5):
        more[f"nodes.f{k}"] = {"kind": "irrigation", "party": "LOW", "priority": 1,
                               "requirement": "9 m3/s"}  # fmt: skip
        more[f"canals.c{k}"] = {"from": "gate", "to": f"f{k}", "capacity": f"{k + 1} m3/s"}
    ds = run(scenario.with_(more))
    # equally often: the one that lacks most comes first, 8, 7, 6 of 30 m3/s
    assert [row[0] for row in reasons_of(ds).rows] == [
        "Lower",
        *(f"  the capacity of the canal c{k}" for k in range(3)),
    ]
    assert [row[3] for row in reasons_of(ds).rows[1:]] == ["26.7", "23.3", "20.0"]


def test_a_run_in_which_nothing_was_short_has_no_table_of_reasons(basin) -> None:
    ds = run(basin.load(HALF, YEAR).with_({"nodes.hills.runoff": "50 m3/s"}))
    assert not [one for one in summary(ds).tables if one.title.startswith("Commonest")]


def test_a_run_without_sites_or_lakes_has_a_summary_too(basin) -> None:
    river = """
        nodes:
          hills: {kind: catchment, runoff: 10 m3/s}
          sands: {kind: terminal}
        rivers: [hills > sands]
        """
    assert summary(basin.run(river)).tables == []


def test_absent_processes_are_named_with_their_meaning(basin) -> None:
    said = {line.split(" (")[0]: line for line in absent(basin.load(EMPTIES))}
    assert "evaporation (open-water evaporation)" in said["dam"]
    assert "outlet_capacity" not in said["dam"]
    assert "dead_storage" not in said["dam"]
    assert said["homes"] == (
        "homes (municipal) is without return_flow (what comes back to the river)"
    )
    assert "head (" not in said["plant"].replace("minimum_head (", "")


def test_what_is_written_is_not_absent(basin) -> None:
    scenario = basin.load(HALF).with_(
        {"nodes.fields.return_flow": {"fraction": "20 %", "to": "sands"}}
    )
    assert not any(line.startswith(("fields (", "gate (", "sands (")) for line in absent(scenario))
    without = basin.load(HALF).with_({"nodes.gate.environmental_flow": None})
    assert any("gate (gauge) is without environmental_flow" in line for line in absent(without))
