"""How a kind declares what it needs and what it reports; pure.

A field's type carries its dimension and range, its description is the remedy in messages, the text
of the documentation and of the JSON schema. `quantity` is a number with a unit that does not change
in time; `varying` one that may: constant, by month, by decade, by a year's sum, or from a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import core_schema

from watersim.form import quantity_schema, read_forms, varying_schema
from watersim.number import check_range, shown, to_number
from watersim.timeline import Accounting, Timeline
from watersim.units import SMALLEST, UNITS, Dimension, parse_quantity


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
        check_range(number, unit, value, self.least, self.most)
        return si

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return quantity_schema(self.dimension)


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
                check_range(number, unit, value, self.least, self.most)
            elif number < 0 and self.least >= 0:
                raise ValueError(f"must be at least 0 (got {shown(value)})")
            return Varying(dimension=dimension, constant=str(value))
        forms = read_forms(value, dimension, self.least, self.most)
        return Varying(dimension=dimension, **forms)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return varying_schema(self.dimension)


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
