"""Kinds → what the loop calls for them, compiled and kept each by itself, or plain Python.

Every kind's kernels (`watersim.described`) are called through a *hook*: a function of one signature
for all kinds, which finds the arrays of the kind and of the step by address and picks the rows of
the step. Its few lines are written into the user's cache folder: no list of kinds in the source,
and numba's cache hits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim import jit, registry
from watersim.allot import allot
from watersim.arrays import Step
from watersim.described import Kind
from watersim.loop import Program
from watersim.orders import order
from watersim.records import in_lanes

NAMES = ("start", "force", "before", "after")
_GROUPS = "pfuyzqw"  # a kind's arrays, as in `watersim.described`; f forcing equal for all
Arrays = tuple[NDArray[Any], ...]


class Hook(NamedTuple):
    """One hook of one kind."""

    name: str
    k: int  # the kind's number
    kind: type[Kind]


def frame(s: Step) -> NDArray[np.int64]:
    """Where the arrays of a step are: address and shape of each."""
    return np.array([(a.ctypes.data, a.shape[0], a.shape[-1]) for a in s], np.int64)


def rows(groups: Sequence[Arrays], own: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the arrays of each kind are: members, parts, whether realizations differ, addresses."""
    p, q = groups[_GROUPS.index("p")], groups[_GROUPS.index("q")]
    assert all(a.flags.c_contiguous for group in groups for a in group)
    return np.array(
        [
            (p[k].size, q[k].size, own[k], *(group[k].ctypes.data for group in groups))
            for k in range(len(p))
        ],
        np.int64,
    )


def plain_rows(groups: Sequence[Arrays], own: NDArray[np.int64]) -> list[tuple[Any, ...]]:
    """The same for plain Python: the arrays themselves."""
    return [(own[k], *(group[k] for group in groups)) for k in range(own.size)]


def hooks_of(used: Sequence[bool]) -> list[Hook]:
    """The hooks of the kinds in use, in the order they are called.

    `after` in the reverse of the kinds' order, those that are settled last at its end.
    """
    kinds = list(enumerate(registry.every_kind()))
    has = [
        Hook(name, k, kind) for name in NAMES for k, kind in kinds if used[k] and _has(kind, name)
    ]
    return sorted(has, key=lambda h: (
        NAMES.index(h.name), *((h.kind.settled_last, -h.k) if h.name == "after" else (False, h.k))
    ))  # fmt: skip


def _has(kind: type[Kind], name: str) -> bool:
    if name == "force":
        return any(field != "_" for field in kind.forcing_record.names or ())
    return hasattr(registry.module_of(kind), name)


def plain(used: Sequence[bool], instead: Mapping[str, Callable[..., Any]]) -> Program:
    """The program as plain Python, with some kernels replaced; see `jit.plain`."""
    return _program(
        hooks_of(used),
        lambda hook: _plain_hook(hook, instead),
        jit.plain(order, instead),
        jit.plain(allot, instead),
        object,
    )


def _plain_hook(hook: Hook, instead: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    kind = hook.kind
    if hook.name == "force":
        names = [name for name in kind.forcing_record.names or () if name != "_"]

        def force(frame: Step, row: tuple[Any, ...], t: int, dt: float, again: int) -> None:
            own, _, f, u, *_ = row
            for name in () if own else names:
                u[name][0] = f[name][t][:, np.newaxis]

        return force
    kernel = jit.plain(getattr(registry.module_of(kind), hook.name), instead)

    def start(s: Step, row: tuple[Any, ...], t: int, dt: float, again: int) -> None:
        kernel(row[1], row[4][0], s)

    def called(s: Step, row: tuple[Any, ...], t: int, dt: float, again: int) -> None:
        own, p, _, u, y, z, q, w = row
        parts = (z[t], z[t + 1]) if kind.part_reports else ()
        last = (again,) if hook.name == "before" else ()
        before = y[: t + 1] if kind.looks_back else y[t]
        kernel(p, u[t * own], before, y[t + 1], q, w[t], *parts, s, dt, *last)

    return start if hook.name == "start" else called


def compiled(
    used: Sequence[bool], lanes: int, s: Step, ordered: Sequence[Any], allotted: Sequence[Any]
) -> Program:
    """The program as addresses of machine code, compiled where it is not kept already.

    Parameters
    ----------
    lanes
        realizations side by side
    s
        a step with that many
    ordered, allotted
        arguments of `order` and of `allot`, for their types
    """
    jit.compiled()
    import numba

    typeof: Any = numba.typeof

    def stage(function: Callable[..., Any], values: Sequence[Any]) -> int:
        name = function.__name__
        listed = ", ".join(f"a{k}" for k in range(len(values)))
        result = "return " if name == "allot" else ""
        source = (
            f"from {function.__module__} import {name}\n\n\n"
            f"def hook({listed}):\n    {result}{name}({listed})\n"
            + ("" if result else "    return 0\n")
        )
        types = tuple(typeof(value) for value in values)
        return jit.address(f"{name}_{lanes}", source, types, {}, (function,))

    hooks = hooks_of(used)
    made: dict[Hook | str, Callable[[], int]] = {
        hook: partial(_address, hook, lanes, s) for hook in hooks
    }
    made |= {"order": lambda: stage(order, ordered), "allot": lambda: stage(allot, allotted)}
    # in another order in every process: of several that start cold each compiles a part, and finds
    # what the others have kept
    each = list(made)
    Random(os.getpid()).shuffle(each)
    found = {one: made[one]() for one in each}
    return _program(hooks, found.__getitem__, found["order"], found["allot"], np.int64)


def _program(
    hooks: Sequence[Hook], made: Callable[[Hook], Any], order_: Any, allot_: Any, dtype: Any
) -> Program:
    def table_of(name: str) -> NDArray[Any]:
        those = [hook for hook in hooks if hook.name == name]
        table = np.empty((len(those), 2), dtype)
        for n, hook in enumerate(those):
            table[n, 0], table[n, 1] = made(hook), hook.k
        return table

    def one(value: Any) -> NDArray[Any]:
        alone = np.empty(1, dtype)
        alone[0] = value
        return alone

    start, force, before, after = map(table_of, NAMES)
    return Program(start, force, before, after, one(order_), one(allot_))


def _address(hook: Hook, lanes: int, s: Step) -> int:
    import numba

    kind, module = hook.kind, registry.module_of(hook.kind)
    types = {
        "P": kind.parameter_record,
        "F": kind.forcing_record,
        "U": in_lanes(kind.forcing_record, lanes),
        "Y": in_lanes(kind.report_record(), lanes),
        "Z": in_lanes(kind.part_report_record(), lanes),
        "Q": kind.part_record,
        "W": kind.part_forcing_record,
        **{f"S{i}": array.dtype for i, array in enumerate(s)},
    }
    kernels = () if hook.name == "force" else (getattr(module, hook.name),)
    whole, real = numba.int64, numba.float64
    signature = (whole[:, ::1], whole[::1], whole, real, whole)
    name = f"{hook.name}_{kind.family}_{kind.name()}_{lanes}"
    return jit.address(name, _source(hook, module, s), signature, types, kernels)


def _source(hook: Hook, module: ModuleType, s: Step) -> str:
    kind, name = hook.kind, hook.name
    body = ["    n, m, own = row[0], row[1], row[2]"]
    if name == "force":
        body += ["    if own == 1:", "        return 0",
                 "    given, lane = array(row[4], (t * n + n,), F), array(row[5], (n,), U)",
                 "    for i in range(n):"]  # fmt: skip
        for field in kind.forcing_record.names or ():
            body += [f"        one, values = given[t * n + i].{field}, lane[i].{field}",
                     "        for l in range(values.size):",
                     "            values[l] = one"]  # fmt: skip
    else:
        body += ["    s = Step("]
        for i, each in enumerate(s):
            shape = ", ".join(f"frame[{i}, {1 + d}]" for d in range(each.ndim))
            body += [f"        array(frame[{i}, 0], ({shape},), S{i}),"]
        body += ["    )", f"    {name}({_arguments(hook)})"]
    head = ["from watersim.arrays import Step", f"from {module.__name__} import {name}"]
    head = [] if name == "force" else [*head, "", ""]
    return "\n".join([*head, "def hook(frame, row, t, dt, again):", *body, "    return 0", ""])


def _arguments(hook: Hook) -> str:
    def of(letter: str, first: str, size: str) -> str:
        at = f"row[{3 + _GROUPS.index(letter)}]"
        return f"array({at}, (({first}) + {size},), {letter.upper()})[{first}:]"

    kind = hook.kind
    if hook.name == "start":
        return f"{of('p', '0', 'n')}, {of('y', '0', 'n')}, s"
    before = of("y", "t * n", "n")
    if kind.looks_back:
        before = f"array(row[{3 + _GROUPS.index('y')}], (t + 1, n), Y)"
    given = [of("p", "0", "n"), of("u", "t * own * n", "n"), before, of("y", "(t + 1) * n", "n"),
             of("q", "0", "m"), of("w", "t * m", "m")]  # fmt: skip
    if kind.part_reports:
        given += [of("z", "t * m", "m"), of("z", "(t + 1) * m", "m")]
    given += ["s", "dt", *(["again"] if hook.name == "before" else [])]
    return ",\n        ".join(given)
