"""Basins made up from a seed, with forcing that goes from nothing to floods; the same by seed.

A `Mix` says how often what stands in a basin. Every basin has a main river with tributaries and a
second river beside it; their size runs from creeks of litres to rivers of thousands of m3/s.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from basins import Basin

from watersim.scenario import Scenario

STEPS = ("month", "decade", "day")
LONGEST_LAG = {"month": 8.0, "decade": 2.5, "day": 0.3}  # days, a third of the shortest step


class Mix(NamedTuple):
    """Chances: of a dam at a node and what it has, of a site at it, and of what leads to the site."""

    dam: float = 0.5
    dead: float = 0.6
    zones: float = 0.5
    outlet: float = 0.5
    surplus: float = 0.2
    weather: float = 0.6
    plant: float = 0.3
    site: float = 0.6
    canal: float = 0.5
    second_source: float = 0.4
    transfer: float = 0.3
    back: float = 0.5
    ground: float = 0.4
    reach: float = 0.5
    quota: float = 0.3
    far: float = 0.0  # of a reach that is longer than a third of the step


FAMILIES = {
    "rivers": Mix(dam=0.0, canal=0.0, transfer=0.0, ground=0.0, quota=0.0, plant=0.0),
    "reservoirs": Mix(dam=0.8, canal=0.0, transfer=0.0, back=0.0, quota=0.0),
    "canals": Mix(dam=0.2, canal=0.9, second_source=0.6, transfer=0.6),
    "returns": Mix(dam=0.2, site=1.0, back=1.0, ground=0.5, transfer=0.1),
    "off stream": Mix(dam=0.4, transfer=1.0, outlet=0.3, site=0.8),
    "everything": Mix(),
    "long ways": Mix(reach=0.9, far=0.7),
}


class Made(NamedTuple):
    """A basin as the mapping of its file, and the flow of its main river in m3/s."""

    basin: dict[str, Any]
    scale: float

    @property
    def text(self) -> str:
        return json.dumps(self.basin, indent=1)


class Maker:
    """Draws one basin."""

    def __init__(self, seed: int, mix: Mix, step: str) -> None:
        self.rng = np.random.default_rng([seed, *map(ord, step)])
        self.mix, self.step = mix, step
        self.more = np.random.default_rng(
            [seed, 1, *map(ord, step)]
        )  # leaves other draws as they are
        self.scale = float(10.0 ** self.rng.uniform(-2.0, 3.0))
        self.nodes: dict[str, Any] = {}
        self.canals: dict[str, Any] = {}
        self.reaches: dict[str, Any] = {}

    def has(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one_of(self, *values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def number(self, low: float, high: float) -> float:
        return float(f"{self.rng.uniform(low, high):.3g}")

    def flow(self, most: float = 1.0) -> str:
        share = self.one_of(0.0, 0.1, self.number(0.05, 1.0), 1.0)
        return f"{self.scale * most * share:.6g} m3/s"

    def seasonal(self, most: float = 1.0) -> dict[str, Any]:
        values = [float(f"{self.scale * most * share:.4g}") for share in self.rng.random(12)]
        return {"monthly": values, "unit": "m3/s"}

    def make(self) -> Made:
        main = [f"n{k}" for k in range(int(self.rng.integers(2, 6)))]
        branches = [[f"b{k}{j}" for j in range(int(self.rng.integers(0, 3)))]
                    for k in range(int(self.rng.integers(0, 3)))]  # fmt: skip
        far = ["f0", "f1"]
        joins = [self.one_of(*main, "sea") for _ in branches]
        rivers = [["spring", *main, "sea"], ["other", *far, "pan"]]
        rivers += [
            [f"side{k}", *own, to] for k, (own, to) in enumerate(zip(branches, joins, strict=True))
        ]
        for river in rivers:
            self.nodes[river[0]] = {"kind": "catchment", "runoff": self.one_of(
                self.flow(), self.seasonal())}  # fmt: skip
        below = {a: b for river in rivers for a, b in pairwise(river)}
        inner = [*main, *far, *(name for own in branches for name in own)]
        for name in inner:
            self.node(name, below[name])
        for end in ("sea", "pan"):
            self.nodes[end] = self.lake() if self.has(0.3) else {"kind": "terminal"}
        self.balance()
        for name in inner:
            if self.has(self.mix.site):
                self.site(f"s_{name}", name, inner)
            if self.has(self.mix.reach):
                loss: dict[str, Any] = {}
                if self.has(0.5):
                    back = {"to": below[name]} if self.more.random() < 0.5 else {}
                    lost = {"fraction": f"{self.number(0, 20)} %", **back, **self.slowly(back)}
                    loss = {"loss": lost}
                lag = self.number(0.0, LONGEST_LAG[self.step])
                way = {"lag": f"{lag} days"}
                if self.mix.far and self.more.random() < self.mix.far:
                    way = self.long_way()
                self.reaches[f"{name} > {below[name]}"] = {**way, **loss}
        for k in range(2):
            if self.has(self.mix.transfer):
                self.transfer(f"t{k}", inner)
        basin = {"nodes": self.nodes, "rivers": [" > ".join(river) for river in rivers]}
        for key, entries in (("reaches", self.reaches), ("canals", self.canals)):
            if entries:
                basin[key] = entries
        sites = [name for name, node in self.nodes.items()
                 if node["kind"] in ("irrigation", "municipal")
                 and not str(node["requirement"]).startswith("0 ")]  # fmt: skip
        if sites and self.has(self.mix.quota):
            own = sites[: int(self.rng.integers(1, len(sites) + 1))]
            limit = self.scale * 30 * 86_400 * self.one_of(0.1, 0.5, 2.0)
            basin["agreements"] = {"licence": {
                "kind": "quota", "sites": own, "limit": f"{limit:.6g} m3",
                "per": self.one_of("month", "season", "year"),
            }}  # fmt: skip
        return Made(basin, self.scale)

    def node(self, name: str, below: str) -> None:
        if self.has(self.mix.dam):
            self.nodes[name] = self.dam(below)
        elif self.has(0.5):
            flow = {"flow": self.flow(0.5), "priority": self.one_of(1, 3, 5)}
            self.nodes[name] = {"kind": "gauge", "environmental_flow": flow}
        else:
            self.nodes[name] = {"kind": "junction"}
        if self.has(self.mix.plant):
            dam = self.nodes[name]["kind"] == "reservoir"
            self.nodes[f"p_{name}"] = {
                "kind": "hydropower", "at": name, "capacity": f"{self.scale * 0.2:.4g} MW",
                "efficiency": 0.9, **({"tailwater": "80 m"} if dam else {"head": "15 m"}),
                **({"max_flow": self.flow()} if self.has(0.5) else {}),
                **({"energy_requirement": {"energy": f"{self.scale * 0.1:.4g} MW",
                                           "priority": self.one_of(1, 3, 5)}}
                   if self.has(0.5) else {}),
            }  # fmt: skip

    def standing(self) -> tuple[float, dict[str, Any]]:
        """A capacity in m3, and what lakes and reservoirs share."""
        capacity = float(f"{self.scale * 86_400 * self.one_of(1, 30, 30, 300):.6g}")
        first = capacity * self.one_of(0.0, 0.02, self.number(0, 1), 1.0)
        depth = self.number(1, 60)
        parts = {
            "capacity": f"{capacity!r} m3",
            "initial_storage": f"{first!r} m3",
            "levels": {"full_level": "120 m", "depth": f"{depth} m",
                       "exponent": self.number(1, 4)},
        }  # fmt: skip
        if self.has(self.mix.weather):
            parts["evaporation"] = f"{self.number(0, 12)} mm/day"
            if self.has(0.5):
                parts["seepage"] = f"{self.number(0, 5)} mm/day"
            if self.has(0.5):
                parts["precipitation"] = f"{self.number(0, 8)} mm/day"
        return capacity, parts

    def lake(self) -> dict[str, Any]:
        return {"kind": "lake", **self.standing()[1]}

    def dam(self, below: str) -> dict[str, Any]:
        capacity, parts = self.standing()
        dam: dict[str, Any] = {"kind": "reservoir", **parts}
        if self.has(self.mix.dead):
            dam["dead_storage"] = f"{capacity * self.one_of(0.05, self.number(0, 0.6), 1.0)!r} m3"
        if self.has(self.mix.zones):
            dam["zones"] = self.zones(capacity)
        if self.has(self.mix.surplus):
            side = {"to": "pan", **({"capacity": self.flow()} if self.has(0.5) else {})}
            dam["outlets"] = [{"to": below, "capacity": self.seasonal()}, side]
            if "capacity" in side:
                dam["outlets"].append({"to": self.one_of(below, "pan")})
        elif self.has(self.mix.outlet):
            dam["outlet_capacity"] = self.one_of(self.flow(), self.seasonal())
        if self.has(0.3):
            flow = self.flow(0.3)
            dam["minimum_release"] = {"flow": flow, "priority": self.one_of(1, 3)}
        return dam

    def zones(self, capacity: float) -> list[dict[str, Any]]:
        tops = sorted(float(share) for share in self.rng.random(int(self.rng.integers(1, 3))))
        zones: list[dict[str, Any]] = []
        for k, share in enumerate(tops):
            zone: dict[str, Any] = {"name": f"z{k}", "to": f"{capacity * share!r} m3"}
            if self.has(0.6):
                zone["priority"] = self.one_of(2, 4, 6)
            if self.has(0.2):
                zone["keep_empty"] = {"from": "04-01", "to": "07-31"}
            zones.append(zone)
        if self.has(0.6):
            zones.append({"name": "top", "to": "capacity"})
        return zones

    def balance(self) -> None:
        """Let all dams draw down together, where there are some."""
        dams = [node for node in self.nodes.values() if node["kind"] == "reservoir"]
        if len(dams) > 1 and self.has(0.3):
            for dam in dams:
                zones = dam.setdefault("zones", [{"name": "top", "to": "capacity"}])
                zones[0]["balance_group"] = "together"
                zones[0].pop("priority", None)

    def site(self, site: str, name: str, inner: list[str]) -> None:
        made: dict[str, Any] = {
            "kind": self.one_of("irrigation", "municipal"), "priority": self.one_of(1, 3, 5),
            "requirement": self.one_of(self.flow(), self.seasonal()),
        }  # fmt: skip
        if self.has(self.mix.back):
            back = {"fraction": f"{self.number(0, 60)} %", "to": self.one_of(*inner, name, "sea")}
            if self.has(self.mix.ground):
                back["recession"] = f"{self.number(1, 200)} days"
                back["initial_storage"] = f"{self.scale * 86_400 * self.one_of(0, 20)!r} m3"
            made["return_flow"] = back
        self.nodes[site] = made
        if not self.has(self.mix.canal):
            made["at"] = name
            return
        self.canals[f"c_{site}"] = self.canal(name, site, inner)
        if self.has(self.mix.second_source):
            second = self.canal(self.one_of(*inner), site, inner)
            self.canals[f"d_{site}"] = {**second, "preference": self.one_of(1, 2)}

    def canal(self, start: str, end: str, inner: list[str]) -> dict[str, Any]:
        canal: dict[str, Any] = {"from": start, "to": end}
        if self.has(0.6):
            canal["capacity"] = self.one_of(self.flow(0.6), self.seasonal(0.6))
        if self.has(0.6):
            to = {"to": self.one_of(*inner, "groundwater")} if self.has(0.4) else {}
            canal["loss"] = {"fraction": f"{self.number(0, 40)} %", **to, **self.slowly(to)}
        if self.more.random() < 0.3:
            canal |= {"lift": f"{self.more.integers(1, 90)} m", "pump_efficiency": "70 %"}
        return canal

    def slowly(self, to: dict[str, str]) -> dict[str, str]:
        """How a loss comes back to where it leads: often in part, and through the ground."""
        if to.get("to", "groundwater") == "groundwater":
            return {}
        parts = {}
        if self.more.random() < 0.6:
            parts["returning"] = f"{self.more.integers(0, 101)} %"
        if self.more.random() < 0.6:
            parts["recession"] = f"{self.more.integers(1, 200)} days"
            stored = self.scale * 86_400 * float(self.more.choice([0.0, 20.0]))
            parts["initial_storage"] = f"{stored!r} m3"
        return parts

    def long_way(self) -> dict[str, Any]:
        """Travel times of a third of a step to six steps."""
        days = LONGEST_LAG[self.step] * 3.0 * float(10.0 ** self.more.uniform(-0.4, 0.8))
        first = float(self.more.choice([0.0, 0.3]))
        start = {"initial_flow": f"{self.scale * first:.6g} m3/s"} if first else {}
        if self.more.random() < 0.3:
            x = float(f"{self.more.uniform(0.0, 0.35):.3g}")
            return {"kind": "muskingum", "k": f"{days:.4g} days", "x": x, **start}
        return {"lag": f"{days:.4g} days", **start}

    def transfer(self, name: str, inner: list[str]) -> None:
        """A canal from river to river, into a reservoir where there is one."""
        dams = [node for node in inner if self.nodes[node]["kind"] == "reservoir"]
        start = self.one_of(*inner)
        ends = [node for node in (dams or inner) if node != start]
        if ends:
            self.canals[name] = self.canal(start, self.one_of(*ends), inner)


def made(seed: int, family: str, step: str) -> Made:
    """The basin of a seed."""
    return Maker(seed, FAMILIES[family], step).make()


def scenario(folder: Path, seed: int, family: str, step: str, time: tuple[str, str]) -> Scenario:
    """Its scenario from the first day to the last, written into an empty folder."""
    return Basin(folder).load(made(seed, family, step).text, (*time, step))


def forcing(scenario: Scenario, seed: int, realizations: int) -> xr.Dataset:
    """Weather and requirements of their own in every realization: dry spells, ordinary, floods."""
    rng = np.random.default_rng(seed)
    starts = scenario.timeline.starts.astype("datetime64[ns]")
    ds = xr.Dataset(coords={"time": starts, "realization": np.arange(realizations)})
    varied = {
        "runoff",
        "requirement",
        "evaporation",
        "precipitation",
        "outlet_capacity",
        "capacity",
    }
    for (name, part, key), values in scenario.forcing.items():
        if part >= 0 or key not in varied:
            continue
        shape = (realizations, starts.size)
        factor = np.exp(rng.normal(0.0, 0.5, shape))
        spells = rng.random(shape)
        factor[spells < 0.15] = 0.0
        factor[(spells > 0.15) & (spells < 0.25)] = 1.0
        factor[spells > 0.97] *= 300.0 if key == "runoff" else 3.0
        ds[f"{name}.{key}"] = (("realization", "time"), factor * values)
    return ds
