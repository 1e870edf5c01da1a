"""Canal losses that come back in part, at once or through a linear store in the ground."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from basins import Basin

import watersim
from watersim.netcdf import save

DAY = 86_400.0
SLOW = "{fraction: 20 %, to: low, returning: 50 %, recession: 50 days, initial_storage: 20 hm3}"
FAST = "{fraction: 20 %, to: low, returning: 50 %}"


def one_canal(loss: str) -> str:
    """A site of 40 m3/s in January–March behind one canal; its loss comes back on another branch."""
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: 100 m3/s}}
      head: {{kind: junction}}
      fields:
        kind: irrigation
        priority: 2
        requirement: {{monthly: [40, 40, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0], unit: m3/s}}
      town: {{kind: municipal, at: low, priority: 1, requirement: 4 m3/s}}
      side: {{kind: catchment, runoff: 0 m3/s}}
      low: {{kind: junction}}
      sea: {{kind: terminal}}
    rivers: [spring > head > sea, side > low > sea]
    canals: {{main: {{from: head, to: fields, loss: {loss}}}}}
    """


def two_canals(loss: str) -> str:
    """Of 10 m3/s at the gate one canal brings 6, of which a tenth is lost, the other the rest."""
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: 100 m3/s}}
      head: {{kind: junction}}
      fields: {{kind: irrigation, priority: 2, requirement: 10 m3/s}}
      side: {{kind: catchment, runoff: 0 m3/s}}
      low: {{kind: junction}}
      sea: {{kind: terminal}}
    rivers: [spring > head > sea, side > low > sea]
    canals:
      first: {{from: head, to: fields, capacity: 6 m3/s, loss: 10 %}}
      second: {{from: head, to: fields, preference: 2, loss: {loss}}}
    """


def transfer(loss: str) -> str:
    """A canal from river to river, for a town that asks for 8 m3/s at its end."""
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: 100 m3/s}}
      head: {{kind: junction}}
      dry: {{kind: catchment, runoff: 0 m3/s}}
      bend: {{kind: junction}}
      town: {{kind: municipal, at: bend, priority: 1, requirement: 8 m3/s}}
      side: {{kind: catchment, runoff: 0 m3/s}}
      low: {{kind: junction}}
      sea: {{kind: terminal}}
    rivers: [spring > head > sea, dry > bend > sea, side > low > sea]
    canals: {{link: {{from: head, to: bend, loss: {loss}}}}}
    """


def only(ds: xr.Dataset, name: str) -> np.ndarray:
    """A variable of the canal that leaks, by step."""
    return np.asarray(ds[name].values[0, :, -1])


# 40 at the gate are 50 at the head: 10 are lost, 5 of them come back at `low`, 4 of that serve
def test_a_share_of_the_loss_comes_back_and_the_rest_is_gone(basin: Basin) -> None:
    ds = basin.run(one_canal(FAST))
    assert only(ds, "canal_flow") == pytest.approx(50.0, rel=1e-12)
    assert only(ds, "canal_return_flow") == pytest.approx(5.0, rel=1e-12)
    assert only(ds, "canal_loss") == pytest.approx(5.0, rel=1e-12)
    assert only(ds, "canal_groundwater_storage") == 0.0
    assert ds["supply"].sel(site="town").item() == pytest.approx(4.0, rel=1e-12)
    assert ds["outflow"].sel(node="low").item() == pytest.approx(1.0, rel=1e-12)


def test_without_a_share_all_of_it_comes_back(basin: Basin) -> None:
    ds = basin.run(one_canal("{fraction: 20 %, to: low}"))
    assert only(ds, "canal_return_flow") == pytest.approx(10.0, rel=1e-12)
    assert only(ds, "canal_loss") == 0.0


# the second canal brings 10 − 5.4 = 4.6, takes 5.75 at its head and loses 1.15, half of it for good
def test_one_of_several_canals_may_leak_into_a_river(basin: Basin) -> None:
    ds = basin.run(two_canals(FAST))
    assert ds["canal_flow"].values.ravel() == pytest.approx([6.0, 5.75], rel=1e-12)
    assert ds["canal_loss"].values.ravel() == pytest.approx([0.6, 0.575], rel=1e-12)
    assert ds["canal_return_flow"].values.ravel() == pytest.approx([0.0, 0.575], rel=1e-12)
    assert ds["outflow"].sel(node="low").item() == pytest.approx(0.575, rel=1e-12)


# 8 at the end are 10 at the head
def test_a_canal_to_a_river_may_leak_into_a_third(basin: Basin) -> None:
    ds = basin.run(transfer(FAST))
    assert only(ds, "canal_flow") == pytest.approx(10.0, rel=1e-12)
    assert only(ds, "canal_return_flow") == pytest.approx(1.0, rel=1e-12)
    assert ds["outflow"].sel(node="low").item() == pytest.approx(1.0, rel=1e-12)


# dS/dt = I − S/k: S = I k + (S0 − I k) exp(−t/k) while 5 m3/s come in, S exp(−t/k) after
@pytest.mark.parametrize("step", ["day", "decade", "month"])
def test_the_store_follows_its_equation_at_any_step(basin: Basin, step: str) -> None:
    ds = basin.run(one_canal(SLOW), ("2001-01-01", "2001-06-30", step))
    k, inflow = 50 * DAY, 5.0
    stored = only(ds, "canal_groundwater_storage")
    ends = ds["time_bounds"].values[:, 1]
    march, june = (np.flatnonzero(ends == np.datetime64(day))[0]
                   for day in ("2001-04-01", "2001-07-01"))  # fmt: skip
    in_march = inflow * k + (20e6 - inflow * k) * np.exp(-90 * DAY / k)
    assert stored[march] == pytest.approx(in_march, rel=1e-12)
    assert stored[june] == pytest.approx(in_march * np.exp(-91 * DAY / k), rel=1e-12)
    assert ds["initial_canal_groundwater_storage"].item() == 20e6


# of the 5 m3/s of a January 1 − k/dt (1 − exp(−dt/k)) is back, and 1 − exp(−dt/k) of the store
def test_what_is_back_within_the_step_serves_claims_in_it(basin: Basin) -> None:
    text = one_canal(SLOW.replace("20 hm3", "0 hm3"))
    ds = basin.run(text)
    dt, k = 31 * DAY, 50 * DAY
    share = 1.0 - k / dt * (1.0 - np.exp(-dt / k))
    back = 5.0 * share
    assert back < 4.0
    assert only(ds, "canal_return_flow") == pytest.approx(back, rel=1e-12)
    assert ds["supply"].sel(site="town").item() == pytest.approx(back, rel=1e-12)
    assert only(ds, "canal_groundwater_storage") == pytest.approx(5.0 * dt * (1 - share), rel=1e-12)


@pytest.mark.parametrize("make", [one_canal, two_canals, transfer])
def test_through_the_ground_or_at_once_the_same_water_comes_back(basin: Basin, make) -> None:  # type: ignore[no-untyped-def]
    years = ("2001-01-01", "2003-12-31", "decade")
    loss = SLOW.replace("50 days", "400 days").replace("20 hm3", "3 hm3")
    slow, fast = (basin.run(make(text), years, name=name)
                  for text, name in ((loss, "s"), (FAST, "f")))  # fmt: skip
    dt = np.diff(slow["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    came, at_once = ((only(ds, "canal_return_flow") * dt).sum() for ds in (slow, fast))
    left = only(slow, "canal_groundwater_storage")[-1]
    assert came + left - 3e6 == pytest.approx(at_once, rel=1e-11)
    np.testing.assert_allclose(only(slow, "canal_loss"), only(fast, "canal_loss"), rtol=1e-11)


# one canal to the fields is a claim's own loss, two are transfers: the water is the same
def test_a_canal_in_two_halves_gives_the_same_water(basin: Basin) -> None:
    year = ("2001-01-01", "2001-12-31", "month")
    halves = one_canal(SLOW.replace("20 hm3", "10 hm3")).replace(
        "{main: ", "{upper: {from: head, to: fields, capacity: 25 m3/s, loss: LOSS}, main: "
    ).replace("LOSS", SLOW.replace("20 hm3", "10 hm3"))  # fmt: skip
    one, two = (
        basin.run(text, year, name=n) for text, n in ((one_canal(SLOW), "a"), (halves, "b"))
    )
    for name in ("canal_flow", "canal_loss", "canal_return_flow", "canal_groundwater_storage"):
        np.testing.assert_allclose(one[name].sum("canal"), two[name].sum("canal"), rtol=1e-11)
    np.testing.assert_allclose(one["outflow"].sel(node="low"), two["outflow"].sel(node="low"),
                               rtol=1e-11, atol=1e-11)  # fmt: skip


@pytest.mark.parametrize("make", [one_canal, two_canals, transfer])
def test_a_run_split_in_two_gives_the_same_bits(basin: Basin, make) -> None:  # type: ignore[no-untyped-def]
    text = make(SLOW)
    whole = basin.run(text, ("2001-01-01", "2002-12-31", "month"))
    save(basin.run(text, ("2001-01-01", "2001-12-31", "month")),
         basin.folder / "scenarios" / "first.nc")  # fmt: skip
    second = basin.run(text, ("2002-01-01", "2002-12-31", "month"),
                       more="initial: {from: first.nc, at: 2001-12-31}")  # fmt: skip
    both = whole.isel(time=slice(12, None))
    for name, variable in second.variables.items():
        if not str(name).startswith("initial_"):
            np.testing.assert_array_equal(variable.values, both[name].values, err_msg=str(name))


# only what is in the ground at first ever reaches `low`: the canal is dry
def test_water_in_the_ground_at_the_start_is_water_that_can_be_claimed(basin: Basin) -> None:
    text = one_canal(SLOW.replace("20 %", "0 %")).replace(
        "side: {kind: catchment, runoff: 0 m3/s}", "side: {kind: junction}")  # fmt: skip
    supply = basin.run(text)["supply"].sel(site="town").item()
    assert supply == pytest.approx(min(4.0, 20e6 * (1 - np.exp(-31 / 50)) / (31 * DAY)), rel=1e-12)
    with pytest.raises(watersim.errors.InputError, match=r"nodes\.town\.at: .* brings water"):
        basin.load(text.replace("initial_storage: 20 hm3", "initial_storage: 0 hm3"))


# the fields ask for 1 m3/s, so 1.25 enter and 0.25 come back, however much the town below lacks
def test_no_canal_runs_only_for_what_it_leaks(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 100 m3/s}
          head: {kind: junction}
          fields: {kind: irrigation, priority: 2, requirement: 1 m3/s}
          town: {kind: municipal, at: low, priority: 1, requirement: 4 m3/s}
          side: {kind: catchment, runoff: 1 m3/s}
          low: {kind: junction}
          sea: {kind: terminal}
        rivers: [spring > head > sea, side > low > sea]
        canals:
          one: {from: head, to: fields, loss: {fraction: 20 %, to: low}}
          two: {from: head, to: fields, preference: 2, loss: {fraction: 20 %, to: low}}
        """
    )
    assert ds["supply"].values.ravel() == pytest.approx([1.0, 1.25], rel=1e-12)
    assert ds["canal_flow"].values.ravel() == pytest.approx([1.25, 0.0], rel=1e-12)
