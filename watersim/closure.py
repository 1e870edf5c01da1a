"""Dataset → residuals of every water balance, from the raw terms; refuses what does not close.

Every entity (node, reach, canal) is a store: what enters, leaves and stays is read from the terms
that name it as one of their ends. For each step::

    residual = |Σ in − Σ out − (S1 − S0)| / max(S0, S1, Σ in, Σ out, 1 m3)

and a node's `inflow` must be the sum of the terms that enter it but what falls on it or rises
from below (``part_of_inflow``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from watersim.errors import ClosureError

LIMIT = 1e-9
Floats = NDArray[np.float64]


class Closure(NamedTuple):
    """The worst residual, where and when; and that of the whole basin."""

    residual: float
    entity: str
    time: str
    realization: int
    basin: float

    def __str__(self) -> str:
        where = f" (worst at {self.entity}, {self.time})" if self.entity else ""
        return f"{self.residual:.1e}{where}"


def close(ds: xr.Dataset) -> Closure:
    """The worst relative residual of all entities, steps and realizations, and of the basin."""
    worst = Closure(0.0, "", "", 0, 0.0)
    for r in range(ds.sizes["realization"]):
        found = _close_one(ds.isel(realization=slice(r, r + 1)), r)
        basin = max(worst.basin, found.basin)
        worst = (found if found.residual > worst.residual else worst)._replace(basin=basin)
    return worst


def require(ds: xr.Dataset) -> Closure:
    """The closure, if it is within the limit.

    Raises
    ------
    ClosureError
        naming the entity, the step and the residual.
    """
    found = close(ds)
    worst = max(found.residual, found.basin)
    if not worst <= LIMIT:
        raise ClosureError(
            f"the water balance does not close: residual {found.residual:.1e} at {found.entity}, "
            f"step of {found.time}, basin {found.basin:.1e} (limit {LIMIT:g}); nothing was saved"
        )
    return found


def seconds(ds: xr.Dataset) -> Floats:
    """Length of every step, shape (time,)."""
    bounds = ds["time_bounds"].values
    return np.asarray((bounds[:, 1] - bounds[:, 0]) / np.timedelta64(1, "s"), np.float64)


class _Ledger:
    def __init__(self, ds: xr.Dataset) -> None:
        self.ds = ds
        names = [
            str(name) for family in ("node", "reach", "canal") if family in ds.dims
            for name in ds[family].values
        ]  # fmt: skip
        self.names = names
        self.index = {name: k for k, name in enumerate(names)}
        shape = (ds.sizes["time"], len(names))
        self.entered, self.left = np.zeros(shape), np.zeros(shape)
        self.surface = np.zeros(shape)  # entered as inflow
        self.before, self.after = np.zeros(shape), np.zeros(shape)
        self.outside_in, self.outside_out = np.zeros(shape[0]), np.zeros(shape[0])

    def ends(self, coordinate: str, count: int) -> list[str]:
        if coordinate == "outside":
            return ["outside"] * count
        return [str(name) for name in self.ds[coordinate].values]

    def book(self, name: str, dt: Floats) -> None:
        """Book one term between its ends; where both are empty it is booked elsewhere."""
        variable = self.ds[name]
        volume = variable.values[0] * dt[:, np.newaxis]
        count = volume.shape[1]
        sources = self.ends(variable.attrs["flow_from"], count)
        targets = self.ends(variable.attrs["flow_to"], count)
        for k, (source, target) in enumerate(zip(sources, targets, strict=True)):
            if source == "" and target == "":
                continue
            if source in self.index:
                self.left[:, self.index[source]] += volume[:, k]
            else:
                self.outside_in += volume[:, k]
            if target in self.index:
                self.entered[:, self.index[target]] += volume[:, k]
                if variable.attrs.get("part_of_inflow") != "no":
                    self.surface[:, self.index[target]] += volume[:, k]
            else:
                self.outside_out += volume[:, k]

    def store(self, name: str) -> None:
        variable = self.ds[name]
        own = [self.index[str(label)] for label in self.ds[variable.attrs["store_of"]].values]
        after = variable.values[0]
        before = np.concatenate([self.ds[f"initial_{name}"].values, after[:-1]])
        self.after[:, own] += after
        self.before[:, own] += before


def _close_one(ds: xr.Dataset, realization: int) -> Closure:
    ledger, dt = _Ledger(ds), seconds(ds)
    for name, variable in ds.data_vars.items():
        if "flow_from" in variable.attrs:
            ledger.book(str(name), dt)
        elif "store_of" in variable.attrs:
            ledger.store(str(name))
    change = ledger.after - ledger.before
    scale = np.maximum.reduce([ledger.before, ledger.after, ledger.entered, ledger.left])
    scale = np.maximum(scale, 1.0)
    residual = np.abs(ledger.entered - ledger.left - change) / scale
    nodes = ds.sizes["node"]
    inflow = ds["inflow"].values[0] * dt[:, np.newaxis]
    apart = np.abs(inflow - ledger.surface[:, :nodes]) / scale[:, :nodes]
    residual[:, :nodes] = np.maximum(residual[:, :nodes], apart)
    residual = np.where(np.isfinite(residual), residual, np.inf)
    basin = np.abs(ledger.outside_in - ledger.outside_out - change.sum(axis=1)) / np.maximum.reduce(
        [ledger.before.sum(axis=1), ledger.after.sum(axis=1), ledger.outside_in,
         ledger.outside_out, np.ones(dt.size)]
    )  # fmt: skip
    if residual.size == 0:
        return Closure(0.0, "", "", realization, 0.0)
    step, entity = np.unravel_index(int(np.argmax(residual)), residual.shape)
    day = str(ds["time"].values[step].astype("datetime64[D]"))
    return Closure(
        float(residual[step, entity]), ledger.names[entity], day, realization, float(basin.max())
    )
