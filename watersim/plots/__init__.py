"""plots: Dataset → Figures; one file per figure, found by looking into this folder.

A figure is a module with ``plot(ds, ...) -> Figure`` and ``arguments(ds)``, which lists what the
standard set draws it for: one tuple per figure, none where the run has nothing to show. A new
figure is one new file.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def figures() -> dict[str, ModuleType]:
    """Every figure by its name, which is the name of its module."""
    found = {
        info.name: import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    }
    return {name: module for name, module in found.items() if hasattr(module, "plot")}


def standard(ds: xr.Dataset) -> dict[str, Figure]:
    """Draw all figures that make sense for a run, by names fit for files: ``storage_kirov``."""
    return {
        "_".join((name, *arguments)): module.plot(ds, *arguments)
        for name, module in figures().items()
        for arguments in module.arguments(ds)
    }
