"""Every way by which water can reach a place is one: with it a claim there is accepted."""

from __future__ import annotations

import pytest
from basins import YEAR, Basin

from watersim.errors import InputError
from watersim.netcdf import save
from watersim.simulation import run

# a spur beside the river that nothing feeds; the farm is moved to it
DRY = """
nodes:
  hills: {kind: catchment, runoff: 10 m3/s}
  weir: {kind: junction}
  dam:
    kind: reservoir
    capacity: 50 hm3
    initial_storage: 10 hm3
    levels: {full_level: 900 m, depth: 50 m, exponent: 2}
  spur: {kind: junction}
  field: {kind: irrigation, at: weir, priority: 2, requirement: 1 m3/s}
  remote: {kind: irrigation, priority: 2, requirement: 1 m3/s}
  farm: {kind: irrigation, at: weir, priority: 2, requirement: 1 m3/s}
  sands: {kind: terminal}
  ditch: {kind: terminal}
rivers:
  - hills > weir > dam > sands
  - spur > ditch
canals: {long: {from: weir, to: remote, loss: 20 %}}
"""
POOL = {"kind": "reservoir", "capacity": "9 hm3", "initial_storage": "0 hm3",
        "levels": {"full_level": "90 m", "depth": "9 m", "exponent": 2}}  # fmt: skip
RIVERS = ["hills > weir > dam > sands", "pool > spur > ditch"]
WAYS = {
    "a catchment": {
        "nodes.brook": {"kind": "catchment", "runoff": "0 m3/s"},
        "rivers": [RIVERS[0], "brook > spur > ditch"],
    },
    "a canal": {"canals.link": {"from": "dam", "to": "spur"}},
    "the loss of a canal": {"canals.long.loss": {"fraction": "20 %", "to": "spur"}},
    "a return flow": {"nodes.field.return_flow": {"fraction": "20 %", "to": "spur"}},
    "a return flow from behind a canal": {
        "nodes.remote.return_flow": {"fraction": "20 %", "to": "spur"}
    },
    "a surplus outlet": {
        "nodes.dam.outlets": [{"to": "sands", "capacity": "1 m3/s"}, {"to": "spur"}]
    },
    "what a reservoir holds": {
        "nodes.pool": {**POOL, "initial_storage": "1 hm3"}, "rivers": RIVERS,
    },
    "rain on a reservoir": {
        "nodes.pool": {**POOL, "precipitation": "10 mm/month"}, "rivers": RIVERS,
    },
}  # fmt: skip
NO_WAYS = {
    "nothing": {},
    "an empty reservoir": {"nodes.pool": POOL, "rivers": RIVERS},
    "a canal without loss": {"canals.long.loss": {"fraction": 0, "to": "spur"}},
    "a return flow of nothing": {"nodes.field.return_flow": {"fraction": 0, "to": "spur"}},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_claim_is_accepted_where_water_comes_by(basin: Basin, way: str) -> None:
    run(basin.load(DRY).with_({**WAYS[way], "nodes.farm.at": "spur"}))


@pytest.mark.parametrize("way", NO_WAYS)
def test_a_claim_is_refused_where_water_never_comes_by(basin: Basin, way: str) -> None:
    scenario = basin.load(DRY)
    with pytest.raises(InputError) as caught:
        scenario.with_({**NO_WAYS[way], "nodes.farm.at": "spur"})
    assert any(problem.key == "nodes.farm.at" for problem in caught.value.problems)


def test_a_place_without_claims_may_be_dry(basin: Basin) -> None:
    run(basin.load(DRY))


def test_a_run_that_goes_on_may_have_water_in_a_store_that_was_empty_at_first(basin: Basin) -> None:
    ds = run(basin.load(DRY, ("2000-12-01", "2000-12-31", "month")).with_(
        {"nodes.pool": {**POOL, "initial_storage": "5 hm3"}, "rivers": RIVERS}
    ))  # fmt: skip
    save(ds, basin.folder / "scenarios" / "first.nc")
    scenario = basin.load(DRY, YEAR, more="initial: {from: first.nc, at: 2000-12-31}")
    scenario.with_({"nodes.pool": POOL, "rivers": RIVERS, "nodes.farm.at": "spur"})
