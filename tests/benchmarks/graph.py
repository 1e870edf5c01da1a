"""A job → the nodes and edges of a linear programme per step, as both peers take them.

Standard library only: the peers' environments import it. A step lasts one of the peer's days, so
that its flows per day are our volumes per step. A priority is ten times worth the next; keeping
water is worth least, the upper reservoir a little more than the lower, as with us.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NAME = "s{}"  # a section


@dataclass
class Graph:
    """What to build. Costs are per hm3, negative where water is wanted."""

    inputs: dict[str, list[list[float]]] = field(default_factory=dict)  # (steps, realizations)
    links: dict[str, tuple[float | None, float]] = field(default_factory=dict)  # max flow, cost
    storages: dict[str, tuple[float, float, float]] = field(default_factory=dict)  # max, now, cost
    outputs: dict[str, tuple[list[float] | None, float]] = field(default_factory=dict)  # flow, cost
    edges: list[tuple[str, str]] = field(default_factory=list)
    asked: dict[str, list[str]] = field(default_factory=dict)  # total → the nodes it sums

    def total(self, name: str, node: str) -> None:
        """Let a total count the flow of a node."""
        self.asked.setdefault(name, []).append(node)


def build(job: dict[str, Any]) -> Graph:
    """The graph of a job of `description.job`."""
    network, months = job["network"], job["months"]
    claims = [*network["demands"], *network["gauges"]]
    priorities = sorted({claim["priority"] for claim in claims})
    worth = {p: 10.0 ** (len(priorities) - k) for k, p in enumerate(priorities)}
    graph = Graph()
    _rivers(graph, network, job["keeping_order"])
    for j, section in enumerate(network["inflow_sections"]):
        rows = zip(network["inflow"], zip(*job["factors"], strict=True), strict=True)
        graph.inputs[f"c{section}"] = [[row[j] * by for by in factors] for row, factors in rows]
        graph.edges.append((f"c{section}", NAME.format(section)))
    for k, demand in enumerate(network["demands"]):
        flow = [demand["monthly"][month] for month in months]
        graph.outputs[f"d{k}"] = (flow, -worth[demand["priority"]])
        graph.edges.append((NAME.format(demand["section"]), f"d{k}"))
        graph.total(f"priority {demand['priority']}", f"d{k}")
    for k, canal in enumerate(network["canals"]):
        graph.links[f"w{k}"] = (canal["capacity"], 0.0)
        river = canal["demand"] is None
        target = NAME.format(canal["section"]) if river else f"d{canal['demand']}"
        graph.edges += [(NAME.format(canal["source"]), f"w{k}"), (f"w{k}", target)]
    for gauge in network["gauges"]:  # beside the river: the flow asked for passes here
        section = NAME.format(gauge["section"])
        way = f"{section}_asked"
        graph.links[way] = (gauge["flow"], -worth[gauge["priority"]])
        graph.edges += [(section, way), (way, _below(network, gauge["section"]))]
        graph.total(f"gauges {gauge['priority']}", way)
    return graph


def _rivers(graph: Graph, network: dict[str, Any], keeping_order: list[int]) -> None:
    stores = {reservoir["section"]: reservoir for reservoir in network["reservoirs"]}
    graph.outputs["sea"] = (None, 0.0)
    for section in range(len(network["down"])):
        name = NAME.format(section)
        if section in stores:
            keeping = 2.0 - (1 + keeping_order.index(section)) / len(stores)
            store = stores[section]
            graph.storages[name] = (store["capacity"], store["initial"], -keeping)
        else:
            graph.links[name] = (None, 0.0)
        graph.edges.append((name, _below(network, section)))


def _below(network: dict[str, Any], section: int) -> str:
    below = network["down"][section]
    return NAME.format(below) if below >= 0 else "sea"
