"""Water: what it weighs, and what energy it gives in falling or takes in being lifted; constants."""

from __future__ import annotations

GRAVITY = 9.81  # m s-2
DENSITY = 1000.0  # kg m-3
JOULE_PER_M3_AND_METRE = DENSITY * GRAVITY
