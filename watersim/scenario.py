"""Scenario files → frozen `Scenario`: basin + scenario + variant; the only reader of input files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from watersim import registry
from watersim.checks import lag_faults, party_faults, priority_faults, use_faults
from watersim.described import Kind, Link, Node
from watersim.document import Description
from watersim.document import Path as KeyPath
from watersim.errors import InputError, Problem
from watersim.faults import explain, is_name, keys, path_within, read_date, unknown_kind
from watersim.fields import Varying, Window
from watersim.forcing import Tables, inside, resolve
from watersim.links.canal import Canal
from watersim.links.reach import Reach
from watersim.network import Network, build
from watersim.sources import Sources, find_root, read_scenario
from watersim.timeline import Timeline
from watersim.units import Dimension

Floats = NDArray[np.float64]
L = TypeVar("L", bound=Link)


@dataclass(frozen=True)
class Scenario:
    """A described basin with what is asked of it: everything that `compile` needs, and no more.

    Attributes
    ----------
    name, variant
        the file's stem and the combined variant (``""`` without one)
    nodes, network, parties
        the frozen descriptions by name
    forcing
        (node or canal, part number or −1, key) → value per step, SI, shape (time,)
    tables
        (node, key) → columns in SI
    title, question
        the scenario's `title` and `description`
    variants
        the names of the variants it has
    notes
        what a reader should know: series that are held or disaggregated
    """

    name: str
    variant: str
    title: str
    question: str
    timeline: Timeline
    parties: Mapping[str, str]
    nodes: Mapping[str, Node]
    network: Network
    forcing: Mapping[tuple[str, int, str], Floats]
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
        """Every node in river order (then sites and plants by name), reach and canal, by name."""
        others = sorted(name for name in self.nodes if name not in self.network.sections)
        for name in (*self.network.sections, *others):
            yield name, self.nodes[name]
        yield from self.network.reaches.items()
        yield from self.network.canals.items()

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
    reader = _Reader(description, sources)
    timeline = reader.timeline()
    parties = reader.parties()
    nodes, reaches, canals = reader.members()
    rivers = reader.rivers()
    reader.stop()
    network, faults = build(nodes, rivers, reaches, canals)
    reader.add(faults)
    reader.add([*party_faults(nodes, parties), *priority_faults(nodes)])
    if network is not None and timeline is not None:
        reader.add([*lag_faults(network, timeline), *use_faults(nodes, network)])
    reader.stop()
    assert network is not None and timeline is not None
    tables, series = Tables(sources.root), _Forcing(reader, timeline)
    everything = {**nodes, **network.reaches, **network.canals}
    read = reader.tables(everything, tables)
    forcing = series.all(everything, tables)
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
        forcing=forcing,
        tables=read,
        initial=reader.initial(),
        notes=tuple(dict.fromkeys(series.notes)),
        variants=(),
        text=text,
        checksums={
            shown: hashlib.sha256(path.read_bytes()).hexdigest() for shown, path in files.items()
        },
        sources=sources,
        description=description,
    )


def description_text(description: Description) -> str:
    """The merged description as JSON text, keys sorted: the same whatever the order in the files."""
    import json

    return json.dumps(description.data, sort_keys=True, ensure_ascii=False, indent=1)


class _Reader:
    """Collects problems while a description becomes typed members."""

    def __init__(self, description: Description, sources: Sources) -> None:
        self.description = description
        self.sources = sources
        self.problems: list[Problem] = []

    def add(self, faults: list[tuple[KeyPath, str]]) -> None:
        self.problems += [self.description.problem(path, message) for path, message in faults]

    def stop(self) -> None:
        """Raise what was found so far, in file order."""
        if self.problems:
            unique = dict.fromkeys(self.problems)
            raise InputError(sorted(unique, key=lambda problem: (problem.file, problem.line)))

    def mapping(self, path: KeyPath) -> dict[str, Any]:
        """The mapping under a top-level key, empty if absent."""
        value = self.description.section(str(path[0]))
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.add([(path, "must be a mapping of names; write `name: {…}` below it")])
            return {}
        return value

    def timeline(self) -> Timeline | None:
        given = self.description.section("time")
        path: KeyPath = ("time",)
        if not isinstance(given, dict):
            self.add(
                [(path, "is required; write {start: 2000-01-01, end: 2013-12-31, step: month}")]
            )
            return None
        wanted = ("start", "end", "step")
        self.add([((*path, key), f"is not a key of time; it has {', '.join(wanted)}")
                  for key in given if key not in wanted])  # fmt: skip
        lacking = [key for key in wanted if key not in given]
        if lacking:
            self.add([(path, f"lacks {', '.join(lacking)}; give start, end (inclusive) and step")])
            return None
        days: dict[str, date] = {}
        for key in ("start", "end"):
            try:
                days[key] = read_date(given[key])
            except ValueError as error:
                self.add([((*path, key), str(error))])
        if given["step"] not in ("day", "decade", "month"):
            self.add([((*path, "step"), f"must be day, decade or month (got {given['step']})")])
        elif len(days) == 2:
            try:
                return Timeline(days["start"], days["end"], given["step"])
            except ValueError as error:
                self.add([(path, str(error))])
        return None

    def parties(self) -> dict[str, str]:
        parties = self.mapping(("parties",))
        for key, name in parties.items():
            if not isinstance(name, str):
                self.add([(("parties", key), f"must be the party's name, a text (got {name})")])
        return {str(key): str(name) for key, name in parties.items()}

    def rivers(self) -> list[str]:
        rivers = self.description.section("rivers")
        if not isinstance(rivers, list) or not all(isinstance(text, str) for text in rivers):
            self.add([(("rivers",), "must be a list of rivers such as `- a > b > c`")])
            return []
        return rivers

    def members(self) -> tuple[dict[str, Node], dict[str, Reach], dict[str, Canal]]:
        nodes: dict[str, Node] = {}
        known = registry.kinds("nodes")
        for name, given in self.mapping(("nodes",)).items():
            path = ("nodes", name)
            if not is_name(name):
                self.add([(path, "must be a name of letters, digits and _ that begins with a "
                           "letter; rename it")])  # fmt: skip
                continue
            if not isinstance(given, dict):
                self.add([(path, "must be a mapping such as {kind: junction}")])
                continue
            kind = given.get("kind")
            if not isinstance(kind, str) or kind not in known:
                where = (*path, "kind") if "kind" in given else path
                self.add([(where, unknown_kind(kind, known))])
                continue
            member = self._member(known[kind], given, path)
            if isinstance(member, Node):
                nodes[name] = member
        reaches = self._links("reaches", Reach)
        canals = self._links("canals", Canal)
        return nodes, reaches, canals

    def _links(self, family: str, kind: type[L]) -> dict[str, L]:
        links: dict[str, L] = {}
        for name, given in self.mapping((family,)).items():
            path = (family, name)
            if family == "canals" and not is_name(name):
                self.add([(path, "must be a name of letters, digits and _")])
            elif not isinstance(given, dict):
                self.add([(path, "must be a mapping such as {loss: 5 %}")])
            else:
                member = self._member(kind, given, path)
                if isinstance(member, kind):
                    links[name] = member
        return links

    def _member(self, kind: type[Kind], given: dict[str, Any], path: KeyPath) -> Kind | None:
        try:
            return kind.model_validate(given)
        except ValidationError as error:
            self.problems += explain(error, kind, path, self.description)
            return None

    def tables(
        self, members: Mapping[str, Kind], tables: Tables
    ) -> dict[tuple[str, str], dict[str, Floats]]:
        read: dict[tuple[str, str], dict[str, Floats]] = {}
        for name, member in members.items():
            path = self.path_of(name, member)
            own: dict[str, dict[str, Floats]] = {}
            broken = False
            for key, (file, columns) in member.tables().items():
                real, shown = self.file((*path, key, "file"), file)
                wanted: dict[str, Dimension] = dict(columns)  # type: ignore[arg-type]
                try:
                    own[key] = tables.table(real, shown, wanted).values
                    read[name, key] = own[key]
                except InputError as error:
                    self.problems += self.named(error, (*path, key, "file"))
                    broken = True
            if not broken:
                self.add([((*path, *keys(key)), message)
                          for key, message in member.problems(own)])  # fmt: skip
        return read

    def named(self, error: InputError, path: KeyPath) -> list[Problem]:
        """The problems of a file; one of the file as a whole stands where the file is named."""
        return [
            problem if problem.line else self.description.problem(
                path, f"{problem.file} {problem.message}")
            for problem in error.problems
        ]  # fmt: skip

    def path_of(self, name: str, member: Kind) -> KeyPath:
        """The key path of a member."""
        if isinstance(member, Node):
            return ("nodes", name)
        return ("canals", name) if isinstance(member, Canal) else ("reaches", name)

    def file(self, path: KeyPath, file: str) -> tuple[Path, str]:
        """The real path of a file named at a key path, relative to the document that names it."""
        return self.sources.beside(self.description.source(path).file, file)

    def initial(self) -> Mapping[str, str] | None:
        given = self.description.section("initial")
        if given is None:
            return None
        if not isinstance(given, dict) or set(given) != {"from", "at"}:
            self.add([(("initial",), "must be {from: RUN.nc, at: 2013-12-31}")])
            self.stop()
        try:
            read_date(given["at"])
        except ValueError as error:
            self.add([(("initial", "at"), str(error))])
            self.stop()
        file = self.description.source(("initial",)).file
        return {"from": str(self.sources.beside(file, str(given["from"]))[0]), "at": given["at"]}


class _Forcing:
    """Resolves every `Varying` of every member on the timeline."""

    def __init__(self, reader: _Reader, timeline: Timeline) -> None:
        self.reader = reader
        self.timeline = timeline
        self.notes: list[str] = []

    def all(
        self, members: Mapping[str, Kind], tables: Tables
    ) -> dict[tuple[str, int, str], Floats]:
        values: dict[tuple[str, int, str], Floats] = {}
        for name, member in members.items():
            groups = {-1: member.forcing(), **dict(enumerate(member.part_forcing()))}
            for part, group in groups.items():
                for key, given in group.items():
                    path = (*self.reader.path_of(name, member), *path_within(member, given))
                    try:
                        values[name, part, key] = self._one(given, path, tables)
                    except ValueError as error:
                        if isinstance(given, Varying) and given.file is not None:
                            self.reader.add([((*path, "file"), f"{given.file}: {error}")])
                        else:
                            self.reader.add([(path, str(error))])
                    except InputError as error:
                        self.reader.problems += self.reader.named(error, (*path, "file"))
        return values

    def _one(self, given: Varying | Window | None, path: KeyPath, tables: Tables) -> Floats:
        if given is None:
            return np.zeros(self.timeline.n)
        if isinstance(given, Window):
            return inside(given, self.timeline)
        series = None
        if given.file is not None:
            real, shown = self.reader.file((*path, "file"), given.file)
            series = tables.series(real, shown, str(given.column), given.missing)
            if given.finer is not None and series.step != self.timeline.step:
                how = "held" if given.finer == "hold" else "disaggregated"
                self.notes.append(
                    f"{'.'.join(map(str, path))}: {series.step} values are {how} within the "
                    f"{self.timeline.step} steps"
                )
        with np.errstate(over="ignore", invalid="ignore"):
            values = resolve(given, self.timeline, series)
        if np.any(np.isinf(values)):
            raise ValueError(
                f"is too large on {self.timeline.starts[int(np.argmax(np.isinf(values)))]}; "
                "correct the number, its unit or the factor"
            )
        if not np.all(np.isfinite(values)):
            step = int(np.argmax(~np.isfinite(values)))
            raise ValueError(
                f"has no value for {self.timeline.starts[step]}; fill the gap or choose another "
                "period"
            )
        if np.any(values < 0.0):
            step = int(np.argmax(values < 0.0))
            raise ValueError(f"must be at least 0 (is negative on {self.timeline.starts[step]})")
        return values
