"""Our engine as a worker: a network in, seconds of `Engine.advance` and totals of `run` out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import scenario
import xarray as xr
from description import Floats, Network, restored
from numpy.typing import NDArray
from worker import Run, Totals, clock, serve

import watersim
from watersim.compile import Compiled, compile
from watersim.engine import Engine
from watersim.scenario import Scenario

HM3 = 1e6
RUNOFF = "runoff"  # what differs between realizations
FULL = "tree28_full"  # the network that is dressed with every process


def load(network: Network) -> Scenario:
    """The network as a scenario of ours."""
    with tempfile.TemporaryDirectory() as folder:
        return watersim.load(scenario.write(network, Path(folder), network.name == FULL))


def records(compiled: Compiled, by: Floats) -> tuple[NDArray[Any], ...]:
    """The forcing as the engine takes it: of each kind one for all, of catchments one each."""
    forcing = []
    for members in compiled.members:
        u = members.u[np.newaxis]
        if RUNOFF in (u.dtype.names or ()):
            u = np.repeat(u, by.shape[0], axis=0)
            u[RUNOFF] *= by[:, :, np.newaxis]
        forcing.append(u)
    return tuple(forcing)


def dataset(compiled: Compiled, by: Floats) -> xr.Dataset:
    """The same as `watersim.run` takes it."""
    starts = compiled.scenario.timeline.starts.astype("datetime64[ns]")
    return xr.Dataset(
        {
            f"{name}.{RUNOFF}": (("realization", "time"), members.u[RUNOFF][:, k] * by)
            for members in compiled.members
            if RUNOFF in (members.u.dtype.names or ())
            for k, name in enumerate(members.names)
        },
        coords={"time": starts},
    )


def totals(ds: xr.Dataset) -> dict[str, Any]:
    """Supply by priority and storage at the end of each realization, hm3."""
    seconds = np.diff(ds["time_bounds"].values).ravel() / np.timedelta64(1, "s")
    given = np.einsum("rtk,t->rk", ds["claim_supply"].values, seconds) / HM3
    supply: dict[str, Floats] = {}
    for k, (sort, priority) in enumerate(
        zip(ds["claim_sort"].values, ds["priority"].values, strict=True)
    ):
        if sort != "retention":
            name = f"{'priority' if sort == 'consumptive' else 'gauges'} {priority}"
            supply[name] = supply.get(name, 0.0) + given[:, k]
    return {
        "supply": {name: values.tolist() for name, values in sorted(supply.items())},
        "storage": (ds["storage"].values[:, -1].sum(axis=1) / HM3).tolist(),
    }


def prepare(job: dict[str, Any]) -> tuple[Run, Totals]:
    """Load and compile the network; the first steps are run once to compile the kernels.

    One engine advances from the first step again and again, into arrays that only the first run
    finds untouched: the peers too keep what they built from run to run.
    """
    described = load(restored(job["network"]))
    compiled, by = compile(described), np.array(job["factors"])
    realizations, steps, threads = *by.shape, job["threads"]
    forcing = records(compiled, by)
    Engine(compiled, realizations, forcing).advance(0, min(12, steps), threads)
    engine, now = Engine(compiled, realizations, forcing), clock(threads)

    def run() -> float:
        start = now()
        fallbacks = engine.advance(0, steps, threads)
        seconds = now() - start
        assert fallbacks == 0, f"{fallbacks} steps needed the exact method"
        return seconds

    def run_again() -> dict[str, Any]:
        return totals(watersim.run(described, realizations, forcing=dataset(compiled, by)))

    return run, run_again


if __name__ == "__main__":
    serve(prepare)
