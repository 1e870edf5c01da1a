"""jobs: scenario files and variants → what `run` has to run, and the file of each result.

What is slow to import is imported where it is used: a wrong file must be refused quickly.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from watersim.errors import InputError, Problem
from watersim.files import display
from watersim.scenario import Scenario, load

if TYPE_CHECKING:
    import xarray as xr

    from watersim.rules import Rule


class Job(NamedTuple):
    """A scenario file, and the variant of it that is run: "" is the scenario itself."""

    path: Path
    variant: str


def targets(jobs: Sequence[Job], output: Path | None) -> list[Path]:
    """The result file of each job; one job may name its file, several share a folder.

    Raises
    ------
    InputError
        if two jobs would write one file.
    """
    if output is not None and output.suffix == ".nc":
        if len(jobs) > 1:
            raise InputError(f"-o {output}: is one file for {len(jobs)} runs; give a folder")
        return [output]
    folder = output or Path()
    found = [
        folder / (f"{path.stem}.{variant}.nc" if variant else f"{path.stem}.nc")
        for path, variant in jobs
    ]
    twice = sorted({path.name for path in found if found.count(path) > 1})
    if twice:
        raise InputError([Problem("would be written by more than one run; run them with -o "
                                  "of their own", display(folder / name)) for name in twice])  # fmt: skip
    return found


def load_all(jobs: Sequence[Job]) -> list[Scenario]:
    """Read every scenario before the first run, so that nothing is written if one is wrong.

    Raises
    ------
    InputError
        with the problems of all of them, each once.
    """
    loaded: list[Scenario] = []
    problems: list[Problem] = []
    for path, variant in jobs:
        try:
            loaded.append(load(path, variant or None))
        except InputError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise InputError(problems)
    return loaded


def load_variants(read: Scenario, path: Path) -> list[str]:
    """Read every variant of a scenario; their names.

    Raises
    ------
    InputError
        with the problems of all of them, each with the variant it belongs to.
    """
    problems: list[Problem] = []
    for name in sorted(read.variants):
        try:
            load(path, name)
        except InputError as error:
            problems += [
                problem._replace(message=f"{problem.message} (variant {name})")
                for problem in error.problems
            ]
    if problems:
        raise InputError(problems)
    return sorted(read.variants)


def functions(
    loaded: Sequence[Scenario], path: Path | None, resume: bool
) -> Mapping[str, Rule] | None:
    """The user's functions, by name, where a policy of the scenarios calls one.

    Raises
    ------
    InputError
        if none does though a file is given, or results shall be kept: what is kept of a run does not
        tell which functions they were.
    """
    if not any(policy.function_name() for own in loaded for policy in own.policies.values()):
        if path is not None:
            raise InputError(Problem("no scenario has a policy of the kind function; leave it out",
                                     key="--rules"))  # fmt: skip
        return None
    if resume:
        raise InputError(Problem("cannot tell whether your functions are the same; leave it out",
                                 key="--resume"))  # fmt: skip
    from watersim.rules import read_rules

    return None if path is None else read_rules(path)


def kept(scenario: Scenario, target: Path, realizations: int, seed: int) -> xr.Dataset | None:
    """A result that is there; None if it is not.

    Raises
    ------
    InputError
        if it was made from other input.
    """
    from watersim.netcdf import open_run

    if not target.exists():
        return None
    ds = open_run(target)
    same = (
        ds.attrs["scenario"] == scenario.text
        and json.loads(ds.attrs["input_checksums"]) == dict(scenario.checksums)
        and ds.sizes["realization"] == realizations
        and int(ds.attrs["seed"]) == seed
    )
    if not same:
        raise InputError(
            Problem("was made from other input; remove it or leave out --resume", display(target))
        )
    return ds


@contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=total)
        yield lambda steps: bar.update(task, advance=steps)
