"""A linear store in the ground, for water that comes back slowly: fields, equation, kernels; pure.

``dS/dt = I − S / recession``, exact over a step of any length for an even inflow I. Of the inflow of
a step the share `prompt` leaves the store within it, of what was there before the share `drained`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

from watersim.fields import quantity
from watersim.jit import kernel

Recession = Annotated[float, quantity("time", least=1.0)]  # s
Stored = Annotated[float, quantity("volume")]  # m3

RECESSION = (
    "the time in which the store in the ground falls to 1/e; without it, back within the step"
)
INITIAL_STORAGE = "the water on its way through the ground at the start of the run"


def problems(
    key: str, recession: float | None, initial_storage: float | None
) -> Iterator[tuple[str, str]]:
    """What is wrong with a store below a key: its time and its first storage go together."""
    if recession is not None and initial_storage is None:
        yield (
            f"{key}.initial_storage",
            "is required with 'recession'; give the water in the ground at the start, 0 hm3 if none",
        )
    if recession is None and initial_storage is not None:
        yield (
            f"{key}.recession",
            "is required with 'initial_storage'; give the time of recession, such as 60 days",
        )


def within(recession: float | None, dt: float) -> float:
    """Share of what enters in a step of dt seconds that is back within it; 1 without a store."""
    return prompt(recession, dt) if recession else 1.0


@kernel
def prompt(recession: float, dt: float) -> float:
    """Share of an even inflow to a linear store that leaves it within the same step.

    1 − k/dt (1 − exp(−dt/k)), from dS/dt = I − S/k with S = 0 at the start; k and dt in s.
    """
    return 1.0 - recession / dt * (1.0 - math.exp(-dt / recession))


@kernel
def drained(recession: float, dt: float) -> float:
    """Share of what a linear store holds at the start of a step that leaves it within the step."""
    return 1.0 - math.exp(-dt / recession)


@kernel
def remains(stored: float, leaves: float, enters: float, back: float) -> float:
    """What a store holds at the end, m3: `back` of what `enters` left it within the step."""
    return max(0.0, stored - leaves + enters - back)


@kernel
def part(
    loss: Any, back: Any, kept: Any, stored: Any,
    share: float, now: float, recession: float, dt: float,
) -> None:  # fmt: skip
    """Part what a link lost in a step: what comes back, at once or later, and what is gone.

    Parameters
    ----------
    loss
        what was lost, m3/s in lanes; then what of it is gone for good
    back, kept
        what is written: the flow that comes back, m3/s; what is in the ground at the end, m3
    stored
        what was in the ground at the start, m3
    share, now
        of what was lost: what comes back, and what of that is back within the step
    recession
        of the store, s; 0 where there is none
    """
    leaves = drained(recession, dt) if recession > 0.0 else 1.0
    for l in range(stored.size):
        lost = loss[l] * dt
        comes_back, at_once, from_ground = lost * share, lost * now, stored[l] * leaves
        stays = remains(stored[l], from_ground, comes_back, at_once)
        loss[l] = max(0.0, lost - comes_back) / dt
        back[l] = (at_once + from_ground) / dt
        kept[l] = stays if leaves < 1.0 else 0.0
