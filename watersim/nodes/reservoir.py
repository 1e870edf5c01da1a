"""Reservoir: storage in zones, an outlet of limited capacity, spill, surplus outlets, evaporation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from watersim.arrays import INSTREAM_LEAVING, RETENTION, Step
from watersim.described import DEAD_STORAGE, Claim, Curve, Days, Node, Outlet, Place
from watersim.fields import Described, Report, Varying, Window, field, quantity, varying
from watersim.jit import kernel
from watersim.levels import COLUMNS, WATER_REPORTS, Levels, Table, rest, settle, table_misfits
from watersim.levels import start as level_at
from watersim.records import record


class MinimumRelease(Described):
    """A flow that must leave the dam."""

    flow: Annotated[Varying, varying("flow")] = field("the flow that must leave the dam")
    priority: int = field("its priority, 1 is served first", ge=1)


class SurplusOutlet(Described):
    """One of several ways out for water that no claim took and no zone keeps, in order of use."""

    to: str = field("the river node it leads to")
    capacity: Annotated[Varying, varying("flow")] | None = field(
        "its capacity; without it, unlimited", default=None
    )


def _top(value: object) -> object:
    return None if value == "capacity" else value


class Zone(Described):
    """A part of the storage that is kept with a priority; zones stand on one another."""

    name: str = field("the zone's name")
    to: Annotated[Annotated[Varying, varying("volume")] | None, BeforeValidator(_top)] = field(
        "the storage it reaches up to, or `capacity`"
    )
    priority: int | None = field("its priority; without it, after all claims", default=None, ge=1)
    balance_group: str | None = field(
        "reservoirs of one group draw down to equal cover", default=None
    )
    keep_empty: Days | None = field("days on which it is kept empty", default=None)


class Reservoir(Node):
    """A reservoir: ``S1 = S0 + inflow + precipitation − evaporation − seepage − release − spill``.

    ``release`` is what claims below need and what no zone keeps, at most the outlet's capacity;
    ``spill`` goes over the crest when it is full and the outlet at capacity. Dead storage has no
    outlet: only evaporation and seepage take it.
    """

    kind: Literal["reservoir"]
    capacity: Annotated[float, quantity("volume")] = field("the full-supply volume")
    levels: Levels = field("its level–area–storage curve")
    initial_storage: Annotated[float, quantity("volume")] = field(
        "the storage at the start of the run"
    )
    dead_storage: Annotated[float, quantity("volume")] = field(
        "the storage below its lowest outlet", default=0.0
    )
    zones: list[Zone] = field("its zones from below", default=[])
    evaporation: Annotated[Varying, varying("depth rate")] | None = field(
        "open-water evaporation", default=None
    )
    precipitation: Annotated[Varying, varying("depth rate")] | None = field(
        "rain and snow on the lake", default=None
    )
    seepage: Annotated[Varying, varying("depth rate")] | None = field(
        "seepage through the bed", default=None
    )
    outlet_capacity: Annotated[Varying, varying("flow")] | None = field(
        "what outlets and turbines pass at most; without it, unlimited", default=None
    )
    outlets: list[SurplusOutlet] = field("ways out in order of use, the river first", default=[])
    minimum_release: MinimumRelease | None = field("a flow that must leave the dam", default=None)

    order: ClassVar[int] = 20
    family: ClassVar[str] = "reservoir"
    reports: ClassVar[tuple[Report, ...]] = WATER_REPORTS
    parameter_record: ClassVar = record(
        "section:i", "first:i", "count:i", "guide:i", "capacity", "dead_storage", "limited:i",
        "release_claim:i", "zone:i", "zones:i", "outlet:i", "outlets:i",
    )  # fmt: skip
    forcing_record: ClassVar = record(
        "evaporation", "precipitation", "seepage", "outlet_capacity", "minimum_release"
    )
    part_record: ClassVar = record("claim:i", "limited:i")
    part_forcing_record: ClassVar = record("top", "kept")

    def stack(self) -> list[Zone]:
        """The zones, or one conservation zone to capacity where none are written."""
        return self.zones or [Zone(name="conservation", to=None)]

    def claims(self) -> list[Claim]:
        claims = []
        if self.dead_storage > 0.0:
            claims.append(Claim(DEAD_STORAGE, RETENTION, 0, DEAD_STORAGE))
        if self.minimum_release is not None:
            priority = self.minimum_release.priority
            key = "minimum_release"
            claims.append(Claim(key, INSTREAM_LEAVING, priority, "environment", ahead=key))
        return claims + [
            Claim(zone.name, RETENTION, zone.priority, "storage", zone.balance_group)
            for zone in self.stack()
        ]

    def river_outlet(self) -> Varying | None:
        """The capacity of the outlet to the river, None if unlimited."""
        return self.outlets[0].capacity if self.outlets else self.outlet_capacity

    def has_outlet_limit(self) -> bool:
        return self.river_outlet() is not None

    def surplus_outlets(self) -> list[Outlet]:
        return [
            Outlet(outlet.to, f"outlet {k}" if outlet.capacity else None)
            for k, outlet in enumerate(self.outlets[1:])
        ]

    def forcing(self) -> Mapping[str, Varying | None]:
        return {
            "evaporation": self.evaporation,
            "precipitation": self.precipitation,
            "seepage": self.seepage,
            "outlet_capacity": self.river_outlet(),
            "minimum_release": self.minimum_release.flow if self.minimum_release else None,
        }

    def part_forcing(self) -> list[Mapping[str, Varying | Window | None]]:
        full = Varying(dimension="volume", constant=f"{self.capacity!r} m3")
        zones: list[Mapping[str, Varying | Window | None]] = [
            {
                "top": zone.to or full,
                "kept": Window(zone.keep_empty.first, zone.keep_empty.last, inside=0.0)
                if zone.keep_empty
                else Window("01-01", "12-31", inside=1.0),
            }
            for zone in self.stack()
        ]
        return zones + [{"top": outlet.capacity, "kept": None} for outlet in self.outlets[1:]]

    def tables(self) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        return {"levels": (self.levels.file, COLUMNS)} if self.levels.file else {}

    def curves(self, tables: Mapping[str, Table]) -> dict[str, Curve]:
        return {"levels": self.levels.curve(self.capacity, tables.get("levels"))}

    def parameters(self, place: Place) -> Mapping[str, float]:
        first, count, guide = place.curve("levels")
        return {
            "section": place.section(""),
            "first": first,
            "count": count,
            "guide": guide,
            "capacity": self.capacity,
            "dead_storage": self.dead_storage,
            "limited": self.has_outlet_limit(),
            "release_claim": place.claim("minimum_release"),
            "zone": place.part(),
            "zones": len(self.stack()),
            "outlet": place.outlet(),
            "outlets": len(self.surplus_outlets()),
        }

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        zones = [{"claim": place.claim(zone.name), "limited": 1} for zone in self.stack()]
        ways = [{"claim": -1, "limited": int(o.capacity is not None)} for o in self.outlets[1:]]
        return [*zones, *ways]

    def needs_second_pass(self) -> bool:
        return any((self.evaporation, self.precipitation, self.seepage))

    def initial(self) -> Mapping[str, float]:
        return {"storage": self.initial_storage}

    def zone_names(self) -> list[str]:
        return [zone.name for zone in self.stack()]

    def coordinates(self) -> dict[str, Any]:
        return {"capacity": self.capacity, "dead_storage": self.dead_storage}

    def references(self) -> Iterator[tuple[str, str]]:
        for k, outlet in enumerate(self.outlets):
            yield f"outlets.{k}.to", outlet.to

    def problems(self, tables: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
        if self.capacity == 0.0:
            yield "capacity", "must be above 0 (got 0); give the full-supply volume"
            return
        for key, misfit in self.levels.misfits():
            yield f"levels.{key}".rstrip("."), misfit
        for misfit in table_misfits(tables["levels"], self.capacity) if "levels" in tables else ():
            yield "levels", misfit
        for name in ("dead_storage", "initial_storage"):
            if getattr(self, name) > self.capacity:
                yield (
                    name,
                    f"must be at most the capacity of {self.capacity / 1e6:g} hm3 "
                    f"(got {getattr(self, name) / 1e6:g} hm3)",
                )
        seen: set[str] = set()
        for k, zone in enumerate(self.zones):
            if zone.name == DEAD_STORAGE:
                yield f"zones.{k}.name", "cannot be dead_storage, which has no zone; rename it"
            if zone.name in seen:
                yield f"zones.{k}.name", f"is used twice (got {zone.name}); name zones apart"
            seen.add(zone.name)
        if self.outlets and self.outlet_capacity is not None:
            yield "outlet_capacity", "does not go with 'outlets'; write it as their first capacity"
        if self.outlets and (len(self.outlets) < 2 or self.outlets[0].capacity is None):
            yield "outlets", "needs a river outlet with a capacity first, and at least one more"
        if self.outlets and self.outlets[-1].capacity is not None:
            yield (
                f"outlets.{len(self.outlets) - 1}.capacity",
                "must be absent: the last outlet takes whatever is left; add one without capacity",
            )


@kernel
def start(p: Any, x: Any, s: Step) -> None:
    for i in range(p.shape[0]):
        level_at(p[i].first, p[i].count, p[i].guide, x[i], s)


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        v, capacity, dead = p[i].section, p[i].capacity, p[i].dead_storage
        rest(p[i].first, p[i].count, p[i].guide, v, u[i], x[i], y[i], s, dt, again)
        at = s.at[v]
        at.full = capacity
        at.dead = dead
        for l in range(at.withheld.size):
            at.withheld[l] = min(dead, max(0.0, at.carry[l] - at.drain[l]))
        if p[i].limited == 1:
            for l in range(at.outlet.size):
                at.outlet[l] = u[i].outlet_capacity[l] * dt
        for l in range(at.outlet.size):
            at.gates[l] = at.outlet[l]
        if p[i].release_claim >= 0:
            claim = s.claim[p[i].release_claim]
            for l in range(claim.need.size):
                claim.need[l] = u[i].minimum_release[l] * dt
        below = 0.0
        for k in range(p[i].zone, p[i].zone + p[i].zones):
            claim, kept = s.claim[q[k].claim], w[k].kept
            top = max(below, min(w[k].top, capacity))
            for l in range(claim.need.size):
                claim.need[l] = (max(at.withheld[l], top) - max(at.withheld[l], below)) * kept
            below = top
        for o in range(p[i].outlets):
            k = p[i].zone + p[i].zones + o
            s.way_out[p[i].outlet + o].cap = w[k].top * dt if q[k].limited == 1 else math.inf


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        settle(p[i].first, p[i].count, p[i].guide, p[i].section, y[i], s, dt)
        at, out = s.at[p[i].section], y[i]
        for l in range(out.release.size):
            release, most = at.release[l], u[i].outlet_capacity[l]
            out.release[l] = most if release > 0.0 and release == most * dt else release / dt
            out.bypass[l] = (release - at.turbined[l]) / dt
