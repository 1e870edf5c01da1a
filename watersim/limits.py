"""limits: a run → what its clauses allow every site in every step; pure.

Of what a clause allows several sites together, earlier priorities have theirs first, and sites of
one priority the same part of what they ask for, as in the allocation. A site has the least that its
clauses allow, never more than it asks for. Whether the water is there is another matter: `supply`.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from watersim.described import Cap, Node
from watersim.scenario import Scenario

Floats = NDArray[np.float64]


def site_limits(scenario: Scenario, ds: xr.Dataset) -> Floats:
    """What every site may take in every step at its gate, (realization, time, site) m3.

    Parameters
    ----------
    scenario, ds
        a scenario and a run of it
    """
    sites = [str(name) for name in ds["site"].values]
    need, supply = (volume(ds, name) for name in ("requirement", "supply"))
    limit = need.copy()
    for clause, agreement in scenario.agreements.items():
        for cap in agreement.caps(owned(scenario)):
            own = [sites.index(name) for name in cap.sites]
            if not own:
                continue
            ratio = charge_ratio(scenario, ds, cap)
            ranks = np.array([getattr(scenario.nodes[name], "priority") for name in cap.sites])  # noqa: B009
            allowed = _allowed(ds, clause, cap, supply[..., own].sum(axis=-1))
            given = _divide(allowed, need[..., own] * ratio, ranks) / ratio
            limit[..., own] = np.minimum(limit[..., own], given)
    # what returns within the step may raise what was allowed: what was taken was allowed
    return np.minimum(np.maximum(limit, supply), need)


def owned(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """The sites of every party."""
    found: dict[str, tuple[str, ...]] = {}
    for name, node in sorted(scenario.nodes.items()):
        if node.place == "site" and node.party is not None:
            found[node.party] = (*found.get(node.party, ()), name)
    return found


def volume(ds: xr.Dataset, name: str) -> Floats:
    """A flow of sites as the volume of each step, (realization, time, site) m3."""
    bounds = ds["time_bounds"].values
    seconds = (bounds[:, 1] - bounds[:, 0]) / np.timedelta64(1, "s")
    values = ds[name].transpose("realization", "time", "site").values
    return np.asarray(values * seconds[np.newaxis, :, np.newaxis])


def charge_ratio(scenario: Scenario, ds: xr.Dataset, cap: Cap) -> Floats:
    """What a clause charges for a m3 that arrives at the gate, (realization, time, sites of cap).

    As it was in the step; where nothing arrived, by the first canal that leads to the site.
    """
    sites = [str(name) for name in ds["site"].values]
    own = [sites.index(name) for name in cap.sites]
    supply = ds["supply"].transpose("realization", "time", "site").values[..., own]
    if cap.counts == "supply":
        return np.ones_like(supply)
    charged = ds[cap.counts].transpose("realization", "time", "site").values[..., own]
    usual = [_usual_ratio(scenario, scenario.nodes[name], name, cap.counts) for name in cap.sites]
    ratio = np.broadcast_to(np.array(usual), supply.shape).copy()
    np.divide(charged, supply, out=ratio, where=supply > 0.0)
    return np.asarray(np.maximum(ratio, np.finfo(np.float64).tiny))


def _usual_ratio(scenario: Scenario, node: Node, name: str, counts: str) -> float:
    if counts == "consumption":
        back = node.return_flow_to()
        return 1.0 - (back[0] if back else 0.0)
    canals = [c for c in scenario.network.canals.values() if c.target == name]
    preferred = min(canals, key=lambda canal: canal.preference, default=None)
    return float(1.0 / (1.0 - preferred.share_lost())) if preferred else 1.0


def _allowed(ds: xr.Dataset, clause: str, cap: Cap, supply: Floats) -> Floats:
    """What a clause allows its sites together, (realization, time) m3 as it charges them."""
    if "quota" in ds.dims and clause in ds["quota"].values:
        own = ds.sel(quota=clause).transpose("realization", "time", ...)
        used = own["quota_used"].values - supply
        return np.asarray(np.maximum(own["quota_limit"].values - used, 0.0))
    own = ds.sel(agreement=clause, party=cap.key).transpose("realization", "time", ...)
    return np.asarray(own["account_limit"].values)


def _divide(allowed: Floats, needs: Floats, ranks: NDArray[np.int64]) -> Floats:
    """A volume among needs: earlier ranks first, equal cover inside a rank."""
    given, left = np.zeros_like(needs), allowed.copy()
    for rank in np.unique(ranks):
        own = ranks == rank
        asked = needs[..., own].sum(axis=-1)
        cover = np.ones_like(asked)
        np.divide(left, asked, out=cover, where=asked > left)
        given[..., own] = needs[..., own] * cover[..., np.newaxis]
        left = np.maximum(left - asked, 0.0)
    return given
