"""cases: results and scenarios as they are named on the command line → runs by case.

A result is a file of a run. A scenario is run and not kept; ``FILE.yaml:dry+eco`` is the scenario
with its variants.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from watersim.errors import InputError, Problem
from watersim.netcdf import open_run
from watersim.scenario import Scenario, load
from watersim.simulation import run

SUFFIXES = (".yaml", ".yml")


def cases(named: Sequence[str]) -> dict[str, xr.Dataset]:
    """Open the results and run the scenarios, in the order in which they are named.

    Raises
    ------
    InputError
        with every problem of every scenario, before the first is run.
    """
    if len(named) < 2:
        raise InputError("compare: needs at least two results or scenarios")
    read: dict[str, Scenario] = {}
    problems: list[Problem] = []
    for text in dict.fromkeys(named):
        path, variant = _scenario(text)
        if path is not None:
            try:
                read[text] = load(path, variant)
            except InputError as error:
                problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise InputError(problems)
    opened = {text: open_run(Path(text)) for text in named if text not in read}
    twice = sorted({text for text in named if list(named).count(text) > 1})
    if twice:
        raise InputError([Problem("is named twice; name it once", text) for text in twice])
    labels = [read[text].label if text in read else Path(text).stem for text in named]
    return {
        label if labels.count(label) == 1 else text: run(read[text])
        if text in read
        else opened[text]
        for text, label in zip(named, labels, strict=True)
    }


def _scenario(text: str) -> tuple[Path | None, str | None]:
    """The file and the variants of a scenario, no file where it is a result."""
    for suffix in SUFFIXES:
        if text.endswith(suffix):
            return Path(text), None
        name, mark, variant = text.rpartition(f"{suffix}:")
        if mark and variant:
            return Path(name + suffix), variant
    return None, None
