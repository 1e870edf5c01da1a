"""Checks across members of a scenario: parties, priorities, heads, dry places, clauses, policies; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from watersim.described import Agreement, Kind, Node, Policy
from watersim.faults import keys
from watersim.network import Fault, Network, suggest
from watersim.timeline import Timeline


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


def priority_faults(nodes: Mapping[str, Node], others: Mapping[str, Kind]) -> Iterator[Fault]:
    """A zone never shares a priority number with a demand or an in-stream claim."""
    served: dict[int, str] = {}
    for name, member in (*nodes.items(), *others.items()):
        for claim in member.claims():
            if claim.priority is not None and claim.sector != "storage":
                who = f"the {claim.key} of '{name}'" if claim.key else f"'{name}'"
                served.setdefault(claim.priority, who)
    for name, node in nodes.items():
        zones = [claim for claim in node.claims() if claim.sector == "storage"]
        for k, claim in enumerate(zones):
            if claim.priority in served:
                yield (
                    ("nodes", name, "zones", k, "priority"),
                    f"is shared by zone '{claim.key}' and {served[claim.priority]} (got "
                    f"{claim.priority}); give the zone a number of its own",
                )


def loss_faults(network: Network) -> Iterator[Fault]:
    """Reaches whose loss is to come back anywhere but at their lower end."""
    for name, reach in network.reaches.items():
        lower = name.split(" > ")[1]
        if reach.returns_to() not in (None, lower):
            yield (
                ("reaches", name, "loss", "to"),
                f"must be the lower end of the reach, '{lower}', or groundwater (got "
                f"{reach.returns_to()}); only a canal's loss can come back elsewhere",
            )


def head_faults(
    nodes: Mapping[str, Node], tables: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Iterator[Fault]:
    """Plants whose tailwater is never below the water above them."""

    def own(name: str) -> dict[str, Mapping[str, Any]]:
        return {key: dict(table) for (of, key), table in tables.items() if of == name}

    for name, node in nodes.items():
        tailwater, at = node.lowest_tailwater(own(name)), str(getattr(node, "at", ""))
        if tailwater is None:
            continue
        levels = nodes[at].curves(own(at)).get("levels")
        if levels is None:
            yield (
                ("nodes", name, "tailwater"),
                f"needs a level above it, which '{at}' has not; give a fixed `head`",
            )
        elif tailwater >= levels[1][-1]:
            yield (
                ("nodes", name, "tailwater"),
                f"must be below the full level of '{at}', {levels[1][-1]:g} m (got {tailwater:g} m); "
                "give the level of the river below the dam",
            )


def energy_faults(nodes: Mapping[str, Node], timeline: Timeline) -> Iterator[Fault]:
    """Tables of the energy asked for in one year that stand for others without a word on it."""
    years = {int(day.astype("datetime64[Y]").astype(int)) + 1970 for day in timeline.starts}
    for name, node in nodes.items():
        asked = getattr(node, "energy_requirement", None)
        if asked is None or asked.year is None:
            continue
        if asked.energy.form in ("constant", "file"):
            yield (
                ("nodes", name, "energy_requirement", "year"),
                f"goes with a table of one year (got {asked.year}); write energy by month or decade",
            )
            continue
        if "factor" in asked.energy.model_fields_set:
            continue
        others = sorted(years - {asked.year})
        if others:
            yield (
                ("nodes", name, "energy_requirement", "energy"),
                f"is that of {asked.year}, and the run has {others[0]} too; write its `factor`, "
                "1 to take it as it is",
            )


def pump_faults(nodes: Mapping[str, Node]) -> Iterator[Fault]:
    """Pumps that two grids feed, so that their energy would be asked for twice."""
    fed: dict[str, str] = {}
    for name, node in nodes.items():
        for k, canal in enumerate(node.feeds()):
            if fed.setdefault(canal, name) != name:
                yield (
                    ("nodes", name, "pumps", k),
                    f"is fed by the grid '{fed[canal]}' already (got {canal}); name it once",
                )


def water_faults(
    nodes: Mapping[str, Node],
    network: Network,
    agreements: Mapping[str, Agreement],
    goes_on: bool,
) -> Iterator[Fault]:
    """Claims and canals at places that no water can ever reach.

    Water comes from what enters a node from outside the model and from what is in store at the
    start; it goes on by rivers, canals, surplus outlets and return flows. How much comes is not
    asked. A run that goes on from another one may have water in every store.
    """
    wet = _reached(nodes, network, goes_on)
    dry = "no catchment, filled reservoir, canal or return flow brings water"
    remedy = "name another node, or write what feeds it"
    for name, canal in network.canals.items():
        if canal.source not in wet:
            message = f"is a node to which {dry} (got {canal.source}), so that '{canal.target}' "
            message += f"gets nothing by this canal; {remedy}"
            yield ("canals", name, "from"), message
    for name, node in nodes.items():
        at = getattr(node, "at", None) or name
        if node.place == "grid":
            places = [getattr(nodes[plant], "at") for plant in node.served_by()]  # noqa: B009
            if places and wet.isdisjoint(places):
                message = f"stand where {dry}; name others, or write what feeds them"
                yield ("nodes", name, "plants"), message
            continue
        if not node.claims() or at in wet or (node.place == "site" and at == name):
            continue  # sites behind canals are lacking their canals, named above
        if at != name:
            yield ("nodes", name, "at"), f"is a node to which {dry} (got {at}); {remedy}"
        elif node.initial():
            message = f"leaves it empty for ever (got 0): {dry} to '{name}'"
            yield (
                ("nodes", name, "initial_storage"),
                f"{message}; give what it holds at first, or write what feeds it",
            )
        else:
            for claim in node.claims():
                message = f"can never be met: {dry} to '{name}'; write what feeds it"
                yield ("nodes", name, claim.key), message
    for name, clause in agreements.items():
        for claim in clause.claims():
            if claim.at in nodes and claim.at not in wet:
                message = f"can never be met: {dry} to '{claim.at}'; write what feeds it"
                yield ("agreements", name), message


def _reached(nodes: Mapping[str, Node], network: Network, goes_on: bool) -> set[str]:
    """The nodes that water can reach, at some time of some run."""
    leads: dict[str, list[str]] = {name: [] for name in nodes}
    for upper, lower in network.down.items():
        leads[upper].append(lower)
    for canal in network.canals.values():
        leads[canal.source].append(canal.target)
        to = canal.returns_to()
        if to is not None and canal.share_lost() * canal.share_back() > 0.0:
            leads[canal.source].append(to)
    for name, node in nodes.items():
        leads[name] += [outlet.target for outlet in node.surplus_outlets()]
        back = node.return_flow_to()
        if back is not None and back[0] > 0.0:
            leads[name].append(back[1])
        if node.place == "site" and getattr(node, "at", None) is not None:
            leads[getattr(node, "at")].append(name)  # noqa: B009  the field of the kind itself
    waiting = [name for name, node in nodes.items() if _has_water(node, goes_on)]
    waiting += [
        str(canal.returns_to())
        for canal in network.canals.values()
        if canal.recession() > 0.0 and (goes_on or canal.in_ground() > 0.0)
    ]
    waiting += [
        name.split(" > ")[1]
        for name, reach in network.reaches.items()
        if (reach.recession() > 0.0 and (goes_on or reach.in_ground() > 0.0))
        or (reach.travel_time() > 0.0 and (goes_on or (reach.initial_flow or 0.0) > 0.0))
    ]
    reached = set(waiting)
    while waiting:
        new = [name for name in leads[waiting.pop()] if name not in reached]
        reached.update(new)
        waiting += new
    return reached


def _has_water(node: Node, goes_on: bool) -> bool:
    """Whether a node has water of its own: something enters from outside, or is there at first."""
    forcing = node.forcing()
    first = {key: value for key, value in node.initial().items() if key not in node.fed_by_rain}
    enters = any(
        report.source == "" and report.target is not None and forcing.get(report.name) is not None
        for report in node.reports
    )
    return enters or any(value > 0.0 for value in first.values()) or (goes_on and bool(first))


def agreement_faults(
    agreements: Mapping[str, Agreement],
    nodes: Mapping[str, Node],
    canals: Collection[str],
    parties: Mapping[str, str],
) -> Iterator[Fault]:
    """Clauses that name what the basin has not, or only sites that never ask for water."""
    owned: dict[str, tuple[str, ...]] = {}
    for name, node in nodes.items():
        if node.place == "site" and node.party is not None:
            owned[node.party] = (*owned.get(node.party, ()), name)
    sites = {name: node for name, node in nodes.items() if node.place == "site"}
    for name, clause in agreements.items():
        if name in nodes or name in canals:
            message = "has the name of a node or canal; give the clause a name of its own"
            yield ("agreements", name), message
        for key, site in clause.references():
            if site not in sites:
                message = f"is not a site (got {site}){suggest(site, sites)}"
                yield ("agreements", name, *keys(key)), message
        for key, node_name, kinds in clause.river_references():
            kind = type(nodes[node_name]).name() if node_name in nodes else ""
            if kind not in kinds:
                fitting = [n for n, node in nodes.items() if type(node).name() in kinds]
                what = " or ".join(kinds)
                what += "" if kinds == ("grid",) else " on the river"
                message = f"is not a {what} (got {node_name})"
                yield (
                    ("agreements", name, *keys(key)),
                    f"{message}{suggest(node_name, fitting)}",
                )
        unknown = False
        for key, party in clause.parties():
            path = ("agreements", name, *keys(key))
            if party not in parties:
                unknown = True
                known = ", ".join(sorted(parties)) or "none; add `parties`"
                yield path, f"is not a party (got {party}); known are {known}"
            elif party not in owned and clause.binds_sites:
                unknown = True
                yield path, f"is a party without a site (got {party}); give it one, or leave it out"
        caps = [] if unknown else clause.caps(owned)
        drawing = [sites[site] for cap in caps for site in cap.sites if site in sites]
        if drawing and not any(node.asks_for_water() for node in drawing):
            named = "sites" in type(clause).model_fields
            whose = "never ask" if named else "has sites that never ask"
            yield (
                ("agreements", name, "sites") if named else ("agreements", name),
                f"{whose} for water (their requirement is 0): nobody draws on the "
                f"{type(clause).name()}; name others, or remove it",
            )


def policy_faults(
    policies: Mapping[str, Policy], nodes: Mapping[str, Node], others: Collection[str]
) -> Iterator[Fault]:
    """Policies of what is no reservoir, that name what is no site, or are called like something else."""
    dams = [name for name, node in nodes.items() if type(node).name() == "reservoir"]
    sites = [name for name, node in nodes.items() if node.place == "site"]
    for name, policy in policies.items():
        if name in nodes or name in others:
            message = "has the name of a node, canal or clause; give the policy a name of its own"
            yield ("policies", name), message
        if policy.at not in dams:
            message = f"is not a reservoir (got {policy.at}){suggest(policy.at, dams)}"
            yield ("policies", name, "at"), message
        else:
            yield from _too_much_to_keep(name, policy, nodes[policy.at])
        for key, site in policy.references():
            if site not in sites:
                message = f"is not a site (got {site}){suggest(site, sites)}"
                yield ("policies", name, *keys(key)), message


def _too_much_to_keep(name: str, policy: Policy, dam: Node) -> Iterator[Fault]:
    """Storages that a policy wants and the reservoir cannot hold."""
    capacity = float(getattr(dam, "capacity"))  # noqa: B009  of the kind itself
    for key, storage in policy.storages():
        if storage > capacity:
            yield (
                ("policies", name, *keys(key)),
                f"must be at most the capacity of '{policy.at}', {capacity / 1e6:g} hm3 "
                f"(got {storage / 1e6:g} hm3); keep less",
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
