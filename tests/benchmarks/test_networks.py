"""Every benchmark network loads, runs, closes, and gives what both peers gave."""

from __future__ import annotations

import json
from collections.abc import Callable

import description
import numpy as np
import ours
import pytest
import scenario
from description import Network
from rivers import NETWORKS, river, tree28

import watersim
from watersim.compile import compile

# hm3 in all steps, realization 0: what Pywr 1.31.1 and Pywr 2.0.0rc1 give, both the same
GIVEN = {
    "tree28": [454033.978, 447014.612, 129956.464, 29582.275],
    "tree28_transfers": [454033.978, 470007.532, 105791.652, 30819.339],
    "river200": [54931.139, 102331.45, 81171.562, 76637.114],
    "toy_daily": [11999.59496, 14609.02154, 98203.20395, 33621.68792],  # the second: the gauge
}


def total(network: Network) -> list[float]:
    """The supply of every priority in realization 0."""
    supply = ours.totals(watersim.run(ours.load(network)))["supply"]
    return [supply[name][0] for name in sorted(supply, key=lambda name: name.split()[1])]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_closes_its_balance_and_needs_no_exact_method(name: str) -> None:
    network = NETWORKS[name]()
    network = network.shortened(24 if network.step == "month" else 400)
    ds = watersim.run(ours.load(network))
    assert ds.sizes["time"] == network.steps
    assert ds.attrs["closure_residual"] <= 1e-12
    assert ds.attrs["exact_fallbacks"] == 0


def test_what_is_timed_is_what_is_compared() -> None:
    job = description.job(NETWORKS["tree28_full"]().shortened(24), 3, 2)
    run, totals = ours.prepare(job)
    assert run() > 0.0
    compiled = compile(ours.load(description.restored(job["network"])))
    by = np.array(job["factors"])
    timed, given = ours.records(compiled, by), ours.dataset(compiled, by)
    for members, record in zip(compiled.members, timed, strict=True):
        for k, name in enumerate(members.names):
            if f"{name}.runoff" in given:
                assert np.array_equal(record["runoff"][:, :, k], given[f"{name}.runoff"].values)
    assert {len(values) for values in totals()["supply"].values()} == {3}


@pytest.mark.parametrize("name", GIVEN)
def test_supply_is_what_both_peers_gave(name: str) -> None:
    assert total(NETWORKS[name]()) == pytest.approx(GIVEN[name], rel=1e-8)


def test_the_tree_is_the_one_that_was_handed_out() -> None:
    tree = tree28()
    assert (len(tree.down), len(tree.reservoirs), len(tree.demands), tree.steps) == (28, 8, 20, 480)
    assert sum(map(sum, tree.inflow)) == pytest.approx(1045761.078)
    assert sum(sum(demand.monthly) for demand in tree.demands) == pytest.approx(88209.483)
    assert sum(reservoir.initial for reservoir in tree.reservoirs) == pytest.approx(15282.0)
    assert sorted({demand.priority for demand in tree.demands}) == [1, 2, 3, 4]


def test_the_other_networks_have_the_sizes_asked_for() -> None:
    made = {name: build() for name, build in NETWORKS.items()}
    sizes = {
        name: (len(n.down), len(n.reservoirs), len(n.demands), len(n.inflow_sections), n.steps)
        for name, n in made.items()
    }
    assert sizes["river200"] == (200, 20, 100, 13, 480)
    assert sizes["toy_daily"] == (7, 2, 4, 3, 36_524)
    assert len(made["tree28_transfers"].canals) == 6
    assert [len(river(k).down) for k in (25, 50, 100, 400)] == [25, 50, 100, 400]


def test_realizations_differ_by_year_and_the_first_is_the_network_itself() -> None:
    network = tree28()
    by = description.factors(network, 3)
    assert np.all(by[0] == 1.0)
    assert np.all(by[:, :12] == by[:, :1])
    assert np.unique(by[1:]).size == 2 * 40
    assert np.array_equal(by[:2], description.factors(network, 2))


@pytest.mark.parametrize("build", NETWORKS.values())
def test_a_network_survives_the_way_to_a_worker(build: Callable[[], Network]) -> None:
    network = build().shortened(24)
    job = json.loads(json.dumps(description.job(network, 2, 1)))
    assert description.restored(job["network"]) == network


def test_reservoirs_are_kept_in_our_order() -> None:
    network = tree28().shortened(12)
    names = [f"{scenario.section(k)}.conservation" for k in network.keeping_order()]
    claims = watersim.run(ours.load(network)).claim
    assert [name for name in claims.values if name in names] == names
