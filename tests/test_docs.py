"""Docs against the code: tables of kinds and results, YAML examples, worked numbers, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import pytest
import xarray as xr
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import watersim
from watersim import registry
from watersim.described import Kind, Node
from watersim.fields import Described, Varying, quantity, varying
from watersim.netcdf import save

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PATH_LINE = re.compile(r"# ((?:data|scenarios)/\S+)")


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its two head lines."""
    below = FENCE.sub("", text).split(f"{heading}\n", 1)[1]
    section = re.split(r"^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced examples of a page in one language."""
    return [text for found, text in FENCE.findall(page.read_text("utf-8")) if found == language]


# kinds.md


def parts(annotation: Any) -> Iterator[Any]:
    """An annotation and everything it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def takes(name: str, info: FieldInfo) -> str:
    """What may be written for a field: its dimension, a mapping, a number or a text."""
    found = [*info.metadata, *parts(info.annotation)]
    for mark in (one for one in found if isinstance(one, quantity | varying)):
        return mark.dimension + (", may vary" if isinstance(mark, varying) else "")
    models = [one for one in found if isinstance(one, type) and issubclass(one, BaseModel)]
    if models:
        listed = list in [get_origin(one) for one in found]
        return f"list of [mappings](#{name})" if listed else f"[mapping](#{name})"
    words = [f"`{one}`" for one in found if isinstance(one, str)]
    if words:
        return f"{', '.join(words[:-1])} or {words[-1]}"
    if list[str] in found:
        return "list of texts"
    plain = {bool: "true or false", int: "whole number", float: "number", str: "text"}
    return next(plain[one] for one in found if one in plain)


def table(model: type[Described], leave_out: set[str]) -> list[str]:
    """The lines of a model's table in kinds.md."""
    lines = ["| field | takes | if not written | meaning |", "|---|---|---|---|"]
    for name, info in model.model_fields.items():
        if name in leave_out:
            continue
        default = "absent" if info.default in (None, []) else str(info.default).removesuffix(".0")
        cells = [
            f"`{info.alias or name}`",
            takes(name, info),
            "**required**" if info.is_required() else default,
            str(info.description),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def all_kinds() -> dict[str, type[Kind]]:
    return {kind.name(): kind for kind in registry.every_kind()}


def mappings() -> dict[str, type[Described]]:
    """Every mapping that a field of a kind takes, by the name of the field."""
    found: dict[str, type[Described]] = {}
    waiting: list[type[Described]] = list(all_kinds().values())
    while waiting:
        for name, info in waiting.pop().model_fields.items():
            for one in parts(info.annotation):
                if isinstance(one, type) and issubclass(one, Described) and one is not Varying:
                    assert found.get(name, one) is one, f"two mappings are called {name}"
                    waiting += [] if name in found else [one]
                    found[name] = one
    return found


def tables() -> dict[str, list[str]]:
    """Every table that kinds.md must have, by its heading."""
    common = {"kind", *Node.model_fields}
    wanted = {"Every node": table(Node, set())}
    for name, kind in sorted(all_kinds().items()):
        wanted[f"`{name}`"] = table(kind, common)
    for name, model in sorted(mappings().items()):
        wanted[f"`{name}`"] = table(model, set())
    return {heading: lines for heading, lines in wanted.items() if len(lines) > 2}


def kind_pages() -> list[tuple[str, list[str]]]:
    return sorted(tables().items())


@pytest.mark.parametrize(("heading", "lines"), kind_pages(), ids=lambda value: str(value)[:20])
def test_the_table_of_a_kind_says_what_its_fields_say(heading: str, lines: list[str]) -> None:
    page = (DOCS / "kinds.md").read_text("utf-8")
    found = ["| " + " | ".join(cells) + " |" for cells in rows(page, f"# {heading}")]
    assert found == lines[2:]


def test_every_kind_has_a_section() -> None:
    page = (DOCS / "kinds.md").read_text("utf-8")
    assert set(re.findall(r"^## `(\w+)`$", page, re.MULTILINE)) == set(all_kinds())


def test_kinds_has_no_table_of_something_that_is_gone() -> None:
    page = (DOCS / "kinds.md").read_text("utf-8")
    below = {"Every node", *(f"`{name}`" for name in all_kinds()), *tables(), "Mappings"}
    assert set(re.findall(r"^##+ (.*)$", page, re.MULTILINE)) == below


# results.md

EVERY_KIND = """
title: Every kind
climates:
  plain:
    latitude: 43
    elevation: 600 m
    minimum_temperature: 12 degC
    maximum_temperature: 26 degC
    humidity: 50 %
    wind: 2 m/s
    sunshine: 9 hours
    rain: 20 mm/month
crops:
  maize:
    season: {from: 05-01, to: 09-17}
    stages: {initial: 25 days, development: 40 days, mid: 45 days, late: 30 days}
    coefficient: {initial: 0.3, mid: 1.2, end: 0.5, off_season: 0.3}
    height: 2 m
    root_depth: 1.2 m
    depletion_fraction: 0.55
parties: {UP: Upper country, LOW: Lower country}
nodes:
  hills: {kind: catchment, party: UP, lon: 72, lat: 42, runoff: 30 m3/s}
  brook: {kind: catchment, runoff: 1 m3/s}
  dam:
    kind: reservoir
    party: UP
    capacity: 200 hm3
    dead_storage: 10 hm3
    initial_storage: 100 hm3
    levels: {full_level: 900 m, depth: 70 m, exponent: 3}
    evaporation: 100 mm/month
    precipitation: 20 mm/month
    seepage: 1 mm/day
    outlets:
      - {to: town, capacity: 40 m3/s}
      - {to: pond}
    minimum_release: {flow: 1 m3/s, priority: 1}
    zones: [{name: reserve, to: 60 hm3, priority: 4}, {name: conservation, to: capacity}]
  plant:
    kind: hydropower
    at: dam
    party: UP
    capacity: 20 MW
    efficiency: 0.87
    tailwater: 820 m
    energy_requirement: {energy: 5 GWh/month, priority: 3}
  lines: {kind: grid, party: UP, plants: [plant], energy_requirement: {energy: 2 GWh/month, priority: 3}}
  town: {kind: gauge, environmental_flow: {flow: 2 m3/s, priority: 1}}
  fork: {kind: junction}
  fields:
    kind: irrigation
    party: LOW
    priority: 2
    requirement: 15 m3/s
    return_flow: {fraction: 25 %, to: sands}
  garden:
    kind: cropland
    at: town
    party: LOW
    priority: 3
    area: 900 ha
    climate: plain
    soil: {field_capacity: 30 %, wilting_point: 15 %, initial_depletion: 20 %}
    technique: {efficiency: 60 %, irrigate_at: 50 %, refill_to: 50 %}
    effective_rain: {method: usda}
    capillary_rise: 0.5 mm/day
    crops: [{crop: maize, area: 800 ha}]
  homes: {kind: municipal, at: town, party: LOW, priority: 1, requirement: 0.4 m3/s}
  sands: {kind: terminal}
  pond:
    kind: lake
    capacity: 100 hm3
    initial_storage: 1 hm3
    levels: {full_level: 250 m, depth: 10 m, exponent: 1.5}
    evaporation: 100 mm/month
rivers:
  - hills > dam > town > fork > sands
  - brook > pond
reaches:
  town > fork: {lag: 2 days, loss: 5 %}
  brook > pond: {kind: muskingum, k: 3 days, x: 0.2}
canals:
  main: {from: fork, to: fields, capacity: 25 m3/s, loss: {fraction: 20 %, to: groundwater}}
  second: {from: dam, to: fields, preference: 2, loss: {fraction: 10 %, to: town}}
agreements:
  licence: {kind: quota, sites: [fields, homes], limit: 60 hm3, per: season}
  border:
    kind: deliveries
    gauge: town
    from: UP
    to: LOW
    schedule: 20 m3/s
    priority: 3
    debt: {limit: 30 hm3, season: {from: 04-01, to: 09-30}}
  barter:
    kind: exchange
    from: UP
    grid: lines
    gauge: town
    season: {from: 04-01, to: 09-30}
    schedule: 10 m3/s
    priority: 3
    initial_fulfilment: 80 %
    receivers: {LOW: {share: 100 %, gives: {energy: 1 MW, price: 30 USD/MWh}}}
  halves:
    kind: shares
    resource: {inflow_of: [hills]}
    shares: {LOW: 100 %}
    period: season
    carry_over: {debt_limit: 5 hm3}
policies:
  plain: {kind: standard, at: dam, requirement: 30 m3/s, priority: 5}
  curve: {kind: rule_curve, at: dam, curve: {01-01: 150 hm3}}
  target: {kind: target_storage, at: dam, targets: {04-01: 50 hm3}, priority: 5}
  save: {kind: hedging, at: dam, requirement: 30 m3/s, trigger: 40 hm3}
  power: {kind: energy_regime, at: dam, season: {from: 10-01, to: 03-31}, release: 25 m3/s, priority: 5}
  farms: {kind: irrigation_regime, at: dam, growing_season: {from: 04-01, to: 09-30}, share: 75 %}
  given: {kind: forced_release, at: dam, release: 25 m3/s}
  own: {kind: function, at: dam, function: hold, priority: 5}
"""
TIME = "time: {start: 2000-01-01, end: 2000-03-31, step: month}"


@pytest.fixture(scope="module")
def baseline() -> xr.Dataset:
    return watersim.run(watersim.load(ROOT / "scenarios/talas/baseline.yaml"))


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    folder = tmp_path_factory.mktemp("every")
    (folder / "basin.yaml").write_text(EVERY_KIND, "utf-8")
    (folder / "run.yaml").write_text(f"title: Every kind\nbasin: basin.yaml\n{TIME}\n", "utf-8")
    scenario = watersim.load(folder / "run.yaml")
    used = {type(member) for _, member in scenario.members()}
    assert used == set(all_kinds().values()), "EVERY_KIND must hold every kind"
    return watersim.run(scenario, rules={"hold": lambda now: 25.0})


def ends(variable: xr.DataArray) -> str:
    attributes = variable.attrs
    if "flow_from" in attributes:
        return f"{attributes['flow_from']} → {attributes['flow_to']}"
    return f"held in {attributes['store_of']}" if "store_of" in attributes else ""


def described(ds: xr.Dataset) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What results.md must say of the variables and of the coordinates of a run."""
    variables = {
        f"`{name}`": [", ".join(map(str, v.dims)), v.attrs.get("units", ""), ends(v)]
        for name, v in ds.data_vars.items()
    }
    coordinates = {}
    for name, v in ds.coords.items():
        place = re.fullmatch(rf"{v.dims[0]}_(lon|lat)", str(name))
        shown = f"`FAMILY_{place[1]}`" if place else f"`{name}`"
        family = "of the family" if place else str(v.dims[0])
        coordinates[shown] = [family, v.attrs.get("units", "")]
    return variables, coordinates


def written() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    page = (DOCS / "results.md").read_text("utf-8")
    variables = {name: [dims, unit, end] for name, dims, unit, _, end in rows(page, "# Variables")}
    coordinates = {name: [dim, unit] for name, dim, unit, _ in rows(page, "# Coordinates")}
    return variables, coordinates


def test_results_lists_what_a_run_of_every_kind_holds(every_kind: xr.Dataset) -> None:
    assert written() == described(every_kind)


def test_results_lists_what_the_baseline_holds(baseline: xr.Dataset) -> None:
    for said, found in zip(written(), described(baseline), strict=True):
        assert found == {name: said[name] for name in found}


def test_results_lists_the_attributes_of_a_run(baseline: xr.Dataset) -> None:
    page = (DOCS / "results.md").read_text("utf-8")
    said = re.findall(r"`(\w+)`", "".join(row[0] for row in rows(page, "# Attributes")))
    assert set(said) == set(baseline.attrs)


def test_the_five_lines_close_kirov_by_hand(baseline: xr.Dataset) -> None:
    names: dict[str, Any] = {"ds": baseline, "np": np}
    for text in blocks(DOCS / "results.md", "python"):
        exec(text, names)
    assert float(names["gap"]) < 1e-3
    assert names["words"][int(names["august"])] == "river_at_border"
    assert f"    {names['sentence']}\n" in (DOCS / "results.md").read_text("utf-8")
    assert names["listed"]["deficit"].is_monotonic_decreasing
    assert float(names["parties"]["share"].sum()) == pytest.approx(2.0)


# examples


def write_examples(folder: Path, page: Path) -> list[Path]:
    """Write every example that names its file into a folder; the scenarios among them."""
    (folder / "data").mkdir()
    (folder / "scenarios").mkdir()
    found = []
    for language in ("yaml", "csv"):
        for text in blocks(page, language):
            named = PATH_LINE.match(text)
            if named:
                path = folder / named[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
                found += [path] if path.is_relative_to(folder / "scenarios") else []
    return found


def lengthen(table: Path, last: str) -> None:
    """Let a table of months shown in part go on to a last month."""
    lines = table.read_text("utf-8").rstrip().splitlines()
    month, value = lines[-1].split(",")
    after = np.arange(np.datetime64(month) + 1, np.datetime64(last) + 1)
    table.write_text("\n".join([*lines, *(f"{one},{value}" for one in after)]) + "\n", "utf-8")


def pages_with_files() -> list[Path]:
    return [page for page in PAGES if page.parent == DOCS and write_names(page)]


def write_names(page: Path) -> list[str]:
    return [m[1] for text in blocks(page, "yaml") if (m := PATH_LINE.match(text))]


@pytest.mark.parametrize("page", pages_with_files(), ids=lambda page: page.name)
def test_every_complete_example_loads(page: Path, tmp_path: Path) -> None:
    scenarios = write_examples(tmp_path, page)
    assert scenarios
    for path in scenarios:
        watersim.load(path)


def fragments() -> list[str]:
    found = blocks(DOCS / "scenario-file.md", "yaml")
    return [text for text in found if not PATH_LINE.match(text)]


@pytest.mark.parametrize("number", range(len(fragments())))
def test_every_fragment_of_a_scenario_loads_over_the_smallest_pair(
    number: int, tmp_path: Path
) -> None:
    write_examples(tmp_path, DOCS / "scenario-file.md")
    lengthen(tmp_path / "data/small/inflow.csv", "2001-12")
    text = fragments()[number]
    if text.startswith("initial:"):
        ds = watersim.run(watersim.load(tmp_path / "scenarios/small/baseline.yaml"))
        save(ds, tmp_path / "scenarios/small/baseline.nc")
    path = tmp_path / "scenarios/small/example.yaml"
    years = "time: {start: 2000-01-01, end: 2001-12-31, step: month}\n"
    time = "" if text.startswith("time:") else years
    path.write_text(f"title: Example\nbasin: small\n{time}{text}", "utf-8")
    for table in re.findall(r"file: (\w+\.csv)", text):
        here = tmp_path / "scenarios/small" / table
        here.write_text((tmp_path / "data/small" / table).read_text("utf-8"), "utf-8")
    scenario = watersim.load(path)
    for variant in scenario.variants:
        watersim.load(path, variant)


def test_three_users_get_what_the_page_says(tmp_path: Path) -> None:
    [path] = write_examples(tmp_path, DOCS / "method.md")
    scenario = watersim.load(path)
    ds = watersim.run(scenario).isel(realization=0, time=0)
    hm3 = scenario.timeline.seconds[0] / 1e6
    page = (DOCS / "method.md").read_text("utf-8")
    table = rows(page, "# Example: three users by hand")
    assert {name for name, *_ in table} == set(ds.claim.values)
    for name, need, given, cover in table:
        claim = ds.sel(claim=name)
        assert float(claim.claim_requirement) * hm3 == pytest.approx(float(need))
        assert float(claim.claim_supply) * hm3 == pytest.approx(float(given))
        assert float(claim.cover) == pytest.approx(float(cover))
    flows = {"weir": 92, "town": 56, "sands": 10}
    for node, inflow in flows.items():
        assert float(ds.inflow.sel(node=node)) * hm3 == pytest.approx(inflow)
    assert float(ds.canal_loss.sel(canal="main")) * hm3 == pytest.approx(8)


def test_three_users_with_a_dam_leave_21_in_store(tmp_path: Path) -> None:
    [path] = write_examples(tmp_path, DOCS / "method.md")
    dam = {
        "kind": "reservoir",
        "capacity": "100 hm3",
        "dead_storage": "20 hm3",
        "initial_storage": "40 hm3",
        "levels": {"full_level": "900 m", "depth": "50 m", "exponent": 3},
    }
    ds = watersim.run(watersim.load(path).with_({"nodes.weir": dam}))
    assert float(ds.storage.squeeze()) == pytest.approx(21e6)
    asked = ds.cover.isel(realization=0, time=0).where(ds.claim_sort != "retention", drop=True)
    assert asked.values == pytest.approx(1.0)


RIVER = """
nodes:
  hills: {kind: catchment, runoff: 60 hm3/month}
  weir: {kind: junction}
  a: {kind: irrigation, priority: 2, requirement: 100 hm3/month}
  b: {kind: irrigation, priority: 2, requirement: 100 hm3/month}
  sands: {kind: terminal}
rivers: [hills > weir > sands]
canals: {one: {from: weir, to: a, capacity: 50 hm3/month}, two: {from: weir, to: b}}
"""
CASCADE = """
nodes:
  hills: {kind: catchment, runoff: 0 m3/s}
  top: {kind: reservoir, capacity: 100 hm3, initial_storage: 50 hm3,
        levels: {full_level: 900 m, depth: 50 m, exponent: 3}}
  low: {kind: reservoir, capacity: 100 hm3, initial_storage: 0 hm3, dead_storage: 20 hm3,
        levels: {full_level: 800 m, depth: 50 m, exponent: 3}}
  town: {kind: junction}
  a: {kind: irrigation, at: town, priority: 1, requirement: 10 hm3/month}
  sands: {kind: terminal}
rivers: [hills > top > low > town > sands]
"""


def one_month(folder: Path, basin: str, **changes: str) -> tuple[list[float], list[float]]:
    """Supplies and storages of one January, hm3."""
    (folder / "basin.yaml").write_text(basin, "utf-8")
    time = "time: {start: 2000-01-01, end: 2000-01-31, step: month}"
    (folder / "run.yaml").write_text(f"title: x\nbasin: basin.yaml\n{time}\n", "utf-8")
    scenario = watersim.load(folder / "run.yaml").with_(
        {key.replace("__", "."): value for key, value in changes.items()}
    )
    ds = watersim.run(scenario).isel(realization=0, time=0)
    supply = ds.supply.values * scenario.timeline.seconds[0] / 1e6
    stored = ds.storage.values / 1e6 if "storage" in ds else np.zeros(0)
    return supply.round(6).tolist(), stored.round(6).tolist()


def test_decision_0002_has_the_right_numbers(tmp_path: Path) -> None:
    assert one_month(tmp_path, RIVER)[0] == [30, 30]
    assert one_month(tmp_path, RIVER, nodes__hills__runoff="130 hm3/month")[0] == [50, 80]


def test_decision_0004_has_the_right_numbers(tmp_path: Path) -> None:
    assert one_month(tmp_path, CASCADE) == ([10], [20, 20])
    assert one_month(tmp_path, CASCADE, nodes__a__requirement="0 m3/s") == ([0], [50, 0])
    assert one_month(tmp_path, CASCADE, nodes__top__initial_storage="25 hm3") == ([5], [0, 20])


# links and words


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text("utf-8"))
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_internal_link_resolves(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text("utf-8"))):
        if not target.startswith("http"):
            file, _, anchor = target.partition("#")
            other = page.parent / file if file else page
            assert other.exists(), target
            assert not anchor or anchor in anchors(other), target


def vocabulary() -> dict[str, str]:
    """The terms of the glossary, as they would be written in a key, and what to avoid for each."""
    text = (DOCS / "glossary.md").read_text("utf-8")
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {cells[0].strip().replace(" ", "_").replace("-", "_"): cells[3] for cells in lines[1:]}


def test_the_dataset_and_the_keys_use_the_words_of_the_glossary(every_kind: xr.Dataset) -> None:
    words = set(vocabulary())
    keys = {name for kind in all_kinds().values() for name in kind.model_fields}
    fluxes = {"evaporation", "release", "spill", "bypass", "supply", "deficit", "diversion"}
    said = (keys | {str(name) for name in every_kind.data_vars}) & words
    assert words >= {"storage", "requirement", "return_flow", "dead_storage", *fluxes}
    assert said >= {"storage", "requirement", "return_flow", "dead_storage", *fluxes}


def test_no_key_and_no_variable_has_a_name_to_avoid(every_kind: xr.Dataset) -> None:
    words = vocabulary()
    names = {name for kind in all_kinds().values() for name in kind.model_fields}
    names |= {str(name) for name in [*every_kind.data_vars, *all_kinds()]}
    avoid = {one.strip().replace(" ", "_") for text in words.values() for one in text.split(",")}
    assert not (names & avoid) - set(words)


def test_validation_uses_the_public_names() -> None:
    texts = blocks(DOCS / "validation.md", "python")
    assert "import watersim\n" in texts[0]
    for text in texts:
        compile(text, "validation.md", "exec")
        assert "from watersim." not in text


def test_the_hindcast_of_the_page_runs_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    drawn: list[str] = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, name: drawn.append(name))
    [text] = [one for one in blocks(DOCS / "validation.md", "python") if "hindcast" in one]
    names: dict[str, Any] = {"watersim": watersim}
    exec(text, names)
    assert drawn == ["toktogul.png"]
    page = (DOCS / "validation.md").read_text("utf-8")
    scores = names["ds"].sel(time=slice(None, "2005-12")).watersim.score(names["observed"])
    said = {row[0].lower(): row for row in rows(page, "# Five dams, run by rules")[:6]}
    for dam in names["dams"]:
        for place, (variable, dim) in enumerate((("storage", "reservoir"), ("outflow", "node"))):
            own = scores[variable].isel(realization=0).sel({dim: dam})
            nse, kge, bias = said[dam][1 + 5 * place : 4 + 5 * place]
            assert float(nse) == pytest.approx(float(own.sel(score="nse")), abs=6e-4), dam
            assert float(kge) == pytest.approx(float(own.sel(score="kge")), abs=6e-3), dam
            percent = float(bias.replace("−", "-").removesuffix(" %"))
            assert percent == pytest.approx(float(own.sel(score="bias")), abs=0.06), dam
