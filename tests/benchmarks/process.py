"""Engine and Worker: an engine in a process of its own, pinned to as many cores as it may use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
TURN = 0.5  # seconds that a turn lasts at least; short runs are repeated
CAN_PIN = hasattr(os, "sched_setaffinity")


@dataclass(frozen=True)
class Engine:
    """What a worker is started with."""

    name: str
    python: str
    script: str  # beside this file
    solver: str = ""
    most_threads: int = 2


OURS = Engine("watersim", sys.executable, "ours.py")


class FailedError(Exception):
    """An engine's process ended before its answer; says its last words."""


class Worker:
    """The process of an engine; `worker.serve` is its other end."""

    def __init__(self, engine: Engine, job: dict[str, Any]) -> None:
        self.engine, self.job = engine, job
        self.first = 0.0  # seconds of the first run
        self._open = ExitStack()

    def __enter__(self) -> Self:
        cpus = sorted(os.sched_getaffinity(0))[-self.job["threads"] :] if CAN_PIN else []
        self._log = self._open.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        self._process = subprocess.Popen(
            [self.engine.python, str(HERE / self.engine.script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if CAN_PIN else None,
        )
        self._open.callback(self._process.communicate)
        self._open.callback(self._process.kill)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def prepare(self) -> None:
        """Hand over the job and wait until it is built."""
        self._say(json.dumps(self.job | {"solver": self.engine.solver}))
        self._hear()

    def turn(self) -> float:
        """Seconds of the best run of a turn."""
        seconds = [self._run()]
        self.first = self.first or seconds[0]
        while sum(seconds) < TURN:
            seconds.append(self._run())
        return min(seconds)

    def totals(self) -> dict[str, Any]:
        """Supply and storage of the last run; ends the work."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdin = None
        totals: dict[str, Any] = self._hear()
        return totals

    def _run(self) -> float:
        self._say("")
        return float(self._hear())

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise FailedError(self._last_words()) from None

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FailedError(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        said = self._log.read().strip().splitlines()
        return said[-1] if said else f"ended with {self._process.returncode}"
