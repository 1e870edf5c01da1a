"""absent: Scenario → one sentence per member on the processes that are not written; pure.

What a kind may leave out is read from its fields: those with an empty default. Fields that every
node has (party, place) are no processes; nor are those of `NO_PROCESS`. Where either of two fields
says a thing (`EITHER`), neither is absent while the other is there.
"""

from __future__ import annotations

from typing import Any

from watersim.described import Kind, Node
from watersim.scenario import Scenario

NO_PROCESS = ("at", "area", "outlets", "lift", "pump_efficiency", "pumps", "initial_flow")
EITHER = {"outlet_capacity": "outlets", "tailwater": "head", "head": "tailwater"}


def absent(scenario: Scenario) -> list[str]:
    """Say of every node, reach and canal which optional processes its description leaves out.

    Returns
    -------
    list of str
        ``kirov (reservoir) is without precipitation (rain and snow on the lake); seepage (…)``, in
        river order; members that leave nothing out are not named
    """
    sentences = []
    for name, member in scenario.members():
        lacking = list(_lacking(member))
        if lacking:
            said = "; ".join(f"{key} ({meaning})" for key, meaning in lacking)
            sentences.append(f"{name} ({type(member).name()}) is without {said}")
    return sentences


def _lacking(member: Kind) -> list[tuple[str, str]]:
    """Key, as written in YAML, and meaning of every process that is left out."""
    found = []
    for key, field in type(member).model_fields.items():
        if key in Node.model_fields or key in NO_PROCESS or field.is_required():
            continue
        other: Any = getattr(member, EITHER[key]) if key in EITHER else None
        if _empty(field.default) and _empty(getattr(member, key)) and _empty(other):
            found.append((field.alias or key, str(field.description).split(";")[0]))
    return found


def _empty(value: object) -> bool:
    """Whether a default or value says that there is nothing."""
    return value is None or value == [] or (isinstance(value, float) and value == 0.0)
