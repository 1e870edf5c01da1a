"""How a kind declares what it needs and what it reports; pure.

A field's type carries its dimension and range, its description is the remedy in messages, the text
of the documentation and of the JSON schema. `quantity` is a number with a unit that does not change
in time; `varying` one that may: constant, by month, by decade, by a year's sum, or from a table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import core_schema

from watersim.timeline import Accounting, Timeline
from watersim.units import LARGEST, SMALLEST, UNITS, Dimension, measures, parse_quantity, spellings


class Described(BaseModel):
    """A frozen description: unknown keys are errors, nothing is converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Definition(Described):
    """What stands in a section of its own, to be named by members."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong across its fields: (key path, sentence with remedy)."""
        return iter(())


class Report(NamedTuple):
    """A quantity that a kind reports, and between which ends its water runs.

    ``source`` and ``target`` name coordinates of the Dataset that hold the two ends; ``""`` is the
    world outside the model. A quantity with neither is no term of the water balance.
    """

    name: str
    unit: str
    meaning: str
    role: Literal["state", "flux", "diagnostic"]
    source: str | None = None
    target: str | None = None
    signed: bool = False  # whether it may be negative
    apart: bool = False  # whether it enters as rain or from below, and so is no part of the inflow


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
        raise ValueError(f"must be {_example(dimension)} (got {_sort(value)})")
    if isinstance(value, str):
        try:
            number, unit = parse_quantity(value)
        except ValueError as error:
            fault, right = str(error), _example(dimension)
            if _COMMA.match(value.strip()):
                fault, right = "has a decimal comma", value.strip().replace(",", ".", 1)
            raise ValueError(f"{fault} (got {shown(value)}); write {right}") from None
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


def _sort(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return shown(value)


def _example(dimension: Dimension) -> str:
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


def _check_range(
    number: float, unit: str, given: object, least: float | None, most: float | None
) -> None:
    """ValueError, with the limit in the unit that was written, if a number lies outside of it in SI."""
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


def _quantity_schema(dimension: Dimension) -> dict[str, Any]:
    text = {"type": "string", "description": f"a number and a unit: {spellings(dimension)}"}
    return {"anyOf": [text, {"type": "number"}]} if dimension == "fraction" else text


class quantity:  # noqa: N801  reads as a word in annotations
    """Marks a number with a unit that does not change in time: ``Annotated[float, quantity(…)]``.

    The field holds SI.
    """

    def __init__(
        self, dimension: Dimension, *, least: float | None = 0.0, most: float | None = None
    ) -> None:
        self.dimension: Dimension = dimension
        self.least = least
        self.most = most

    def read(self, value: object) -> float:
        """The SI value; ValueError with a sentence if it does not fit."""
        number, unit = to_number(value, self.dimension)
        if UNITS[unit].per is not None:
            raise ValueError(
                f"must not depend on the calendar (got {shown(value)}); write it in m3/s or per day"
            )
        si = number * UNITS[unit].factor
        if 0.0 < abs(si) < SMALLEST:
            raise ValueError(f"is too small to be told from 0 (got {shown(value)})")
        _check_range(number, unit, value, self.least, self.most)
        return si

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return _quantity_schema(self.dimension)


class Varying(Described):
    """A quantity that may vary in time. Exactly one of the five forms is given."""

    dimension: Dimension = Field(exclude=True)
    constant: str | None = None
    monthly: list[float] | None = None
    decades: list[float] | None = None
    annual: str | None = None
    shares: list[float] | None = None
    unit: str | None = None
    file: str | None = None
    column: str | None = None
    missing: list[str] = []
    finer: Literal["hold"] | list[float] | None = None
    factor: float = 1.0

    @property
    def form(self) -> str:
        """Which of the forms is given."""
        forms = ("constant", "monthly", "decades", "annual", "file")
        return next(form for form in forms if getattr(self, form) is not None)

    @property
    def is_zero(self) -> bool:
        """Whether it is 0 at all times; what stands in a table is not looked at."""
        text = self.constant or self.annual
        values = [parse_quantity(text)[0]] if text else self.monthly or self.decades or [1.0]
        return self.factor == 0.0 or not any(values)


_KEYS = {
    "monthly": {"unit", "factor"},
    "decades": {"unit", "factor"},
    "annual": {"shares", "unit", "factor"},
    "file": {"column", "missing", "finer", "factor"},
}


class Window(NamedTuple):
    """A yearly window of days MM-DD, both inclusive: its value inside, the rest of 1 outside."""

    first: str
    last: str
    inside: float


class Opening(NamedTuple):
    """The steps with which a window begins: 1 there, 0 in all others."""

    per: Accounting


class Rolling(NamedTuple):
    """How many earlier steps lie in the window, of so many seconds, that ends with each step."""

    seconds: float


class Derived(NamedTuple):
    """A forcing that is computed from others when the scenario is read.

    Attributes
    ----------
    inputs
        what it is computed from, by name; None is absent and is not handed on
    compute
        their values in SI by name, shape (time,), and the steps → its value, shape (time,); a
        ValueError with a sentence if they do not fit
    at
        the keys of the member's field that a fault is shown at
    neighbours
        whether its value in a step depends on the inputs of the steps beside it. It is then computed
        with one more step at each end, as far as the inputs reach, so that a run split in two has
        the same values
    """

    inputs: Mapping[str, Varying | None]
    compute: Callable[[Mapping[str, NDArray[np.float64]], Timeline], NDArray[np.float64]]
    at: tuple[str | int, ...] = ()
    neighbours: bool = False


class Computed(NamedTuple):
    """What a kind works out from the lengths of the steps."""

    of: Callable[[Timeline], NDArray[np.float64]]


Given = (
    Varying | Window | Opening | Rolling | Derived | Computed | None
)  # what a kind may ask to be resolved on the steps


class varying:  # noqa: N801
    """Marks a quantity that may vary in time: ``Annotated[Varying, varying("flow")]``."""

    def __init__(
        self, dimension: Dimension, *, least: float = 0.0, most: float | None = None
    ) -> None:
        self.dimension: Dimension = dimension
        self.least = least
        self.most = most

    def read(self, value: object) -> Varying:
        """The form it is given in; ValueError with a sentence if it does not fit."""
        dimension = self.dimension
        if isinstance(value, Varying):
            return value
        if not isinstance(value, dict):
            number, unit = to_number(value, dimension)
            if UNITS[unit].per is None:
                _check_range(number, unit, value, self.least, self.most)
            elif number < 0 and self.least >= 0:
                raise ValueError(f"must be at least 0 (got {shown(value)})")
            return Varying(dimension=dimension, constant=str(value))
        forms = _read_forms(value, dimension, self.least, self.most)
        return Varying(dimension=dimension, **forms)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {
            "anyOf": [
                _quantity_schema(self.dimension),
                _form_schema("monthly", 12),
                _form_schema("decades", 36),
                _ANNUAL_SCHEMA,
                _FILE_SCHEMA,
            ]
        }


_ANNUAL_SCHEMA = {
    "type": "object",
    "properties": {
        "annual": {"type": "string"},
        "shares": {"type": "array", "items": {"type": "number"}},
        "unit": {"const": "%"},
        "factor": {"type": "number"},
    },
    "required": ["annual", "shares", "unit"],
    "additionalProperties": False,
}
_FILE_SCHEMA = {
    "type": "object",
    "properties": {
        "file": {"type": "string"},
        "column": {"type": "string"},
        "missing": {"type": "array", "items": {"type": "string"}},
        "finer": {},
        "factor": {"type": "number"},
    },
    "required": ["file", "column"],
    "additionalProperties": False,
}


def _form_schema(form: str, length: int) -> dict[str, Any]:
    numbers = {"type": "array", "items": {"type": "number"}, "minItems": length, "maxItems": length}
    return {
        "type": "object",
        "properties": {form: numbers, "unit": {"type": "string"}, "factor": {"type": "number"}},
        "required": [form, "unit"],
        "additionalProperties": False,
    }


def _read_forms(
    value: dict[str, Any], dimension: Dimension, least: float, most: float | None
) -> dict[str, Any]:
    given = [form for form in _KEYS if form in value]
    if len(given) != 1:
        raise ValueError(
            f"must be {_example(dimension)}, or one of monthly, decades, annual, file "
            f"(got {' and '.join(given) if given else 'the keys ' + ', '.join(map(str, value))})"
        )
    form = given[0]
    for key in value:
        if key != form and key not in _KEYS[form]:
            allowed = ", ".join(sorted(_KEYS[form]))
            raise EntryError(f"does not go with '{form}'; it takes {allowed}", key)
    read = dict(value)
    factor = read.get("factor", 1.0)
    if (
        isinstance(factor, bool)
        or not isinstance(factor, (int, float))
        or not 0 <= factor < LARGEST
    ):
        raise EntryError(
            f"must be a finite number of at least 0 (got {_sort(factor)}); 1 changes nothing",
            "factor",
        )
    if "factor" in read:  # whether it was written may matter
        read["factor"] = float(factor)
    if form in ("monthly", "decades"):
        unit = read.get("unit")
        if not isinstance(unit, str) or unit not in UNITS or not measures(unit, dimension):
            message = f"must name a unit of {dimension}: {spellings(dimension)} (got {_sort(unit)})"
            raise EntryError(message, *(key for key in read if key == "unit"))
        read[form] = _numbers(read[form], form, 12 if form == "monthly" else 36)
        for k, number in enumerate(read[form]):
            try:
                if UNITS[unit].per is None:
                    _check_range(number, unit, f"{number:g} {unit}", least, most)
                elif number < 0 and least >= 0:
                    raise ValueError(f"must be at least 0 (got {number:g} {unit})")
            except ValueError as error:
                raise EntryError(f"{error}; correct it", form, k) from None
    elif form == "annual":
        read.update(_annual(read, dimension))
    else:
        _file_keys(read)
    return read


def _annual(read: dict[str, Any], dimension: Dimension) -> dict[str, Any]:
    of: dict[str, Dimension] = {"flow": "volume", "depth rate": "length", "power": "energy"}
    if dimension not in of:
        raise ValueError("cannot be given as a year's sum; write monthly values")
    number, _ = to_number(read["annual"], of[dimension])
    if number < 0:
        raise ValueError(f"must be at least 0 (got {shown(read['annual'])})")
    shares = read.get("shares")
    if not isinstance(shares, list) or len(shares) not in (12, 36):
        got = f"{len(shares)} values" if isinstance(shares, list) else _sort(shares)
        raise EntryError(
            f"needs 12 (months) or 36 (decades) percentages of the year's sum (got {got}); write "
            "shares: [...] that sum to 100",
            *(key for key in read if key == "shares"),
        )
    numbers = _numbers(shares, "shares", len(shares))
    if min(numbers) < 0 or abs(sum(numbers) - 100.0) > 1e-6:
        message = f"must be at least 0 each and sum to 100 % (got {sum(numbers):g} %)"
        raise EntryError(f"{message}; correct the shares", "shares")
    if read.get("unit") != "%":
        raise ValueError(f"needs unit: '%' beside its shares (got {shown(read.get('unit'))})")
    return {"annual": str(read["annual"]), "shares": numbers}


def _file_keys(read: dict[str, Any]) -> None:
    for key in ("file", "column"):
        if not isinstance(read.get(key), str):
            message = f"needs '{key}', a text (got {_sort(read.get(key))})"
            raise EntryError(message, *(known for known in read if known == key))
    finer = read.get("finer")
    if isinstance(finer, dict) and set(finer) == {"disaggregate"}:
        read["finer"] = _numbers(finer["disaggregate"], "finer.disaggregate", None)
    elif finer is not None and finer != "hold":
        raise EntryError(
            "must be hold, or {disaggregate: [36 decade or 366 day weights]} "
            f"(got {_sort(finer)})",
            "finer",
        )
    missing = read.get("missing", [])
    if not isinstance(missing, list) or not all(isinstance(mark, str) for mark in missing):
        raise EntryError("must be a list of texts such as ['NA', '-999']", "missing")


def _numbers(values: object, form: str, length: int | None) -> list[float]:
    keys = form.split(".")
    if not isinstance(values, list) or (length is not None and len(values) != length):
        got = f"{len(values)} values" if isinstance(values, list) else _sort(values)
        order = {12: "month, January first", 36: "decade, that of 1 January first"}.get(length or 0)
        count = f"{length} " if length else ""
        remedy = f"; write one for each {order}" if order else ""
        raise EntryError(f"must be a list of {count}numbers (got {got}){remedy}", *keys)
    for k, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise EntryError(f"must be a number (got {_sort(value)}); correct it", *keys, k)
        if not math.isfinite(value):
            raise EntryError(f"must be finite (got {shown(value)})", *keys, k)
    return [float(value) for value in values]


class defined:  # noqa: N801
    """Marks a field whose value may stand in a section of its own, to be named by many members.

    ``climate: taraz`` stands for the mapping under ``climates.taraz``. With a `key`, the field is a
    list, and an entry ``{crop: cotton, area: 900 ha}`` is laid over the mapping of that name.
    """

    def __init__(self, section: str, model: type[Definition], key: str = "") -> None:
        self.section = section
        self.model = model
        self.key = key

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(schema)
        return found if self.key else {"anyOf": [found, {"type": "string"}]}


def field(meaning: str, **options: Any) -> Any:
    """A field with its meaning, which is also the remedy of its messages."""
    return Field(description=meaning, **options)
