"""Loss on the way: the share of a link's flow that is lost, and where it goes; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator

from watersim import ground
from watersim.fields import Described, Varying, field, quantity, varying
from watersim.ground import Recession, Stored
from watersim.units import UNITS, parse_quantity

MOST_LOST = 0.999
_FORMS = {"monthly", "decades"}


class LossOnTheWay(Described):
    """Water lost between the head and the end of a link, with its destination."""

    fraction: Annotated[Varying, varying("fraction", most=MOST_LOST)] = field(
        "the share of the flow entering that is lost"
    )
    to: str | None = field(
        "the river node it comes back to, or `groundwater`, where it leaves the model", default=None
    )
    returning: Annotated[float, quantity("fraction", most=1.0)] = field(
        "the share of the loss that comes back; the rest leaves the model", default=1.0
    )
    recession: Recession | None = field(ground.RECESSION, default=None)
    initial_storage: Stored | None = field(ground.INITIAL_STORAGE, default=None)

    def most(self) -> float:
        """The largest share of the year."""
        given = self.fraction
        if given.constant is not None:
            number, spelling = parse_quantity(given.constant)
            return number * UNITS[spelling].factor * given.factor
        share = max(given.monthly or given.decades or [0.0])
        return share * UNITS[given.unit or "1"].factor * given.factor

    def node(self) -> str | None:
        """The river node it comes back to."""
        return None if self.to == "groundwater" else self.to

    def share_back(self) -> float:
        """Share of the loss that comes back, at once or later."""
        return self.returning if self.node() else 0.0

    def back_within(self, dt: float) -> float:
        """Share of the loss that is back within a step of dt seconds."""
        return self.share_back() * ground.within(self.recession, dt)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong across its fields, as of a kind."""
        form, factor = self.fraction.form, self.fraction.factor
        if form not in ("constant", *_FORMS):
            remedy = "give one share, or 12 monthly or 36 decade values with their unit"
            yield f"loss.fraction.{form}", f"is no form of a loss; {remedy}"
        elif self.most() > MOST_LOST:
            message = (
                f"must be at most {MOST_LOST} (got {self.most():g} with its factor {factor:g})"
            )
            yield "loss.fraction.factor", f"{message}; correct it"
        yield from ground.problems("loss", self.recession, self.initial_storage)
        for key in ("returning", "recession", "initial_storage"):
            if key in self.model_fields_set and self.node() is None:
                remedy = f"name it, or leave '{key}' out"
                yield f"loss.{key}", f"needs a river node in 'to' to come back to; {remedy}"


def _fraction(value: object) -> object:
    whole = value is None or isinstance(value, LossOnTheWay)
    if whole or (isinstance(value, dict) and not _FORMS & set(value)):
        return value
    return {"fraction": value}


Loss = Annotated[LossOnTheWay, BeforeValidator(_fraction)]
