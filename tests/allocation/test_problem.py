"""What is known of a problem before it is filled."""

from __future__ import annotations

import numpy as np
import pytest
from networks import Canal, Claim, Network, attempt, build, filled, work

from watersim.allocation import exact
from watersim.allocation.problem import Problem, fed_by_transfers, needs_rounds, ran_out


def rounds(*claims: Claim) -> int:
    return build([0, 0], [9, 9, 9], claims).problem.rounds


def test_a_return_below_every_earlier_claim_needs_no_second_round() -> None:
    assert rounds(Claim(1, 5, 0), Claim(1, 5, 1, 0.5, 0)) == 0
    assert rounds(Claim(1, 5, 0), Claim(2, 5, 0, 0.5, 1)) == 0
    assert rounds(Claim(1, 5, 0), Claim(2, 5, 1, 0.5, 1)) == 1


def test_a_return_of_a_later_rank_above_an_earlier_claim_needs_a_second_round() -> None:
    A = np.array([[1.0, -0.3], [0.0, 1.0]])
    assert needs_rounds(A, np.array([0, 1]))
    assert not needs_rounds(A, np.array([1, 0]))
    assert not needs_rounds(A, np.array([0, 0]))


def test_a_canal_that_draws_on_a_returning_row_may_serve_an_earlier_rank() -> None:
    A = np.array([[0.0, -0.3], [0.0, 1.0], [1.0, 0.0]])
    T = np.array([[1.0], [0.0], [-1.0]])
    assert not needs_rounds(A, np.array([0, 1]))
    assert needs_rounds(A, np.array([0, 1]), T)


def test_only_rows_that_nothing_but_canals_fills_are_sites() -> None:
    A = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, -0.5], [1.0, 1.0]])
    T = np.array([[-0.9, 0.0], [1.0, -0.9], [-1.0, 0.0], [0.0, 0.0]])
    assert fed_by_transfers(A, T).tolist() == [1, 0, 0, 0]


def name(row_worth: list[float], full_worth: list[float], claim: int = 0) -> int:
    """Rows: river, site of claim 0, quota of claim 1; canals river > site, river > river."""
    A = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    T = np.array([[1.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
    b = np.array([5.0, 0.0, 3.0])
    fed = fed_by_transfers(A, T)
    return ran_out(A, T, b, fed, np.array(row_worth), np.array(full_worth), claim)


def test_what_ran_out_is_the_nearest_thing_that_did() -> None:
    assert name([0.5, 1.0, 0.0], [1.0, 0.0]) == -2  # the full canal into the site
    assert name([0.5, 1.0, 0.0], [0.0, 1.0]) == 0  # the river behind a canal with room
    assert name([0.0, 1.0, 0.0], [0.0, 1.0]) == -3  # another full canal
    assert name([0.0, 1.0, 0.0], [0.0, 0.0]) == 1  # nothing but the site itself
    assert name([0.5, 0.0, 0.7], [0.0, 1.0], claim=1) == 2  # the dearer of its own rows


def test_a_full_canal_into_a_river_ran_out_before_that_river() -> None:
    # a dam, and a town below it that a claim draws on; its outlet carries what the town gets
    A, T, b = np.array([[0.0], [1.0]]), np.array([[1.0], [-1.0]]), np.array([9.0, 2.0])
    fed = fed_by_transfers(A, T)
    assert ran_out(A, T, b, fed, np.array([0.0, 1.0]), np.array([1.0]), 0) == -2
    assert ran_out(A, T, b, fed, np.array([1.0, 1.0]), np.array([0.0]), 0) == 1  # the dam ran out


def test_a_claim_that_does_not_rise_in_a_later_round_keeps_what_stopped_it() -> None:
    # Rows: dam, border below its outlet, flow that stays at the border, canal of 28 to claim 2.
    # Claims: the flow of 5, a zone that keeps the rest last, the fields. A quarter of claim 3 comes
    # back at the border, so that all is offered again; then the zone holds what is in the dam.
    A = np.array([[0, 1, 0, 1.25], [0, 0, 1.25, -0.25], [1, 0, 1.25, -0.25], [0, 0, 1.25, 0]])
    T = np.array([[1.0], [-1.0], [-1.0], [0.0]])
    b, need, cap = np.array([300.0, 0, 0, 28]), np.array([5.0, 520, 44, 6]), np.array([300.0])
    problem = Problem(A, T, np.array([1e-3]), np.array([0, 2, 1, 1]), 1)
    answer = filled(Network(problem, b, need, cap))
    assert answer.y[2] == pytest.approx(28 / 1.25)
    assert answer.bound.tolist() == [-1, 0, 3, -1]
    assert exact.allocate(problem, b, need, cap).bound.tolist() == [-1, 0, 3, -1]


def test_filling_again_in_the_same_room_gives_the_same_bits() -> None:
    network = build(
        [0],
        [2, 4],
        [Claim(0, 6, 0, 0.5, 1), Claim(1, 8, 1, 0.5, 0), Claim(0, 3, 1, sort="site")],
        [Canal(0, 1, 1, 4), Canal(1, 0, 0.5, 2, 2.0, serves=2)],
    )
    room, first = work(network.problem), filled(network)
    for share in (1.0, 0.3, 1.0):
        again = filled(network._replace(b=share * network.b), room)
    assert again.y.tobytes() == first.y.tobytes()
    assert again.z.tobytes() == first.z.tobytes()
    assert again.bound.tolist() == first.bound.tolist()


def one_claim(transfer: float) -> Network:
    """A need of 2 in a row of 1, and a transfer that adds to it, or all but."""
    rank = np.zeros(1, dtype=np.int64)
    problem = Problem(np.array([[1.0]]), np.array([[transfer]]), np.array([1.0]), rank, 0)
    return Network(problem, np.array([1.0]), np.array([2.0]), np.array([10.0]))


def test_an_entry_near_rounding_is_left_to_the_exact_method() -> None:
    assert "too small to tell" in attempt(one_claim(-1e-10))[0]


def test_a_tiny_pivot_is_left_to_the_exact_method() -> None:
    assert "too small to divide" in attempt(one_claim(-1e-7))[0]


def test_an_entry_that_the_room_does_not_know_is_noticed() -> None:
    network = build([0], [0, 10], [Claim(1, 6), Claim(0, 6)])
    problem = network.problem
    blind = problem._replace(A=np.ascontiguousarray(problem.A * [[0.0, 1.0], [1.0, 1.0]]))
    assert attempt(network, work(blind))[0] == "the answer breaks a row"
