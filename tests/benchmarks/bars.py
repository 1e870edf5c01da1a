"""Records → ratios to the peers, disagreement of the results, and the bars; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from measure import Record
from process import OURS

PYWR1, PYWR2 = "pywr 1", "pywr 2"  # how the peers' names begin
MANY = 50  # scenarios that the bars are set for
AGREES = 1e-6  # relative difference of results that are unique
NEAR_LINEAR = 1.15  # exponent of the cost


@dataclass(frozen=True)
class Bar:
    """What was asked, what came out, whether it is met."""

    asked: str
    value: float
    met: bool


def find(
    records: Sequence[Record], network: str, engine: str, scenarios: int, threads: int
) -> Record | None:
    """The record of an engine whose name begins so, if it was measured."""
    for r in records:
        case = (r.network, r.scenarios, r.threads)
        if case == (network, scenarios, threads) and r.engine.startswith(engine):
            return r
    return None


def twin(records: Sequence[Record], record: Record) -> Record | None:
    """Our record of the same case."""
    return find(records, record.network, OURS.name, record.scenarios, record.threads)


def ratio(slow: Record | None, fast: Record | None) -> float:
    """How many times one is faster than the other; NaN where one is missing."""
    if slow is None or fast is None:
        return math.nan
    return slow.us_per_step_realization / fast.us_per_step_realization


def difference(ours: Record, peer: Record) -> float:
    """The largest relative difference in any realization, below 1 hm3 the difference itself.

    Compared are the supply of each priority, what passed the gauges of what they ask, and the
    storage at the end. All of them are unique, though a programme without equal shares gives other
    shares inside a priority: where no canal loses water, what is best for a priority as a whole
    leaves the same to the later ones however it is shared, and every reservoir has its own worth.
    """
    pairs = [(values, peer.supply[name]) for name, values in ours.supply.items()]
    pairs.append((ours.storage, peer.storage))
    return max(
        abs(a - b) / max(abs(a), abs(b), 1.0)
        for mine, theirs in pairs
        for a, b in zip(mine, theirs, strict=True)
    )


def agreement(records: Sequence[Record]) -> list[Bar]:
    """Whether ours and each peer gave the same, the worst of all cases of a network."""
    worst: dict[str, float] = {}
    for record in records:
        ours = twin(records, record)
        if ours is not None and ours is not record:
            asked = f"{record.network}, {record.engine}: results within {AGREES:g}"
            worst[asked] = max(worst.get(asked, 0.0), difference(ours, record))
    return [Bar(asked, value, value <= AGREES) for asked, value in worst.items()]


def speed(records: Sequence[Record]) -> list[Bar]:
    """The bars of speed that these records can tell."""

    def ours(network: str, threads: int = 1) -> Record | None:
        return find(records, network, OURS.name, MANY, threads)

    def at_least(asked: str, slow: Record | None, fast: Record | None, times: float) -> Bar:
        value = ratio(slow, fast)
        return Bar(f"{asked}: at least {times:g} times faster", value, value >= times)

    pywr1 = find(records, "tree28", PYWR1, MANY, 1)
    pywr2 = find(records, "tree28", PYWR2, MANY, 1)
    bars = []
    for network in ("tree28", "tree28_full"):
        record = ours(network)
        if record is not None:
            cost = record.us_per_step_realization
            bars += [Bar(f"{network}: at most {most} µs", cost, cost <= most) for most in (4, 1)]
        bars += [
            at_least(f"{network} to Pywr 1.31", pywr1, record, 20.0),
            at_least(f"{network} to Pywr 2", pywr2, record, 8.0),
            at_least(f"{network} on two threads", record, ours(network, 2), 1.9),
        ]
    network = "tree28_transfers"
    peer = find(records, network, PYWR1, MANY, 1)
    bars.append(at_least(f"{network} to Pywr 1.31", peer, ours(network), 10.0))
    for peer in records:
        if peer.engine.startswith(PYWR2) and peer.scenarios == peer.threads == 1:
            one = find(records, peer.network, OURS.name, 1, 1)
            bars.append(at_least(f"{peer.network}, one scenario, to Pywr 2", peer, one, 1.0))
    return [bar for bar in bars if not math.isnan(bar.value)]


def slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent of the cost in the size: 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
