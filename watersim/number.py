"""numbers: what stands in a file → a number in a unit of its dimension, or a sentence why not; pure."""

from __future__ import annotations

import math
import re

from watersim.units import (
    LARGEST,
    UNITS,
    Dimension,
    UnknownUnitError,
    measures,
    parse_quantity,
    spellings,
)

_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?![0-9,])")


class EntryError(ValueError):
    """What is wrong with one entry of a value, and the keys that lead to it."""

    def __init__(self, message: str, *inner: str | int) -> None:
        super().__init__(message)
        self.inner = inner


_FLAGS = {None: "nothing", True: "true", False: "false"}


def shown(value: object) -> str:
    """A value as the user wrote it, shortened for a message."""
    text = _FLAGS[value] if value is None or isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def to_number(value: object, dimension: Dimension) -> tuple[float, str]:
    """A number and its unit's spelling from what stands in a file.

    Raises
    ------
    ValueError
        if it is no number, has no unit though the dimension asks for one, or another dimension.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"must be {example(dimension)} (got {sort(value)})")
    if isinstance(value, str):
        try:
            number, unit = parse_quantity(value)
        except ValueError as error:
            fault, right = str(error), f"write {example(dimension)}"
            if _COMMA.match(value.strip()):
                fault = "has a decimal comma"
                right = f"write {value.strip().replace(',', '.', 1)}"
            elif isinstance(error, UnknownUnitError):
                right = f"units of {dimension} are {spellings(dimension)}"
            raise ValueError(f"{fault} (got {shown(value)}); {right}") from None
    else:
        number, unit = float(value), "1"
    if not math.isfinite(number):
        raise ValueError(f"must be finite (got {shown(value)})")
    if not measures(unit, dimension):
        if unit == "1":
            raise ValueError(
                f"has no unit (got {shown(value)}); units of {dimension} are {spellings(dimension)}"
            )
        raise ValueError(
            f"must be a {dimension}, not a {UNITS[unit].dimension} (got {shown(value)}); "
            f"units of {dimension} are {spellings(dimension)}"
        )
    return number, unit


def sort(value: object) -> str:
    """A value as the user wrote it, or what sort of collection it is."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return shown(value)


def example(dimension: Dimension) -> str:
    """What a number of a dimension looks like, as a phrase for messages."""
    return {
        "volume": "a volume such as 550 hm3",
        "flow": "a flow such as 2 m3/s",
        "length": "a length such as 72 m",
        "area": "an area such as 60000 ha",
        "time": "a time such as 4 days",
        "depth rate": "a depth rate such as 5 mm/day",
        "power": "a power such as 25 MW",
        "energy": "an energy such as 90 GWh",
        "fraction": "a fraction such as 20 % or 0.2",
        "energy price": "a price of energy such as 30 USD/MWh",
        "water price": "a price of water such as 0.01 USD/m3",
        "speed": "a speed such as 2 m/s",
        "temperature": "a temperature such as 21.5 degC",
        "pressure": "a pressure such as 1.4 kPa",
        "radiation": "a radiation such as 22 MJ/m2/day",
        "salinity": "an electrical conductivity such as 1.2 dS/m",
        "yield": "a yield such as 3 t/ha",
        "price": "a price such as 500 USD/t",
    }[dimension]


def check_range(
    number: float, unit: str, given: object, least: float | None, most: float | None
) -> None:
    """Refuse a number beyond what a quantity may be in SI; ValueError, the limit in its own unit."""
    factor, dimension = UNITS[unit].factor, UNITS[unit].dimension
    si = number * factor
    if abs(si) > LARGEST:
        raise ValueError(f"is too large (got {shown(given)})")
    for limit, word, outside in (
        (least, "least", least is not None and si < least),
        (most, "most", most is not None and si > most),
    ):
        if outside and limit is not None:
            plain = {"flow": " m3/s", "volume": " m3"}.get(
                dimension, "" if unit == "1" else f" {unit}"
            )
            shown_limit = limit if dimension in ("flow", "volume") else limit / factor
            raise ValueError(f"must be at {word} {shown_limit:g}{plain} (got {shown(given)})")


def read_numbers(values: object, form: str, length: int | None) -> list[float]:
    """A list of finite numbers of a given length, if one is given.

    Raises
    ------
    EntryError
        with the keys that lead to what is wrong.
    """
    keys = form.split(".")
    if not isinstance(values, list) or (length is not None and len(values) != length):
        got = f"{len(values)} values" if isinstance(values, list) else sort(values)
        order = {12: "month, January first", 36: "decade, that of 1 January first"}.get(length or 0)
        count = f"{length} " if length else ""
        remedy = f"; write one for each {order}" if order else ""
        raise EntryError(f"must be a list of {count}numbers (got {got}){remedy}", *keys)
    for k, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise EntryError(f"must be a number (got {sort(value)}); correct it", *keys, k)
        if not math.isfinite(value):
            raise EntryError(f"must be finite (got {shown(value)})", *keys, k)
    return [float(value) for value in values]
