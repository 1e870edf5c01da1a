"""Why a claim was short: sentences whose every word can be checked by hand, and sums of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from basins import YEAR, Basin
from hypothesis import HealthCheck, Phase, given, settings
from test_properties import networks
from test_summary import EMPTIES, HALF

import watersim
from watersim.bounds import bound_words
from watersim.errors import InputError
from watersim.metrics import seconds
from watersim.reasons import reasons, sentences, short_steps, why
from watersim.results import flag
from watersim.scenario import load
from watersim.simulation import run
from watersim.sources import shipped_root

LAKE = "levels: {full_level: 900 m, depth: 50 m, exponent: 2}"
# 4 m3/s arrive; the weir's fields ask for 10 after a gauge's flow of 1 that must leave below them
KEPT = f"""
parties: {{UP: Upper, LOW: Lower}}
nodes:
  hills: {{kind: catchment, runoff: 4 m3/s}}
  dam:
    kind: reservoir
    party: UP
    capacity: 50 hm3
    initial_storage: 20 hm3
    {LAKE}
    zones: [{{name: reserve, to: 20 hm3, priority: 2}}, {{name: conservation, to: capacity}}]
  weir: {{kind: junction}}
  town: {{kind: gauge, environmental_flow: {{flow: 1 m3/s, priority: 1}}}}
  fields: {{kind: irrigation, party: LOW, at: weir, priority: 3, requirement: 10 m3/s}}
  sands: {{kind: terminal}}
rivers: [hills > dam > weir > town > sands]
"""


def test_what_ran_out_is_the_water_beyond_an_earlier_flow_of_the_river(basin) -> None:
    # 10 m3/s arrive, 2 must leave, 8 of the 16 asked for remain
    assert why(basin.run(HALF, YEAR), "fields", "2001-07") == (
        "Fields, July 2001: 50 % covered; bound by the water of the river at gate beyond the "
        "environmental flow"
    )


def test_a_flow_of_the_same_priority_is_not_named_as_earlier(basin) -> None:
    ds = run(basin.load(HALF, YEAR).with_({"nodes.fields.priority": 1}))
    assert why(ds, "fields", "2001-07").endswith(
        "% covered; bound by the water of the river at gate"
    )


def test_an_empty_reservoir_above_is_named(basin) -> None:
    # the dam reaches its dead storage of 10 hm3 in May, see test_summary
    ds = basin.run(EMPTIES, YEAR)
    assert why(ds, "homes", "2001-06") == (
        "Homes, June 2001: 0 % covered; bound by the end of the water: dam is empty"
    )
    assert why(ds, "town.environmental_flow", "2001-06") == (
        "Town, environmental flow, June 2001: 0 % covered; bound by the end of the water: dam is "
        "empty"
    )
    # drawn from a dam whose outlet passes any flow, the town's own water is what ends
    scenario = basin.load(EMPTIES, YEAR).with_({"nodes.dam.outlet_capacity": None})
    ds = run(scenario.with_({"nodes.dam.initial_storage": "20 hm3"}))
    assert why(ds, "homes", "2001-06") == (
        "Homes, June 2001: 0 % covered; bound by the end of the water at town: dam is empty"
    )


def test_at_the_reservoir_itself_it_is_named_once(basin) -> None:
    ds = run(basin.load(EMPTIES, YEAR).with_({"nodes.homes.at": "dam"}))
    assert why(ds, "homes", "2001-06") == (
        "Homes, June 2001: 0 % covered; bound by the end of the water: dam is empty"
    )


def test_a_reservoir_that_keeps_water_in_an_earlier_zone_is_not_called_empty(basin) -> None:
    # 20 hm3 stay in the reserve; of the 4 m3/s that pass, 1 must leave the town, 3 of 10 remain
    ds = basin.run(KEPT, YEAR)
    assert ds["storage"].values.min() == pytest.approx(20e6)
    assert why(ds, "fields", "2001-03") == (
        "Fields, March 2001: 30 % covered; bound by the water of the river at town beyond the "
        "environmental flow and the zone reserve of dam"
    )


# 1 m3/s arrives of the 4 asked for; what the dam beside holds is kept for the first zone's priority
TWO_DAMS = f"""
nodes:
  hills: {{kind: catchment, runoff: 1 m3/s}}
  top: {{kind: reservoir, capacity: 50 hm3, initial_storage: 0 hm3, {LAKE}}}
  side:
    kind: reservoir
    capacity: 50 hm3
    initial_storage: 0 hm3
    {LAKE}
    zones: [{{name: all, to: capacity, priority: 2}}]
  town: {{kind: junction}}
  spur: {{kind: junction}}
  homes: {{kind: municipal, at: spur, priority: 3, requirement: 4 m3/s}}
  brook: {{kind: catchment, runoff: 0 m3/s}}
  sands: {{kind: terminal}}
rivers: [hills > top > town > spur > sands, brook > side > town]
"""


def test_several_empty_reservoirs_are_named_and_all_must_be_empty(basin) -> None:
    ds = basin.run(TWO_DAMS)
    assert why(ds, "homes", "2001-01").endswith(
        "25 % covered; bound by the end of the water at spur: side and top are empty"
    )
    ds = run(basin.load(TWO_DAMS).with_({"nodes.side.initial_storage": "20 hm3"}))
    assert why(ds, "homes", "2001-01").endswith(
        "25 % covered; bound by the water of the river at spur beyond the zone all of side"
    )


def test_reservoirs_behind_a_canal_count_as_above(basin) -> None:
    # the canal carries all it can, the dam behind it is not empty
    ds = basin.run(
        f"""
        nodes:
          hills: {{kind: catchment, runoff: 1 m3/s}}
          dam: {{kind: reservoir, capacity: 50 hm3, initial_storage: 50 hm3, {LAKE}}}
          top: {{kind: reservoir, capacity: 50 hm3, initial_storage: 0 hm3, {LAKE}}}
          town: {{kind: junction}}
          homes: {{kind: municipal, at: town, priority: 1, requirement: 4 m3/s}}
          sands: {{kind: terminal}}
          marsh: {{kind: terminal}}
        rivers: [hills > top > town > sands, dam > marsh]
        canals: {{link: {{from: dam, to: town, capacity: 1 m3/s}}}}
        """
    )
    assert "empty" not in why(ds, "homes", "2001-01")


def test_more_than_three_empty_reservoirs_are_counted(basin) -> None:
    names = [f"dam{k}" for k in range(4)]
    dams = Basin.joined(
        *(
            f"{n}: {{kind: reservoir, capacity: 9 hm3, initial_storage: 0 hm3, {LAKE}}}"
            for n in names
        )
    )
    ds = basin.run(
        f"""nodes:
  hills: {{kind: catchment, runoff: 1 m3/s}}
  town: {{kind: junction}}
  homes: {{kind: municipal, at: town, priority: 1, requirement: 4 m3/s}}
  sands: {{kind: terminal}}
{dams}
rivers: [hills > {" > ".join(names)} > town > sands]
"""
    )
    assert why(ds, "homes", "2001-01").endswith(
        "the end of the water at town: all 4 reservoirs above are empty"
    )


CANALS = f"""
nodes:
  hills: {{kind: catchment, runoff: 30 m3/s}}
  dam:
    kind: reservoir
    capacity: 500 hm3
    initial_storage: 500 hm3
    outlet_capacity: 25 m3/s
    {LAKE}
  gate: {{kind: junction}}
  end: {{kind: gauge, environmental_flow: {{flow: 60 m3/s, priority: 3}}}}
  fields: {{kind: irrigation, priority: 1, requirement: 16 m3/s}}
  farms: {{kind: irrigation, priority: 1, requirement: 16 m3/s}}
  sands: {{kind: terminal}}
rivers: [hills > dam > gate > end > sands]
canals:
  main: {{from: gate, to: fields, capacity: 10 m3/s}}
  one: {{from: gate, to: farms, capacity: 4 m3/s}}
  two: {{from: dam, to: farms, capacity: 4 m3/s}}
"""


def test_a_full_canal_and_a_full_outlet_are_named(basin) -> None:
    # main passes 10 of 16, one and two together 8 of 16; the outlet 25 of which 14 are taken
    ds = basin.run(CANALS)
    assert why(ds, "fields", "2001-01") == (
        "Fields, January 2001: 62 % covered; bound by the capacity of the canal main"
    )
    assert "50 % covered; bound by the capacity of the canal " in why(ds, "farms", "2001-01")
    assert why(ds, "end.environmental_flow", "2001-01").endswith("bound by the outlet of dam")


@pytest.mark.parametrize(
    ("time", "asked", "said"),
    [
        (("2001-07-01", "2001-07-31", "month"), "2001-07", "July 2001"),
        (("2001-07-01", "2001-07-31", "month"), "2001-07-15", "July 2001"),
        (("2001-07-01", "2001-07-31", "month"), "2001", "July 2001"),
        (("2001-07-01", "2001-07-31", "decade"), "2001-07-01", "1st decade of July 2001"),
        (("2001-07-01", "2001-07-31", "decade"), "2001-07-15", "2nd decade of July 2001"),
        (("2001-07-01", "2001-07-31", "decade"), "2001-07-31", "3rd decade of July 2001"),
        (("2001-07-01", "2001-07-31", "day"), "2001-07-05", "5 July 2001"),
    ],
)
def test_the_time_is_named_as_suits_the_step(basin, time, asked, said) -> None:
    assert why(basin.run(HALF, time), "fields", asked).startswith(f"Fields, {said}: 50 % covered")


def test_a_time_of_the_dataset_can_be_asked_for(basin) -> None:
    ds = basin.run(HALF, YEAR)
    assert why(ds, "fields", ds["time"].values[6]) == why(ds, "fields", "2001-07")
    assert why(ds, "fields", ds["time"][6]) == why(ds, "fields", "2001-07")


def test_a_claim_that_is_not_short_says_so(basin) -> None:
    ds = basin.run(HALF, YEAR)
    assert why(ds, "gate.environmental_flow", "2001-07") == (
        "Gate, environmental flow, July 2001: fully covered"
    )
    assert why(ds, "fields", "2001-01") == "Fields, January 2001: nothing required"


@pytest.mark.parametrize(
    ("runoff", "said"),
    [("17.999 m3/s", "over 99 % covered"), ("2.001 m3/s", "under 1 % covered"),
     ("2 m3/s", "0 % covered"), ("6 m3/s", "25 % covered")],
)  # fmt: skip
def test_a_cover_is_never_rounded_to_all_or_nothing(basin, runoff: str, said: str) -> None:
    # 16 asked for, 2 m3/s pass on
    ds = run(basin.load(HALF, YEAR).with_({"nodes.hills.runoff": runoff}))
    assert why(ds, "fields", "2001-07").startswith(f"Fields, July 2001: {said}; bound by ")


def three(basin: Basin) -> xr.Dataset:
    """Runoff 6, 10 and 18 m3/s: supply 4, 8, 16 of 16."""
    scenario = basin.load(HALF, YEAR)
    starts = scenario.timeline.starts.astype("datetime64[ns]")
    runoff = np.array([[6.0], [10.0], [18.0]]) * np.ones(starts.size)
    forcing = xr.Dataset({"hills.runoff": (("realization", "time"), runoff)}, {"time": starts})
    return run(scenario, 3, forcing=forcing)


def test_a_realization_is_named_where_there_are_several(basin) -> None:
    ds = three(basin)
    assert why(ds, "fields", "2001-07", 0).startswith("Fields, July 2001, realization 0: 25 %")
    assert why(ds, "fields", "2001-07", 2) == "Fields, July 2001, realization 2: fully covered"
    with pytest.raises(InputError, match="realization: there are 3; name one of 0 to 2"):
        why(ds, "fields", "2001-07")
    with pytest.raises(InputError, match=r"must be 0 to 2 \(got 3\)"):
        why(ds, "fields", "2001-07", 3)


@pytest.mark.parametrize(
    ("claim", "time", "message"),
    [
        ("field", "2001-07", "claim: is not a claim of this run (got field); did you mean 'fields'?"),
        ("gate", "2001-07", "claim: is not a claim of this run (got gate); its claims are "
         "gate.environmental_flow"),
        ("x", "2001-07", "claim: is not a claim of this run (got x); known are fields, "
         "gate.environmental_flow"),
        ("fields", "2003-01", "time: 2003-01 is not in the run, which goes from 2001-01-01 to "
         "2001-12-31"),
        ("fields", "2001", "time: 2001 holds 12 steps of the run; name one, such as 2001-01"),
        ("fields", "July", "time: must be a date such as 2001-01 (got July)"),
        ("fields", "2001-13", "time: must be a date such as 2001-01 (got 2001-13)"),
        ("fields", np.datetime64("NaT"), "time: must be a date such as 2001-01 (got NaT)"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_by_name(basin, claim, time, message) -> None:
    with pytest.raises(InputError) as caught:
        why(basin.run(HALF, YEAR), claim, time)
    assert str(caught.value) == message


def test_a_month_of_decades_is_too_much_to_ask(basin) -> None:
    ds = basin.run(HALF, ("2001-06-01", "2001-07-31", "decade"))
    with pytest.raises(InputError) as caught:
        why(ds, "fields", "2001-07")
    assert str(caught.value) == (
        "time: 2001-07 holds 3 steps of the run; name one, such as 2001-07-01"
    )


def test_a_run_without_claims_has_nothing_to_explain(basin) -> None:
    river = """
        nodes:
          hills: {kind: catchment, runoff: 10 m3/s}
          sands: {kind: terminal}
        rivers: [hills > sands]
        """
    ds = basin.run(river)
    assert short_steps(ds).sizes["short_step"] == 0
    assert reasons(ds).sizes["reason"] == 0
    with pytest.raises(InputError, match=r"claim: is not a claim of this run \(got x\)"):
        why(ds, "x", "2001-01")


def test_a_zone_can_be_asked_for_too(basin) -> None:
    assert why(basin.run(EMPTIES, YEAR), "dam.conservation", "2001-03").startswith(
        "Dam, conservation, March 2001: "
    )


# all that was short


def test_short_steps_stand_with_the_largest_deficit_first(basin) -> None:
    # from May homes and the town's flow lack all of their 4 and 1 m3/s
    found = short_steps(basin.run(EMPTIES, YEAR))
    deficit = found["deficit"].values
    assert np.all(np.diff(deficit) <= 0.0)
    assert found.sizes["short_step"] == 8 + 8
    first = found.isel(short_step=0)
    assert (first["claim"], str(first["time"].values)[:7]) == ("homes", "2001-05")
    assert float(first["deficit"]) == pytest.approx(4 * 31 * 86_400)
    assert float(first["requirement"]) == pytest.approx(4 * 31 * 86_400)
    assert float(first["supply"]) == pytest.approx(0)
    assert float(first["cover"]) == pytest.approx(0)
    assert (first["party"], int(first["priority"]), first["sector"]) == ("UP", 2, "municipal")
    assert first["reason"] == "the end of the water: dam is empty"
    assert found.to_dataframe().shape[0] == 16


def test_short_steps_leave_out_zones_and_what_is_met(basin) -> None:
    found = short_steps(basin.run(EMPTIES, YEAR))
    assert set(found["claim"].values) == {"homes", "town.environmental_flow"}


def test_sentences_are_those_of_why_in_the_same_order(basin) -> None:
    ds = three(basin)
    found = short_steps(ds)
    said = list(sentences(ds))
    assert len(said) == found.sizes["short_step"] == 12
    for k, sentence in enumerate(said):
        one = found.isel(short_step=k)
        asked = why(ds, str(one["claim"].values), one["time"].values, int(one["realization"]))
        assert sentence == asked


# by party


def test_reasons_add_up_by_party(basin) -> None:
    # April: 5 m3/s arrive, 5 of 16 served. The other 11 months the canal carries 10 of 16.
    ds = basin.run(
        """
        parties: {LOW: Lower}
        nodes:
          hills:
            kind: catchment
            runoff: {monthly: [30, 30, 30, 5, 30, 30, 30, 30, 30, 30, 30, 30], unit: m3/s}
          gate: {kind: gauge}
          fields: {kind: irrigation, party: LOW, priority: 2, requirement: 16 m3/s}
          sands: {kind: terminal}
        rivers: [hills > gate > sands]
        canals:
          main: {from: gate, to: fields, capacity: 10 m3/s}
        """,
        YEAR,
    )
    found = reasons(ds).isel(realization=0)
    assert found["reason_party"].values.tolist() == ["LOW", "LOW"]
    assert found["reason_words"].values.tolist() == [
        "the capacity of the canal main",
        "the water of the river at gate",
    ]
    assert found["steps"].values.tolist() == [11, 1]
    lacked = [6 * 335 * 86_400, 11 * 30 * 86_400]
    assert found["missing"].values == pytest.approx(lacked)
    assert found["share"].values == pytest.approx(np.array(lacked) / sum(lacked))


def test_two_claims_short_in_one_step_for_one_reason_are_one_step(basin) -> None:
    scenario = basin.load(EMPTIES, YEAR)
    again = {"kind": "municipal", "at": "town", "party": "UP", "priority": 2,
             "requirement": "4 m3/s"}  # fmt: skip
    ds = run(scenario.with_({"nodes.houses": again}))
    found = reasons(ds).isel(realization=0)
    upper = found.isel(reason=np.flatnonzero(found["reason_party"].values == "UP"))
    assert set(short_steps(ds)["claim"].values) >= {"homes", "houses"}
    assert int(upper["steps"].max()) <= 12


def test_reasons_hold_every_short_step_once_and_shares_add_to_one(basin) -> None:
    ds = three(basin)
    found, listed = reasons(ds), short_steps(ds)
    assert float(found["missing"].sum()) == pytest.approx(float(listed["deficit"].sum()))
    assert found["steps"].values.tolist() == [[6], [6], [0]]
    assert found["share"].values[:2] == pytest.approx(1.0)
    assert np.isnan(found["share"].values[2]).all()  # nothing was short there


# an in-stream claim at the town and the homes there lack the same water: each on its own
def test_what_lacks_in_the_stream_is_not_added_to_what_sites_lack(basin) -> None:
    ds = basin.run(EMPTIES, YEAR)
    found = reasons(ds).isel(realization=0)
    missing = dict.fromkeys(found["reason_claims"].values.tolist(), 0.0)
    for sort, volume in zip(found["reason_claims"].values, found["missing"].values, strict=True):
        missing[sort] += float(volume)
    deficit = float((ds["deficit"].isel(realization=0).sum("site") * seconds(ds)).sum())
    assert missing["sites"] == pytest.approx(deficit)
    assert missing["in the stream"] > 0.0
    for sort in missing:
        own = found["share"].values[found["reason_claims"].values == sort]
        assert own.sum() == pytest.approx(1.0)


# what later clauses will bring, and what is shipped


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("river_at_border", "the water of the river at border"),
        ("outlet_of_kirov", "the outlet of kirov"),
        ("canals_to_zhambyl", "the canals to zhambyl"),
        ("canal_left_bank", "the capacity of the canal left_bank"),
        ("quota_licence_2008", "the quota licence_2008"),
        ("account_talas_1983.KZ", "the account of Kazakhstan in talas_1983"),
        ("account_talas_1983", "the account talas_1983"),
        ("requirement_met", "nothing that is known"),
    ],
)
def test_flags_read_as_words(flag: str, words: str) -> None:
    assert bound_words(flag, {"KZ": "Kazakhstan"}) == words


@pytest.mark.parametrize(
    ("sort", "of", "said"),
    [
        ("quota", "licence_2008", "bound by the quota licence_2008"),
        ("account", "rule_1983.LOW", "bound by the account of Lower in rule_1983"),
    ],
)
def test_a_row_of_a_new_sort_is_named_by_its_sort_and_name(basin, sort, of, said) -> None:
    ds = basin.run(HALF, YEAR)
    flags = ds["bound_by"].attrs["flag_meanings"].replace("river_at_gate", flag(sort, of))
    ds["bound_by"].attrs["flag_meanings"] = flags
    assert why(ds, "fields", "2001-07").endswith(f"50 % covered; {said}")


def test_the_claim_of_a_plant_names_the_river_it_stands_at() -> None:
    ds = run(load(shipped_root() / "scenarios/talas/baseline.yaml", "energy_first"))
    flags = ds["bound_by"].attrs["flag_meanings"].split()
    assert "river_at_bala_saruu" not in flags
    assert why(ds, "bala_saruu.energy_requirement", "2008-01") == (
        "Bala saruu, energy requirement, January 2008: 60 % covered; bound by the end of the "
        "water: kirov is empty"
    )


def test_a_canal_that_holds_all_year_is_the_reason_though_the_reservoir_keeps_the_rest() -> None:
    # the return flow of talas_oblast lets the fill offer all again, when the zone holds the water
    ds = run(load(shipped_root() / "scenarios/talas/baseline.yaml", "kirov_half"))
    assert why(ds, "zhambyl", "2008-07") == (
        "Zhambyl, July 2008: 52 % covered; bound by the capacity of the canal zhambyl_main"
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(networks())
def test_every_short_claim_of_any_network_has_a_reason_that_is_true(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ds = Basin(Path(folder)).run(text, ("2001-01-01", "2001-03-31", "month"))
    if "claim" not in ds.dims:
        return
    found = short_steps(ds)
    assert "nothing that is known" not in found["reason"].values
    for k in range(found.sizes["short_step"]):
        one = found.isel(short_step=k)
        words, empty = str(one["reason"].values), []
        if words.endswith(" empty") and "all " not in words:
            named = words.rpartition(": ")[2].replace(" and ", ", ").replace(",,", ",")
            empty = named.rpartition(" ")[0].rpartition(" ")[0].split(", ")
        for name in empty:
            here = ds.sel(reservoir=name, time=one["time"].values, realization=0)
            assert float(here["storage"]) <= float(here["reservoir_dead_storage"]) + 1e-6 * float(
                here["reservoir_capacity"]
            )


def test_the_accessor_gives_all_three(basin) -> None:
    import watersim.accessor

    assert watersim.accessor
    ds = basin.run(EMPTIES, YEAR)
    assert ds.watersim.why("homes", "2001-06") == why(ds, "homes", "2001-06")
    assert ds.watersim.short_steps().identical(short_steps(ds))
    assert ds.watersim.reasons().identical(reasons(ds))


def test_a_run_read_from_a_file_and_the_steps_of_a_stepper_explain_themselves(
    basin, tmp_path: Path
) -> None:
    from watersim.netcdf import save

    scenario = basin.load(EMPTIES, YEAR)
    ds = run(scenario)
    save(ds, tmp_path / "run.nc")
    assert list(sentences(watersim.open_results(tmp_path / "run.nc"))) == list(sentences(ds))
    stepper = watersim.stepper(scenario)
    for _ in range(6):
        stepper.step()
    assert why(stepper.results(), "homes", "2001-06") == why(ds, "homes", "2001-06")


def test_a_case_of_a_comparison_explains_itself(basin) -> None:
    from watersim.comparison import compare, only

    scenario = basin.load(EMPTIES, YEAR)
    cases = compare({"a": run(scenario), "b": run(scenario.with_({"nodes.homes.priority": 1}))})
    assert why(only(cases, "a"), "homes", "2001-06").endswith("dam is empty")
    with pytest.raises(InputError, match="is a comparison of several runs; ask one of them"):
        why(cases, "homes", "2001-06")
