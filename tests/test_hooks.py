"""What the loop calls: in which order, of which kinds, and when its machine code is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from basins import Basin

from watersim import hooks, jit, registry
from watersim.allot import allot
from watersim.compile import compile
from watersim.engine import Engine
from watersim.nodes import hydropower, reservoir

RIVER = """
parties: {KZ: Kazakhstan}
nodes:
  spring: {kind: catchment, runoff: 10 m3/s}
  town: {kind: municipal, at: lower, priority: 1, party: KZ, requirement: 4 m3/s}
  lower: {kind: junction}
  mouth: {kind: junction}
  sea: {kind: terminal}
rivers: [spring > lower > mouth > sea]
"""


def numbers(*names: str) -> list[bool]:
    return [kind.name() in names for kind in registry.every_kind()]


def test_kinds_go_in_their_order_and_come_back_in_reverse() -> None:
    every = hooks.hooks_of([True] * len(registry.every_kind()))
    of = {name: [hook for hook in every if hook.name == name] for name in hooks.NAMES}
    for name in ("start", "force", "before"):
        assert [hook.k for hook in of[name]] == sorted(hook.k for hook in of[name])
    settled = [hook.kind.settled_last for hook in of["after"]]
    assert settled == sorted(settled)
    assert any(settled)
    for last in (False, True):
        ks = [hook.k for hook in of["after"] if hook.kind.settled_last is last]
        assert ks == sorted(ks, reverse=True)


def test_only_kinds_in_use_are_called() -> None:
    found = {hook.kind.name() for hook in hooks.hooks_of(numbers("reservoir", "catchment"))}
    assert found == {"reservoir", "catchment"}


def test_code_is_kept_until_a_kernel_it_reaches_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = (jit.fingerprint(functions=(f,)) for f in (reservoir.before, allot))
    assert here != there
    read = Path.read_bytes

    def edited(path: Path) -> bytes:
        return read(path) + (b"#" if path.name == Path(reservoir.__file__).name else b"")

    monkeypatch.setattr(Path, "read_bytes", edited)
    assert jit.fingerprint(functions=(reservoir.before,)) != here
    assert jit.fingerprint(functions=(allot,)) == there


def test_code_is_compiled_anew_when_a_constant_it_names_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = jit.fingerprint(functions=(hydropower.before,))
    own = getattr(hydropower.before, "py_func", hydropower.before)
    monkeypatch.setitem(own.__globals__, "JOULE_PER_M3_AND_METRE", 9900.0)
    assert jit.fingerprint(functions=(hydropower.before,)) != before


SCRIPT = """
import numba
from watersim import jit

cold = []
jit.when_cold(lambda: cold.append(1))
source = "def hook(a, b):\\n    return a + step * b\\n"
kinds = numba.int64, numba.int64
jit.address("sum", source, kinds, {"step": STEP}, ())
print(len(cold))
"""


def test_machine_code_is_found_by_the_next_process_and_told_when_it_is_not(tmp_path: Path) -> None:
    environment = {**os.environ, "WATERSIM_CACHE_DIR": str(tmp_path)}
    environment.pop("NUMBA_DISABLE_JIT", None)

    def run(step: int) -> str:
        done = subprocess.run([sys.executable, "-c", SCRIPT.replace("STEP", str(step))],
                              env=environment, capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert [run(2), run(2), run(3), run(2)] == ["1", "0", "1", "0"]


def test_realizations_of_their_own_forcing_are_not_overwritten(basin: Basin) -> None:
    compiled = compile(basin.load(RIVER))
    k = [kind.name() for kind in registry.every_kind()].index("catchment")
    forcing = [members.u[None] for members in compiled.members]
    forcing[k] = forcing[k].repeat(3, 0)
    forcing[k]["runoff"][1:] *= [[[2.0]], [[3.0]]]
    engine = Engine(compiled, 3, tuple(forcing))
    engine.advance(0, compiled.seconds.size)
    first = engine.outcome().inflow.sum(axis=2)
    assert (first[1] > first[0]).all()
    assert (first[2] > first[1]).all()


def test_steps_that_a_run_does_not_have_are_refused(basin: Basin) -> None:
    engine = Engine(compile(basin.load(RIVER)), 1)
    with pytest.raises(IndexError, match="steps 0 to 2 of 1"):
        engine.advance(0, 2)
