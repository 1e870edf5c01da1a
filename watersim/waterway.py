"""Waterway: what a reach and a Muskingum reach share, river between two nodes with loss and travel."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import PrivateAttr

from watersim.described import Link
from watersim.fields import Report, Varying, field, quantity
from watersim.ground import part, prompt
from watersim.jit import kernel
from watersim.timeline import Step, step_lengths


class Waterway(Link):
    """Base of the kinds of reach: ``S1 = S0 + flow − loss − arrival``.

    Where its water is under way for longer than a third of a step, claims below do not count on
    what the part above can give: they order it (`watersim.orders`).
    """

    initial_flow: Annotated[float, quantity("flow")] | None = field(
        "the flow at its end in the time before the run; without it, nothing is under way",
        default=None,
    )

    order: ClassVar[int] = 5
    family: ClassVar[str] = "reach"
    reports: ClassVar = (
        Report("reach_flow", "m3 s-1", "flow entering the reach", "flux", "reach_from", "reach"),
        Report("reach_loss", "m3 s-1", "evaporation and seepage from the reach, gone for good",
               "flux", "reach", ""),
        Report("reach_return_flow", "m3 s-1", "what comes back to the river of losses, of this step "
               "and of earlier ones", "flux", "reach", "reach_loss_to"),
        Report("reach_arrival", "m3 s-1", "flow arriving at its end", "flux", "reach", "reach_to"),
        Report("reach_storage", "m3", "water under way at the end of the step", "state", "reach",
               ""),
        Report("reach_groundwater_storage", "m3", "loss on its way back through the ground at the "
               "end of the step", "state", "reach", ""),
    )  # fmt: skip
    part_family: ClassVar[str] = "reach_part"
    part_reports: ClassVar = (
        Report("under_way", "m3", "water in a piece of a reach, or due at its end in the step that "
               "is so many ahead, at the end of the step", "state"),
    )  # fmt: skip

    _step: Step = PrivateAttr("month")

    def laid_out(self, step: Step) -> Waterway:
        """The same in a run of that step."""
        own = self.model_copy()
        own._step = step
        return own

    @abstractmethod
    def travel_time(self) -> float:
        """The time its water is under way, s."""

    @abstractmethod
    def within(self, dt: float) -> float:
        """Share of what enters in a step of dt seconds and is not lost that arrives within it."""

    @abstractmethod
    def cuts(self) -> bool:
        """Whether claims below cannot count on water above, in a run of its step."""

    def gain(self, dt: float, lost: float) -> float:
        """Share of the flow entering that reaches its end within a step of dt seconds.

        By the river, and of the share lost what comes back so soon.
        """
        return (1.0 - lost) * self.within(dt) + lost * self.back_within(dt)

    def kept(self, dt: float, lost: float) -> float:
        """The same, of water that need not arrive within the step."""
        return (1.0 - lost) + lost * self.back_within(dt)

    def forcing_of_parts(self) -> Mapping[str, Varying | None]:
        """The loss that changes with the season, for each part."""
        return {"loss": self.loss.fraction if self.loss and self.is_seasonal() else None}

    def lengths(self) -> tuple[float, ...]:
        """The lengths that a step of the run can have, s, the shortest first."""
        return step_lengths(self._step)

    def initial(self) -> Mapping[str, float]:
        stored = (self.initial_flow or 0.0) * self.travel_time()
        return {"reach_storage": stored, "reach_groundwater_storage": self.in_ground()}

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().problems(tables)
        if self.initial_flow is not None and self.travel_time() == 0.0:
            yield "initial_flow", "needs a travel time; give it, or leave the flow out"


@kernel
def give_back(own: Any, stored: Any, out: Any, dt: float) -> None:
    """Part what a reach lost: what comes back, now or later, and what is gone."""
    now = own.share_back
    now *= prompt(own.recession, dt) if own.recession > 0.0 else 1.0
    part(
        out.reach_loss, out.reach_return_flow, out.reach_groundwater_storage, stored,
        own.share_back, now, own.recession, dt,
    )  # fmt: skip


def slots(lengths: tuple[float, ...], lag: float) -> int:
    """In how many later steps water of one step may arrive that is under way for `lag` seconds."""
    return max(1, math.ceil(lag / min(lengths)))
