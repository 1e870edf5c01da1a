"""compare: several runs → one Dataset with dim case, and back; pure.

Runs are joined on exact names and on exactly the same steps. A member that only some cases have (a
new dam, a new canal) is kept: in the others its values are missing (NaN, in integers −1) and its
coordinate ``…_in_case`` says so. Missing is not zero, and `only` gives each run back without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.bounds import party_names
from watersim.errors import InputError, Problem

SHARED = ("realization", "time", "bounds")
PRESENT = "_in_case"


def compare(cases: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Put runs side by side.

    Parameters
    ----------
    cases
        name of the case → its run; the first is what the others are held against

    Returns
    -------
    xr.Dataset
        every variable of the runs with a first dim ``case``; names in the order of the first case,
        then what others add. Coordinates that differ between cases have that dim too.

    Raises
    ------
    InputError
        for fewer than two cases, and where steps or the number of realizations differ.
    """
    if len(cases) < 2:
        raise InputError(f"a comparison needs at least two runs (got {len(cases)})")
    first, *others = cases
    problems = [
        Problem(fault, key=name) for name in others for fault in _unlike(first, cases, name)
    ]
    if problems:
        raise InputError(problems)
    runs = _same_flags({name: _plain(ds) for name, ds in cases.items()})
    together = join(runs)
    together["time_bounds"] = cases[first]["time_bounds"]
    titles = [str(ds.attrs.get("title", "")) for ds in cases.values()]
    together.coords["case_title"] = ("case", np.array(titles, object))
    asked = [question(ds) for ds in cases.values()]
    together.coords["case_question"] = ("case", np.array(asked, object))
    together.attrs = _attributes(cases)
    return together


def only(ds: xr.Dataset, case: str) -> xr.Dataset:
    """One run out of a comparison, without what it does not have."""
    one = ds.sel(case=case)
    for name in [str(name) for name in one.coords if str(name).endswith(PRESENT)]:
        dim = name.removesuffix(PRESENT)
        here = np.flatnonzero(one[name].values)
        one = one.isel({dim: here}) if here.size else one.drop_dims(dim)
    one = one.drop_vars([name for name in one.coords if str(name).endswith(PRESENT)])
    return one.assign_attrs(title=str(one["case_title"].values)).drop_vars(
        ["case", "case_title", "case_question"]
    )


def question(ds: xr.Dataset) -> str:
    """What a run was to answer: its description up to the first question mark, else all of it."""
    said = str(ds.attrs.get("summary", ""))
    return said[: said.index("?") + 1] if "?" in said else said


def _unlike(first: str, cases: Mapping[str, xr.Dataset], name: str) -> list[str]:
    """Say why a case cannot stand beside the first."""
    here, there = cases[name], cases[first]
    faults = []
    mine, theirs = (_steps(ds) for ds in (here, there))
    if mine.shape != theirs.shape or not np.array_equal(mine, theirs):
        faults.append(
            f"has other steps than '{first}' ({_period(here)}; {_period(there)}); "
            "compare runs of one period and step"
        )
    count, other = here.sizes["realization"], there.sizes["realization"]
    if count != other:
        faults.append(f"has {count} realizations and '{first}' {other}; run both with as many")
    return faults


def _steps(ds: xr.Dataset) -> npt.NDArray[np.datetime64]:
    bounds: npt.NDArray[np.datetime64] = ds["time_bounds"].values.astype("datetime64[s]")
    return bounds


def _period(ds: xr.Dataset) -> str:
    days = ds["time_bounds"].values.astype("datetime64[D]")
    return (
        f"{days[0, 0]} to {days[-1, 1] - 1} in {ds.sizes['time']} {ds.attrs.get('step', 'step')}s"
    )


def _plain(ds: xr.Dataset) -> xr.Dataset:
    """A run without its steps' bounds, which all cases share, texts as objects."""
    plain = ds.drop_vars("time_bounds")
    texts = {name: v.astype(object) for name, v in plain.variables.items() if v.dtype.kind == "U"}
    return plain.assign_coords(texts) if texts else plain


def _same_flags(runs: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Write the flags of ``bound_by`` by one table for all cases."""
    meanings = list(dict.fromkeys(flag for ds in runs.values() for flag in _flags(ds)))
    same = {}
    for name, ds in runs.items():
        same[name] = ds
        if "bound_by" in ds:
            table = np.array([meanings.index(flag) for flag in _flags(ds)], np.int32)
            codes = ds["bound_by"].copy(data=table[ds["bound_by"].values])
            codes.attrs["flag_values"] = np.arange(len(meanings), dtype=np.int32)
            codes.attrs["flag_meanings"] = " ".join(meanings)
            same[name] = ds.assign(bound_by=codes)
    return same


def _flags(ds: xr.Dataset) -> list[str]:
    return str(ds["bound_by"].attrs["flag_meanings"]).split() if "bound_by" in ds else []


def join(runs: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Every variable of the runs with a first dim case, every name of a family in its place."""
    names = _names(runs)
    first = next(iter(runs.values()))
    joined = xr.Dataset(coords={dim: np.array(own, object) for dim, own in names.items()})
    joined = joined.assign_coords({dim: first[dim] for dim in SHARED if dim in first.coords})
    joined.coords["case"] = ("case", np.array(list(runs), object), {"long_name": "case"})
    here = {
        dim: np.array([[name in _labels(ds, dim) for name in own] for ds in runs.values()])
        for dim, own in names.items()
    }
    for name in dict.fromkeys(str(name) for ds in runs.values() for name in ds.variables):
        if name in joined.dims:
            continue
        owner = next(ds for ds in runs.values() if name in ds.variables)[name]
        values = np.stack([_placed(ds, owner, joined) for ds in runs.values()])
        made = xr.Variable(("case", *owner.dims), values, owner.attrs)
        if name in first.coords or owner.name in owner.coords:
            joined.coords[name] = _once(made, here[str(owner.dims[0])])
        else:
            joined[name] = made
    for dim, present in here.items():
        if not present.all():
            joined.coords[f"{dim}{PRESENT}"] = (("case", dim), present)
    return joined


def _labels(ds: xr.Dataset, dim: str) -> list[str]:
    return [str(name) for name in ds[dim].values] if dim in ds.dims else []


def _names(runs: Mapping[str, xr.Dataset]) -> dict[str, list[str]]:
    """Every family's names: those of the first case in its order, then what others add."""
    families = dict.fromkeys(str(dim) for ds in runs.values() for dim in ds.dims)
    return {
        dim: list(dict.fromkeys(name for ds in runs.values() for name in _labels(ds, dim)))
        for dim in families
        if dim not in SHARED
    }


def _placed(ds: xr.Dataset, owner: xr.DataArray, joined: xr.Dataset) -> npt.NDArray[Any]:
    """A case's values in the places their names have in the joined families."""
    missing: Any = {"f": np.nan, "O": "", "i": -1}[owner.dtype.kind]
    values = np.full([joined.sizes[dim] for dim in owner.dims], missing, owner.dtype)
    if owner.name in ds.variables:
        places = [joined.indexes[dim].get_indexer(ds.indexes[dim]) for dim in owner.dims]
        values[np.ix_(*places)] = ds[owner.name].transpose(*owner.dims).values
    return values


def _once(made: xr.Variable, here: npt.NDArray[np.bool_]) -> xr.Variable:
    """A coordinate of a family, without the dim case where all that have the member agree."""
    values = made.values
    owner = np.argmax(here, axis=0)
    first = values[owner, np.arange(owner.size)]
    nowhere = values != values  # NaN: a place that is not given
    agree = ~here | (values == first) | (nowhere & (first != first))
    return xr.Variable(made.dims[1:], first, made.attrs) if agree.all() else made


def _attributes(cases: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    first = next(iter(cases.values()))
    parties: dict[str, str] = {}
    for ds in cases.values():
        parties = {**party_names(ds), **parties}
    return {
        "title": " · ".join(cases),
        "step": first.attrs.get("step", ""),
        "parties": json.dumps(parties, ensure_ascii=False, sort_keys=True),
    }
