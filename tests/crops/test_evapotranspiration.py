"""Reference evapotranspiration against the worked examples of FAO-56, and against pyet.

The numbers are those printed in Allen et al. (1998), to the digits printed there. Every input and every
result of Examples 2, 3, 5, 8 to 14, 17, 18, 20 and of Figure 18 was compared with the text of that edition.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyet
import pytest

from watersim.crops import evapotranspiration as et
from watersim.crops.climate import Climate
from watersim.timeline import DAY, Timeline

# Figure 18: CROPWAT at Cabinda, 5.33° S, 20 m. °C, °C, %, km/day, hours, MJ m-2 day-1, mm day-1
CABINDA = np.array([
    (22.8, 29.6, 81, 78, 4.0, 15.7, 3.4), (22.7, 30.3, 82, 69, 4.6, 16.9, 3.7),
    (23.0, 30.6, 80, 78, 5.1, 17.4, 3.8), (23.0, 30.2, 82, 69, 5.0, 16.4, 3.5),
    (22.0, 28.6, 84, 69, 3.8, 13.5, 2.9), (19.2, 26.5, 81, 69, 3.3, 12.2, 2.6),
    (17.6, 25.1, 78, 78, 3.2, 12.3, 2.6), (18.6, 25.3, 78, 78, 2.6, 12.4, 2.6),
    (20.5, 26.5, 78, 104, 2.0, 12.4, 2.8), (22.5, 28.0, 79, 130, 2.2, 12.9, 3.1),
    (23.0, 28.7, 80, 104, 3.2, 14.4, 3.3), (23.0, 29.1, 82, 95, 3.8, 15.2, 3.4),
])  # fmt: skip


def day_of(text: str) -> int:
    return int(pd.Timestamp(text).dayofyear)


def test_example_2_psychrometric_constant_at_1800_metres() -> None:
    assert et.atmospheric_pressure(1800.0) == pytest.approx(81.8, abs=0.05)
    assert et.psychrometric_constant(1800.0) == pytest.approx(0.054, abs=0.0005)


def test_example_3_saturation_vapour_pressure() -> None:
    assert et.saturation_vapour_pressure(24.5) == pytest.approx(3.075, abs=0.001)
    assert et.saturation_vapour_pressure(15.0) == pytest.approx(1.705, abs=0.001)


def test_example_5_vapour_pressure_of_relative_humidity() -> None:
    """18 and 25 °C with 82 and 54 %; beside it the equation for a mean humidity, which a climate uses."""
    low, high = et.saturation_vapour_pressure(18.0), et.saturation_vapour_pressure(25.0)
    assert (low, high) == (pytest.approx(2.064, abs=0.001), pytest.approx(3.168, abs=0.001))
    assert (low * 0.82 + high * 0.54) / 2.0 == pytest.approx(1.70, abs=0.005)
    assert 0.68 * (low + high) / 2.0 == pytest.approx(1.78, abs=0.005)


def test_examples_8_and_9_sun_on_3_september_at_20_south() -> None:
    day = day_of("1998-09-03")
    assert day == 246
    assert et.extraterrestrial_radiation(-20.0, day) == pytest.approx(32.2, abs=0.05)
    assert et.daylight_hours(-20.0, day) == pytest.approx(11.7, abs=0.05)


def test_example_10_radiation_of_sunshine_at_rio_in_may() -> None:
    # 22°54' S, 220 hours of sunshine in May
    latitude, day = -(22.0 + 54.0 / 60.0), 135
    ra, daylight = et.extraterrestrial_radiation(latitude, day), et.daylight_hours(latitude, day)
    assert ra == pytest.approx(25.1, abs=0.05)
    assert daylight == pytest.approx(10.9, abs=0.05)
    assert et.radiation_of_sunshine(220.0 / 31.0, daylight, ra) == pytest.approx(14.5, abs=0.05)


def test_examples_11_and_12_net_radiation_at_rio_in_may() -> None:
    """25.1 and 19.1 °C, 2.1 kPa, Rs 14.5 of at most 18.8: 11.1 come in, 3.5 go out, 7.6 are left."""
    weather = et.Weather(19.1, 25.1, 2.1, 2.0, 14.5)
    assert et.clear_sky_radiation(25.1, 0.0) == pytest.approx(18.8, abs=0.05)
    net = et.net_radiation(weather, 18.8)
    assert net == pytest.approx(7.6, abs=0.05)
    assert (1.0 - et.ALBEDO) * 14.5 - net == pytest.approx(3.5, abs=0.08)  # of roundings before


def test_example_14_wind_at_two_metres() -> None:
    assert et.wind_at_two_metres(3.2, 10.0) == pytest.approx(2.4, abs=0.05)


def test_example_13_heat_that_the_soil_takes_in_april() -> None:
    # 14.1, 16.1 and 18.8 °C in March, April and May
    flux = et.soil_heat_flux_of_months([14.1, 16.1, 18.8])
    assert flux[1] == pytest.approx(0.33, abs=0.005)
    assert et.soil_heat_flux_of_months([14.1, 16.1])[1] == pytest.approx(0.28, abs=0.005)


def test_example_17_bangkok_in_april_by_month() -> None:
    """13°44' N, 2 m; 34.8 and 25.6 °C, 2.85 kPa, 2 m/s, 8.5 h of sunshine; 29.2 °C in March."""
    latitude, day = 13.0 + 44.0 / 60.0, 105
    assert et.slope_of_vapour_pressure(30.2) == pytest.approx(0.246, abs=0.0005)
    assert et.psychrometric_constant(2.0) == pytest.approx(
        0.0674,
        abs=0.0001,  # printed from the pressure rounded to 101.3
    )
    ra, daylight = et.extraterrestrial_radiation(latitude, day), et.daylight_hours(latitude, day)
    assert ra == pytest.approx(38.06, abs=0.01)
    assert daylight == pytest.approx(12.31, abs=0.01)
    radiation = et.radiation_of_sunshine(8.5, daylight, ra)
    assert radiation == pytest.approx(22.65, abs=0.01)
    assert et.clear_sky_radiation(ra, 2.0) == pytest.approx(28.54, abs=0.01)
    weather = et.Weather(25.6, 34.8, 2.85, 2.0, radiation)
    assert et.net_radiation(weather, et.clear_sky_radiation(ra, 2.0)) == pytest.approx(
        14.33, abs=0.01
    )
    heat = 0.14 * (30.2 - 29.2)
    assert heat == pytest.approx(0.14, abs=0.001)
    assert et.penman_monteith(weather, 2.0, ra, heat) == pytest.approx(5.72, abs=0.01)


def cabinda(**given: Any) -> tuple[np.ndarray, np.ndarray]:
    """Solar radiation and ET0 of the twelve months as a climate computes them."""
    low, high, humidity, wind, sunshine, _, _ = CABINDA.T
    values = {
        "minimum_temperature": low, "maximum_temperature": high, "wind": 1e3 * wind / DAY,
        "sunshine": 3600.0 * sunshine, **(given or {"humidity": humidity / 100.0}),
    }  # fmt: skip
    units = {"minimum_temperature": "degC", "maximum_temperature": "degC", "wind": "m/s",
             "sunshine": "s", "humidity": "1", "vapour_pressure": "Pa"}  # fmt: skip
    described = {key: {"monthly": list(value), "unit": units[key]} for key, value in values.items()}
    climate = Climate.model_validate(
        {"latitude": -5.33, "elevation": "20 m", "rain": "0 mm/month", **described}
    )
    year = Timeline(date(2001, 1, 1), date(2001, 12, 31), "month")
    ra, daylight = climate._sun(year)
    radiation = et.radiation_of_sunshine(sunshine, daylight, ra)
    return radiation, climate.reference_evapotranspiration(values, year) * DAY * 1e3


def test_figure_18_cabinda_month_by_month() -> None:
    """A year of CROPWAT 7. It printed one decimal, took the sun of one day of the month, and made
    vapour pressure of a mean humidity by a harmonic mean, as it seems (found after eq. 19 had
    stayed up to 0.14 mm below); so by that formula to 0.08 mm a day, by eq. 19 to 0.14."""
    low, high, humidity, *_, printed_radiation, printed = CABINDA.T
    radiation, by_eq_19 = cabinda()
    assert radiation == pytest.approx(printed_radiation, abs=0.12)
    assert by_eq_19 == pytest.approx(printed, abs=0.14)
    harmonic = humidity / (
        50.0 / et.saturation_vapour_pressure(low) + 50.0 / et.saturation_vapour_pressure(high)
    )
    assert cabinda(vapour_pressure=1e3 * harmonic)[1] == pytest.approx(printed, abs=0.08)


def test_example_18_uccle_on_6_july() -> None:
    """50°48' N, 100 m; 21.5 and 12.3 °C, 84 and 63 %, 10 km/h at 10 m, 9.25 h of sunshine."""
    latitude, day = 50.8, day_of("1998-07-06")
    assert day == 187
    low, high = et.saturation_vapour_pressure(12.3), et.saturation_vapour_pressure(21.5)
    assert (low + high) / 2.0 == pytest.approx(1.997, abs=0.001)
    actual = (low * 0.84 + high * 0.63) / 2.0
    assert actual == pytest.approx(1.409, abs=0.001)
    wind = et.wind_at_two_metres(10.0 / 3.6, 10.0)
    assert wind == pytest.approx(2.078, abs=0.001)
    ra, daylight = et.extraterrestrial_radiation(latitude, day), et.daylight_hours(latitude, day)
    assert ra == pytest.approx(41.09, abs=0.01)
    assert daylight == pytest.approx(16.1, abs=0.05)
    radiation = et.radiation_of_sunshine(9.25, daylight, ra)
    assert radiation == pytest.approx(22.07, abs=0.01)
    assert et.clear_sky_radiation(ra, 100.0) == pytest.approx(30.90, abs=0.01)
    weather = et.Weather(12.3, 21.5, actual, wind, radiation)
    assert et.net_radiation(weather, et.clear_sky_radiation(ra, 100.0)) == pytest.approx(
        13.28, abs=0.01
    )
    assert et.penman_monteith(weather, 100.0, ra) == pytest.approx(3.88, abs=0.01)


def test_example_20_lyon_in_july_from_temperature_alone() -> None:
    """45°43' N, 200 m; 26.6 and 14.8 °C; everything else by declared substitutes."""
    latitude, day = 45.0 + 43.0 / 60.0, day_of("1998-07-15")
    ra = et.extraterrestrial_radiation(latitude, day)
    assert ra == pytest.approx(40.6, abs=0.05)
    radiation = et.radiation_of_temperature(14.8, 26.6, ra, 0.16)
    assert radiation == pytest.approx(22.29, abs=0.02)
    assert et.clear_sky_radiation(ra, 200.0) == pytest.approx(30.58, abs=0.02)
    actual = et.saturation_vapour_pressure(14.8)
    assert actual == pytest.approx(1.68, abs=0.005)
    weather = et.Weather(14.8, 26.6, actual, 2.0, radiation)
    assert et.net_radiation(weather, et.clear_sky_radiation(ra, 200.0)) == pytest.approx(
        13.48, abs=0.03
    )
    assert et.penman_monteith(weather, 200.0, ra) == pytest.approx(4.56, abs=0.01)
    for wind, share in ((1.0, 0.93), (3.0, 1.06)):  # "7 % lower, 6 % higher"
        other = et.penman_monteith(weather._replace(wind=wind), 200.0, ra)
        assert other / 4.56 == pytest.approx(share, abs=0.01)
    assert et.hargreaves(14.8, 26.6, ra) == pytest.approx(5.0, abs=0.05)


@pytest.fixture(scope="module")
def year() -> pd.DataFrame:
    """A made-up year of days, winter and summer, dry and damp."""
    rng = np.random.default_rng(7)
    days = pd.date_range("2001-01-01", "2001-12-31")
    season = -np.cos(2.0 * np.pi * (days.dayofyear - 15) / 365.0)
    low = 3.0 + 12.0 * season + rng.normal(0.0, 2.0, days.size)
    return pd.DataFrame(
        {
            "low": low,
            "high": low + 12.0 + 3.0 * rng.random(days.size),
            "humidity": 40.0 + 40.0 * rng.random(days.size),
            "wind": 0.5 + 3.0 * rng.random(days.size),
            "radiation": 16.0 + 9.0 * season + rng.normal(0.0, 2.0, days.size),
        },
        index=days,
    )


def weather_of(year: pd.DataFrame) -> tuple[et.Weather, np.ndarray]:
    low, high = year.low.values, year.high.values
    saturated = et.saturation_vapour_pressure(low) + et.saturation_vapour_pressure(high)
    ea = year.humidity.values / 100.0 * saturated / 2.0
    ra = et.extraterrestrial_radiation(43.0, year.index.dayofyear.values)
    return et.Weather(low, high, ea, year.wind.values, year.radiation.values), ra


def test_pyet_finds_the_same_by_day(year: pd.DataFrame) -> None:
    weather, ra = weather_of(year)
    ours = et.penman_monteith(weather, 640.0, ra)
    theirs = pyet.pm_fao56(
        (year.low + year.high) / 2.0, year.wind, rs=year.radiation, tmax=year.high, tmin=year.low,
        ea=pd.Series(weather.vapour_pressure, year.index), elevation=640.0,
        lat=np.deg2rad(43.0),
    )  # fmt: skip
    assert ours.max() > 5.0
    assert np.abs(ours - theirs.values).max() < 1e-6


def test_pyet_finds_the_same_from_temperature(year: pd.DataFrame) -> None:
    _, ra = weather_of(year)
    ours = et.hargreaves(year.low.values, year.high.values, ra)
    mean = (year.low + year.high) / 2.0
    theirs = pyet.hargreaves(mean, year.high, year.low, lat=np.deg2rad(43.0), method=0)
    # pyet divides by the heat of evaporation at the mean temperature, FAO-56 by 1 / 0.408
    ours = ours / et.PER_MJ / pyet.meteo_utils.calc_lambda(mean.values)
    assert np.abs(ours - theirs.values).max() < 1e-6


def test_a_polar_night_has_no_sun_and_a_polar_day_24_hours() -> None:
    assert et.extraterrestrial_radiation(75.0, 1) == pytest.approx(0.0, abs=1e-12)
    assert et.daylight_hours(75.0, 1) == pytest.approx(0.0)
    assert et.daylight_hours(75.0, 172) == pytest.approx(24.0)


def test_evapotranspiration_grows_with_warmth_wind_and_dryness_and_is_never_negative(
    year: pd.DataFrame,
) -> None:
    weather, ra = weather_of(year)
    base = et.penman_monteith(weather, 640.0, ra)
    windy = et.penman_monteith(weather._replace(wind=weather.wind + 1.0), 640.0, ra)
    drier = et.penman_monteith(
        weather._replace(vapour_pressure=weather.vapour_pressure * 0.7), 640.0, ra
    )
    assert np.all(base >= 0.0)
    assert windy.sum() > base.sum()
    assert drier.sum() > base.sum()
    cold = et.Weather(-5.0, 5.0, 0.4, 0.0, 1.9)
    assert et.penman_monteith(cold, 640.0, 2.5) == 0.0
