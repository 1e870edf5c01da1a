"""Scenario files → frozen `Scenario`: basin + scenario + variant; the only reader of input files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from watersim.checks import (
    agreement_faults,
    energy_faults,
    head_faults,
    loss_faults,
    party_faults,
    policy_faults,
    priority_faults,
    pump_faults,
    use_faults,
    water_faults,
)
from watersim.described import Agreement, Kind, Link, Node, Policy
from watersim.document import Description, unlike_a_file
from watersim.errors import InputError, Problem
from watersim.forcing import Tables
from watersim.foresight import steps_ahead
from watersim.network import Network, build
from watersim.number import shown
from watersim.reader import ForcingReader, Reader
from watersim.sources import Sources, find_root, read_scenario
from watersim.timeline import Timeline

Floats = NDArray[np.float64]
L = TypeVar("L", bound=Link)


@dataclass(frozen=True)
class Scenario:
    """A described basin with what is asked of it: everything that `compile` needs, and no more.

    Attributes
    ----------
    name, variant
        the file's stem and the combined variant (``""`` without one)
    nodes, network, parties, agreements, policies
        the frozen descriptions by name
    forcing
        (member, part number or −1, key) → value per step, SI, shape (time,)
    beyond
        (member, key) → the values of steps before the run and after it, NaN where unknown, of what
        claims will ask for; only where a reach is so long that they are asked ahead
    tables
        (node, key) → columns in SI
    title, question
        the scenario's `title` and `description`
    variants
        the names of the variants it has
    notes
        what a reader should know: series that are held or disaggregated, rules that are slow
    """

    name: str
    variant: str
    title: str
    question: str
    timeline: Timeline
    parties: Mapping[str, str]
    nodes: Mapping[str, Node]
    network: Network
    agreements: Mapping[str, Agreement]
    policies: Mapping[str, Policy]
    forcing: Mapping[tuple[str, int, str], Floats]
    beyond: Mapping[tuple[str, str], tuple[Floats, Floats]]
    tables: Mapping[tuple[str, str], Mapping[str, Floats]]
    initial: Mapping[str, str] | None
    notes: tuple[str, ...]
    variants: tuple[str, ...]
    text: str
    checksums: Mapping[str, str]
    sources: Sources = field(repr=False, compare=False)
    description: Description = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        """``baseline`` or ``baseline.dry``: the name of its result file without suffix."""
        return f"{self.name}.{self.variant}" if self.variant else self.name

    def members(self) -> Iterator[tuple[str, Kind]]:
        """Every node in river order, then site, plant, reach, canal, clause and policy by name."""
        others = sorted(name for name in self.nodes if name not in self.network.sections)
        for name in (*self.network.sections, *others):
            yield name, self.nodes[name]
        yield from self.network.reaches.items()
        yield from self.network.canals.items()
        yield from self.agreements.items()
        yield from self.policies.items()

    def with_(self, changes: Mapping[str, Any]) -> Scenario:
        """The scenario with some values changed: ``{'nodes.kirov.capacity': '600 hm3'}``.

        Raises
        ------
        InputError
            if a path does not exist, or a value does not fit.
        """
        description = self.description.copy()
        given = Description(dict(changes), {})
        problems = [
            given.problem((path, *inner), message)
            for path, value in changes.items()
            for inner, message in unlike_a_file(value)
        ] or [
            problem
            for path, value in changes.items()
            for problem in description.change(path, value, given, (path,))
        ]
        if problems:
            raise InputError(problems)
        changed = build_scenario(self.sources, description)
        return replace(changed, variant=self.variant, variants=self.variants)


def load(path: str | Path, variant: str | None = None) -> Scenario:
    """Read a scenario file, with a variant or several joined by ``+``.

    Parameters
    ----------
    path
        the scenario file
    variant
        name of a variant; ``a+b`` applies a, then b

    Raises
    ------
    InputError
        with every problem found, each with file, line, key and remedy.
    """
    path = Path(path)
    sources, description, variants = read_scenario(path, find_root(path))
    problems: list[Problem] = []
    for name in (variant or "").split("+") if variant else []:
        if name not in variants.data:
            known = ", ".join(sorted(variants.data)) or "none"
            raise InputError(
                Problem(f"has no variant '{name}'; its variants are {known}", sources.shown)
            )
        for key, value in variants.data[name].items():
            problems += description.change(str(key), value, variants, (name, key))
    if problems:
        raise InputError(problems)
    return replace(
        build_scenario(sources, description),
        variant=variant or "",
        variants=tuple(sorted(variants.data)),
    )


def build_scenario(sources: Sources, description: Description) -> Scenario:
    """Validate a merged description and read its tables."""
    reader = Reader(description, sources)
    for key in ("title", "description"):
        said = description.section(key)
        if said is not None and not isinstance(said, str):
            reader.add([((key,), f"must be text (got {shown(said)}); quote it")])
    timeline = reader.timeline()
    parties = reader.parties()
    nodes, reaches, canals = reader.members()
    agreements = reader.agreements()
    policies = reader.policies()
    rivers = reader.rivers()
    reader.stop()
    network, faults = build(nodes, rivers, reaches, canals)
    reader.add(faults)
    reader.add([*party_faults(nodes, parties)])
    reader.add([*priority_faults(nodes, {**agreements, **policies})])
    reader.add([*agreement_faults(agreements, nodes, canals, parties)])
    reader.add([*policy_faults(policies, nodes, {*canals, *agreements})])
    if network is not None and timeline is not None:
        reader.add([*loss_faults(network), *pump_faults(nodes)])
        reader.add([*energy_faults(nodes, timeline)])
        reader.add([*use_faults(nodes, network)])
    if network is not None:
        goes_on = description.section("initial") is not None
        reader.add([*water_faults(nodes, network, agreements, goes_on)])
    reader.stop()
    assert network is not None and timeline is not None
    network = network.in_steps(timeline.step)
    tables, series = Tables(sources.root), ForcingReader(reader, timeline)
    everything = {**nodes, **network.reaches, **network.canals, **agreements, **policies}
    read = reader.tables(everything, tables)
    forcing = series.all(everything, tables)
    reader.stop()
    reader.add([*head_faults(nodes, read)])
    ahead = steps_ahead(network, timeline)
    beyond = series.beyond({**nodes, **agreements}, tables, ahead) if ahead else {}
    reader.stop()
    text = description_text(description)
    files = {**sources.files, **tables.files}
    return Scenario(
        name=sources.name,
        variant="",
        title=str(description.data.get("title") or sources.name),
        question=str(description.data.get("description") or ""),
        timeline=timeline,
        parties=parties,
        nodes=nodes,
        network=network,
        agreements=agreements,
        policies=policies,
        forcing=forcing,
        beyond=beyond,
        tables=read,
        initial=reader.initial(),
        notes=tuple(dict.fromkeys([*series.notes, *_slow(policies)])),
        variants=(),
        text=text,
        checksums={
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
        },
        sources=sources,
        description=description,
    )


def _slow(policies: Mapping[str, Policy]) -> Iterator[str]:
    for name, policy in policies.items():
        if policy.function_name():
            yield (f"policies.{name}: {policy.function_name()}() is called before every step, which "
                   "takes far longer than the step itself")  # fmt: skip


def description_text(description: Description) -> str:
    """The merged description as JSON text, keys sorted: the same whatever the order in the files."""
    import json

    return json.dumps(description.data, sort_keys=True, ensure_ascii=False, indent=1)
