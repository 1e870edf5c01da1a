"""plan: runs of a season → what every site and party may take and gets, by decade; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import watersim
from watersim.limits import owned, site_limits, volume
from watersim.scenario import Scenario

Floats = NDArray[np.float64]

TIME = ("realization", "time")
SITE = ("requirement", "limit", "supply")
ACCOUNT = ("entitlement", "delivered", "adjustment", "balance", "account_limit")
MEANINGS = {
    "requirement": "what the site asks for at its gate in the decade",
    "limit": "what its clauses allow of it",
    "supply": "what arrives of it",
    "cumulative_limit": "limits since the plan began, this decade included",
    "cumulative_supply": "supplies since the plan began, this decade included",
    "fulfilment": "supply / limit; NaN where the limit is 0",
    "planned_limit": "limit in the plan that is revised",
    "planned_supply": "supply in the plan that is revised",
    "runoff": "natural flow of the catchment, the decade's volume",
    "storage": "storage at the end of the decade",
    "flow": "what arrives at the gauge, the decade's volume",
    "entitlement": "what the account is credited in the decade; of a delivery what is scheduled",
    "delivered": "what it is charged; of a delivery what arrives and counts",
    "adjustment": "balance - balance before - entitlement + delivered",
    "balance": "account at the end of the decade",
    "account_limit": "what its sites may be charged in the decade; of a delivery what is called for",
}


def terms(scenario: Scenario, ds: xr.Dataset) -> xr.Dataset:
    """The volumes of a run that a plan shows, m3 per step, dims (realization, time, family).

    Parameters
    ----------
    scenario, ds
        a scenario and a run of it
    """
    seconds = _seconds(ds)[np.newaxis, :, np.newaxis]
    found = xr.Dataset(coords={"time": ds["time"], "realization": ds["realization"]})
    found["time_bounds"] = ds["time_bounds"]

    def add(name: str, family: str, members: Sequence[object], values: Floats) -> None:
        found.coords[family] = (family, np.array([str(one) for one in members], object))
        found[name] = ((*TIME, family), np.array(values))

    if "site" in ds.dims:
        sites = list(ds["site"].values)
        for name in ("requirement", "supply"):
            add(name, "site", sites, volume(ds, name))
        add("limit", "site", sites, site_limits(scenario, ds))
    add("runoff", "catchment", list(ds["catchment"].values),
        ds["runoff"].transpose(*TIME, "catchment").values * seconds)  # fmt: skip
    if "reservoir" in ds.dims:
        add("storage", "reservoir", list(ds["reservoir"].values),
            ds["storage"].transpose(*TIME, "reservoir").values)  # fmt: skip
        found["initial_storage"] = (("realization", "reservoir"), ds["initial_storage"].values)
    gauges = [name for name, kind in zip(ds["node"].values, ds["node_kind"].values, strict=True)
              if kind == "gauge"]  # fmt: skip
    if gauges:
        flow = ds["inflow"].sel(node=gauges).transpose(*TIME, "node").values * seconds
        add("flow", "gauge", gauges, flow)
    if "agreement" in ds.dims:
        dims = ("agreement", "party")
        for family in dims:
            found.coords[family] = (family, ds[family].values.astype(object))
        kinds = ds["agreement_kind"].values.astype(object)
        found.coords["agreement_kind"] = ("agreement", kinds)
        for name in ACCOUNT:
            values = np.array(ds[name].transpose(*TIME, *dims).values)  # what was seen is set in it
            found[name] = ((*TIME, *dims), values)
        first = ds["initial_balance"].transpose("realization", *dims).values
        found["initial_balance"] = (("realization", *dims), first)
    return found


def join(facts: xr.Dataset, rest: xr.Dataset) -> xr.Dataset:
    """What was seen, and the plan from there on: one after the other, the start of the first."""
    later = rest.drop_vars([name for name in rest.data_vars if str(name).startswith("initial_")])
    starts = facts[[name for name in facts.data_vars if str(name).startswith("initial_")]]
    earlier = facts.drop_vars(list(starts.data_vars))
    both = xr.concat([earlier, later], "time", data_vars="minimal", coords="minimal",
                     join="exact", compat="override")  # fmt: skip
    return both.merge(starts)


def assemble(
    scenario: Scenario,
    found: xr.Dataset,
    exceedance: Floats,
    signed: xr.Dataset | None,
    seen: int,
    words: Sequence[str],
    checksums: Mapping[str, str],
) -> xr.Dataset:
    """The plan with sums over parties, running sums and names.

    Parameters
    ----------
    found
        from `terms`, one realization for each exceedance
    exceedance : (p,)
        per cent
    signed
        the same of the plan that is revised, None if none is
    seen
        the number of decades that were observed
    words
        what was assumed, a sentence each
    checksums
        of all files that were read
    """
    plan = found.rename(realization="exceedance").assign_coords(
        exceedance=("exceedance", exceedance)
    )
    plan["exceedance"].attrs = {"units": "percent", "long_name": "share of years with more inflow"}
    if "site" in plan.dims:
        if signed is not None:
            for name in ("limit", "supply"):
                plan[f"planned_{name}"] = (plan[name].dims, signed[name].values)
        parties = [scenario.nodes[str(name)].party or "" for name in plan["site"].values]
        plan = _parties(plan, scenario, [*SITE, *(f"planned_{n}" for n in SITE[1:])])
        plan.coords["site_party"] = ("site", np.array(parties, object))
        for prefix in ("", "party_"):
            _running(plan, prefix)
    plan["observed"] = ("time", (np.arange(plan.sizes["time"]) < seen).astype(np.int8))
    _name(plan)
    _attributes(plan, scenario, words)
    plan.attrs["input_checksums"] = json.dumps(dict(checksums), sort_keys=True)
    return plan


def _parties(plan: xr.Dataset, scenario: Scenario, names: Sequence[str]) -> xr.Dataset:
    """Sums of sites by party, on one dim of all parties that own sites or have accounts."""
    sites = owned(scenario)
    accounts = {str(name) for name in plan["party"].values} if "party" in plan.dims else set()
    parties = sorted({*sites, *accounts})
    if "party" in plan.dims:
        plan = plan.reindex(party=np.array(parties, object))
    plan.coords["party"] = ("party", np.array(parties, object))
    for name in names:
        if name in plan:
            sums = [plan[name].sel(site=list(sites.get(party, ()))).sum("site")
                    .transpose("exceedance", "time").values for party in parties]  # fmt: skip
            values = np.stack(sums, axis=-1)
            plan[f"party_{name}"] = (("exceedance", "time", "party"), values)
    return plan


def _running(plan: xr.Dataset, prefix: str) -> None:
    for name in ("limit", "supply"):
        own = plan[f"{prefix}{name}"]
        plan[f"{prefix}cumulative_{name}"] = (own.dims, np.cumsum(own.values, axis=1))
    limit, supply = plan[f"{prefix}limit"], plan[f"{prefix}supply"].values
    share = np.full(supply.shape, np.nan)
    np.divide(supply, limit.values, out=share, where=limit.values > 0.0)
    plan[f"{prefix}fulfilment"] = (limit.dims, share)


def _name(plan: xr.Dataset) -> None:
    for name, variable in plan.data_vars.items():
        own = str(name).removeprefix("party_")
        meaning = MEANINGS.get(own, "")
        if own != name:
            meaning += ", of all sites of the party"
        if own.startswith("initial_"):
            meaning = f"{own.removeprefix('initial_')} when the plan begins"
        if meaning:
            variable.attrs = {
                "long_name": meaning.replace("the site asks", "the sites ask")
                if own != name else meaning,
                "units": "1" if own == "fulfilment" else "m3",
            }  # fmt: skip
    plan["observed"].attrs = {
        "long_name": "whether the decade was observed",
        "flag_values": np.array([0, 1], np.int8),
        "flag_meanings": "planned observed",
    }
    plan["time"].attrs = {
        "standard_name": "time",
        "long_name": "start of the decade",
        "axis": "T",
        "bounds": "time_bounds",
    }


def _attributes(plan: xr.Dataset, scenario: Scenario, words: Sequence[str]) -> None:
    plan.attrs = {
        "Conventions": "CF-1.11",
        "title": scenario.title + (f" · {scenario.variant}" if scenario.variant else ""),
        "summary": "Delivery plan of a season by decade",
        "institution": "watersim",
        "source": f"watersim {watersim.__version__}",
        "comment": "Time is the start of the decade; storage and balance are at its end.",
        "scenario_name": scenario.label,
        "scenario": scenario.text,
        "watersim_version": watersim.__version__,
        "parties": json.dumps(dict(scenario.parties), ensure_ascii=False, sort_keys=True),
        "assumptions": "\n".join(words),
    }


def _seconds(ds: xr.Dataset) -> Floats:
    bounds = ds["time_bounds"].values
    return np.asarray((bounds[:, 1] - bounds[:, 0]) / np.timedelta64(1, "s"))
