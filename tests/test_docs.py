"""Docs against the code: tables of kinds and results, YAML examples, worked numbers, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import numpy as np
import pytest
import xarray as xr
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import watersim
from watersim import registry
from watersim.described import Kind, Node
from watersim.fields import Described, Varying, quantity, varying

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PATH_LINE = re.compile(r"# ((?:data|scenarios)/\S+)")


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its two head lines."""
    section = re.split(r"^#+ ", text.split(f"{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced examples of a page in one language."""
    return [text for found, text in FENCE.findall(page.read_text("utf-8")) if found == language]


# kinds.md


def parts(annotation: Any) -> Iterator[Any]:
    """An annotation and everything it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def takes(name: str, info: FieldInfo) -> str:
    """What may be written for a field: its dimension, a mapping, a number or a text."""
    found = [*info.metadata, *parts(info.annotation)]
    for mark in (one for one in found if isinstance(one, quantity | varying)):
        return mark.dimension + (", may vary" if isinstance(mark, varying) else "")
    models = [one for one in found if isinstance(one, type) and issubclass(one, BaseModel)]
    if models:
        listed = list in [get_origin(one) for one in found]
        return f"list of [mappings](#{name})" if listed else f"[mapping](#{name})"
    plain = {int: "whole number", float: "number", str: "text"}
    return next(plain[one] for one in found if one in plain)


def table(model: type[Described], leave_out: set[str]) -> list[str]:
    """The lines of a model's table in kinds.md."""
    lines = ["| field | takes | if not written | meaning |", "|---|---|---|---|"]
    for name, info in model.model_fields.items():
        if name in leave_out:
            continue
        default = "absent" if info.default in (None, []) else str(info.default).removesuffix(".0")
        cells = [
            f"`{info.alias or name}`",
            takes(name, info),
            "**required**" if info.is_required() else default,
            str(info.description),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def all_kinds() -> dict[str, type[Kind]]:
    return {**registry.kinds("nodes"), **registry.kinds("links")}


def mappings() -> dict[str, type[Described]]:
    """Every mapping that a field of a kind takes, by the name of the field."""
    found: dict[str, type[Described]] = {}
    waiting: list[type[Described]] = list(all_kinds().values())
    while waiting:
        for name, info in waiting.pop().model_fields.items():
            for one in parts(info.annotation):
                if isinstance(one, type) and issubclass(one, Described) and one is not Varying:
                    assert found.get(name, one) is one, f"two mappings are called {name}"
                    waiting += [] if name in found else [one]
                    found[name] = one
    return found


def tables() -> dict[str, list[str]]:
    """Every table that kinds.md must have, by its heading."""
    common = {"kind", *Node.model_fields}
    wanted = {"Every node": table(Node, set())}
    for name, kind in sorted(all_kinds().items()):
        wanted[f"`{name}`"] = table(kind, common)
    for name, model in sorted(mappings().items()):
        wanted[f"`{name}`"] = table(model, set())
    return {heading: lines for heading, lines in wanted.items() if len(lines) > 2}
