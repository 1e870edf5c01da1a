"""The benchmark networks by name; deterministic, invented numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from description import Canal, Demand, Gauge, Network, Reservoir, restored

# shares of a year's volume by month, from January
CROPS = (0.005, 0.005, 0.02, 0.06, 0.11, 0.17, 0.21, 0.19, 0.12, 0.07, 0.03, 0.01)
TOWN = (1 / 12,) * 12
SNOW = (0.03, 0.03, 0.04, 0.07, 0.13, 0.21, 0.2, 0.13, 0.06, 0.04, 0.03, 0.03)


def tree28() -> Network:
    """28 sections shaped like the Syr Darya, 8 reservoirs, 20 demands in 4 priorities, 480 months."""
    text = Path(__file__).with_name("tree28.json").read_text(encoding="utf-8")
    plan = {"name": "tree28", "step": "month", "start": "1981-01-01", "canals": [], "gauges": []}
    data = json.loads(text)
    del data["about"]
    return restored(plan | data)


def tree28_full() -> Network:
    """The same by another name; with us `dress` adds every process to it, the peers have no twin."""
    return replace(tree28(), name="tree28_full")


def tree28_transfers() -> Network:
    """tree28 with six canals: three between branches, three as second sources of demands.

    They lose nothing: only then is a priority's total supply the same whatever the shares inside
    it, so that programmes without equal shares can be compared.
    """
    tree = tree28()
    at = {demand.section: k for k, demand in enumerate(tree.demands)}
    return replace(
        tree,
        name="tree28_transfers",
        canals=(
            Canal(13, 18, None, 400.0),
            Canal(10, 22, None, 300.0),
            Canal(6, 26, None, 250.0),
            Canal(14, None, at[19], 300.0),
            Canal(9, None, at[21], 150.0),
            Canal(5, None, at[25], 200.0),
        ),
    )


def river(sections: int, steps: int = 480) -> Network:
    """A main river with tributaries: per 200 sections 12 tributaries, 20 reservoirs, 100 demands."""
    chance = np.random.default_rng(sections)
    tributaries = max(1, round(sections * 12 / 200))
    length = 6  # sections of a tributary
    main = sections - tributaries * length
    down = [k - 1 for k in range(main)]
    heads = [main - 1]
    for j in range(tributaries):
        mouth = (main - 2) * (j + 1) // (tributaries + 1)
        for k in range(length):
            down.append(mouth if k == 0 else len(down) - 1)
        heads.append(len(down) - 1)
    dammed = set(heads[1:])  # the head of every tributary, and every so often the main river
    more = max(1, round(sections * 20 / 200) - tributaries)
    dammed |= {main - 2 - (main - 2) * j // (more + 1) for j in range(more)}
    free = [k for k in range(sections) if k not in dammed and k not in heads]
    asking = [free[len(free) * j // (sections // 2)] for j in range(sections // 2)]

    mean = [2000.0 * sections / 200] + [500.0] * tributaries  # hm3 a year
    mean = [m * (0.7 + 0.6 * chance.random()) for m in mean]
    wet = (0.6 + 0.8 * chance.random((steps // 12 + 1, len(heads)))).tolist()
    inflow = [
        tuple(round(m * SNOW[t % 12] * w, 3) for m, w in zip(mean, wet[t // 12], strict=True))
        for t in range(steps)
    ]
    asked = 1.15 * sum(mean) / len(asking)
    demands = []
    for k in asking:
        year = asked * (0.4 + 1.2 * chance.random())
        shares = TOWN if chance.random() < 0.2 else CROPS
        priority = 1 if shares is TOWN else 2 + int(3 * chance.random())
        demands.append(Demand(k, priority, tuple(round(year * s, 3) for s in shares)))
    stores = []
    for k in sorted(dammed):
        capacity = round((150.0 + 500.0 * chance.random()) * (2 if k < main else 1), 1)
        stores.append(Reservoir(k, capacity, round(0.6 * capacity, 2)))
    return Network(
        name=f"river{sections}",
        step="month",
        start=date(1981, 1, 1),
        down=tuple(down),
        reservoirs=tuple(stores),
        demands=tuple(demands),
        inflow_sections=tuple(heads),
        inflow=tuple(inflow),
    )


def river200() -> Network:
    """200 sections, 20 reservoirs, 100 demands in 4 priorities, 12 tributaries, 480 months."""
    return river(200)


def toy_daily() -> Network:
    """Two reservoirs, three catchments, four demands and a gauge, for 100 years of days."""
    days = 36_524  # 1900 to 1999
    chance = np.random.default_rng(7)
    month = np.arange(days) % 365.25 / 365.25 * 12.0 - 0.5
    season = np.interp(month, range(-1, 13), SNOW[-1:] + SNOW + SNOW[:1]).tolist()
    noise = (0.5 + chance.random((days, 3))).tolist()
    wet = (0.6 + 0.8 * chance.random((days // 365 + 1, 3))).tolist()
    mean = (900.0, 350.0, 200.0)  # hm3 a year
    inflow = [
        tuple(round(m * 12 / 365.25 * s * n * w, 5)
              for m, n, w in zip(mean, noise[t], wet[t // 365], strict=True))
        for t, s in enumerate(season)
    ]  # fmt: skip

    def daily(year: float, shares: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(round(year * share * 12 / 365.25, 5) for share in shares)

    return Network(
        name="toy_daily",
        step="day",
        start=date(1900, 1, 1),
        down=(-1, 0, 1, 2, 3, 4, 5),
        reservoirs=(Reservoir(6, 600.0, 360.0), Reservoir(4, 250.0, 150.0)),
        demands=(
            Demand(5, 3, daily(600.0, CROPS)),
            Demand(3, 1, daily(120.0, TOWN)),
            Demand(2, 3, daily(500.0, CROPS)),
            Demand(0, 4, daily(400.0, CROPS)),
        ),
        inflow_sections=(6, 4, 1),
        inflow=tuple(inflow),
        gauges=(Gauge(1, 2, 0.4),),
    )


NETWORKS: dict[str, Callable[[], Network]] = {
    "tree28": tree28,
    "tree28_full": tree28_full,
    "tree28_transfers": tree28_transfers,
    "river200": river200,
    "toy_daily": toy_daily,
}
