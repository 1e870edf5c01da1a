"""Sections that members name: read once, faults shown once where they are written."""

from __future__ import annotations

import pytest
from basins import Basin

from watersim.errors import InputError
from watersim.scenario import load

TEXT = """
climates:
  plain: {latitude: 43, elevation: 600 m, minimum_temperature: 12 degC, maximum_temperature: 26 degC, humidity: 50 %, wind: 2 m/s, sunshine: 9 hours, rain: 20 mm/month}
crops:
  maize: {season: {from: 05-01, to: 09-17}, stages: {initial: 25 days, development: 40 days, mid: 45 days, late: 30 days}, coefficient: {initial: 0.3, mid: 1.2, end: 0.6, off_season: 0.3}, height: 2 m, root_depth: 1.2 m, depletion_fraction: 0.55}
soils:
  loam: {field_capacity: 30 %, wilting_point: 15 %, initial_depletion: 20 %}
techniques:
  furrow: {efficiency: 60 %, irrigate_at: 50 %, refill_to: 50 %}
  drip: {efficiency: 90 %, irrigate_at: 30 %, refill_to: 30 %}
nodes:
  hills: {kind: catchment, runoff: 30 m3/s}
  bend: {kind: junction}
  one: {kind: cropland, at: bend, priority: 1, area: 900 ha, climate: plain, soil: loam, technique: furrow, effective_rain: {method: usda}, crops: [{crop: maize, area: 800 ha}]}
  two: {kind: cropland, at: bend, priority: 1, area: 900 ha, climate: plain, soil: loam, technique: furrow, effective_rain: {method: usda}, crops: [{crop: maize, area: 800 ha, technique: drip}]}
  sea: {kind: terminal}
rivers: [hills > bend > sea]
"""  # noqa: E501
YEAR = ("2001-01-01", "2001-12-31", "month")


def problems(basin: Basin, text: str) -> list[str]:
    """The lines of a refusal, without the folder."""
    with pytest.raises(InputError) as refused:
        basin.load(text, YEAR)
    return [f"{problem.key}: {problem.message}" for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("humidity: 50 %", "humidity: 150 %", "climates.plain.humidity: must be at most 1"),
        ("latitude: 43", "latitude: 430", "climates.plain.latitude: must be at most 66"),
        ("mid: 45 days", "mid: 5 days", "crops.maize.stages: do not fill the season"),
        ("height: 2 m", "hight: 2 m", "crops.maize.hight: is not a field of 'crop'"),
        ("wilting_point: 15 %", "wilting_point: 35 %", "soils.loam.wilting_point: must be below"),
        ("refill_to: 50 %", "refill_to: 90 %", "techniques.furrow.refill_to: must be at most"),
    ],
)
def test_a_fault_is_shown_once_where_it_is_written_though_two_sites_name_it(
    basin: Basin, old: str, new: str, expected: str
) -> None:
    found = problems(basin, TEXT.replace(old, new, 1))
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_fault_in_a_table_of_a_climate_stands_at_the_climate(basin: Basin) -> None:
    text = TEXT.replace("rain: 20 mm/month", "rain: {file: rain.csv, column: rain_mm}")
    [found] = problems(basin, text)
    assert found.startswith("climates.plain.rain.file: ")


def test_what_nobody_names_is_checked_too(basin: Basin) -> None:
    text = TEXT.replace(
        "  drip: {efficiency: 90 %", "  rill: {efficiency: 900 %}\n  drip: {efficiency: 90 %"
    )
    found = problems(basin, text)
    assert any(line.startswith("techniques.rill.efficiency: must be at most 1") for line in found)


def test_a_name_inside_an_entry_of_a_list_is_looked_up_too(basin: Basin) -> None:
    [found] = problems(basin, TEXT.replace("technique: drip", "technique: dripp"))
    assert found == (
        "nodes.two.crops.0.technique: is not a key of 'techniques' (got dripp); did you mean 'drip'?"
    )


def test_a_section_that_is_no_mapping_is_one_fault(basin: Basin) -> None:
    text = TEXT.replace(TEXT[TEXT.index("soils:") : TEXT.index("techniques:")], "soils: [loam]\n")
    found = problems(basin, text)
    assert "soils: must be a mapping of names; write `name: {…}` below it" in found


def test_a_member_may_hold_the_whole_mapping_itself(basin: Basin) -> None:
    own = "{field_capacity: 30 %, wilting_point: 15 %, initial_depletion: 20 %}"
    whole = basin.load(TEXT.replace("soil: loam", f"soil: {own}"), YEAR)
    named = basin.load(TEXT, YEAR)
    assert dict(whole.nodes) == dict(named.nodes)


def test_an_entry_differs_on_its_site_alone(basin: Basin) -> None:
    text = TEXT.replace("area: 800 ha, technique: drip", "area: 800 ha, height: 1 m")
    nodes = basin.load(text, YEAR).nodes
    assert nodes["two"].crops[0].height == 1.0  # type: ignore[attr-defined]
    assert nodes["one"].crops[0].height == 2.0  # type: ignore[attr-defined]


def test_a_variant_changes_a_definition_for_all(basin: Basin) -> None:
    path = basin.write(TEXT, YEAR, more="variants: {lined: {techniques.furrow.efficiency: 75 %}}\n")
    nodes = load(path, "lined").nodes
    assert nodes["one"].technique.efficiency == 0.75  # type: ignore[attr-defined]
    assert nodes["two"].technique.efficiency == 0.75  # type: ignore[attr-defined]
