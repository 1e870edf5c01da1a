"""Functions of the user's own, called between steps: what is known → the release that a policy asks for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from watersim.compile import Compiled
from watersim.described import Policy
from watersim.engine import Engine
from watersim.errors import InputError, ModelError, Problem
from watersim.files import display
from watersim.forcing import unfit
from watersim.scenario import Scenario


@dataclass(frozen=True)
class Situation:
    """What is known before a step.

    Attributes
    ----------
    time
        the first day of the step, datetime64[D]
    seconds
        its length, s
    storage
        of every reservoir and lake now, m3
    inflow
        of every river node in the step before, m3/s; 0 before the first
    realization
        its number, from 0
    """

    time: np.datetime64
    seconds: float
    storage: Mapping[str, float]
    inflow: Mapping[str, float]
    realization: int
    _forcing: Callable[[str], float]

    def forcing(self, name: str) -> float:
        """A forcing of this step, SI, such as ``farm.requirement``; KeyError if there is none."""
        return self._forcing(name)


Rule = Callable[[Situation], float]


def functions(scenario: Scenario) -> dict[str, str]:
    """The policies that call a function, by name, and the name of the function."""
    return {
        name: policy.function_name()
        for name, policy in scenario.policies.items()
        if isinstance(policy, Policy) and policy.function_name()
    }


def read_rules(path: Path) -> dict[str, Rule]:
    """The functions of a Python file, which is executed.

    Raises
    ------
    InputError
        if it is not there, or raises while it is read.
    """
    spec = importlib.util.spec_from_file_location("watersim_rules", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(Problem("is not a Python file; name one that defines the functions",
                                 display(path)))  # fmt: skip
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        message = f"raised {_said(error)} while it was read; correct it"
        raise InputError(Problem(message, display(path))) from error
    return {name: value for name, value in vars(module).items() if callable(value)}


class Rules:
    """The functions of a run, ready to be called before every step.

    Raises
    ------
    InputError
        if a policy names a function that is not given.
    """

    def __init__(self, compiled: Compiled, given: Mapping[str, Rule] | None) -> None:
        self.compiled = compiled
        wanted, rules = functions(compiled.scenario), dict(given or {})
        known = ", ".join(sorted(rules)) or "none"
        problem = compiled.scenario.description.problem
        lacking = [
            problem(("policies", name, "function"),
                    f"is not among the functions given (got {function}; given are {known}); give "
                    "it with --rules FILE, or with run(…, rules={…})")
            for name, function in wanted.items() if function not in rules
        ]  # fmt: skip
        if lacking:
            raise InputError(lacking)
        self.by_policy = {name: rules[function] for name, function in wanted.items()}
        self.members = [
            (m, k, name)
            for m, own in enumerate(compiled.members)
            for k, name in enumerate(own.names)
            if name in self.by_policy
        ]

    def __bool__(self) -> bool:
        return bool(self.by_policy)

    def apply(self, engine: Engine, t: int) -> None:
        """Call every function for step t and every realization, and write what it gives.

        Raises
        ------
        ModelError
            if a function raises, or gives what is no flow.
        """
        situations = [self._situation(engine, t, r) for r in range(engine.realizations)]
        for m, k, name in self.members:
            values = np.array([self._call(name, own) for own in situations])
            engine.force(t, m, "release", k, values)

    def _call(self, name: str, situation: Situation) -> float:
        rule, day = self.by_policy[name], situation.time
        function = functions(self.compiled.scenario)[name]
        where = f"policies.{name}: {function}() in the step that starts on {day}"
        try:
            value = rule(situation)
        except Exception as error:
            raise ModelError(f"{where} raised {_said(error)}") from error
        if np.ndim(value) or unfit(value):
            fault = unfit(value) or "must be one number"
            raise ModelError(f"{where} gave {value!r}; it {fault}, a flow in m3/s")
        return float(value)

    def _situation(self, engine: Engine, t: int, r: int) -> Situation:
        scenario = self.compiled.scenario
        storage = {
            name: float(engine.state(t, m, "storage")[r, k])
            for m, own in enumerate(self.compiled.members)
            if "storage" in (own.x.dtype.names or ())
            for k, name in enumerate(own.names)
        }
        flows = engine.inflow(t - 1, r) if t > 0 else np.zeros(len(scenario.network.sections))
        return Situation(
            time=scenario.timeline.starts[t],
            seconds=float(self.compiled.seconds[t]),
            storage=storage,
            inflow=dict(zip(scenario.network.sections, flows.tolist(), strict=True)),
            realization=r,
            _forcing=lambda name: self._forcing(engine, t, r, name),
        )

    def _forcing(self, engine: Engine, t: int, r: int, name: str) -> float:
        member, _, key = name.rpartition(".")
        for m, own in enumerate(self.compiled.members):
            if member in own.names and key in (own.u.dtype.names or ()) and key != "_":
                values = engine.forcing[m][key]
                return float(values[min(r, values.shape[0] - 1), t, own.names.index(member)])
        raise KeyError(f"{name} is not a forcing of this scenario")


def _said(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
