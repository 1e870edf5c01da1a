"""Junction: rivers meet, canals leave."""

from __future__ import annotations

from typing import ClassVar, Literal

from watersim.described import Node


class Junction(Node):
    """A point of the river: ``outflow = inflow − diversions``."""

    kind: Literal["junction"]

    family: ClassVar[str] = "junction"
