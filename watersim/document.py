"""Several YAML documents → one merged description that still knows where each value stands; pure.

A scenario is its basin's document with the scenario's sections laid over it, then the changes of
its variants. Mappings merge, everything else is replaced; null removes; a key with dots is a path.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from watersim.errors import Problem
from watersim.network import suggest
from watersim.number import shown
from watersim.yaml_source import DIGITS, Document, Source

Path = tuple[str | int, ...]

WHOLE = ("title", "description", "time")
SECTIONS = ("parties", "nodes", "rivers", "reaches", "canals", "agreements", "policies", "climates",
            "crops", "soils", "techniques")  # fmt: skip


def unlike_a_file(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """What of a value given in Python could not stand in a file: (key path in it, sentence)."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from unlike_a_file(inner, (*path, str(key)))
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from unlike_a_file(inner, (*path, k))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, f"must be a finite number (got {shown(value)})"
    elif isinstance(value, int) and abs(value) >= 10**DIGITS:
        yield path, f"must have at most {DIGITS} digits (got {len(str(abs(value)))} of them)"
    elif value is not None and not isinstance(value, (str, int, float)):
        got = f"{shown(value)}, of type {type(value).__name__}"
        yield path, f"must be text, a number, true, false, None, a list or a dict (got {got})"


class Description:
    """A mutable tree of plain data with the source of every path; only `scenario` changes one."""

    def __init__(self, data: dict[str, Any], sources: Mapping[Path, Source]) -> None:
        self.data = data
        self.sources: dict[Path, Source] = dict(sources)
        self.origins: dict[Path, Path] = {}  # where what is named elsewhere is written

    @classmethod
    def of(cls, document: Document) -> Description:
        """A copy of a document."""
        return cls(_copy(document.data), document.sources)

    def copy(self) -> Description:
        """An independent copy."""
        return Description(_copy(self.data), self.sources)

    def source(self, path: Path) -> Source:
        """Where a path stands, or the nearest thing above it that stands somewhere."""
        path = self.origin(path)
        for length in range(len(path), -1, -1):
            if path[:length] in self.sources:
                return self.sources[path[:length]]
        return Source("", 0)

    def problem(self, path: Path, message: str) -> Problem:
        """A problem at a path."""
        path = self.origin(path)
        file, line = self.source(path)
        return Problem(message, file, line, ".".join(str(part) for part in path))

    def origin(self, path: Path) -> Path:
        """Where a path is written, which is elsewhere for what is only named there."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return (*self.origins[path[:length]], *path[length:])
        return path

    def section(self, key: str) -> Any:
        """What stands under a top-level key, None if nothing."""
        return self.data.get(key)

    def lay_over(self, other: Description, keys: tuple[str, ...]) -> list[Problem]:
        """Merge the given top-level keys of another description over this one."""
        problems: list[Problem] = []
        for key in keys:
            if key in other.data:
                self._merge((key,), other.data[key], other, (key,))
        for key in other.data:
            if "." in str(key):
                problems += self.change(key, other.data[key], other, (key,))
        return problems

    def change(self, dotted: str, value: Any, other: Description, at: Path) -> list[Problem]:
        """Set the value at a dotted path; `at` is where the change itself stands in `other`."""
        path, fault = self._walk(dotted)
        if fault:
            return [Problem(fault, *other.source(at), dotted)]
        self._replace(path, value, other, at)
        return []

    def _walk(self, dotted: str) -> tuple[Path, str]:
        parts = dotted.split(".")
        if parts[0] not in (*SECTIONS, *WHOLE):
            known = ", ".join((*SECTIONS, *WHOLE))
            return (), f"cannot be changed; changes start with one of {known}"
        at: Any = self.data
        path: list[str | int] = []
        for depth, part in enumerate(parts):
            last = depth == len(parts) - 1
            if isinstance(at, list):
                if not part.isdigit() or int(part) >= len(at):
                    return (), f"has no entry {part}; the list has {len(at)}, counted from 0"
                path.append(int(part))
                at = at[int(part)]
                continue
            if not isinstance(at, dict):
                return (), (
                    f"cannot be set: '{'.'.join(parts[:depth])}' is {shown(at)}, not a mapping"
                )
            if part not in at and not last and depth > 0:
                return (), f"does not exist: '{part}' is unknown{suggest(part, map(str, at))}"
            path.append(part)
            at = at.setdefault(part, {}) if depth == 0 and not last else at.get(part)
        return tuple(path), ""

    def _merge(self, path: Path, value: Any, other: Description, at: Path) -> None:
        present = self._get(path)
        if isinstance(present, dict) and isinstance(value, dict):
            if path not in self.sources:
                self.sources[path] = other.source(at)
            for key, inner in value.items():
                self._merge((*path, key), inner, other, (*at, key))
        else:
            self._replace(path, value, other, at)

    def _replace(self, path: Path, value: Any, other: Description, at: Path) -> None:
        parent = self._get(path[:-1])
        for known in [known for known in self.sources if known[: len(path)] == path]:
            del self.sources[known]
        if value is None and isinstance(parent, dict):
            parent.pop(path[-1], None)
            self.sources[path] = other.source(at)  # where it was removed, should it be missed
            return
        parent[path[-1]] = _copy(value)
        for known, source in other.sources.items():
            if known[: len(at)] == at:
                self.sources[(*path, *known[len(at) :])] = source
        self.sources.setdefault(path, other.source(at))

    def _get(self, path: Path) -> Any:
        at: Any = self.data
        for part in path:
            try:
                at = at[part]
            except (KeyError, IndexError, TypeError):
                return None
        return at


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_copy(inner) for inner in value]
    return value
