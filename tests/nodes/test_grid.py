"""Grids: one requirement that several plants serve, with the same water where it passes them all."""

from __future__ import annotations

import numpy as np
import pytest
from basins import YEAR, Basin

import watersim.accessor  # noqa: F401  registers ds.watersim
from watersim.compile import compile
from watersim.engine import Engine
from watersim.errors import InputError

SECONDS = 31 * 86_400.0
PER_M3 = 9810 * 0.9 * 100.0  # J, at 100 m
LEVELS = "levels: {full_level: 120 m, depth: 20 m, exponent: 2}"


def dam(name: str, first: int = 100) -> str:
    return f"  {name}: {{kind: reservoir, capacity: 100 hm3, initial_storage: {first} hm3, {LEVELS}}}\n"


def plant(name: str, at: str, head: int, more: str = "") -> str:
    return f"  {name}: {{kind: hydropower, at: {at}, capacity: 50 MW, head: {head} m, " \
        f"efficiency: 0.9{more}}}\n"  # fmt: skip


def grid(plants: str, megawatts: float, priority: int = 2, more: str = "") -> str:
    return f"  lines: {{kind: grid, plants: [{plants}], energy_requirement: {{energy: " \
        f"{megawatts} MW, priority: {priority}{more}}}}}\n"  # fmt: skip


def cascade(megawatts: float, *more: str, rivers: str = "", about: str = "") -> str:
    return (
        "nodes:\n" + dam("lake")
        + "  upper: {kind: junction}\n  lower: {kind: junction}\n  sea: {kind: terminal}\n"
        + plant("high", "upper", 100, about) + plant("low", "lower", 50)
        + grid("low, high", megawatts) + "".join(more)
        + f"rivers:\n  - lake > upper > lower > sea\n{rivers}"
    )  # fmt: skip


def branches(megawatts: float, about: str = "", first: int = 100) -> str:
    return (
        "nodes:\n" + dam("east") + dam("west", first)
        + "  a: {kind: junction}\n  b: {kind: junction}\n  sea: {kind: terminal}\n"
        + plant("mill", "a", 100) + plant("wheel", "b", 100, about)
        + grid("mill, wheel", megawatts)
        + "rivers: [east > a > sea, west > b > sea]\n"
    )  # fmt: skip


# 150 m in all: 1.5 MW are 1.1326 m3/s, which turn both, and not 1.699 for the upper alone
def test_the_same_water_serves_every_plant_it_passes(basin: Basin) -> None:
    ds = basin.run(cascade(1.5))
    flow = 1.5e6 / (1.5 * PER_M3)
    assert ds["release"].item() == pytest.approx(flow, rel=1e-12)
    assert ds["turbine_flow"].values.ravel() == pytest.approx([flow, flow], rel=1e-12)
    assert ds["grid_energy"].item() == pytest.approx(1.5e6 * SECONDS, rel=1e-12)
    assert ds["grid_energy_deficit"].item() <= 1e-12 * 1.5e6 * SECONDS
    assert ds["cover"].sel(claim="lines").item() == pytest.approx(1.0, rel=1e-12)


# the lower plant makes 0.5 × what is there: 1.0 MW of 1.5 when the upper is held to 0.5 m3/s…
def test_a_plant_at_its_limit_leaves_the_rest_to_the_others(basin: Basin) -> None:
    ds = basin.run(cascade(1.0, about=", max_flow: 0.5 m3/s"))
    rest = (1.0e6 - 0.5 * PER_M3) / (0.5 * PER_M3)
    assert ds["release"].item() == pytest.approx(rest, rel=1e-12)
    assert ds["turbine_flow"].sel(plant="high").item() == pytest.approx(0.5, rel=1e-12)
    assert ds["turbine_flow"].sel(plant="low").item() == pytest.approx(rest, rel=1e-12)


# a tributary of 0.6 m3/s turns the lower plant, the dam gives what is lacking
def test_water_that_is_there_anyway_is_counted_before_a_dam_is_drawn(basin: Basin) -> None:
    more = "  brook: {kind: catchment, runoff: 0.6 m3/s}\n"
    ds = basin.run(cascade(1.5, more, rivers="  - brook > lower\n"))
    release = (1.5e6 - 0.6 * 0.5 * PER_M3) / (1.5 * PER_M3)
    assert ds["release"].item() == pytest.approx(release, rel=1e-12)
    assert ds["grid_energy"].item() == pytest.approx(1.5e6 * SECONDS, rel=1e-12)


# both dams could serve; the first in river order keeps its water, the other gives all
def test_of_two_dams_the_first_in_river_order_keeps_its_water(basin: Basin) -> None:
    ds = basin.run(branches(1.0))
    assert ds["release"].sel(reservoir="east").item() == pytest.approx(0.0, abs=1e-12)
    assert ds["release"].sel(reservoir="west").item() == pytest.approx(1.0e6 / PER_M3, rel=1e-12)


def test_where_one_dam_is_limited_or_empty_the_other_gives_the_rest(basin: Basin) -> None:
    flow = 1.0e6 / PER_M3
    ds = basin.run(branches(1.0, ", max_flow: 0.25 m3/s"))
    assert ds["release"].values.ravel() == pytest.approx([flow - 0.25, 0.25], rel=1e-12)
    ds = basin.run(
        branches(1.0, first=1).replace("initial_storage: 1 hm3", "initial_storage: 0.001 hm3")
    )
    assert ds["release"].values.ravel() == pytest.approx([flow - 1000 / SECONDS, 1000 / SECONDS])


# 100 hm3 in 31 days are 37.34 m3/s at most: 49.4 MW of 60 through 150 m
def test_what_the_plants_cannot_make_together_is_deficit_and_says_why(basin: Basin) -> None:
    ds = basin.run(cascade(60.0))
    made = 100e6 * 1.5 * PER_M3
    assert ds["grid_energy"].item() == pytest.approx(made, rel=1e-12)
    assert ds["grid_energy_deficit"].item() == pytest.approx(60e6 * SECONDS - made, rel=1e-9)
    why = ds.watersim.why("lines", "2001-01")
    assert "lake is empty" in why, why


def test_more_than_the_plants_can_pass_is_deficit_though_the_claim_is_met(basin: Basin) -> None:
    ds = basin.run(cascade(60.0, about=", max_flow: 1 m3/s"))
    assert ds["turbine_flow"].sel(plant="high").item() == pytest.approx(1.0, rel=1e-12)
    assert ds["grid_energy_deficit"].item() > 0.0


def test_other_generation_is_taken_off_first(basin: Basin) -> None:
    text = cascade(1.5).replace("priority: 2}", "priority: 2, other_generation: 1 MW}")
    ds = basin.run(text)
    assert ds["grid_energy_requirement"].item() == pytest.approx(0.5e6 * SECONDS, rel=1e-12)
    assert ds["release"].item() == pytest.approx(0.5e6 / (1.5 * PER_M3), rel=1e-12)


# 37.3 m3/s are there. The field takes 30 below the upper plant, which makes 2/3 of what water gives
@pytest.mark.parametrize(("priority", "gets"), [(1, 30.0), (3, 100e6 / SECONDS - 20.0)])
def test_irrigation_above_a_plant_and_energy_stand_in_their_order(
    basin: Basin, priority: int, gets: float
) -> None:
    field = (
        f"  field: {{kind: irrigation, at: upper, priority: {priority}, requirement: 30 m3/s}}\n"
    )
    asked = 20.0 * 1.5 * PER_M3
    ds = basin.run(cascade(asked / 1e6, field))
    assert ds["supply"].item() == pytest.approx(gets, rel=1e-12)
    made = min(asked, (100e6 / SECONDS - gets) * 1.5 * PER_M3)
    assert ds["grid_energy"].item() == pytest.approx(made * SECONDS, rel=1e-12)


# energy first, but the upper plant alone can make it from 30 m3/s, which the field takes below it
def test_energy_is_made_where_it_leaves_most_to_later_claims(basin: Basin) -> None:
    field = "  field: {kind: irrigation, at: lower, priority: 3, requirement: 30 m3/s}\n"
    ds = basin.run(cascade(20.0 * 1.5 * PER_M3 / 1e6, field))
    assert ds["supply"].item() == pytest.approx(30.0, rel=1e-12)
    assert ds["release"].item() == pytest.approx(30.0, rel=1e-12)
    assert ds["cover"].sel(claim="lines").item() == pytest.approx(1.0, rel=1e-12)


def random_basin(seed: int) -> str:
    chance = np.random.default_rng(seed)

    def one(*of: object) -> str:
        return str(chance.choice(np.array(of, object)))

    nodes, rivers = ["  sea: {kind: terminal}\n"], []
    plants = []
    for k in range(3):
        nodes.append(f"  spring{k}: {{kind: catchment, runoff: {one(0, 2, 9)} m3/s}}\n")
        limit = one("", ", outlet_capacity: 6 m3/s")
        nodes.append(dam(f"dam{k}", int(one(0, 20, 100))).replace(", levels", f"{limit}, levels"))
        nodes.append(f"  bend{k}: {{kind: junction}}\n")
        about = one("", ", max_flow: 3 m3/s", ", max_flow: 8 m3/s")
        nodes.append(plant(f"p{k}", f"bend{k}", int(one(20, 100, 100)), about))
        tail = f", efficiency: 0.9, tailwater: {one(60, 95)} m, max_flow: {one(4, 9)} m3/s}}\n"
        nodes.append(f"  q{k}: {{kind: hydropower, at: dam{k}, capacity: 50 MW{tail}")
        plants += [f"p{k}", f"q{k}"]
        at, priority = one(f"dam{k}", f"bend{k}"), one(1, 2, 3)
        back = one("", ", return_flow: {fraction: 30 %, to: bend1}")
        nodes.append(f"  s{k}: {{kind: irrigation, at: {at}, priority: {priority}, requirement: "
                     f"{one(0, 3, 12)} m3/s{back}}}\n")  # fmt: skip
        down = "sea" if k == 0 else one("sea", f"dam{k - 1}", f"bend{k - 1}")
        rivers.append(f"  - spring{k} > dam{k} > bend{k} > {down}\n")
    cut = int(one(2, 4, 6))
    nodes.append(grid(", ".join(plants[:cut]), float(one(0.5, 4, 20)), int(one(1, 2, 4))))
    if cut < len(plants):
        nodes.append(grid(", ".join(plants[cut - 1 :]), float(one(0.5, 4)), int(one(1, 2, 4)))
                     .replace("lines", "wires"))  # fmt: skip
    return "nodes:\n" + "".join(nodes) + "rivers:\n" + "".join(rivers)


def agree(basin: Basin, seed: int) -> None:
    text = random_basin(seed)
    ds = basin.run(text, YEAR)
    scenario = basin.load(text, YEAR)
    compiled = compile(scenario)
    engine = Engine(compiled, exactly=True)
    engine.advance(0, 12)
    exact = engine.outcome()
    seconds = compiled.seconds[:, None]
    need, given = exact.need[0] / seconds, exact.supply[0] / seconds
    names = [row.name for row in compiled.claims]
    mine = ds["claim_supply"].sel(claim=names).values[0]
    cover = np.divide(mine - given, need, out=np.zeros_like(need), where=need > 1e-6)
    assert np.abs(cover).max() < 1e-7, seed


@pytest.mark.parametrize("seed", range(16))
def test_generated_grids_are_served_as_the_programmes_say(basin: Basin, seed: int) -> None:
    agree(basin, seed)


@pytest.mark.slow
def test_many_generated_grids_are_served_as_the_programmes_say(basin: Basin) -> None:
    for seed in range(16, 80):
        agree(basin, seed)


@pytest.mark.parametrize(
    ("wrong", "line", "said"),
    [
        ("plants: [hi, low]", 8, "nodes.lines.plants.0: is not a plant (got hi)"),
        ("plants: []", 8, "nodes.lines.plants: is empty"),
        ("plants: [low, low]", 8, "nodes.lines.plants.1: names 'low' a second time"),
        ("plants: [upper]", 8, "nodes.lines.plants.0: is not a plant (got upper)"),
    ],
)
def test_a_grid_without_its_plants_is_refused(
    basin: Basin, wrong: str, line: int, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        basin.load(cascade(1.0).replace("plants: [low, high]", wrong))
    assert f"basin.yaml:{line}: {said}" in str(caught.value)
