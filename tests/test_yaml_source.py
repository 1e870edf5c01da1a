"""YAML as plain data with the line of every value, and everything that is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watersim import yaml_source
from watersim.errors import InputError, MachineError
from watersim.files import display, resolve_inside
from watersim.yaml_source import Document, Source, read_yaml

Read = Callable[[str | bytes], Document]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_text(text: str | bytes) -> Document:
        path = tmp_path / "basin.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_yaml(path, tmp_path, "basin.yaml")

    return read_text


def problems(read: Callable[..., object], *arguments: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(*arguments)
    return [str(problem) for problem in caught.value.problems]


# --- what is read

BASIN = """\
# Talas
title: Talas river
nodes:
  kirov:
    capacity: 550 hm3
    zones: [{name: reserve, priority: 2}, {name: conservation,
             priority: 3}]
rivers:
  - a > b
  - b > c
note: |
  two
  lines
"""


def test_a_basin_becomes_plain_data(read: Read) -> None:
    assert read(BASIN).data == {
        "title": "Talas river",
        "nodes": {
            "kirov": {
                "capacity": "550 hm3",
                "zones": [
                    {"name": "reserve", "priority": 2},
                    {"name": "conservation", "priority": 3},
                ],
            }
        },
        "rivers": ["a > b", "b > c"],
        "note": "two\nlines\n",
    }


def test_every_value_knows_its_line(read: Read) -> None:
    sources = read(BASIN).sources
    kirov: tuple[str | int, ...] = ("nodes", "kirov")
    assert {path: source.line for path, source in sources.items()} == {
        (): 2,
        ("title",): 2,
        ("nodes",): 3,
        kirov: 4,
        (*kirov, "capacity"): 5,
        (*kirov, "zones"): 6,
        (*kirov, "zones", 0): 6,
        (*kirov, "zones", 0, "name"): 6,
        (*kirov, "zones", 0, "priority"): 6,
        (*kirov, "zones", 1): 6,
        (*kirov, "zones", 1, "name"): 6,
        (*kirov, "zones", 1, "priority"): 7,
        ("rivers",): 8,
        ("rivers", 0): 9,
        ("rivers", 1): 10,
        ("note",): 11,
    }
    assert sources[("title",)] == Source("basin.yaml", 2)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("on", "on"), ("yes", "yes"), ("12:30", "12:30"),
        ("2000-01-01", "2000-01-01"), ("1e3", 1000.0), ("1", 1), ("-0.5", -0.5), (".5", 0.5),
        ("0", 0), ("0.25", 0.25), ("+7", 7), ("0e5", 0.0), ("~", None), ("", None),
        ("null", None), ("true", True), ("False", False), ("'1'", "1"), ('"012"', "012"),
        ("550 hm3", "550 hm3"), ("12,5", "12,5"), ("Бассейн 3", "Бассейн 3"), ("inf", "inf"),
        ("999999999999999999", 999999999999999999), ("'<<'", "<<"), ('"a\\tb"', "a\tb"),
    ],
)  # fmt: skip
def test_a_scalar_is_read_as_yaml_1_2(read: Read, text: str, value: object) -> None:
    read_value = read(f"a: {text}\n").data["a"]
    assert read_value == value
    assert type(read_value) is type(value)


@pytest.mark.parametrize("key", ["NO", "on", "yes", "12:30", "2000-01-01", "'1'", '"null"', "ключ"])
def test_a_text_is_a_key(read: Read, key: str) -> None:
    assert list(read(f"{key}: 1\n").data) == [key.strip("'\"")]


def test_a_mark_of_order_and_windows_lines_are_accepted(read: Read) -> None:
    document = read("\ufeffa: 1\r\nb: 2\r\n")
    assert document.data == {"a": 1, "b": 2}
    assert document.sources[("b",)].line == 2


def test_one_document_between_marks_is_accepted(read: Read) -> None:
    assert read("---\na: 1\n...\n").data == {"a": 1}


# --- what is refused

NUMBER = "must be written with the digits 0-9 and the signs + - ."
PLAIN = "must be a plain decimal number, or text in quotes"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".inf", "must be a finite number (got '.inf')"),
        ("-.Inf", "must be a finite number (got '-.Inf')"),
        (".nan", "must be a finite number (got '.nan')"),
        ("1e999", "must be a finite number (got '1e999')"),
        ("1e-999", "is too small to be told from 0 (got '1e-999')"),
        ("0o17", f"{PLAIN} (got '0o17')"),
        ("0x1F", f"{PLAIN} (got '0x1F')"),
        ("0b11", f"{PLAIN} (got '0b11')"),
        ("1_000", f"{PLAIN} (got '1_000')"),
        ("012", "must not begin with 0; leave the 0 out, or put text in quotes (got '012')"),
        ("1" * 19, "must have at most 18 digits; write a decimal number or text in quotes "
                   f"(got '{'1' * 19}')"),
        ("１２", f"{NUMBER} (got '１２')"),
        ("٣٫٥", None),
        ("٣.٥", f"{NUMBER} (got '٣.٥')"),
        ("−5 hm3", f"{NUMBER} (got '−5 hm3')"),
        ("２５%", f"{NUMBER} (got '２５%')"),
        ('"\\0"', "has the control character U+0000; remove it"),
        ('"\\ud800"', "has the control character U+D800; remove it"),
        ("&x 1", "anchors (&x) are not accepted; remove it"),
        ("*x", "aliases (*x) are not accepted; repeat the value"),
        ("!!str 1", "tags (!!str) are not accepted; remove it"),
        ("!!python/object:os.system x",
         "tags (!!python/object:os.system) are not accepted; remove it"),
        ("! 1", "tags (!) are not accepted; remove it"),
        ("!m [1]", "tags (!m) are not accepted; remove it"),
        ("&x {b: 1}", "anchors (&x) are not accepted; remove it"),
    ],
)  # fmt: skip
def test_a_value_beyond_plain_data_is_refused(read: Read, text: str, message: str | None) -> None:
    if message is None:  # no number to anyone: stays text
        assert read(f"a: {text}\n").data["a"] == text
        return
    assert problems(read, f"ok: 1\na: {text}\n") == [f"basin.yaml:2: a: {message}"]


UNREADABLE = "cannot be read as YAML; look at indentation, quotes and brackets"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1: is empty; write KEY: VALUE"),
        ("# a note\n", "1: is empty; write KEY: VALUE"),
        ("---\n...\n", "1: is empty; write KEY: VALUE"),
        ("\n- 1\n", "2: must be KEY: VALUE at the top (got a list)"),
        ("a:1\n", "1: must be KEY: VALUE at the top (got 'a:1')"),
        ("a: 1\n---\nb: 2\n", "2: must hold one document; remove what follows the first"),
        ("%YAML 1.1\n---\na: 1\n", "2: directives (%YAML, %TAG) are not accepted; remove the line"),
        ("a: 1\nb: 2\na: 3\n", "3: a: is written twice, on lines 1 and 3; keep one"),
        ("a: {b: 1, 'b': 2}\n", "1: a.b: is written twice, on lines 1 and 1; keep one"),
        ("<<: {a: 1}\n", "1: <<: merge keys (<<) are not accepted; write the entries out"),
        ("1: a\n", "1: a key must be text (got '1'); put it in quotes"),
        ("a:\n  true: b\n", "2: a: a key must be text (got 'true'); put it in quotes"),
        ("'': b\n", "1: a key must be text (got ''); put it in quotes"),
        ("? [a, b]\n: c\n", "1: a key must be text, not a list or mapping"),
        ("? {a: b}\n: c\n", "1: a key must be text, not a list or mapping"),
        ("a:\n\tb: 1\n", "2: has a tab in its indentation; use spaces"),
        ("a: x\x07y\n", "1: has the control character U+0007; remove it"),
        ("a: 1\nb: x\u2028y\n", "2: has the control character U+2028; remove it"),
        (b"a: 1\nb: \xff\n", "2: must be UTF-8 text; save it as UTF-8"),
        ("a: 1".encode("utf-16"), "1: must be UTF-8 text; save it as UTF-8"),
        ("a: b: c\n",
         "1: has a ': ' too many or a wrong indentation; put text with ': ' in quotes"),
        ("a: 1\n  b: 2\n",
         "2: has a ': ' too many or a wrong indentation; put text with ': ' in quotes"),
        ("a: 1\nb\nc: 2\n", "2: is not KEY: VALUE; write a colon and a space after the key"),
        ("a:\n  b: 1\n c: 2\n",
         "3: does not stand under its neighbours; give them one indentation"),
        ("a: - 1\n", "1: has a list in a place where it cannot begin; start it on its own line"),
        ("x: 1\na: [1, 2\nb: 3\n",
         "2: begins a list or mapping that lacks a comma or its closing bracket"),
        ("a: {b: 1\n", "1: begins a list or mapping that lacks a comma or its closing bracket"),
        ("a: @x\n", "1: has text that begins with @, %, ` or a tab; put it in quotes"),
        ("x: 1\na: 'x\nb: 2\n", "2: begins a quoted text that is not closed; add the quote"),
        ('a: "\\q"\n', "1: has an unknown escape after a backslash; use 'single quotes'"),
        ("a: *\n", "1: has text that begins with * or &; put it in quotes"),
        ("a: ]\n", "1: has a bracket or a comma where a value should be"),
        ('a: "\\UFFFFFFFF"\n', f"1: {UNREADABLE}"),
        ("a: !<x y\n", f"1: {UNREADABLE}"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_taken_is_refused(
    read: Read, text: str | bytes, line: str
) -> None:
    assert problems(read, text) == [f"basin.yaml:{line}"]


def test_all_problems_come_at_once_in_file_order(read: Read) -> None:
    text = "a: &x 1\nb: *x\n<<: *x\nc: [.inf, 2]\na: 012\nd: [1,\n"
    assert problems(read, text) == [
        "basin.yaml:1: a: anchors (&x) are not accepted; remove it",
        "basin.yaml:2: b: aliases (*x) are not accepted; repeat the value",
        "basin.yaml:3: <<: merge keys (<<) are not accepted; write the entries out",
        "basin.yaml:3: <<: aliases (*x) are not accepted; repeat the value",
        "basin.yaml:4: c.0: must be a finite number (got '.inf')",
        "basin.yaml:5: a: is written twice, on lines 1 and 5; keep one",
        "basin.yaml:5: a: must not begin with 0; leave the 0 out, or put text in quotes "
        "(got '012')",
        "basin.yaml:6: ends inside a list or mapping; close its bracket",
    ]


def test_after_twenty_problems_the_rest_is_counted(read: Read) -> None:
    lines = problems(read, "".join(f"k{i}: .nan\n" for i in range(25)))
    assert len(lines) == 21
    assert lines[-1] == "basin.yaml: and 5 more"


def test_a_bomb_of_aliases_is_refused_where_it_begins(read: Read) -> None:
    text = "a: &a [x, x]\n" + "".join(
        f"k{i}: &k{i} [{', '.join([f'*k{i - 1}' if i else '*a'] * 9)}]\n" for i in range(30)
    )
    lines = problems(read, text)
    assert lines[0] == "basin.yaml:1: a: anchors (&a) are not accepted; remove it"
    assert len(lines) == 21


def test_24_levels_are_accepted_and_25_are_not(read: Read) -> None:
    assert read("a: " + "[" * 23 + "]" * 23).data["a"] is not None
    (line,) = problems(read, "a: " + "[" * 24 + "]" * 24)
    assert line.endswith(": must not nest deeper than 24 levels")
    (line,) = problems(read, "a: " + "[" * 1_000_000)
    assert line.endswith(": must not nest deeper than 24 levels")


def test_too_many_values_are_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_source, "MAX_VALUES", 5)
    assert read("a: [1, 2, 3]\n").data == {"a": [1, 2, 3]}
    assert problems(read, "a: [1, 2, 3, 4]\n") == [
        "basin.yaml:1: a.3: must hold at most 5 values; use tables (CSV)"
    ]


def test_a_file_above_4_mb_is_refused(read: Read) -> None:
    assert read("a: 1 #" + "x" * 3_999_993).data == {"a": 1}
    assert problems(read, "a: 1 #" + "x" * 3_999_995) == [
        "basin.yaml: must be at most 4 MB; split it or leave out what is not read"
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.text("ab1 :-[]{},\n\t'\"#&*!|>%@?\\~<.é\x00", max_size=40))
def test_any_text_is_read_or_refused_with_lines(read: Read, text: str) -> None:
    try:
        document = read(text)
    except InputError as error:
        for problem in error.problems:
            assert problem.file == "basin.yaml"
            assert "\n" not in str(problem)
            assert 1 <= problem.line <= text.count("\n") + 1
    else:
        assert set(document.sources) == set(paths(document.data))


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    entries: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    return [path, *(inner for key, entry in entries for inner in paths(entry, (*path, key)))]


# --- files


def test_a_file_inside_the_root_is_found_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    real = tmp_path / "data" / "a.csv"
    real.write_text("x")
    (tmp_path / "link.csv").symlink_to(real)
    assert resolve_inside(tmp_path / "link.csv", tmp_path, "link.csv") == real.resolve()
    assert resolve_inside(tmp_path / "data" / ".." / "data" / "a.csv", tmp_path) == real.resolve()


def test_a_file_outside_the_root_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "basin"
    root.mkdir()
    (tmp_path / "secret.csv").write_text("x")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    message = "lies outside basin; reading is confined to that folder"
    for name in ("../secret.csv", "link.csv"):
        assert problems(resolve_inside, root / name, root, name) == [f"{name}: {message}"]


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "file").write_text("x")
    missing = "does not exist; check the name and its folder"
    for name, message in [
        (".", "is a folder; name a file"),
        ("pipe", "is not a regular file; name a file"),
        ("circle", "is a circle of symbolic links"),
        ("none.csv", missing),
        ("file/a.csv", missing),
        ("a\0b", missing),
        ("x" * 300, "has a name too long for a file"),
    ]:
        assert problems(resolve_inside, tmp_path / name, tmp_path, "q") == [f"q: {message}"]


def test_a_file_that_may_not_be_read_is_the_machines_fault(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    read("a: 1\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MachineError) as caught:
        read_yaml(tmp_path / "basin.yaml", tmp_path, "basin.yaml")
    assert str(caught.value) == "basin.yaml: cannot be read: Permission denied"


def test_a_path_is_shown_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert display(tmp_path / "data" / "a.csv") == "data/a.csv"
    assert display(Path("data/../a.csv")) == "a.csv"
    assert display(Path("/nowhere/a.csv")) == "/nowhere/a.csv"
    assert display(Path("a\nb.csv")) == "a?b.csv"
    (tmp_path / "a.yaml").write_text("a: [")
    assert problems(read_yaml, tmp_path / "a.yaml", tmp_path)[0].startswith("a.yaml:1: ")
