"""``ds.watersim``: metrics, scores, figures and reasons of a run's Dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import xarray as xr

from watersim.accounts import accounts
from watersim.harvest import By, harvest
from watersim.metrics import metrics
from watersim.reasons import reasons, short_steps, why
from watersim.score import score

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class _Plots:
    """``ds.watersim.plot.storage('kirov')``: every figure of `watersim.plots` by its name."""

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def __dir__(self) -> list[str]:
        from watersim.plots import figures

        return sorted(figures())

    def __getattr__(self, name: str) -> Callable[..., Figure]:
        from watersim.plots import figures

        if name not in figures():
            raise AttributeError(f"no figure '{name}'; there are {', '.join(sorted(figures()))}")
        return lambda *arguments, **options: figures()[name].plot(self._ds, *arguments, **options)


@xr.register_dataset_accessor("watersim")  # type: ignore[no-untyped-call]
class WatersimAccessor:
    """What can be asked of a run."""

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    @property
    def plot(self) -> _Plots:
        """The figures, each a function of the name of what it shows."""
        return _Plots(self._ds)

    def metrics(self) -> xr.Dataset:
        """Reliability, resilience, vulnerability, deficits, sums by season, energy, firm yield."""
        return metrics(self._ds)

    def score(self, observed: xr.Dataset) -> xr.Dataset:
        """NSE, KGE and bias against observed series of the same names."""
        return score(self._ds, observed)

    def why(self, claim: str, time: object, realization: int | None = None) -> str:
        """How much of a claim was covered in a step, and what ran out: ``why("zhambyl", "2008-07")``."""
        return why(self._ds, claim, time, realization)

    def short_steps(self) -> xr.Dataset:
        """Every claim and step that was short and what ran out, the largest deficit first."""
        return short_steps(self._ds)

    def reasons(self) -> xr.Dataset:
        """What ran out for the claims of each party, the commonest first."""
        return reasons(self._ds)

    def accounts(self, agreement: str, period: str | None = None) -> xr.Dataset:
        """Entitlement, delivery and balance of every party by period, in m3."""
        return accounts(self._ds, agreement, period)

    def harvest(self, by: By = "crop") -> xr.Dataset:
        """Yield and production of every season, and what a lack of water took; by crop, site, party."""
        return harvest(self._ds, by)

    def summary(self) -> str:
        """The table that `watersim run` prints."""
        from watersim.summary import text

        return text(self._ds)
