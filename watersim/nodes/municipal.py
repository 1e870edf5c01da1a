"""Municipal: a site that asks for water for people and industry."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from watersim.demand import Demand, after, before

__all__ = ["Municipal", "after", "before"]


class Municipal(Demand):
    """A town or a plant: ``supply = return_flow + consumption ≤ requirement``."""

    kind: Literal["municipal"]

    sector: ClassVar[str] = "municipal"

    def coordinates(self) -> dict[str, Any]:
        return {**super().coordinates(), "area": 0.0}
