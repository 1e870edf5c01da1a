"""exact: one allocation as the textbook sequence of linear programmes (HiGHS); pure.

For each rank: raise the common cover of its claims as far as it goes, settle those that a positive
multiplier shows to be blocked, repeat with the rest. The variables are shares of what can be at
stake, a need or all the water, and the rows are scaled: the tolerance of HiGHS then is one of
volume, also where needs are out of all proportion to the water. Only bounds and costs change
between the programmes of one allocation, and the measure of the common cover where it must.
"""

from __future__ import annotations

from functools import cache
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

TOLERANCE = 1e-10  # the least HiGHS takes, absolute, so
FINE = 1e3  # is what a need or all the water is in the units of the programmes
DUAL, PRIMAL = 1, 4  # of the methods of HiGHS
SLIP = 1e-11  # of its values from its rows
BANDS = (0.0, 0.0, 1e-12, 1e-10, 1e-9, 1e-8)  # slackening of rows in each attempt of HiGHS
SAME, DRIFT = 1e-8, 0.99  # a change of a round that small and not falling is one of rounding
WHOLE = 1e-11  # a cover this near to 1 is 1
BLOCKED = 1e-7  # multiplier above which a claim is blocked; at least one is above 1 / claims
RESIDUAL = 1e-7  # of the rows, recomputed, relative to the water at stake
SPECK = 2e-7  # of the water at stake
COST = 1e4  # of the dearest transfer when carried in full; the tolerance of HiGHS is absolute
NOTHING = 1e-15  # of the largest need: water that is less is none


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
    most, water = float(need.max(initial=0.0)), float(np.concatenate([b, cap]).max(initial=0.0))
    if water < NOTHING * most:  # what rounding left in a store; programmes cannot see it
        b, cap = np.zeros(b.size), np.where(cap > 0.0, most, 0.0)
    model = _Model(problem, b, need, cap)
    y = np.zeros(need.size)
    bound = np.full(need.size, MET, dtype=np.int64)
    rounds, change = 0, 1.0
    while model.stake > 0.0:
        before = y.copy()
        for rank in range(int(problem.rank.max()) + 1):
            _settle(model, np.flatnonzero(problem.rank == rank), y, bound)
        rounds += 1
        if not problem.rounds or bool((bound == MET).all()):
            break
        change, last = float((y - before).max()) / model.stake, change
        if change <= max(SETTLED, TOLERANCE) or DRIFT * last < change < SAME:
            break
        if rounds == ROUNDS:
            raise ModelError("the return flows of later priorities do not settle")
    z = model.carry(y)
    excess = float((problem.A @ y + problem.T @ z - b).max(initial=0.0))
    if excess > RESIDUAL * model.stake:
        raise ModelError(f"the exact allocation breaks a row by {excess:g} m3")
    return Allocation(y, z, bound, rounds)


def _settle(model: _Model, claims: Integers, y: Floats, bound: Integers) -> None:
    """Fill one rank from what its claims have, all others fixed at theirs; writes both arrays."""
    start, need = y.copy(), model.need
    active = [int(i) for i in claims if y[i] < (1.0 - WHOLE) * need[i]]
    model.open(active, y)
    while active:
        common, blocked, reached, worth = model.raise_cover(active)
        if common >= 1.0 - WHOLE:
            y[active] = need[active]
            bound[active] = MET
            break
        settled = [i for i in active if blocked[i] > BLOCKED]
        if not settled:
            raise ModelError("HiGHS: the common cover ends and no claim is blocked")
        for i in settled:
            y[i] = max(min(common * need[i], reached[i]), start[i])
            # what does not rise in a later round was stopped by what stopped it before
            if bound[i] == MET or y[i] > start[i] + TOLERANCE * need[i]:
                bound[i] = ran_out(
                    model.problem.A, model.problem.T, model.b, model.fed, worth[0], worth[1], i
                )
            active.remove(i)
            model.hold(i, y[i])
    model.close(claims, y)


class _Model:
    """The programme over shares of claims, shares of transfers and the common cover.

    Claim i and transfer t count in units of their own, no larger than the water at stake. The
    common cover counts in the `measure` in which it can be of the order of one.
    """

    def __init__(self, problem: Problem, b: Floats, need: Floats, cap: Floats) -> None:
        self.problem, self.b, self.need, self.cap = problem, b, need, cap
        self.fed = fed_by_transfers(problem.A, problem.T)
        rows, claims = problem.A.shape
        water = float(np.concatenate([b, cap]).max(initial=0.0))
        self.stake = min(float(need.max(initial=0.0)), water or np.inf)
        most = self.stake or 1.0
        self.ask = np.where(need > 0.0, np.minimum(need, most), 1.0) / FINE
        self.unit = np.where(cap > 0.0, np.minimum(cap, most), 1.0) / FINE
        volumes = np.hstack([problem.A * self.ask, problem.T * self.unit])
        largest = np.abs(volumes).max(axis=1, initial=0.0)
        self.scale = np.where(largest > 0.0, largest, 1.0)
        self.common = claims + cap.size
        self.measure = float((self.ask / np.maximum(need, self.ask)).min(initial=1.0))
        self.matrix = matrix = np.zeros((rows + claims, self.common + 1))
        matrix[:rows, :-1] = volumes / self.scale[:, None]
        matrix[rows:, :claims] = np.eye(claims)
        matrix[rows:, -1] = self._entries()
        upper = np.concatenate([np.zeros(claims), cap / self.unit, [0.0]])
        self.point = np.zeros(self.common + 1)
        self.highs = _highs(
            matrix, np.concatenate([b / self.scale, np.full(claims, np.inf)]), upper
        )

    def open(self, active: list[int], y: Floats) -> None:
        """Let the active claims rise from what they have, together above the common cover."""
        self.highs.changeColCost(self.common, -1.0)
        for i in active:
            self.highs.changeColBounds(i, y[i] / self.ask[i], self.need[i] / self.ask[i])
            self.highs.changeRowBounds(self.b.size + i, 0.0, np.inf)

    def hold(self, claim: int, given: float) -> None:
        """Keep a blocked claim from falling. It cannot rise: no equality that rounding breaks."""
        ask = self.ask[claim]
        self.highs.changeColBounds(claim, given / ask, self.need[claim] / ask)
        self.highs.changeRowBounds(self.b.size + claim, -np.inf, np.inf)

    def close(self, claims: Integers, y: Floats) -> None:
        """Fix the claims of a rank at what they got."""
        for i in claims:
            share = y[i] / self.ask[i]
            self.highs.changeColBounds(int(i), share, share)
            self.highs.changeRowBounds(self.b.size + int(i), -np.inf, np.inf)
        self.highs.changeColCost(self.common, 0.0)
        self.highs.changeColBounds(self.common, 0.0, 0.0)

    def raise_cover(self, active: list[int]) -> tuple[float, Floats, Floats, tuple[Floats, Floats]]:
        """Return the largest common cover, the claims' multipliers and volumes, what ran out."""
        self._measure(float((self.ask[active] / self.need[active]).min()))
        solution = self._solve()
        rows = self.b.size
        multiplier = np.abs(np.asarray(solution.row_dual))
        blocked = np.zeros(self.need.size)
        blocked[active] = multiplier[rows:][active]
        wish = -np.asarray(solution.col_dual)[self.need.size : self.common]
        row_worth = _clear(multiplier[:rows]) / self.scale
        full_worth = _clear(wish) / self.unit
        common = self.measure * float(solution.col_value[self.common])
        reached = self.point[: self.need.size] * self.ask
        return common, blocked, reached, (row_worth, full_worth)

    def _measure(self, measure: float) -> None:
        """Count the common cover in another measure."""
        if measure != self.measure:
            self.measure = measure
            self.matrix[self.b.size :, -1] = self._entries()
            for row in range(self.b.size, self.matrix.shape[0]):
                self.highs.changeCoeff(row, self.common, float(self.matrix[row, -1]))
        self.highs.changeColBounds(self.common, 0.0, 1.0 / measure)

    def _entries(self) -> Floats:
        """What the common cover asks of each claim; one that does not rise now may have any.

        HiGHS does not see a speck of what the largest gets: such a claim rises after the others.
        """
        entry = np.minimum(self.measure * self.need / self.ask, 1.0)
        return np.asarray(np.where(entry > SPECK, -entry, 0.0))

    def carry(self, y: Floats) -> Floats:
        """Return the transfers that give every claim its own at the least weighted carrying."""
        if self.cap.size == 0 or not y.any():
            return np.zeros(self.cap.size)
        price = self.problem.price * self.unit
        for t, cost in enumerate(COST * price / price.max()):
            self.highs.changeColCost(self.need.size + t, float(cost))
        share = np.asarray(self._solve().col_value)[self.need.size : self.common]
        return np.asarray(np.clip(share * self.unit, 0.0, self.cap))

    def _solve(self) -> Any:
        """Run; where that fails run anew, then with rows as far broken as rounding broke them."""
        from highspy import HighsModelStatus

        upper = self.b / self.scale
        for attempt, band in enumerate(BANDS):
            if attempt > 1:
                self._rows(np.maximum(upper, self._used()) + band)
            self.highs.run()
            solution = self.highs.getSolution()
            if self.highs.getModelStatus() == HighsModelStatus.kOptimal and self._solves(solution):
                break
            self.highs.clearSolver()
            self.highs.setOptionValue("simplex_strategy", PRIMAL)
        else:
            raise ModelError(f"HiGHS: {self.highs.getModelStatus()}")
        if attempt > 0:
            self.highs.setOptionValue("simplex_strategy", DUAL)
        if attempt > 1:
            self._rows(upper)
        self.point = np.asarray(solution.col_value)
        return solution

    def _used(self) -> Floats:
        """What the point of the last programme takes from the rows, within the bounds of now."""
        lp = self.highs.getLp()
        point = np.clip(self.point, np.asarray(lp.col_lower_), np.asarray(lp.col_upper_))
        return np.asarray(self.matrix[: self.b.size] @ point)

    def _solves(self, solution: Any) -> bool:
        """Whether the values solve the rows; after a long way from basis to basis some do not."""
        values = np.asarray(solution.col_value)
        slip = np.abs(self.matrix @ values - np.asarray(solution.row_value)).max()
        return bool(slip <= SLIP * max(1.0, values.max()))

    def _rows(self, upper: Floats) -> None:
        for row, value in enumerate(upper):
            self.highs.changeRowBounds(row, -np.inf, float(value))


def _clear(multiplier: Floats) -> Floats:
    """Multipliers without rounding residue."""
    return np.asarray(np.where(multiplier > BLOCKED, multiplier, 0.0))


@cache
def _silent() -> Any:
    """The class of HiGHS models that say nothing, from the first: `Highs` greets when it is made."""
    import highspy

    class Silent(highspy.Highs):
        def enableCallbacks(self) -> None:  # noqa: N802  the first that `Highs` does when made
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()  # type: ignore[no-untyped-call]

    return Silent


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
    highs = _silent()()
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("presolve", "off")
    highs.setOptionValue("small_matrix_value", 1e-12)
    highs.setOptionValue("simplex_scale_strategy", 0)
    highs.setOptionValue("primal_simplex_bound_perturbation_multiplier", 0.0)
    highs.setOptionValue("dual_simplex_cost_perturbation_multiplier", 0.0)
    for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        highs.setOptionValue(option, TOLERANCE)
    if highs.passModel(lp) == highspy.HighsStatus.kError:
        raise ModelError("HiGHS refuses the allocation's coefficients")
    return highs
