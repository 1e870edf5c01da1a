"""The rules hold in years they were not calibrated on, and docs/validation.md says how well."""

from __future__ import annotations

import re

import pytest
from crossvalidation import ROOT, recipe, scores, table

PAGE = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")


def test_left_out_years_are_hit_better_than_by_the_mean_of_the_others() -> None:
    for dam, (storage, naive_storage, flow, naive_flow) in scores().items():
        assert storage > naive_storage, dam
        assert flow > naive_flow, dam
        row = re.search(
            rf"^\| {dam.title()} \| (.*) \|$", PAGE.split("Leave one year out")[1], re.M
        )
        assert row
        said = [float(cell.replace("−", "-")) for cell in row[1].split(" | ")]
        assert said == pytest.approx([storage, naive_storage, flow, naive_flow], abs=6e-4)


def test_the_recipe_does_not_see_the_year_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written in 2004, the calibration on the other years is the same."""
    import crossvalidation

    evaporation = 0.0 * table("operation.csv")["kairakkum_release_m3s"]
    before = recipe([0, 1, 2, 4], evaporation)

    def changed(name: str) -> dict[str, crossvalidation.Years]:
        found = table(name)
        for key, values in found.items():
            values[3] *= 3.0
            if key == "kairakkum_storage_end_hm3":
                values[3, 11] /= 3.0  # the storage from which January 2005 follows
        return found

    monkeypatch.setattr(crossvalidation, "table", changed)
    assert recipe([0, 1, 2, 4], evaporation) == before
    assert recipe([0, 1, 3, 4], evaporation) != before
