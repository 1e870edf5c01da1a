"""Merged description → typed members, tables and forcing, with every problem collected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from watersim import registry
from watersim.dated import Ahead, Beginning, Dated, along
from watersim.definitions import Definitions
from watersim.described import Agreement, Course, Kind, Link, Node, Policy
from watersim.document import Description
from watersim.document import Path as KeyPath
from watersim.errors import InputError, Problem
from watersim.faults import explain, is_name, keys, path_within, read_date, singular, unknown_kind
from watersim.fields import Computed, Derived, Opening, Rolling, Varying, Window
from watersim.forcing import Tables, ahead, begins, inside, resolve
from watersim.foresight import BESIDE
from watersim.links.canal import Canal
from watersim.sources import Sources
from watersim.table import RowFault, Table
from watersim.timeline import Timeline, opens, steps_back
from watersim.units import LARGEST, Dimension
from watersim.waterway import Waterway

Floats = NDArray[np.float64]
L = TypeVar("L", bound=Link)
K = TypeVar("K", bound=Kind)


class Reader:
    """Collects problems while a description becomes typed members."""

    def __init__(self, description: Description, sources: Sources) -> None:
        self.description = description
        self.sources = sources
        self.problems: list[Problem] = []
        self.definitions = Definitions(description)
        self.problems += self.definitions.problems

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

    def members(self) -> tuple[dict[str, Node], dict[str, Waterway], dict[str, Canal]]:
        nodes = self._kinds("nodes", Node, "{kind: junction}")
        reaches = self._links("reaches", Waterway)  # type: ignore[type-abstract]
        canals = self._links("canals", Canal)
        return nodes, reaches, canals

    def agreements(self) -> dict[str, Agreement]:
        """The clauses by name, in the order of their names."""
        found = self._kinds("agreements", Agreement, "{kind: quota, sites: […], …}")
        return dict(sorted(found.items()))

    def policies(self) -> dict[str, Policy]:
        """The operating policies by name, in the order of their names."""
        found = self._kinds("policies", Policy, "{kind: rule_curve, at: dam, …}")
        return dict(sorted(found.items()))

    def _kinds(self, family: registry.Family, base: type[K], example: str) -> dict[str, K]:
        """The members of a family whose kind is written in the file."""
        members: dict[str, K] = {}
        known = registry.kinds(family)
        for name, given in self.mapping((family,)).items():
            path = (family, name)
            if not is_name(name):
                self.add([(path, "must be a name of letters, digits and _ that begins with a "
                           "letter; rename it")])  # fmt: skip
                continue
            if not isinstance(given, dict):
                self.add([(path, f"must be a mapping such as {example}")])
                continue
            kind = given.get("kind")
            if not isinstance(kind, str) or kind not in known:
                where = (*path, "kind") if "kind" in given else path
                self.add([(where, unknown_kind(kind, known, singular(family)))])
                continue
            whole = self.definitions.filled_in(known[kind], given, path)
            self.problems += self.definitions.problems
            member = None if whole is None else self._member(known[kind], whole, path)
            if isinstance(member, base):
                members[name] = member
        return members

    def _links(self, family: str, base: type[L]) -> dict[str, L]:
        """The members of a family that is named after its first kind, which need not be written."""
        links: dict[str, L] = {}
        known = {name: k for name, k in registry.kinds("links").items() if issubclass(k, base)}
        plain = next(name for name in known if family.startswith(name))
        for name, given in self.mapping((family,)).items():
            path = (family, name)
            if family == "canals" and not is_name(name):
                self.add([(path, "must be a name of letters, digits and _")])
            elif not isinstance(given, dict):
                self.add([(path, "must be a mapping such as {loss: 5 %}")])
            elif (kind := given.get("kind", plain)) not in known:
                self.add([((*path, "kind"), unknown_kind(kind, known, plain))])
            else:
                member = self._member(known[kind], given, path)
                if isinstance(member, base):
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
            own: dict[str, Table] = {}
            broken = False
            for key, (file, columns) in member.tables().items():
                real, shown = self.file((*path, key, "file"), file)
                wanted: dict[str, Dimension] = dict(columns)  # type: ignore[arg-type]
                try:
                    own[key] = tables.table(real, shown, wanted)
                    read[name, key] = own[key].values
                except InputError as error:
                    self.problems += self.named(error, (*path, key, "file"))
                    broken = True
            if not broken:
                for key, message in member.problems({k: table.values for k, table in own.items()}):
                    if isinstance(message, RowFault):
                        self.problems.append(own[key].problem(message))
                    else:
                        self.add([((*path, *keys(key)), message)])
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
        if isinstance(member, Agreement):
            return ("agreements", name)
        if isinstance(member, Policy):
            return ("policies", name)
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


class ForcingReader:
    """Resolves every `Varying` of every member on the timeline."""

    def __init__(self, reader: Reader, timeline: Timeline) -> None:
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
                    if isinstance(given, Derived):
                        found = self._derived(name, member, given, tables)
                    else:
                        found = self._checked(name, member, given, tables)
                    if found is not None:
                        values[name, part, key] = found
        return values

    def _derived(self, name: str, member: Kind, given: Derived, tables: Tables) -> Floats | None:
        """What is computed from other values; None if one of them cannot be had."""
        inputs = {key: value for key, value in given.inputs.items() if value is not None}
        found = {key: self._checked(name, member, v, tables) for key, v in inputs.items()}
        known = {key: value for key, value in found.items() if value is not None}
        if len(known) < len(inputs):
            return None
        try:
            before, after = 0, 0
            if given.neighbours:
                before = self._reach(name, member, inputs, tables, known, -1)
                after = self._reach(name, member, inputs, tables, known, 1)
            values = given.compute(known, self.timeline.extended(before, after))
        except ValueError as error:
            self.reader.add([((*self.reader.path_of(name, member), *given.at), str(error))])
            return None
        return values[before : values.size - after]

    def _reach(
        self,
        name: str,
        member: Kind,
        inputs: Mapping[str, Varying],
        tables: Tables,
        known: dict[str, Floats],
        side: Literal[-1, 1],
    ) -> int:
        """Lengthen known values by the step before (−1) or after (1); 0 where an input has none."""
        beside = self.timeline.beside(side)
        found = {}
        for key, given in inputs.items():
            path = (*self.reader.path_of(name, member), *path_within(member, given))
            try:
                found[key] = self._one(given, path, tables, beside)
            except (ValueError, InputError):
                return 0
        for key, value in found.items():
            known[key] = np.concatenate([value, known[key]] if side < 0 else [known[key], value])
        return 1

    def _checked(
        self,
        name: str,
        member: Kind,
        given: Course,
        tables: Tables,
    ) -> Floats | None:
        """The value of every step; None, and a problem noted, if it cannot be had."""
        path = (*self.reader.path_of(name, member), *path_within(member, given))
        try:
            return self._one(given, path, tables)
        except ValueError as error:
            if isinstance(given, Varying) and given.file is not None:
                self.reader.add([((*path, "file"), f"{given.file}: {error}")])
            else:
                self.reader.add([(path, str(error))])
        except InputError as error:
            self.reader.problems += self.reader.named(error, (*path, "file"))
        return None

    def beyond(
        self, members: Mapping[str, Kind], tables: Tables, steps_ahead: int
    ) -> dict[tuple[str, str], tuple[Floats, Floats]]:
        """What claims ask for in the steps before and after the run, NaN where nothing says it."""
        values: dict[tuple[str, str], tuple[Floats, Floats]] = {}
        for name, member in members.items():
            for key in {claim.ahead for claim in member.claims()} - {""}:
                given = member.forcing()[key]
                path = (*self.reader.path_of(name, member), *path_within(member, given))
                values[name, key] = tuple(  # type: ignore[assignment]
                    np.array([self._at(given, path, tables, k) for k in steps])
                    for steps in (
                        range(-BESIDE, 0), range(self.timeline.n, self.timeline.n + steps_ahead)
                    )
                )  # fmt: skip
        return values

    def _at(self, given: Course, path: KeyPath, tables: Tables, step: int) -> float:
        """The value of one step counted from the first of the run, NaN where nothing says it."""
        try:
            return float(self._one(given, path, tables, self.timeline.at(step))[0])
        except (ValueError, InputError):
            return float("nan")

    def _one(
        self,
        given: Course,
        path: KeyPath,
        tables: Tables,
        timeline: Timeline | None = None,
    ) -> Floats:
        timeline = timeline or self.timeline
        if given is None:
            return np.zeros(timeline.n)
        if isinstance(given, Window):
            return inside(given, timeline)
        if isinstance(given, Opening):
            return opens(given.per, timeline)
        if isinstance(given, Rolling):
            return steps_back(given.seconds, timeline)
        if isinstance(given, Computed):
            return given.of(timeline)
        if isinstance(given, Derived):
            raise ValueError("is computed from other values")
        if isinstance(given, Dated):
            return along(given, timeline)
        if isinstance(given, Ahead):
            return ahead(given, timeline)
        if isinstance(given, Beginning):
            return begins(given, timeline)
        series = None
        if given.file is not None:
            real, shown = self.reader.file((*path, "file"), given.file)
            series = tables.series(real, shown, str(given.column), given.missing)
            if given.finer is not None and series.step != timeline.step:
                how = "held" if given.finer == "hold" else "disaggregated"
                self.notes.append(
                    f"{'.'.join(map(str, path))}: {series.step} values are {how} within the "
                    f"{timeline.step} steps"
                )
        with np.errstate(over="ignore", invalid="ignore"):
            values = resolve(given, timeline, series)
        large = np.abs(values) > LARGEST
        if np.any(large):
            raise ValueError(
                f"is too large on {timeline.starts[int(np.argmax(large))]}; correct the number, "
                "its unit or the factor"
            )
        if not np.all(np.isfinite(values)):
            step = int(np.argmax(~np.isfinite(values)))
            raise ValueError(
                f"has no value for {timeline.starts[step]}; fill the gap or choose another period"
            )
        if given.dimension != "temperature" and np.any(values < 0.0):
            step = int(np.argmax(values < 0.0))
            raise ValueError(f"must be at least 0 (is negative on {timeline.starts[step]})")
        return values
