"""What no river does, on generated basins: exact, without a tolerance, unless a comment says why.

A flux in the Dataset is a volume divided by the length of the step, and a sum of fluxes times that
length is rounded again. So a sum is compared to a few ulps of its largest term; everything else is
the same number or on the right side of it.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import generated
import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from watersim.closure import seconds
from watersim.scenario import Scenario
from watersim.simulation import run

Floats = NDArray[np.float64]
ULPS = 64 * np.finfo(np.float64).eps  # of the largest term in a sum of some twenty
YEARS = {"month": ("2001-01-01", "2003-12-31"), "decade": ("2001-01-01", "2001-12-31"),
         "day": ("2001-01-01", "2001-03-31")}  # fmt: skip
BASINS = [
    (family, step, seed)
    for family in generated.FAMILIES
    for step in generated.STEPS
    for seed in range(3)
]


class Case(NamedTuple):
    """A run, and its scenario and forcing."""

    ds: xr.Dataset
    scenario: Scenario
    forcing: xr.Dataset


@cache
def cases() -> list[Case]:
    found = []
    for family, step, seed in BASINS:
        with tempfile.TemporaryDirectory() as folder:
            scenario = generated.scenario(Path(folder), seed, family, step, YEARS[step])
        forcing = generated.forcing(scenario, seed, 3)
        found.append(Case(run(scenario, 3, forcing=forcing), scenario, forcing))
    return found


def stores() -> list[Case]:
    return [case for case in cases() if "reservoir" in case.ds.dims]


def reservoirs(case: Case) -> list[tuple[str, xr.Dataset]]:
    """Every reservoir that is no lake."""
    if "reservoir" not in case.ds.dims:
        return []
    kinds = dict(zip(case.ds["reservoir"].values, case.ds["reservoir_kind"].values, strict=True))
    return [
        (str(name), case.ds.sel(reservoir=name)) for name in kinds if kinds[name] == "reservoir"
    ]


def takes(case: Case, node: str) -> Floats:
    """What leaves a reservoir by canals, its sites and surplus outlets, m3/s; 0 only if nothing."""
    ds = case.ds
    total = np.zeros((ds.sizes["realization"], ds.sizes["time"]))
    for family, end, flux in (("site", "site_diversion_from", "diversion"),
                              ("canal", "canal_from", "canal_flow"),
                              ("outlet", "outlet_from", "outlet_flow")):  # fmt: skip
        if family in ds.dims:
            own = np.flatnonzero(ds[end].values.astype(str) == node)
            total += ds[flux].values[:, :, own].sum(axis=2)
    return total


def before(storage: xr.DataArray, first: xr.DataArray) -> Floats:
    """Storage at the start of every step."""
    return np.concatenate([first.values[:, np.newaxis], storage.values[:, :-1]], axis=1)


def test_nobody_gets_more_than_he_asks_for_nor_less_than_nothing() -> None:
    for case in cases():
        ds = case.ds
        pairs = [("claim_supply", "claim_requirement")]
        pairs += [("supply", "requirement")] if "site" in ds.dims else []
        for given, asked in pairs:
            assert np.all(ds[given].values >= 0.0)
            assert np.all(ds[given].values <= ds[asked].values)


def test_a_site_asks_for_what_its_forcing_says() -> None:
    for case in cases():
        for site in case.ds["site"].values if "site" in case.ds.dims else ():
            asked = case.ds["requirement"].sel(site=site).values
            np.testing.assert_array_equal(asked, case.forcing[f"{site}.requirement"].values)


def test_storage_stays_between_empty_and_full() -> None:
    for case in stores():
        storage = case.ds["storage"].values
        assert np.all(storage >= 0.0)
        assert np.all(storage <= case.ds["reservoir_capacity"].values)


def _nothing_leaves_below_dead_storage(found: list[Case]) -> None:
    for case in found:
        for name, ds in reservoirs(case):
            low = ds["storage"].values < float(ds["reservoir_dead_storage"])
            for flow in (ds["release"].values, ds["spill"].values, takes(case, name)):
                assert np.all(flow[low] == 0.0), name


def test_nothing_leaves_a_reservoir_that_ends_below_its_dead_storage() -> None:
    _nothing_leaves_below_dead_storage(stores())


# the sum is over fluxes that were divided by the length of the step: a few ulps of its terms
def test_only_evaporation_and_seepage_take_water_below_dead_storage() -> None:
    for case in stores():
        dt = seconds(case.ds)
        for name, ds in reservoirs(case):
            came = (case.ds["inflow"].sel(node=name).values + ds["precipitation"].values) * dt
            went = (ds["evaporation"].values + ds["seepage"].values) * dt
            start = before(ds["storage"], ds["initial_storage"])
            least = np.minimum(float(ds["reservoir_dead_storage"]), start + came - went)
            rounding = ULPS * np.maximum(start, np.maximum(came, went))
            assert np.all(ds["storage"].values >= least - rounding), name


def test_only_a_full_lake_spills() -> None:
    for case in stores():
        spills = case.ds["spill"].values > 0.0
        full = case.ds["storage"].values == case.ds["reservoir_capacity"].values
        assert np.all(full[spills])


def test_a_reservoir_spills_only_beside_an_outlet_at_its_capacity() -> None:
    """With surplus outlets the release also holds what they send down the river, in a sum."""
    for case in stores():
        for name, ds in reservoirs(case):
            node, spills = case.scenario.nodes[name], ds["spill"].values > 0.0
            if not node.has_outlet_limit():
                assert not spills.any(), name
                continue
            most = case.forcing[f"{name}.outlet_capacity"].values
            if node.surplus_outlets():
                assert np.all(ds["release"].values[spills] >= most[spills]), name
            else:
                assert np.all(ds["release"].values <= most), name
                assert np.all(ds["release"].values[spills] == most[spills]), name


def test_no_canal_carries_more_than_its_capacity() -> None:
    """To the rounding of the allocation, which is relative to all the water at stake."""
    for case in cases():
        for name, canal in case.scenario.network.canals.items():
            if canal.capacity is not None:
                flow = case.ds["canal_flow"].sel(canal=name).values
                most = case.forcing[f"{name}.capacity"].values
                assert np.all(flow <= most + 1e-12 * case.ds["inflow"].values.max()), name


def test_turbines_pass_no_more_than_is_released() -> None:
    """To one ulp: a release at capacity is the capacity itself, not a volume over the step."""
    for case in cases():
        for k, name in enumerate(case.ds["plant"].values if "plant" in case.ds.dims else ()):
            at = str(case.ds["plant_at"].values[k])
            flow = case.ds["turbine_flow"].sel(plant=name).values
            released = case.ds["outflow"].sel(node=at).values
            if at in dict(reservoirs(case)):
                released = case.ds["release"].sel(reservoir=at).values
            assert np.all(flow <= np.nextafter(released, np.inf))


def test_every_number_is_finite_and_no_flow_runs_backwards() -> None:
    for case in cases():
        for name, variable in case.ds.data_vars.items():
            if variable.dtype.kind == "f" and name != "cover":
                assert np.all(np.isfinite(variable.values)), name
                assert np.all(variable.values >= 0.0), name
        asked = case.ds["claim_requirement"].values > 0.0
        np.testing.assert_array_equal(np.isfinite(case.ds["cover"].values), asked)


def test_every_balance_closes_without_linear_programmes() -> None:
    assert max(case.ds.attrs["closure_residual"] for case in cases()) <= 1e-13
    assert sum(case.ds.attrs["exact_fallbacks"] for case in cases()) == 0


@pytest.mark.parametrize(
    "what",
    ["dead", "full", "spill", "short", "turbined", "carried", "zoned", "surplus", "quota",
     "ground", "fed"],
)  # fmt: skip
def test_the_basins_meet_what_they_are_tried_for(what: str) -> None:
    assert any(_meets(case, what) for case in cases())


def _meets(case: Case, what: str) -> bool:
    ds = case.ds
    if "reservoir" not in ds.dims or "site" not in ds.dims:
        return False
    storage, dead = ds["storage"].values, ds["reservoir_dead_storage"].values
    feeders = [name for name, canal in case.scenario.network.canals.items()
               if canal.target in ds["reservoir"].values]  # fmt: skip
    found = {
        "dead": (storage < dead).any(),
        "full": (storage == ds["reservoir_capacity"].values).any(),
        "spill": (ds["spill"].values[..., ds["reservoir_kind"].values == "reservoir"] > 0.0).any(),
        "short": (ds["deficit"].values > 0.0).any(),
        "turbined": "plant" in ds.dims and (ds["energy"].values > 0.0).any(),
        "carried": "canal" in ds.dims and (ds["canal_loss"].values > 0.0).any(),
        "zoned": ((ds["claim_sort"].values == "retention") & (ds["priority"].values > 0)).any(),
        "surplus": "outlet" in ds.dims and (ds["outlet_flow"].values > 0.0).any(),
        "quota": any("quota_" in flag for flag in ds["bound_by"].attrs["flag_meanings"].split()),
        "ground": (ds["groundwater_storage"].values > 0.0).any(),
        "fed": bool(feeders) and (ds["canal_flow"].sel(canal=feeders).values > 0.0).any(),
    }
    return bool(found[what])
