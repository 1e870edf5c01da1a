"""Curves that kernels read, level and area over storage or flow: linear between points; kernel."""

from __future__ import annotations

import numpy as np

from watersim.arrays import Floats, Integers, Step
from watersim.jit import kernel

GUIDES = 256  # even parts of a curve's x range


@kernel
def curve(first: int, count: int, guide: int, x: float, s: Step) -> tuple[float, float]:
    """Level and area at x on a curve, linear between its points, held at both ends.

    Parameters
    ----------
    first, count, guide
        where its points stand in `s.curve`, and its row in `s.guide`
    """
    xs = s.curve[0]
    last = first + count - 1
    low = first
    if x >= xs[last]:
        return float(s.curve[1, last]), float(s.curve[2, last])
    if not x > xs[first]:
        return float(s.curve[1, first]), float(s.curve[2, first])
    low = s.guide[guide, int((x - xs[first]) / (xs[last] - xs[first]) * GUIDES)]
    while xs[low + 1] <= x:
        low += 1
    while xs[low] > x:
        low -= 1
    share = (x - xs[low]) / (xs[low + 1] - xs[low])
    level = s.curve[1, low] + share * (s.curve[1, low + 1] - s.curve[1, low])
    area = s.curve[2, low] + share * (s.curve[2, low + 1] - s.curve[2, low])
    return float(level), float(area)


def guides(curve: Floats, starts: list[int]) -> Integers:
    """The rows of `Step.guide` for curves that start at these points.

    Parameters
    ----------
    curve
        x, level, area of all curves, shape (3, points)
    """
    rows = np.zeros((max(1, len(starts)), GUIDES), np.int64)
    ends = [*starts, curve.shape[1]][1:]
    for k, (first, end) in enumerate(zip(starts, ends, strict=True)):
        x = curve[0, first:end]
        even = x[0] + (x[-1] - x[0]) * np.arange(GUIDES) / GUIDES
        rows[k] = first + np.clip(np.searchsorted(x, even, side="right") - 1, 0, x.size - 2)
    return rows
