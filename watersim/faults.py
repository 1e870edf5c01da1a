"""What pydantic found → the problem lines of watersim; names, dates and key paths in them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from watersim.dated import Ahead
from watersim.described import Kind
from watersim.document import Description
from watersim.document import Path as KeyPath
from watersim.errors import Problem
from watersim.network import suggest
from watersim.number import shown
from watersim.timeline import parse_date

_SORTS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def explain(
    error: ValidationError, kind: type[BaseModel], path: KeyPath, description: Description
) -> Iterator[Problem]:
    """Every problem of one member, each at the value it speaks of."""
    faults = error.errors(include_url=False)
    misspelt = {meant for fault in faults for meant in _meant(dict(fault), kind)}
    for fault in faults:
        inner = tuple(fault["loc"])
        if fault["type"] == "missing" and inner in misspelt:
            continue  # it is there under another spelling, and that is said
        model, meaning = _model_at(kind, inner)
        deeper = getattr(fault.get("ctx", {}).get("error"), "inner", ())
        if deeper:
            meaning = ""  # of the whole field: no remedy for an entry of it
        sentence = _sentence(dict(fault), kind, model, meaning, inner)
        if fault["type"] == "extra_forbidden" and len(inner) == 1:
            sentence += _of_another_kind(path, str(inner[0]), description)
        yield description.problem((*path, *inner, *deeper), sentence)


def _of_another_kind(path: KeyPath, key: str, description: Description) -> str:
    """The remedy where a file changes the kind of a member that another file describes."""
    (own, _), (other, line) = (description.source((*path, name)) for name in (key, "kind"))
    if (*path, "kind") not in description.sources or own == other:
        return ""
    return f"; {other}:{line} changes the kind: write '{key}: null' there to take it away"


def _meant(fault: dict[str, Any], kind: type[BaseModel]) -> Iterator[KeyPath]:
    """The path of the field that an unknown key was meant for, if one is near."""
    if fault["type"] == "extra_forbidden":
        *above, last = fault["loc"]
        near = get_close_matches(str(last), _fields(_model_at(kind, fault["loc"])[0]), 1, 0.6)
        yield from ((*above, name) for name in near)


def _fields(model: type[BaseModel]) -> list[str]:
    """The fields of a model as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _sentence(
    fault: dict[str, Any],
    kind: type[BaseModel],
    model: type[BaseModel],
    meaning: str,
    inner: KeyPath,
) -> str:
    sort, value = fault["type"], fault["input"]
    remedy = f"; give {meaning}" if meaning else ""
    if sort == "value_error":
        message = str(fault["msg"]).removeprefix("Value error, ")
        return message if ";" in message else message + remedy
    if sort == "missing":
        return f"is required{remedy}"
    if sort == "extra_forbidden":
        names = [part for part in inner[:-1] if isinstance(part, str)]
        what = f"'{_name(kind)}'" if model is kind else f"'{names[-1]}'" if names else "it"
        return f"is not a field of {what}{suggest(str(inner[-1]), _fields(model))}"
    if sort == "literal_error":
        wanted = fault["ctx"]["expected"].replace("'", "")
        return f"must be {wanted} (got {shown(value)}){remedy}"
    if sort in ("greater_than_equal", "less_than_equal"):
        bound = "at least" if sort == "greater_than_equal" else "at most"
        limit = fault["ctx"]["ge" if sort == "greater_than_equal" else "le"]
        return f"must be {bound} {limit:g} (got {shown(value)}){remedy}"
    if sort in _SORTS:
        got = (
            "a mapping"
            if isinstance(value, dict)
            else "a list"
            if isinstance(value, list)
            else (shown(value))
        )
        return f"must be {_SORTS[sort]} (got {got}){remedy}"
    return f"{fault['msg']} (got {shown(value)}){remedy}"


def _name(model: type[BaseModel]) -> str:
    """What a kind, or a mapping that stands in a section, is called in a file."""
    return model.name() if issubclass(model, Kind) else model.__name__.lower()


def _model_at(kind: type[BaseModel], inner: KeyPath) -> tuple[type[BaseModel], str]:
    """The model that holds the field at a path, and the field's meaning."""
    model, meaning = kind, ""
    for depth, part in enumerate(inner):
        if isinstance(part, int):
            continue
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        if field is None:
            return model, ""
        meaning = field.description or ""
        if depth < len(inner) - 1:
            model = _inner_model(field.annotation) or model
    return model, meaning


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None


def path_within(member: BaseModel, value: object) -> KeyPath:
    """The key path inside a member at which a value stands, found by identity; () if nowhere."""
    value = value.flow if isinstance(value, Ahead) else value
    for name, field in type(member).model_fields.items():
        key = field.alias or name
        inner = getattr(member, name)
        if inner is value:
            return (key,)
        entries = enumerate(inner) if isinstance(inner, list) else [(None, inner)]
        for k, entry in entries:
            if isinstance(entry, BaseModel):
                found = path_within(entry, value)
                if found:
                    return (key, *found) if k is None else (key, k, *found)
    return ()


def keys(dotted: str) -> KeyPath:
    """The key path of a dotted text, () of none; whole numbers are places in a list."""
    return (
        ()
        if not dotted
        else tuple(int(part) if part.isdigit() else part for part in dotted.split("."))
    )


def is_name(name: object) -> bool:
    """Whether a key can name a node or canal: letters, digits and _, beginning with a letter."""
    return isinstance(name, str) and name.isidentifier() and not name.startswith("_")


def singular(family: str) -> str:
    """One of a family: ``nodes`` → ``node``, ``policies`` → ``policy``."""
    return f"{family.removesuffix('ies')}y" if family.endswith("ies") else family.removesuffix("s")


def unknown_kind(kind: object, known: Mapping[str, Any] | Iterable[str], what: str) -> str:
    """The sentence for a kind that does not exist, or is not given."""
    names = sorted(known)
    if kind is None:
        return f"has no kind; write `kind:` with one of {', '.join(names)}"
    return f"is not a kind of {what} (got {shown(kind)}){suggest(str(kind), names)}"


def read_date(text: object) -> date:
    """A date written YYYY-MM-DD; ValueError with a sentence otherwise."""
    if not isinstance(text, str):
        raise ValueError(f"must be a date such as 2000-01-01 (got {shown(text)})")
    return parse_date(text)
