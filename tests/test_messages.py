"""Every refused file with its exact message, and an accepted twin.

A case is one file in tests/messages/cases: what of the base basin is replaced, by what it is
refused, optionally by what it is accepted (else the base itself is the twin), optionally the
variant asked for, and the lines a user reads. ``WATERSIM_WRITE_MESSAGES=1`` writes the lines anew;
read them before you keep them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from watersim.cli import main
from watersim.errors import InputError, Problem
from watersim.scenario import load

FOLDER = Path(__file__).parent / "messages"
CASES = sorted((FOLDER / "cases").glob("*.txt"))


def parts(path: Path) -> dict[str, str]:
    """The parts of a case by name."""
    found = re.split(r"^--- (\w+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {name: text[:-1] for name, text in zip(found[::2], found[1::2], strict=True)}


def lay_out(folder: Path, file: str = "", old: str = "", new: str = "") -> Path:
    """The base basin in a folder, with one replacement; the path of its scenario."""
    shutil.copytree(FOLDER / "base", folder, dirs_exist_ok=True)
    if file:
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return folder / "scenarios" / "s.yaml"


def variant(given_parts: dict[str, str]) -> list[str]:
    """The arguments that name the variant of a case, if it has one."""
    return ["--variant", given_parts["variant"]] if "variant" in given_parts else []


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder, to see that nothing was written."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that messages show short names."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_refused_file_says_what_is_wrong_and_what_would_be_right(
    case: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_parts = parts(case)
    file, old = given_parts["file"], given_parts["from"]
    path = lay_out(home, file, old, given_parts["refused"])
    before = contents(home)
    with pytest.raises(SystemExit) as stop:
        main(["check", str(path.relative_to(home)), *variant(given_parts)])
    out, said = capsys.readouterr()
    lines = said.removesuffix("\n").replace(str(home.parent), "ELSEWHERE")
    if os.environ.get("WATERSIM_WRITE_MESSAGES"):
        text = case.read_text(encoding="utf-8").split("--- message\n")[0]
        case.write_text(f"{text}--- message\n{lines}\n", encoding="utf-8")
    else:
        assert lines == given_parts["message"]
    assert stop.value.code == 2
    assert out == ""
    assert contents(home) == before


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_its_twin_is_accepted(case: Path, home: Path) -> None:
    given_parts = parts(case)
    new = given_parts.get("accepted", given_parts["from"])
    path = lay_out(home, given_parts["file"], given_parts["from"], new).relative_to(home)
    load(path, given_parts.get("variant"))


def test_every_problem_of_a_stage_comes_at_once_in_file_order(home: Path) -> None:
    path = lay_out(home, "data/b/basin.yaml", "capacity: 100 hm3", "capacity: 100")
    text = (home / "data/b/basin.yaml").read_text()
    text = text.replace("kind: gauge", "kind: gage").replace("efficiency: 0.85", "efficiency: 2")
    (home / "data/b/basin.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load(path.relative_to(home))
    lines = [problem.line for problem in caught.value.problems]
    assert len(lines) == 3
    assert lines == sorted(lines)


def test_check_exits_2_and_writes_nothing(home: Path) -> None:
    lay_out(home, "data/b/basin.yaml", "capacity: 100 hm3", "capacity: 100")
    before = sorted(home.rglob("*"))
    for command in ("check", "run", "show"):
        done = subprocess.run(
            [sys.executable, "-m", "watersim", command, "scenarios/s.yaml"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
    assert sorted(home.rglob("*")) == before


def test_a_file_that_is_a_link_out_of_the_root_is_refused(home: Path) -> None:
    path = lay_out(home)
    table = home / "data/b/inflow.csv"
    outside = home.parent / "inflow.csv"
    shutil.move(table, outside)
    table.symlink_to(outside)
    with pytest.raises(InputError, match="lies outside"):
        load(path)


def test_a_table_that_is_not_utf8_is_refused(home: Path) -> None:
    path = lay_out(home)
    (home / "data/b/inflow.csv").write_bytes("# Приток\n".encode("cp1251"))
    with pytest.raises(InputError, match="must be UTF-8"):
        load(path)


def accept_or_refuse(path: Path) -> None:
    """Load a scenario; a refusal names what is wrong in lines, and nothing else is raised."""
    problems: Sequence[Problem] = [Problem("accepted")]
    try:
        load(path)
    except InputError as error:
        problems = error.problems
    assert problems
    assert all("\n" not in str(problem) for problem in problems)


ODD = st.sampled_from(
    """|null|true|[]|{}|-1|1e400|'x'|NO|0|[1, {a: b}]|-|{file: x}|1 hm3|2001-01-01|a > b
    |{kind: reservoir}""".replace("\n    ", "").split("|")
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(line=st.integers(0, 60), value=ODD, drop=st.booleans(), scenario=st.booleans())
def test_nothing_but_input_errors_is_raised_whatever_stands_in_a_file(
    home: Path, line: int, value: str, drop: bool, scenario: bool
) -> None:
    path = lay_out(home)
    file = path if scenario else home / "data/b/basin.yaml"
    lines = file.read_text().splitlines()
    k = line % len(lines)
    if drop:
        del lines[k]
    else:
        lines[k] = re.sub(r":.*", f": {value}", lines[k], count=1)
    file.write_text("\n".join(lines))
    accept_or_refuse(path)


BASIN = (FOLDER / "base/data/b/basin.yaml").read_text(encoding="utf-8")
SCENARIO = (FOLDER / "base/scenarios/s.yaml").read_text(encoding="utf-8")
STRANGE = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        2.5,
        1e300,
        "",
        "x",
        "1e308 km3",
        "1 hm3",
        "a > b",
        "a > a",
        "..",
        "٣",
        "9999-12-31",
        [],
        [None],
        ["x"],
        {},
        {"a": 1},
        {"kind": ["x"]},
        {"file": "."},
        {"file": ""},
        {"monthly": [1e308] * 12, "unit": "hm3/month"},
        {"monthly": {"a": 1}, "unit": ["x"]},
        {"annual": "1 hm3", "shares": [100, *[0] * 11], "unit": "%"},
    ]
)


def places(data: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The key path of everything in a tree."""
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in entries:
        yield (*above, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*above, key))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), scenario=st.booleans())
def test_nothing_but_input_errors_is_raised_whatever_tree_is_described(
    home: Path, data: st.DataObject, scenario: bool
) -> None:
    # every value of the tree in turn: replaced by one of a strange sort, removed, or renamed
    path = lay_out(home)
    file = path if scenario else home / "data/b/basin.yaml"
    tree = YAML(typ="safe", pure=True).load(SCENARIO if scenario else BASIN)
    *above, last = data.draw(st.sampled_from(list(places(tree))))
    parent = tree
    for key in above:
        parent = parent[key]
    how = data.draw(st.sampled_from(["replace", "remove", "rename"]))
    if how == "replace":
        parent[last] = data.draw(STRANGE)
    elif how == "remove":
        del parent[last]
    elif isinstance(parent, dict):
        parent[data.draw(st.sampled_from(["kind", "to", "at", "file", "a.b", "nodes.dam"]))] = (
            parent.pop(last)
        )
    file.write_text(json.dumps(tree, default=str), encoding="utf-8")
    accept_or_refuse(path)
