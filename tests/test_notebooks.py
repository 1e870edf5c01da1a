"""Notebooks: run as a user who made a folder with `init` runs them; warnings are errors."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from watersim.shipped import init

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WARNINGS_ARE_ERRORS = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", category=DeprecationWarning, module="numba")
warnings.filterwarnings("ignore", "numpy.ndarray size changed", RuntimeWarning)
"""


def execute(path: Path) -> nbformat.NotebookNode:
    """A notebook with its outputs, run in its own folder."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WARNINGS_ARE_ERRORS))
    notebook.cells.append(nbformat.v4.new_code_cell("warnings.simplefilter('ignore')"))
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    )
    return client.execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_a_folder_made_by_init(path: Path, tmp_path: Path) -> None:
    init(tmp_path / "mine")
    executed = execute(tmp_path / "mine" / "notebooks" / path.name)
    for cell in executed.cells:
        if ".plot." in cell.source and cell.cell_type == "code":
            [output] = [one for one in cell.outputs if "image/png" in one.get("data", {})]
            assert len(base64.b64decode(output.data["image/png"])) > 5_000


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_where_it_stands(path: Path) -> None:
    execute(path)
