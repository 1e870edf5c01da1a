"""Both implementations against fractions, and against each other, on random networks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import rational
from networks import Network, draw, filled, shuffle

from watersim.allocation import exact
from watersim.allocation.exact import Allocation

SMALL = {"most": 4, "ranks": 4, "plain": True}
FINE = {"most": 4, "ranks": 3, "plain": False}
LARGE = {"most": 10, "ranks": 5, "plain": False}
TIED = {"most": 10, "ranks": 5, "plain": True}


def networks(kind: dict[str, int], count: int, first: int = 0) -> Iterator[tuple[int, Network]]:
    for seed in range(first, first + count):
        yield seed, draw(np.random.default_rng(seed), **kind)


def differ(network: Network, one: Allocation, y: np.ndarray, z: np.ndarray) -> float:
    """Largest difference in a take or in the weighted carrying."""
    price = network.problem.price
    takes = float(np.abs(one.y - y).max())
    return max(takes, abs(float(price @ one.z - price @ z)))


def agree_with_fractions(kind: dict[str, int], count: int, first: int = 0) -> None:
    for seed, network in networks(kind, count, first):
        y, z = (np.array([float(v) for v in part]) for part in rational.allocate(network))
        assert differ(network, filled(network), y, z) < 1e-9, seed


def agree_with_programmes(kind: dict[str, int], count: int, first: int = 0) -> None:
    for seed, network in networks(kind, count, first):
        answer = exact.allocate(*network)
        assert differ(network, filled(network), answer.y, answer.z) < 1e-7, seed


@pytest.mark.parametrize(("kind", "count"), [(SMALL, 600), (FINE, 200)])
def test_the_filling_gives_what_fractions_give(kind: dict[str, int], count: int) -> None:
    agree_with_fractions(kind, count)


@pytest.mark.parametrize(("kind", "count"), [(TIED, 400), (LARGE, 400)])
def test_the_filling_gives_what_the_programmes_give(kind: dict[str, int], count: int) -> None:
    agree_with_programmes(kind, count)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [(SMALL, 7000), (FINE, 3000)])
def test_ten_thousand_networks_agree_with_fractions(kind: dict[str, int], count: int) -> None:
    agree_with_fractions(kind, count, first=10_000)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [(TIED, 5000), (LARGE, 5000)])
def test_ten_thousand_networks_agree_with_programmes(kind: dict[str, int], count: int) -> None:
    agree_with_programmes(kind, count, first=10_000)


def test_the_order_of_claims_and_rows_does_not_change_a_cover() -> None:
    for seed, network in networks(TIED, 150):
        moved, claims = shuffle(network, np.random.default_rng(seed))
        assert np.abs(filled(moved).y - filled(network).y[claims]).max() < 1e-12, seed
        assert np.abs(exact.allocate(*moved).y - exact.allocate(*network).y[claims]).max() < 1e-7


def test_what_stopped_a_claim_has_run_out() -> None:
    for seed, network in networks(LARGE, 300):
        problem, b, need, _ = network
        for answer in (filled(network), exact.allocate(*network)):
            y, z, bound, _ = answer
            left = b - problem.A @ y - problem.T @ z
            assert left.min() > -1e-8, seed
            assert (y >= 0).all(), seed
            assert (y <= need).all(), seed
            for i, stopped in enumerate(bound):
                if stopped == -1:
                    assert y[i] == pytest.approx(need[i], rel=1e-10, abs=1e-11), (seed, i)
                elif stopped >= 0:
                    assert y[i] < need[i], (seed, i)


def test_without_later_ranks_what_stopped_a_claim_stands_at_its_limit() -> None:
    one_rank = {"most": 6, "ranks": 1, "plain": False}
    named = 0
    for seed, network in networks(one_rank, 300):
        problem, b, _, cap = network
        for y, z, bound, _ in (filled(network), exact.allocate(*network)):
            left = b - problem.A @ y - problem.T @ z
            for stopped in bound[bound >= 0]:
                assert left[stopped] < 1e-8, seed
            for stopped in bound[bound < -1]:
                assert z[-2 - stopped] == pytest.approx(cap[-2 - stopped], abs=1e-8), seed
                named += 1
    assert named > 20


def test_more_water_never_lowers_the_first_priority() -> None:
    for seed, network in networks(LARGE, 150):
        first = network.problem.rank == 0
        once = network._replace(problem=network.problem._replace(rounds=0))
        more = once._replace(b=once.b * 1.3)
        cover = [
            np.sort(filled(n).y[first] / np.maximum(n.need[first], 1e-30)) for n in (once, more)
        ]
        assert tuple(cover[1] + 1e-9) >= tuple(cover[0]), seed
