"""Leave one year out: hindcast.yaml calibrated on four of 2001–2005 by a fixed recipe, scored in the fifth.

``python tests/benchmarks/crossvalidation.py`` prints the table of docs/validation.md. What in the
rules is a mean, an extreme or a regression of the five years is taken from the four others; what is
a choice (the form of the rules, tolerances, persistences) stays, and the repair of 2003.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import watersim
from watersim.score import goodness

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "scenarios" / "syr_darya" / "hindcast.yaml"
DAMS = ("toktogul", "andijan", "charvak", "kairakkum", "shardara")
INFLOW = {"toktogul": "naryn_m3s", "andijan": "kara_darya_m3s", "charvak": "chatkal_pskem_m3s",
          "kairakkum": "kairakkum_observed_m3s", "shardara": "shardara_observed_m3s"}  # fmt: skip
Years = NDArray[np.float64]  # (5 years, 12 months)


def table(name: str) -> dict[str, Years]:
    """The columns of a table of data/syr_darya, their first five years by months."""
    text = (ROOT / "data" / "syr_darya" / name).read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in text if not line.startswith("#")))
    keys = [key for key in rows[0] if key != "month"]
    return {k: np.array([float(row[k]) for row in rows[:60]]).reshape(5, 12) for k in keys}


def monthly(values: Any) -> dict[str, Any]:
    """Twelve flows, to 5 m3/s, as they stand in a file."""
    return {"monthly": [float(5 * round(v / 5)) for v in values], "unit": "m3/s"}


def recipe(years: list[int], evaporation: Years) -> dict[str, Any]:
    """The changes of hindcast.yaml that calibrate it on some of the five years."""
    seen, flows = table("operation.csv"), table("inflow.csv")
    stored = {d: seen[f"{d}_storage_end_hm3"] for d in DAMS}
    out = {d: seen[f"{d}_release_m3s"] for d in DAMS}
    into = {d: flows[INFLOW[d]] for d in DAMS}
    mean_in, mean_out = ({d: v[d][years].mean(axis=0) for d in DAMS} for v in (into, out))

    def not_full(dam: str, full: float, months: range) -> list[float]:
        """Mean release of the months that did not end with a full lake, else of the least full."""
        found = []
        for m in months:
            own = [y for y in years if stored[dam][y, m] < full]
            own = own or [min(years, key=lambda y: float(stored[dam][y, m]))]
            found.append(float(np.mean([out[dam][y, m] for y in own])))
        return found

    summer = range(5, 8)
    design = [
        [float(m == n) for n in summer] + [-into["toktogul"][y, m]] for m in summer for y in years
    ]
    given = [out["toktogul"][y, m] for m in summer for y in years]
    *fields, share = np.linalg.lstsq(np.array(design), np.array(given), rcond=None)[0].tolist()
    power = mean_out["toktogul"].copy()
    power[5:8] = out["toktogul"][years][:, 5:8].min()
    andijan = mean_out["andijan"].copy()
    andijan[3:6] = not_full("andijan", 1840.0, range(3, 6))
    charvak = not_full("charvak", 1900.0, range(3, 9))
    spans = [*[85.0] * 3, *charvak, *[85.0] * 3], [*[400.0] * 3, *charvak, *[400.0] * 3]
    days = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    repair = table("hindcast.csv")
    entering = (
        into["kairakkum"] + repair["kairakkum_gain_m3s"] - repair["kairakkum_unaccounted_m3s"]
    )
    before = np.append(np.nan, stored["kairakkum"].ravel()[:-1]).reshape(5, 12)
    left = (stored["kairakkum"] - before) / (days * 0.0864) - entering + out["kairakkum"]
    left[entering != into["kairakkum"]] = np.nan
    side = np.maximum(0.0, np.nanmean((left + evaporation)[years], axis=0))
    low = f"{stored['shardara'][years][:, 8].mean()} hm3"
    june = stored["kairakkum"][years][:, 5]
    own, plan = monthly(mean_out["kairakkum"]), monthly(mean_out["shardara"])
    policy = "policies.{}.{}".format
    return {
        "nodes.valley_rivers.runoff.factor": share,
        "nodes.valley_fields.requirement": monthly([*[0.0] * 5, *fields, *[0.0] * 4]),
        policy("toktogul_power", "release"): monthly(power),
        policy("toktogul_power", "reserve"): f"{stored['toktogul'][years].min()} hm3",
        policy("toktogul_power", "expected_inflow"): monthly(mean_in["toktogul"]),
        policy("andijan_fields", "requirement"): monthly(andijan),
        policy("andijan_fields", "reserve"): f"{stored['andijan'][years].min()} hm3",
        policy("andijan_fields", "spread.expected_inflow"): monthly(mean_in["andijan"]),
        policy("charvak_fields", "requirement"): monthly(spans[1]),
        policy("charvak_fields", "reserve"): f"{stored['charvak'][years][:, 8].min()} hm3",
        policy("charvak_fields", "spread.expected_inflow"): monthly(mean_in["charvak"]),
        policy("charvak_year", "targets"): {"04-01": f"{stored['charvak'][years][:, 2].mean()} hm3"},
        policy("charvak_year", "expected_inflow"): monthly(mean_in["charvak"]),
        policy("charvak_year", "minimum"): monthly(spans[0]),
        policy("charvak_year", "maximum"): monthly(spans[1]),
        "nodes.kairakkum_side.runoff": monthly(side),
        policy("kairakkum_year", "targets"): {
            "07-01": f"{june[june > 3000.0].mean()} hm3",
            "10-01": f"{stored['kairakkum'][years][:, 8].mean()} hm3"},
        policy("kairakkum_year", "expected_inflow"): monthly(entering[years].mean(axis=0) + side),
        policy("kairakkum_year", "plan"): own,
        policy("kairakkum_year", "minimum"): {**own, "factor": 0.6},
        policy("kairakkum_year", "maximum"): {**own, "factor": 1.4},
        policy("shardara_year", "targets"): {
            "04-01": "5200 hm3", "05-01": "5200 hm3", "10-01": low, "11-01": low},
        policy("shardara_year", "expected_inflow"): monthly(mean_in["shardara"]),
        policy("shardara_year", "plan"): plan,
        policy("shardara_year", "minimum"): {**plan, "factor": 0.5},
    }  # fmt: skip


def left_out() -> dict[str, tuple[Years, Years]]:
    """Storage (hm3) and flow below each dam (m3/s), each year from the run calibrated without it."""
    scenario = watersim.load(SCENARIO).with_({"time.end": "2005-12-31"})
    whole = watersim.run(scenario).isel(realization=0)
    evaporation = whole["evaporation"].sel(reservoir="kairakkum").values.reshape(5, 12)
    found = {dam: (np.empty((5, 12)), np.empty((5, 12))) for dam in DAMS}
    for year in range(5):
        changes = recipe([y for y in range(5) if y != year], evaporation)
        ds = watersim.run(scenario.with_(changes)).isel(realization=0)
        for dam, (storage, flow) in found.items():
            storage[year] = ds["storage"].sel(reservoir=dam).values.reshape(5, 12)[year] / 1e6
            flow[year] = ds["outflow"].sel(node=dam).values.reshape(5, 12)[year]
    return found


def scores() -> dict[str, tuple[float, float, float, float]]:
    """NSE of storage, of its naive forecast, of the flow, of its naive forecast, by dam."""
    seen, found = table("operation.csv"), {}
    for dam, (storage, flow) in left_out().items():
        values: list[float] = []
        for own, key in ((storage, "storage_end_hm3"), (flow, "release_m3s")):
            true = seen[f"{dam}_{key}"]
            naive = np.array([np.delete(true, year, axis=0).mean(axis=0) for year in range(5)])
            values += [goodness(one.ravel(), true.ravel()).nse for one in (own, naive)]
        found[dam] = (values[0], values[1], values[2], values[3])
    return found


if __name__ == "__main__":
    for name, row in scores().items():
        print(f"| {name.title()} | " + " | ".join(f"{v:.3f}".replace("-", "−") for v in row) + " |")
