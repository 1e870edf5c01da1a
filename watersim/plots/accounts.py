"""accounts: Dataset, agreement → Figure of every party's plan, fact and balance by period."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from watersim.accounts import accounts
from watersim.bounds import party_names
from watersim.plots import style

MANY = 40  # periods that fit side by side
WORDS = (("charged", "entitled", "balance"), ("delivered", "scheduled", "owed"))  # of a delivery


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name what this figure is drawn for as standard: every agreement with accounts."""
    return [(str(name),) for name in ds["agreement"].values] if "agreement" in ds.dims else []


def plot(ds: xr.Dataset, agreement: str) -> Figure:
    """Draw what each party was entitled to (outline) and was charged (bar), and its balance, in hm3.

    Of a delivery it is what was scheduled, what was delivered, and what is owed.
    Sums are over the agreement's periods, over hydrological years where those are many. The balance
    is that at the ends of steps; below 0 the account is overdrawn. With several realizations bars
    are medians, and bands hold 10–90 %.
    """
    found = accounts(ds, agreement)
    by = str(ds["agreement_period"].sel(agreement=agreement).item()) or "year"
    if found.sizes["period"] > MANY:
        found, by = accounts(ds, agreement, "year"), "hydrological year"
    by = "hydrological year" if by == "year" else by
    owed = str(ds["agreement_kind"].sel(agreement=agreement).item()) == "deliveries"
    fact_word, plan_word, left_word = WORDS[owed]
    names, colours = party_names(ds), style.parties(ds)
    parties = [str(party) for party in found["party"].values]
    fig = style.figure(11.0, 6.4)
    top, below = fig.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    edges = style.step_edges(ds)
    last = style.positions(edges[-1:])[0]
    starts = np.maximum(style.positions(found["period"].values), style.positions(edges[:1])[0])
    widths = np.diff(np.append(starts, last))
    room = 0.84 / len(parties)
    for k, party in enumerate(parties):
        colour, name = colours.get(party, style.LIMIT), names.get(party, party)
        own = found.sel(party=party).transpose("realization", "period")
        plan, fact = (
            np.median(own[key].values, axis=0) * style.HM3 for key in ("entitlement", "delivered")
        )
        at = starts + widths * (0.08 + room * (k + 0.5))
        top.bar(at, fact, widths * room * 0.8, color=style.tint(colour, 0.25),
                label=f"{name}, {fact_word}")  # fmt: skip
        top.bar(at, plan, widths * room * 0.8, facecolor="none", edgecolor=colour, lw=1.4,
                label=f"{name}, {plan_word}")  # fmt: skip
        balance = ds["balance"].sel(agreement=agreement, party=party)
        first = ds["initial_balance"].sel(agreement=agreement, party=party).values[:, None]
        values = np.hstack([first, balance.transpose("realization", "time").values]) * style.HM3
        line = style.positions(edges)
        note = ""
        if values.shape[0] > 1:
            low, high = np.quantile(values, (0.1, 0.9), axis=0)
            below.fill_between(line, low, high, color=colour, alpha=0.2, lw=0.0)
            note = ": median, 10–90 %"
        below.plot(line, np.median(values, axis=0), color=colour, lw=1.6,
                   label=f"{name}, {left_word}{note}", ls="-" if k % 2 == 0 else "--")  # fmt: skip
    style.dress(top, f"volume (hm³/{by.split()[-1]})")
    style.dress(below, f"{left_word} (hm³)")
    below.axhline(0.0, color=style.LIMIT, lw=0.8)
    style.time_axis(below, edges)
    what = "Deliveries" if owed else "Accounts"
    style.title(fig, ds, f"{what} by {by}: {style.words(agreement)}")
    style.legend(fig, [top, below])
    return fig
