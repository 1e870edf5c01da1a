"""Pywr 2 (CLP) as a worker; runs in an environment of its own, through its JSON and `Model.run`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import graph
import pyarrow as pa
import pyarrow.compute as pc
from pywr import ModelSchema
from worker import Run, Totals, clock, serve

START = datetime(1900, 1, 1)


def literal(value: float) -> dict[str, Any]:
    """A constant."""
    return {"type": "Literal", "value": value}


def series(name: str) -> dict[str, Any]:
    """A time series in a file of `write_series`."""
    return {"type": "Arrow", "meta": {"name": name}, "path": f"{name}.arrow", "time_col": "time"}


def schema(plan: graph.Graph, steps: int, realizations: int) -> dict[str, Any]:
    """The model as its JSON schema wants it."""
    nodes: list[dict[str, Any]] = []

    def add(kind: str, name: str, **values: object) -> None:
        nodes.append({"type": kind, "meta": {"name": name}, **values})

    for name in plan.inputs:
        columns = {"type": "Scenario", "name": "member"}
        add("Catchment", name, flow={"type": "TimeSeries", "name": name, "columns": columns})
    for name, (limit, cost) in plan.links.items():
        most_flow = {} if limit is None else {"max_flow": literal(limit)}
        add("Link", name, cost=literal(cost), **most_flow)
    for name, (most, now, cost) in plan.storages.items():
        initial = {"type": "Absolute", "volume": now}
        add("Storage", name, cost=literal(cost), max_volume=literal(most), initial_volume=initial)
    for name, (asked, cost) in plan.outputs.items():
        column = {"type": "Column", "name": name}
        flow = {"type": "TimeSeries", "name": "asked", "columns": column}
        add("Output", name, cost=literal(cost), **({} if asked is None else {"max_flow": flow}))
    watched = [
        *(("Node", name, "Inflow") for names in plan.asked.values() for name in names),
        *(("Node", name, "Volume") for name in plan.storages),
    ]
    return {
        "metadata": {"title": "benchmark"},
        "time": {
            "start": START.date().isoformat(),
            "end": (START + timedelta(days=steps - 1)).date().isoformat(),
            "timestep": {"type": "Days", "days": 1},
        },
        "scenarios": {"groups": [{"name": "member", "size": realizations}]},
        "network": {
            "nodes": nodes,
            "edges": [{"from_node": a, "to_node": b} for a, b in plan.edges],
            "time_series": [series(name) for name in [*plan.inputs, "asked"]],
            "metric_sets": [
                {
                    "meta": {"name": "watched"},
                    "metrics": [{"type": t, "name": n, "attribute": a} for t, n, a in watched],
                }
            ],
            "outputs": [{"type": "Memory", "meta": {"name": "kept"}, "metric_set": "watched"}],
        },
    }


def write_series(plan: graph.Graph, steps: int, folder: Path) -> None:
    """Inflow of every catchment with a column per realization, and what every output asks for."""
    times = pa.array([START + timedelta(days=t) for t in range(steps)], pa.timestamp("ms"))
    tables = {
        name: {f"m{k:05d}": list(values) for k, values in enumerate(zip(*rows, strict=True))}
        for name, rows in plan.inputs.items()
    }
    tables["asked"] = {name: flow for name, (flow, _) in plan.outputs.items() if flow is not None}
    for name, columns in tables.items():
        table = pa.table({"time": times, **columns})
        with pa.ipc.new_file(str(folder / f"{name}.arrow"), table.schema) as writer:
            writer.write_table(table)


def by_node_and_member(table: pa.Table) -> dict[tuple[str, int], float]:
    """The sum of what was kept, by the node's name and the scenario's number."""
    sums = table.group_by(["name", "simulation_id"]).aggregate([("value", "sum")])
    keys = zip(sums["name"].to_pylist(), sums["simulation_id"].to_pylist(), strict=True)
    return dict(zip(keys, sums["value_sum"].to_pylist(), strict=True))


def prepare(job: dict[str, Any]) -> tuple[Run, Totals]:
    """Build the model; only `Model.run` is timed."""
    plan, steps = graph.build(job), len(job["months"])
    threads, now = job["threads"], clock(job["threads"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_series(plan, steps, folder)
        (folder / "model.json").write_text(
            json.dumps(schema(plan, steps, job["realizations"])), encoding="utf-8"
        )
        model = ModelSchema.from_path(folder / "model.json").build(folder, folder)
    last: list[Any] = []

    def run() -> float:
        settings = {"threads": threads, **({"parallel": True} if threads > 1 else {})}
        start = now()
        last[:] = [model.run(job["solver"], settings)]
        return now() - start

    def totals() -> dict[str, Any]:
        kept = pa.Table.from_batches([last[0].network_result.to_record_batch("kept")])
        summed = by_node_and_member(kept)
        ends = pc.equal(kept["time_start"], pc.max(kept["time_start"]))
        stored = by_node_and_member(kept.filter(ends))
        members = range(job["realizations"])

        def total(values: dict[tuple[str, int], float], names: Iterable[str]) -> list[float]:
            names = list(names)
            return [sum(values[name, member] for name in names) for member in members]

        return {
            "supply": {name: total(summed, nodes) for name, nodes in sorted(plan.asked.items())},
            "storage": total(stored, plan.storages),
        }

    return run, totals


if __name__ == "__main__":
    serve(prepare)
