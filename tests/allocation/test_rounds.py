"""Return flows offered again from the first priority (the rounds), and priority inside a round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from compare import stake
from families import SMALL, generate
from networks import Claim, Network, build, filled, once
from numpy.testing import assert_allclose

from watersim.allocation import exact
from watersim.allocation.exact import Allocation

Allocate = Callable[[Network], Allocation]
SMALLEST = 1e-8  # of the stake


def programmed(network: Network) -> Allocation:
    return exact.allocate(*network)


@pytest.fixture(params=[filled, programmed])
def allocate(request: pytest.FixtureRequest) -> Allocate:
    answer: Allocate = request.param
    return answer


def test_a_return_may_set_free_another_and_that_one_a_third(allocate: Allocate) -> None:
    # round 1: X takes 20, 6 return to D's branch. Round 2: D takes 6, 3 return to F's branch and
    # F takes them. Round 3: the 1 that F returns reaches G
    claims = [
        Claim(2, 30, 0, 0.5, 3),
        Claim(1, 80, 1),
        Claim(1, 100, 2, 0.3, 2),
        Claim(3, 9, 2, 1 / 3, 4),
        Claim(4, 5, 0),
    ]
    network = build([0, 0, 0, 0], [0, 100, 0, 0, 0], claims)
    assert_allclose(allocate(once(network)).y, [0, 80, 20, 0, 0], atol=1e-9)
    assert_allclose(allocate(network).y, [6, 80, 20, 3, 1], rtol=1e-9)


def test_what_an_earlier_priority_gets_later_is_not_taken_from_those_between(
    allocate: Allocate,
) -> None:
    # X above returns half to the head of the river, after M there was cut to what came by itself
    claims = [Claim(1, 10, 0), Claim(1, 10, 1), Claim(2, 8, 2, 0.5, 1)]
    network = build([0, 0], [0, 12, 8], claims)
    assert_allclose(allocate(once(network)).y, [10, 2, 8], rtol=1e-9)
    assert_allclose(allocate(network).y, [10, 6, 8], rtol=1e-9)


def test_the_rounds_take_nothing_back_and_often_give_more(allocate: Allocate) -> None:
    more = 0
    for seed in range(200):
        network = generate("second_rounds", seed, SMALL)
        small = SMALLEST * stake(network)
        given = allocate(network).y - allocate(once(network)).y
        assert given.min() > -small, seed
        more += bool(given.max() > small)
        if not network.problem.rounds:
            assert given.max() == 0.0, seed
    assert more > 20


def test_a_priority_is_settled_as_if_there_were_no_later_ones(allocate: Allocate) -> None:
    for seed in range(60):
        network = once(generate("second_rounds" if seed % 2 else "any_kind", seed, SMALL))
        whole = allocate(network).y
        small = SMALLEST * stake(network)
        for rank in range(int(network.problem.rank.max())):
            first = network.problem.rank <= rank
            alone = allocate(only(network, first)).y
            assert np.abs(whole[first] - alone).max() < small, (seed, rank)


def only(network: Network, kept: np.ndarray) -> Network:
    """The network without the other claims."""
    problem = network.problem
    A = np.ascontiguousarray(problem.A[:, kept])
    fewer = problem._replace(A=A, rank=problem.rank[kept])
    return network._replace(problem=fewer, need=network.need[kept])
