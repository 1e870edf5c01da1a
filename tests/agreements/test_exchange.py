"""Water released in a season turns plants whose surplus others take, and they give back in winter."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from basins import Basin

import watersim
from watersim.comparison import compare
from watersim.errors import InputError
from watersim.gains import gains
from watersim.netcdf import save
from watersim.summary import summary

PER_M3 = 9810 * 0.9 * 100.0  # J, at 100 m
YEAR = ("2001-01-01", "2001-12-31", "month")
BASIN = """
parties: {KG: Kyrgyzstan, KZ: Kazakhstan, UZ: Uzbekistan}
nodes:
  hills: {kind: catchment, runoff: 30 m3/s}
  lake: {kind: reservoir, capacity: 2000 hm3, initial_storage: FIRST hm3, levels: {full_level: 120 m, depth: 20 m, exponent: 2}}
  bend: {kind: junction}
  mill: {kind: hydropower, at: bend, capacity: 100 MW, head: 100 m, efficiency: 0.9}
  lines: {kind: grid, plants: [mill], energy_requirement: {energy: 20 MW, priority: 2}TRADE}
  border: {kind: gauge}
  sea: {kind: terminal}
rivers: [hills > lake > bend > border > sea]
agreements:
  barter:
    kind: exchange
    from: KG
    grid: lines
    gauge: border
    season: {from: 04-01, to: 09-30}
    schedule: 50 m3/s
    priority: 3
    initial_fulfilment: 50 %
    receivers:
      KZ: {share: 60 %, takes: {energy: 10 MW, price: 24 USD/MWh}, gives: {energy: {monthly: [8, 8, 8, 0, 0, 0, 0, 0, 0, 8, 8, 8], unit: MW}, price: 36 USD/MWh}}
      UZ: {share: 40 %, fee: 0.01 USD/m3}
"""  # noqa: E501
MONTHS = np.diff(np.arange("2001-01", "2002-02", dtype="datetime64[M]").astype("datetime64[D]"))
SECONDS = MONTHS.astype(np.int64) * 86_400.0
SUMMER = slice(3, 9)


def text(first: int = 1000, trade: str = "") -> str:
    return BASIN.replace("FIRST", str(first)).replace("TRADE", trade)


def of(ds: xr.Dataset, name: str, party: str = "KZ") -> np.ndarray:
    return np.asarray(ds[name].sel(exchange=f"barter.{party}").values.ravel())


# in summer 50 m3/s must arrive, of which 22.65 serve the grid; the rest makes 24.1 MW over, KZ takes 10
def test_the_surplus_of_the_water_released_goes_to_who_takes_it(basin: Basin) -> None:
    ds = basin.run(text(), YEAR)
    assert ds["release"].values.ravel()[SUMMER] == pytest.approx([50.0] * 6, rel=1e-12)
    assert of(ds, "exchange_taken_energy")[SUMMER] == pytest.approx(10e6 * SECONDS[SUMMER])
    assert of(ds, "exchange_taken_energy", "UZ") == pytest.approx(np.zeros(12))
    assert of(ds, "exchange_delivered", "UZ")[SUMMER] == pytest.approx(20.0 * SECONDS[SUMMER])
    assert ds["grid_given_energy"].values.ravel()[6] == pytest.approx(10e6 * SECONDS[6])


# the grid asks for 5 MW and 40 m3/s must pass the border all year: a surplus in winter too, no part
# of the exchange
def test_out_of_season_nobody_takes_a_surplus(basin: Basin) -> None:
    more = text().replace("energy: 20 MW", "energy: 5 MW").replace(
        "border: {kind: gauge}",
        "border: {kind: gauge, environmental_flow: {flow: 40 m3/s, priority: 1}}",
    )  # fmt: skip
    ds = basin.run(more, YEAR)
    taken = of(ds, "exchange_taken_energy")
    assert taken[SUMMER] == pytest.approx(10e6 * SECONDS[SUMMER])
    assert taken[[0, 1, 2, 9, 10, 11]].tolist() == [0.0] * 6


# a season of the whole year ends with the year: what was owed and scheduled is not carried on
def test_a_season_of_the_whole_year_begins_anew(basin: Basin) -> None:
    whole = text(first=100).replace("{from: 04-01, to: 09-30}", "{from: 01-01, to: 12-31}")
    ds = basin.run(whole, ("2001-01-01", "2002-12-31", "month"))
    scheduled = of(ds, "exchange_scheduled")
    assert scheduled[11] == pytest.approx(30.0 * SECONDS.sum())
    assert scheduled[12] == pytest.approx(30.0 * SECONDS[0])
    assert of(ds, "exchange_owed")[12] <= 30.0 * SECONDS[0]


# what changed hands stands in a comparison: KZ takes 10 MW in 183 days, gives 4 in 90 and 8 in 92
def test_a_comparison_shows_the_exchange(basin: Basin) -> None:
    ds = basin.run(text(), YEAR)
    table = gains(compare({"one": ds, "two": ds})).isel(case=0, realization=0)
    own = table.sel(exchange="Kazakhstan (barter)")
    assert own["exchange_taken"].item() == pytest.approx(10.0 * 183 * 24 / 1e3)
    assert own["exchange_given"].item() == pytest.approx((4 * 90 + 8 * 92) * 24 / 1e3)
    assert own["exchange_delivered"].item() == pytest.approx(30.0 * SECONDS[SUMMER].sum() / 1e6)
    assert own["exchange_value"].item() == pytest.approx(of(ds, "exchange_value")[-1] / 1e6)


# 8 MW in return for the whole volume: 4 after a half season before the run, 8 after this whole one
def test_what_is_given_in_return_saves_water_in_the_dam(basin: Basin) -> None:
    ds = basin.run(text(), YEAR)
    release = ds["release"].values.ravel()
    assert release[:3] == pytest.approx([16e6 / PER_M3] * 3, rel=1e-12)
    assert release[9:] == pytest.approx([12e6 / PER_M3] * 3, rel=1e-12)
    assert of(ds, "exchange_fulfilment")[[2, 8, 11]] == pytest.approx([0.5, 1.0, 1.0])
    assert ds["grid_received_energy"].values.ravel()[0] == pytest.approx(4e6 * SECONDS[0])


# KZ: 10 MW at 24 in 183 days, less 4 at 36 in 90 days and 8 at 36 in 92; UZ: 1 cent for 20 m3/s
def test_the_account_says_who_owes_whom(basin: Basin) -> None:
    ds = basin.run(text(), YEAR)
    hours = SECONDS / 3600.0
    owes = 10 * 24 * hours[SUMMER].sum() - 36 * (4 * hours[:3].sum() + 8 * hours[9:].sum())
    assert of(ds, "exchange_value")[-1] == pytest.approx(owes, rel=1e-12)
    pays = 0.01 * 20.0 * SECONDS[SUMMER].sum()
    assert of(ds, "exchange_value", "UZ")[-1] == pytest.approx(pays, rel=1e-12)


# with 100 hm3 in store the season lacks water: what arrives is what sets the return, and it is counted
def test_who_gets_less_water_gives_less_back(basin: Basin) -> None:
    ds = basin.run(text(first=100), YEAR)
    came = of(ds, "exchange_delivered")[SUMMER].sum()
    part = came / (30.0 * SECONDS[SUMMER].sum())
    assert 0.5 < part < 0.9
    assert of(ds, "exchange_fulfilment")[8:] == pytest.approx([part] * 4, rel=1e-12)
    owed = 30.0 * SECONDS[SUMMER].sum() - came
    assert of(ds, "exchange_owed")[[8, 9]] == pytest.approx([owed, 0.0], rel=1e-9)
    assert of(ds, "exchange_given_energy")[9:] == pytest.approx(8e6 * part * SECONDS[9:])


# 24.145 MW over, 40 and 20 wanted: two thirds and one
def test_a_surplus_too_small_is_shared_in_proportion(basin: Basin) -> None:
    both = text().replace("takes: {energy: 10 MW", "takes: {energy: 40 MW")
    both = both.replace(
        "UZ: {share: 40 %,", "UZ: {share: 40 %, takes: {energy: 20 MW, price: 1 USD/MWh},"
    )
    ds = basin.run(both, YEAR)
    over = (50.0 * PER_M3 - 20e6) * SECONDS[6]
    for party, share in (("KZ", 2 / 3), ("UZ", 1 / 3)):
        assert of(ds, "exchange_taken_energy", party)[6] == pytest.approx(over * share, rel=1e-12)
    assert ds["grid_exported_energy"].values.ravel()[6] == 0.0


def test_a_grid_takes_no_more_in_return_than_it_asks_for(basin: Basin) -> None:
    ds = basin.run(text().replace("[8, 8, 8,", "[90, 90, 90,"), YEAR)
    assert ds["release"].values.ravel()[0] == pytest.approx(0.0, abs=1e-12)
    assert of(ds, "exchange_given_energy")[0] == pytest.approx(20e6 * SECONDS[0])


# dry lake, 30 m3/s make 26.5 MW of 40: import brings 10 and 3.5 are lacking; in summer nothing is over
def test_import_covers_what_the_plants_lack_and_export_sells_what_is_over(basin: Basin) -> None:
    lines = ", imports: {capacity: 10 MW, price: 30 USD/MWh}, exports: {capacity: 5 MW, price: 20 USD/MWh}"
    alone = text(first=0, trade=lines).split("agreements:")[0]
    ds = basin.run(alone.replace("energy: 20 MW", "energy: 40 MW"), YEAR)
    made = 30.0 * PER_M3
    assert ds["grid_imported_energy"].values.ravel() == pytest.approx(10e6 * SECONDS)
    assert ds["grid_energy_deficit"].values.ravel() == pytest.approx((30e6 - made) * SECONDS)
    assert ds["grid_cost"].values.ravel() == pytest.approx(10 * 30 * SECONDS / 3600)
    ds = basin.run(text(trade=lines), YEAR, name="barter")
    over = 50.0 * PER_M3 - 20e6 - 10e6
    assert over > 5e6  # the lines carry 5 of it
    assert ds["grid_exported_energy"].values.ravel()[6] == pytest.approx(5e6 * SECONDS[6])
    assert ds["grid_cost"].values.ravel()[6] == pytest.approx(-5 * 20 * SECONDS[6] / 3600)


def test_a_run_in_two_parts_is_the_run_in_one(basin: Basin) -> None:
    whole = basin.run(text(first=100), YEAR)
    first = basin.run(text(first=100), ("2001-01-01", "2001-06-30", "month"))
    save(first, basin.folder / "scenarios" / "first.nc")
    more = "initial: {from: first.nc, at: 2001-06-30}"
    rest = basin.run(text(first=100), ("2001-07-01", "2001-12-31", "month"), more=more)
    later = whole.isel(time=slice(6, None))
    for name, variable in rest.variables.items():
        if not str(name).startswith("initial_"):
            np.testing.assert_array_equal(variable.values, later[name].values, err_msg=str(name))


REFUSED = {
    "gauge: border": ("gauge: bend", "agreements.barter.gauge: is not a gauge on the river"),
    "grid: lines": ("grid: mill", "agreements.barter.grid: is not a grid (got mill)"),
    "from: KG": ("from: KZ", "receivers.KZ: is the party that releases the water"),
    "share: 60 %": ("share: 50 %", "have shares that sum to 90 %; they must sum to 100 %"),
    "schedule: 50 m3/s": ("schedule: 0 m3/s", "schedule: is 0 all year: nothing is released"),
    "price: 24 USD/MWh": ("price: 24 USD/m3", "must be a energy price, not a water price"),
    "UZ: {": ("TJ: {", "is not a party (got TJ)"),
}


@pytest.mark.parametrize("good", REFUSED)
def test_what_cannot_be_exchanged_is_refused(good: str, basin: Basin) -> None:
    bad, message = REFUSED[good]
    with pytest.raises(InputError) as raised:
        watersim.load(basin.write(text().replace(good, bad), YEAR))
    assert message in str(raised.value), str(raised.value)


# the need of 2010 in a run of 2001: only with a factor, if only 1
def test_a_table_of_another_year_needs_its_factor(basin: Basin) -> None:
    table = "energy: {monthly: [20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20], unit: MWMORE}"
    dated = text().replace("energy: 20 MW, priority: 2", f"{table}, priority: 2, year: 2010")
    with pytest.raises(InputError) as raised:
        watersim.load(basin.write(dated.replace("MORE", ""), YEAR))
    assert "nodes.lines.energy_requirement.energy: is that of 2010" in str(raised.value)
    watersim.load(basin.write(dated.replace("MORE", ", factor: 1"), YEAR))
    constant = text().replace("priority: 2}", "priority: 2, year: 2001}", 1)
    with pytest.raises(InputError, match=r"energy_requirement.year: goes with a table of one year"):
        watersim.load(basin.write(constant, YEAR))
    watersim.load(basin.write(dated.replace("MORE", "").replace("2010", "2001"), YEAR))


def test_the_summary_says_what_was_exchanged(basin: Basin) -> None:
    table = next(t for t in summary(basin.run(text(), YEAR)).tables if "Exchanges" in t.title)
    assert table.title == "Exchanges, means of a year"
    assert [row[0] for row in table.rows] == ["", "barter, Kazakhstan", "barter, Uzbekistan"]
    assert table.rows[1][1:4] == ("474.3", "474.3", "43.9"), table  # 30 m3/s, 10 MW in 183 days
