"""The loop over steps: what each kind does, orders, allocation, in turn; kernels.

It calls by address what `watersim.hooks` has compiled, each kind by itself, so that a scenario waits
only for the kinds it has, and a kernel that changed is compiled without the others. What is called finds
its arrays by address too (`frame`, `rows`): types of all kinds would make every signature a long one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from watersim.allot import Matrices, Room
from watersim.arrays import Step
from watersim.jit import by_address, entry, kernel
from watersim.step import clear


class Program(NamedTuple):
    """What the loop calls: addresses, or functions where it runs as plain Python."""

    start: NDArray[Any]  # (n, 2) what, number of its kind: once, at the start of the run
    force: NDArray[Any]  # forcing of the step into lanes
    before: NDArray[Any]
    after: NDArray[Any]
    order: NDArray[Any]  # (1)
    allot: NDArray[Any]  # (1)


@by_address
def call(what: Any, *arguments: Any) -> int:
    """Call what stands at an address."""
    result: int = what(*arguments)
    return result


@kernel
def each(hooks: NDArray[Any], frame: Any, rows: Any, t: int, dt: float, again: int) -> None:
    """Call one hook of every kind that has it."""
    for n in range(hooks.shape[0]):
        call(hooks[n, 0], frame, rows[hooks[n, 1]], t, dt, again)


@entry
def run_steps(
    first: int, last: int, program: Program, frame: Any, rows: Any, seconds: Any, sets: Any,
    passes: int, m: Matrices, rounds: int, s: Step, room: Room, orders: Any, ahead: Any,
    sections: Any, claims: Any, ways: Any, status: Any,
) -> int:  # fmt: skip
    """Advance one block through steps [first, last); the step that could not be settled, or `last`.

    Parameters
    ----------
    frame
        where the arrays of `s` are, see `watersim.hooks`; as plain Python `s` itself.
    rows
        where the arrays of each kind are; as plain Python the arrays.
    """
    if first == 0:
        each(program.start, frame, rows, 0, seconds[0], 0)
    for t in range(first, last):
        dt = seconds[t]
        each(program.force, frame, rows, t, dt, 0)
        for again in range(passes):
            clear(s, m.gain[sets[t]])
            each(program.before, frame, rows, t, dt, again)
            call(program.order[0], orders, ahead, t, s, dt)
            final = 1 if again + 1 == passes else 0
            status[0] = call(program.allot[0], m, sets[t], rounds, s, room, again, final)
            if status[0] != 0:
                return t
        each(program.after, frame, rows, t, dt, 0)
        keep(s, sections[t], claims[t], ways[t])
    return last


@kernel
def keep(s: Step, sections: Any, claims: Any, ways: Any) -> None:
    """Write down what sections, claims and ways out got in this step."""
    for v in range(s.at.shape[0]):
        at, section = s.at[v], sections[v]
        for l in range(at.inflow.size):
            section.inflow[l] = at.inflow[l]
            section.outflow[l] = at.outflow[l]
    for o in range(s.way_out.shape[0]):
        way, flow = s.way_out[o].flow, ways[o].flow
        for l in range(flow.size):
            flow[l] = way[l]
    for i in range(s.claim.shape[0]):
        claim, given = s.claim[i], claims[i]
        for l in range(claim.need.size):
            given.need[l] = claim.need[l]
            given.supply[l] = claim.supply[l]
            given.bound[l] = claim.bound[l]
