"""Cases run in turns → a record each."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from description import Network, job
from process import OURS, Engine, FailedError, Worker

Answer = TypeVar("Answer")
DEMANDS = "priority "  # how the totals of demands begin; the others are of gauges


@dataclass(frozen=True)
class Record:
    """One engine on one job. Times are µs per step and realization, volumes hm3."""

    network: str
    engine: str
    scenarios: int
    threads: int
    us_per_step_realization: float  # the best turn
    total_supply: float  # of all demands, steps and realizations
    steps: int
    us_worst_turn: float  # what the machine's other work may add
    us_first_run: float  # into memory not yet touched
    supply: dict[str, list[float]]  # of each realization by priority, and at the gauges
    storage: list[float]  # at the end, of each realization


@dataclass(frozen=True)
class Case:
    """An engine and what it is to run."""

    engine: Engine
    network: Network
    scenarios: int
    threads: int


def measure(cases: Sequence[Case], repeat: int) -> list[Record]:
    """Run the cases in turns, `repeat` times; the best turn of each counts.

    An engine that fails is named on stderr and left out.

    Raises
    ------
    FailedError
        if ours fails.
    """
    turns: dict[int, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        workers = {
            k: stack.enter_context(Worker(c.engine, job(c.network, c.scenarios, c.threads)))
            for k, c in enumerate(cases)
        }
        _each(workers, Worker.prepare)
        for _ in range(repeat):
            for k, seconds in _each(workers, Worker.turn).items():
                turns[k].append(seconds)
        totals = _each(workers, Worker.totals)
    return [_record(cases[k], turns[k], workers[k].first, found) for k, found in totals.items()]


def _each(workers: dict[int, Worker], act: Callable[[Worker], Answer]) -> dict[int, Answer]:
    answers = {}
    for k, worker in list(workers.items()):
        try:
            answers[k] = act(worker)
        except FailedError as error:
            if worker.engine == OURS:
                raise
            network = worker.job["network"]["name"]
            print(f"{worker.engine.name} failed on {network}: {error}", file=sys.stderr)
            del workers[k]
    return answers


def _record(case: Case, turns: list[float], first: float, totals: dict[str, Any]) -> Record:
    per_run = 1e6 / (case.network.steps * case.scenarios)
    return Record(
        network=case.network.name,
        engine=case.engine.name,
        scenarios=case.scenarios,
        threads=case.threads,
        us_per_step_realization=min(turns) * per_run,
        total_supply=sum(
            sum(values) for key, values in totals["supply"].items() if key.startswith(DEMANDS)
        ),
        steps=case.network.steps,
        us_worst_turn=max(turns) * per_run,
        us_first_run=first * per_run,
        supply=totals["supply"],
        storage=totals["storage"],
    )
