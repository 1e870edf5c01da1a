"""text → (number, unit): the spellings the field uses, each with factor and dimension; pure.

Inside everything is SI. A rate per calendar period (hm3/month, mm/decade, GWh/year) has no fixed
factor: `Unit.per` names the period and the caller divides by that period's true length.
"""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple

Dimension = Literal[
    "volume",
    "flow",
    "length",
    "area",
    "time",
    "depth rate",
    "power",
    "energy",
    "fraction",
    "energy price",
    "water price",
    "speed",
    "temperature",
    "pressure",
    "radiation",
    "salinity",
    "yield",
    "price",
]
Period = Literal["decade", "month", "year"]

SI: dict[Dimension, str] = {
    "volume": "m3",
    "flow": "m3 s-1",
    "length": "m",
    "area": "m2",
    "time": "s",
    "depth rate": "m s-1",
    "power": "W",
    "energy": "J",
    "fraction": "1",
    "energy price": "USD J-1",
    "water price": "USD m-3",
    "speed": "m s-1",
    "temperature": "degC",
    "pressure": "Pa",
    "radiation": "W m-2",
    "salinity": "S m-1",
    "yield": "kg m-2",
    "price": "USD kg-1",
}

DAY = 86_400.0
LARGEST = 1e18  # of any quantity in SI; all water on Earth is 1.4e18 m3
SMALLEST = 1e-18  # of a quantity that does not vary, unless it is 0


class Unit(NamedTuple):
    """A spelling's meaning: ``si = number × factor``, divided by the seconds of ``per`` if given."""

    factor: float
    dimension: Dimension
    per: Period | None = None


_AMOUNTS: dict[str, tuple[float, Dimension]] = {
    "m3": (1.0, "volume"),
    "hm3": (1e6, "volume"),
    "Mm3": (1e6, "volume"),
    "km3": (1e9, "volume"),
    "mm": (1e-3, "length"),
    "cm": (1e-2, "length"),
    "m": (1.0, "length"),
    "km": (1e3, "length"),
    "m2": (1.0, "area"),
    "ha": (1e4, "area"),
    "km2": (1e6, "area"),
    "s": (1.0, "time"),
    "h": (3600.0, "time"),
    "hours": (3600.0, "time"),
    "day": (DAY, "time"),
    "days": (DAY, "time"),
    "year": (365.25 * DAY, "time"),
    "years": (365.25 * DAY, "time"),
    "W": (1.0, "power"),
    "kW": (1e3, "power"),
    "MW": (1e6, "power"),
    "GW": (1e9, "power"),
    "kWh": (3.6e6, "energy"),
    "MWh": (3.6e9, "energy"),
    "GWh": (3.6e12, "energy"),
    "TWh": (3.6e15, "energy"),
    "USD/MWh": (1.0 / 3.6e9, "energy price"),
    "USD/kWh": (1.0 / 3.6e6, "energy price"),
    "USD/m3": (1.0, "water price"),
    "degC": (1.0, "temperature"),
    "Pa": (1.0, "pressure"),
    "hPa": (100.0, "pressure"),
    "kPa": (1e3, "pressure"),
    "W/m2": (1.0, "radiation"),
    "MJ/m2/day": (1e6 / DAY, "radiation"),
    "dS/m": (0.1, "salinity"),
    "t/ha": (0.1, "yield"),
    "USD/t": (1e-3, "price"),
    "%": (0.01, "fraction"),
    "1": (1.0, "fraction"),
}
_RATE_OF: dict[Dimension, Dimension] = {"volume": "flow", "length": "depth rate", "energy": "power"}


def _table() -> dict[str, Unit]:
    table = {name: Unit(factor, dimension) for name, (factor, dimension) in _AMOUNTS.items()}
    for name, (factor, dimension) in _AMOUNTS.items():
        rate = _RATE_OF.get(dimension)
        if rate is None:
            continue
        table[f"{name}/s"] = Unit(factor, rate)
        table[f"{name}/day"] = Unit(factor / DAY, rate)
        for per in ("decade", "month", "year"):
            table[f"{name}/{per}"] = Unit(factor, rate, per)
    table["l/s"] = Unit(1e-3, "flow")
    return table


UNITS: dict[str, Unit] = _table()

_SUFFIX = {
    name.replace("/s", "s").replace("/", "_per_").replace("%", "percent"): name for name in UNITS
}
_QUANTITY = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([^\s0-9+\-.].*?)?\s*")


_SPEEDS = ("m/s", "km/day")  # of the wind; a depth of water per time has the same unit


def measures(unit: str, dimension: Dimension) -> bool:
    """Whether a unit of the table is one of a dimension."""
    return unit in _SPEEDS if dimension == "speed" else UNITS[unit].dimension == dimension


def spellings(dimension: Dimension) -> str:
    """The unit spellings of a dimension, as a phrase for messages: ``m3, hm3, Mm3 or km3``."""
    names = [name for name in UNITS if measures(name, dimension) and name != "1"]
    if dimension in ("flow", "depth rate", "power"):
        names = [
            name
            for name in names
            if name in ("m3/s", "hm3/month", "hm3/year", "mm/day", "mm/month", "W", "kW", "MW")
            or name in ("GWh/month", "GWh/year", "l/s")
        ]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


class UnknownUnitError(ValueError):
    """A number is written with a unit that is not one of the table's."""


def parse_quantity(text: str) -> tuple[float, str]:
    """Split ``'550 hm3'`` into ``(550.0, 'hm3')``; a bare number has the unit ``'1'``.

    Raises
    ------
    ValueError
        if the text is not one finite decimal number in ASCII digits, with or without a unit
        of the table; the message says which. `UnknownUnitError` if only the unit is not.
    """
    match = _QUANTITY.fullmatch(text) if text.isascii() else None
    if match is None:
        raise ValueError("must be a number and a unit")
    number = float(match[1])
    if not math.isfinite(number):
        raise ValueError("must be finite")
    unit = match[2] or "1"
    if unit not in UNITS:
        raise UnknownUnitError(f"has an unknown unit {unit!r}")
    return number, unit


def column_unit(column: str) -> str | None:
    """The unit a CSV column's name ends in (``inflow_m3s`` → ``m3/s``), or None."""
    parts = column.split("_")
    for first in range(1, len(parts)):
        unit = _SUFFIX.get("_".join(parts[first:]))
        if unit is not None:
            return unit
    return None
