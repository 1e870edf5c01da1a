"""What every operating policy does: limit a release, ask for it, let surplus through; shared by policies.

A policy writes what claims see: the need of its own claim on what leaves the dam, and what the
outlet lets pass. What the lake cannot keep leaves all the same, through the gates as far as they
pass it, and reaches the claims below.
"""

from __future__ import annotations

from typing import Any

from watersim.arrays import Step
from watersim.fields import Report
from watersim.jit import kernel

POLICY_REPORTS = (
    Report("release_target", "m3 s-1", "release that the policy asks for, 0 where it asks for none",
           "diagnostic"),
    Report("rationing", "1", "share of its requirement that the policy lets pass, 1 where it does "
           "not ration", "diagnostic"),
)  # fmt: skip


@kernel
def report(y: Any) -> None:
    """Nothing asked for, nothing rationed."""
    for l in range(y.rationing.size):
        y.release_target[l] = 0.0
        y.rationing[l] = 1.0


@kernel
def ask(claim: int, y: Any, s: Step, dt: float) -> None:
    """Ask for `release_target` with the policy's claim, if it has one."""
    if claim >= 0:
        own = s.claim[claim]
        for l in range(own.need.size):
            own.need[l] = y.release_target[l] * dt


@kernel
def hold_back(v: int, y: Any, s: Step, dt: float) -> None:
    """Let claims below section v call for no more than `release_target`."""
    at = s.at[v]
    for l in range(at.outlet.size):
        at.outlet[l] = min(at.outlet[l], y.release_target[l] * dt)


@kernel
def follow(own: Any, release: Any, y: Any, s: Step, dt: float) -> None:
    """Ask for a given release, m3/s, and let claims below call for no more."""
    report(y)
    for l in range(y.release_target.size):
        y.release_target[l] = release[l]
    ask(own.claim, y, s, dt)
    hold_back(own.section, y, s, dt)


@kernel
def open_gates(v: int, s: Step) -> None:
    """Let through the outlet what a policy held back and the full lake could not keep."""
    at = s.at[v]
    for l in range(at.spill.size):
        passing = max(0.0, min(at.spill[l], at.gates[l] - at.release[l]))
        at.release[l] += passing
        at.spill[l] -= passing


@kernel
def arriving(v: int, expected: Any, l: int, s: Step, dt: float, again: int) -> float:
    """Inflow of this step, m3: what the first pass saw; in the first pass what is expected.

    Without an expectation the first pass takes what enters at the reservoir itself.
    """
    inflow: float = s.at[v].inflow[l] if again == 1 else s.at[v].runoff[l]
    return expected[l] * dt if again == 0 and expected[l] > 0.0 else inflow


@kernel
def foreseen(inflow: float, expected: float, ahead: float, persistence: float, dt: float) -> float:
    """Inflow from this step's start until a date, m3.

    ``V = I + A (1 + persistence × (I / E − 1))``: I is the inflow of this step, E what was expected
    of it and A what is expected from its end until the date.
    """
    anomaly = inflow / (expected * dt) - 1.0 if expected > 0.0 else 0.0
    return inflow + ahead * max(0.0, 1.0 + persistence * anomaly)
