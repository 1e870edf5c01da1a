"""Network → files of a watersim scenario (JSON is YAML), optionally dressed with every process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from description import Network

EVAPORATION = (10, 15, 40, 80, 125, 165, 190, 170, 110, 60, 25, 10)  # mm/month
PLANTS = 4  # at the largest reservoirs
GAUGES = (12, 7, 3, 23)  # sections of tree28 with an environmental flow
CURVE_POINTS = 16


def section(k: int) -> str:
    """The name of a section; names sort as numbers do."""
    return f"s{k:03d}"


def demand(k: int) -> str:
    """The name of a demand."""
    return f"d{k:03d}"


def catchment(k: int) -> str:
    """The name of the catchment above a section."""
    return f"c{k:03d}"


def write(network: Network, folder: Path, full: bool = False) -> Path:
    """Write the basin, its inflow and a scenario into a folder; the path of the scenario."""
    home = folder / "data" / network.name
    home.mkdir(parents=True)
    (folder / "scenarios").mkdir()
    _write_inflow(network, home / "inflow.csv")
    basin = _basin(network)
    if full:
        _dress(basin, network, home)
    (home / "basin.yaml").write_text(json.dumps(basin, indent=1), encoding="utf-8")
    last = network.days()[-1].toordinal() - 1
    time = {
        "start": network.start.isoformat(),
        "end": network.start.fromordinal(last).isoformat(),
        "step": network.step,
    }
    path = folder / "scenarios" / f"{network.name}.yaml"
    path.write_text(json.dumps({"basin": network.name, "time": time}, indent=1), encoding="utf-8")
    return path


def _write_inflow(network: Network, path: Path) -> None:
    first = "month" if network.step == "month" else "date"
    length = 7 if network.step == "month" else 10
    lines = [",".join([first, *(f"{catchment(k)}_hm3" for k in network.inflow_sections)])]
    for day, row in zip(network.days(), network.inflow, strict=False):
        lines.append(",".join([day.isoformat()[:length], *map(repr, row)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _basin(network: Network) -> dict[str, Any]:
    per_step = f"hm3/{network.step}"
    nodes: dict[str, Any] = {section(k): {"kind": "junction"} for k in range(len(network.down))}
    nodes["sea"] = {"kind": "terminal"}
    rivers = [
        f"{section(k)} > {section(below) if below >= 0 else 'sea'}"
        for k, below in enumerate(network.down)
    ]
    for reservoir in network.reservoirs:
        nodes[section(reservoir.section)] = {
            "kind": "reservoir",
            "capacity": f"{reservoir.capacity} hm3",
            "initial_storage": f"{reservoir.initial} hm3",
            "levels": {"full_level": "600 m", "depth": "100 m", "exponent": 2.5},
        }
    for gauge in network.gauges:
        nodes[section(gauge.section)] = {
            "kind": "gauge",
            "environmental_flow": {"flow": f"{gauge.flow} {per_step}", "priority": gauge.priority},
        }
    for k in network.inflow_sections:
        nodes[catchment(k)] = {
            "kind": "catchment",
            "runoff": {"file": "inflow.csv", "column": f"{catchment(k)}_hm3"},
        }
        rivers.append(f"{catchment(k)} > {section(k)}")
    canals = _canals(network, per_step)
    behind = {canal["to"] for canal in canals.values()}
    for k, site in enumerate(network.demands):
        nodes[demand(k)] = {
            "kind": "irrigation",
            "priority": site.priority,
            "requirement": {"monthly": list(site.monthly), "unit": per_step},
        }
        if demand(k) not in behind:
            nodes[demand(k)]["at"] = section(site.section)
    return {"nodes": nodes, "rivers": rivers, "canals": canals}


def _canals(network: Network, per_step: str) -> dict[str, Any]:
    """The canals; a demand with a second source has a first canal from its own section."""
    canals: dict[str, Any] = {}
    for k, canal in enumerate(network.canals):
        capacity = f"{canal.capacity} {per_step}"
        source = section(canal.source)
        if canal.demand is None:
            assert canal.section is not None
            canals[f"w{k:03d}"] = {
                "from": source, "to": section(canal.section), "capacity": capacity,
            }  # fmt: skip
        else:
            site = demand(canal.demand)
            own = section(network.demands[canal.demand].section)
            canals[f"w{k:03d}"] = {
                "from": source, "to": site, "capacity": capacity, "preference": 2,
            }  # fmt: skip
            canals[f"{site}_own"] = {"from": own, "to": site}
    return canals


def _dress(basin: dict[str, Any], network: Network, home: Path) -> None:
    """Evaporation, dead storage, tabulated curves, plants, return flow, gauges and losses."""
    nodes = basin["nodes"]
    for reservoir in network.reservoirs:
        name = section(reservoir.section)
        _write_curve(home / f"{name}.csv", reservoir.capacity)
        nodes[name] |= {
            "levels": {"file": f"{name}.csv"},
            "dead_storage": f"{round(0.05 * reservoir.capacity, 6)} hm3",
            "evaporation": {"monthly": list(EVAPORATION), "unit": "mm/month"},
        }
    largest = sorted(network.reservoirs, key=lambda r: -r.capacity)[:PLANTS]
    for reservoir in largest:
        nodes[f"p{reservoir.section:03d}"] = {
            "kind": "hydropower",
            "at": section(reservoir.section),
            "capacity": f"{round(0.05 * reservoir.capacity, 3)} MW",
            "efficiency": 0.87,
            "tailwater": "495 m",
        }
    for k in GAUGES:
        assert nodes[section(k)] == {"kind": "junction"}
        nodes[section(k)] = {
            "kind": "gauge",
            "environmental_flow": {"flow": "60 hm3/month", "priority": 1},
        }
    for k, site in enumerate(network.demands):
        below = network.down[site.section]
        back = section(below) if below >= 0 else "sea"
        nodes[demand(k)]["return_flow"] = {"fraction": 0.2, "to": back}
    basin["reaches"] = {
        f"{section(k)} > {section(below)}": {"loss": 0.005}
        for k, below in enumerate(network.down)
        if below >= 0
    }


def _write_curve(path: Path, capacity: float) -> None:
    """Level, area and storage of a valley 100 m deep, V ~ depth^2.5; 500 m is its bed."""
    lines = ["level_m,area_km2,storage_hm3"]
    for k in range(CURVE_POINTS):
        depth = 100.0 * k / (CURVE_POINTS - 1)
        full = depth / 100.0
        area = 2.5 * capacity / 100.0 * full**1.5
        lines.append(f"{500.0 + depth!r},{area!r},{capacity * full**2.5!r}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
