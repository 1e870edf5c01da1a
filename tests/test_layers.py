"""One direction of imports: a file imports only what stands above it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "watersim"

# from above to below; a folder stands for all of its files
ORDER = [
    "errors",
    "jit",
    "units",
    "records",
    "water",
    "files",
    "yaml_source",
    "sheet",
    "table",
    "timeline",
    "series",
    "number",
    "form",
    "fields",
    "dated",
    "ground",
    "loss",
    "allocation",
    "arrays",
    "curves",
    "step",
    "river",
    "allot",
    "loop",
    "described",
    "crops",
    "waterway",
    "levels",
    "demand",
    "operation",
    "settlement",
    "nodes",
    "links",
    "agreements",
    "policies",
    "registry",
    "network",
    "foresight",
    "document",
    "faults",
    "definitions",
    "sources",
    "forcing",
    "checks",
    "reader",
    "scenario",
    "columns",
    "forecast",
    "forecast_table",
    "facts",
    "limits",
    "plan",
    "absent",
    "layout",
    "orders",
    "matrices",
    "compile",
    "hooks",
    "engine",
    "rules",
    "labels",
    "results",
    "netcdf",
    "closure",
    "verify",
    "simulation",
    "planning",
    "stepping",
    "metrics",
    "score",
    "bounds",
    "accounts",
    "harvest",
    "plots",
    "moments",
    "reasons",
    "remarks",
    "text_table",
    "summary",
    "plan_tables",
    "plan_workbook",
    "plan_files",
    "cases",
    "comparison",
    "gains",
    "comparison_page",
    "accessor",
    "show",
    "schema",
    "shipped",
    "jobs",
    "cli",
    "__main__",
]

MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def layer(name: str) -> str:
    """The entry of ORDER that a module `watersim.x.y` belongs to."""
    return name.removeprefix("watersim.").split(".")[0]


def imported(path: Path) -> set[str]:
    """The watersim modules a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = (
                [node.module]
                if node.module != "watersim"
                else [
                    f"watersim.{alias.name}" for alias in node.names if alias.name != "__version__"
                ]
            )
            found |= {name for name in names if name.startswith("watersim.")}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("watersim.")}
    return found


def test_every_module_stands_in_the_order() -> None:
    layers = {path.parts[0].removesuffix(".py") for path in MODULES} - {"__init__"}
    assert layers - set(ORDER) == set()


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__init__.py"], ids=str)
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    own = path.parts[0].removesuffix(".py")
    for name in imported(path):
        assert ORDER.index(layer(name)) <= ORDER.index(own), f"{path} imports {name}"


@pytest.mark.parametrize("family", ["nodes", "links", "agreements", "policies"])
def test_siblings_of_a_family_never_import_each_other(family: str) -> None:
    for path in (p for p in MODULES if p.parts[0] == family):
        assert not {n for n in imported(path) if layer(n) == family}, path


def test_importing_watersim_imports_nothing_heavy() -> None:
    code = "import sys, watersim; print(sorted({'numba', 'xarray', 'pydantic', 'matplotlib', " \
        "'numpy', 'ruamel'} & set(sys.modules)))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_a_scenario_does_not_import_the_compiler_or_figures() -> None:
    scenario = PACKAGE.parent / "scenarios" / "talas" / "baseline.yaml"
    code = f"import sys, watersim; watersim.load({str(scenario)!r}); " \
        "print(sorted({'numba', 'xarray', 'matplotlib', 'highspy'} & set(sys.modules)))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_stay_what_they_are_whatever_was_imported() -> None:
    code = (
        "import watersim, watersim.simulation, watersim.stepping, watersim.comparison; "
        "print(all(callable(getattr(watersim, name)) for name in watersim.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
