"""How a family finds its members: every module of its package that defines a kind; no list.

A new kind is one file in `watersim/nodes/`, `watersim/agreements/`…: it defines a subclass of the
family's base with `kind: Literal["name"]`, and that is all.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import Literal, get_args

from watersim.described import Kind

Family = Literal["nodes", "links", "agreements", "policies"]


@cache
def kinds(family: Family) -> dict[str, type[Kind]]:
    """The kinds of a family by the name written in YAML, in the order their kernels run."""
    found = {
        kind.name(): kind
        for module in modules(family)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Kind)
        and kind.__module__ == module.__name__
        and "kind" in kind.model_fields
    }
    return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))


@cache
def every_kind() -> tuple[type[Kind], ...]:
    """The kinds of all families, in the order their kernels run."""
    found = [kind for family in get_args(Family) for kind in kinds(family).values()]
    return tuple(sorted(found, key=lambda kind: (kind.order, kind.name())))


@cache
def modules(family: Family) -> tuple[ModuleType, ...]:
    """Every module of a family's package."""
    package = importlib.import_module(f"watersim.{family}")
    return tuple(
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    )


def module_of(kind: type[Kind]) -> ModuleType:
    """The module a kind is defined in, where its kernels stand."""
    return importlib.import_module(kind.__module__)
