"""Ratios, bars, agreement and tables, on records made up for it; the talk with a worker."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import bars
import pytest
import report
from environments import PEERS, AbsentError, interpreter
from measure import Record
from process import OURS, Engine, FailedError, Worker
from slopes import Growth

ONE = Record("tree28", OURS.name, 50, 1, 2.0, 120.0, 480, 2.5, 3.0, {"priority 1": [40.0, 80.0]},
             [5.0, 6.0])  # fmt: skip
PYWR1 = replace(ONE, engine="pywr 1.31.1 glpk", us_per_step_realization=50.0)
PYWR2 = replace(ONE, engine="pywr 2.0.0rc1 clp", us_per_step_realization=14.0)
TWO = replace(ONE, threads=2, us_per_step_realization=1.0)


def met(records: list[Record]) -> dict[str, bool]:
    return {bar.asked: bar.met for bar in bars.speed(records)}


def test_a_ratio_says_how_many_times_ours_is_faster() -> None:
    assert bars.ratio(PYWR1, ONE) == 25.0
    assert bars.twin([ONE, PYWR1], PYWR1) is ONE
    assert bars.twin([TWO, PYWR1], PYWR1) is None


def test_bars_are_set_only_where_both_sides_were_measured() -> None:
    assert met([ONE]) == {"tree28: at most 4 µs": True, "tree28: at most 1 µs": False}
    assert met([ONE, PYWR1, PYWR2, TWO]) == {
        "tree28: at most 4 µs": True,
        "tree28: at most 1 µs": False,
        "tree28 to Pywr 1.31: at least 20 times faster": True,
        "tree28 to Pywr 2: at least 8 times faster": False,
        "tree28 on two threads: at least 1.9 times faster": True,
    }


def test_one_scenario_is_held_against_pywr_2_on_every_network() -> None:
    one = replace(ONE, network="toy_daily", scenarios=1)
    slow = replace(one, engine=PYWR2.engine, us_per_step_realization=1.9)
    asked = "toy_daily, one scenario, to Pywr 2: at least 1 times faster"
    assert met([one, slow]) == {asked: False}


def test_results_apart_are_found_in_any_realization() -> None:
    (bar,) = bars.agreement([ONE, replace(PYWR1, supply={"priority 1": [40.0, 80.0 + 1e-9]})])
    assert bar.met
    shifted = replace(PYWR1, supply={"priority 1": [41.0, 79.0]})  # the same total
    (bar,) = bars.agreement([ONE, PYWR2, shifted])[1:]
    assert not bar.met
    assert bar.value == pytest.approx(1 / 41)
    (bar,) = bars.agreement([ONE, replace(PYWR1, storage=[5.0, 6.1])])
    assert not bar.met


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_slope_is_the_exponent_of_the_cost(power: float) -> None:
    sizes = (1, 10, 100)
    records = [replace(ONE, us_per_step_realization=2.0 * size**power) for size in sizes]
    growth = Growth("sections", sizes, tuple(records))
    assert growth.bar().value == pytest.approx(power)
    assert growth.bar().met == (power == 1.0)
    assert report.grown([growth]).splitlines()[2].split() == ["sections", "1", "48.0", "2.00"]


def test_a_table_has_a_line_per_record_with_ratio_and_difference() -> None:
    lines = report.measured([ONE, replace(PYWR1, storage=[5.0, 6.06])]).splitlines()
    assert lines[0].split()[:4] == ["network", "scenarios", "threads", "engine"]
    assert lines[2].split() == ["tree28", "50", "1", "watersim", "2.00", "2.50", "3.00", "1.0",
                                "120.0"]  # fmt: skip
    assert lines[3].split()[3:] == ["pywr", "1.31.1", "glpk", "50.00", "2.50", "3.00", "25.0", "120.0",
                                    "1e-02"]  # fmt: skip
    assert report.checked(bars.speed([ONE])).splitlines()[2].split()[-2:] == ["2", "yes"]


def test_a_worker_answers_and_one_that_ends_says_why(tmp_path: Path) -> None:
    script = tmp_path / "echo.py"
    here = Path(__file__).parent
    script.write_text(
        f"import sys; sys.path.insert(0, {str(here)!r})\nfrom worker import serve\n"
        "def prepare(job):\n"
        "    if job['threads'] > 1: raise SystemExit('one thread only')\n"
        "    print('not an answer')\n"
        "    return lambda: 0.6, lambda: {'supply': {}, 'storage': []}\n"
        "serve(prepare)\n",
        encoding="utf-8",
    )
    engine = Engine("echo", sys.executable, str(script))
    with Worker(engine, {"threads": 1}) as worker:
        worker.prepare()
        assert worker.turn() == 0.6
        assert worker.totals() == {"supply": {}, "storage": []}
    with Worker(engine, {"threads": 2}) as worker, pytest.raises(FailedError, match="one thread"):
        worker.prepare()


def test_a_peer_that_cannot_be_installed_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(AbsentError, match="venv ended with 1"):
        interpreter(PEERS[0], tmp_path)


def test_records_become_json_with_the_keys_asked_for() -> None:
    asked = {"network", "engine", "scenarios", "threads", "us_per_step_realization", "total_supply"}
    assert asked <= set(json.loads(json.dumps(asdict(ONE))))
