"""Records and bars → the text of a table; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bars import Bar, difference, ratio, twin
from measure import Record
from slopes import Growth


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side: the first row is the head, columns of numbers stand to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    right = [all(not row[k][:1].isalpha() for row in rows[1:]) for k in range(len(widths))]
    lines = []
    for row in rows:
        cells = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def measured(records: Sequence[Record]) -> str:
    """One line per engine and case: µs of the best turn, the worst turn and the first run.

    `apart` is the largest relative difference to our results.
    """
    head = ("network", "scenarios", "threads", "engine", "µs", "worst", "first", "× ours",
            "supply hm3", "apart")  # fmt: skip
    rows = [head]
    for record in records:
        ours = twin(records, record)
        times = ratio(record, ours)
        apart = "" if ours is None or ours is record else f"{difference(ours, record):.0e}"
        rows.append((
            record.network, str(record.scenarios), str(record.threads), record.engine,
            f"{record.us_per_step_realization:.2f}", f"{record.us_worst_turn:.2f}",
            f"{record.us_first_run:.2f}", "" if math.isnan(times) else f"{times:.1f}",
            f"{record.total_supply:.1f}", apart,
        ))  # fmt: skip
    return table(rows)


def checked(bars: Sequence[Bar]) -> str:
    """One line per bar."""
    rows = [("asked", "found", "met")]
    rows += [(bar.asked, f"{bar.value:.3g}", "yes" if bar.met else "NO") for bar in bars]
    return table(rows)


def grown(growths: Sequence[Growth]) -> str:
    """One line per size: milliseconds of the whole run, µs per step and realization."""
    rows = [("growing", "size", "ms", "µs per step and realization")]
    for growth in growths:
        for size, cost, record in zip(growth.sizes, growth.costs(), growth.records, strict=True):
            rows.append((
                growth.what, str(size), f"{cost * 1e3:.1f}",
                f"{record.us_per_step_realization:.2f}",
            ))  # fmt: skip
    return table(rows)
