"""A small synthetic run: one reservoir, two parties, three sites, one plant; closes by itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

HM3 = 1e6
RUNOFF = np.array([22.0, 22, 23, 24, 30, 45, 40, 24, 16, 18, 24, 26])
IRRIGATION = np.array([0.0, 0, 0, 6, 22, 38, 42, 34, 12, 2, 0, 0])
EVAPORATION = np.array([5.0, 8, 25, 60, 95, 130, 150, 140, 90, 45, 15, 6]) * 1e-3 / (30 * 86400)
NODES = ["upper_talas", "kirov", "talas_oblast", "border", "zhambyl", "taraz", "moyinkum"]
SITES = ["talas_oblast", "zhambyl", "taraz"]
Builder = Callable[..., xr.Dataset]


def edges_of(step: str, first: str, count: int) -> np.ndarray:
    """Boundaries of `count` months, or of the decades of `count` months."""
    month = np.datetime64(first, "M") + np.arange(count + 1)
    days = month.astype("datetime64[D]")
    if step == "decade":
        days = np.sort(np.concatenate([days, days[:-1] + 10, days[:-1] + 20]))
    return days.astype("datetime64[ns]")


def build(
    first: str = "2000-01", count: int = 168, step: str = "month", members: int = 1
) -> xr.Dataset:
    """March the little basin in time; every member draws its own wet and dry years."""
    edges = edges_of(step, first, count)
    dt = np.diff(edges) / np.timedelta64(1, "s")
    month = edges[:-1].astype("datetime64[M]").astype(int) % 12
    year = edges[:-1].astype("datetime64[Y]").astype(int)
    rng = np.random.default_rng(3)
    wet = rng.lognormal(-0.05, 0.28, (members, year.max() - year.min() + 1))
    n = dt.size
    out: dict[str, np.ndarray] = {}

    def flux(name: str, *labels: int) -> np.ndarray:
        return out.setdefault(name, np.zeros((members, n, *labels)))

    runoff, storage = flux("runoff", 1), flux("storage", 1)
    inflow, outflow = flux("inflow", 7), flux("outflow", 7)
    requirement, supply = flux("requirement", 3), flux("supply", 3)
    canal, reach = flux("canal_flow", 2), flux("reach_flow", 3)
    runoff[:, :, 0] = RUNOFF[month] * wet[:, year - year.min()]
    requirement[:, :, 0] = IRRIGATION[month] * 0.45
    requirement[:, :, 1] = IRRIGATION[month] * 0.95
    requirement[:, :, 2] = 1.4
    now = np.full(members, 300 * HM3)
    for t in range(n):
        area = 26.5e6 * (now / (550 * HM3)) ** 0.6
        evaporation = EVAPORATION[month[t]] * area
        need = requirement[:, t, 0] / 0.82 + requirement[:, t, 1] / 0.8 + 1.4 + 2.0
        water = now / dt[t] + runoff[:, t, 0] - evaporation
        cover = np.clip((water - 15 * HM3 / dt[t]) / need, 0.0, 1.0)
        supply[:, t] = requirement[:, t] * cover[:, None]
        canal[:, t, 0] = supply[:, t, 0] / 0.82
        canal[:, t, 1] = supply[:, t, 1] / 0.8
        ordered = cover * (need - requirement[:, t, 0] / 0.82)
        left = water - canal[:, t, 0] - ordered
        spill = np.maximum(left - 550 * HM3 / dt[t], 0.0)
        now = (left - spill) * dt[t]
        storage[:, t, 0] = now
        flux("evaporation", 1)[:, t, 0] = evaporation
        flux("area", 1)[:, t, 0] = area
        flux("release", 1)[:, t, 0] = ordered
        flux("spill", 1)[:, t, 0] = spill
        back = 0.25 * supply[:, t, 0]
        reach[:, t, 0] = runoff[:, t, 0]
        reach[:, t, 1] = ordered + spill
        reach[:, t, 2] = ordered + spill + back - canal[:, t, 1] - supply[:, t, 2]
        inflow[:, t] = np.stack(
            [
                runoff[:, t, 0],
                runoff[:, t, 0],
                supply[:, t, 0],
                ordered + spill + back,
                supply[:, t, 1],
                supply[:, t, 2],
                0.88 * reach[:, t, 2],
            ],
            axis=1,
        )
        outflow[:, t] = inflow[:, t]
        outflow[:, t, 1] = ordered + spill
        outflow[:, t, 3] = reach[:, t, 2]
    back = np.zeros_like(supply)
    back[:, :, 0] = 0.25 * supply[:, :, 0]
    head = 40.0 + 40.0 * storage / (550 * HM3)
    turbine = np.minimum(out["release"], 45.0)
    power = 9806.65 * 0.87 * turbine * head
    energy = power * dt[None, :, None]
    wanted = np.where(np.isin(month, [11, 0, 1]), 1.5e6, 0.0)[None, :, None] * dt[None, :, None]
    short = np.maximum(wanted - energy, 0.0)
    zero = np.zeros_like(storage)
    out |= {
        "deficit": requirement - supply,
        "diversion": np.stack([canal[:, :, 0], canal[:, :, 1], supply[:, :, 2]], axis=2),
        "return_flow": back,
        "consumption": supply - back,
        "level": 843.0 + head,
        "precipitation": zero,
        "seepage": zero,
        "bypass": out["release"] - turbine,
        "turbine_flow": turbine,
        "head": head,
        "power": power,
        "energy": energy,
        "energy_requirement": np.broadcast_to(wanted, energy.shape),
        "energy_deficit": np.broadcast_to(short, energy.shape),
        "reach_loss": reach * np.array([0.0, 0.0, 0.12]),
        "reach_arrival": reach * np.array([1.0, 1.0, 0.88]),
        "reach_storage": np.zeros_like(reach),
        "canal_loss": canal * np.array([0.18, 0.2]),
        "canal_delivery": canal * np.array([0.82, 0.8]),
        "sink_flow": inflow[:, :, 6:],
        "claim_requirement": np.full_like(storage, 2.0),
        "claim_supply": np.minimum(outflow[:, :, 3:4], 2.0),
    }
    out["cover"] = out["claim_supply"] / 2.0
    return label(out, edges)


FAMILIES = {
    "catchment": ["runoff"],
    "reservoir": [
        "storage",
        "level",
        "area",
        "evaporation",
        "precipitation",
        "seepage",
        "release",
        "spill",
        "bypass",
    ],
    "plant": ["turbine_flow", "head", "power", "energy", "energy_requirement", "energy_deficit"],
    "site": ["requirement", "supply", "deficit", "diversion", "return_flow", "consumption"],
    "node": ["inflow", "outflow"],
    "reach": ["reach_flow", "reach_loss", "reach_arrival", "reach_storage"],
    "canal": ["canal_flow", "canal_loss", "canal_delivery"],
    "claim": ["claim_requirement", "claim_supply", "cover"],
    "terminal": ["sink_flow"],
}


def label(out: dict[str, np.ndarray], edges: np.ndarray) -> xr.Dataset:
    """Give the arrays the names and coordinates of a run."""
    data = {
        name: (("realization", "time", family), out[name])
        for family, names in FAMILIES.items()
        for name in names
    }
    members, n = out["storage"].shape[:2]
    zones = np.broadcast_to([60 * HM3, 550 * HM3], (n, 2))
    return xr.Dataset(
        data
        | {
            "time_bounds": (("time", "bounds"), np.stack([edges[:-1], edges[1:]], axis=1)),
            "initial_storage": (("realization", "reservoir"), np.full((members, 1), 300 * HM3)),
            "initial_reach_storage": (("realization", "reach"), np.zeros((members, 3))),
            "zone_storage": (("time", "zone"), zones),
        },
        {
            "realization": np.arange(members),
            "time": edges[:-1],
            "node": NODES,
            "node_kind": (
                "node",
                [
                    "catchment",
                    "reservoir",
                    "irrigation",
                    "gauge",
                    "irrigation",
                    "municipal",
                    "terminal",
                ],
            ),
            "node_party": ("node", ["KG", "KG", "KG", "KG", "KZ", "KZ", "KZ"]),
            "catchment": ["upper_talas"],
            "reservoir": ["kirov"],
            "reservoir_party": ("reservoir", ["KG"]),
            "reservoir_capacity": ("reservoir", [550 * HM3]),
            "reservoir_dead_storage": ("reservoir", [15 * HM3]),
            "zone": ["kirov reserve", "kirov conservation"],
            "zone_reservoir": ("zone", ["kirov", "kirov"]),
            "zone_name": ("zone", ["reserve", "conservation"]),
            "plant": ["bala_saruu"],
            "plant_party": ("plant", ["KG"]),
            "plant_at": ("plant", ["kirov"]),
            "site": SITES,
            "site_party": ("site", ["KG", "KZ", "KZ"]),
            "site_sector": ("site", ["irrigation", "irrigation", "municipal"]),
            "site_at": ("site", ["", "", "border"]),
            "site_return_to": ("site", ["border", "", ""]),
            "reach": ["upper_talas > kirov", "kirov > border", "border > moyinkum"],
            "reach_from": ("reach", ["upper_talas", "kirov", "border"]),
            "reach_to": ("reach", ["kirov", "border", "moyinkum"]),
            "canal": ["left_bank", "zhambyl_main"],
            "canal_from": ("canal", ["kirov", "border"]),
            "canal_to": ("canal", ["talas_oblast", "zhambyl"]),
            "canal_loss_to": ("canal", ["", "groundwater"]),
            "claim": ["border.environmental_flow"],
            "claim_node": ("claim", ["border"]),
            "claim_sort": ("claim", ["instream"]),
            "priority": ("claim", [1]),
            "claim_party": ("claim", [""]),
            "sector": ("claim", ["environment"]),
            "terminal": ["moyinkum"],
        },
        {"title": "Synthetic Talas"},
    )


def as_a_map() -> xr.Dataset:
    """The same run with coordinates on the ground."""
    lon = [72.9, 71.9, 72.1, 71.6, 71.2, 71.35, 70.2]
    lat = [42.3, 42.5, 42.35, 42.65, 43.05, 42.8, 43.9]
    return build().assign_coords(node_lon=("node", lon), node_lat=("node", lat))


DOWN = [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 11, 17, 18, 19, 7, 21, 22, 23]


def large() -> xr.Dataset:
    """A topology of 45 names without any flow: five parties, tributaries, sites, plants."""
    sections = [f"section_{k}_of_the_river" for k in range(25)]
    sites = [f"irrigation_massif_{k}" for k in range(15)]
    at = [sections[k] for k in (1, 1, 2, 3, 4, 6, 8, 8, 9, 10, 12, 13, 18, 21, 22)]
    plants = [f"cascade_plant_{k}" for k in range(5)]
    nodes = sections[::-1] + sites
    parties = ["KG", "KZ", "TJ", "UZ"]
    return xr.Dataset(
        coords={
            "realization": [0],
            "node": nodes,
            "node_kind": ("node", ["junction"] * len(nodes)),
            "node_party": ("node", [parties[k % 4] for k in range(len(nodes))]),
            "reservoir": [sections[k] for k in (5, 16, 20, 24)],
            "terminal": [sections[0]],
            "plant": plants,
            "plant_at": ("plant", [sections[k] for k in (5, 16, 16, 20, 24)]),
            "plant_party": ("plant", ["KG"] * 5),
            "site": sites,
            "site_at": ("site", at),
            "site_party": ("site", [parties[k % 4] for k in range(15)]),
            "site_sector": ("site", ["irrigation"] * 12 + ["municipal"] * 3),
            "site_return_to": ("site", ["", sections[0], *[""] * 12, sections[21]]),
            "reach_from": ("reach", sections[:0:-1]),
            "reach_to": ("reach", [sections[k] for k in DOWN[:0:-1]]),
        },
        attrs={"title": "A large basin"},
    )


@pytest.fixture(scope="session")
def forty() -> xr.Dataset:
    """Forty-five names, topology only."""
    return large()


@pytest.fixture(scope="session")
def years() -> xr.Dataset:
    """Fourteen years of months."""
    return build()


@pytest.fixture(scope="session")
def decades() -> xr.Dataset:
    """One calendar year of decades: no complete hydrological year."""
    return build("2003-01", 12, "decade")


@pytest.fixture(scope="session")
def ensemble() -> xr.Dataset:
    """Twenty members of six years."""
    return build("2000-10", 72, members=20)


@pytest.fixture(scope="session")
def mapped() -> xr.Dataset:
    """Fourteen years with lon and lat."""
    return as_a_map()
