"""The peers, and an environment of its own for each, made when first asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A programme to measure against."""

    name: str
    packages: tuple[str, ...]
    worker: str  # the script beside this file
    solver: str
    most_threads: int


PEERS = (
    # its GLPK comes in two forms; the one by edges is the faster on all networks here
    Peer("pywr 1.31.1 glpk", ("pywr==1.31.1", "pandas<3"), "pywr1_run.py", "glpk-edge", 1),
    Peer("pywr 2.0.0rc1 clp", ("pywr==2.0.0rc1",), "pywr2_run.py", "clp", 2),
)


class AbsentError(Exception):
    """A peer cannot be installed here; says why."""


def default_folder() -> Path:
    """Where environments are kept: ``watersim/peers`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "watersim" / "peers"


def interpreter(peer: Peer, folder: Path) -> Path:
    """The Python of a peer's environment; makes the environment where it is not complete.

    Raises
    ------
    AbsentError
        if the packages cannot be installed.
    """
    home = folder / "-".join(peer.name.split()[:2])
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    complete = home / "complete"
    if complete.exists() and complete.read_text(encoding="utf-8") == repr(peer.packages):
        return python
    print(f"installing {' '.join(peer.packages)} into {home}", file=sys.stderr)
    install = [str(python), "-m", "pip", "install", "-q", "--only-binary", ":all:", *peer.packages]
    for command in ([sys.executable, "-m", "venv", "--clear", str(home)], install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise AbsentError(said[-1] if said else f"{command[2]} ended with {done.returncode}")
    complete.write_text(repr(peer.packages), encoding="utf-8")
    return python
