from __future__ import annotations

from pathlib import Path

import pytest

from watersim.errors import InputError
from watersim.scenario import load
from watersim.shipped import files, init
from watersim.simulation import run
from watersim.sources import shipped_root


def test_init_copies_the_shipped_basins_so_that_they_load(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    written = init(folder)
    assert folder / "data/talas/basin.yaml" in written
    assert folder / "data/LICENSE.md" in written
    assert all(path.is_file() for path in written)
    assert folder / "data/chu/inflow.csv" in written
    found = sorted((folder / "scenarios").rglob("*.yaml"))
    assert {path.parent.name for path in found} == {"chu", "karkyra", "syr_darya", "talas"}
    for path in found:
        read = load(path).sources.files.values()
        assert all(file.is_relative_to(folder.resolve()) for file in read)


SCENARIOS = sorted((shipped_root() / "scenarios").rglob("*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_variant_of_every_shipped_scenario_loads(path: Path) -> None:
    for variant in load(path).variants:
        assert load(path, variant).label.endswith(variant)


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    for name in ("data/b/basin.yaml", "data/.cache/b.yaml", "notebooks/.old/n.ipynb", "other/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert files(tmp_path) == [Path("data/b/basin.yaml")]


@pytest.mark.parametrize("blank", [False, True], ids=["shipped", "template"])
def test_nothing_is_overwritten_and_nothing_written_beside(tmp_path: Path, blank: bool) -> None:
    names = init(tmp_path / "first", blank)
    kept = tmp_path / "second" / names[-1].relative_to(tmp_path / "first")
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    with pytest.raises(InputError) as refused:
        init(tmp_path / "second", blank)
    assert refused.value.exit_code == 2
    assert str(refused.value) == (
        f"{kept}: is already there and was left as it is; choose another folder"
    )
    assert kept.read_text() == "mine"
    assert [path for path in (tmp_path / "second").rglob("*") if path.is_file()] == [kept]


def test_a_link_that_leads_nowhere_is_in_the_way_too(tmp_path: Path) -> None:
    (tmp_path / "data/mybasin").mkdir(parents=True)
    (tmp_path / "data/mybasin/basin.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(InputError, match="already there"):
        init(tmp_path, blank=True)
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_file_where_a_folder_is_needed_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(InputError) as refused:
        init(tmp_path)
    assert str(refused.value) == f"{tmp_path / 'data'}: is a file where a folder is needed"


def test_init_writes_beside_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert init(tmp_path, blank=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("variant", [None, "dry", "lined", "winter_power", "dry+winter_power"])
def test_the_template_runs_as_it_is(tmp_path: Path, variant: str | None) -> None:
    init(tmp_path, blank=True)
    ds = run(load(tmp_path / "scenarios/mybasin/baseline.yaml", variant))
    assert ds.attrs["closure_residual"] < 1e-12
    drawn = ds["storage"].values
    assert drawn.min() >= 20e6 * (1 - 1e-9)
    assert drawn.max() > drawn.min()


def test_the_template_says_that_its_numbers_are_invented(tmp_path: Path) -> None:
    for path in init(tmp_path, blank=True):
        assert "invented" in path.read_text(encoding="utf-8").lower()
