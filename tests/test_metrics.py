"""Metrics and scores against short series worked by hand."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr

from watersim.errors import InputError
from watersim.metrics import by_year, complete_years, dependable, metrics, performance, seconds
from watersim.score import goodness, score


def months(first: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and bounds of whole months."""
    edges = (np.datetime64(first, "M") + np.arange(count + 1)).astype("datetime64[ns]")
    return edges[:-1], np.stack([edges[:-1], edges[1:]], axis=1)


def run(first: str, **variables: tuple[tuple[str, ...], np.ndarray, str]) -> xr.Dataset:
    """A Dataset of whole months from (dims, values, units)."""
    count = next(values.shape[1] for _, values, _ in variables.values())
    time, bounds = months(first, count)
    data = {
        name: (dims, values, {"units": units}) for name, (dims, values, units) in variables.items()
    }
    return xr.Dataset(
        data | {"time_bounds": (("time", "bounds"), bounds)}, {"time": time, "realization": [0]}
    )


def demand(first: str, requirement: list[float], supply: list[float]) -> xr.Dataset:
    """One irrigation site of party KG."""
    dims = ("realization", "time", "site")
    shape = (1, len(requirement), 1)
    ds = run(
        first,
        requirement=(dims, np.reshape(np.asarray(requirement, float), shape), "m3 s-1"),
        supply=(dims, np.reshape(np.asarray(supply, float), shape), "m3 s-1"),
    )
    return ds.assign_coords(
        site=["farms"], site_party=("site", ["KG"]), site_sector=("site", ["irrigation"])
    )


def test_crops_reach_a_share_of_their_evapotranspiration_in_their_season() -> None:
    """By hand: 2 months of 31 days at 4 and 2 mm a day, the second half in season, 1 km2; then winter."""
    dims = ("realization", "time", "crop")
    rate = 1e-3 / 86_400.0

    def depths(*values: float) -> np.ndarray:
        return np.array(values).reshape(1, 3, 1)

    ds = run(
        "2001-07",
        crop_evapotranspiration=(dims, rate * depths(4.0, 2.0, 1.0), "m s-1"),
        actual_evapotranspiration=(dims, rate * depths(3.0, 1.0, 1.0), "m s-1"),
        in_season=(dims, depths(1.0, 0.5, 0.0), "1"),
    ).assign_coords(crop=["farms.maize"], crop_area=("crop", [1e6]))
    found = metrics(ds).isel(realization=0, crop=0)
    full, actual = 31 * (4.0 + 0.5 * 2.0) * 1e3, 31 * (3.0 + 0.5 * 1.0) * 1e3  # m3
    total = found.crop_evapotranspiration_total
    assert float(total.sel(season="growing")) == pytest.approx(full)
    assert float(total.sel(season="winter")) == 0.0
    assert float(found.crop_actual_evapotranspiration_total.sum()) == pytest.approx(actual)
    assert float(found.crop_evapotranspiration_ratio) == pytest.approx(actual / full)


def arrays(*series: list[float]) -> list[np.ndarray]:
    return [np.asarray(values, float) for values in series]


# --- Hashimoto's three, by hand ------------------------------------------------------------------


def test_reliability_resilience_and_vulnerability_of_a_series_worked_by_hand() -> None:
    # Eight steps ask 10. Failures: step 2 (deficit 4), steps 4-6 (1, 6, 3).
    #   reliability 1 - 4/8; of the 4 failing steps 2 and 6 are followed by a met one: 2/4;
    #   the worst of the two runs are 4 and 6: mean 5.
    requirement, supply = arrays([10] * 8, [10, 6, 10, 9, 4, 7, 10, 10])
    found = performance(requirement, supply)
    assert found == pytest.approx((0.5, 0.5, 5.0, 0.5, 6.0))


def test_steps_without_a_requirement_neither_count_nor_end_a_failure() -> None:
    requirement, supply = arrays([10, 10, 0, 0, 10, 10], [10, 8, 0, 0, 5, 10])
    dense = performance(*arrays([10, 10, 10, 10], [10, 8, 5, 10]))
    assert performance(requirement, supply) == dense
    assert dense == pytest.approx((0.5, 0.5, 5.0, 0.5, 5.0))


def test_relative_vulnerability_takes_each_deficit_over_its_own_requirement() -> None:
    # One run: deficits 4 of 100 and 3 of 6. The largest volume is 4, the largest share 0.5.
    found = performance(*arrays([100, 6, 1], [96, 3, 1]))
    assert (found.vulnerability, found.vulnerability_relative) == pytest.approx((4.0, 0.5))


def test_a_failure_at_the_last_step_has_no_successor_and_is_not_asked_for_recovery() -> None:
    assert np.isnan(performance(*arrays([1, 1], [1, 0])).resilience)
    assert performance(*arrays([1, 1, 1], [0, 0, 0])).resilience == 0.0


def test_a_series_that_never_fails_has_no_resilience_and_no_vulnerability() -> None:
    found = performance(*arrays([5, 5], [5, 5]))
    assert (found.reliability, found.vulnerability, found.max_deficit) == (1.0, 0.0, 0.0)
    assert np.isnan(found.resilience)


def test_a_series_that_asks_nothing_has_no_performance() -> None:
    assert np.isnan(performance(*arrays([0, 0], [0, 0]))).all()


def test_a_shortage_below_one_millionth_is_rounding_and_above_it_is_a_failure() -> None:
    assert performance(*arrays([1.0], [1.0 - 0.9e-6])).reliability == 1.0
    assert performance(*arrays([1.0], [1.0 - 1.1e-6])).reliability == 0.0


# --- Yields --------------------------------------------------------------------------------------


def test_the_lowest_of_nineteen_years_is_reached_in_95_per_cent() -> None:
    years = np.arange(19.0, 0.0, -1.0)  # Weibull: the m-th largest has m / 20
    assert dependable(years, 0.95) == pytest.approx(1.0)
    assert dependable(years, 0.90) == pytest.approx(2.0)
    assert dependable(years, 0.75) == pytest.approx(5.0)


def test_between_two_years_the_yield_is_linear() -> None:
    assert dependable(np.array([10.0, 20.0, 30.0, 40.0]), 0.75) == pytest.approx(12.5)  # 1.25th


def test_a_sample_too_short_for_the_dependability_has_no_yield() -> None:
    assert np.isnan(dependable(np.arange(18.0), 0.95))
    assert np.isnan(dependable(np.array([]), 0.75))


# --- Years, seasons, sums ------------------------------------------------------------------------


def test_calendar_years_2000_to_2002_hold_two_complete_hydrological_years() -> None:
    ds = demand("2000-01", [1.0] * 36, [1.0] * 36)
    assert complete_years(ds) == [2001, 2002]
    assert "2000, 2003" in metrics(ds).attrs["incomplete_years"]


def test_a_year_that_lacks_one_month_is_not_complete() -> None:
    assert complete_years(demand("2000-11", [1.0] * 11, [1.0] * 11)) == []
    assert complete_years(demand("2000-10", [1.0] * 12, [1.0] * 12)) == [2001]


def test_a_constant_flow_fills_the_growing_season_of_183_days_and_the_winter_of_182() -> None:
    ds = demand("2000-10", [2.0] * 12, [2.0] * 12)
    volume = by_year(ds["supply"] * seconds(ds), ds).sel(site="farms", hydrological_year=2001)
    assert float(volume.sel(season="growing").item()) == 2.0 * 183 * 86400
    assert float(volume.sel(season="winter").item()) == 2.0 * 182 * 86400


def test_a_leap_winter_is_one_day_longer() -> None:
    ds = demand("2003-10", [1.0] * 12, [1.0] * 12)
    assert by_year(seconds(ds), ds).sum().item() == 366 * 86400


def test_cover_is_a_ratio_of_volumes_and_not_a_mean_of_covers() -> None:
    # October has 31 days, November 30: (31·10 + 30·0) / (31·10 + 30·20)
    found = metrics(demand("2000-10", [10.0, 20.0], [10.0, 0.0]))
    assert found["site_cover"].item() == pytest.approx(310 / 910)
    total = found["site_deficit_total"].sel(season="winter")
    assert total.item() == pytest.approx(600 * 86400)
    assert found.sizes["hydrological_year"] == 0


def test_deficits_in_winter_do_not_enter_the_growing_season() -> None:
    supply = [1.0] * 12
    supply[3] = 0.0  # January
    cover = metrics(demand("2000-10", [1.0] * 12, supply))["site_cover_by_year"]
    assert cover.sel(season="growing").item() == 1.0
    assert cover.sel(season="winter").item() == pytest.approx(1 - 31 / 182)


def test_sites_of_one_party_and_sector_are_summed_before_the_cover() -> None:
    ds = demand("2000-10", [10.0], [10.0])
    other = demand("2000-10", [30.0], [10.0]).assign_coords(site=["gardens"])
    towns = demand("2000-10", [5.0], [5.0]).assign_coords(
        site=["town"], site_sector=("site", ["municipal"])
    )
    joined = xr.concat([ds, other, towns], "site", data_vars="minimal")
    found = metrics(joined)
    assert found["group"].values.tolist() == ["KG irrigation", "KG municipal"]
    npt.assert_allclose(found["group_cover"].values, [[0.5, 1.0]])
    assert found["group_party"].values.tolist() == ["KG", "KG"]


def test_retention_claims_are_not_added_up() -> None:
    dims = ("realization", "time", "claim")
    ones = np.ones((1, 12, 2))
    ds = run(
        "2000-10",
        claim_requirement=(dims, ones, "m3 s-1"),
        claim_supply=(dims, ones, "m3 s-1"),
    ).assign_coords(claim=["zone", "flow"], claim_sort=("claim", ["retention", "instream"]))
    assert metrics(ds)["claim"].values.tolist() == ["flow"]


def test_the_lowest_storage_is_dated_with_the_end_of_its_step() -> None:
    dims = ("realization", "time", "reservoir")
    zero = np.zeros((1, 3, 1))
    ds = run(
        "2001-01",
        storage=(dims, np.array([5.0, 2.0, 9.0]).reshape(1, 3, 1), "m3"),
        release=(dims, zero, "m3 s-1"),
        spill=(dims, zero, "m3 s-1"),
        evaporation=(dims, zero, "m3 s-1"),
    ).assign_coords(reservoir=["kirov"])
    found = metrics(ds)
    assert found["reservoir_lowest_storage"].item() == 2.0
    assert found["reservoir_lowest_time"].values[0, 0] == np.datetime64("2001-03-01")
    assert found["reservoir_highest_time"].values[0, 0] == np.datetime64("2001-04-01")


def test_energy_is_summed_in_joules_and_its_deficit_measured() -> None:
    dims = ("realization", "time", "plant")

    def series(*values: float) -> tuple[tuple[str, ...], np.ndarray, str]:
        return dims, np.array(values * 3).reshape(1, 12, 1), "J"

    ds = run(
        "2000-10",
        energy=series(8.0, 10.0, 12.0, 10.0),
        energy_requirement=series(10.0, 10.0, 10.0, 0.0),
        energy_deficit=series(2.0, 0.0, 0.0, 0.0),
    ).assign_coords(plant=["bala_saruu"])
    found = metrics(ds)
    assert found["plant_energy"].sum().item() == 120.0
    assert found["plant_energy"].sel(season="winter").item() == 58.0  # O N D J F M: 8 10 12 10 8 10
    assert found["plant_reliability"].item() == pytest.approx(2 / 3)
    assert found["plant_resilience"].item() == 1.0
    assert found["plant_max_deficit"].item() == 2.0


def test_equal_realizations_have_equal_metrics_and_keep_their_dimension() -> None:
    one = demand("2000-10", [10.0] * 24, [10.0, 5.0] * 12)
    two = xr.concat([one, one.assign_coords(realization=[1])], "realization", data_vars="minimal")
    found = metrics(two)
    for name, values in found.data_vars.items():
        assert "realization" in values.dims, name
        a, b = values.isel(realization=0).values, values.isel(realization=1).values
        npt.assert_array_equal(a, b)


def test_metrics_have_the_same_bits_whatever_the_order_in_memory() -> None:
    rng = np.random.default_rng(1)
    asked = rng.uniform(1.0, 2.0, (1, 168, 3))
    dims = ("realization", "time", "site")

    def of(order: Literal["C", "F"]) -> xr.Dataset:
        ds = run(
            "2000-01",
            requirement=(dims, np.array(asked, order=order), "m3 s-1"),
            supply=(dims, np.array(0.7 * asked, order=order), "m3 s-1"),
        )
        sites = {"site_party": ("site", ["KG"] * 3), "site_sector": ("site", ["irrigation"] * 3)}
        return ds.assign_coords(site=list("abc"), **sites)

    xr.testing.assert_identical(metrics(of("C")), metrics(of("F")))


def test_every_metric_has_a_unit_and_a_meaning() -> None:
    found = metrics(demand("2000-10", [10.0] * 12, [10.0, 5.0] * 6))
    assert [n for n, v in found.data_vars.items() if not v.attrs.get("long_name")] == []
    assert {v.attrs["units"] for v in found.data_vars.values()} == {"m3", "1"}


# --- Scores --------------------------------------------------------------------------------------


def test_scores_of_three_values_worked_by_hand() -> None:
    # o = 1 2 3, s = 2 2 5: means 2 and 3, squared errors 1 + 0 + 4, spread of o 2, of s 6,
    # covariance sum 3: NSE = 1 - 5/2, r = 3/sqrt(12), alpha = sqrt(3), beta = 1.5.
    found = goodness(*arrays([2, 2, 5], [1, 2, 3]))
    r, alpha = 3 / np.sqrt(12), np.sqrt(3)
    kge = 1 - np.sqrt((r - 1) ** 2 + (alpha - 1) ** 2 + 0.25)
    assert found == pytest.approx((-1.5, kge, r, alpha, 1.5, 50.0, 3))


def test_a_perfect_run_scores_one_and_has_no_bias() -> None:
    assert goodness(*arrays([1, 2, 4], [1, 2, 4])) == pytest.approx((1, 1, 1, 1, 1, 0, 3))


def test_the_mean_of_the_observations_scores_an_nse_of_zero_and_no_correlation() -> None:
    found = goodness(*arrays([2, 2, 2], [1, 2, 3]))
    assert found.nse == 0.0
    assert np.isnan(found.r)
    assert np.isnan(found.kge)


def test_steps_without_an_observation_are_dropped_and_not_counted() -> None:
    assert goodness(*arrays([2, 9, 2, 5], [1, np.nan, 2, 3])).n == 3
    assert goodness(*arrays([1], [np.nan])).n == 0


def outflow(first: str, values: list[float], nodes: list[str]) -> xr.Dataset:
    dims = ("realization", "time", "node")
    array = np.repeat(np.asarray(values, float).reshape(1, -1, 1), len(nodes), axis=2)
    return run(first, outflow=(dims, array, "m3 s-1")).assign_coords(node=nodes)


def seen(first: str, values: list[float], units: str = "m3 s-1") -> xr.Dataset:
    ds = outflow(first, values, ["border"]).isel(realization=0, drop=True)[["outflow"]]
    ds["outflow"].attrs["units"] = units
    return ds


def test_a_score_stands_per_label_on_the_times_in_common() -> None:
    ds = outflow("2000-01", [9, 1, 2, 4, 9], ["kirov", "border"])
    found = score(ds, seen("2000-02", [1, 2, 4]))
    assert found["outflow"].dims == ("realization", "node", "score")
    assert found["node"].values.tolist() == ["border"]
    assert found["outflow"].sel(score="nse").item() == 1.0
    assert found["outflow"].sel(score="n").item() == 3


@pytest.mark.parametrize(
    ("observed", "sentence"),
    [
        (seen("2010-01", [1, 2]), "no time in common with the run (2000-01-01 to 2000-06-01)"),
        (seen("2000-01", [1, 2], "hm3"), "must be in 'm3 s-1' (got units 'hm3')"),
        (
            seen("2000-01", [1, 2]).assign_coords(node=["boarder"]),
            "has node 'boarder', which the run lacks",
        ),
        (seen("2000-01", [1, 2]).rename(outflow="outflov"), "did you mean 'outflow'?"),
        (
            seen("2000-01", [1, 2]).assign_coords(
                time=np.array(["2000-01-15", "2000-02-15"], "datetime64[ns]")
            ),
            "has 2000-01-15, where no step of the run begins",
        ),
        (
            seen("2000-01", [1, 2, 3, 4, 5]).isel(time=[0, 2, 4]),
            "stands 60 days apart and the run 31",
        ),
        (seen("2000-01", [1, np.inf]), "must be finite or NaN"),
        (seen("2000-01", [1, 2])[[]], "holds no variable"),
    ],
)
def test_observations_that_cannot_be_compared_are_refused(
    observed: xr.Dataset, sentence: str
) -> None:
    ds = outflow("2000-01", [1, 2, 3, 4, 5, 6], ["border"])
    with pytest.raises(InputError) as refused:
        score(ds, observed)
    assert sentence in str(refused.value)
    assert str(refused.value).startswith("observed: ")
