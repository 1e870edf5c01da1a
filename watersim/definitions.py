"""Sections that members name in place of writing it out: climates, crops, soils, techniques; pure.

What is named is put in its place before a member is read; the description remembers where each value
is written, so that a fault is shown there.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from watersim import registry
from watersim.document import Description
from watersim.document import Path as KeyPath
from watersim.errors import Problem
from watersim.faults import explain, keys
from watersim.fields import Definition, defined
from watersim.network import suggest


def models() -> dict[str, type[Definition]]:
    """What stands in each section."""
    found: dict[str, type[Definition]] = {}
    for kind in registry.every_kind():
        for _, mark, entry in _marks(kind):
            found[mark.section] = mark.model
            found.update((inner.section, inner.model) for _, inner, _ in _marks(entry))
    return found


def _marks(model: type[BaseModel] | None) -> list[tuple[str, defined, type[BaseModel] | None]]:
    """The fields that may be named: name, mark, and of a list the model of its entries."""
    return [
        (name, mark, get_args(info.annotation)[0] if mark.key else None)
        for name, info in (model.model_fields.items() if model else ())
        for mark in info.metadata
        if isinstance(mark, defined)
    ]


class Definitions:
    """The sections of one description.

    Attributes
    ----------
    problems
        what was found wrong in them and in the names of them
    """

    def __init__(self, description: Description) -> None:
        self.description = description
        self.problems: list[Problem] = []
        self._broken: set[KeyPath] = set()
        for section, model in models().items():
            for name, given in self._section(section).items():
                self._check(model, given, (section, name))

    def _section(self, key: str) -> dict[str, Any]:
        given = self.description.section(key)
        if given is not None and not isinstance(given, dict):
            message = "must be a mapping of names; write `name: {…}` below it"
            self.problems.append(self.description.problem((key,), message))
        return given if isinstance(given, dict) else {}

    def _check(self, model: type[Definition], given: object, path: KeyPath) -> None:
        known = len(self.problems)
        try:
            for key, message in model.model_validate(given).problems():
                self.problems.append(self.description.problem((*path, *keys(key)), message))
        except ValidationError as error:
            self.problems += explain(error, model, path, self.description)
        if len(self.problems) > known:
            self._broken.add(path)

    def filled_in(
        self, model: type[BaseModel], given: dict[str, Any], path: KeyPath
    ) -> dict[str, Any] | None:
        """What is given, with what it names in its place; None if that is not there or not right."""
        whole, sound = dict(given), True
        for name, mark, entry in _marks(model):
            value, at = given.get(name), (*path, name)
            if entry is not None and isinstance(value, list):
                entries = [
                    self._entry(mark, entry, one, (*at, k)) if isinstance(one, dict) else one
                    for k, one in enumerate(value)
                ]
                whole[name] = entries
                sound = sound and None not in entries
            elif isinstance(value, str) and entry is None:
                whole[name] = self._named(mark, value, at)
                sound = sound and whole[name] is not None
        return whole if sound else None

    def _named(self, mark: defined, name: str, at: KeyPath) -> Any:
        if name not in self._section(mark.section):
            self._not_there(mark, name, at)
            return None
        self.description.origins[at] = (mark.section, name)
        return (
            None if (mark.section, name) in self._broken
            else self._section(mark.section)[name]
        )  # fmt: skip

    def _entry(
        self, mark: defined, model: type[BaseModel], entry: dict[str, Any], at: KeyPath
    ) -> dict[str, Any] | None:
        """An entry of a list, laid over the definition that it names."""
        name = entry.get(mark.key)
        definition = self._section(mark.section).get(name) if isinstance(name, str) else None
        if isinstance(name, str) and (mark.section, name) in self._broken:
            return None
        required = [key for key, info in mark.model.model_fields.items() if info.is_required()]
        if isinstance(definition, dict):
            for key in definition:
                if key not in entry:
                    self.description.origins[*at, key] = (mark.section, str(name), key)
        elif isinstance(name, str) and not any(key in entry for key in required):
            self._not_there(mark, name, (*at, mark.key))
            return None
        return self.filled_in(model, {**(definition or {}), **entry}, at)

    def _not_there(self, mark: defined, name: str, at: KeyPath) -> None:
        near = suggest(name, self._section(mark.section))
        near = near or f"; write it there, or the whole of it here in place of {name}"
        message = f"is not a key of '{mark.section}' (got {name}){near}"
        self.problems.append(self.description.problem(at, message))
