"""Lakes: where inflow equals evaporation the lake stands still."""

from __future__ import annotations

import pytest
from basins import Basin


# A = 10 (h/20) km2, V = 100 (h/20)^2 hm3. At half depth 5 km2 lose 5 mm/day = 25 000 m3/day: with
# that inflow the lake stays at 25 hm3, and with a little more or less water it comes back towards it
@pytest.mark.parametrize(("first", "sign"), [(25, 0), (36, -1), (16, 1)])
def test_a_lake_tends_to_the_storage_at_which_it_evaporates_its_inflow(
    basin: Basin, first: int, sign: int
) -> None:
    ds = basin.run(
        f"""
        nodes:
          spring: {{kind: catchment, runoff: 25000 m3/day}}
          lake: {{kind: lake, capacity: 100 hm3, initial_storage: {first} hm3,
            levels: {{full_level: 120 m, depth: 20 m, exponent: 2}}, evaporation: 5 mm/day}}
        rivers: [spring > lake]
        """,
        ("2001-01-01", "2001-12-31", "month"),
    )
    storage = ds["storage"].values.ravel()
    if sign == 0:
        assert storage == pytest.approx([25e6] * 12, rel=1e-12)
    change = storage[1:] - storage[:-1]
    assert all((change * sign > 0.0) | (sign == 0))
    assert all((storage - 25e6) * -sign >= 0.0)
