"""A run step by step, for rules of one's own between the steps (slower than `run`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from watersim.closure import require
from watersim.compile import compile
from watersim.engine import Engine
from watersim.errors import InputError, Problem
from watersim.forcing import unfit
from watersim.results import label
from watersim.rules import Rule, Rules
from watersim.scenario import Scenario
from watersim.simulation import initial_states, resumed


class Stepper:
    """One realization of a scenario, advanced one step at a time.

    Attributes
    ----------
    t
        number of the next step
    time
        its start, datetime64[D]; None at the end
    """

    def __init__(self, scenario: Scenario, rules: Mapping[str, Rule] | None = None) -> None:
        self._compiled = resumed(compile(scenario))
        self._rules = Rules(self._compiled, rules)
        own = tuple(members.u[np.newaxis].copy() for members in self._compiled.members)
        self._engine = Engine(self._compiled, 1, own, initial_states(self._compiled))
        self._fallbacks = 0
        self.t = 0

    @property
    def time(self) -> np.datetime64 | None:
        """Start of the next step, None when the run is done."""
        starts = self._compiled.scenario.timeline.starts
        return starts[self.t] if self.t < starts.size else None

    @property
    def storage(self) -> dict[str, float]:
        """Storage of every reservoir and lake now, m3."""
        return {
            name: float(self._engine.state(self.t, m, "storage")[0, k])
            for m, members in enumerate(self._compiled.members)
            if "storage" in (members.x.dtype.names or ())
            for k, name in enumerate(members.names)
        }

    def forcing(self, name: str) -> float:
        """A forcing of the next step, SI: ``upper_talas.runoff``, ``zhambyl.requirement``."""
        member, key, k = self._find(name)
        return float(self._engine.forcing[member][key][0, self.t, k])

    def step(self, changes: Mapping[str, float] | None = None) -> None:
        """Advance one step, with some of its forcing changed (SI, same names as `forcing`).

        Raises
        ------
        InputError
            for an unknown name, a value that is negative or not finite, or after the last step.
        ModelError
            if a rule raises, or gives what is no flow.
        """
        if self.time is None:
            raise InputError("the run is at its end; there is no further step")
        given = {name: (self._find(name), value) for name, value in (changes or {}).items()}
        problems = [
            Problem(f"{fault} (got {value})", key=name)
            for name, (_, value) in given.items()
            if (fault := unfit(value) or ("must be one number" if np.ndim(value) else ""))
        ]
        if problems:
            raise InputError(problems)
        if self._rules:
            self._rules.apply(self._engine, self.t)
        for (member, key, k), value in given.values():
            self._engine.forcing[member][key][0, self.t, k] = value
        self._fallbacks += self._engine.advance(self.t, self.t + 1)
        self.t += 1

    def results(self) -> xr.Dataset:
        """The steps done so far, as `watersim.run` gives them; the balance is closed.

        Raises
        ------
        ClosureError
            if a balance does not close.
        """
        ds = label(self._compiled, self._engine.outcome(self._fallbacks)).isel(
            time=slice(0, self.t)
        )
        found = require(ds)
        ds.attrs["closure_residual"] = max(found.residual, found.basin)
        return ds

    def _find(self, name: str) -> tuple[int, str, int]:
        node, _, key = name.rpartition(".")
        for m, members in enumerate(self._compiled.members):
            if node in members.names and key in (members.u.dtype.names or ()) and key != "_":
                return m, key, members.names.index(node)
        raise InputError(f"{name}: is not a forcing of this scenario, such as "
                         "upper_talas.runoff")  # fmt: skip


def stepper(scenario: Scenario, rules: Mapping[str, Rule] | None = None) -> Stepper:
    """A scenario to be advanced step by step; `rules` as in `watersim.run`."""
    return Stepper(scenario, rules)
