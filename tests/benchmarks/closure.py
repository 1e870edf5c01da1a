"""The balance of generated basins, closed again from the raw terms: worst residual by family.

``python tests/benchmarks/closure.py [--node-steps 1e7] [--json]``. Every node, reach and canal of
every step is closed with `watersim.closure`. A node-step is one node in one step of one realization;
a fallback is an allocation that `allocation.exact` had to settle.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import generated
from report import table

from watersim.closure import LIMIT, close
from watersim.errors import ClosureError, ModelError
from watersim.simulation import run

AIM = 1e-12
RUNS = {  # realizations and the days of a run, by its step
    "month": (28, "2001-01-01", "2030-12-31"),
    "decade": (28, "2001-01-01", "2008-12-31"),
    "day": (28, "2001-01-01", "2001-12-31"),
}


@dataclass
class Family:
    """What the basins of one family gave; `where` is the worst basin's seed, entity and step."""

    name: str
    basins: int = 0
    steps: int = 0
    node_steps: int = 0
    worst: float = 0.0
    where: str = ""
    fallbacks: int = 0
    unsettled: list[str] = field(default_factory=list)


def closed(node_steps: float, runs: dict[str, tuple[int, str, str]] = RUNS) -> list[Family]:
    """Run basin after basin, family by family in turn, until there are so many node-steps."""
    found = {name: Family(name) for name in generated.FAMILIES}
    for seed, step, name in _turns():
        if sum(family.node_steps for family in found.values()) >= node_steps:
            return list(found.values())
        _add(found[name], seed, step, runs[step])
    raise AssertionError("turns do not end")


def _turns() -> Iterator[tuple[int, str, str]]:
    seed = 0
    while True:
        for step in generated.STEPS:
            for name in generated.FAMILIES:
                yield seed, step, name
        seed += 1


def _add(family: Family, seed: int, step: str, how: tuple[int, str, str]) -> None:
    realizations, first, last = how
    with tempfile.TemporaryDirectory() as folder:
        scenario = generated.scenario(Path(folder), seed, family.name, step, (first, last))
    basin = f"{step} {seed}"
    try:
        ds = run(scenario, realizations, forcing=generated.forcing(scenario, seed, realizations))
    except ClosureError as error:
        family.worst, family.where = float("inf"), f"{basin}: {error}"
        return
    except ModelError:
        family.unsettled.append(basin)
        return
    result = close(ds)
    residual = max(result.residual, result.basin)
    family.basins += 1
    family.fallbacks += int(ds.attrs["exact_fallbacks"])
    family.steps += ds.sizes["time"] * realizations
    family.node_steps += ds.sizes["time"] * realizations * ds.sizes["node"]
    if residual > family.worst:
        family.worst, family.where = residual, f"{basin} {result.entity} {result.time}"


def total(families: Sequence[Family]) -> Family:
    """All families together."""
    last = max(families, key=lambda family: family.worst)
    return Family(
        "all",
        sum(family.basins for family in families),
        sum(family.steps for family in families),
        sum(family.node_steps for family in families),
        last.worst,
        last.where,
        sum(family.fallbacks for family in families),
        [basin for family in families for basin in family.unsettled],
    )


def text(families: Sequence[Family]) -> str:
    """One line per family and one for all; what it says of the limit and the aim."""
    rows = [("family", "basins", "steps", "node-steps", "worst", "fallbacks", "unsettled",
             "seed, entity, step")]  # fmt: skip
    for family in [*families, total(families)]:
        rows.append((
            family.name, str(family.basins), f"{family.steps}", f"{family.node_steps}",
            f"{family.worst:.1e}", str(family.fallbacks), str(len(family.unsettled)), family.where,
        ))  # fmt: skip
    worst = total(families).worst
    limit = "within" if worst <= LIMIT else "ABOVE"
    aim = "met" if worst <= AIM else "NOT met"
    return f"{table(rows)}\n{limit} the limit of {LIMIT:g}; the aim of {AIM:g} is {aim}"


def main() -> int:
    """Run from the command line; 1 where a balance does not close or a basin does not settle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--node-steps", type=float, default=1e7)
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    asked = parser.parse_args()
    began = time.perf_counter()
    families = closed(asked.node_steps)
    if asked.json:
        print(json.dumps([asdict(family) for family in [*families, total(families)]], indent=1))
    else:
        print(text(families))
        print(f"{time.perf_counter() - began:.0f} s")
    whole = total(families)
    return 0 if whole.worst <= LIMIT and not whole.unsettled else 1


if __name__ == "__main__":
    sys.exit(main())
