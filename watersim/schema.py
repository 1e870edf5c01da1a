"""schema: registered kinds → JSON schema of basin and scenario files, for editors; pure.

What a kind takes is read from its pydantic fields; the top-level keys, the sections and the steps
from the modules that read them. Three things are added to what pydantic knows:

* a short form (``loss: 8 %`` for ``loss: {fraction: 8 %}``) is found by asking the field's own
  reader what it makes of a single value;
* in a scenario sections are laid over the basin's, so there nothing is required, ``null`` removes,
  and a node may leave out its kind;
* a change is a dotted path, at the top level of a scenario and in its variants.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from watersim import registry
from watersim.definitions import models
from watersim.described import Kind
from watersim.document import SECTIONS
from watersim.faults import singular
from watersim.sources import BASIN_KEYS, SCENARIO_KEYS
from watersim.timeline import Step

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LAID_OVER = "_laid_over"  # ends the name of a definition that a scenario lays over a basin's
UNITS = "units"  # carries a quantity's units past its field's meaning, which overwrites them
NAME = r"^[^\s.>_0-9][^\s.>]*$"
REACH = r"^\S+ > \S+$"
DATE = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
CHANGE = f"^({'|'.join((*SECTIONS, 'time'))})"  # what a dotted path begins with


def schema() -> Schema:
    """Describe basin and scenario files as one JSON schema (draft 2020-12).

    A file with a key that only scenarios have is taken for a scenario, any other for a basin.
    """
    only_scenario = [key for key in SCENARIO_KEYS if key not in BASIN_KEYS]
    return {
        "$schema": DIALECT,
        "title": "watersim basin or scenario",
        "type": "object",
        "if": {"anyOf": [{"required": [key]} for key in only_scenario]},
        "then": {"$ref": "#/$defs/scenario"},
        "else": {"$ref": "#/$defs/basin"},
        "$defs": {"scenario": _scenario(), "basin": _basin(), **_members(), **_models()},
    }


def _basin() -> Schema:
    return {
        "type": "object",
        "description": "What is there: parties, nodes, rivers, reaches, canals, agreements, policies.",
        "properties": {key: _top_level()[key] for key in BASIN_KEYS},
        "required": ["nodes", "rivers"],
        "additionalProperties": False,
    }


def _scenario() -> Schema:
    own = {**_top_level(), **{key: _section(key, LAID_OVER) for key in SECTIONS}}
    return {
        "type": "object",
        "description": "What is asked of a basin: its name, the period, variants.",
        "properties": {key: own[key] for key in (*SCENARIO_KEYS, *SECTIONS)},
        "patternProperties": {CHANGE + r"\.": {"description": "a change at a dotted path"}},
        "anyOf": [{"required": ["basin", "time"]}, {"required": ["extends"]}],
        "additionalProperties": False,
    }


def _top_level() -> dict[str, Schema]:
    """Every key at the top of a file."""
    text = {"type": "string"}
    return {
        "title": {**text, "description": "a title for people; the scenario's stands on results"},
        "description": {**text, "description": "what the file is for"},
        "extends": {**text, "description": "take everything from this scenario file"},
        "basin": {**text, "description": "a folder in data/, or a path ending in .yaml"},
        "time": _time(),
        "initial": {
            "description": "start from the end of another run",
            "type": "object",
            "properties": {"from": {**text, "description": "its result, RUN.nc"}, "at": DATE},
            "required": ["from", "at"],
            "additionalProperties": False,
        },
        "variants": {
            "description": "named changes: dotted path to new value; null removes",
            "type": "object",
            "propertyNames": {"pattern": "^[^+.]+$"},
            "additionalProperties": {
                "type": ["object", "null"],
                "properties": {
                    "title": {**text, "description": "a title in place of the scenario's"},
                    "description": {**text, "description": "the question that it answers"},
                },
                "patternProperties": {CHANGE + r"(\.|$)": {}},
                "additionalProperties": False,
            },
        },
        **{key: _section(key, "") for key in SECTIONS},
    }


def _time() -> Schema:
    return {
        "description": "first day, last day (inclusive) and step",
        "type": "object",
        "properties": {
            "start": {**DATE, "description": "the first day, YYYY-MM-DD"},
            "end": {**DATE, "description": "the last day, inclusive, YYYY-MM-DD"},
            "step": {"enum": list(get_args(Step)), "description": "how long a step is"},
        },
        "additionalProperties": False,
    }


def _section(key: str, suffix: str) -> Schema:
    """One of the sections of a description; links are named after their kind."""
    if key == "parties":
        return {
            "description": "key: name of every state bound by an agreement",
            "type": "object",
            "additionalProperties": {"type": ["string", "null"] if suffix else "string"},
        }
    if key == "rivers":
        return {
            "description": "rivers from the source to a terminal or lake: a > b > c",
            "type": "array",
            "items": {"type": "string", "pattern": r"^\S+( > \S+)+$"},
        }
    if key in models():
        return {
            "description": f"what members may name: every {key.removesuffix('s')} by its name",
            "type": "object",
            "propertyNames": {"pattern": NAME},
            "additionalProperties": {"$ref": f"#/$defs/{models()[key].__name__}{suffix}"},
        }
    links = [name for name in registry.kinds("links") if key.startswith(name)]
    member = links[0] if links else singular(key)
    return {
        "description": f"every {member} by its name",
        "type": "object",
        "propertyNames": {"pattern": REACH if member == "reach" else NAME},
        "additionalProperties": {"$ref": f"#/$defs/{member}{suffix}"},
    }


def _members() -> dict[str, Schema]:
    """What stands under a name: the kind decides; laid over a basin's it may be left out."""
    links: dict[str, Schema] = {}
    for family in dict.fromkeys(kind.family for kind in registry.kinds("links").values()):
        links[family] = _link(family, "")
        links[family + LAID_OVER] = {"anyOf": [_link(family, LAID_OVER), {"type": "null"}]}
    return {**links, **_chosen("nodes"), **_chosen("agreements"), **_chosen("policies")}


def _link(family: str, suffix: str) -> Schema:
    """A link of the first kind of its family, which bears its name, unless it says another."""
    kinds = {name: k for name, k in registry.kinds("links").items() if k.family == family}
    form = _reference(kinds[family], suffix)
    for name, kind in kinds.items():
        if name != family:
            form = {"if": _is_kind(name), "then": _reference(kind, suffix), "else": form}
    return form


def _chosen(family: registry.Family) -> dict[str, Schema]:
    """A member whose kind is written in the file, whole and laid over."""
    kinds, member = registry.kinds(family), singular(family)
    whole = {
        "type": "object",
        "properties": {"kind": _kind_of(family)},
        "required": ["kind"],
        "allOf": [
            {"if": _is_kind(name), "then": _reference(kind, "")} for name, kind in kinds.items()
        ],
    }
    parts = [_reference(kind, LAID_OVER) for kind in kinds.values()]
    laid_over = {
        "type": ["object", "null"],
        "properties": {"kind": _kind_of(family)},
        "allOf": [
            {"if": _is_kind(name), "then": part} for name, part in zip(kinds, parts, strict=True)
        ],
        "if": {"type": "object", "not": {"required": ["kind"]}},
        "then": {"anyOf": parts},
    }
    return {member: whole, f"{member}{LAID_OVER}": laid_over}


def _kind_of(family: registry.Family) -> Schema:
    kinds = registry.kinds(family)
    said = {name: (kind.__doc__ or "").split("\n")[0] for name, kind in kinds.items()}
    lines = "\n".join(f"- {name}: {text}" for name, text in sorted(said.items()))
    return {"enum": sorted(kinds), "description": lines}


def _is_kind(name: str) -> Schema:
    return {"type": "object", "properties": {"kind": {"const": name}}, "required": ["kind"]}


def _reference(kind: type[Kind], suffix: str) -> Schema:
    return {"$ref": f"#/$defs/{kind.__name__}{suffix}"}


def _models() -> dict[str, Schema]:
    """Every kind and what it is made of, as it is written whole and as it is laid over."""
    kinds = (*registry.every_kind(), *models().values())
    _, found = models_json_schema(
        [(kind, "validation") for kind in kinds], by_alias=True, schema_generator=_Generator
    )
    named = str(found)
    whole = {
        name: _clean(model)
        for name, model in found["$defs"].items()
        if f"'#/$defs/{name}'" in named or name in {kind.__name__ for kind in kinds}
    }
    return whole | {name + LAID_OVER: _laid_over(model) for name, model in whole.items()}


def _clean(part: Any) -> Any:
    """Without the titles that pydantic makes from names: they say nothing that the key does not."""
    if isinstance(part, list):
        return [_clean(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    clean = {
        key: {name: _clean(inner) for name, inner in value.items()}
        if key == "properties"
        else _clean(value)
        for key, value in part.items()
        if key not in ("title", UNITS)
    }
    if part.get(UNITS, clean.get("description")) != clean.get("description"):
        clean["description"] = f"{clean['description']}; {part[UNITS]}"
    return clean


def _laid_over(part: Any) -> Any:
    """The same model where it is merged: nothing is required, null removes; lists stay whole."""
    if isinstance(part, list):
        return [_laid_over(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    relaxed: Schema = {}
    for key, value in part.items():
        if key == "$ref":
            relaxed[key] = value + LAID_OVER
        elif key == "properties":
            relaxed[key] = {name: _removable(_laid_over(inner)) for name, inner in value.items()}
        elif key == "anyOf":
            relaxed[key] = _laid_over(value)
        elif key == "additionalProperties" and value is False:  # what another kind had, removed
            relaxed[key] = {"type": "null"}
        elif key != "required":
            relaxed[key] = value
    return relaxed


def _removable(part: Schema) -> Schema:
    """Let ``null`` stand for a value too, under the same description."""
    if "const" in part or {"type": "null"} in part.get("anyOf", ()):
        return part
    about: Schema = {key: part[key] for key in ("description", "default") if key in part}
    rest = {key: value for key, value in part.items() if key not in about}
    return {**about, "anyOf": [*rest["anyOf"], {"type": "null"}]} if set(rest) == {"anyOf"} else {
        **about, "anyOf": [rest, {"type": "null"}]
    }  # fmt: skip


class _Generator(GenerateJsonSchema):
    """Adds short forms, and keeps the units of a field beside its meaning."""

    def model_field_schema(self, schema: core_schema.ModelField) -> JsonSchemaValue:
        found = super().model_field_schema(schema)
        plain = "description" in found and "$ref" not in found
        return {**found, UNITS: found["description"]} if plain else found

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        long = super().function_before_schema(schema)
        short = _short_form(schema["function"]["function"])
        for reference in [*long.get("anyOf", ()), long] if short else ():
            if "$ref" in reference:
                model = self.get_schema_from_definitions(reference["$ref"]) or {}
                value = dict(model["properties"][short])
                forms = value.pop("anyOf", [{k: v for k, v in value.items() if k != "title"}])
                whole = long.get("anyOf", [long])
                return {"anyOf": [*forms, *(one for one in whole if one not in forms)]}
        return long


def _short_form(reader: Any) -> str:
    """The key under which a field's reader puts a single value; ``""`` if it takes none."""
    value = object()
    try:
        made = reader(value)
    except (ValueError, TypeError):
        return ""
    return next((key for key in made if made[key] is value), "") if isinstance(made, dict) else ""
