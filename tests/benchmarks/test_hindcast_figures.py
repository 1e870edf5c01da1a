"""The figures of docs/validation.md show the tables and rules that are in the repository."""

from __future__ import annotations

import matplotlib.image
import pytest
from hindcast_figures import FIGURES, NAMES, ROOT, checksum
from PIL import Image

PAGE = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [f"{run}_{dam}" for run, dams in NAMES.items() for dam in dams])
def test_a_figure_is_of_the_present_files_and_on_the_page(name: str) -> None:
    path = FIGURES / f"{name}.png"
    with Image.open(path) as image:
        assert image.info["Description"] == checksum(), "draw them anew: see hindcast_figures.py"
    assert matplotlib.image.imread(path).std() > 0.05
    assert f"(figures/{name}.png)" in PAGE
