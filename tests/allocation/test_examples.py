"""Allocations worked by hand, by both implementations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from networks import Canal, Claim, Network, build, filled
from numpy.testing import assert_allclose

from watersim.allocation import exact
from watersim.allocation.exact import Allocation

Allocate = Callable[[Network], Allocation]


def programmed(network: Network) -> Allocation:
    return exact.allocate(*network)


@pytest.fixture(params=[filled, programmed])
def allocate(request: pytest.FixtureRequest) -> Allocate:
    answer: Allocate = request.param
    return answer


def test_fifty_units_for_claims_of_sixty_and_forty_give_thirty_and_twenty(
    allocate: Allocate,
) -> None:
    answer = allocate(build([], [50], [Claim(0, 60), Claim(0, 40)]))
    assert_allclose(answer.y, [30, 20], rtol=1e-9)
    assert answer.bound.tolist() == [0, 0]


def test_the_first_priority_is_whole_before_the_second_gets_anything(allocate: Allocate) -> None:
    answer = allocate(build([], [50], [Claim(0, 40, 1), Claim(0, 45, 0)]))
    assert_allclose(answer.y, [5, 45], rtol=1e-9)
    assert answer.bound.tolist() == [0, -1]


def test_return_flows_of_a_later_priority_are_offered_again_from_the_first(
    allocate: Allocate,
) -> None:
    # river A 100; M 80; X 100 of which 30 % returns to the dry branch B, where D asks 30
    claims = [Claim(2, 30, 0), Claim(1, 80, 1), Claim(1, 100, 2, 0.3, 2)]
    network = build([0, 0], [0, 100, 0], claims)
    assert network.problem.rounds == 1
    assert_allclose(allocate(network).y, [6, 80, 20], rtol=1e-9)


def test_a_senior_below_a_junior_that_returns_half_gets_its_need_first(
    allocate: Allocate,
) -> None:
    # above the return: J ≤ 100; below it: S + J/2 ≤ 100
    network = build([0], [0, 100], [Claim(1, 100, 1, 0.5, 0), Claim(0, 60, 0)])
    answer = allocate(network)
    assert_allclose(answer.y, [80, 60], rtol=1e-9)
    assert answer.bound.tolist() == [0, -1]


def test_a_quota_stops_its_own_claim_and_the_other_of_the_same_priority_rises_on(
    allocate: Allocate,
) -> None:
    network = build([], [90], [Claim(0, 60), Claim(0, 60)], quotas=[({0: 1.0}, 30.0)])
    answer = allocate(network)
    assert_allclose(answer.y, [30, 60], rtol=1e-9)
    assert answer.bound.tolist() == [1, -1]


def test_a_delivery_with_use_above_and_below_it_shares_the_shortage_equally(
    allocate: Allocate,
) -> None:
    # 30 asked above the gauge, 50 to arrive there, the same water asked again below it
    claims = [Claim(1, 30), Claim(1, 50, sort="pass"), Claim(0, 50)]
    answer = allocate(build([0], [0, 50], claims))
    assert_allclose(answer.y, [18.75, 31.25, 31.25], rtol=1e-9)


def test_in_stream_claims_of_two_and_forty_are_both_whole_with_forty_one(
    allocate: Allocate,
) -> None:
    claims = [Claim(0, 2, sort="pass"), Claim(0, 40, sort="pass")]
    answer = allocate(build([], [41], claims))
    assert_allclose(answer.y, [2, 40], rtol=1e-9)
    assert answer.bound.tolist() == [-1, -1]


def test_a_canal_of_one_source_stops_its_claim_at_a_cover_of_its_need(allocate: Allocate) -> None:
    # at cover 1/2 the canal is full; folded into the need it would have had 50 of 50
    network = build([], [120], [Claim(0, 100), Claim(0, 100)], quotas=[({0: 1.0}, 50.0)])
    answer = allocate(network)
    assert_allclose(answer.y, [50, 70], rtol=1e-9)
    assert answer.bound.tolist() == [1, 0]


def test_a_site_behind_a_full_canal_is_told_of_the_canal(allocate: Allocate) -> None:
    network = build(
        [0],
        [100, 100],
        [Claim(0, 50, sort="site")],
        [Canal(1, 0, 0.5, 20, 1.0, serves=0), Canal(0, 0, 1.0, 30, 9.0, serves=0)],
    )
    answer = allocate(network)
    assert_allclose(answer.y, [40], rtol=1e-9)
    assert_allclose(answer.z, [20, 30], rtol=1e-9)
    assert answer.bound[0] in (-2, -3)


def test_a_site_behind_a_canal_from_a_dry_river_is_told_of_the_river(allocate: Allocate) -> None:
    network = build([0], [0, 8], [Claim(0, 50, sort="site")], [Canal(1, 0, 0.5, 20, 1.0, serves=0)])
    answer = allocate(network)
    assert_allclose(answer.y, [4], rtol=1e-9)
    assert answer.bound[0] in (0, 1)


def test_a_site_behind_a_closed_canal_is_told_of_the_canal(allocate: Allocate) -> None:
    network = build([], [8], [Claim(0, 50, sort="site")], [Canal(0, 0, 1.0, 0.0, 1.0, serves=0)])
    answer = allocate(network)
    assert answer.y.tolist() == [0.0]
    assert answer.bound.tolist() == [-2]


def test_the_second_source_serves_when_the_first_is_full(allocate: Allocate) -> None:
    answer = allocate(two_sources(junior=0.0))
    assert_allclose(answer.y, [50, 0], rtol=1e-9)
    assert_allclose(answer.z, [30, 26], rtol=1e-9)


def test_a_junior_moves_the_senior_to_the_source_that_loses_less(allocate: Allocate) -> None:
    answer = allocate(two_sources(junior=170.0))
    assert_allclose(answer.y, [50, 150], rtol=1e-9)
    assert_allclose(answer.z, [0, 50], rtol=1e-9, atol=1e-7)


def two_sources(junior: float) -> Network:
    """A site of 50 with a near source that loses a fifth and a far one; a junior below both."""
    return build(
        [0],
        [100, 100],
        [Claim(0, 50, sort="site"), Claim(0, junior, 1)],
        [Canal(1, 0, 0.8, 30, 1.0, serves=0), Canal(0, 0, 1.0, 60, 2.0, serves=0)],
    )


def test_an_energy_claim_of_two_plants_takes_from_both_and_the_river_keeps_it(
    allocate: Allocate,
) -> None:
    # E ≤ 2 q1 + 1 q2, in m3 of the upper plant's water; both plants on one river, limits 10 and 30
    network = build([0], [0, 40], [Claim(0, 60, sort="site"), Claim(0, 40, 1)])
    problem = network.problem._replace(
        A=np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]),
        T=np.array([[0.0, 0.0], [0.0, 0.0], [-2.0, -1.0]]),
        price=np.array([1.0, 1.0 + 1e-7]),
    )
    answer = allocate(
        Network(problem, np.array([40.0, 40.0, 0.0]), network.need, np.array([10.0, 30.0]))
    )
    assert_allclose(answer.y, [50, 40], rtol=1e-9)
    assert_allclose(answer.z, [10, 30], rtol=1e-9)
    assert answer.bound[0] in (-2, -3)


def test_return_flows_that_feed_each_other_reach_their_limit(allocate: Allocate) -> None:
    # X = 100 + 0.9 D, D = 0.9 X: each round adds 0.81 of what the one before did
    claims = [Claim(2, 1000, 0, 0.9, 1), Claim(1, 1000, 1, 0.9, 2)]
    answer = allocate(build([0, 0], [0, 100, 0], claims))
    assert_allclose(answer.y, [90 / 0.19, 100 / 0.19], rtol=1e-8)


def test_in_a_later_round_a_claim_waits_for_the_others_to_come_up_to_its_cover(
    allocate: Allocate,
) -> None:
    # first round: a 0 of 40 on a dry branch, c 20 of 40 from a source of its own. Then X returns
    # 30 to that branch, from which c can draw too: a alone rises to a half, then both by 5
    network = build(
        [0, 0, 0],
        [0, 100, 0, 20],
        [Claim(2, 40, 0), Claim(0, 40, 0, sort="site"), Claim(1, 60, 1, 0.5, 2)],
        [Canal(3, 0, 1.0, 100, 1.0, serves=1), Canal(2, 0, 1.0, 100, 2.0, serves=1)],
    )
    assert_allclose(allocate(network).y, [25, 25, 60], rtol=1e-9)


def test_in_a_later_round_a_claim_that_serves_another_rises_to_its_need_and_no_further(
    allocate: Allocate,
) -> None:
    # a lives on the half that c returns; c has 1 of 2 until X returns 50 to its branch
    claims = [Claim(2, 100, 0), Claim(1, 2, 0, 0.5, 2), Claim(3, 100, 1, 0.5, 1)]
    answer = allocate(build([0, 0, 0], [0, 1, 0, 100], claims))
    assert_allclose(answer.y, [1, 2, 100], rtol=1e-9)


def test_a_settled_claim_does_not_rise_when_the_water_is_offered_again(
    allocate: Allocate,
) -> None:
    network = build(
        [0],
        [2, 2],
        [
            Claim(0, 4, 1, 0.5, 1, sort="site"),
            Claim(0, 3, 1, 0.5, 1, sort="site"),
            Claim(1, 4, 0, sort="share"),
            Claim(0, 3, 1, 0.5, 1, sort="site"),
            Claim(1, 4, 1),
        ],
        [
            Canal(0, 0, 0.5, 0, 0.25, serves=0),
            Canal(0, 0, 1.0, 5, 0.25, serves=1),
            Canal(1, 0, 1.0, 2, 2.0),
        ],
    )
    assert_allclose(allocate(network).y, [0, 3, 2, 0, 1.5], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("zero", ["water", "need", "capacity", "all"])
def test_nothing_comes_of_nothing(allocate: Allocate, zero: str) -> None:
    network = build(
        [0],
        [5, 5],
        [Claim(0, 4), Claim(1, 4, 1), Claim(0, 4, 1, sort="site")],
        [Canal(1, 0, 1.0, 3, serves=2)],
    )
    if zero == "all":
        nothing = allocate(network._replace(b=0 * network.b, need=0 * network.need))
        assert nothing.y.tolist() == [0, 0, 0]
    elif zero == "water":
        answer = allocate(network._replace(b=np.zeros_like(network.b)))
        assert answer.y.tolist() == [0, 0, 0]
        assert (answer.bound != -1).all()
    elif zero == "need":
        answer = allocate(network._replace(need=np.zeros_like(network.need)))
        assert answer.y.tolist() == [0, 0, 0]
        assert answer.bound.tolist() == [-1, -1, -1]
    else:
        answer = allocate(network._replace(cap=np.zeros_like(network.cap)))
        assert_allclose(answer.y, [4, 4, 0], atol=1e-9)
        assert answer.bound.tolist() == [-1, -1, -2]


def test_a_claim_without_need_among_others_is_met_with_nothing(allocate: Allocate) -> None:
    answer = allocate(build([], [3], [Claim(0, 0), Claim(0, 6)]))
    assert_allclose(answer.y, [0, 3], rtol=1e-9)
    assert answer.bound.tolist() == [-1, 0]


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e6, 1e12])
def test_the_covers_do_not_depend_on_the_unit_of_volume(allocate: Allocate, factor: float) -> None:
    claims = [
        Claim(0, 6, 0, 0.5, 1),
        Claim(1, 8, 1, 0.5, 0),
        Claim(1, 4, 0, sort="pass"),
        Claim(0, 3, 1, sort="site"),
    ]
    canals = [Canal(0, 1, 1, 4), Canal(1, 0, 0.5, 2, 2.0, serves=3)]
    network = build([0], [2, 4], claims, canals)
    large = Network(network.problem, *(values * factor for values in network[1:]))
    assert_allclose(allocate(large).y / factor, allocate(network).y, rtol=1e-9, atol=1e-9)
