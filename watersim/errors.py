"""Every exception of watersim, and the problem lines they carry; pure.

::

    WatersimError
    ├── InputError         the scenario, a table or an argument is wrong        (exit code 2)
    ├── ModelError         the run failed for a modelling reason                (exit code 3)
    │   └── ClosureError   a water balance does not close
    └── MachineError       disk, permission, lock: not the model                (exit code 4)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One line a user can act on: where it is, what is wrong, what would be right.

    Prints as ``FILE:LINE: KEY.PATH: what is wrong (got VALUE); what would be right``; parts that
    do not apply are left out.
    """

    message: str
    file: str = ""
    line: int = 0
    key: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(part for part in (place, self.key, self.message) if part)


class WatersimError(Exception):
    """Base of every error that watersim raises on purpose."""

    exit_code = 1


class InputError(WatersimError):
    """What was given is wrong. Carries every problem of the stage, in file order."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem] | Problem | str) -> None:
        if isinstance(problems, str):
            problems = [Problem(problems)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ModelError(WatersimError):
    """The run failed for a modelling reason."""

    exit_code = 3


class ClosureError(ModelError):
    """A water balance does not close; the message names the entity, the step and the residual."""


class MachineError(WatersimError):
    """The disk, a permission or a lock stood in the way."""

    exit_code = 4
