"""The balances of generated basins close, over many node-steps; the report says where they do not."""

from __future__ import annotations

import closure
import pytest
from closure import AIM, Family, closed, text, total

SHORT = {
    "month": (28, "2001-01-01", "2004-12-31"),
    "decade": (28, "2001-01-01", "2001-12-31"),
    "day": (28, "2001-01-01", "2001-02-28"),
}


def test_every_balance_of_two_hundred_thousand_node_steps_closes() -> None:
    found = total(closed(2e5, SHORT))
    assert found.node_steps >= 2e5
    assert found.worst <= AIM, found.where


def test_the_report_names_the_worst_family_and_what_it_misses() -> None:
    families = [Family("a", 1, 10, 100, 1e-15, "month 0 x 2001-01-01"),
                Family("b", 2, 20, 300, 2e-11, "day 3 y 2001-02-01")]  # fmt: skip
    said = text(families)
    assert "day 3 y 2001-02-01" in said.splitlines()[-2]
    assert "within the limit of 1e-09; the aim of 1e-12 is NOT met" in said
    assert total(families).node_steps == 400


def test_the_command_refuses_a_balance_that_does_not_close(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["closure.py"])
    for worst, code in ((2e-9, 1), (1e-15, 0)):
        monkeypatch.setattr(closure, "closed", lambda _, w=worst: [Family("a", 1, 1, 9, w, "x")])
        assert closure.main() == code
    assert "ABOVE the limit" in capsys.readouterr().out
