"""What all policies have in common: limits, surplus, several at one dam, places and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from basins import YEAR, Basin

from watersim.errors import InputError

DAY = 86_400.0
MONTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) * DAY  # 2001, s
LEVELS = "levels: {full_level: 100 m, depth: 20 m, exponent: 2.5}"


def dam(policies: str, *, storage: int = 40, more: str = "", runoff: str = "10 m3/s",
        farm: str = "30 m3/s") -> str:  # fmt: skip
    """A spring, a dam of 100 hm3 with 5 of dead storage, a farm below with priority 2."""
    return (
        "nodes:\n"
        f"  spring: {{kind: catchment, runoff: {runoff}}}\n"
        f"  dam: {{kind: reservoir, capacity: 100 hm3, {LEVELS}, initial_storage: {storage} hm3, "
        f"dead_storage: 5 hm3{more}}}\n"
        "  below: {kind: gauge}\n"
        f"  farm: {{kind: irrigation, at: below, priority: 2, requirement: {farm}}}\n"
        "  sea: {kind: terminal}\n"
        "rivers: [spring > dam > below > sea]\n"
        f"policies:\n{policies}"
    )


# 10 flow in and 7 leave: 3 × 2 678 400 s = 8.0352 hm3 stay, the farm that asks for 30 gets 7
def test_claims_below_call_for_no_more_than_a_policy_lets_pass(basin: Basin) -> None:
    ds = basin.run(dam("  rule: {kind: standard, at: dam, requirement: 7 m3/s, priority: 1}"))
    assert ds["release"].item() == pytest.approx(7.0, rel=1e-12)
    assert ds["supply"].item() == pytest.approx(7.0, rel=1e-12)
    assert ds["storage"].item() == pytest.approx(48.0352e6, rel=1e-12)
    bound = ds["bound_by"].sel(claim="farm")
    flags = bound.attrs["flag_meanings"].split()
    assert flags[bound.item()] == "outlet_of_dam"


# a full lake: of 10 that flow in 7 are asked for; the other 3 leave through the gates, past no limit
# of the policy, and the farm gets all 10
def test_what_a_full_lake_cannot_keep_leaves_by_the_gates_and_serves_below(basin: Basin) -> None:
    rule = "  rule: {kind: standard, at: dam, requirement: 7 m3/s, priority: 1}"
    ds = basin.run(dam(rule, storage=100))
    assert ds["release"].item() == pytest.approx(10.0, rel=1e-12)
    assert ds["spill"].item() == pytest.approx(0.0, abs=1e-12)
    assert ds["supply"].item() == pytest.approx(10.0, rel=1e-12)


# the gates pass 8: 8 are released, 2 go over the crest
def test_the_gates_pass_no_more_than_the_outlet(basin: Basin) -> None:
    rule = "  rule: {kind: standard, at: dam, requirement: 7 m3/s, priority: 1}"
    ds = basin.run(dam(rule, storage=100, more=", outlet_capacity: 8 m3/s"))
    assert ds["release"].item() == pytest.approx(8.0, rel=1e-12)
    assert ds["spill"].item() == pytest.approx(2.0, rel=1e-12)
    assert ds["supply"].item() == pytest.approx(10.0, rel=1e-12)


# the turbines take what the gates let through: 10 m3/s × 30 m, not the 7 asked for
def test_the_plant_runs_on_what_leaves_by_the_gates(basin: Basin) -> None:
    text = dam("  rule: {kind: standard, at: dam, requirement: 7 m3/s, priority: 1}", storage=100)
    mill = "  mill: {kind: hydropower, at: dam, capacity: 9 MW, efficiency: 0.9, head: 30 m}\n"
    ds = basin.run(text.replace("  sea:", f"{mill}  sea:"))
    assert ds["turbine_flow"].item() == pytest.approx(10.0, rel=1e-12)
    assert ds["bypass"].item() == pytest.approx(0.0, abs=1e-12)


# two rules at a dam: the lower limit counts, whichever comes first by name
@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_two_policies_the_lower_limit_counts(basin: Basin, names: tuple[str, str]) -> None:
    rules = (
        f"  {names[0]}: {{kind: standard, at: dam, requirement: 7 m3/s, priority: 1}}\n"
        f"  {names[1]}: {{kind: standard, at: dam, requirement: 9 m3/s, priority: 3}}\n"
    )
    ds = basin.run(dam(rules))
    assert ds["release"].item() == pytest.approx(7.0, rel=1e-12)


# nothing above dead storage and nothing flows in: nothing leaves, whatever is asked
@pytest.mark.parametrize(
    "kind", ["standard, requirement: 7 m3/s", "forced_release, release: 7 m3/s"]
)
def test_dead_storage_stays(basin: Basin, kind: str) -> None:
    rule = f"  rule: {{kind: {kind}, at: dam, priority: 1}}"
    ds = basin.run(dam(rule, storage=5, runoff="0 m3/s"))
    assert ds["outflow"].sel(node="dam").item() == 0.0
    assert ds["storage"].item() == 5e6


# without the rule the farm draws 30, with one that limits at 100 just as much: the river is cut at
# the dam, and the answer is the same
def test_a_limit_that_does_not_bind_changes_nothing(basin: Basin) -> None:
    free = basin.run(dam("  rule: {kind: rule_curve, at: dam, curve: {01-01: 100 hm3}}"), YEAR)
    rule = "  rule: {kind: hedging, at: dam, requirement: 100 m3/s, trigger: 0 hm3}"
    wide = basin.run(dam(rule), YEAR)
    for name in ("storage", "supply", "release"):
        np.testing.assert_allclose(wide[name], free[name], rtol=1e-12, atol=1e-6)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{kind: standard, at: below, requirement: 7 m3/s, priority: 1}",
         r"policies\.rule\.at: is not a reservoir \(got below\)"),
        ("{kind: standard, at: damm, requirement: 7 m3/s, priority: 1}",
         r"is not a reservoir \(got damm\); did you mean 'dam'\?"),
        ("{kind: standart, at: dam}", r"is not a kind of policy \(got standart\).*'standard'"),
        ("{kind: standard, at: dam, requirement: 7 m3/s, priority: 5}",
         r"shared by zone 'top' and 'rule' \(got 5\)"),
    ],
)  # fmt: skip
def test_a_policy_that_does_not_fit_is_refused(basin: Basin, rule: str, message: str) -> None:
    more = ", zones: [{name: top, to: capacity, priority: 5}]"
    with pytest.raises(InputError, match=message):
        basin.load(dam(f"  rule: {rule}", more=more))
    basin.load(
        dam("  rule: {kind: standard, at: dam, requirement: 7 m3/s, priority: 1}", more=more)
    )


def test_a_policy_needs_a_name_of_its_own(basin: Basin) -> None:
    rule = "{kind: standard, at: dam, requirement: 7 m3/s, priority: 1}"
    with pytest.raises(InputError, match="has the name of a node, canal or clause"):
        basin.load(dam(f"  farm: {rule}"))
    basin.load(dam(f"  farm_rule: {rule}"))
