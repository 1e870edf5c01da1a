"""The programmes, the oracle of all others, against fractions; and what they say of themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from compare import apart, by_fractions, stake
from families import FAMILIES, SMALL, TINY, generate
from networks import Canal, Claim, Network, build, filled

from watersim.allocation import exact

EXACT = 1e-7


def agree_with_fractions(count: int, first: int) -> None:
    """On small integers and halves, where fractions know what is a tie."""
    for seed in range(first, first + count):
        for family in FAMILIES:
            network = generate(family, seed, TINY, plain=True)
            answer, right = exact.allocate(*network), by_fractions(network)
            assert apart(network, answer, right, family == "thirst") < EXACT, (family, seed)


def test_the_programmes_give_what_fractions_give() -> None:
    agree_with_fractions(count=12, first=1_000)


@pytest.mark.slow
def test_three_thousand_networks_of_small_integers_agree_with_fractions() -> None:
    agree_with_fractions(count=160, first=50_000)


@pytest.mark.slow
def test_larger_networks_agree_with_fractions() -> None:
    for seed in range(60_000, 60_012):
        for family in FAMILIES:
            network = generate(family, seed, SMALL)
            apart_by = np.abs(exact.allocate(*network).y - by_fractions(network).y).max()
            assert apart_by < EXACT * stake(network), (family, seed)


def test_needs_of_a_billion_times_the_water_share_it_in_proportion() -> None:
    # one of them in three parts, one ordinary, one on a branch that has enough
    claims = [Claim(1, 1e9), Claim(1, 3e9), Claim(1, 4.0), Claim(2, 5.0)]
    network = build([0, 0], [0, 8, 6], claims)
    assert filled(network).y.tolist() == pytest.approx([2, 6, 8e-9, 5], rel=1e-6)
    # the programmes lose the speck (`exact.SPECK`), though never more than it; all else is right
    first, second, speck, apart = exact.allocate(*network).y.tolist()
    assert [first, second, apart] == pytest.approx([2, 6, 5], rel=1e-6)
    assert 0.0 <= speck <= 8e-9 * (1.0 + 1e-6)


def test_a_pump_round_a_dry_river_keeps_water_in_it_only_on_paper() -> None:
    # nothing flows in; what is pumped up flows down again and is pumped again, without a loss
    network = pumped(share=1.0)
    assert exact.allocate(*network).y.tolist() == pytest.approx([3.0])
    assert exact.allocate(*pumped(share=0.9)).y.tolist() == pytest.approx([0.0])


def pumped(share: float) -> Network:
    return build([0], [0, 0], [Claim(1, 5, sort="share")], [Canal(0, 1, share, 3.0)])


SCRIPT = """
from networks import Canal, Claim, build
from watersim.allocation import exact
claims = [Claim(0, 5), Claim(0, 4, 1, sort="site")]
y = exact.allocate(*build([0], [2, 4], claims, [Canal(1, 0, 0.5, 20, serves=1)])).y
assert abs(y - [5.0, 0.5]).max() < 1e-9, y
"""


def test_the_programmes_print_nothing() -> None:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
