"""Scenario → its network as text and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watersim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def text(scenario: Scenario) -> str:
    """The rivers from their ends upstream, with what stands at each node."""
    network = scenario.network
    above: dict[str, list[str]] = {}
    for upper in network.sections:
        if upper in network.down:
            above.setdefault(network.down[upper], []).append(upper)
    lines = [scenario.title]
    for end in (name for name in network.sections if name not in network.down):
        lines += _branch(scenario, end, above, "", "")
    for name, node in sorted(scenario.nodes.items()):
        if node.place == "grid":
            lines.append(f"{name}  {_words(scenario, name)}{_claims(scenario, name)}: "
                         f"{', '.join(node.served_by())}")  # fmt: skip
    for name, clause in scenario.agreements.items():
        parties = list(dict.fromkeys(party for _, party in clause.parties()))
        drawing = [site for cap in clause.caps({}) for site in cap.sites]
        between = ", ".join(parties or drawing)
        lines.append(f"{name}  ({type(clause).name()})" + (f": {between}" if between else ""))
    return "\n".join(lines)


def _branch(
    scenario: Scenario, name: str, above: dict[str, list[str]], lead: str, follow: str
) -> list[str]:
    lines = [f"{lead}{name}  {_words(scenario, name)}"]
    hangs = _at(scenario, name)
    uppers = above.get(name, [])
    lines += [f"{follow}{'│' if uppers else ' '}   · {line}" for line in hangs]
    for k, upper in enumerate(uppers):
        last = k == len(uppers) - 1
        lines += _branch(
            scenario, upper, above,
            follow + ("└─ " if last else "├─ "), follow + ("   " if last else "│  "),
        )  # fmt: skip
    return lines


def _words(scenario: Scenario, name: str) -> str:
    node = scenario.nodes[name]
    party = f", {node.party}" if node.party else ""
    return f"({type(node).name()}{party})"


def _at(scenario: Scenario, name: str) -> list[str]:
    """Sites, plants and canals of a river node, in words."""
    lines = []
    for other, node in sorted(scenario.nodes.items()):
        if node.place != "river" and getattr(node, "at", None) == name:
            lines.append(f"{other} {_words(scenario, other)}{_claims(scenario, other)}")
    for canal, link in scenario.network.canals.items():
        if link.source == name:
            target = scenario.nodes[link.target]
            words = _words(scenario, link.target)
            claims = _claims(scenario, link.target) if target.place != "river" else ""
            lines.append(f"canal {canal} → {link.target} {words}{claims}")
    for other, node in sorted(scenario.nodes.items()):
        back = node.return_flow_to()
        if back is not None and back[1] == name:
            lines.append(f"return flow of {other} ({back[0]:.0%})")
    for clause, agreement in scenario.agreements.items():
        lines += [f"{clause} ({type(agreement).name()}), priority {claim.priority}"
                  for claim in agreement.claims() if claim.at == name]  # fmt: skip
    lines += [f"{own} ({type(policy).name()})" + "".join(
                  f", priority {claim.priority}" for claim in policy.claims())
              for own, policy in scenario.policies.items() if policy.at == name]  # fmt: skip
    own = [claim for claim in scenario.nodes[name].claims() if claim.priority]
    lines += [f"{claim.key.replace('_', ' ')}, priority {claim.priority}" for claim in own]
    return lines


def _claims(scenario: Scenario, name: str) -> str:
    priorities = [claim.priority for claim in scenario.nodes[name].claims() if claim.priority]
    return f", priority {priorities[0]}" if priorities else ""


def figure(scenario: Scenario) -> Figure:
    """The network map of the plots, before anything is run: every flow is zero."""
    from watersim.compile import compile
    from watersim.engine import Engine
    from watersim.plots.network import plot
    from watersim.results import label

    compiled = compile(scenario)
    return plot(label(compiled, Engine(compiled).outcome()))
