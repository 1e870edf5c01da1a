"""The command line: run, season, check, verify, plot, compare, show, schema, init.

Exit codes: 0 done · 2 the input is wrong · 3 the run failed for a modelling reason · 4 the
environment · 130/143 interrupted · 1 only for a bug. Everything else is imported where it is used:
`watersim --help` must be quick.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

import watersim
from watersim.errors import InputError, MachineError, ModelError, Problem, WatersimError

TIMEOUT_SIGNAL = 143


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _stop)
    code = 0
    try:
        code = commands.main(arguments, "watersim", standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.UsageError as error:
        where = f"watersim {error.ctx.info_name}" if error.ctx and error.ctx.parent else "watersim"
        _say(f"{error.format_message()} (see `{where} --help`)")
        code = 2
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; nothing half-written is left")
        code = 130
    except WatersimError as error:
        _say(str(error))
        code = error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
    except PermissionError as error:
        _say(f"{error.filename}: permission denied")
        code = MachineError.exit_code
    sys.exit(code)


def _stop(number: int, frame: object) -> NoReturn:
    raise SystemExit(TIMEOUT_SIGNAL)


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(watersim.__version__, "-V", "--version", message="watersim %(version)s")
def commands() -> None:
    r"""Water allocation in shared river basins: who gets how much, when, and why not more.

    \b
    watersim init DIR                          the shipped basins and scenarios to start from
    watersim run DIR/scenarios/talas/baseline.yaml --plots
    """


_SCENARIO = click.Path(path_type=Path)
_RESULT = click.Path(path_type=Path)


@commands.command()
@click.argument("scenarios", nargs=-1, required=True, type=_SCENARIO, metavar="SCENARIO...")
@click.option(
    "-o", "--output", type=_RESULT, metavar="OUT", help="A file for one run, a folder for several."
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="A+B",
    help="A variant, or several joined by +; repeat for further runs.",
)
@click.option(
    "--realizations",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Runs of the same description under other forcing, in one file.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of the forcing's generator, kept in the file.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Threads that share the realizations.",
)
@click.option(
    "--rules",
    "rules",
    type=_RESULT,
    metavar="FILE.py",
    help="Python functions for policies of the kind `function`; the file is executed.",
)
@click.option("--plots", is_flag=True, help="Write the standard figures beside the result.")
@click.option(
    "--resume", is_flag=True, help="Keep results that are there, if their input has not changed."
)
def run(
    scenarios: Sequence[Path], output: Path | None, variants: Sequence[str], realizations: int,
    seed: int, workers: int, rules: Path | None, plots: bool, resume: bool,
) -> None:  # fmt: skip
    """Run scenarios; write one NetCDF file for each and print what came out."""
    jobs = [(path, variant) for path in scenarios for variant in variants or ("",)]
    targets = _targets(jobs, output)
    loaded = _load_all(jobs)
    given = _rules(loaded, rules, resume)
    from watersim.netcdf import prepare

    for target in targets:
        prepare(target)
    for scenario, target in zip(loaded, targets, strict=True):
        kept = _kept(scenario, target, realizations, seed) if resume else None
        how = (realizations, seed, workers, given)
        ds = kept if kept is not None else _run_one(scenario, target, *how)
        from watersim.summary import text

        click.echo(text(ds))
        click.echo(f"{'kept' if kept is not None else 'written'}: {_shown(target)}")
        if plots:
            _plot(ds, target.with_suffix(""))


@commands.command()
@click.argument("scenario", type=_SCENARIO)
@click.option("--variant", metavar="A+B", help="A variant, or several joined by +.")
@click.option("--from", "start", required=True, metavar="DATE", help="First day of the plan.")
@click.option(
    "--to", "end", metavar="DATE", help="Last day; without it the season that a treaty names."
)
@click.option(
    "--storages",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV node,date,storage_hm3: every reservoir on that day.",
)
@click.option(
    "--forecast",
    required=True,
    metavar="50,75,90|FILE",
    help="Exceedances of the record in per cent, or a CSV with a forecast and its band.",
)
@click.option(
    "--observed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV of what was seen in the first decades; the rest is planned anew.",
)
@click.option(
    "-o", "--output", type=_RESULT, metavar="OUT", help="A folder, or the name of the .nc file."
)
def season(
    scenario: Path, variant: str | None, start: str, end: str | None, storages: Path | None,
    forecast: str, observed: Path | None, output: Path | None,
) -> None:  # fmt: skip
    """Plan the deliveries of a season by decade: NetCDF, CSV, XLSX and a figure."""
    from watersim.netcdf import prepare
    from watersim.scenario import load

    read = load(scenario, variant)
    name = f"{read.label}.plan_{start}.nc"
    target = output if output and output.suffix == ".nc" else (output or Path()) / name
    prepare(target)
    from watersim.planning import season as plan_season

    plan = plan_season(read, start, storages, _exceedances(forecast), end, observed)
    from watersim.plan_files import write
    from watersim.plan_tables import text

    written = write(plan, target)
    click.echo(text(plan))
    click.echo(f"written: {', '.join(_shown(path) for path in written)}")


def _exceedances(text: str) -> list[float] | Path:
    """``50,75,90`` as numbers, anything else as a file."""
    try:
        return [float(part.strip().removesuffix("%")) for part in text.split(",")]
    except ValueError:
        return Path(text)


def _rules(loaded: Sequence[Any], path: Path | None, resume: bool) -> Any:
    """The functions of the user's; what is kept of a run does not tell which they were."""
    asked = any(policy.function_name() for own in loaded for policy in own.policies.values())
    if not asked:
        if path is not None:
            raise InputError(Problem("no scenario has a policy of the kind function; leave it out",
                                     key="--rules"))  # fmt: skip
        return None
    if resume:
        raise InputError(Problem("cannot tell whether your functions are the same; leave it out",
                                 key="--resume"))  # fmt: skip
    from watersim.rules import read_rules

    return None if path is None else read_rules(path)


def _run_one(
    scenario: Any, target: Path, realizations: int, seed: int, workers: int, rules: Any
) -> Any:
    from watersim.engine import is_cold
    from watersim.netcdf import save
    from watersim.simulation import run

    if is_cold():
        _say("watersim: compiling its kernels, once for this version (a minute or two)")
    with _progress(scenario.label, scenario.timeline.n * realizations) as advance:
        ds = run(scenario, realizations, seed, rules=rules, workers=workers, progress=advance)
    save(ds, target)
    return ds


def _targets(jobs: Sequence[tuple[Path, str]], output: Path | None) -> list[Path]:
    """The result file of each job; one job may name its file, several share a folder."""
    names = [
        f"{path.stem}.{variant}.nc" if variant else f"{path.stem}.nc" for path, variant in jobs
    ]
    single = output is not None and output.suffix == ".nc"
    if output is not None and single:
        if len(jobs) > 1:
            raise InputError(f"-o {output}: is one file for {len(jobs)} runs; give a folder")
        return [output]
    folder = output or Path()
    targets = [folder / name for name in names]
    twice = sorted({str(t) for t in targets if targets.count(t) > 1})
    if twice:
        raise InputError([Problem("would be written by more than one run; run them with -o "
                                  "of their own", name) for name in twice])  # fmt: skip
    return targets


def _load_all(jobs: Sequence[tuple[Path, str]]) -> list[Any]:
    """Read every scenario before the first run, so that nothing is written if one is wrong."""
    from watersim.scenario import load

    loaded, problems = [], []
    for path, variant in jobs:
        try:
            loaded.append(load(path, variant or None))
        except InputError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise InputError(problems)
    return loaded


def _kept(scenario: Any, target: Path, realizations: int, seed: int) -> Any:
    """A result that is there, None if it is not.

    Raises
    ------
    InputError
        if it was made from other input.
    """
    import json

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
            Problem("was made from other input; remove it or leave out --resume", _shown(target))
        )
    return ds


@commands.command()
@click.argument("scenario", type=_SCENARIO)
@click.option("--variant", metavar="A+B", help="A variant, or several joined by +.")
@click.option("-v", "--verbose", is_flag=True, help="List the processes that are absent.")
def check(scenario: Path, variant: str | None, verbose: bool) -> None:
    """Find every problem of a scenario, with file, line and remedy. Nothing is run."""
    from watersim.scenario import load

    read = load(scenario, variant)
    nodes, steps = len(read.nodes), read.timeline.n
    unit = {"day": "days", "decade": "decades", "month": "months"}[read.timeline.step]
    click.echo(f"{scenario}: no problem found ({nodes} nodes, {steps} {unit} from "
               f"{read.timeline.start} to {read.timeline.end})")  # fmt: skip
    for name in _other_variants(read, variant):
        load(scenario, name)
        click.echo(f"{scenario}: variant {name}: no problem found")
    for note in read.notes:
        click.echo(f"note: {note}")
    if verbose:
        from watersim.absent import absent

        for line in absent(read):
            click.echo(line)


def _other_variants(read: Any, variant: str | None) -> list[str]:
    return [] if variant else sorted(read.variants)


@commands.command()
@click.argument("results", nargs=-1, required=True, type=_RESULT, metavar="RUN.nc...")
def verify(results: Sequence[Path]) -> None:
    """Close the balance again from the raw terms in a file, and check its checksums."""
    from watersim.verify import verify as verify_file

    faults = []
    for path in results:
        found = verify_file(path)
        for line in found.lines:
            click.echo(line)
        faults += found.faults
    if faults:
        raise ModelError("\n".join(faults))


@commands.command()
@click.argument("result", type=_RESULT, metavar="RUN.nc")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the figures; by default named like the file.",
)
def plot(result: Path, output: Path | None) -> None:
    """Draw the standard figures of a run."""
    from watersim.netcdf import open_run

    _plot(open_run(result), output or result.with_suffix(""))


def _plot(ds: Any, folder: Path) -> None:
    from watersim.plots import standard

    folder.mkdir(parents=True, exist_ok=True)
    figures = standard(ds)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=150)
    click.echo(f"{len(figures)} figures in {_shown(folder)}/: {', '.join(sorted(figures))}")


@commands.command()
@click.argument("named", nargs=-1, required=True, metavar="A.nc|A.yaml[:VARIANT]...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="REPORT.html",
    help="One self-contained page instead of the table.",
)
def compare(named: Sequence[str], output: Path | None) -> None:
    """Compare runs: who gains and who loses against the first.

    Results are opened; scenarios are run, and not kept. FILE.yaml:a+b is a scenario with its variants.
    """
    from watersim.cases import cases

    runs = cases(named)
    if output is None:
        from watersim.gains import text

        click.echo(text(runs))
    else:
        from watersim.comparison_page import page

        output.parent.mkdir(parents=True, exist_ok=True)
        part = output.with_name(f".{output.name}.part")
        part.write_text(page(runs), encoding="utf-8")
        part.replace(output)
        click.echo(f"written: {_shown(output)}")


@commands.command()
@click.argument("scenario", type=_SCENARIO)
@click.option("--variant", metavar="A+B", help="A variant, or several joined by +.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FIGURE",
    help="Draw the network as a figure (.png, .svg, .pdf).",
)
def show(scenario: Path, variant: str | None, output: Path | None) -> None:
    """Show the network of a scenario as text, and as a figure."""
    from watersim.scenario import load
    from watersim.show import figure, text

    read = load(scenario, variant)
    click.echo(text(read))
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        figure(read).savefig(output, dpi=150)
        click.echo(f"written: {_shown(output)}")


@commands.command()
def schema() -> None:
    """Print the JSON schema of basin and scenario files, for editors."""
    import json

    from watersim.schema import schema as make

    click.echo(json.dumps(make(), indent=1, ensure_ascii=False))


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--blank", is_flag=True, help="A commented template instead of the shipped basins.")
def init(folder: Path, blank: bool) -> None:
    """Copy the shipped basins and scenarios to a folder of your own."""
    from watersim.shipped import init as copy

    written = copy(folder, blank)
    click.echo(f"{len(written)} files in {_shown(folder)}/")
    first = next(path for path in written if path.name == "baseline.yaml")
    click.echo(f"next: watersim run {_shown(first)}")


@contextmanager
def _progress(name: str, total: int) -> Iterator[Callable[[int], None] | None]:
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


def _shown(path: Path) -> str:
    from watersim.files import display

    return display(path)
