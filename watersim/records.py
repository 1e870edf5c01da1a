"""Record types of the arrays that kernels see; pure.

A field is one number of a member, or one for each *lane*: the engine advances several realizations
side by side, and what differs between them is a short row of numbers that one instruction moves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def record(*names: str, lanes: int = 0) -> np.dtype[np.void]:
    """A record type: names of floats, of integers where the name ends in ``:i``.

    Names that end in ``[]`` differ between realizations: they hold `lanes` numbers, or are left
    out if `lanes` is 0. A record without a field is not a type; ``_`` stands for nothing.
    """
    fields: list[Any] = []
    for name in names:
        own = name.removesuffix("[]")
        number = np.int64 if own.endswith(":i") else np.float64
        shape = (lanes,) if own != name else ()
        if own == name or lanes:
            fields.append((own.removesuffix(":i"), number, shape))
    return np.dtype(fields or [("_", np.float64)])


def in_lanes(plain: np.dtype[np.void], lanes: int) -> np.dtype[np.void]:
    """The same record with every field in lanes."""
    return np.dtype([(name, plain[name], (lanes,)) for name in plain.names or ()])


def spread(fixed: NDArray[Any], whole: np.dtype[np.void]) -> NDArray[Any]:
    """Records of a wider type: what `fixed` has, zeros elsewhere."""
    values = np.zeros(fixed.shape, whole)
    for name in fixed.dtype.names or ():
        if name != "_":
            values[name] = fixed[name]
    return values
