"""Root-zone and surface-layer balance of one day, and of a step of days: kernels; pure.

Depths are m (or mm throughout) of water over the field. A *depletion* is what the root zone lacks
to field capacity. Equation numbers are those of FAO Irrigation and Drainage Paper 56.

A step of several days is advanced day by day with even weather, so that a run by month does what
a run by day would do. What is given is spread as it was asked for.
"""

from __future__ import annotations

from typing import Any

from watersim.jit import kernel

SIGNIFICANT = 3e-3  # m of rain in a day that wets all ground (FAO-56, p. 149)


@kernel
def stress(depletion: float, total: float, readily: float) -> float:
    """Stress coefficient Ks: 1 while depletion is below RAW, 0 at TAW (eq. 84)."""
    if depletion <= readily:
        return 1.0
    return max(0.0, (total - depletion) / (total - readily))


@kernel
def evaporation_coefficient(
    surface: float, evaporable: float, easily: float, basal: float, largest: float, wet: float
) -> float:
    """Soil evaporation coefficient Ke (eq. 71 and 74).

    Parameters
    ----------
    surface
        depletion De of the surface layer, after rain and irrigation
    evaporable, easily
        total and readily evaporable water, TEW and REW
    basal, largest
        Kcb and Kc max
    wet
        share of the ground that is bare and wetted, few
    """
    reduction = 1.0
    if surface > easily:
        reduction = max(0.0, (evaporable - surface) / (evaporable - easily))
    return max(0.0, min(reduction * (largest - basal), wet * largest))


@kernel
def surface_after(
    surface: float, rain: float, irrigation: float, evaporated: float, wetted: float, wet: float,
    evaporable: float,
) -> float:  # fmt: skip
    """Depletion of the surface layer at the end of a day (eq. 77 to 79, no transpiration)."""
    gains = rain + irrigation / wetted
    percolates = max(0.0, gains - surface)
    lacks = surface - gains + evaporated / wet + percolates
    return min(max(0.0, lacks), evaporable)


@kernel
def root_zone_after(
    depletion: float, water: float, leaves: float, total: float
) -> tuple[float, float]:
    """Depletion at the end of a day and deep percolation (eq. 85 and 88).

    Parameters
    ----------
    water
        effective rain and irrigation that reached the root zone
    leaves
        evapotranspiration of the day
    """
    percolates = max(0.0, water - leaves - depletion)
    lacks = depletion - water + leaves + percolates
    return min(max(0.0, lacks), total), percolates


@kernel
def day(
    depletion: float, surface: float, wetted: float, water: float, rain: float, rise: float,
    et0: float, own: Any, now: Any, growing: bool,
) -> tuple[float, float, float, float, float, float, float]:  # fmt: skip
    """One day of a field.

    ``De(end) = De − P − I/fw + E/few``, ``Dr(end) = Dr − P − I − CR + (Ks Kcb + Ke) ET0 + DP``; with
    a single coefficient Kc stands for Kcb and there is no Ke. All water falls early in the day.

    Parameters
    ----------
    depletion, surface
        of root zone and surface layer, m
    wetted
        share of the ground that was wetted last, fw
    water, rain
        irrigation and effective rain of the day, m
    rise
        capillary rise CR of the day, m, as far as the root zone lacks water
    et0
        reference evapotranspiration of the day, m
    own, now
        records of the field, and of the step: see `watersim.nodes.cropland`
    growing
        whether the day lies in the season of the crop

    Returns
    -------
    depletion, surface, wetted
        at the end of the day
    actual, full
        evapotranspiration, and that without stress, m
    percolated
        from the root zone, m
    risen
        into it, m
    """
    evaporated = 0.0
    after = max(0.0, depletion - water - rain)
    if own.dual == 1:
        if water > 0.0:
            wetted = own.wetted
        elif rain > SIGNIFICANT:
            wetted = 1.0
        wet = min(now.bare, wetted)
        start = max(0.0, surface - rain - water / own.wetted)
        evaporated = et0 * evaporation_coefficient(
            start, own.evaporable, own.easily, now.coefficient, now.largest, wet
        )
        surface = surface_after(surface, rain, water, evaporated, own.wetted, wet, own.evaporable)
    crop = now.coefficient * et0
    leaves = stress(after, own.total, own.readily) * crop + evaporated
    leaves = min(leaves, own.total - after)
    seeps = 0.0
    if growing and after < own.readily:  # of a flooded field
        seeps = min(own.percolation, own.total - after - leaves)
    depletion, percolates = root_zone_after(depletion, water + rain, leaves + seeps, own.total)
    risen = min(rise, depletion)
    depletion -= risen
    return depletion, surface, wetted, leaves, crop + evaporated, percolates + seeps, risen


@kernel
def step(
    depletion: float, surface: float, wetted: float, share: float, rain: float, rise: float,
    et0: float, own: Any, now: Any, days: int,
) -> tuple[float, float, float, float, float, float, float, float]:  # fmt: skip
    """The days of a step, with a share of what is asked for.

    What is asked for follows the field as it would be if all were given. On a day on which it can
    be irrigated, and its depletion is at least `own.start`, it is refilled to `own.target`.

    Returns
    -------
    depletion, surface, wetted
        at the end of the step
    asked
        to refill the root zone; what is scheduled stands beside it
    actual, full
        evapotranspiration, and that without stress
    percolated
        from the root zone
    risen
        into it
    """
    planned, planned_surface, planned_wetted = depletion, surface, wetted
    asked, actual, full, percolated, risen = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(days):
        growing = now.first <= k < now.last
        refill = 0.0
        if growing and (now.day + k) % own.interval == 0.0 and planned >= own.start:
            refill = max(0.0, planned - rain - own.target)
        water = refill + now.scheduled
        planned, planned_surface, planned_wetted, _, without_stress, _, _ = day(
            planned, planned_surface, planned_wetted, water, rain, rise, et0, own, now, growing
        )
        depletion, surface, wetted, left, _, seeped, rose = day(
            depletion, surface, wetted, share * water, rain, rise, et0, own, now, growing
        )
        asked += refill
        full += without_stress
        actual += left
        percolated += seeped
        risen += rose
    return depletion, surface, wetted, asked, actual, full, percolated, risen


@kernel
def effective(rain: float, method: int, fraction: float) -> float:
    """Effective rain of a mean month, mm, of its rain in mm.

    0: a fixed fraction. 1: USDA Soil Conservation Service, ``P (125 − 0.2 P) / 125`` up to 250 mm,
    above ``125 + 0.1 P``. 2: dependable rain of FAO/AGLW, ``0.6 P − 10`` up to 70 mm, above
    ``0.8 P − 24``. Both as in Smith (1992), CROPWAT, FAO Irrigation and Drainage Paper 46.
    """
    if method == 0:
        return rain * fraction
    if method == 1:
        return rain * (125.0 - 0.2 * rain) / 125.0 if rain <= 250.0 else 125.0 + 0.1 * rain
    return max(0.0, 0.6 * rain - 10.0) if rain <= 70.0 else 0.8 * rain - 24.0


def leaching_requirement(of_water: float, of_soil: float) -> float:
    """Share of the irrigation that must percolate to keep salts down: ``ECw / (5 ECe − ECw)``.

    Ayers and Westcot (1985), *Water quality for agriculture*, FAO Irrigation and Drainage Paper 29,
    eq. 9; electrical conductivities of the water and of the soil's extract that the crop tolerates.

    Examples
    --------
    >>> round(leaching_requirement(1.2, 1.7), 3)
    0.164
    """
    return of_water / (5.0 * of_soil - of_water)
