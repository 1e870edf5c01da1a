"""The installed wheel, without the repository: init, run, verify in an empty environment."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel in it; the folder of its programs."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("watersim-*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    programs = folder / "env" / "bin"
    subprocess.run([programs / "pip", "install", "-q", wheel], check=True)
    return programs


def test_the_wheel_carries_the_basins_and_runs_them_without_the_repository(
    installed: Path, tmp_path: Path
) -> None:
    def call(*arguments: str) -> str:
        done = subprocess.run(
            [installed / "watersim", *arguments], cwd=tmp_path, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("init", "mine")
    assert (tmp_path / "mine" / "data" / "talas" / "basin.yaml").is_file()
    assert (tmp_path / "mine" / "notebooks" / "01_first_run.ipynb").is_file()
    call("run", "mine/scenarios/talas/baseline.yaml", "-o", "out.nc", "--plots")
    assert "every balance closes" in call("verify", "out.nc")
    assert (tmp_path / "out" / "storage_kirov.png").is_file()


def test_a_scenario_alone_finds_the_shipped_basin(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "title: Talas by decade\nbasin: talas\n"
        "time: {start: 2001-01-01, end: 2001-12-31, step: decade}\n"
        "nodes.upper_talas.runoff.finer: hold\n"
    )
    done = subprocess.run(
        [installed / "watersim", "run", "mine.yaml", "-o", "out.nc"], cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "held" in done.stdout


def test_help_answers_in_less_than_a_third_of_a_second(installed: Path) -> None:
    """The best of five, so that a busy machine does not fail it."""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([installed / "watersim", "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3
