"""Terminal: the river ends, its water leaves the model."""

from __future__ import annotations

from typing import ClassVar, Literal

from watersim.described import Node


class Terminal(Node):
    """A sink at the end of a river: whatever arrives leaves the model as ``sink_flow``.

    Where the water gathers in a lake whose storage matters, use ``kind: lake``.
    """

    kind: Literal["terminal"]

    family: ClassVar[str] = "terminal"
    ends_river: ClassVar[bool] = True
