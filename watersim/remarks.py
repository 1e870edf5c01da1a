"""remarks: Dataset → sentences on what was short and why, and warnings with dates; pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.metrics import TOLERANCE, seconds

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HM3 = 1e-6  # hm3 in a m3
SPANS = 4  # periods named in a warning; the others are counted


def short(ds: xr.Dataset) -> Iterator[str]:
    """For every claim that was short: how often, and what ran out first, the commonest named."""
    if "claim" not in ds.dims:
        return
    sorts, sectors = ds["claim_sort"].values.astype(str), ds["sector"].values.astype(str)
    for k, name in enumerate(ds["claim"].values):
        if sorts[k] != "retention" and sectors[k] != "environment":
            sentence = _short_sentence(ds, k)
            if sentence:
                yield f"{_words(str(name))}: {sentence}"


def _short_sentence(ds: xr.Dataset, claim: int) -> str:
    asked, failed = _failures(ds, claim)
    if not failed.any():
        return ""
    meanings = str(ds["bound_by"].attrs.get("flag_meanings", "")).split()
    codes = ds["bound_by"].transpose("realization", "time", "claim").values[:, :, claim]
    counts = np.bincount(codes[failed].astype(np.int64), minlength=len(meanings))
    said = [
        f"{bound_words(meanings[code])} in {counts[code]}"
        for code in np.argsort(-counts, kind="stable")[:2]
        if counts[code] and code
    ]
    unit = "steps" if asked.shape[0] == 1 else f"steps of {asked.shape[0]} realizations"
    because = f", bound by {', '.join(said)}" if said else ""
    return f"short in {failed.sum()} of {asked.sum()} {unit}{because}"


def _failures(ds: xr.Dataset, claim: int) -> tuple[Flags, Flags]:
    """Where a claim asks for water, and where it got less: dims (realization, time)."""
    of = ds[["claim_requirement", "claim_supply"]].isel(claim=claim)
    need, given = (
        of[f"claim_{name}"].transpose("realization", "time").values
        for name in ("requirement", "supply")
    )
    return need > 0.0, (need > 0.0) & (given < need * (1.0 - TOLERANCE))


def bound_words(meaning: str) -> str:
    """A flag of ``bound_by`` in words: ``outlet_of_kirov`` → ``the outlet of kirov``."""
    for head, words in (
        ("river_at_", "the river at"),
        ("outlet_of_", "the outlet of"),
        ("canals_to_", "the canals to"),
        ("canal_", "canal"),
    ):
        if meaning.startswith(head):
            return f"{words} {meaning.removeprefix(head)}"
    return meaning.replace("_", " ")


def _words(claim: str) -> str:
    node, _, key = claim.partition(".")
    return f"{node}, {key.replace('_', ' ')}" if key else node


def _spill(ds: xr.Dataset) -> Iterator[str]:
    if "reservoir" not in ds.dims:
        return
    kinds = ds["reservoir_kind"].values.astype(str)
    volume = _steps(ds["spill"] * seconds(ds)) * HM3
    for k, name in enumerate(ds["reservoir"].values):
        what = "overflow" if kinds[k] == "lake" else "spill"
        yield from _when(ds, f"{name}: {what}", volume[:, :, k] > 0.0, volume[:, :, k])


def _environment(ds: xr.Dataset) -> Iterator[str]:
    if "claim" not in ds.dims:
        return
    for k in np.flatnonzero(ds["sector"].values.astype(str) == "environment"):
        what = f"{_words(str(ds['claim'].values[k]))} not met"
        yield from _when(ds, what, _failures(ds, int(k))[1])


def _empty(ds: xr.Dataset) -> Iterator[str]:
    if "reservoir" not in ds.dims:
        return
    storage = _steps(ds["storage"])
    dead, capacity = ds["reservoir_dead_storage"].values, ds["reservoir_capacity"].values
    for k, name in enumerate(ds["reservoir"].values):
        what = f"{name}: at dead storage" if dead[k] > 0.0 else f"{name}: empty"
        yield from _when(ds, what, storage[:, :, k] <= dead[k] + TOLERANCE * capacity[k])


def _surplus(ds: xr.Dataset) -> Iterator[str]:
    if "outlet" not in ds.dims:
        return
    volume = _steps(ds["outlet_flow"] * seconds(ds)) * HM3
    for k, name in enumerate(ds["outlet"].values):
        yield from _when(ds, f"surplus outlet {name} used", volume[:, :, k] > 0.0, volume[:, :, k])


def warnings(ds: xr.Dataset) -> Iterator[str]:
    """What a planner should look at, with dates: floors that were touched, water that was lost."""
    for family in (_environment, _empty, _spill, _surplus):
        yield from family(ds)


def _when(ds: xr.Dataset, what: str, flags: Flags, volume: Floats | None = None) -> Iterator[str]:
    """Say when something happened; for many realizations in how many of them."""
    if not flags.any():
        return
    if flags.shape[0] > 1:
        touched = flags.any(axis=1).sum()
        often = flags.sum(axis=1).mean()
        yield f"{what} in {touched} of {flags.shape[0]} realizations, {often:.1f} steps each"
        return
    amount = "" if volume is None else f", {float(volume.sum()):.3g} hm3"
    count = int(flags.sum())
    spans = _spans(ds, flags[0])
    more = f" and {len(spans) - SPANS} more periods" if len(spans) > SPANS else ""
    steps = f"{count} step{'s' if count > 1 else ''}"
    yield f"{what} in {steps}{amount}: {', '.join(spans[:SPANS])}{more}"


def _spans(ds: xr.Dataset, flags: Flags) -> list[str]:
    """Runs of steps as dates: months as 2003-05, shorter steps as days."""
    form = "datetime64[M]" if _step(ds) == "month" else "datetime64[D]"
    bounds = ds["time_bounds"].values.astype("datetime64[D]")
    first, last = bounds[:, 0].astype(form), (bounds[:, 1] - 1).astype(form)
    change = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [
        f"{first[a]}" if first[a] == last[b - 1] else f"{first[a]} to {last[b - 1]}"
        for a, b in zip(change[::2], change[1::2], strict=True)
    ]


def _step(ds: xr.Dataset) -> str:
    return str(ds.attrs.get("step", ""))


def _steps(values: xr.DataArray) -> Floats:
    """Values as an array, dims (realization, time, label)."""
    return np.asarray(values.transpose("realization", "time", ...).values, np.float64)
