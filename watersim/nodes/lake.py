"""Lake: the river ends in standing water that evaporates; above its overflow it leaves the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Curve, Node, Place
from watersim.fields import Report, Varying, field, quantity, varying
from watersim.jit import kernel
from watersim.levels import COLUMNS, WATER_REPORTS, Levels, Table, rest, settle, table_misfits
from watersim.levels import start as level_at
from watersim.records import record


class Lake(Node):
    """A terminal lake: ``S1 = S0 + inflow + precipitation − evaporation − seepage − overflow``.

    It reports with the reservoirs; its overflow is their ``spill`` and leaves the model.
    """

    kind: Literal["lake"]
    capacity: Annotated[float, quantity("volume")] = field("the storage at which it overflows")
    levels: Levels = field("its level–area–storage curve")
    initial_storage: Annotated[float, quantity("volume")] = field(
        "the storage at the start of the run"
    )
    evaporation: Annotated[Varying, varying("depth rate")] | None = field(
        "open-water evaporation", default=None
    )
    precipitation: Annotated[Varying, varying("depth rate")] | None = field(
        "rain and snow on the lake", default=None
    )
    seepage: Annotated[Varying, varying("depth rate")] | None = field(
        "seepage through the bed", default=None
    )

    order: ClassVar[int] = 21
    family: ClassVar[str] = "reservoir"
    ends_river: ClassVar[bool] = True
    reports: ClassVar[tuple[Report, ...]] = WATER_REPORTS
    parameter_record: ClassVar = record("section:i", "first:i", "count:i", "guide:i", "capacity")
    forcing_record: ClassVar = record("evaporation", "precipitation", "seepage")

    def forcing(self) -> Mapping[str, Varying | None]:
        return {
            "evaporation": self.evaporation,
            "precipitation": self.precipitation,
            "seepage": self.seepage,
        }

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
        }

    def needs_second_pass(self) -> bool:
        return any((self.evaporation, self.precipitation, self.seepage))

    def initial(self) -> Mapping[str, float]:
        return {"storage": self.initial_storage}

    def coordinates(self) -> dict[str, Any]:
        return {"capacity": self.capacity, "dead_storage": 0.0}

    def problems(self, tables: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
        if self.capacity == 0.0:
            yield "capacity", "must be above 0 (got 0); give the full-supply volume"
            return
        for key, misfit in self.levels.misfits():
            yield f"levels.{key}".rstrip("."), misfit
        for misfit in table_misfits(tables["levels"], self.capacity) if "levels" in tables else ():
            yield "levels", misfit
        if self.initial_storage > self.capacity:
            yield (
                "initial_storage",
                f"must be at most the capacity of {self.capacity / 1e6:g} hm3 "
                f"(got {self.initial_storage / 1e6:g} hm3)",
            )


@kernel
def start(p: Any, x: Any, s: Step) -> None:
    for i in range(p.shape[0]):
        level_at(p[i].first, p[i].count, p[i].guide, x[i], s)


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        v = p[i].section
        rest(p[i].first, p[i].count, p[i].guide, v, u[i], x[i], y[i], s, dt, again)
        at = s.at[v]
        at.full = p[i].capacity
        for l in range(at.outlet.size):
            at.outlet[l] = 0.0


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        settle(p[i].first, p[i].count, p[i].guide, p[i].section, y[i], s, dt)
        for l in range(y[i].release.size):
            y[i].release[l] = 0.0
            y[i].bypass[l] = 0.0
