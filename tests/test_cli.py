"""The command line as its user meets it: exit codes, messages, files."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr

ROOT = Path(__file__).resolve().parents[1]
TALAS = ROOT / "scenarios" / "talas" / "baseline.yaml"


def watersim(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watersim", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of Talas: baseline and dry."""
    folder = tmp_path_factory.mktemp("results")
    done = watersim("run", TALAS, "-o", folder, "--variant", "dry", "--plots")
    assert done.returncode == 0, done.stderr
    done = watersim("run", TALAS, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_names_its_file_after_scenario_and_variant(results: Path) -> None:
    assert (results / "baseline.nc").is_file()
    assert (results / "baseline.dry.nc").is_file()


def test_a_run_with_plots_writes_figures_beside_its_result(results: Path) -> None:
    figures = sorted(path.name for path in (results / "baseline.dry").glob("*.png"))
    assert {"storage_kirov.png", "supply.png", "network.png", "energy.png", "balance.png"} <= set(
        figures
    )


def test_a_folder_that_cannot_be_made_exits_4_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = watersim("run", TALAS, "-o", tmp_path / "file" / "x.nc")
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written" in done.stderr


def test_help_names_every_command() -> None:
    done = watersim("--help")
    for command in (
        "run",
        "season",
        "check",
        "verify",
        "plot",
        "compare",
        "show",
        "schema",
        "init",
    ):
        assert f"\n  {command} " in done.stdout


def test_help_shows_the_examples_on_lines_of_their_own() -> None:
    said = watersim("--help").stdout
    assert "\n  watersim run DIR/scenarios/talas/baseline.yaml --plots\n" in said
    assert "\\b" not in said


def test_without_a_command_the_help_is_said_and_nothing_more() -> None:
    done = watersim()
    assert done.returncode == 2
    assert done.stderr == watersim("--help").stdout
    assert done.stdout == ""


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, watersim.cli; "
        "print([m for m in ('numpy', 'numba', 'xarray', 'pydantic', 'matplotlib', 'ruamel') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_check_reports_a_sound_scenario_and_its_variants() -> None:
    done = watersim("check", TALAS)
    assert done.returncode == 0
    assert "variant kirov_half: no problem found" in done.stdout


def test_a_wrong_scenario_exits_2_with_one_line_and_writes_nothing(tmp_path: Path) -> None:
    _copy_talas(tmp_path)
    basin = tmp_path / "data" / "talas" / "basin.yaml"
    basin.write_text(basin.read_text().replace("capacity: 550 hm3", "capasity: 550 hm3"))
    done = watersim("run", "scenarios/talas/baseline.yaml", "-o", "out/", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not a field of 'reservoir'; did you mean 'capacity'?" in done.stderr
    assert done.stderr.startswith("data/talas/basin.yaml:")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_one_wrong_scenario_of_two_stops_both(tmp_path: Path) -> None:
    done = watersim("run", TALAS, tmp_path / "absent.yaml", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert not (tmp_path / "out").exists()


def test_an_unknown_option_exits_2_in_one_line() -> None:
    done = watersim("run", TALAS, "--varient", "dry")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--variant" in done.stderr


def test_an_unknown_variant_says_which_there_are() -> None:
    done = watersim("run", TALAS, "--variant", "wet")
    assert done.returncode == 2
    assert "dry, energy_first, kirov_half, lined_canals" in done.stderr


def test_one_file_for_two_runs_is_refused(tmp_path: Path) -> None:
    done = watersim("run", TALAS, "--variant", "dry", "--variant", "lined_canals",
                    "-o", tmp_path / "x.nc")  # fmt: skip
    assert done.returncode == 2
    assert "give a folder" in done.stderr


def test_resume_keeps_a_result_and_refuses_one_of_other_input(
    results: Path, tmp_path: Path
) -> None:
    before = (results / "baseline.nc").stat().st_mtime_ns
    done = watersim("run", TALAS, "-o", results / "baseline.nc", "--resume", cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "kept" in done.stdout
    assert (results / "baseline.nc").stat().st_mtime_ns == before
    other = watersim("run", TALAS, "-o", results / "baseline.dry.nc", "--resume")
    assert other.returncode == 2
    assert "was made from other input" in other.stderr


def test_verify_closes_the_balance_again(results: Path) -> None:
    done = watersim("verify", results / "baseline.nc", results / "baseline.dry.nc", cwd=ROOT)
    assert done.returncode == 0
    assert done.stdout.count("every balance closes") == 2


def test_verify_finds_a_changed_term_and_exits_3(results: Path, tmp_path: Path) -> None:
    with xr.open_dataset(results / "baseline.nc") as ds:
        changed = ds.load()
    changed["evaporation"][0, 5, 0] += 0.01
    changed.to_netcdf(tmp_path / "changed.nc")
    done = watersim("verify", tmp_path / "changed.nc")
    assert done.returncode == 3
    assert "does not close" in done.stderr
    assert "kirov, step of 2000-06-01" in done.stderr


def test_verify_finds_changed_input(tmp_path: Path) -> None:
    _copy_talas(tmp_path)
    done = watersim("run", "scenarios/talas/baseline.yaml", "-o", "run.nc", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = tmp_path / "data" / "talas" / "inflow.csv"
    table.write_text(table.read_text() + "\n")
    done = watersim("verify", "run.nc", cwd=tmp_path)
    assert done.returncode == 3
    assert "data/talas/inflow.csv has changed since" in done.stderr


def test_verify_refuses_what_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "x.nc").write_text("no NetCDF")
    done = watersim("verify", tmp_path / "x.nc")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_compare_prints_gains_and_writes_one_self_contained_page(
    results: Path, tmp_path: Path
) -> None:
    files = (results / "baseline.nc", results / "baseline.dry.nc")
    done = watersim("compare", *files)
    assert done.returncode == 0, done.stderr
    assert "Kazakhstan" in done.stdout
    page = tmp_path / "report.html"
    done = watersim("compare", *files, "-o", page)
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_compare_runs_scenarios_and_their_variants(tmp_path: Path) -> None:
    done = watersim("compare", TALAS, f"{TALAS}:dry", f"{TALAS}:lined_canals")
    assert done.returncode == 0, done.stderr
    assert "baseline · baseline.dry · baseline.lined_canals" in done.stdout
    done = watersim("compare", TALAS, f"{TALAS}:wet", cwd=tmp_path)
    assert done.returncode == 2
    assert "has no variant 'wet'; its variants are" in done.stderr
    assert not list(tmp_path.iterdir())


def test_show_draws_the_rivers_as_text() -> None:
    done = watersim("show", TALAS)
    assert done.returncode == 0
    assert "└─ kirov  (reservoir, KG)" in done.stdout


@pytest.mark.parametrize("name", ["map.xyz", "map", "."])
def test_a_figure_of_an_unknown_form_is_refused_before_anything_is_said(
    name: str, tmp_path: Path
) -> None:
    done = watersim("show", TALAS, "-o", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"-o {name}: must end in .png, .svg or .pdf\n"
    assert not list(tmp_path.iterdir())
    done = watersim("show", TALAS, "-o", "new/map.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / "map.svg").is_file()


def test_figures_go_to_a_folder_not_into_a_file(results: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = watersim("plot", results / "baseline.nc", "-o", "notes.txt", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "notes.txt: is a file; name a folder\n"


def test_a_page_is_not_written_over_a_result(results: Path) -> None:
    pair = results / "baseline.nc", results / "baseline.dry.nc"
    before = pair[0].read_bytes()
    done = watersim("compare", *pair, "-o", pair[0])
    assert done.returncode == 2
    assert done.stderr == f"-o {pair[0]}: must end in .html or .htm\n"
    assert pair[0].read_bytes() == before


def test_results_of_one_name_are_told_apart_by_their_folders(results: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "run.nc").write_bytes((results / "baseline.nc").read_bytes())
    done = watersim("compare", "a/run.nc", "b/run.nc", cwd=tmp_path)
    assert done.stdout.startswith("a/run.nc · b/run.nc; changes are against a/run.nc\n")
    done = watersim("compare", "a/run.nc", "a/run.nc", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "a/run.nc: is named twice; name it once\n")


@pytest.mark.parametrize("command", ["verify", "plot"])
def test_a_folder_is_no_result(command: str, tmp_path: Path) -> None:
    done = watersim(command, tmp_path)
    assert (done.returncode, done.stderr) == (2, f"{tmp_path}: is a folder; name a file\n")


def test_check_says_which_variants_are_wrong_all_at_once(tmp_path: Path) -> None:
    watersim("init", tmp_path, "--blank")
    path = tmp_path / "scenarios" / "mybasin" / "baseline.yaml"
    text = path.read_text().replace("{nodes.mountains.", "{nodes.mountain.")
    path.write_text(text.replace("canals.upper_canal.", "canals.uper_canal."))
    done = watersim("check", path)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first.endswith("did you mean 'mountains'? (variant dry)")
    assert second.endswith("did you mean 'upper_canal'? (variant lined)")


def test_arguments_of_a_season_are_named_as_they_are_written(tmp_path: Path) -> None:
    asked = ("season", TALAS, "--from", "2013-04-01", "--to", "2013-09-30")
    for more, said in (
        (("--forecast", "50"), "--storages: is required; give a table"),
        (("--forecast", "50,x"), "--forecast: must be exceedances in per cent such as 50,75,90"),
        (("--forecast", "50", "--to", "2013-09-31"), "--to: must be a date of the calendar"),
    ):
        done = watersim(*asked, *more, "-o", tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(said)
        assert len(done.stderr.splitlines()) == 1


def test_init_gives_a_folder_that_runs_and_never_overwrites(tmp_path: Path) -> None:
    done = watersim("init", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = done.stdout.strip().splitlines()[-1].removeprefix("next: watersim ").split()
    done = watersim(*run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    again = watersim("init", "mine", cwd=tmp_path)
    assert again.returncode == 2
    assert "Traceback" not in again.stderr


def test_a_blank_template_runs_as_it_is(tmp_path: Path) -> None:
    done = watersim("init", "blank", "--blank", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = done.stdout.strip().splitlines()[-1].removeprefix("next: watersim ").split()
    done = watersim(*run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_interrupted_run_leaves_no_file(tmp_path: Path) -> None:
    """A daily century takes long enough to be interrupted in the middle."""
    _copy_talas(tmp_path)
    scenario = tmp_path / "scenarios" / "talas" / "baseline.yaml"
    text = scenario.read_text()
    scenario.write_text(text.replace("step: month", "step: day"))
    process = subprocess.Popen(
        [sys.executable, "-m", "watersim", "run", "scenarios/talas/baseline.yaml",
         "--realizations", "400", "-o", "out.nc"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # a shell that starts the tests in the background lets them ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not list(tmp_path.glob("*.nc*"))
    assert not list(tmp_path.glob(".*.part"))


def _copy_talas(folder: Path) -> None:
    for name in ("data/talas", "scenarios/talas"):
        target = folder / name
        target.mkdir(parents=True)
        for path in (ROOT / name).iterdir():
            if path.is_file():
                (target / path.name).write_bytes(path.read_bytes())
