"""form: the ways in which a quantity that varies in time is written, checked, and their schema; pure."""

from __future__ import annotations

from typing import Any

from watersim.number import EntryError, check_range, example, read_numbers, shown, sort, to_number
from watersim.units import LARGEST, UNITS, Dimension, measures, spellings

_FORMS = {
    "monthly": {"unit", "factor"},
    "decades": {"unit", "factor"},
    "annual": {"shares", "unit", "factor"},
    "file": {"column", "missing", "finer", "factor"},
}


def quantity_schema(dimension: Dimension) -> dict[str, Any]:
    """The JSON schema of a number with its unit."""
    text = {"type": "string", "description": f"a number and a unit: {spellings(dimension)}"}
    return {"anyOf": [text, {"type": "number"}]} if dimension == "fraction" else text


def varying_schema(dimension: Dimension) -> dict[str, Any]:
    """The JSON schema of a quantity that may vary: a number with its unit, or one of the forms."""
    return {
        "anyOf": [
            quantity_schema(dimension),
            _form_schema("monthly", 12),
            _form_schema("decades", 36),
            _ANNUAL_SCHEMA,
            _FILE_SCHEMA,
        ]
    }


_ANNUAL_SCHEMA = {
    "type": "object",
    "properties": {
        "annual": {"type": "string"},
        "shares": {"type": "array", "items": {"type": "number"}},
        "unit": {"const": "%"},
        "factor": {"type": "number"},
    },
    "required": ["annual", "shares", "unit"],
    "additionalProperties": False,
}
_FILE_SCHEMA = {
    "type": "object",
    "properties": {
        "file": {"type": "string"},
        "column": {"type": "string"},
        "missing": {"type": "array", "items": {"type": "string"}},
        "finer": {},
        "factor": {"type": "number"},
    },
    "required": ["file", "column"],
    "additionalProperties": False,
}


def _form_schema(form: str, length: int) -> dict[str, Any]:
    numbers = {"type": "array", "items": {"type": "number"}, "minItems": length, "maxItems": length}
    return {
        "type": "object",
        "properties": {form: numbers, "unit": {"type": "string"}, "factor": {"type": "number"}},
        "required": [form, "unit"],
        "additionalProperties": False,
    }


def read_forms(
    value: dict[str, Any], dimension: Dimension, least: float, most: float | None
) -> dict[str, Any]:
    """The keys of a quantity that varies, checked, with its numbers as floats.

    Raises
    ------
    ValueError
        with a sentence if they do not fit; `EntryError` if one of them is to blame.
    """
    given = [form for form in _FORMS if form in value]
    if len(given) != 1:
        raise ValueError(
            f"must be {example(dimension)}, or one of monthly, decades, annual, file "
            f"(got {' and '.join(given) if given else 'the keys ' + ', '.join(map(str, value))})"
        )
    form = given[0]
    for key in value:
        if key != form and key not in _FORMS[form]:
            allowed = ", ".join(sorted(_FORMS[form]))
            raise EntryError(f"does not go with '{form}'; it takes {allowed}", key)
    read = dict(value)
    factor = read.get("factor", 1.0)
    if (
        isinstance(factor, bool)
        or not isinstance(factor, (int, float))
        or not 0 <= factor < LARGEST
    ):
        raise EntryError(
            f"must be a finite number of at least 0 (got {sort(factor)}); 1 changes nothing",
            "factor",
        )
    if "factor" in read:  # whether it was written may matter
        read["factor"] = float(factor)
    if form in ("monthly", "decades"):
        unit = read.get("unit")
        if not isinstance(unit, str) or unit not in UNITS or not measures(unit, dimension):
            message = f"must name a unit of {dimension}: {spellings(dimension)} (got {sort(unit)})"
            raise EntryError(message, *(key for key in read if key == "unit"))
        read[form] = read_numbers(read[form], form, 12 if form == "monthly" else 36)
        for k, number in enumerate(read[form]):
            try:
                if UNITS[unit].per is None:
                    check_range(number, unit, f"{number:g} {unit}", least, most)
                elif number < 0 and least >= 0:
                    raise ValueError(f"must be at least 0 (got {number:g} {unit})")
            except ValueError as error:
                raise EntryError(f"{error}; correct it", form, k) from None
    elif form == "annual":
        read.update(_annual(read, dimension))
    else:
        _file_keys(read)
    return read


def _annual(read: dict[str, Any], dimension: Dimension) -> dict[str, Any]:
    of: dict[str, Dimension] = {"flow": "volume", "depth rate": "length", "power": "energy"}
    if dimension not in of:
        raise ValueError("cannot be given as a year's sum; write monthly values")
    number, _ = to_number(read["annual"], of[dimension])
    if number < 0:
        raise ValueError(f"must be at least 0 (got {shown(read['annual'])})")
    shares = read.get("shares")
    if not isinstance(shares, list) or len(shares) not in (12, 36):
        got = f"{len(shares)} values" if isinstance(shares, list) else sort(shares)
        raise EntryError(
            f"needs 12 (months) or 36 (decades) percentages of the year's sum (got {got}); write "
            "shares: [...] that sum to 100",
            *(key for key in read if key == "shares"),
        )
    numbers = read_numbers(shares, "shares", len(shares))
    if min(numbers) < 0 or abs(sum(numbers) - 100.0) > 1e-6:
        message = f"must be at least 0 each and sum to 100 % (got {sum(numbers):g} %)"
        raise EntryError(f"{message}; correct the shares", "shares")
    if read.get("unit") != "%":
        raise ValueError(f"needs unit: '%' beside its shares (got {shown(read.get('unit'))})")
    return {"annual": str(read["annual"]), "shares": numbers}


def _file_keys(read: dict[str, Any]) -> None:
    for key in ("file", "column"):
        if not isinstance(read.get(key), str):
            message = f"needs '{key}', a text (got {sort(read.get(key))})"
            raise EntryError(message, *(known for known in read if known == key))
    finer = read.get("finer")
    if isinstance(finer, dict) and set(finer) == {"disaggregate"}:
        read["finer"] = read_numbers(finer["disaggregate"], "finer.disaggregate", None)
    elif finer is not None and finer != "hold":
        raise EntryError(
            "must be hold, or {disaggregate: [36 decade or 366 day weights]} "
            f"(got {sort(finer)})",
            "finer",
        )
    missing = read.get("missing", [])
    if not isinstance(missing, list) or not all(isinstance(mark, str) for mark in missing):
        raise EntryError("must be a list of texts such as ['NA', '-999']", "missing")
