"""Checks across members of a scenario: parties, priorities, travel times, loose ends; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watersim.described import Node
from watersim.network import Fault, Network
from watersim.timeline import Timeline
from watersim.units import DAY

LAG_SHARE = 1.0 / 3.0  # of a step, that a reach may hold back within the fill (DESIGN §4.3)


def party_faults(nodes: Mapping[str, Node], parties: Mapping[str, str]) -> Iterator[Fault]:
    """Parties that are not declared, and positions given by half."""
    for name, node in nodes.items():
        if node.party is not None and node.party not in parties:
            known = ", ".join(sorted(parties)) or "none; add `parties`"
            yield (
                ("nodes", name, "party"),
                f"is not a party (got {node.party}); known are {known}",
            )
        if (node.lon is None) != (node.lat is None):
            lacking = "lon" if node.lon is None else "lat"
            yield ("nodes", name), f"lacks {lacking}; give lon and lat, or neither"


def priority_faults(nodes: Mapping[str, Node]) -> Iterator[Fault]:
    """A zone never shares a priority number with a demand or an in-stream claim."""
    served: dict[int, str] = {}
    for name, node in nodes.items():
        for claim in node.claims():
            if claim.priority is not None and claim.sector != "storage":
                served.setdefault(claim.priority, name)
    for name, node in nodes.items():
        zones = [claim for claim in node.claims() if claim.sector == "storage"]
        for k, claim in enumerate(zones):
            if claim.priority in served:
                yield (
                    ("nodes", name, "zones", k, "priority"),
                    f"is shared by zone '{claim.key}' and '{served[claim.priority]}' (got "
                    f"{claim.priority}); give the zone a number of its own",
                )


def lag_faults(network: Network, timeline: Timeline) -> Iterator[Fault]:
    """Reaches whose water is under way for longer than a third of the shortest step."""
    shortest = float(timeline.seconds.min())
    for name, reach in network.reaches.items():
        if reach.lag > LAG_SHARE * shortest:
            yield (
                ("reaches", name, "lag"),
                f"must be at most a third of the step, {LAG_SHARE * shortest / DAY:.2f} days here "
                f"(got {reach.lag / DAY:g} days); longer travel times are not modelled yet: take "
                "a longer step, or leave the lag out",
            )


def use_faults(nodes: Mapping[str, Node], network: Network) -> Iterator[Fault]:
    """Balance groups of one zone only, which would balance nothing."""
    members: dict[str, list[tuple[str, int]]] = {}
    for name in network.sections:
        zones = [claim for claim in nodes[name].claims() if claim.sector == "storage"]
        for k, claim in enumerate(zones):
            if claim.group is not None:
                members.setdefault(claim.group, []).append((name, k))
    for group, zones_of in members.items():
        if len(zones_of) == 1:
            name, k = zones_of[0]
            yield (
                ("nodes", name, "zones", k, "balance_group"),
                f"has no other zone in its group (got {group}); name it in another reservoir too",
            )
