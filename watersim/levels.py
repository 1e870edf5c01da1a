"""Standing water: its level–area–storage curve, evaporation, rain and seepage; shared by lakes.

A curve is a table, or V = V_max ((h − h_0)/D)^b from capacity, depth D and exponent b, which gives
the area dV/dh = V b / (h − h_0). Both end as tables that the kernels interpolate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from watersim.arrays import Step
from watersim.curves import curve
from watersim.described import Curve
from watersim.fields import Described, Report, field, quantity
from watersim.jit import kernel
from watersim.table import RowFault

POINTS = 129
COLUMNS = {"level": "length", "area": "area", "storage": "volume"}
SHOWN = {"level": ("m", 1.0), "storage": ("hm3", 1e6)}  # in messages
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
        """Storage (rising), level and area, SI, as tables for `watersim.curves.curve`."""
        if table is not None:
            return table["storage"], table["level"], table["area"]
        assert self.full_level is not None and self.depth is not None and self.exponent is not None
        share = np.linspace(0.0, 1.0, POINTS)
        storage = capacity * share**self.exponent
        level = self.full_level - self.depth + self.depth * share
        area = capacity * self.exponent / self.depth * share ** (self.exponent - 1.0)
        return storage, level, area


def table_misfits(table: Table, capacity: float) -> Iterator[RowFault]:
    """What is wrong with a table of levels: it must rise, and reach the capacity."""
    for name in ("level", "storage"):
        if np.any(np.diff(table[name]) <= 0.0):
            row = int(np.argmax(np.diff(table[name]) <= 0.0)) + 1
            unit, scale = SHOWN[name]
            last, own = (table[name][k] / scale for k in (row - 1, row))
            yield RowFault(
                f"does not rise (got {own:g} {unit} after {last:g} {unit}); the {name} of each row "
                "must be above the last", row, name,
            )  # fmt: skip
    if np.any(np.diff(table["area"]) < 0.0):
        row = int(np.argmax(np.diff(table["area"]) < 0.0)) + 1
        yield RowFault("falls; a lake must not narrow upwards", row, "area")
    storage = table["storage"] / 1e6
    if storage[0] != 0.0:
        sentence = f"must begin at 0 (got {storage[0]:g} hm3); add the row of the empty lake"
        yield RowFault(sentence, 0, "storage")
    if table["storage"][-1] < capacity:
        sentence = (
            f"must reach the capacity of {capacity / 1e6:g} hm3 (ends at {storage[-1]:g} hm3)"
        )
        yield RowFault(f"{sentence}; extend the table", -1, "storage")


WATER_REPORTS = (
    Report("storage", "m3", "water in store at the end of the step", "state", "reservoir", ""),
    Report("level", "m", "water level at the end of the step, above sea", "diagnostic"),
    Report("area", "m2", "water surface at the end of the step", "diagnostic"),
    Report("evaporation", "m3 s-1", "evaporation from the lake", "flux", "reservoir", ""),
    Report(
        "precipitation", "m3 s-1", "rain and snow on the lake", "flux", "", "reservoir", apart=True
    ),
    Report("seepage", "m3 s-1", "seepage through the bed", "flux", "reservoir", ""),
    Report("release", "m3 s-1", "released through outlets and turbines", "flux"),
    Report("spill", "m3 s-1", "over the crest: full, and the outlet at capacity", "flux"),
    Report("bypass", "m3 s-1", "released past the turbines", "flux"),
)


@kernel
def start(first: int, count: int, guide: int, x: Any, s: Step) -> None:
    """Level and area at the start of the run, from its storage."""
    for l in range(x.storage.size):
        x.level[l], x.area[l] = curve(first, count, guide, x.storage[l], s)


@kernel
def rest(
    first: int, count: int, guide: int, v: int, u: Any, x: Any, y: Any, s: Step, dt: float,
    again: int,
) -> None:  # fmt: skip
    """What evaporation, rain and seepage do to the water at rest at section v.

    The area is that at the start of the step, or in the second pass at the mean storage of the
    first. Evaporation and seepage take no more than the water present; their potentials are left
    in `y` for `settle`.
    """
    at = s.at[v]
    if again == 0:
        for l in range(x.storage.size):
            y.area[l] = x.area[l]
            at.level[l] = x.level[l]
            at.drain[l] = at.runoff[l]
    else:
        for l in range(x.storage.size):
            mean = 0.5 * (x.storage[l] + at.stored[l])
            at.level[l], y.area[l] = curve(first, count, guide, mean, s)
            at.drain[l] = at.inflow[l]
    for l in range(x.storage.size):
        area, arriving = y.area[l], at.drain[l]
        rain = u.precipitation[l] * area * dt
        y.precipitation[l] = rain / dt
        y.evaporation[l] = u.evaporation[l] * area
        y.seepage[l] = u.seepage[l] * area
        at.carry[l] = x.storage[l] + rain
        potential = (y.evaporation[l] + y.seepage[l]) * dt
        at.drain[l] = min(potential, at.carry[l] + arriving)


@kernel
def settle(first: int, count: int, guide: int, v: int, y: Any, s: Step, dt: float) -> None:
    """Report the water at rest at the end of the step: evaporation goes before seepage."""
    at = s.at[v]
    for l in range(y.storage.size):
        drained = at.drained[l]
        evaporated = min(y.evaporation[l] * dt, drained) if y.seepage[l] > 0.0 else drained
        y.evaporation[l] = evaporated / dt
        y.seepage[l] = (drained - evaporated) / dt
        y.storage[l] = at.stored[l]
        y.spill[l] = at.spill[l] / dt
    for l in range(y.storage.size):
        y.level[l], y.area[l] = curve(first, count, guide, y.storage[l], s)
