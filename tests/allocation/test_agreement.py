"""The filling against the programmes, and against fractions, on networks of every family."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from compare import apart, by_fractions, stake
from families import FAMILIES, SMALL, TINY, WHOLE, Size, draw, generate, nearly_tied
from networks import Network, attempt, filled, once, shuffle

from watersim.allocation import exact

EXACT = 1e-7
IN_VOLUME = {"thirst"}  # out of all proportion: what the programmes can tell is volumes


def every(
    count: int, first: int = 0, size: Size | None = None, plain: bool | None = None
) -> Iterator[tuple[str, int, Network]]:
    """As many networks of each family."""
    for seed in range(first, first + count):
        for family in FAMILIES:
            yield family, seed, generate(family, seed, size, plain)


def fallbacks(count: int, first: int = 0, size: Size | None = None) -> int:
    """How often the filling gives up; wherever it does not it agrees with the programmes."""
    gave_up = 0
    for family, seed, network in every(count, first, size):
        reason, answer = attempt(network)
        if reason:
            gave_up += 1
            continue
        right = exact.allocate(*network)
        assert apart(network, answer, right, family in IN_VOLUME) < EXACT, (family, seed)
    return gave_up


def agree_with_fractions(count: int, first: int = 0) -> None:
    for family, seed, network in every(count, first, TINY, plain=True):
        assert apart(network, filled(network), by_fractions(network)) < EXACT, (family, seed)


def takes_agree_with_fractions(count: int, first: int = 0) -> None:
    # takes alone: of two canals that serve alike but for rounding, fractions carry the dearer
    for family, seed, network in every(count, first, TINY, plain=False):
        apart_by = np.abs(filled(network).y - by_fractions(network).y).max()
        assert apart_by < EXACT * stake(network), (family, seed)


def notices(count: int, first: int = 0) -> int:
    """How often the filling gives up on nearly tied networks; never is it wrong unawares."""
    noticed = 0
    for family, seed, network in every(count, first, TINY):
        blurred = nearly_tied(network, np.random.default_rng(seed))
        reason, answer = attempt(blurred)
        if reason:
            noticed += 1
            continue
        small = EXACT * stake(network)
        if np.abs(answer.y - by_fractions(blurred).y).max() < small:
            continue
        # water pumped in a circle without loss serves more than with a loss of 1e-12
        assert np.abs(answer.y - by_fractions(network).y).max() < small, (family, seed)
    return noticed


def test_the_filling_gives_what_the_programmes_give() -> None:
    assert fallbacks(count=20, size=SMALL) == 0
    assert fallbacks(count=1, first=100) == 0


def test_the_filling_gives_what_fractions_give() -> None:
    agree_with_fractions(count=12)
    takes_agree_with_fractions(count=6)


def test_the_filling_notices_where_rounding_could_decide() -> None:
    assert notices(count=8) < 8


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("first", range(10_000, 14_000, 1_000))
def test_forty_thousand_networks_agree_with_programmes(first: int) -> None:
    count = 550
    assert fallbacks(count, first) * 10_000 < count * len(FAMILIES)


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_four_thousand_plain_networks_agree_with_fractions() -> None:
    agree_with_fractions(count=220, first=20_000)


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_two_thousand_other_networks_agree_with_fractions() -> None:
    takes_agree_with_fractions(count=110, first=30_000)


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_of_four_thousand_nearly_tied_networks_none_is_wrong_unawares() -> None:
    assert notices(count=220, first=40_000) > 0


def test_the_networks_are_of_every_size() -> None:
    sizes = []
    for seed in range(100):
        for family in FAMILIES:
            s = draw(family, seed)
            transfers = len(s.canals) + len(s.outlets) + len(s.plants)
            ranks = len({claim.rank for claim in s.claims})
            sizes.append((len(s.inflow), len(s.claims), transfers, ranks))
    columns = list(zip(*sizes, strict=True))
    assert [(min(column), max(column)) for column in columns] == list(WHOLE)


def test_the_networks_are_the_same_by_seed() -> None:
    one, other = generate("any_kind", 7), generate("any_kind", 7)
    assert one.problem.A.tobytes() == other.problem.A.tobytes()
    assert one.need.tobytes() == other.need.tobytes()


def test_the_order_of_claims_and_rows_does_not_change_a_cover() -> None:
    for family, seed, network in every(count=4, first=500, size=SMALL):
        moved, claims = shuffle(network, np.random.default_rng(seed))
        small = 1e-7 * stake(network)
        apart_by = np.abs(filled(moved).y - filled(network).y[claims]).max()
        assert apart_by < 1e-4 * small, (family, seed)
        apart_by = np.abs(exact.allocate(*moved).y - exact.allocate(*network).y[claims]).max()
        assert apart_by < small, (family, seed)


def test_what_stopped_a_claim_has_run_out() -> None:
    for family, seed, network in every(count=10, first=600, size=SMALL):
        problem, b, need, _ = network
        small = 1e-7 * stake(network)
        for answer in (filled(network), exact.allocate(*network)):
            y, z, bound, _ = answer
            left = b - problem.A @ y - problem.T @ z
            assert left.min() > -small, (family, seed)
            assert (y >= 0).all(), (family, seed)
            assert (y <= need).all(), (family, seed)
            for i, stopped in enumerate(bound):
                if stopped == -1:
                    assert need[i] - y[i] <= 1e-4 * small, (family, seed, i)
                elif stopped >= 0:
                    assert y[i] < need[i], (family, seed, i)


def test_without_later_ranks_what_stopped_a_claim_stands_at_its_limit() -> None:
    named = 0
    for seed in range(300):
        network = generate("one_priority", seed, SMALL, plain=False)
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
    for seed in range(150):
        network = once(generate("any_kind", seed, SMALL, plain=False))
        first = network.problem.rank == 0
        more = network._replace(b=network.b * 1.3)
        cover = [
            np.sort(filled(n).y[first] / np.maximum(n.need[first], 1e-30)) for n in (network, more)
        ]
        assert tuple(cover[1] + 1e-9) >= tuple(cover[0]), seed
