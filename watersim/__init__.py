"""watersim: who gets how much water, when, and why not more.

``load`` a scenario file, ``run`` it, look at the ``xarray.Dataset`` it gives::

    import watersim
    ds = watersim.run(watersim.load("scenarios/talas/baseline.yaml", "dry"))
    ds.watersim.plot.storage("kirov")

The names are imported when they are first used: importing watersim costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watersim.comparison import compare
    from watersim.netcdf import open_results
    from watersim.planning import season
    from watersim.scenario import Scenario, load
    from watersim.simulation import run
    from watersim.stepping import stepper

__version__ = "0.1.0"

__all__ = ["Scenario", "compare", "load", "open_results", "run", "season", "stepper"]

_HOME = {
    "Scenario": "watersim.scenario",
    "compare": "watersim.comparison",
    "load": "watersim.scenario",
    "open_results": "watersim.netcdf",
    "run": "watersim.simulation",
    "season": "watersim.planning",
    "stepper": "watersim.stepping",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'watersim' has no attribute '{name}'")
    if name in ("compare", "open_results", "run", "season", "stepper"):
        importlib.import_module("watersim.accessor")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "errors"])
