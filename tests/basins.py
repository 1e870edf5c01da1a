"""A small basin from YAML text, loaded and run; every run must close its balance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import numpy as np
import xarray as xr

from watersim.scenario import Scenario, load
from watersim.simulation import run

AIM = 1e-12  # of every closure, DESIGN §5
SIGNED = {  # accounts can be overdrawn
    "balance", "initial_balance", "adjustment", "exchange_value", "initial_exchange_value",
    "grid_cost",
}  # fmt: skip
YEAR = ("2001-01-01", "2001-12-31", "month")


class Basin:
    """Writes basins and scenarios into one folder, loads and runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data").mkdir()
        (folder / "scenarios").mkdir()

    def write(
        self,
        text: str,
        time: tuple[str, str, str] = ("2001-01-01", "2001-01-31", "month"),
        *,
        name: str = "case",
        more: str = "",
        tables: Mapping[str, str] | None = None,
    ) -> Path:
        """The path of a scenario over the basin `text`; `more` are further keys of the scenario."""
        home = self.folder / "data" / name
        home.mkdir(exist_ok=True)
        (home / "basin.yaml").write_text(dedent(text), encoding="utf-8")
        for file, content in (tables or {}).items():
            (home / file).write_text(dedent(content).lstrip(), encoding="utf-8")
        start, end, step = time
        path = self.folder / "scenarios" / f"{name}.yaml"
        path.write_text(
            f"basin: {name}\ntime: {{start: {start}, end: {end}, step: {step}}}\n{dedent(more)}",
            encoding="utf-8",
        )
        return path

    def load(self, text: str, *given: Any, **options: Any) -> Scenario:
        """The scenario that `write` wrote."""
        return load(self.write(text, *given, **options))

    def run(
        self, text: str, *given: Any, how: Mapping[str, Any] | None = None, **options: Any
    ) -> xr.Dataset:
        """A run of it; `how` are keywords of `watersim.run`."""
        return self.check(run(self.load(text, *given, **options), **(how or {})))

    def check(self, ds: xr.Dataset) -> xr.Dataset:
        """The run, if it closes, is finite, and needed no second method."""
        assert ds.attrs["closure_residual"] <= AIM
        assert ds.attrs["exact_fallbacks"] == 0
        for name, variable in ds.data_vars.items():
            if variable.dtype.kind == "f" and name != "cover":
                assert np.all(np.isfinite(variable.values)), name
                assert name in SIGNED or variable.values.min(initial=0.0) >= 0.0, name
        return ds

    @staticmethod
    def joined(*parts: str, by: int = 2) -> str:
        """Node lines as one indented block, for texts made in loops."""
        return indent("\n".join(dedent(part).strip("\n") for part in parts), " " * by)
