"""The talk between `peers.py` and an engine's process: a job in, seconds out, totals at the end.

Standard library only: the peers' environments import it too.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

Run = Callable[[], float]  # one run; its seconds
Totals = Callable[[], dict[str, Any]]


def clock(threads: int) -> Callable[[], float]:
    """Seconds as a run is timed by.

    On one thread those of the processor, so that the machine's other work does not count; on
    several those on the wall.
    """
    return process_time if threads == 1 else perf_counter


def serve(prepare: Callable[[dict[str, Any]], tuple[Run, Totals]]) -> None:
    """Read a job, then run once for every line read; after the last line answer with the totals.

    What the engine prints goes to stderr.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    run, totals = prepare(json.loads(sys.stdin.readline()))

    def answer(value: object) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    answer("ready")
    for _ in sys.stdin:
        answer(run())
    answer(totals())
