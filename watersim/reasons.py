"""say why: Dataset → a sentence on every claim that was short, and the reasons of parties; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.bounds import explain, values_of
from watersim.described import ORDERED
from watersim.errors import InputError, Problem
from watersim.metrics import seconds
from watersim.moments import moment, position
from watersim.network import suggest

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]

IN_STREAM = "in the stream"
_LABELS = {
    "reason_party": "party whose claims were short",
    "reason_claims": f"sites, or what must stay or arrive {IN_STREAM}",
    "reason_words": "what ran out first",
}


class _Short(NamedTuple):
    """Every claim and step that was short, the largest deficit first; places in the Dataset."""

    claim: Integers
    step: Integers
    member: Integers
    reason: Texts
    need: Floats  # m3
    given: Floats  # m3


def why(ds: xr.Dataset, claim: str, time: object, realization: int | None = None) -> str:
    """Say of one claim and step how much was covered, and what ran out.

    Parameters
    ----------
    claim
        a name of the coordinate ``claim``: ``zhambyl``, ``border.environmental_flow``
    time
        a day of the step, or a month or year with one step in it: ``2008-07-15``, ``2008-07``
    realization
        which one, where there are several

    Raises
    ------
    InputError
        if there is no such claim, step or realization, or several.
    """
    if "case" in ds.dims:
        raise InputError("this is a comparison of several runs; ask one of them")
    k, t, r = _claim(ds, claim), position(ds, time), _member(ds, realization)
    found = explain(ds, k)
    if not found.asked[r, t]:
        return f"{_subject(ds, k, t, r)}: nothing required"
    if found.which[r, t] < 0:
        return f"{_subject(ds, k, t, r)}: fully covered"
    cover = float(ds["cover"].isel(claim=k, time=t, realization=r))
    return _sentence(ds, k, t, r, cover, found.phrases[found.which[r, t]])


def short_steps(ds: xr.Dataset) -> xr.Dataset:
    """Every claim and step that was short, the largest deficit first.

    Zones are left out: a reservoir that is not full is not short. So are orders, which ask for what
    others need.

    Returns
    -------
    xr.Dataset
        dim ``short_step``: ``requirement``, ``supply`` and ``deficit`` in m3, ``cover``, the phrase
        of the ``reason``; coordinates ``claim party sector priority time realization``
    """
    found = _short(ds)
    columns = {
        "requirement": (found.need, "m3", "water the claim asked for in the step"),
        "supply": (found.given, "m3", "water it was given, or that passed"),
        "deficit": (found.need - found.given, "m3", "requirement − supply"),
        "cover": (found.given / found.need, "1", "supply / requirement"),
    }
    table = xr.Dataset(attrs={"title": ds.attrs.get("title", "")})
    for name, (values, unit, meaning) in columns.items():
        table[name] = ("short_step", values, {"units": unit, "long_name": meaning})
    table["reason"] = ("short_step", found.reason, {"long_name": "what ran out first"})
    labels = {"claim": "claim", "party": "claim_party", "sector": "sector", "priority": "priority"}
    for name, of in labels.items() if "claim" in ds.dims else ():
        table.coords[name] = ("short_step", ds[of].values[found.claim])
    table.coords["time"] = ("short_step", ds["time"].values[found.step])
    table.coords["realization"] = ("short_step", ds["realization"].values[found.member])
    return table


def sentences(ds: xr.Dataset) -> Iterator[str]:
    """The sentence of every claim and step that was short, the largest deficit first."""
    for k, t, r, reason, need, given in zip(*_short(ds), strict=True):
        yield _sentence(ds, k, t, r, given / need, reason)


def reasons(ds: xr.Dataset) -> xr.Dataset:
    """What ran out for the claims of each party, the commonest first, sites before the stream.

    In-stream claims overlap: the same water may be missing from several of them, and from a site.

    Returns
    -------
    xr.Dataset
        dims ``realization`` and ``reason`` (coordinates ``reason_party reason_claims reason_words``):
        ``steps`` in which a claim of the party was short for it, ``missing`` what they lacked in m3,
        ``share`` of all that the party's sites lacked, or its claims in the stream; NaN where that
        is nothing
    """
    names, steps, missing = _totals(ds)
    share = np.full(missing.shape, np.nan)
    for claims in {name[:2] for name in names}:
        own = [k for k, name in enumerate(names) if name[:2] == claims]
        whole = missing[:, own].sum(axis=1, keepdims=True)
        share[:, own] = np.divide(missing[:, own], whole, out=share[:, own], where=whole > 0.0)
    often, lacks = steps.sum(axis=0), missing.sum(axis=0)
    order = sorted(
        range(len(names)),
        key=lambda k: (
            not names[k][0],
            names[k][0],
            names[k][1] == IN_STREAM,
            -often[k],
            -lacks[k],
        ),
    )
    columns = {
        "steps": (steps, "1", "steps in which a claim of the party was short for this reason"),
        "missing": (missing, "m3", "what its claims lacked for this reason"),
        "share": (share, "1", "of all that its claims lacked"),
    }
    table = xr.Dataset(attrs={"title": ds.attrs.get("title", "")})
    table.coords["realization"] = ds["realization"]
    for k, (name, meaning) in enumerate(_LABELS.items()):
        labels = np.array([names[reason][k] for reason in order], object)
        table.coords[name] = ("reason", labels, {"long_name": meaning})
    for name, (values, unit, meaning) in columns.items():
        attributes = {"units": unit, "long_name": meaning}
        table[name] = (("realization", "reason"), values[:, order], attributes)
    return table


def _totals(ds: xr.Dataset) -> tuple[list[tuple[str, str, str]], Integers, Floats]:
    """Every party, sites or stream, and reason; steps and m3 missing, dims (realization, reason)."""
    found = _short(ds)
    parties, sorts = (
        ds[name].values[found.claim].tolist() if found.claim.size else []
        for name in ("claim_party", "claim_sort")
    )
    pairs = [
        (str(party), "sites" if sort == "consumptive" else IN_STREAM, str(why))
        for party, sort, why in zip(parties, sorts, found.reason, strict=True)
    ]
    place = {pair: k for k, pair in enumerate(dict.fromkeys(pairs))}
    which = np.array([place[pair] for pair in pairs], np.int64)
    members = ds.sizes["realization"]
    missing = np.zeros((members, len(place)))
    np.add.at(missing, (found.member, which), found.need - found.given)
    touched = np.zeros((members, ds.sizes["time"], len(place)), np.bool_)
    touched[found.member, found.step, which] = True
    return list(place), touched.sum(axis=1), missing


def _short(ds: xr.Dataset) -> _Short:
    """Look at every claim but zones and orders."""
    sorts = ds["claim_sort"].values.astype(str) if "claim" in ds.dims else np.zeros(0, str)
    ordered = ds["sector"].values.astype(str) == ORDERED if "claim" in ds.dims else sorts == ""
    places = np.zeros(0, np.int64)
    none = _Short(places, places, places, np.zeros(0, object), np.zeros(0), np.zeros(0))
    parts = [
        none,
        *(_short_of(ds, int(k)) for k in np.flatnonzero((sorts != "retention") & ~ordered)),
    ]
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    every = _Short(*columns)
    order = np.lexsort((every.member, every.claim, every.step, every.given - every.need))
    return _Short(*(column[order] for column in columns))


def _short_of(ds: xr.Dataset, claim: int) -> _Short:
    found, length = explain(ds, claim), seconds(ds).values
    member, step = np.nonzero(found.which >= 0)
    need, given = (
        (values_of(ds, f"claim_{name}", claim) * length)[member, step]
        for name in ("requirement", "supply")
    )
    reason = np.array(found.phrases, object)[found.which[member, step]]
    return _Short(np.full(member.size, claim), step, member, reason, need, given)


def _sentence(ds: xr.Dataset, k: int, t: int, r: int, cover: float, reason: str) -> str:
    percent = f"{100.0 * cover:.0f}"
    if percent == "100":
        percent = "over 99"
    elif percent == "0" and cover > 0.0:
        percent = "under 1"
    return f"{_subject(ds, k, t, r)}: {percent} % covered; bound by {reason}"


def _subject(ds: xr.Dataset, k: int, t: int, r: int) -> str:
    """``Zhambyl, July 2008``, with the realization where there are several."""
    name = ", ".join(str(ds["claim"].values[k]).replace("_", " ").split(".", 1))
    member = f", realization {ds['realization'].values[r]}" if ds.sizes["realization"] > 1 else ""
    return f"{name[:1].upper()}{name[1:]}, {moment(ds, t)}{member}"


def _claim(ds: xr.Dataset, name: str) -> int:
    names = [str(one) for one in ds["claim"].values] if "claim" in ds.dims else []
    if name in names:
        return names.index(name)
    own = [one for one in names if one.startswith(f"{name}.")]
    known = f"; its claims are {', '.join(own)}" if own else suggest(name, names)
    raise InputError(Problem(f"is not a claim of this run (got {name}){known}", key="claim"))


def _member(ds: xr.Dataset, realization: int | None) -> int:
    known = [int(one) for one in ds["realization"].values]
    if realization is None and len(known) == 1:
        return 0
    if realization is not None and realization in known:
        return known.index(realization)
    count = f"{known[0]} to {known[-1]}"
    message = f"must be {count} (got {realization})"
    if realization is None:
        message = f"there are {len(known)}; name one of {count}"
    raise InputError(Problem(message, key="realization"))
