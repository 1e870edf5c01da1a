"""explain: Dataset → what ran out for each claim that was short, as a phrase; pure.

``bound_by`` names the row that stopped a claim. The phrase of a canal, outlet or quota is its name.
Of a river it says more, from the same Dataset: that all reservoirs at or above the place are empty
(at or below their dead storage), or which earlier claims keep water there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.metrics import TOLERANCE
from watersim.results import FLAGS

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

NAMED = 3  # empty reservoirs named in a phrase; more are counted
_PHRASES = {
    "section": "the water of the river at {}",
    "canal": "the capacity of the canal {}",
    "site": "the canals to {}",
    "outlet": "the outlet of {}",
    "plant": "the turbines of {}",
    "grid": "the plants of {}",
}
_UNKNOWN = "nothing that is known"


class Explained(NamedTuple):
    """One claim; dims of the arrays (realization, time)."""

    asked: Flags  # it asks for water
    which: Integers  # place in `phrases` of what ran out, −1 where it is not short
    phrases: list[str]


def explain(ds: xr.Dataset, claim: int) -> Explained:
    """Say for every step of a claim, by its place in the Dataset, what ran out."""
    asked, short = asked_and_short(ds, claim)
    codes = values_of(ds, "bound_by", claim)
    flags = str(ds["bound_by"].attrs["flag_meanings"]).split()
    which = np.full(short.shape, -1, np.int64)
    phrases: dict[str, int] = {}
    for code in np.unique(codes[short]):
        here = short & (codes == code)
        for true, phrase in _phrases(ds, claim, flags[code]):
            now = here & true
            if now.any():
                which[now] = phrases.setdefault(phrase, len(phrases))
    return Explained(asked, which, list(phrases))


def asked_and_short(ds: xr.Dataset, claim: int) -> tuple[Flags, Flags]:
    """Where a claim asks for water, and where it got less: dims (realization, time)."""
    need, given = (values_of(ds, f"claim_{name}", claim) for name in ("requirement", "supply"))
    return need > 0.0, (need > 0.0) & (given < need * (1.0 - TOLERANCE))


def empty(ds: xr.Dataset) -> Flags:
    """Where reservoirs end a step at or below dead storage: dims (realization, time, reservoir)."""
    storage = ds["storage"].transpose("realization", "time", "reservoir").values
    dead, capacity = ds["reservoir_dead_storage"].values, ds["reservoir_capacity"].values
    low: Flags = storage <= dead + TOLERANCE * capacity
    return low


def bound_words(flag: str, parties: Mapping[str, str]) -> str:
    """A flag of ``bound_by`` as a phrase: ``outlet_of_kirov`` → ``the outlet of kirov``."""
    sort, name = _split(flag)
    if sort in _PHRASES:
        return _PHRASES[sort].format(name)
    agreement, _, party = name.rpartition(".")
    if agreement:
        word = "account" if sort == "shares" else sort
        return f"the {word} of {parties.get(party, party)} in {agreement}"
    return f"the {sort} {name}" if name else _UNKNOWN


def party_names(ds: xr.Dataset) -> dict[str, str]:
    """Name of every party by its key."""
    return {str(k): str(v) for k, v in json.loads(str(ds.attrs.get("parties", "{}"))).items()}


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _split(flag: str) -> tuple[str, str]:
    """The sort of row a flag stands for, and its name; both empty if nothing ran out."""
    if flag == FLAGS[""]:
        return "", ""
    for sort, head in FLAGS.items():
        if sort and flag.startswith(head):
            return sort, flag.removeprefix(head)
    sort, _, name = flag.partition("_")
    return sort, name


def _phrases(ds: xr.Dataset, claim: int, flag: str) -> Iterator[tuple[Flags, str]]:
    """The phrases for one flag, and in which steps each of them is true."""
    sort, node = _split(flag)
    phrase = bound_words(flag, party_names(ds))
    never: Flags = np.zeros((ds.sizes["realization"], ds.sizes["time"]), np.bool_)
    if sort != "section":
        yield ~never, phrase
        return
    above = _above(ds, node)
    phrase += _sent(ds, above)
    names = ds["reservoir"].values.astype(str) if "reservoir" in ds.dims else np.zeros(0, str)
    stores = np.flatnonzero(np.isin(names, list(above)))
    gone = np.asarray(empty(ds)[:, :, stores].all(axis=2)) if stores.size else never
    if stores.size:
        yield gone, _end(node, names[stores].tolist()) + _sent(ds, above)
    earlier = list(_earlier(ds, claim, node, above))
    held = np.stack([never, *(keeps for keeps, _ in earlier)], axis=-1)
    for combination in np.unique(held[~gone], axis=0):
        kept = [what for there, (_, what) in zip(combination[1:], earlier, strict=True) if there]
        beyond = f" beyond {listed(kept)}" if kept else ""
        yield ~gone & (held == combination).all(axis=-1), phrase + beyond


def _sent(ds: xr.Dataset, above: set[str]) -> str:
    """From where water comes to these nodes that was sent in earlier steps."""
    long = _long(ds)
    heads = sorted({upper for upper, lower in long if lower in above and upper not in above})
    return f" and of what was sent earlier from {listed(heads)}" if heads else ""


def _long(ds: xr.Dataset) -> set[tuple[str, str]]:
    """The ends of the reaches whose water is ordered ahead."""
    if "reach" not in ds.dims or "reach_ordered" not in ds.coords:
        return set()
    ends = (ds[f"reach_{end}"].values.astype(str).tolist() for end in ("from", "to"))
    ordered = ds["reach_ordered"].values > 0.0
    return {pair for pair, own in zip(zip(*ends, strict=True), ordered, strict=True) if own}


def _end(node: str, names: list[str]) -> str:
    """The phrase for a river whose reservoirs are all empty."""
    if len(names) > NAMED:
        return f"the end of the water at {node}: all {len(names)} reservoirs above are empty"
    verb = "is" if len(names) == 1 else "are"
    place = "" if names == [node] else f" at {node}"
    return f"the end of the water{place}: {listed(names)} {verb} empty"


def _earlier(ds: xr.Dataset, claim: int, node: str, above: set[str]) -> Iterator[tuple[Flags, str]]:
    """Earlier claims that keep water from this one, and the steps in which they do.

    They are the flows that stay in the river where it ran out, and the zones at or above that place.
    """
    priority, sorts = ds["priority"].values, ds["claim_sort"].values.astype(str)
    nodes, names = ds["claim_node"].values.astype(str), ds["claim"].values.astype(str)
    stands_at = {}
    if "plant" in ds.dims:
        stands_at = dict(zip(ds["plant"].values, ds["plant_at"].values, strict=True))
    first = np.flatnonzero((priority > 0) & (priority < (priority[claim] or np.inf)))
    for sort in ("instream", "retention"):
        for k in first[sorts[first] == sort]:
            place = stands_at.get(nodes[k], nodes[k])
            key = names[k].removeprefix(f"{nodes[k]}.").replace("_", " ")
            kept = values_of(ds, "claim_supply", int(k)) > 0.0
            if ds["sector"].values[k] == "delivery" and place == node:
                yield kept, f"the delivery {names[k]}"
            elif sort == "instream" and place == node:
                yield kept, f"the {key}" if nodes[k] == node else f"the {key} of {nodes[k]}"
            elif sort == "retention" and place in above:
                yield kept, f"the zone {key} of {place}"


def _above(ds: xr.Dataset, node: str) -> set[str]:
    """The node and all from which water can reach it by rivers, canals and surplus outlets.

    Not through a long reach: what is above it cannot help in the same step.
    """
    feeders: dict[str, list[str]] = {}
    long = _long(ds)
    for family in ("reach", "canal", "outlet"):
        if family in ds.dims:
            ends = (ds[f"{family}_{end}"].values.astype(str) for end in ("from", "to"))
            for upper, lower in zip(*ends, strict=True):
                if family != "reach" or (upper, lower) not in long:
                    feeders.setdefault(lower, []).append(upper)
    found, waiting = {node}, [node]
    while waiting:
        new = [name for name in feeders.get(waiting.pop(), []) if name not in found]
        found.update(new)
        waiting += new
    return found


def values_of(ds: xr.Dataset, name: str, claim: int) -> npt.NDArray[Any]:
    """A variable of one claim, dims (realization, time)."""
    values: npt.NDArray[Any] = ds[name].isel(claim=claim).transpose("realization", "time").values
    return values
