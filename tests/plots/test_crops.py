"""The figure of the crops of a site, against the numbers of a run."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.patches import StepPatch

import watersim
from watersim.plots import crops

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def talas() -> xr.Dataset:
    return watersim.run(watersim.load(ROOT / "scenarios/talas/crops.yaml"))


def test_every_site_with_crops_has_a_figure_and_no_other(talas: xr.Dataset) -> None:
    assert crops.arguments(talas) == [("talas_oblast",), ("zhambyl",)]
    assert crops.arguments(talas.drop_dims("crop")) == []


def test_the_steps_are_the_volumes_of_the_run(talas: xr.Dataset) -> None:
    figure = crops.plot(talas, "zhambyl")
    upper, lower = figure.axes[0], figure.axes[2]
    drawn = {patch.get_label(): patch.get_data() for patch in upper.patches
             if isinstance(patch, StepPatch)}  # fmt: skip
    own = talas.isel(realization=0).where(talas.crop_site == "zhambyl", drop=True)
    seconds = np.diff(talas.time_bounds.values, axis=1)[:, 0] / np.timedelta64(1, "s")
    area = own.crop_area.values
    for label, name in (("actual evapotranspiration", "actual_evapotranspiration"),):
        expected = (own[name].values * area).sum(axis=1) * seconds / 1e6
        assert drawn[label].values == pytest.approx(expected)
    rain = talas.effective_rain.sel(site="zhambyl").values[0] * seconds / 1e6
    brought = (own.crop_supply.values * area).sum(axis=1) * seconds / 1e6
    assert drawn["effective rain"].values == pytest.approx(rain)
    top = drawn["irrigation that reaches the root zone"]
    assert top.values - top.baseline == pytest.approx(brought)
    assert [line.get_label() for line in lower.lines] == [
        "Wheat", "Alfalfa", "Maize", "Sugar beet", "Vegetables", "Orchards"
    ]  # fmt: skip
    assert lower.lines[0].get_ydata() == pytest.approx(own.depletion.values[:, 0] * 1e3)
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert "hm³" in upper.get_ylabel()
    assert len(figure.legends) == 1
