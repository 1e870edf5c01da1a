"""Irrigation: a site that asks for water for its fields."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from watersim.demand import Demand, after, before
from watersim.fields import field, quantity

__all__ = ["Irrigation", "after", "before"]


class Irrigation(Demand):
    """Irrigated land: ``supply = return_flow + consumption ≤ requirement``."""

    kind: Literal["irrigation"]
    area: Annotated[float, quantity("area")] | None = field("the irrigated area", default=None)

    sector: ClassVar[str] = "irrigation"

    def coordinates(self) -> dict[str, Any]:
        return {**super().coordinates(), "area": 0.0 if self.area is None else self.area}
