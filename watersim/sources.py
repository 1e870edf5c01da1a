"""Where a scenario's files stand: its root, its basin, what it extends; reads YAML documents."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from watersim.document import SECTIONS, Description
from watersim.errors import InputError, Problem
from watersim.files import display, resolve_inside
from watersim.network import suggest
from watersim.number import shown
from watersim.yaml_source import Source, read_yaml

SCENARIO_KEYS = ("title", "description", "extends", "basin", "time", "initial", "variants")
BASIN_KEYS = ("title", "description", *SECTIONS)
DEEPEST = 8


class Sources(NamedTuple):
    """The files of one scenario. ``files`` maps the shown name of each to its path."""

    name: str
    shown: str
    root: Path
    files: dict[str, Path]

    def beside(self, shown_file: str, file: str) -> tuple[Path, str]:
        """A file named in another: its path and the name to show."""
        folder = self.files.get(shown_file, self.root / "x").parent
        path = Path(os.path.normpath(folder / file))
        return path, display(path)


def shipped_root() -> Path:
    """The folder with the basins and scenarios that come with watersim."""
    package = Path(__file__).resolve().parent
    inside = package / "shipped"
    return inside if (inside / "scenarios").is_dir() else package.parent


def find_root(path: Path) -> Path:
    """The nearest folder upwards with both data/ and scenarios/, else the scenario's own folder."""
    folder = path.resolve().parent
    for candidate in (folder, *folder.parents):
        if (candidate / "data").is_dir() and (candidate / "scenarios").is_dir():
            return candidate
    return folder


def read_scenario(path: Path, root: Path) -> tuple[Sources, Description, Description]:
    """A scenario file laid over what it extends and over its basin.

    Returns
    -------
    sources, description, variants
        where the files are; the merged description; variants by name, each a mapping of changes

    Raises
    ------
    InputError
        with every problem of keys and files.
    """
    shown_name = display(path)
    files: dict[str, Path] = {}
    chain = _chain(path, root, files)
    description = Description({}, {(): Source(shown_name, 1)})
    variants = Description({}, {(): Source(shown_name, 1)})
    problems: list[Problem] = []
    basins = [own for own in chain if "basin" in own.data]
    if not basins:
        at = chain[0].source(())
        raise InputError(Problem("is required; name the basin, a folder in data/", *at, "basin"))
    basin, root = _basin(basins[0], root, files)
    problems += _unknown_keys(basin, BASIN_KEYS, "a basin")
    problems += description.lay_over(basin, SECTIONS)
    for own in reversed(chain):
        problems += _unknown_keys(own, (*SCENARIO_KEYS, *SECTIONS), "a scenario")
        problems += description.lay_over(
            own, ("title", "description", "time", "initial", *SECTIONS)
        )
        given = _variants(own, problems)
        problems += variants.lay_over(given, tuple(given.data))
    if problems:
        unique = dict.fromkeys(problems)
        raise InputError(sorted(unique, key=lambda problem: (problem.file, problem.line)))
    return Sources(path.stem, shown_name, root, files), description, variants


def _chain(path: Path, root: Path, files: dict[str, Path]) -> list[Description]:
    """The scenario and what it extends, nearest first."""
    chain: list[Description] = []
    seen: list[Path] = []
    while True:
        real = resolve_inside(path, root, display(path))
        if real in seen or len(seen) >= DEEPEST:
            at = chain[-1].source(("extends",))
            raise InputError(
                Problem(f"leads back to {display(path)}; a scenario cannot extend itself", *at,
                        "extends")
            )  # fmt: skip
        seen.append(real)
        own = Description.of(read_yaml(path, root, display(path)))
        files[display(path)] = real
        chain.append(own)
        base = own.data.get("extends")
        if base is None:
            return chain
        if not isinstance(base, str):
            raise InputError(
                own.problem(("extends",), f"must be a scenario file (got {shown(base)})")
            )
        path = path.parent / base


def _basin(own: Description, root: Path, files: dict[str, Path]) -> tuple[Description, Path]:
    name = own.data["basin"]
    if not isinstance(name, str) or not name:
        raise InputError(
            own.problem(("basin",), f"must be a basin's name or file (got {shown(name)})")
        )
    if name.endswith(".yaml"):
        path = files[own.source(("basin",)).file].parent / name
    else:
        known = _known_basins(root)
        if name not in known:
            root, known = shipped_root(), {**_known_basins(shipped_root()), **known}
        if name not in known:
            raise InputError(
                own.problem(
                    ("basin",),
                    f"is neither a folder in data/ nor a file .yaml (got {name})"
                    f"{suggest(name, known)}",
                )
            )
        path = known[name]
    document = Description.of(read_yaml(path, root, display(path)))
    files[display(path)] = path.resolve()
    return document, root


def _known_basins(root: Path) -> dict[str, Path]:
    return {path.parent.name: path for path in sorted((root / "data").glob("*/basin.yaml"))}


def _unknown_keys(own: Description, known: tuple[str, ...], what: str) -> list[Problem]:
    return [
        own.problem((key,), f"is not a key of {what}{suggest(str(key), known)}")
        for key in own.data
        if key not in known and not ("." in str(key) and what == "a scenario")
    ]


def _variants(own: Description, problems: list[Problem]) -> Description:
    """The variants of one file as a description of their own."""
    given: Any = own.data.get("variants") or {}
    sources = {
        path[1:]: source for path, source in own.sources.items() if path[:1] == ("variants",)
    }
    if not isinstance(given, dict):
        problems.append(own.problem(("variants",), "must be a mapping of names to changes"))
        given = {}
    for name, changes in given.items():
        if not isinstance(changes, dict | None):
            problems.append(
                own.problem(("variants", name), "must be a mapping such as "
                            "{nodes.kirov.capacity: 600 hm3}, or null for a variant that is left out")
            )  # fmt: skip
        if "+" in str(name) or "." in str(name):
            problems.append(own.problem(("variants", name), "has + or . in its name; rename it"))
    clean = {
        str(name): changes for name, changes in given.items() if isinstance(changes, dict | None)
    }
    return Description(clean, sources)
