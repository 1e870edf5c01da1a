"""Standing water: its level–area–storage curve, evaporation, rain and seepage; shared by lakes.

A curve is a table, or V = V_max ((h − h_0)/D)^b from capacity, depth D and exponent b, which gives
the area dV/dh = V b / (h − h_0). Both end as tables that the kernels interpolate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from watersim.described import Curve
from watersim.fields import Described, Report, field, quantity
from watersim.jit import kernel
from watersim.step import Step, curve

POINTS = 129
COLUMNS = {"level": "length", "area": "area", "storage": "volume"}
Table = Mapping[str, NDArray[np.float64]]


class Levels(Described):
    """Level, area and storage of a lake: a table, or a power curve below a full-supply level."""

    file: str | None = field("a CSV table with level_m, area_km2, storage_hm3", default=None)
    full_level: Annotated[float, quantity("length", least=-500.0)] | None = field(
        "the level at capacity, above sea", default=None
    )
    depth: Annotated[float, quantity("length", least=1e-3)] | None = field(
        "the depth at capacity", default=None
    )
    exponent: float | None = field("the exponent b of V ~ depth^b, 1 to 10", default=None)

    def misfits(self) -> Iterator[tuple[str, str]]:
        """What is wrong with the way it is given."""
        power = {"full_level": self.full_level, "depth": self.depth, "exponent": self.exponent}
        given = [name for name, value in power.items() if value is not None]
        if self.file is not None and given:
            yield given[0], f"does not go with 'file'; give a table, or {', '.join(power)}"
        elif self.file is None and len(given) < len(power):
            lacking = ", ".join(name for name in power if name not in given)
            yield "", f"lacks {lacking}; give 'file', or full_level, depth and exponent"
        elif self.exponent is not None and not 1.0 <= self.exponent <= 10.0:
            yield "exponent", f"must be 1 to 10 (got {self.exponent:g})"

    def curve(self, capacity: float, table: Table | None) -> Curve:
        """Storage (rising), level and area, SI, as tables for `watersim.step.curve`."""
        if table is not None:
            return table["storage"], table["level"], table["area"]
        assert self.full_level is not None and self.depth is not None and self.exponent is not None
        share = np.linspace(0.0, 1.0, POINTS)
        storage = capacity * share**self.exponent
        level = self.full_level - self.depth + self.depth * share
        area = capacity * self.exponent / self.depth * share ** (self.exponent - 1.0)
        return storage, level, area


def table_misfits(table: Table, capacity: float) -> Iterator[str]:
    """What is wrong with a table of levels: it must rise, and reach the capacity."""
    for name in ("level", "storage"):
        if np.any(np.diff(table[name]) <= 0.0):
            row = int(np.argmax(np.diff(table[name]) <= 0.0)) + 2
            yield f"must be a curve that rises: {name} does not rise at its row {row}"
    if np.any(np.diff(table["area"]) < 0.0):
        row = int(np.argmax(np.diff(table["area"]) < 0.0)) + 2
        yield f"must not narrow upwards: area falls at its row {row}"
    if table["storage"][0] != 0.0:
        yield f"must begin at storage 0 (got {table['storage'][0] / 1e6:g} hm3)"
    if table["storage"][-1] < capacity:
        yield (
            f"must reach the capacity of {capacity / 1e6:g} hm3 "
            f"(ends at {table['storage'][-1] / 1e6:g} hm3); extend the table"
        )


WATER_REPORTS = (
    Report("storage", "m3", "water in store at the end of the step", "state", "reservoir", ""),
    Report("level", "m", "water level at the end of the step, above sea", "diagnostic"),
    Report("area", "m2", "water surface at the end of the step", "diagnostic"),
    Report("evaporation", "m3 s-1", "evaporation from the lake", "flux", "reservoir", ""),
    Report("precipitation", "m3 s-1", "rain and snow on the lake", "flux", "", "reservoir"),
    Report("seepage", "m3 s-1", "seepage through the bed", "flux", "reservoir", ""),
    Report("release", "m3 s-1", "released through outlets and turbines", "flux"),
    Report("spill", "m3 s-1", "over the crest: full, and the outlet at capacity", "flux"),
    Report("bypass", "m3 s-1", "released past the turbines", "flux"),
)


@kernel
def rest(
    first: int, count: int, v: int, u: Any, x: Any, y: Any, s: Step, dt: float, again: int
) -> float:
    """What evaporation, rain and seepage do to the water at rest at section v; returns m3 in store.

    The area is that at the start of the step, or in the second pass at the mean storage of the
    first. Evaporation and seepage take no more than the water present; their potentials are left
    in `y` for `settle`.
    """
    mean = x.storage
    arriving = s.at[v].runoff
    if again == 1:
        mean = 0.5 * (x.storage + y.storage)
        arriving = s.at[v].inflow
    area = curve(first, count, mean, s.curve[0], s.curve[2])
    s.at[v].level = curve(first, count, mean, s.curve[0], s.curve[1])
    rain = u.precipitation * area * dt
    y.precipitation = rain / dt
    y.evaporation = u.evaporation * area
    y.seepage = u.seepage * area
    s.at[v].carry = x.storage + rain
    s.at[v].drain = min((y.evaporation + y.seepage) * dt, s.at[v].carry + arriving)
    return float(max(0.0, s.at[v].carry - s.at[v].drain))


@kernel
def settle(first: int, count: int, v: int, y: Any, s: Step, dt: float) -> None:
    """Report the water at rest at the end of the step: evaporation goes before seepage."""
    drained = s.at[v].drained
    if y.seepage > 0.0:
        evaporated = min(y.evaporation * dt, drained)
        y.evaporation = evaporated / dt
        y.seepage = (drained - evaporated) / dt
    else:
        y.evaporation = drained / dt
    y.storage = s.at[v].stored
    y.level = curve(first, count, y.storage, s.curve[0], s.curve[1])
    y.area = curve(first, count, y.storage, s.curve[0], s.curve[2])
    y.spill = s.at[v].spill / dt
