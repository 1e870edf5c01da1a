"""The command line: run, season, check, verify, plot, compare, show, schema, init.

Exit codes: 0 done · 2 the input is wrong · 3 the run failed for a modelling reason · 4 the
environment · 130/143 interrupted · 1 only for a bug. Everything else is imported where it is used:
`watersim --help` must be quick.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
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
    except OSError as error:
        if error.filename is None:
            raise
        _say(f"{error.filename}: {(error.strerror or str(error)).lower()}")
        code = MachineError.exit_code
    sys.exit(code)


def _stop(number: int, frame: object) -> NoReturn:
    raise SystemExit(TIMEOUT_SIGNAL)


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(watersim.__version__, "-V", "--version", message="watersim %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Water allocation in shared river basins: who gets how much, when, and why not more.

    \b
    watersim init DIR                          the shipped basins and scenarios to start from
    watersim run DIR/scenarios/talas/baseline.yaml --plots
    """  # noqa: D301 - a raw text would show the mark that keeps the lines apart
    if context.invoked_subcommand is None:
        _say(context.get_help())
        context.exit(InputError.exit_code)


_PATH = click.Path(path_type=Path)
_one_variant = click.option("--variant", metavar="A+B", help="A variant, or several joined by +.")


def _output(metavar: str, help: str) -> Callable[[Any], Any]:  # noqa: A002
    return click.option("-o", "--output", type=_PATH, metavar=metavar, help=help)


@commands.command()
@click.argument("scenarios", nargs=-1, required=True, type=_PATH, metavar="SCENARIO...")
@_output("OUT", "A file for one run, a folder for several.")
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
    type=_PATH,
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
    """Run scenarios, write a NetCDF file of each, print a summary."""
    from watersim.jobs import Job, functions, load_all, targets
    from watersim.jobs import kept as kept_of

    jobs = [Job(path, variant) for path in scenarios for variant in variants or ("",)]
    files = targets(jobs, output)
    loaded = load_all(jobs)
    given = functions(loaded, rules, resume)
    from watersim.netcdf import prepare
    from watersim.summary import text

    for target in files:
        prepare(target)
    for scenario, target in zip(loaded, files, strict=True):
        kept = kept_of(scenario, target, realizations, seed) if resume else None
        how = (realizations, seed, workers, given)
        ds = kept if kept is not None else _run_one(scenario, target, *how)
        click.echo(text(ds))
        click.echo(f"{'kept' if kept is not None else 'written'}: {_shown(target)}")
        if plots:
            _plot(ds, target.with_suffix(""))


@commands.command()
@click.argument("scenario", type=_PATH)
@_one_variant
@click.option("--from", "start", required=True, metavar="DATE", help="First day of the plan.")
@click.option(
    "--to", "end", metavar="DATE", help="Last day; without it the season that a treaty names."
)
@click.option(
    "--storages",
    type=_PATH,
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
    type=_PATH,
    metavar="FILE",
    help="CSV of what was seen in the first decades; the rest is planned anew.",
)
@_output("OUT", "A folder, or the name of the .nc file.")
def season(
    scenario: Path, variant: str | None, start: str, end: str | None, storages: Path | None,
    forecast: str, observed: Path | None, output: Path | None,
) -> None:  # fmt: skip
    """Plan the deliveries of a season by decade. Writes NetCDF, CSV, XLSX and a figure."""
    from watersim.netcdf import prepare
    from watersim.scenario import load

    read = load(scenario, variant)
    name = f"{read.label}.plan_{start}.nc"
    target = output if output and output.suffix == ".nc" else (output or Path()) / name
    asked = _exceedances(forecast)
    prepare(target)
    from watersim.plan_files import write
    from watersim.plan_tables import text
    from watersim.planning import season as plan_season

    try:
        plan = plan_season(read, start, storages, asked, end, observed)
    except InputError as error:
        raise InputError(_as_option(problem) for problem in error.problems) from error
    written = write(plan, target)
    click.echo(text(plan))
    click.echo(f"written: {', '.join(_shown(path) for path in written)}")


def _as_option(problem: Problem) -> Problem:
    """A problem with an argument of `season`, named as it is written on the command line."""
    options = ("from", "to", "storages", "forecast", "observed")
    argument = not problem.file and problem.key in options
    return problem._replace(key=f"--{problem.key}") if argument else problem


def _exceedances(text: str) -> list[float] | Path:
    """``50,75,90`` as numbers, anything else as a file."""
    try:
        return [float(part.strip().removesuffix("%")) for part in text.split(",")]
    except ValueError:
        if "," in text and not Path(text).exists():
            raise InputError(Problem(f"must be exceedances in per cent such as 50,75,90, or a file "
                                     f"(got {text})", key="--forecast")) from None  # fmt: skip
        return Path(text)


def _run_one(
    scenario: Any, target: Path, realizations: int, seed: int, workers: int, rules: Any
) -> Any:
    from watersim import jit
    from watersim.jobs import progress
    from watersim.netcdf import save
    from watersim.simulation import run

    jit.when_cold(
        lambda: _say(
            "watersim: compiling what this scenario needs, once for this version (a minute)"
        )
    )
    with progress(scenario.label, scenario.timeline.n * realizations) as advance:
        ds = run(scenario, realizations, seed, rules=rules, workers=workers, progress=advance)
    save(ds, target)
    return ds


@commands.command()
@click.argument("scenario", type=_PATH)
@_one_variant
@click.option("-v", "--verbose", is_flag=True, help="List the processes that are absent.")
def check(scenario: Path, variant: str | None, verbose: bool) -> None:
    """Find every problem of a scenario, with file, line and remedy. Nothing is run."""
    from watersim.jobs import load_variants
    from watersim.scenario import load

    read = load(scenario, variant)
    nodes, steps = len(read.nodes), read.timeline.n
    unit = {"day": "days", "decade": "decades", "month": "months"}[read.timeline.step]
    click.echo(f"{scenario}: no problem found ({nodes} nodes, {steps} {unit} from "
               f"{read.timeline.start} to {read.timeline.end})")  # fmt: skip
    for name in [] if variant else load_variants(read, scenario):
        click.echo(f"{scenario}: variant {name}: no problem found")
    for note in read.notes:
        click.echo(f"note: {note}")
    if verbose:
        from watersim.absent import absent

        for line in absent(read):
            click.echo(line)


@commands.command()
@click.argument("results", nargs=-1, required=True, type=_PATH, metavar="RUN.nc...")
def verify(results: Sequence[Path]) -> None:
    """Close the balance of a result again, and check its checksums."""
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
@click.argument("result", type=_PATH, metavar="RUN.nc")
@_output("DIR", "Folder for the figures; by default named like the file.")
def plot(result: Path, output: Path | None) -> None:
    """Draw the standard figures of a run."""
    from watersim.netcdf import open_run

    _plot(open_run(result), output or result.with_suffix(""))


def _plot(ds: Any, folder: Path) -> None:
    from watersim.files import make_folder
    from watersim.plots import standard

    make_folder(folder)
    figures = standard(ds)
    for name, figure in figures.items():
        _draw(figure, folder / f"{name}.png")
    click.echo(f"{len(figures)} figures in {_shown(folder)}/: {', '.join(sorted(figures))}")


def _draw(figure: Any, path: Path) -> None:
    from watersim.files import write_whole

    write_whole(path, lambda part: figure.savefig(part, dpi=150))


def _require_ending(path: Path | None, *endings: str) -> None:
    """Refuse a name that says it is another sort of file: a result must not be written over."""
    if path is not None and path.suffix.lower() not in endings:
        *others, last = endings
        known = f"{', '.join(others)} or {last}" if others else last
        raise InputError(f"-o {path}: must end in {known}")


@commands.command()
@click.argument("named", nargs=-1, required=True, metavar="A.nc|A.yaml[:VARIANT]...")
@_output("REPORT.html", "One self-contained page instead of the table.")
def compare(named: Sequence[str], output: Path | None) -> None:
    """Compare runs: who gains and who loses against the first.

    Results are opened; scenarios are run, and not kept. FILE.yaml:a+b is a scenario with its variants.
    """
    from watersim.cases import cases

    _require_ending(output, ".html", ".htm")
    runs = cases(named)
    if output is None:
        from watersim.gains import text

        click.echo(text(runs))
    else:
        from watersim.comparison_page import page
        from watersim.files import write_whole

        made = page(runs)
        write_whole(output, lambda part: part.write_text(made, encoding="utf-8"))
        click.echo(f"written: {_shown(output)}")


@commands.command()
@click.argument("scenario", type=_PATH)
@_one_variant
@_output("FIGURE", "Draw the network as a figure (.png, .svg, .pdf).")
def show(scenario: Path, variant: str | None, output: Path | None) -> None:
    """Show the network of a scenario as text, and as a figure."""
    from watersim.scenario import load
    from watersim.show import figure, text

    _require_ending(output, ".png", ".svg", ".pdf")
    read = load(scenario, variant)
    click.echo(text(read))
    if output is not None:
        _draw(figure(read), output)
        click.echo(f"written: {_shown(output)}")


@commands.command()
def schema() -> None:
    """Print the JSON schema of basin and scenario files, for editors."""
    import json

    from watersim.schema import schema as make

    click.echo(json.dumps(make(), indent=1, ensure_ascii=False))


@commands.command()
@click.argument("folder", type=_PATH, metavar="DIR")
@click.option("--blank", is_flag=True, help="A commented template instead of the shipped basins.")
def init(folder: Path, blank: bool) -> None:
    """Copy the shipped basins and scenarios to a folder of your own."""
    from watersim.shipped import init as copy

    written = copy(folder, blank)
    click.echo(f"{len(written)} files in {_shown(folder)}/")
    first = next(path for path in written if path.name == "baseline.yaml")
    click.echo(f"next: watersim run {_shown(first)}")


def _shown(path: Path) -> str:
    from watersim.files import display

    return display(path)
