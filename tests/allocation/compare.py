"""compare: how far two answers to one network are apart."""

from __future__ import annotations

import numpy as np
import rational
from networks import Network

from watersim.allocation.exact import Allocation

NEED, CARRIED = 1e-6, 1e-3  # shares of the stake: a smaller need or carrying is judged in volume


def stake(network: Network) -> float:
    """The largest volume that matters: the largest need, or all the water if that is less."""
    _, b, need, cap = network
    water = float(np.concatenate([b, cap]).max(initial=0.0)) or np.inf
    return min(float(need.max()), water) or 1.0


def apart(network: Network, one: Allocation, other: Allocation, in_volume: bool = False) -> float:
    """The largest difference: of takes over the stake, of covers, of the cost of carrying.

    The accuracy of both methods is one of volume. A cover, or the cost relative to itself, says
    something where what it is a share of is no speck of the stake; `in_volume` looks at neither.
    """
    price, need, whole = network.problem.price, network.need, stake(network)
    volume = np.abs(one.y - other.y)
    judged = need > (1.0 if in_volume else NEED) * whole
    cover = volume[judged] / need[judged]
    dearest = float(price.max(initial=0.0)) * whole
    costs = float(price @ one.z), float(price @ other.z)
    least = (1.0 if in_volume else CARRIED) * dearest
    carrying = abs(costs[0] - costs[1]) / (max(*costs, least) or 1.0)
    return max(float(volume.max()) / whole, float(cover.max(initial=0.0)), carrying)


def by_fractions(network: Network) -> Allocation:
    """What `rational` gives, rounded at the end."""
    y, z = rational.allocate(network)
    none = np.zeros(len(y), dtype=np.int64)
    return Allocation(np.array([float(v) for v in y]), np.array([float(v) for v in z]), none, 0)
