"""The contract every kind keeps: documented, closes, finite, not negative, round-trips."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from basins import Basin

from watersim import registry
from watersim.described import Kind

KINDS = {kind.name(): kind for kind in registry.every_kind()}
SECTIONS = ("parties", "nodes", "rivers", "reaches", "canals", "agreements", "policies", "climates",
            "crops", "soils", "techniques")  # fmt: skip
LEVELS = "levels: {full_level: 100 m, depth: 20 m, exponent: 2.5}"
WET = "evaporation: 4 mm/day, precipitation: 1 mm/day, seepage: 1 mm/day"

# a basin in which the kind does something, by kind; `it` is the member looked at
RIVER = "nodes:\n  spring: {kind: catchment, runoff: 10 m3/s}\n  sea: {kind: terminal}\n"
OPERATED = (
    RIVER + f"  dam: {{kind: reservoir, capacity: 100 hm3, {LEVELS}, initial_storage: 40 hm3, "
    f"dead_storage: 5 hm3, outlet_capacity: 20 m3/s, {WET}}}\n"
    "  farm: {kind: irrigation, at: dam_gauge, priority: 2, requirement: 12 m3/s, "
    "return_flow: {fraction: 20 %, to: sea}}\n"
    "  dam_gauge: {kind: gauge}\n"
    "rivers: [spring > dam > dam_gauge > sea]\n"
    "policies:\n  it: {at: dam, kind: "
)
POLICIES = {
    "standard": "standard, requirement: 8 m3/s, priority: 1",
    "forced_release": "forced_release, release: 8 m3/s",
    "rule_curve": "rule_curve, curve: {04-01: 20 hm3, 10-01: 70 hm3}",
    "target_storage": "target_storage, targets: {04-01: 20 hm3, 10-01: 70 hm3}, priority: 1, "
    "expected_inflow: 9 m3/s, minimum: 2 m3/s, maximum: 15 m3/s",
    "hedging": "hedging, requirement: 14 m3/s, trigger: 60 hm3, priority: 1",
    "energy_regime": "energy_regime, season: {from: 10-01, to: 03-31}, release: 9 m3/s, "
    "reserve: 30 hm3, expected_inflow: 9 m3/s, priority: 1",
    "irrigation_regime": "irrigation_regime, growing_season: {from: 04-01, to: 09-30}, "
    "share: 75 %, winter_limit: 4 m3/s",
    "function": "function, function: hold, priority: 1",
}
RULES = {"rules": {"hold": lambda now: 6.0}}  # for the kind function; others call none
EXAMPLES = {
    "catchment": RIVER + "  it: {kind: catchment, runoff: 3 m3/s}\n"
    "rivers: [spring > it > sea]",
    "junction": RIVER + "  it: {kind: junction}\n  "
    "town: {kind: municipal, at: it, priority: 1, requirement: 4 m3/s}\n"
    "rivers: [spring > it > sea]",
    "gauge": RIVER + "  it: {kind: gauge, environmental_flow: {flow: 2 m3/s, priority: 1}}\n"
    "rivers: [spring > it > sea]",
    "reservoir": RIVER
    + f"  it: {{kind: reservoir, capacity: 100 hm3, {LEVELS}, initial_storage: 40 hm3, "
    f"dead_storage: 5 hm3, outlet_capacity: 8 m3/s, {WET}}}\n"
    "  town: {kind: municipal, at: sea_gauge, priority: 1, requirement: 3 m3/s}\n"
    "  sea_gauge: {kind: gauge}\n"
    "rivers: [spring > it > sea_gauge > sea]",
    "lake": "nodes:\n  spring: {kind: catchment, runoff: 10 m3/s}\n"
    f"  it: {{kind: lake, capacity: 60 hm3, {LEVELS}, initial_storage: 20 hm3, {WET}}}\n"
    "rivers: [spring > it]",
    "hydropower": RIVER + "  bend: {kind: junction}\n"
    "  it: {kind: hydropower, at: bend, capacity: 2 MW, efficiency: 0.9, head: 30 m, "
    "energy_requirement: {energy: 1 GWh/month, priority: 1}}\n"
    "rivers: [spring > bend > sea]",
    "grid": RIVER + "  bend: {kind: junction}\n"
    "  mill: {kind: hydropower, at: bend, capacity: 2 MW, efficiency: 0.9, head: 30 m}\n"
    "  it: {kind: grid, plants: [mill], energy_requirement: {energy: 1 GWh/month, priority: 1}}\n"
    "rivers: [spring > bend > sea]",
    "irrigation": RIVER + "  bend: {kind: junction}\n"
    "  it: {kind: irrigation, at: bend, area: 1000 ha, priority: 1, requirement: 12 m3/s, "
    "return_flow: {fraction: 20 %, to: sea}}\n"
    "rivers: [spring > bend > sea]",
    "cropland": "climates:\n  plain: {latitude: 43, elevation: 600 m, minimum_temperature: 12 degC, "
    "maximum_temperature: 26 degC, humidity: 50 %, wind: 2 m/s, sunshine: 9 hours, "
    "rain: 20 mm/month}\n"
    "crops:\n  maize: {season: {from: 05-01, to: 09-17}, stages: {initial: 25 days, "
    "development: 40 days, mid: 45 days, late: 30 days}, basal_coefficient: {initial: 0.15, "
    "mid: 1.15, end: 0.5, off_season: 0}, height: 2 m, root_depth: 1.2 m, "
    "depletion_fraction: 0.55, yield_response: {factor: 1.25, potential: 8 t/ha}}\n"
    + RIVER + "  bend: {kind: junction}\n"
    "  it: {kind: cropland, at: bend, priority: 1, area: 30000 ha, climate: plain, "
    "soil: {field_capacity: 30 %, wilting_point: 15 %, initial_depletion: 20 %, "
    "evaporating_depth: 0.1 m, readily_evaporable: 9 mm}, technique: {efficiency: 60 %, "
    "irrigate_at: 60 %, refill_to: 20 %, interval: 10 days, wetted: 70 %}, "
    "effective_rain: {method: usda}, salinity: {water: 1.5 dS/m, soil: 3 dS/m}, "
    "return_flow: {fraction: 20 %, to: sea, recession: 60 days, initial_storage: 1 hm3}, "
    "crops: [{crop: maize, area: 20000 ha, scheduled: [{depth: 100 mm, from: 11-15, to: 12-20}]}]}\n"
    "rivers: [spring > bend > sea]",
    "municipal": RIVER + "  bend: {kind: junction}\n"
    "  it: {kind: municipal, at: bend, priority: 1, requirement: 3 m3/s, "
    "return_flow: {fraction: 80 %, to: bend}}\n"
    "rivers: [spring > bend > sea]",
    "terminal": "nodes:\n  spring: {kind: catchment, runoff: 10 m3/s}\n  it: {kind: terminal}\n"
    "rivers: [spring > it]",
    "reach": RIVER + "rivers: [spring > sea]\n"
    "reaches:\n  spring > sea: {loss: 5 %, lag: 20 days}",
    "muskingum": RIVER + "rivers: [spring > sea]\n"
    "reaches:\n  spring > sea: {kind: muskingum, k: 12 days, x: 0.2, loss: 5 %}",
    "canal": RIVER + "  bend: {kind: junction}\n"
    "  farm: {kind: irrigation, priority: 1, requirement: 12 m3/s}\n"
    "rivers: [spring > bend > sea]\n"
    "canals:\n  it: {from: bend, to: farm, capacity: 6 m3/s, loss: {fraction: 10 %, to: sea}}",
    "shares": "parties: {UP: Upper}\n" + RIVER + "  bend: {kind: junction}\n"
    "  farm: {kind: irrigation, party: UP, at: bend, priority: 1, requirement: 7 m3/s}\n"
    "rivers: [spring > bend > sea]\n"
    "agreements:\n  it: {kind: shares, resource: {inflow_of: [spring]}, shares: {UP: 100 %}, "
    "period: season, carry_over: {debt_limit: 1 hm3}}",
    "quota": RIVER + "  bend: {kind: junction}\n"
    "  farm: {kind: irrigation, at: bend, priority: 1, requirement: 9 m3/s}\n"
    "rivers: [spring > bend > sea]\n"
    "agreements:\n  it: {kind: quota, sites: [farm], limit: 90 hm3, per: season}",
    "exchange": "parties: {UP: Upland, LOW: Lowland}\n" + RIVER + "  border: {kind: gauge}\n"
    "  bend: {kind: junction}\n"
    "  mill: {kind: hydropower, at: bend, capacity: 2 MW, efficiency: 0.9, head: 30 m}\n"
    "  lines: {kind: grid, plants: [mill], energy_requirement: {energy: 1 GWh/month, priority: 1}}\n"
    "rivers: [spring > bend > border > sea]\n"
    "agreements:\n  it: {kind: exchange, from: UP, grid: lines, gauge: border, priority: 2, "
    "schedule: 8 m3/s, season: {from: 04-01, to: 09-30}, initial_fulfilment: 80 %, receivers: "
    "{LOW: {share: 100 %, takes: {energy: 1 MW, price: 24 USD/MWh}, "
    "gives: {energy: 1 MW, price: 30 USD/MWh}}}}",
    "deliveries": "parties: {UP: Upland, LOW: Lowland}\n" + RIVER + "  border: {kind: gauge}\n"
    "  farm: {kind: irrigation, at: spring, priority: 1, requirement: 4 m3/s}\n"
    "rivers: [spring > border > sea]\n"
    "agreements:\n  it: {kind: deliveries, gauge: border, from: UP, to: LOW, schedule: 8 m3/s, "
    "priority: 2, debt: {limit: 90 hm3, repay_within: 60 days}}",
    **{name: OPERATED + f"{rule}}}" for name, rule in POLICIES.items()},
}  # fmt: skip
YEAR = ("2000-01-01", "2000-12-31", "month")


def test_every_kind_has_an_example() -> None:
    """A new kind is one file and one example here."""
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_kind_is_documented_with_its_equation_and_every_field(name: str) -> None:
    kind = KINDS[name]
    assert kind.__doc__, name
    assert "``" in kind.__doc__, "the docstring states the equation"
    for field, info in kind.model_fields.items():
        assert field == "kind" or info.description, f"{name}.{field} has no meaning"
    for report in kind.reports:
        assert report.unit, report.name
        assert report.meaning, report.name


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_kind_closes_its_balance_and_is_finite_and_not_negative(name: str, basin: Basin) -> None:
    # the fixture checks closure, finiteness and sign
    ds = basin.run(EXAMPLES[name], YEAR, how=RULES)
    assert float(ds["sink_flow"].sum()) > 0.0 or name == "lake"


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_kind_closes_its_balance_in_a_dry_world(name: str, basin: Basin) -> None:
    dry = EXAMPLES[name].replace("runoff: 10 m3/s", "runoff: 0 m3/s").replace(
        "runoff: 3 m3/s", "runoff: 0 m3/s")  # fmt: skip
    dry = re.sub(r"initial_storage: \d+ hm3", "initial_storage: 0 hm3", dry)
    ds = basin.run(dry, YEAR, how=RULES)
    assert np.all(ds["outflow"].sel(node="spring") == 0.0)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_kind_reports_what_it_declares(name: str, basin: Basin) -> None:
    ds = basin.run(EXAMPLES[name], YEAR, how=RULES)
    for report in KINDS[name].part_reports:
        assert ds[report.name].attrs["units"] == report.unit
        assert ds[report.name].dims == ("realization", "time", KINDS[name].part_family)
    for report in KINDS[name].reports:
        assert ds[report.name].attrs["units"] == report.unit
        family = KINDS[name].family
        own = (family, "party") if family == "agreement" else (family,)
        assert ds[report.name].dims == ("realization", "time", *own)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_description_survives_json(name: str, basin: Basin, tmp_path: Path) -> None:
    """YAML → frozen objects → JSON → the same objects."""
    import json

    from watersim.scenario import load

    path = basin.write(EXAMPLES[name], YEAR)
    first = load(path)
    again = tmp_path / "data" / "again"
    again.mkdir()
    text = json.loads(first.text)
    (again / "basin.yaml").write_text(json.dumps({k: v for k, v in text.items() if k in SECTIONS}))
    other = tmp_path / "scenarios" / "again.yaml"
    other.write_text(path.read_text().replace("basin: case", "basin: again"))
    second = load(other)
    assert dict(first.nodes) == dict(second.nodes)
    assert first.network == second.network
    assert dict(first.agreements) == dict(second.agreements)
    assert dict(first.policies) == dict(second.policies)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_kind_is_frozen_and_refuses_unknown_fields(kind: type[Kind]) -> None:
    config: Any = kind.model_config
    assert config["frozen"] is True
    assert config["extra"] == "forbid"
