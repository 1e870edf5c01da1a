"""Nodes and rivers → sections in river order; refuses cycles, orphans and dangling links; pure."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from watersim.described import Node
from watersim.links.canal import Canal
from watersim.links.reach import Reach
from watersim.timeline import Step
from watersim.waterway import Waterway

Path = tuple[str | int, ...]
Fault = tuple[Path, str]


class Network(NamedTuple):
    """The river network. ``sections`` are the river nodes, upstream first, then by name."""

    sections: tuple[str, ...]
    down: Mapping[str, str]
    reaches: Mapping[str, Waterway]  # by "upper > lower", in river order
    canals: Mapping[str, Canal]  # by name, those of a site in order of preference, then by name

    def in_steps(self, step: Step) -> Network:
        """The same in a run of that step: how water is under way depends on it."""
        return self._replace(
            reaches={name: reach.laid_out(step) for name, reach in self.reaches.items()}
        )


def reach_name(upper: str, lower: str) -> str:
    """The name of the reach between two nodes."""
    return f"{upper} > {lower}"


def split_river(text: str) -> list[str]:
    """The node names of ``a > b > c``."""
    return [name.strip() for name in text.split(">")]


def suggest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'kirov'?`` where something similar is known, else what is known."""
    known = list(known)
    near = difflib.get_close_matches(name, known, 1, 0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known are {', '.join(sorted(known)[:12])}" if known else ""


def build(
    nodes: Mapping[str, Node],
    rivers: Sequence[str],
    reaches: Mapping[str, Waterway],
    canals: Mapping[str, Canal],
) -> tuple[Network | None, list[Fault]]:
    """The network, or every fault of it with its key path."""
    faults = list(_references(nodes, canals))
    down, river_faults = _rivers(nodes, rivers)
    faults += river_faults
    for name in reaches:
        upper, _, lower = (part.strip() for part in name.partition(">"))
        if river_faults and upper in nodes and lower in nodes:
            continue  # it may be a reach of the rivers as they are meant
        if down.get(upper) != lower:
            known = [reach_name(*pair) for pair in down.items()]
            faults.append(
                (("reaches", name), f"is not a reach of the rivers{suggest(name, known)}")
            )
    if faults:
        return None, faults
    faults = list(_places(nodes, down, canals))
    outlets = {
        name: [outlet.target for outlet in node.surplus_outlets()] for name, node in nodes.items()
    }
    order, circle = _order([n for n in nodes if nodes[n].place == "river"], down, outlets)
    if circle:
        faults.append(_circle_fault(circle, nodes, down))
    if faults:
        return None, faults
    return Network(order, down, _in_order(order, down, reaches), _by_preference(canals)), []


def _in_order(
    order: Sequence[str], down: Mapping[str, str], reaches: Mapping[str, Waterway]
) -> dict[str, Waterway]:
    normal = {reach_name(*split_river(name)): reach for name, reach in reaches.items()}
    names = [reach_name(upper, down[upper]) for upper in order if upper in down]
    return {name: normal.get(name) or Reach() for name in names}


def _by_preference(canals: Mapping[str, Canal]) -> dict[str, Canal]:
    return dict(sorted(canals.items(), key=lambda item: (item[1].preference, item[0])))


def _references(nodes: Mapping[str, Node], canals: Mapping[str, Canal]) -> Iterator[Fault]:
    river = [name for name, node in nodes.items() if node.place == "river"]
    sites = [name for name, node in nodes.items() if node.place == "site"]
    plants = [name for name, node in nodes.items() if node.place == "plant"]
    pumped = [name for name, canal in canals.items() if canal.lift is not None]
    for family, members in (("nodes", nodes), ("canals", canals)):
        for name, member in members.items():
            for key, target in member.references():
                path: Path = (family, name, *_keys(key))
                known, what = river, "a river node"
                if family == "canals" and key == "to":
                    known, what = river + sites, "a river node or site"
                elif isinstance(member, Node) and member.place == "grid":
                    known, what = plants, "a plant"
                    if key.startswith("pumps"):
                        known, what = pumped, "a pumped canal"
                        if target in canals and target not in pumped:
                            message = f"is a canal without a lift (got {target})"
                            yield path, f"{message}; give it one, or leave it out here"
                            continue
                if target not in known:
                    yield path, f"is not {what} (got {target}){suggest(target, known)}"
    for name in canals:
        if name in nodes:
            yield ("canals", name), "has the name of a node; give the canal a name of its own"


def _keys(key: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in key.split(".")]


def _rivers(nodes: Mapping[str, Node], rivers: Sequence[str]) -> tuple[dict[str, str], list[Fault]]:
    down: dict[str, str] = {}
    faults: list[Fault] = []
    for k, text in enumerate(rivers):
        names = split_river(text)
        path: Path = ("rivers", k)
        if len(names) < 2 or not all(names):
            faults.append((path, f"must be names with > between them (got {text})"))
            continue
        for name in names:
            if name not in nodes:
                faults.append((path, f"names '{name}', which is not a node{suggest(name, nodes)}"))
            elif nodes[name].place != "river":
                kind = type(nodes[name]).name()
                faults.append((path, f"names '{name}', which is no river node but {kind}; "
                               "sites and plants stand `at` a node"))  # fmt: skip
        for upper, lower in pairwise(names):
            if upper == lower:
                faults.append((path, f"lets '{upper}' flow to itself; write its name once"))
                continue
            if down.get(upper, lower) != lower:
                faults.append((path, f"lets '{upper}' flow to '{lower}' and to '{down[upper]}'; a "
                               "river node has one way down, make the other a canal"))  # fmt: skip
            down.setdefault(upper, lower)
    return down, faults


def _places(
    nodes: Mapping[str, Node], down: Mapping[str, str], canals: Mapping[str, Canal]
) -> Iterator[Fault]:
    stands_in = set(down) | set(down.values())
    for name, node in nodes.items():
        path: Path = ("nodes", name)
        if node.place == "river" and name not in stands_in:
            yield path, "stands in no river; add it to `rivers`"
        elif node.place == "river" and node.ends_river and name in down:
            yield path, f"is a {type(node).name()} but the river goes on to '{down[name]}'; end it"
        elif node.place == "river" and not node.ends_river and name not in down:
            yield path, "is where a river ends; end it in a node of kind terminal or lake"
        elif node.place == "site":
            yield from _gates(name, node, canals)
        at = getattr(node, "at", None)
        if node.place != "river" and at is not None and nodes[at].ends_river:
            yield (*path, "at"), f"stands at '{at}', where a river ends; name a node above it"
        if node.has_outlet_limit() and node.surplus_outlets():
            first = getattr(node, "outlets")[0].to  # noqa: B009  the field of the kind itself
            if first != down.get(name):
                yield (
                    (*path, "outlets", 0, "to"),
                    (f"must be the next node down the river, '{down.get(name)}' (got {first})"),
                )
    for name, canal in canals.items():
        if nodes[canal.source].ends_river:
            yield ("canals", name, "from"), f"takes from '{canal.source}', where a river ends"
        if canal.source == canal.target:
            yield ("canals", name, "to"), f"leads back to where it comes from ('{canal.source}')"


def _gates(name: str, node: Node, canals: Mapping[str, Canal]) -> Iterator[Fault]:
    behind = [canal for canal, link in canals.items() if link.target == name]
    at = getattr(node, "at", None)
    if at is None and not behind:
        yield ("nodes", name), "has no water: write `at: NODE`, or a canal with `to: " + name + "`"
    elif at is not None and behind:
        yield (
            ("nodes", name, "at"),
            f"does not go with a canal to it (canal {behind[0]}); keep one of the two",
        )


def _order(
    names: Sequence[str], down: Mapping[str, str], outlets: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], list[str]]:
    """Topological order, ties by name; or no order, and the names of one circle."""
    after = {name: {*([down[name]] if name in down else []), *outlets[name]} for name in names}
    waiting = dict.fromkeys(names, 0)
    for targets in after.values():
        for target in targets:
            waiting[target] += 1
    ready = sorted(name for name, count in waiting.items() if count == 0)
    heapq.heapify(ready)
    order = []
    while ready:
        name = heapq.heappop(ready)
        order.append(name)
        for target in after[name]:
            waiting[target] -= 1
            if waiting[target] == 0:
                heapq.heappush(ready, target)
    if len(order) == len(names):
        return tuple(order), []
    left = set(names) - set(order)
    while ends := {name for name in left if not after[name] & left}:  # below a circle, not in it
        left -= ends
    walk = [min(left)]
    while (step := min(after[walk[-1]] & left)) not in walk:
        walk.append(step)
    return (), walk[walk.index(step) :]


def _circle_fault(
    circle: Sequence[str], nodes: Mapping[str, Node], down: Mapping[str, str]
) -> Fault:
    """The sentence on a circle, at the outlet that closes it if the rivers alone do not."""
    round_trip = " > ".join([*circle, circle[0]])
    for upper, lower in pairwise([*circle, circle[0]]):
        if down.get(upper) != lower:
            keys = [_keys(key) for key, target in nodes[upper].references() if target == lower]
            path: Path = ("nodes", upper, *keys[0])
            return path, f"leads in a circle: {round_trip}; name a node that is not above it"
    return ("rivers",), f"run in a circle: {round_trip}; a river cannot reach itself"
