"""hydrograph: Dataset, node → Figure of inflow, outflow and in-stream requirements."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from watersim.plots import style

_DASHES = ("--", ":", "-.")


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name what this figure is drawn for as standard: in-stream claims' nodes and terminals."""
    nodes = [str(name) for name in ds["node"].values] if "node" in ds.dims else []
    ends = set(ds["terminal"].values.tolist()) if "terminal" in ds.dims else set()
    if "claim" in ds.dims:
        ends |= set(ds["claim_node"].values[ds["claim_sort"].values == "instream"].tolist())
    return [(name,) for name in nodes if name in ends]


def plot(ds: xr.Dataset, node: str) -> Figure:
    """Draw the flow into and out of a node in m3/s, and what must stay in the river there.

    Where both flows are the same to the eye only one is drawn. With several realizations lines are
    medians and bands hold 10–90 % of them.
    """
    fig = style.figure(10.0, 4.4)
    ax = fig.subplots()
    edges = style.step_edges(ds)
    one = ds.sel(node=node)
    inflow, outflow = (
        one[name].transpose("realization", "time").values for name in ("inflow", "outflow")
    )
    ends_here = "terminal" in ds.dims and node in ds["terminal"].values
    if ends_here or np.abs(inflow - outflow).max() <= 1e-6 * max(inflow.max(), 1e-12):
        style.series(
            ax,
            edges,
            inflow,
            style.INFLOW if ends_here else style.OUTFLOW,
            "inflow" if ends_here else "inflow = outflow",
        )
    else:
        style.series(ax, edges, inflow, style.INFLOW, "inflow")
        style.series(ax, edges, outflow, style.OUTFLOW, "outflow")
    _instream(ax, ds, node, edges)
    ax.set_ylim(bottom=0.0)
    style.dress(ax, "flow, mean of the step (m³/s)")
    style.time_axis(ax, edges)
    style.title(fig, ds, f"Flow at {style.words(node)}")
    style.legend(fig, [ax])
    return fig


def _instream(ax: Axes, ds: xr.Dataset, node: str, edges: npt.NDArray[np.datetime64]) -> None:
    """Draw the in-stream requirements at a node, and shade where they were not met."""
    if "claim" not in ds.dims:
        return
    here = (ds["claim_node"].values == node) & (ds["claim_sort"].values == "instream")
    at = style.positions(edges)
    for k, claim in enumerate(ds["claim"].values[here]):
        one = ds.sel(claim=claim)
        need, met = (
            one[f"claim_{name}"].transpose("realization", "time").values
            for name in ("requirement", "supply")
        )
        need, met = np.median(need, axis=0), np.median(met, axis=0)
        ax.stairs(
            need,
            at,
            baseline=None,
            color=style.ENVIRONMENT,
            lw=1.5,
            ls=_DASHES[k % len(_DASHES)],
            label=_label(str(claim), node, str(one["sector"].item())),
        )
        if (met < need * (1.0 - 1e-6)).any():
            ax.fill_between(
                at,
                np.append(met, met[-1]),
                np.append(need, need[-1]),
                step="post",
                facecolor=style.DEFICIT,
                alpha=0.8,
                lw=0.0,
                label="deficit",
            )


def _label(claim: str, node: str, sector: str) -> str:
    """A claim of the node itself by its key, one of a policy or clause by its name."""
    name = style.words(claim.removeprefix(f"{node}.")).lower()
    return f"release asked for by {name}" if sector == "operation" else f"{name} required"
