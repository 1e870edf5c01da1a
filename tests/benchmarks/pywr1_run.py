"""Pywr 1 (GLPK) as a worker; runs in an environment of its own, through its public classes."""

from __future__ import annotations

from typing import Any

import graph
import numpy as np
import pandas as pd
from pywr.core import Input, Link, Model, Output, Scenario, Storage
from pywr.parameters import ArrayIndexedParameter, ArrayIndexedScenarioParameter
from pywr.recorders import NumpyArrayNodeRecorder, NumpyArrayStorageRecorder
from worker import Run, Totals, clock, serve


def build(job: dict[str, Any], plan: graph.Graph) -> tuple[Model, dict[str, Any]]:
    """The model and the recorder of each node that is summed or stores."""
    steps = len(job["months"])
    model = Model(solver=job["solver"])
    model.timestepper.start = pd.Timestamp("1900-01-01")
    model.timestepper.end = model.timestepper.start + pd.Timedelta(days=steps - 1)
    model.timestepper.delta = 1
    members = Scenario(model, "member", size=job["realizations"])
    nodes: dict[str, Any] = {}
    for name, values in plan.inputs.items():
        flow = ArrayIndexedScenarioParameter(model, members, np.array(values))
        nodes[name] = Input(model, name, min_flow=flow, max_flow=flow)
    for name, (limit, cost) in plan.links.items():
        nodes[name] = Link(model, name, max_flow=np.inf if limit is None else limit, cost=cost)
    for name, (most, now, cost) in plan.storages.items():
        nodes[name] = Storage(model, name, max_volume=most, initial_volume=now, cost=cost)
    for name, (asked, cost) in plan.outputs.items():
        limit = np.inf if asked is None else ArrayIndexedParameter(model, np.array(asked))
        nodes[name] = Output(model, name, max_flow=limit, cost=cost)
    for upper, lower in plan.edges:
        nodes[upper].connect(nodes[lower])
    summed = [name for names in plan.asked.values() for name in names]
    recorders = {name: NumpyArrayNodeRecorder(model, nodes[name]) for name in summed}
    recorders |= {name: NumpyArrayStorageRecorder(model, nodes[name]) for name in plan.storages}
    return model, recorders


def prepare(job: dict[str, Any]) -> tuple[Run, Totals]:
    """Build the model and set it up; only `Model.run` is timed."""
    plan = graph.build(job)
    model, recorders = build(job, plan)
    model.setup()
    now = clock(job["threads"])

    def run() -> float:
        start = now()
        model.run()
        return now() - start

    def totals() -> dict[str, Any]:
        data = {name: np.asarray(recorder.data) for name, recorder in recorders.items()}
        supply = {
            name: sum(data[node].sum(axis=0) for node in nodes).tolist()
            for name, nodes in sorted(plan.asked.items())
        }
        storage = sum(data[name][-1] for name in plan.storages)
        return {"supply": supply, "storage": storage.tolist()}

    return run, totals


if __name__ == "__main__":
    serve(prepare)
