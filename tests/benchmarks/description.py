"""Network: a benchmark network as plain data, from which ours and the peers are built; pure.

Volumes are hm3 per step, so that every engine is handed the same numbers whatever its units are.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reservoir:
    """A reservoir that is kept after all demands, the upper before the lower."""

    section: int
    capacity: float  # hm3
    initial: float  # hm3


@dataclass(frozen=True)
class Demand:
    """A site that asks for water at a section; `monthly` from January, hm3 per step."""

    section: int
    priority: int
    monthly: tuple[float, ...]


@dataclass(frozen=True)
class Canal:
    """A way beside the river, without loss, to a section or as second source of a demand."""

    source: int
    section: int | None
    demand: int | None
    capacity: float  # hm3 per step


@dataclass(frozen=True)
class Gauge:
    """A flow that must leave a section downstream, hm3 per step."""

    section: int
    priority: int
    flow: float


@dataclass(frozen=True)
class Network:
    """A river network. Section k flows to ``down[k]``; -1 is the end of the river."""

    name: str
    step: str  # month or day
    start: date
    down: tuple[int, ...]
    reservoirs: tuple[Reservoir, ...]
    demands: tuple[Demand, ...]
    inflow_sections: tuple[int, ...]
    inflow: tuple[tuple[float, ...], ...]  # (steps, inflow sections)
    canals: tuple[Canal, ...] = ()
    gauges: tuple[Gauge, ...] = ()

    @property
    def steps(self) -> int:
        """How many."""
        return len(self.inflow)

    def days(self) -> list[date]:
        """The first day of every step, and of the one after the last."""
        if self.step == "day":
            return [self.start + timedelta(days=t) for t in range(self.steps + 1)]
        months = range(self.start.month - 1, self.start.month + self.steps)
        return [date(self.start.year + m // 12, m % 12 + 1, 1) for m in months]

    def shortened(self, steps: int) -> Network:
        """The same network for the first steps only."""
        return replace(self, inflow=self.inflow[:steps])

    def keeping_order(self) -> list[int]:
        """Sections of the reservoirs in the order of keeping: upstream first, then by number."""
        kept = {reservoir.section for reservoir in self.reservoirs}
        return [section for section in river_order(self.down) if section in kept]


def river_order(down: Sequence[int]) -> list[int]:
    """The sections from upstream to downstream, ties by number."""
    waiting = [0] * len(down)
    for below in down:
        if below >= 0:
            waiting[below] += 1
    ready = [section for section, above in enumerate(waiting) if above == 0]
    order = []
    while ready:
        section = heapq.heappop(ready)
        order.append(section)
        below = down[section]
        if below >= 0:
            waiting[below] -= 1
            if waiting[below] == 0:
                heapq.heappush(ready, below)
    return order


def factors(network: Network, realizations: int) -> Floats:
    """What each realization multiplies the inflow with, dims (realizations, steps).

    One factor per realization and calendar year, 0.6 to 1.4; realization 0 is the network's own.
    """
    years = np.array([day.year - network.start.year for day in network.days()[:-1]])
    per_year = 0.6 + 0.8 * np.random.default_rng(1976).random((realizations, int(years[-1]) + 1))
    per_year[0] = 1.0
    return per_year[:, years]


def job(network: Network, realizations: int, threads: int) -> dict[str, Any]:
    """What a worker is given, ready for JSON."""
    return {
        "network": asdict(network) | {"start": network.start.isoformat()},
        "months": [day.month - 1 for day in network.days()[:-1]],
        "factors": factors(network, realizations).tolist(),
        "keeping_order": network.keeping_order(),
        "realizations": realizations,
        "threads": threads,
    }


def restored(data: dict[str, Any]) -> Network:
    """The network of a job."""
    return Network(
        name=data["name"],
        step=data["step"],
        start=date.fromisoformat(data["start"]),
        down=tuple(data["down"]),
        reservoirs=tuple(Reservoir(**r) for r in data["reservoirs"]),
        demands=tuple(Demand(**d | {"monthly": tuple(d["monthly"])}) for d in data["demands"]),
        inflow_sections=tuple(data["inflow_sections"]),
        inflow=tuple(map(tuple, data["inflow"])),
        canals=tuple(Canal(**c) for c in data["canals"]),
        gauges=tuple(Gauge(**g) for g in data["gauges"]),
    )
