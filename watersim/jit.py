"""Marked kernels → numba's machine code, on demand; imports numba only then.

A kernel is written as a plain function and marked with `kernel`. Describing, checking and plotting
never compile: only `compiled()` imports numba, turns every marked function of the loaded watersim
modules into a dispatcher and puts it in place of the plain function in every module that names it.

What is kept between processes are the entries and what `address` compiles. Each lies in a folder of
the user's named by a hash of all kernels that it can reach and of numba's version, because numba's
own index sees an edit only in the file of the function it compiles, not in the files of what that
function calls: with a fixed folder such an edit would go unnoticed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__watersim_kernel__"
_ENTRY = "__watersim_entry__"
_BY_ADDRESS = "__watersim_by_address__"
# kernels allocate nothing: without reference counts, and inlined, an array costs no more than its
# address, and loops over lanes become vector instructions
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "_nrt": False,
}
# called once a step or a pass: inlined too, they make one function that takes a minute and more to
# optimise, and save nothing
_STAGES = {
    "start",
    "before",
    "after",
    "each",
    "order",
    "allot",
    "available",
    "ration",
    "flow",
    "fill",
}


def kernel(function: F) -> F:
    """Mark a function as one that the engine compiles."""
    setattr(function, _MARK, True)
    return function


def entry(function: F) -> F:
    """Mark a kernel as one that plain Python calls; it is kept between processes."""
    setattr(function, _ENTRY, True)
    return kernel(function)


def by_address(function: F) -> F:
    """Mark the kernel that calls what its first argument points at with all the others.

    Compiled, that is an address from `address`; as plain Python it is a function.
    """
    setattr(function, _BY_ADDRESS, True)
    return kernel(function)


def is_kernel(value: object) -> bool:
    """Whether a module's attribute is a function marked with `kernel` and not yet compiled."""
    return getattr(value, _MARK, False) is True and not hasattr(value, "py_func")


def disabled() -> bool:
    """Whether ``NUMBA_DISABLE_JIT`` asks for plain Python (debugging, coverage)."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def _modules() -> list[ModuleType]:
    return [
        module
        for name, module in sorted(sys.modules.items())
        if module is not None and (name == "watersim" or name.startswith("watersim."))
    ]


def fingerprint(*more: str, functions: Sequence[Callable[..., Any]] = ()) -> str:
    """What must stay the same for machine code to stay valid, as a hash.

    Parameters
    ----------
    more
        whatever else the code depends on
    functions
        kernels; the files of all kernels that they can reach count, and the constants they name
    """
    import numba

    digest = hashlib.sha256(f"{numba.__version__} {_OPTIONS} {sorted(_STAGES)}".encode())
    for text in more:
        digest.update(text.encode())
    seen: dict[str, Callable[..., Any]] = {}
    constants: set[str] = set()
    for function in functions:
        _reach(function, seen, constants)
    for path in sorted({sys.modules[f.__module__].__file__ or "" for f in seen.values()}):
        digest.update(Path(path).name.encode())
        digest.update(Path(path).read_bytes())
    digest.update(repr(sorted(constants)).encode())
    return digest.hexdigest()[:16]


def _reach(
    function: Callable[..., Any], seen: dict[str, Callable[..., Any]], constants: set[str]
) -> None:
    own = getattr(function, "py_func", function)
    name = f"{own.__module__}.{own.__name__}"
    if name in seen:
        return
    seen[name] = own
    for used in sorted(_names(own.__code__)):
        value: Any = own.__globals__.get(used)
        if getattr(value, _MARK, False) is True:
            _reach(value, seen, constants)
        elif isinstance(value, (int, float, tuple)):
            constants.add(f"{used}={value!r}")


def _names(code: CodeType) -> set[str]:
    inner = [c for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def cache_folder(name: str, mark: str) -> Path | None:
    """The folder for what is called so, in this state, made if absent; None if none can be written."""
    root = _root()
    folder = root / f"{name}-{mark}" if root else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def _root() -> Path | None:
    base = os.environ.get("WATERSIM_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "watersim" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        print("watersim: no folder to keep compiled kernels in; compiling each time "
              "(set WATERSIM_CACHE_DIR)", file=sys.stderr)  # fmt: skip
        return None
    return folder


@contextmanager
def _kept_in(folder: Path | None) -> Iterator[bool]:
    """Numba keeps what is compiled here in a folder; whether it keeps it at all."""
    import numba

    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder) if folder else before
    try:
        yield folder is not None
    finally:
        config.CACHE_DIR = before


def compiled() -> None:
    """Turn every marked function into a dispatcher, in every module that names it."""
    if disabled():
        return
    for module in _modules():
        for name, value in list(vars(module).items()):
            if is_kernel(value):
                setattr(module, name, _dispatcher(value))


@cache
def _dispatcher(function: Callable[..., Any]) -> Any:
    import numba

    if getattr(function, _BY_ADDRESS, False):
        made: Any = _call_by_address()
        made.py_func, made.__module__ = function, function.__module__
    else:
        is_entry = getattr(function, _ENTRY, False)
        folder = None
        if is_entry:
            folder = cache_folder(function.__name__, fingerprint(functions=(function,)))
        with _kept_in(folder) as kept:
            njit: Any = numba.njit
            made = njit(
                function, cache=kept, forceinline=function.__name__ not in _STAGES, **_OPTIONS
            )
    setattr(made, _MARK, True)
    return made


def _call_by_address() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    unpacked: Any = cgutils.unpack_tuple
    together: Any = types.StarArgTuple.from_types

    @intrinsic
    def call(typing: Any, what: Any, *arguments: Any) -> Any:
        def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            given = unpacked(builder, values[1])
            kind = ir.FunctionType(ir.IntType(64), [value.type for value in given])
            return builder.call(builder.inttoptr(values[0], kind.as_pointer()), given)

        return types.int64(what, together(arguments)), lower

    return call


@cache
def _array() -> Any:
    """``array(address, shape, dtype)`` for code that `address` compiles."""
    import numba
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def pointer(typing: Any, address: Any) -> Any:
        def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.inttoptr(values[0], context.get_value_type(types.voidptr))

        return types.voidptr(address), lower

    njit: Any = numba.njit
    carray: Any = vars(numba)["carray"]
    at: Any = pointer

    def array(address: int, shape: Any, dtype: Any) -> Any:
        return carray(at(address), shape, dtype)

    return njit(array, forceinline=True, **{**_OPTIONS, "_nrt": True})


_waiting: list[Callable[[], None]] = []


def when_cold(tell: Callable[[], None]) -> None:
    """Have something said once, when the first machine code is about to be compiled."""
    _waiting[:] = [tell]


_kept: dict[Any, Any] = {}  # machine code lives as long as what compiled it


def address(
    name: str,
    source: str,
    arguments: tuple[Any, ...],
    names: Mapping[str, Any],
    functions: Sequence[Callable[..., Any]],
) -> int:
    """The address of machine code for the function `hook` of a source.

    Parameters
    ----------
    name
        what it is called in the cache
    source
        Python text; defines ``hook``, which gives an integer
    arguments
        numba's types of its arguments
    names
        what the source names beside what it imports, record types; ``array(address, shape,
        dtype)`` comes by itself
    functions
        the kernels it calls
    """
    import numba

    known = name, source, arguments, tuple(names.items())
    if known in _kept:
        found: int = _kept[known].address
        return found
    mark = fingerprint(source, str(arguments), repr(names), functions=functions)
    folder = cache_folder(name, mark)
    module = types.ModuleType(f"watersim._{name}")
    if folder is not None:
        path = folder / f"{name}.py"
        _write_once(path, source)
        spec = importlib.util.spec_from_file_location(module.__name__, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        exec(compile(source, f"<{name}>", "exec"), module.__dict__)
    vars(module).update(names, array=_array())
    sys.modules[module.__name__] = module  # numba's cache looks it up by its name
    if _waiting and (folder is None or not any(folder.rglob("*.nbi"))):
        _waiting.pop()()
    with _kept_in(folder) as kept:
        cfunc: Any = numba.cfunc
        made = cfunc(
            numba.types.int64(*arguments), cache=kept, error_model=_OPTIONS["error_model"]
        )(module.hook)
    _kept[known] = made
    return int(made.address)


def _write_once(path: Path, source: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(source, encoding="utf-8")
        part.replace(path)


def plain(function: F, instead: Mapping[str, Callable[..., Any]]) -> F:
    """A kernel as plain Python, with all that it calls, and some of that replaced.

    Parameters
    ----------
    function
        a kernel, compiled or not
    instead
        qualified name (``watersim.allocation.fill.fill``) → what is called in its place
    """
    worlds: dict[str, dict[str, Any]] = {}

    def world(module: str) -> dict[str, Any]:
        if module not in worlds:
            worlds[module] = dict(vars(sys.modules[module]))
            for name, value in worlds[module].items():
                if getattr(value, _MARK, False) is True:
                    worlds[module][name] = copy(value)
        return worlds[module]

    def copy(value: Any) -> Any:
        own = getattr(value, "py_func", value)
        other = instead.get(f"{own.__module__}.{own.__name__}")
        return other or types.FunctionType(own.__code__, world(own.__module__), own.__name__)

    made: F = copy(function)
    return made
