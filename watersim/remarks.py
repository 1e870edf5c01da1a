"""remarks: Dataset → sentences on what was short and why, and warnings with dates; pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.bounds import asked_and_short, empty, explain
from watersim.described import ORDERED
from watersim.metrics import seconds

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
        if sorts[k] != "retention" and sectors[k] not in ("environment", ORDERED):
            sentence = _short_sentence(ds, k)
            if sentence:
                yield f"{_words(str(name))}: {sentence}"


def _short_sentence(ds: xr.Dataset, claim: int) -> str:
    found = explain(ds, claim)
    short = found.which >= 0
    if not short.any():
        return ""
    counts = np.bincount(found.which[short], minlength=len(found.phrases))
    said = [
        f"in {counts[k]} bound by {found.phrases[k]}"
        for k in np.argsort(-counts, kind="stable")[:2]
    ]
    members = ds.sizes["realization"]
    unit = "steps" if members == 1 else f"steps of {members} realizations"
    return "; ".join([f"short in {short.sum()} of {found.asked.sum()} {unit}", *said])


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
        yield from _when(ds, what, asked_and_short(ds, int(k))[1])


def _empty(ds: xr.Dataset) -> Iterator[str]:
    if "reservoir" not in ds.dims:
        return
    low, dead = empty(ds), ds["reservoir_dead_storage"].values
    for k, name in enumerate(ds["reservoir"].values):
        yield from _when(
            ds, f"{name}: at dead storage" if dead[k] > 0.0 else f"{name}: empty", low[:, :, k]
        )


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
    amount = "" if volume is None else f", {_three_figures(float(volume.sum()))} hm3"
    count = int(flags.sum())
    spans = _spans(ds, flags[0])
    more = f" and {len(spans) - SPANS} more periods" if len(spans) > SPANS else ""
    steps = f"{count} step{'s' if count > 1 else ''}"
    yield f"{what} in {steps}{amount}: {', '.join(spans[:SPANS])}{more}"


def _three_figures(value: float) -> str:
    """A number without an exponent: 14100, not 1.41e+04."""
    return np.format_float_positional(float(f"{value:.3g}"), trim="-")


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
