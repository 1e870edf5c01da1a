"""Marked kernels → cached numba dispatchers, on demand; imports numba only then.

A kernel is written as a plain function and marked with `kernel`. Describing, checking and plotting
never compile: only `compiled()` imports numba, turns every marked function of the loaded watersim
modules into a dispatcher and puts it in place of the plain function in every module that names it.

The cache is a folder of the user's named by a hash of every kernel source and of numba's version,
because numba's own index sees an edit only in the file of the function it compiles, not in the
files of what that function calls: with a fixed folder such an edit would go unnoticed.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__watersim_kernel__"
_ENTRY = "__watersim_entry__"
# kernels allocate nothing: without reference counts, and inlined, an array costs no more than its
# address, and loops over lanes become vector instructions
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "_nrt": False,
}
# called once a step or a pass: inlined too, they make the loop one function that takes a minute
# and more to optimise, and save nothing
_STAGES = {"start", "before", "after", "order", "allot", "available", "ration", "flow", "fill"}


def kernel(function: F) -> F:
    """Mark a function as one that the engine compiles."""
    setattr(function, _MARK, True)
    return function


def entry(function: F) -> F:
    """Mark a kernel as one that plain Python calls; only these are kept between processes."""
    setattr(function, _ENTRY, True)
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


def source_hash() -> str:
    """SHA-256 over the sources of all files that hold a marked kernel, numba's version, options."""
    import numba

    digest = hashlib.sha256(f"{numba.__version__} {_OPTIONS}".encode())
    for path in sorted({f for m in _modules() if (f := _kernel_file(m))}):
        digest.update(Path(path).name.encode())
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:16]


def _kernel_file(module: ModuleType) -> str | None:
    own = any(
        getattr(value, _MARK, False) is True
        and getattr(value, "__module__", None) == module.__name__
        for value in vars(module).values()
    )
    return module.__file__ if own else None


def cache_folder() -> Path | None:
    """The folder for this state of the kernels, made if absent; None where none can be written."""
    base = os.environ.get("WATERSIM_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    folder = root / "watersim" / f"kernels-{source_hash()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return None
    return folder


def compiled(folder: Path | None) -> None:
    """Turn every marked function into a cached dispatcher, in every module that names it.

    Parameters
    ----------
    folder
        where numba keeps the machine code; None compiles without a cache.
    """
    if disabled():
        return
    import numba

    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder) if folder else before
    try:
        made: dict[int, Any] = {}
        njit: Any = numba.njit
        for module in _modules():
            for name, value in list(vars(module).items()):
                if is_kernel(value):
                    if id(value) not in made:
                        called = getattr(value, _ENTRY, False)
                        made[id(value)] = njit(
                            value,
                            cache=called and folder is not None,
                            forceinline=value.__name__ not in _STAGES,
                            **_OPTIONS,
                        )
                        setattr(made[id(value)], _MARK, True)
                    setattr(module, name, made[id(value)])
    finally:
        config.CACHE_DIR = before


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
