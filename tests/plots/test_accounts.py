"""The figure of accounts shows what the audit says."""

from __future__ import annotations

from pathlib import Path

import matplotlib.patches as patches
import numpy as np
import pytest
import xarray as xr
from matplotlib.container import BarContainer

import watersim
from watersim.accounts import accounts
from watersim.plots import standard
from watersim.plots.accounts import plot

TREATY = Path(__file__).parents[2] / "scenarios/talas/treaty.yaml"


@pytest.fixture(scope="module")
def treaty() -> xr.Dataset:
    short = {"time.end": "2003-12-31"}
    return watersim.run(watersim.load(TREATY).with_(short))


def test_bars_outlines_and_lines_are_the_audit_in_hm3(treaty: xr.Dataset) -> None:
    figure = plot(treaty, "talas_1983")
    top, below = figure.axes
    found = accounts(treaty, "talas_1983").isel(realization=0)
    drawn = {str(c.get_label()): c for c in top.containers if isinstance(c, BarContainer)}
    for party, name in (("KG", "Kyrgyzstan"), ("KZ", "Kazakhstan")):
        for key, word in (("delivered", "charged"), ("entitlement", "entitled")):
            bars = [bar for bar in drawn[f"{name}, {word}"] if isinstance(bar, patches.Rectangle)]
            heights = [bar.get_height() for bar in bars]
            np.testing.assert_allclose(heights, found[key].sel(party=party) / 1e6)
        [line] = [one for one in below.lines if one.get_label() == f"{name}, balance"]
        balance = treaty["balance"].sel(agreement="talas_1983", party=party).values[0] / 1e6
        np.testing.assert_allclose(np.asarray(line.get_ydata())[1:], balance)


def test_it_is_one_of_the_standard_figures_of_a_run_with_accounts(treaty: xr.Dataset) -> None:
    assert "accounts_talas_1983" in standard(treaty)


def test_a_delivery_is_scheduled_delivered_and_owed() -> None:
    short = {"time.end": "2000-12-31"}
    path = TREATY.with_name("deliveries.yaml")
    top, below = plot(watersim.run(watersim.load(path).with_(short)), "border_plan").axes
    labels = {str(c.get_label()) for c in top.containers if isinstance(c, BarContainer)}
    assert labels == {"Kazakhstan, delivered", "Kazakhstan, scheduled"}
    assert below.get_ylabel() == "owed (hm³)"
