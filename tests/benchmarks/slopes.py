"""How our cost grows with sections, steps and realizations, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass

from bars import NEAR_LINEAR, Bar, slope
from measure import Case, Record, measure
from process import OURS
from rivers import river, toy_daily, tree28

SECTIONS = (25, 50, 100, 200, 400)
STEPS = (1_000, 4_000, 16_000)
REALIZATIONS = (1, 4, 16, 64, 256)


@dataclass(frozen=True)
class Growth:
    """What grows, by how much, and the records."""

    what: str
    sizes: tuple[int, ...]
    records: tuple[Record, ...]

    def costs(self) -> tuple[float, ...]:
        """Seconds of the whole run at each size."""
        return tuple(r.us_per_step_realization * 1e-6 * r.steps * r.scenarios for r in self.records)

    def bar(self) -> Bar:
        """Whether the cost is near-linear."""
        value = slope(self.sizes, self.costs())
        return Bar(f"cost ~ {self.what}^n, n at most {NEAR_LINEAR:g}", value, value <= NEAR_LINEAR)


def growths(repeat: int) -> list[Growth]:
    """Sections of the river, steps of the daily toy, realizations of the tree."""
    toy, tree = toy_daily(), tree28()
    sections, steps, realizations = SECTIONS, (*STEPS, toy.steps), REALIZATIONS
    return [
        _growth("sections", sections, [Case(OURS, river(n), 1, 1) for n in sections], repeat),
        _growth("steps", steps, [Case(OURS, toy.shortened(n), 1, 1) for n in steps], repeat),
        _growth("realizations", realizations, [Case(OURS, tree, n, 1) for n in realizations],
                repeat),
    ]  # fmt: skip


def _growth(what: str, sizes: tuple[int, ...], cases: list[Case], repeat: int) -> Growth:
    return Growth(what, sizes, tuple(measure(cases, repeat)))
