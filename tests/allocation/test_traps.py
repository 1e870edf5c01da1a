"""The smallest networks on which an almost right filling is wrong; section 0 is the last."""

from __future__ import annotations

import pytest
import rational
from networks import Canal, Claim, Network, build, filled, once
from numpy.testing import assert_allclose

from watersim.allocation import exact

# the first round alone: the traps are of the filling, not of returns offered again
TRAPS: dict[str, tuple[Network, list[float]]] = {
    "a claim that met its need while ahead can come down": (
        build(
            [0],
            [2, 4],
            [
                Claim(0, 6, back=0.5, to=1),
                Claim(1, 8, back=0.5, to=0),
                Claim(1, 4, sort="share"),
            ],
            [Canal(0, 1, 1, 4)],
        ),
        [36 / 7, 48 / 7, 26 / 7],
    ),
    "a claim that rose ahead is frozen by its own row": (
        build(
            [0],
            [3, 0],
            [Claim(1, 8), Claim(0, 6, back=0.5, to=1)],
            [Canal(0, 1, 1, 8)],
        ),
        [24 / 11, 18 / 11],
    ),
    "a settled claim that leaves the basis stays settled": (
        build(
            [0, 0],
            [2, 3, 1],
            [
                Claim(1, 1, 0, 0.5, 2),
                Claim(2, 2, 0),
                Claim(1, 2, 1, 0.5, 2),
                Claim(1, 8, 1, 0.5, 1),
            ],
            [Canal(2, 1, 0.5, 2)],
        ),
        [1, 1.5, 8 / 11, 32 / 11],
    ),
    "a claim may rise ahead where its return flow serves another": (
        build([0], [2, 0], [Claim(1, 2, back=0.5, to=0), Claim(0, 2, back=0.5, to=1)]),
        [1, 2],
    ),
    "claims are frozen by the row of the tableau, not of the network": (
        build(
            [0],
            [1, 3],
            [Claim(1, 4, 0), Claim(0, 1, 1, 0.5, 0), Claim(0, 2, 1, 0.5, 1)],
            [Canal(0, 1, 0.5, 1)],
        ),
        [3.5, 0, 1],
    ),
    "a row that ran out can be eased again": (
        build(
            [0],
            [0, 2],
            [Claim(1, 8, 0, sort="share"), Claim(0, 4, 1, 0.5, 1), Claim(0, 1, 1)],
            [Canal(0, 1, 0.5, 1), Canal(1, 0, 0.5, 8)],
        ),
        [2.5, 8 / 3, 2 / 3],
    ),
    "a canal at capacity can come down": (
        build(
            [0],
            [3, 2],
            [Claim(1, 2), Claim(0, 6, back=0.5, to=1), Claim(1, 8, sort="share")],
            [Canal(0, 1, 0.5, 4)],
        ),
        [7 / 6, 6, 14 / 3],
    ),
}

CARRYING: dict[str, tuple[Network, float]] = {
    "the cheaper canal first, whatever its place and size": (
        build(
            [0],
            [4, 1],
            [Claim(1, 6, back=0.5, to=1)],
            [Canal(0, 1, 1, 2, 1.0), Canal(0, 1, 1, 1, 0.25)],
        ),
        1.25,
    ),
    "price is weighed against what arrives and what is left for others": (
        build(
            [0, 0, 0],
            [4, 1, 4, 2],
            [Claim(1, 4, sort="share")],
            [Canal(2, 1, 0.5, 8, 0.5), Canal(3, 1, 0.5, 8, 1.0), Canal(2, 1, 1, 8, 1.0)],
        ),
        3.0,
    ),
}


@pytest.mark.parametrize("name", TRAPS)
def test_the_filling_is_right_where(name: str) -> None:
    network, right = TRAPS[name]
    assert_allclose(filled(once(network)).y, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", TRAPS)
def test_the_programmes_are_right_where(name: str) -> None:
    network, right = TRAPS[name]
    assert_allclose(exact.allocate(*once(network)).y, right, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", TRAPS)
def test_the_fractions_are_right_where(name: str) -> None:
    network, right = TRAPS[name]
    y, _ = rational.allocate(once(network))
    assert_allclose([float(v) for v in y], right, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", CARRYING)
def test_the_least_is_carried_where(name: str) -> None:
    network, least = CARRYING[name]
    price = network.problem.price
    assert price @ filled(network).z == pytest.approx(least, rel=1e-6)
    assert price @ exact.allocate(*network).z == pytest.approx(least, rel=1e-6)
