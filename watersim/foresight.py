"""What a long reach must be given now for what is asked below it later: weights of later needs; pure.

A flow that enters a reach over step k arrives over a span of the same length, `lag` later, so the
arrivals of the steps are A = H R with releases R and H[j, k] the share of step j in which the water
of step k arrives. Releases that make A equal to the needs N and change little from step to step

    min_R  |H R − N|² + STEADY |R_k+1 − R_k|²

are linear in N: R = W N. The rows of W sum to 1: a need that is always the same is released as it is.
With STEADY without bound a need would be spread over the whole year, with 0 a lag of half a step would
ring. H H… stands for reaches one behind the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from watersim.network import Network
from watersim.timeline import DAY, Timeline, first_day, ordinal, step_lengths

Floats = NDArray[np.float64]
STEADY = 0.0015  # what a change of the release counts beside a need that is missed
BESIDE = 8  # steps before and after those in which the water arrives that are looked at


def stem(network: Network, head: str) -> list[tuple[str, tuple[float, ...]]]:
    """The nodes below a long reach down to the river's end, and the long travel times to each, s."""
    found: list[tuple[str, tuple[float, ...]]] = []
    at, lags = head, tuple[float, ...]()
    while at in network.down:
        reach = network.reaches[f"{at} > {network.down[at]}"]
        at = network.down[at]
        lags = (*lags, reach.travel_time()) if reach.cuts() else lags
        found.append((at, lags))
    return found


def heads(network: Network) -> Iterator[str]:
    """The nodes above long reaches, in river order."""
    for name, reach in network.reaches.items():
        if reach.cuts():
            yield name.split(" > ")[0]


def steps_ahead(network: Network, timeline: Timeline) -> int:
    """How many steps ahead needs count in any order, 0 where no reach is long."""
    lags = [sum(stem(network, head)[-1][1]) for head in heads(network)]
    if not lags:
        return 0
    return math.ceil(max(lags) / step_lengths(timeline.step)[0]) + 1 + BESIDE


def weights(timeline: Timeline, lags: Sequence[float], ahead: int) -> Floats:
    """What each step's release takes of the needs from BESIDE steps before to `ahead` after it.

    Returns
    -------
    floats
        dims (time, BESIDE + 1 + ahead), rows sum to 1
    """
    return _by_pattern(timeline, ahead, lambda lengths: _weights(lengths, tuple(lags)))


def mean_weights(timeline: Timeline, lag: float, ahead: int) -> Floats:
    """The same for the mean need from the start of a step to the end of what its water can serve."""

    def even(lengths: Floats) -> Floats:
        edges = _edges(lengths)
        until = edges[BESIDE + 1] + lag
        shared = np.minimum(edges[1:], until) - np.maximum(edges[:-1], 0.0)
        return np.asarray(np.maximum(0.0, shared) / until)

    return _by_pattern(timeline, ahead, even)


def _by_pattern(timeline: Timeline, ahead: int, work_out: Callable[[Floats], Floats]) -> Floats:
    """Rows for every step, each worked out once for one succession of lengths."""
    start = int(ordinal(timeline.step, timeline.starts[:1])[0])
    numbers = np.arange(start - BESIDE, start + timeline.n + ahead + 1, dtype=np.int64)
    lengths = np.diff(first_day(timeline.step, numbers)).astype(np.float64) * DAY
    width = BESIDE + 1 + ahead
    windows = np.lib.stride_tricks.sliding_window_view(lengths, width)[: timeline.n]
    patterns, which = np.unique(windows, axis=0, return_inverse=True)
    rows = np.array([work_out(pattern) for pattern in patterns])
    return np.ascontiguousarray(rows[which.ravel()])


def _edges(lengths: Floats) -> Floats:
    """The bounds of steps, s from the start of the step looked at."""
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    return np.asarray(edges - edges[BESIDE])


def _weights(lengths: Floats, lags: tuple[float, ...]) -> Floats:
    edges, n = _edges(lengths), lengths.size
    arrivals = np.eye(n)
    for lag in lags:
        first, last = edges[:-1] + lag, edges[1:] + lag
        shared = np.minimum.outer(edges[1:], last) - np.maximum.outer(edges[:-1], first)
        arrivals = (np.maximum(0.0, shared) / lengths[:, np.newaxis]) @ arrivals
    whole = np.abs(arrivals.sum(axis=1) - 1.0) < 1e-9
    arrivals = arrivals[whole]
    changes = np.diff(np.eye(n), axis=0)
    system = arrivals.T @ arrivals + STEADY * changes.T @ changes
    found = np.zeros(n)
    found[whole] = np.linalg.solve(system, arrivals.T)[BESIDE]
    return np.asarray(found / found.sum())
