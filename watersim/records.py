"""Record types of the arrays that kernels see; pure."""

from __future__ import annotations

import numpy as np


def record(*names: str) -> np.dtype[np.void]:
    """A record type: names of floats, and of integers where the name ends in ``:i``.

    A record without a field is not a type; ``_`` stands for nothing.
    """
    fields = [(n.removesuffix(":i"), np.int64 if n.endswith(":i") else np.float64) for n in names]
    return np.dtype(fields or [("_", np.float64)])
