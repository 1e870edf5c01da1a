"""exact: one allocation as the textbook sequence of linear programmes (HiGHS); pure.

For each rank: raise the common cover of its claims as far as it goes, settle those that a positive
multiplier shows to be blocked, repeat with the rest. The covers are the variables, so that every
variable lies in [0, 1], and the rows are scaled: the tolerance of HiGHS then is one of cover.
Only bounds and costs change between the programmes of one allocation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from watersim.allocation.problem import (
    MET,
    ROUNDS,
    SETTLED,
    Floats,
    Integers,
    Problem,
    fed_by_transfers,
    ran_out,
)
from watersim.errors import ModelError

TOLERANCE = 1e-10  # the least HiGHS takes; also the least slackening of rows when it fails
WHOLE = 1e-11  # a cover this near to 1 is 1
BLOCKED = 1e-7  # multiplier above which a claim is blocked; they sum to 1 over a rank
RESIDUAL = 1e-7  # of the rows, recomputed, relative to the largest need or water


class Allocation(NamedTuple):
    """What one step gives.

    Attributes
    ----------
    y
        volume given to each claim, m3, dims (claim).
    z
        volume carried by each transfer, m3, dims (transfer).
    bound
        what stopped each claim: a row, -1 nothing, -2 - t transfer t at capacity, dims (claim).
    rounds
        how often the water was offered to all ranks.
    """

    y: Floats
    z: Floats
    bound: Integers
    rounds: int


def allocate(problem: Problem, b: Floats, need: Floats, cap: Floats) -> Allocation:
    """Settle the claims of one step: strict priority, equal cover inside a rank, least carrying.

    Parameters
    ----------
    b, need, cap
        water in each row, what each claim asks, capacity of each transfer, all m3 and ≥ 0.

    Raises
    ------
    ModelError
        if HiGHS finds no optimum or its answer breaks a row.
    """
    model = _Model(problem, b, need, cap)
    cover = np.zeros(need.size)
    bound = np.full(need.size, MET, dtype=np.int64)
    size = float(need.max(initial=0.0))
    rounds = 0
    while size > 0.0:
        before = cover.copy()
        for rank in range(int(problem.rank.max()) + 1):
            _settle(model, np.flatnonzero(problem.rank == rank), cover, bound)
        rounds += 1
        change = float(((cover - before) * need).max())
        if not problem.rounds or bool((bound == MET).all()):
            break
        # the programmes themselves are only as fine as their tolerance
        if change <= max(SETTLED, TOLERANCE) * size:
            break
        if rounds == ROUNDS:
            raise ModelError("the return flows of later priorities do not settle")
    z = model.carry(cover)
    y = np.asarray(cover * need)
    excess = float((problem.A @ y + problem.T @ z - b).max(initial=0.0))
    if excess > RESIDUAL * max(size, float(b.max(initial=0.0))):
        raise ModelError(f"the exact allocation breaks a row by {excess:g} m3")
    return Allocation(y, z, bound, rounds)


def _settle(model: _Model, claims: Integers, cover: Floats, bound: Integers) -> None:
    """Fill one rank from the covers it has, all others fixed at theirs; writes both arrays."""
    start = cover.copy()
    active = [int(i) for i in claims if model.need[i] > 0.0 and cover[i] < 1.0 - WHOLE]
    model.open(active, cover)
    while active:
        common, blocked, worth = model.raise_cover(active)
        if common >= 1.0 - WHOLE:
            cover[active] = 1.0
            bound[active] = MET
            break
        for i in [i for i in active if blocked[i] > BLOCKED]:
            cover[i] = max(common, start[i])
            # what does not rise in a later round was stopped by what stopped it before
            if bound[i] == MET or common > start[i] + TOLERANCE:
                bound[i] = ran_out(
                    model.problem.A, model.problem.T, model.b, model.fed, worth[0], worth[1], i
                )
            active.remove(i)
            model.hold(i, cover[i])
    model.close(claims, cover)


class _Model:
    """The programme over covers of claims, shares of transfers and the common cover."""

    def __init__(self, problem: Problem, b: Floats, need: Floats, cap: Floats) -> None:
        self.problem, self.b, self.need, self.cap = problem, b, need, cap
        self.fed = fed_by_transfers(problem.A, problem.T)
        rows, claims = problem.A.shape
        size = max(float(need.max(initial=0.0)), float(b.max(initial=0.0))) or 1.0
        self.unit = np.where(cap > 0.0, np.minimum(cap, size), 1.0)
        volumes = np.hstack([problem.A * need, problem.T * self.unit])
        largest = np.abs(volumes).max(axis=1, initial=0.0)
        self.scale = np.where(largest > 0.0, largest, 1.0)
        self.common = claims + cap.size
        matrix = np.zeros((rows + claims, self.common + 1))
        matrix[:rows, :-1] = volumes / self.scale[:, None]
        matrix[rows:, :claims] = np.eye(claims)
        matrix[rows:, -1] = -1.0
        upper = np.concatenate([np.zeros(claims), cap / self.unit, [0.0]])
        self.highs = _highs(
            matrix, np.concatenate([b / self.scale, np.full(claims, np.inf)]), upper
        )

    def open(self, active: list[int], cover: Floats) -> None:
        """Let the active claims rise from their cover, together above the common cover."""
        self.highs.changeColBounds(self.common, 0.0, 1.0)
        self.highs.changeColCost(self.common, -1.0)
        for i in active:
            self.highs.changeColBounds(i, float(cover[i]), 1.0)
            self.highs.changeRowBounds(self.b.size + i, 0.0, np.inf)

    def hold(self, claim: int, cover: float) -> None:
        """Keep a blocked claim from falling. It cannot rise: no equality that rounding breaks."""
        self.highs.changeColBounds(claim, float(cover), 1.0)
        self.highs.changeRowBounds(self.b.size + claim, -np.inf, np.inf)

    def close(self, claims: Integers, cover: Floats) -> None:
        """Fix the claims of a rank at their covers."""
        for i in claims:
            self.highs.changeColBounds(int(i), float(cover[i]), float(cover[i]))
            self.highs.changeRowBounds(self.b.size + int(i), -np.inf, np.inf)
        self.highs.changeColCost(self.common, 0.0)
        self.highs.changeColBounds(self.common, 0.0, 0.0)

    def raise_cover(self, active: list[int]) -> tuple[float, Floats, tuple[Floats, Floats]]:
        """Return the largest common cover, the claims' multipliers, and those of what ran out."""
        solution = self._solve()
        rows = self.b.size
        multiplier = np.abs(np.asarray(solution.row_dual))
        blocked = np.zeros(self.need.size)
        blocked[active] = multiplier[rows:][active]
        wish = -np.asarray(solution.col_dual)[self.need.size : self.common]
        row_worth = _clear(multiplier[:rows]) / self.scale
        full_worth = _clear(wish) / self.unit
        return float(solution.col_value[self.common]), blocked, (row_worth, full_worth)

    def carry(self, cover: Floats) -> Floats:
        """Return the transfers that give every claim its cover at the least weighted carrying."""
        if self.cap.size == 0 or not cover.any():
            return np.zeros(self.cap.size)
        price = self.problem.price * self.unit
        for t, cost in enumerate(price / price.max()):
            self.highs.changeColCost(self.need.size + t, float(cost))
        share = np.asarray(self._solve().col_value)[self.need.size : self.common]
        return np.asarray(np.clip(share * self.unit, 0.0, self.cap))

    def _solve(self) -> Any:
        """Run; where rounding makes takes settled before infeasible, slacken the rows and retry."""
        from highspy import HighsModelStatus

        upper = self.b / self.scale
        band = 0.0
        while True:
            self.highs.run()
            if self.highs.getModelStatus() == HighsModelStatus.kOptimal:
                break
            band = max(TOLERANCE, 10.0 * band)
            if band > 1e-6:
                raise ModelError(f"HiGHS: {self.highs.getModelStatus()}")
            self._rows(upper + band)
            self.highs.clearSolver()
        solution = self.highs.getSolution()
        if band > 0.0:
            self._rows(upper)
        return solution

    def _rows(self, upper: Floats) -> None:
        for row, value in enumerate(upper):
            self.highs.changeRowBounds(row, -np.inf, float(value))


def _clear(multiplier: Floats) -> Floats:
    """Multipliers without rounding residue."""
    return np.asarray(np.where(multiplier > BLOCKED, multiplier, 0.0))


def _highs(matrix: Floats, row_upper: Floats, col_upper: Floats) -> Any:
    """Make a HiGHS model ``matrix·x ≤ row_upper``, ``0 ≤ x ≤ col_upper``."""
    import highspy

    count, columns = matrix.shape
    row_of, col_of = np.nonzero(matrix)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = count, columns
    lp.col_cost_ = np.zeros(columns)
    lp.col_lower_, lp.col_upper_ = np.zeros(columns), col_upper
    lp.row_lower_, lp.row_upper_ = np.full(count, -np.inf), row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    starts = np.searchsorted(row_of, np.arange(count + 1))
    lp.a_matrix_.start_ = starts.astype(np.int32)
    lp.a_matrix_.index_ = col_of.astype(np.int32)
    lp.a_matrix_.value_ = matrix[row_of, col_of]
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("presolve", "off")
    highs.setOptionValue("small_matrix_value", 1e-12)
    for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        highs.setOptionValue(option, TOLERANCE)
    if highs.passModel(lp) == highspy.HighsStatus.kError:
        raise ModelError("HiGHS refuses the allocation's coefficients")
    return highs
