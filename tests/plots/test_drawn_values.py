"""What stands in a figure is what stands in the Dataset, in planners' units."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from basins import Basin
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from watersim.metrics import seconds
from watersim.plots import balance, energy, hydrograph, months, network, storage, supply
from watersim.plots.layout import Link, schematic

HM3 = 1e-6


def stairs(figure: Figure, label: str, axes: int = 0) -> StepPatch:
    """The step line or area with a label."""
    found = [patch for patch in figure.axes[axes].patches if patch.get_label() == label]
    assert len(found) == 1, label
    assert isinstance(found[0], StepPatch)
    return found[0]


def test_months_sum_decades_exactly(decades: xr.Dataset) -> None:
    edges, sums = months.sums(months.volume(decades, "runoff"), decades)
    assert edges.size == 13
    three = (decades["runoff"] * seconds(decades) * HM3).values[0, :3, 0].sum()
    npt.assert_allclose(sums[0, 0, 0], three, rtol=1e-14)


def test_a_mean_year_averages_each_calendar_month() -> None:
    edges = (np.datetime64("2000-11", "M") + np.arange(15)).astype("datetime64[ns]")
    mean = months.mean_year(edges, np.arange(14.0)[:, None])
    assert mean[10, 0] == 6.0  # Novembers 0 and 12
    assert mean[0, 0] == 2.0  # one January


def test_storage_starts_at_the_initial_storage_and_is_in_hm3(years: xr.Dataset) -> None:
    line = next(
        line for line in storage.plot(years, "kirov").axes[0].lines if line.get_label() == "storage"
    )
    expected = np.append(300.0, years["storage"].values[0, :, 0] * HM3)
    npt.assert_allclose(line.get_ydata(), expected)


def test_several_realizations_show_the_median_and_a_band(ensemble: xr.Dataset) -> None:
    axes = storage.plot(ensemble, "kirov").axes[0]
    line = next(line for line in axes.lines if "median" in str(line.get_label()))
    median = np.median(ensemble["storage"].values[:, :, 0], axis=0) * HM3
    npt.assert_allclose(np.asarray(line.get_ydata())[1:], median)


def test_a_hydrograph_shows_step_means_and_the_environmental_flow(years: xr.Dataset) -> None:
    figure = hydrograph.plot(years, "border")
    values, _, _ = stairs(figure, "outflow").get_data()
    npt.assert_allclose(values, years["outflow"].sel(node="border").values[0])
    values, _, _ = stairs(figure, "environmental flow required").get_data()
    assert set(values) == {2.0}


def test_a_shortage_of_environmental_flow_is_shaded_only_where_there_is_one(
    years: xr.Dataset, decades: xr.Dataset
) -> None:
    def labels(ds: xr.Dataset) -> list[str]:
        return [str(c.get_label()) for c in hydrograph.plot(ds, "border").axes[0].collections]

    assert "deficit" in labels(years)
    assert "deficit" not in labels(decades)


def test_supplies_and_deficit_of_a_party_stack_up_to_its_requirement(years: xr.Dataset) -> None:
    figure = supply.plot(years)
    row = 2  # axes stand long, short, long, short: this is KZ
    top, _, lower = stairs(figure, "deficit", row).get_data()
    requirement, _, _ = stairs(figure, "requirement", row).get_data()
    npt.assert_allclose(top, requirement, rtol=1e-12)
    of_kz = (years["requirement"] * seconds(years) * HM3).sel(site=["zhambyl", "taraz"])
    npt.assert_allclose(requirement, of_kz.sum("site").values[0], rtol=1e-12)
    assert (np.asarray(lower) <= np.asarray(top)).all()


def test_a_run_of_one_year_has_no_separate_mean_year(
    decades: xr.Dataset, years: xr.Dataset
) -> None:
    assert len(supply.plot(decades).axes) == 2
    assert len(supply.plot(years).axes) == 4


def test_energy_is_drawn_in_gwh(years: xr.Dataset) -> None:
    values, _, _ = stairs(energy.plot(years), "Bala saruu").get_data()
    npt.assert_allclose(np.sum(values), years["energy"].sum().item() / 3.6e12)


def test_plants_of_one_party_differ_in_shade(years: xr.Dataset) -> None:
    two = xr.concat([years, years.assign_coords(plant=["second"])], "plant", data_vars="minimal")
    first, second = energy.plant_shades(two)
    assert first != second


def test_what_a_policy_or_a_clause_asks_for_is_named_after_it(basin: Basin) -> None:
    ds = basin.run(
        """
        parties: {UP: Up, LOW: Low}
        nodes:
          spring: {kind: catchment, runoff: 10 m3/s}
          dam: {kind: reservoir, capacity: 40 hm3, initial_storage: 40 hm3,
            levels: {full_level: 10 m, depth: 10 m, exponent: 2}}
          gate: {kind: gauge, environmental_flow: {flow: 1 m3/s, priority: 1}}
          sea: {kind: terminal}
        rivers: [spring > dam > gate > sea]
        policies: {dam_year: {kind: standard, at: dam, requirement: 12 m3/s, priority: 3}}
        agreements:
          gate_plan: {kind: deliveries, gauge: gate, from: UP, to: LOW, schedule: 9 m3/s, priority: 2}
        """
    )
    labels = [hydrograph.plot(ds, node).axes[0].get_legend_handles_labels()[1] for node in
              ("dam", "gate")]  # fmt: skip
    assert "release asked for by dam year" in labels[0]
    assert {"environmental flow required", "gate plan required"} <= set(labels[1])


def bar_sums(figure: Figure) -> np.ndarray:
    """Sum of the heights of all bars in each place."""
    heights: dict[float, float] = {}
    for bar in figure.axes[0].patches:
        place = round(bar.get_x(), 3)
        heights[place] = heights.get(place, 0.0) + bar.get_height()
    return np.array(list(heights.values()))


@pytest.mark.parametrize("run", ["years", "decades", "ensemble"])
def test_the_bars_of_a_balance_close_without_an_other_term(
    run: str, request: pytest.FixtureRequest
) -> None:
    figure = balance.plot(request.getfixturevalue(run))
    npt.assert_allclose(bar_sums(figure), 0.0, atol=1e-6)
    assert "other" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_overflow_of_a_lake_leaves_a_balance_once(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 10 m3/s}
          sea: {kind: lake, capacity: 40 hm3, initial_storage: 40 hm3,
            levels: {full_level: 10 m, depth: 10 m, exponent: 2}}
        rivers: [spring > sea]
        """
    )
    spill = (ds["spill"] * seconds(ds) * HM3).sum().item()
    assert spill > 0.0
    npt.assert_allclose(balance.flows(ds)["outflow"].sum(), -spill, rtol=1e-12)
    figure = balance.plot(ds)
    npt.assert_allclose(bar_sums(figure), 0.0, atol=1e-6)
    assert "other" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_what_a_balance_does_not_know_is_drawn_as_other(years: xr.Dataset) -> None:
    figure = balance.plot(years.drop_vars("evaporation"))
    assert "other" in [text.get_text() for text in figure.legends[0].get_texts()]
    npt.assert_allclose(bar_sums(figure), 0.0, atol=1e-6)


def test_a_balance_stands_on_complete_hydrological_years(
    years: xr.Dataset, decades: xr.Dataset
) -> None:
    assert balance.periods(years)[0] == [str(year) for year in range(2001, 2014)]
    assert balance.periods(decades)[0] == ["2003-01-01 to 2003-12-31"]


# --- the network ---------------------------------------------------------------------------------


def river(*pairs: str) -> list[Link]:
    """Rivers from texts like ``a>b``."""
    return [Link("river", *pair.split(">")) for pair in pairs]


def test_the_longest_river_is_straight_and_a_tributary_joins_it_from_one_column_before() -> None:
    places = schematic(["a", "b", "c", "t"], river("a>b", "b>c", "t>b"))
    assert places["a"][1] == places["b"][1] == places["c"][1]
    assert (places["a"][0], places["b"][0], places["c"][0]) == (0.0, 1.0, 2.0)
    assert places["t"][0] == 0.0
    assert places["t"][1] != places["a"][1]


def test_no_two_names_stand_in_one_cell(forty: xr.Dataset) -> None:
    places = schematic(list(network.looks(forty)), network.links(forty))
    assert len(places) == 45
    assert len(set(places.values())) == 45


def test_rivers_that_part_and_join_again_still_have_a_place_each() -> None:
    places = schematic(list("abcd"), river("a>b", "a>c", "b>d", "c>d"))
    assert len(set(places.values())) == 4
    assert places["a"][0] < places["b"][0] < places["d"][0]


def test_two_rivers_that_never_meet_stand_in_two_rows() -> None:
    places = schematic(list("abcd"), river("a>b", "c>d"))
    assert places["a"][1] == places["b"][1] != places["c"][1] == places["d"][1]


def test_a_single_node_has_a_map(forty: xr.Dataset) -> None:
    alone = forty.drop_dims(["site", "plant", "reach", "reservoir", "terminal"]).isel(node=[0])
    assert network.plot(alone).axes


@pytest.mark.parametrize("run", ["years", "decades", "mapped", "forty"])
def test_names_on_a_map_do_not_cover_one_another(run: str, request: pytest.FixtureRequest) -> None:
    figure = network.plot(request.getfixturevalue(run))
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    assert len(texts) >= 8
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    covering = [(a, b) for (a, x), (b, y) in combinations(boxes, 2) if x.overlaps(y)]
    assert covering == []


def test_every_line_of_the_topology_is_drawn(years: xr.Dataset) -> None:
    found = {(link.sort, link.start, link.end) for link in network.links(years)}
    assert found == {
        ("river", "upper_talas", "kirov"),
        ("river", "kirov", "border"),
        ("river", "border", "moyinkum"),
        ("canal", "kirov", "talas_oblast"),
        ("canal", "border", "zhambyl"),
        ("canal", "border", "taraz"),
        ("return", "talas_oblast", "border"),
        ("at", "kirov", "bala_saruu"),
    }


def test_a_map_without_coordinates_of_every_node_is_a_schematic(mapped: xr.Dataset) -> None:
    assert len(network.on_the_ground(mapped)) == 7
    lon = mapped["node_lon"].values.copy()
    lon[3] = np.nan
    assert network.on_the_ground(mapped.assign_coords(node_lon=("node", lon))) == {}


def test_a_name_steps_aside_where_lines_leave_up_and_down(years: xr.Dataset) -> None:
    joined = network.links(years)
    places = schematic(list(network.looks(years)), joined)
    figure = network.plot(years)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    for name in ("kirov", "border"):  # a plant or site stands above and below
        x, _ = axes.transData.transform(places[name])
        assert boxes[name.capitalize()].x0 > x


def test_names_of_places_close_together_do_not_cover_one_another(mapped: xr.Dataset) -> None:
    without_lines = mapped.drop_dims(["site", "plant", "reach", "canal"])
    lon = mapped["node_lon"].values.copy()
    lat = mapped["node_lat"].values.copy()
    lon[5], lat[5] = lon[3], lat[3] + 0.02  # one name height above: both names would go right
    close = without_lines.assign_coords(node_lon=("node", lon), node_lat=("node", lat))
    figure = network.plot(close)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
