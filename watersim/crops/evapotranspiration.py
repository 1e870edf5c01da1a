"""Weather → reference evapotranspiration, FAO-56 Penman–Monteith and Hargreaves; pure, vectorised.

Everything takes and gives numbers or arrays in the units of the source: °C, kPa, MJ m-2 day-1,
m s-1, mm day-1. Equation numbers are those of Allen, Pereira, Raes, Smith (1998), *Crop
evapotranspiration*, FAO Irrigation and Drainage Paper 56.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Numbers = Any  # a float, or an array of floats

SOLAR_CONSTANT = 0.0820  # MJ m-2 min-1
STEFAN_BOLTZMANN = 4.903e-9  # MJ K-4 m-2 day-1
ALBEDO = 0.23  # of the reference grass
PER_MJ = 0.408  # mm of water that a MJ m-2 evaporates


class Weather(NamedTuple):
    """What the equation needs of a day, or of the mean day of a decade or month."""

    tmin: Numbers  # °C
    tmax: Numbers  # °C
    vapour_pressure: Numbers  # actual, kPa
    wind: Numbers  # at 2 m, m s-1
    radiation: Numbers  # solar, MJ m-2 day-1


def saturation_vapour_pressure(temperature: Numbers) -> Numbers:
    """Saturation vapour pressure e°(T), kPa, of °C (eq. 11)."""
    return 0.6108 * np.exp(17.27 * temperature / (temperature + 237.3))


def slope_of_vapour_pressure(temperature: Numbers) -> Numbers:
    """Slope Δ of the saturation vapour pressure curve, kPa °C-1 (eq. 13)."""
    pressure = saturation_vapour_pressure(temperature)
    return 4098.0 * pressure / ((temperature + 237.3) * (temperature + 237.3))


def psychrometric_constant(elevation: Numbers) -> Numbers:
    """Psychrometric constant γ, kPa °C-1, from the elevation in m (eq. 7 and 8)."""
    return 0.665e-3 * atmospheric_pressure(elevation)


def atmospheric_pressure(elevation: Numbers) -> Numbers:
    """Pressure of the air, kPa, from the elevation in m (eq. 7)."""
    return 101.3 * ((293.0 - 0.0065 * elevation) / 293.0) ** 5.26


def wind_at_two_metres(wind: Numbers, height: Numbers) -> Numbers:
    """Wind speed at 2 m from that at another height in m above grass (eq. 47)."""
    return wind * 4.87 / np.log(67.8 * height - 5.42)


def extraterrestrial_radiation(latitude: Numbers, day: Numbers) -> Numbers:
    """Radiation Ra at the top of the air, MJ m-2 day-1 (eq. 21).

    Parameters
    ----------
    latitude
        degrees north
    day
        day of the year, 1 … 366
    """
    phi, sunset, declination, distance = _sun(latitude, day)
    return (
        24.0 * 60.0 / np.pi * SOLAR_CONSTANT * distance
        * (sunset * np.sin(phi) * np.sin(declination)
           + np.cos(phi) * np.cos(declination) * np.sin(sunset))
    )  # fmt: skip


def daylight_hours(latitude: Numbers, day: Numbers) -> Numbers:
    """Longest possible duration N of sunshine, hours (eq. 34); latitude in degrees north."""
    return 24.0 / np.pi * _sun(latitude, day)[1]


def _sun(latitude: Numbers, day: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Latitude and sunset hour angle, declination (rad), inverse relative distance (eq. 22–25)."""
    phi = np.deg2rad(latitude)
    year = 2.0 * np.pi * np.asarray(day, np.float64) / 365.0
    distance = 1.0 + 0.033 * np.cos(year)
    declination = 0.409 * np.sin(year - 1.39)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1.0, 1.0))
    return phi, sunset, declination, distance


def radiation_of_sunshine(sunshine: Numbers, daylight: Numbers, ra: Numbers) -> Numbers:
    """Solar radiation Rs, MJ m-2 day-1, of hours of sunshine (eq. 35, as = 0.25, bs = 0.50)."""
    return (0.25 + 0.50 * sunshine / daylight) * ra


def radiation_of_temperature(
    tmin: Numbers, tmax: Numbers, ra: Numbers, coefficient: Numbers
) -> Numbers:
    """Solar radiation Rs from the range of temperature (eq. 50, Hargreaves).

    Parameters
    ----------
    coefficient
        0.16 inland, 0.19 at a coast
    """
    return coefficient * np.sqrt(tmax - tmin) * ra


def clear_sky_radiation(ra: Numbers, elevation: Numbers) -> Numbers:
    """Solar radiation Rso of a day without clouds, MJ m-2 day-1 (eq. 37)."""
    return (0.75 + 2.0e-5 * elevation) * ra


def net_radiation(weather: Weather, clear_sky: Numbers) -> Numbers:
    """Net radiation Rn at the grass, MJ m-2 day-1: short wave less long wave (eq. 38–40).

    Rs / Rso is used within 0.3, dense clouds, and 1, a clear sky; as in ASCE-EWRI (2005).
    """
    relative = np.divide(
        weather.radiation, clear_sky, out=np.ones(np.shape(clear_sky)), where=clear_sky > 0.0
    )
    cloudiness = 1.35 * np.clip(relative, 0.3, 1.0) - 0.35
    black_body = STEFAN_BOLTZMANN * (_fourth(weather.tmax) + _fourth(weather.tmin)) / 2.0
    longwave = black_body * (0.34 - 0.14 * np.sqrt(weather.vapour_pressure)) * cloudiness
    return (1.0 - ALBEDO) * weather.radiation - longwave


def _fourth(temperature: Numbers) -> Numbers:
    square = (temperature + 273.16) * (temperature + 273.16)
    return square * square


def soil_heat_flux_of_months(temperature: Numbers) -> Numbers:
    """Soil heat flux G of consecutive months, MJ m-2 day-1 (eq. 43, at both ends eq. 44).

    Parameters
    ----------
    temperature
        mean of each month in order, °C, (n,)
    """
    mean = np.asarray(temperature, np.float64)
    if mean.size < 2:
        return np.zeros(mean.shape)
    flux = np.empty(mean.shape)
    flux[1:-1] = 0.07 * (mean[2:] - mean[:-2])
    flux[0] = 0.14 * (mean[1] - mean[0])
    flux[-1] = 0.14 * (mean[-1] - mean[-2])
    return flux


def penman_monteith(
    weather: Weather,
    elevation: Numbers,
    ra: Numbers,
    soil_heat_flux: Numbers = 0.0,
    temperature: Numbers = None,
) -> Numbers:
    """Reference evapotranspiration ET0, mm day-1 (eq. 6); never below 0.

    Parameters
    ----------
    weather
        of the day, or of the mean day of a decade or month
    elevation
        m
    ra
        extraterrestrial radiation, MJ m-2 day-1
    soil_heat_flux
        MJ m-2 day-1; 0 for days and decades
    temperature
        mean, °C; (tmin + tmax) / 2 if not given
    """
    mean = (weather.tmin + weather.tmax) / 2.0 if temperature is None else temperature
    saturated = (
        saturation_vapour_pressure(weather.tmin) + saturation_vapour_pressure(weather.tmax)
    ) / 2.0
    slope, gamma = slope_of_vapour_pressure(mean), psychrometric_constant(elevation)
    energy = net_radiation(weather, clear_sky_radiation(ra, elevation)) - soil_heat_flux
    air = gamma * 900.0 / (mean + 273.0) * weather.wind * (saturated - weather.vapour_pressure)
    evaporated = (PER_MJ * slope * energy + air) / (slope + gamma * (1.0 + 0.34 * weather.wind))
    return np.maximum(0.0, evaporated)


def hargreaves(tmin: Numbers, tmax: Numbers, ra: Numbers) -> Numbers:
    """Reference evapotranspiration from temperature alone, mm day-1 (eq. 52); never below 0."""
    mean = (tmin + tmax) / 2.0
    return np.maximum(0.0, 0.0023 * (mean + 17.8) * np.sqrt(tmax - tmin) * ra * PER_MJ)
