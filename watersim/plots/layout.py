"""layout: lines of a network → a place for every name; pure.

The schematic runs left to right. Every node stands in a cell of its own, as many columns from the
mouth as the river takes nodes to get there; the longest river is the straight one, tributaries,
sites and plants take the nearest free row.
"""

from __future__ import annotations

import math
from typing import NamedTuple

Point = tuple[float, float]


class Link(NamedTuple):
    """A line of the map: ``river``, ``canal``, ``return``, or ``at`` for what stands at a node."""

    sort: str
    start: str
    end: str
    flow: float = 0.0


def schematic(names: list[str], joined: list[Link]) -> dict[str, Point]:
    """Give every name a cell of its own (column, row); columns grow downstream."""
    down: dict[str, list[str]] = {}
    up: dict[str, list[str]] = {}
    for link in joined:
        if link.sort == "river":
            down.setdefault(link.start, []).append(link.end)
            up.setdefault(link.end, []).append(link.start)
    attached = {link.end: link.start for link in joined if link.sort in ("canal", "at")}
    rivers = [name for name in names if name in down or name in up or name not in attached]
    to_mouth = {name: _longest(name, down) for name in rivers}
    length = {name: _longest(name, up) for name in rivers}
    column = {name: max(to_mouth.values(), default=0) - to_mouth[name] for name in rivers}
    taken: set[tuple[int, int]] = set()
    row: dict[str, int] = {}
    waiting = [
        (name, 0)
        for name in sorted(rivers, key=lambda n: (to_mouth[n], -length[n]))
        if not down.get(name)
    ]
    while waiting:
        name, near = waiting.pop(0)
        stem = [name]
        while fresh := [n for n in up.get(stem[-1], []) if n not in row and n not in stem]:
            stem.append(max(fresh, key=lambda n: length[n]))
        mouth = max((column[n] for n in down.get(name, [])), default=column[name] + 1)
        cells = range(column[stem[-1]], mouth)
        row[name] = _free_row(near, [(c, 0) for c in cells], taken)
        taken |= {(c, row[name]) for c in cells}
        row |= dict.fromkeys(stem, row[name])
        waiting += [
            (other, row[name])
            for member in stem
            for other in up.get(member, [])
            if other not in row and all(other != w for w, _ in waiting)
        ]
    cells_of = {name: (column[name], row[name]) for name in rivers}
    for name in names:
        if name not in cells_of:
            _attach(name, attached, cells_of, taken)
    return {name: (float(c), float(r)) for name, (c, r) in cells_of.items()}


def _longest(name: str, following: dict[str, list[str]]) -> int:
    """Most steps one can go from a name; rivers hold no cycle."""
    level, steps = [name], 0
    while level := sorted({n for one in level for n in following.get(one, [])}):
        steps += 1
    return steps


def _free_row(near: int, cells: list[tuple[int, int]], taken: set[tuple[int, int]]) -> int:
    """Nearest row in which none of the cells (column, 0) is taken; above before below."""
    for distance in range(len(taken) + 2):
        for row in (near + distance, near - distance):
            if not any((c, row) in taken for c, _ in cells):
                return row
    raise AssertionError("more free rows than taken cells")


def _attach(
    name: str,
    attached: dict[str, str],
    cells: dict[str, tuple[int, int]],
    taken: set[tuple[int, int]],
) -> None:
    """Put a site or plant into the nearest free cell of what it stands at, below before above."""
    anchor = cells.get(attached.get(name, ""), (0, 0))
    reach = range(-len(taken) - 1, len(taken) + 2)
    free = [
        (c, r) for c in (-1, 0, 1) for r in reach if (anchor[0] + c, anchor[1] + r) not in taken
    ]
    near = min(free, key=lambda cell: (abs(cell[1]) + 1.1 * abs(cell[0]), cell[1], -cell[0]))
    cells[name] = (anchor[0] + near[0], anchor[1] + near[1])
    taken.add(cells[name])


def beside(
    joined: list[Link], places: dict[str, Point], names: list[str], away: float
) -> dict[str, Point]:
    """Place what has no place of its own (plants, sites behind canals) beside what it stands at."""
    found: dict[str, Point] = {}
    for name in names:
        if name not in places:
            anchor = next((link.start for link in joined if link.end == name), "")
            x, y = places.get(anchor, next(iter(places.values())))
            turn = 0.9 + 1.7 * sum(
                1 for other in found.values() if math.dist(other, (x, y)) < 2 * away
            )
            found[name] = (x + away * math.cos(turn), y + 0.7 * away * math.sin(turn))
    return found
