from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from watersim import registry
from watersim.schema import schema
from watersim.sources import BASIN_KEYS, SCENARIO_KEYS, SECTIONS, shipped_root
from watersim.yaml_source import read_yaml

TEMPLATE = Path(registry.__file__).parent / "template"
FILES = [
    path
    for root in (shipped_root(), TEMPLATE)
    for pattern in ("data/*/basin.yaml", "scenarios/*/*.yaml")
    for path in sorted(root.glob(pattern))
]
BASIN: dict[str, Any] = {
    "title": "One dam, one field",
    "parties": {"UP": "Upper country"},
    "nodes": {
        "hills": {"kind": "catchment", "party": "UP", "runoff": "20 m3/s"},
        "dam": {
            "kind": "reservoir",
            "capacity": "500 hm3",
            "initial_storage": "200 hm3",
            "levels": {"full_level": "900 m", "depth": "70 m", "exponent": 3},
            "zones": [{"name": "all", "to": "capacity"}],
        },
        "plant": {
            "kind": "hydropower", "at": "dam", "capacity": "20 MW", "efficiency": 0.87,
            "tailwater": "826 m",
        },
        "fields": {"kind": "irrigation", "priority": 2, "requirement": "15 m3/s"},
        "sands": {"kind": "terminal"},
    },
    "rivers": ["hills > dam > sands"],
    "reaches": {"dam > sands": {"loss": "5 %"}},
    "canals": {"main": {"from": "dam", "to": "fields", "loss": {"fraction": 0.2}}},
    "agreements": {
        "licence": {"kind": "quota", "sites": ["fields"], "limit": "90 hm3", "per": "season"}
    },
}  # fmt: skip
SCENARIO: dict[str, Any] = {
    "basin": "small",
    "time": {"start": "2000-01-01", "end": "2001-12-31", "step": "month"},
    "nodes": {"dam": {"capacity": "600 hm3", "seepage": None}, "hills": None},
    "canals": {"main": {"loss": None}, "side": None},
    "nodes.dam.levels.depth": "72 m",
    "agreements": {"licence": {"limit": "80 hm3"}, "old": None},
    "variants": {"dry": {"nodes.hills.runoff": "15 m3/s", "canals": {}}},
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value under slash-separated keys replaced."""
    made = copy.deepcopy(document)
    at: Any = made
    *above, last = path.split("/")
    for key in above:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[last] = value
    return made


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_every_shipped_file_and_the_template_fit(
    path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    data = read_yaml(path, path.parents[2]).data
    assert [error.message for error in validator.iter_errors(data)] == []


@pytest.mark.parametrize("document", [BASIN, SCENARIO], ids=["basin", "scenario"])
def test_a_right_file_fits(
    document: dict[str, Any], validator: jsonschema.Draft202012Validator
) -> None:
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("rivres", []),
        ("nodes/dam/capasity", "5 hm3"),
        ("nodes/dam/capacity", 550),
        ("nodes/dam/kind", "lagoon"),
        ("nodes/dam/levels/dept", "7 m"),
        ("nodes/dam/zones/0/priorty", 2),
        ("nodes/dam/evaporation", {"monthly": [1, 2], "unit": "mm/month"}),
        ("nodes/dam/evaporation", {"monthly": [1] * 12, "decades": [1] * 36, "unit": "mm/month"}),
        ("nodes/fields", {"kind": "irrigation", "priority": 2}),
        ("nodes/fields/priority", 0),
        ("nodes/hills", {"runoff": "20 m3/s"}),
        ("nodes/a b", {"kind": "junction"}),
        ("reaches/dam", {"loss": "5 %"}),
        ("canals/main/loss", {"part": "5 %"}),
        ("canals/main/frm", "dam"),
        ("nodes.dam.capacity", "600 hm3"),
        ("agreements/licence/kind", "shares"),
        ("agreements/licence/per", "week"),
        ("agreements/licence/limit", 90),
        ("agreements/licence", {"kind": "quota", "sites": ["fields"], "per": "season"}),
    ],
)
def test_a_wrong_key_or_form_of_a_basin_is_refused(
    path: str, value: Any, validator: jsonschema.Draft202012Validator
) -> None:
    assert not validator.is_valid(changed(BASIN, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tme", {}),
        ("time/step", "week"),
        ("time/start", "1 January 2000"),
        ("nodes/dam/capasity", "600 hm3"),
        ("nodes/dam/kind", "lagoon"),
        ("lakes.dam.capacity", "600 hm3"),
        ("variants/dry/lakes.dam", "5 hm3"),
        ("variants/a+b", {}),
    ],
)
def test_a_wrong_key_or_form_of_a_scenario_is_refused(
    path: str, value: Any, validator: jsonschema.Draft202012Validator
) -> None:
    assert not validator.is_valid(changed(SCENARIO, path, value))


def test_every_registered_kind_is_described_with_its_fields_and_units() -> None:
    definitions = schema()["$defs"]
    for kind in registry.every_kind():
        properties = definitions[kind.__name__]["properties"]
        names = {field.alias or name for name, field in kind.model_fields.items()}
        assert set(properties) == names
        assert all("description" in properties[name] for name in names - {"kind"})
    assert "hm3" in definitions["Reservoir"]["properties"]["capacity"]["description"]


def test_the_top_level_keys_are_those_the_reader_knows() -> None:
    definitions = schema()["$defs"]
    assert set(definitions["basin"]["properties"]) == set(BASIN_KEYS)
    assert set(definitions["scenario"]["properties"]) == {*SCENARIO_KEYS, *SECTIONS}


def test_asking_twice_gives_the_same_schema() -> None:
    assert schema() == schema()
