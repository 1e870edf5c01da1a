"""A contract over every figure that is found: drawn, labelled, legible, without side effects."""

from __future__ import annotations

import io
import sys
from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from watersim import plots
from watersim.plots import style

FIGURES = sorted(plots.figures())
RUNS = ["years", "decades", "ensemble"]


@pytest.fixture(scope="module", params=RUNS)
def drawn(request: pytest.FixtureRequest) -> dict[str, Figure]:
    """All standard figures of one run."""
    return plots.standard(request.getfixturevalue(request.param))


def test_every_file_with_a_plot_is_found_and_helpers_are_not() -> None:
    assert FIGURES == [
        "accounts",
        "balance",
        "crops",
        "energy",
        "hindcast",
        "hydrograph",
        "network",
        "plan",
        "storage",
        "supply",
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_says_what_it_draws(name: str) -> None:
    module = plots.figures()[name]
    assert module.__doc__
    assert module.__doc__.startswith(f"{name}: Dataset")
    assert module.plot.__doc__
    assert module.arguments.__doc__


def test_the_standard_set_has_a_figure_for_every_subject(drawn: dict[str, Figure]) -> None:
    assert sorted(drawn) == [
        "balance",
        "energy",
        "hydrograph_border",
        "hydrograph_moyinkum",
        "network",
        "storage_kirov",
        "supply",
    ]


def test_every_figure_can_be_saved_and_has_a_title_and_a_legend(drawn: dict[str, Figure]) -> None:
    for name, figure in drawn.items():
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=50)
        assert file.getvalue().startswith(b"\x89PNG"), name
        assert figure.get_suptitle(), name
        assert len(figure.legends) == 1, name


def test_every_value_axis_names_its_unit(drawn: dict[str, Figure]) -> None:
    units = ("hm³", "m³/s", "GWh", "itude")
    for name, figure in drawn.items():
        first = figure.axes[0]
        if first.axison:
            assert any(unit in first.get_ylabel() for unit in units), name


def test_the_legend_stands_outside_the_axes_and_inside_the_figure(
    drawn: dict[str, Figure],
) -> None:
    for name, figure in drawn.items():
        figure.draw_without_rendering()
        box = figure.legends[0].get_window_extent()
        assert not any(box.overlaps(ax.get_window_extent()) for ax in figure.axes), name
        assert box.x0 >= 0.0, name
        assert box.x1 <= figure.bbox.width, name


def test_no_figure_leaves_anything_in_pyplot(years: xr.Dataset) -> None:
    plots.standard(years)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_drawing_leaves_the_dataset_as_it_was(years: xr.Dataset) -> None:
    before = years.copy(deep=True)
    plots.standard(years)
    xr.testing.assert_identical(years, before)


def test_a_family_that_the_run_lacks_has_no_figure(years: xr.Dataset) -> None:
    without = years.drop_dims(["plant", "reservoir", "claim"])
    assert sorted(plots.standard(without)) == [
        "balance",
        "hydrograph_moyinkum",
        "network",
        "supply",
    ]


# --- one colour, one meaning, for every eye ------------------------------------------------------

# Machado, Oliveira, Fernandes (2009), IEEE Trans. Vis. Comput. Graph. 15(6), severity 1
SIGHT = {
    "all colours": np.eye(3),
    "no long cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no middle cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no short cones": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str | style.Colour, sight: str) -> np.ndarray:
    """CIE L*a*b* of an sRGB colour as an eye sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = XYZ @ np.clip(SIGHT[sight] @ linear, 0, 1) / np.array([0.9505, 1.0, 1.089])
    x, y, z = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def patch_colours(figure: Figure) -> list[style.Colour]:
    """Colours of the filled entries of a legend."""
    patches: list[Artist] = list(figure.legends[0].get_patches())
    return [to_rgb(patch.get_facecolor()) for patch in patches]


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("name", ["balance", "supply", "energy"])
def test_filled_areas_of_one_figure_can_be_told_apart(
    name: str, sight: str, years: xr.Dataset
) -> None:
    colours = patch_colours(plots.figures()[name].plot(years))
    gaps = [np.linalg.norm(lab(a, sight) - lab(b, sight)) for a, b in combinations(colours, 2)]
    assert len(colours) >= 2
    assert min(gaps) > 12.0  # about twelve just noticeable differences


@pytest.mark.parametrize("sight", SIGHT)
def test_four_parties_and_the_terms_of_a_balance_can_be_told_apart(sight: str) -> None:
    colours = [style.INFLOW, style.EVAPORATION, style.LOSS, style.OUTFLOW, style.STORAGE]
    colours += list(style._PARTIES[:4])
    gaps = [np.linalg.norm(lab(a, sight) - lab(b, sight)) for a, b in combinations(colours, 2)]
    assert min(gaps) > 12.0


def test_no_two_meanings_share_a_colour() -> None:
    named = {k: v for k, v in vars(style).items() if k.isupper() and isinstance(v, str)}
    colours = [*named.values(), *style._PARTIES]
    assert len(colours) == len({to_rgb(colour) for colour in colours})


def test_a_party_has_one_colour_whatever_order_the_file_has(years: xr.Dataset) -> None:
    turned = years.isel(site=slice(None, None, -1), node=slice(None, None, -1))
    assert style.parties(turned) == style.parties(years)
    assert list(style.parties(years)) == ["KG", "KZ"]


def test_irrigation_has_one_colour_with_and_without_other_sectors(years: xr.Dataset) -> None:
    alone = years.isel(site=[0])
    assert style.sectors(alone)["irrigation"] == style.sectors(years)["irrigation"]


def test_annotations_of_a_storage_figure_stay_inside_it(years: xr.Dataset) -> None:
    figure = plots.figures()["storage"].plot(years, "kirov")
    figure.draw_without_rendering()
    notes = [text for text in figure.axes[0].texts if isinstance(text, Annotation)]
    assert {note.get_text() for note in notes} == {"reserve", "conservation"}
    assert all(note.get_window_extent().x1 <= figure.bbox.width for note in notes)
