"""Functions of the user's own: what they see, what they may give, how they fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from basins import YEAR, Basin
from test_policies import MONTHS, dam

import watersim
from watersim.cli import main
from watersim.errors import InputError, ModelError
from watersim.rules import Situation

RULE = "  rule: {kind: function, at: dam, function: tenth, priority: 1}"


def tenth(now: Situation) -> float:
    """A tenth of what is in store, evenly over the step."""
    return 0.1 * now.storage["dam"] / now.seconds


# S1 = 0.9 S0 + 10 dt, twelve times, but for what 100 hm3 cannot hold
def test_a_function_sees_the_storage_of_each_step(basin: Basin) -> None:
    ds = basin.run(dam(RULE), YEAR, how={"rules": {"tenth": tenth}})
    stored, expected = 40e6, []
    for dt in MONTHS:
        stored = min(0.9 * stored + 10.0 * dt, 100e6)
        expected.append(stored)
    np.testing.assert_allclose(ds["storage"].values.ravel(), expected, rtol=1e-12)


# what it sees: the start of the step, its length, the inflow of the step before, this step's forcing
def test_what_a_function_sees(basin: Basin) -> None:
    seen = []

    def note(now: Situation) -> float:
        seen.append((str(now.time), now.seconds, now.inflow["dam"], now.forcing("spring.runoff")))
        return 2.0

    basin.run(dam(RULE), ("2001-01-01", "2001-02-28", "month"), how={"rules": {"tenth": note}})
    assert seen == [
        ("2001-01-01", MONTHS[0], 0.0, 10.0),
        ("2001-02-01", MONTHS[1], pytest.approx(10.0, rel=1e-12), 10.0),
    ]


# 30 realizations in lanes with inflows 1, 2, … 30 m3/s: each is asked for by its own function call
def test_every_realization_is_asked_for_itself(basin: Basin) -> None:
    scenario = basin.load(dam(RULE), ("2001-01-01", "2001-03-31", "month"))
    times = scenario.timeline.starts.astype("datetime64[ns]")
    flows = np.repeat(np.arange(1.0, 31.0)[:, np.newaxis], 3, axis=1)
    forcing = xr.Dataset({"spring.runoff": (("realization", "time"), flows)}, {"time": times})
    ds = watersim.run(scenario, 30, forcing=forcing, rules={"tenth": tenth})
    stored = np.full(30, 40e6)
    for k in range(3):
        stored = np.minimum(0.9 * stored + flows[:, k] * MONTHS[k], 100e6)
        np.testing.assert_allclose(ds["storage"].values[:, k, 0], stored, rtol=1e-12)


def test_the_stepper_calls_it_too(basin: Basin) -> None:
    scenario = basin.load(dam(RULE), ("2001-01-01", "2001-03-31", "month"))
    steps = watersim.stepper(scenario, {"tenth": tenth})
    while steps.time is not None:
        steps.step()
    whole = watersim.run(scenario, rules={"tenth": tenth})
    np.testing.assert_array_equal(steps.results()["storage"], whole["storage"])


def test_a_function_that_is_not_given_is_named(basin: Basin) -> None:
    scenario = basin.load(dam(RULE))
    with pytest.raises(
        InputError, match=r"rule\.function: is not among the functions given"
    ) as told:
        watersim.run(scenario, rules={"other": tenth})
    assert "(got tenth; given are other)" in str(told.value)
    assert "case.yaml" not in str(told.value)  # it stands in the basin's file
    assert "basin.yaml:" in str(told.value)


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (
            lambda now: 1 / 0,
            r"tenth\(\) in the step that starts on 2001-01-01 raised ZeroDivisionError",
        ),
        (lambda now: -1.0, "gave -1.0; it must be at least 0"),
        (lambda now: float("nan"), "must be finite"),
        (lambda now: None, "gave None; it must be a number"),
        (lambda now: [1.0, 2.0], "must be one number"),
        (lambda now: now.storage["lake"], "raised KeyError: 'lake'"),
    ],
)
def test_a_function_that_fails_is_a_modelling_error(basin: Basin, gives: Any, message: str) -> None:
    scenario = basin.load(dam(RULE))
    with pytest.raises(ModelError, match=message):
        watersim.run(scenario, rules={"tenth": gives})


def test_it_is_said_that_it_is_slow(basin: Basin) -> None:
    (note,) = basin.load(dam(RULE)).notes
    assert note.startswith(
        "policies.rule: tenth() is called before every step, which takes far longer"
    )


GOOD = "def tenth(now):\n    return 0.1 * now.storage['dam'] / now.seconds\n"


@pytest.mark.parametrize(
    ("source", "arguments", "code", "said"),
    [
        (GOOD, ["--rules", "rules.py"], 0, ""),
        (GOOD, [], 2, "is not among the functions given (got tenth; given are none)"),
        (
            GOOD.replace("tenth", "fifth"),
            ["--rules", "rules.py"],
            2,
            "(got tenth; given are fifth)",
        ),
        (GOOD, ["--rules", "rule.py"], 2, "rule.py: is not a Python file"),
        ("def tenth(now)\n", ["--rules", "rules.py"], 2, "rules.py: raised SyntaxError"),
        (GOOD.replace("dam", "lake"), ["--rules", "rules.py"], 3, "raised KeyError: 'lake'"),
        (
            GOOD,
            ["--rules", "rules.py", "--resume"],
            2,
            "--resume: cannot tell whether your functions",
        ),
    ],
)
def test_rules_on_the_command_line(
    source: str, arguments: list[str], code: int, said: str, basin: Basin,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = basin.write(dam(RULE))
    monkeypatch.chdir(basin.folder)
    Path("rules.py").write_text(source)
    with pytest.raises(SystemExit) as stop:
        main(["run", str(path), "-o", "case.nc", *arguments])
    _, errors = capsys.readouterr()
    assert stop.value.code == code
    assert said in errors
    lines = [line for line in errors.splitlines() if "compiling its kernels" not in line]
    assert len(lines) == (1 if code else 0)
    assert Path("case.nc").exists() == (code == 0)


def test_rules_that_nobody_calls_are_refused(
    basin: Basin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = basin.write(dam("  rule: {kind: standard, at: dam, requirement: 7 m3/s, priority: 1}"))
    monkeypatch.chdir(basin.folder)
    Path("rules.py").write_text(GOOD)
    with pytest.raises(SystemExit) as stop:
        main(["run", str(path), "--rules", "rules.py"])
    assert stop.value.code == 2
    assert "--rules: no scenario has a policy of the kind function" in capsys.readouterr().err
