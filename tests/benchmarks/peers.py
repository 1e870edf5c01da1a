"""Ours beside Pywr 1.31.1 (GLPK) and Pywr 2.0.0rc1 (CLP): speed and results on the same networks.

Each engine runs in a process of its own, pinned to as many cores as it has threads, the peers in
environments that are made when first needed. The engines take turns; the best turn counts. One
thread is timed in seconds of the processor, two on the wall.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bars import agreement, speed
from environments import PEERS, AbsentError, default_folder, interpreter
from measure import Case, Record, measure
from ours import FULL
from process import OURS, Engine
from report import checked, grown, measured
from rivers import NETWORKS
from slopes import growths

SCENARIOS = {"month": (1, 50), "day": (1, 10)}  # by step, unless told otherwise
THREADS = (1, 2)
QUIET = 0.5  # processes that run or wait, in the last minute


def engines(folder: Path) -> list[Engine]:
    """The peers that can be had here; others are named on stderr."""
    found = []
    for peer in PEERS:
        try:
            python = str(interpreter(peer, folder))
        except AbsentError as reason:
            print(f"{peer.name} is absent: {reason}", file=sys.stderr)
            continue
        found.append(Engine(peer.name, python, peer.worker, peer.solver, peer.most_threads))
    return found


def records(
    names: Sequence[str], scenarios: Sequence[int] | None, peers: Sequence[Engine], repeat: int
) -> list[Record]:
    """Every network with every number of scenarios; two threads where there are several."""
    found = []
    for name in names:
        network = NETWORKS[name]()
        running = [OURS, *([] if name == FULL else peers)]
        for count in scenarios or SCENARIOS[network.step]:
            numbers = THREADS if count > 1 else THREADS[:1]
            print(f"{name}, {count} scenarios", file=sys.stderr)
            cases = [
                Case(engine, network, count, threads)
                for engine in running
                for threads in numbers
                if threads <= engine.most_threads
            ]  # in the same turns, so that a busy minute falls on one thread and on two
            found += measure(cases, repeat)
    return found


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print records instead of tables")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--scenarios", nargs="+", type=int, help="default: 1 50, of days 1 10")
    parser.add_argument("--repeat", type=int, default=5, help="turns of each engine (default: 5)")
    parser.add_argument("--without-peers", action="store_true", help="only ours")
    parser.add_argument("--slopes", action="store_true", help="how the cost grows with the size")
    parser.add_argument("--environments", type=Path, default=default_folder(), metavar="DIR",
                        help="where the peers' environments are kept (default: %(default)s)")  # fmt: skip
    given = parser.parse_args()

    if hasattr(os, "getloadavg") and os.getloadavg()[0] > QUIET:
        print(f"the machine is busy (load {os.getloadavg()[0]:.1f}): times on two threads are much "
              "too long, those on one somewhat", file=sys.stderr)  # fmt: skip
    peers = [] if given.without_peers else engines(given.environments)
    found = records(given.networks, given.scenarios, peers, given.repeat)
    grew = growths(given.repeat) if given.slopes else []
    if given.json:
        grown_records = [record for growth in grew for record in growth.records]
        print(json.dumps([asdict(record) for record in [*found, *grown_records]], indent=1))
        return
    print(measured(found))
    if grew:
        print(f"\n{grown(grew)}")
    bars = [*speed(found), *agreement(found), *(growth.bar() for growth in grew)]
    if bars:
        print(f"\n{checked(bars)}")


if __name__ == "__main__":
    main()
