"""Grid: the plants that serve one energy requirement together, its pumps, exchanges and trade."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import ENERGY, Step
from watersim.described import Claim, EnergyRequirement, Node, Place, Standing
from watersim.fields import Described, Report, Varying, field, quantity, varying
from watersim.jit import kernel
from watersim.levels import Table
from watersim.records import record


class Trade(Described):
    """Energy bought or sold across the border of the power system."""

    capacity: Annotated[Varying, varying("power")] = field("the most that the lines carry")
    price: Annotated[float, quantity("energy price")] = field("the price of the energy")


class Grid(Node):
    """A power system: ``E ≤ Σ e_k q_k`` over its plants, e_k the energy of a m3 at their head.

    Each q_k is at most what the plant can pass and what flows there: water that passes several
    plants serves in each of them. It does not matter which plant serves, so that the others may
    keep their water; what the plants generate beyond the requirement counts as theirs.

    What pumped canals take adds to the requirement: E of the second pass holds the pumping of the
    first, the deficit that of the step. What an `exchange` brings lowers it.

    What the plants make beyond it (they pass water that others need) goes to the exchanges in
    proportion to what they take at most, then to export up to its limit. What they lack is imported
    as far as the lines carry it, and the rest is deficit: import never takes the place of water.
    """

    kind: Literal["grid"]
    plants: list[str] = field("the plants that serve it")
    energy_requirement: EnergyRequirement = field(
        "energy asked of the plants together, with its priority"
    )
    pumps: list[str] = field("the pumped canals that it feeds", default=[])
    imports: Trade | None = field("energy bought where the plants lack it", default=None)
    exports: Trade | None = field("energy sold where the plants have it over", default=None)

    order: ClassVar[int] = 35
    settled_last: ClassVar[bool] = True
    place: ClassVar[Standing] = "grid"
    family: ClassVar[str] = "grid"
    reports: ClassVar = (
        Report("grid_energy", "J", "energy its plants generated in the step", "diagnostic"),
        Report("grid_energy_requirement", "J", "energy asked of its plants together in the step, "
               "that of its pumps included, less other generation and what exchanges bring",
               "diagnostic"),
        Report("grid_pumping_energy", "J", "of it what the canals it feeds pumped with",
               "diagnostic"),
        Report("grid_energy_deficit", "J", "requirement that they did not generate and import did "
               "not bring", "diagnostic"),
        Report("grid_received_energy", "J", "energy that exchanges brought", "diagnostic"),
        Report("grid_given_energy", "J", "surplus of its plants that exchanges took", "diagnostic"),
        Report("grid_imported_energy", "J", "energy bought", "diagnostic"),
        Report("grid_exported_energy", "J", "energy sold", "diagnostic"),
        Report("grid_cost", "USD", "what the import cost, less what the export earned",
               "diagnostic", signed=True),
    )  # fmt: skip
    parameter_record: ClassVar = record(
        "claim:i", "part:i", "parts:i", "pumps:i", "trade:i", "trades:i", "import_price",
        "export_price",
    )  # fmt: skip
    forcing_record: ClassVar = record("energy", "other_generation", "imports", "exports")
    part_record: ClassVar = record("plant:i", "transfer:i", "pump:i")

    def claims(self) -> list[Claim]:
        return [Claim("", ENERGY, self.energy_requirement.priority, "energy")]

    def served_by(self) -> list[str]:
        return self.plants

    def feeds(self) -> list[str]:
        return self.pumps

    def needs_second_pass(self) -> bool:
        return bool(self.pumps)

    def forcing(self) -> Mapping[str, Varying | None]:
        asked = self.energy_requirement
        return {
            "energy": asked.energy,
            "other_generation": asked.other_generation,
            "imports": self.imports.capacity if self.imports else None,
            "exports": self.exports.capacity if self.exports else None,
        }

    def parameters(self, place: Place) -> Mapping[str, float]:
        first, count = place.trades()
        return {
            "claim": place.claim(""),
            "part": place.part(),
            "parts": len(self.plants),
            "pumps": len(self.pumps),
            "trade": first,
            "trades": count,
            "import_price": self.imports.price if self.imports else 0.0,
            "export_price": self.exports.price if self.exports else 0.0,
        }

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        plants = [{"plant": place.plant(p), "transfer": place.transfer(p)} for p in self.plants]
        return [*plants, *({"pump": place.pump(canal)} for canal in self.pumps)]

    def part_forcing(self) -> list[Mapping[str, Any]]:
        return [{} for _ in (*self.plants, *self.pumps)]

    def references(self) -> Iterator[tuple[str, str]]:
        for k, plant in enumerate(self.plants):
            yield f"plants.{k}", plant
        for k, canal in enumerate(self.pumps):
            yield f"pumps.{k}", canal

    def coordinates(self) -> dict[str, Any]:
        return {"plants": " ".join(self.plants), "pumps": " ".join(self.pumps)}

    def problems(self, tables: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
        if not self.plants:
            yield "plants", "is empty: nothing generates; name the plants that serve the grid"
        for key, names in (("plants", self.plants), ("pumps", self.pumps)):
            for k, name in enumerate(names):
                if name in names[:k]:
                    yield f"{key}.{k}", f"names '{name}' a second time; name it once"


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        out, claim = y[i], s.claim[p[i].claim]
        parts = range(p[i].part, p[i].part + p[i].parts)
        _ask(p[i], u[i], out, q, s, dt)
        for l in range(claim.need.size):
            asked = out.grid_energy_requirement[l]
            whole, most = 0.0, 0.0
            for k in parts:
                plant = s.plant[q[k].plant]
                whole += plant.per_m3[l]
                most += plant.per_m3[l] * plant.most[l]
            # in m3 through all plants at once, so that energy is of the order of the water
            claim.need[l] = min(asked, most) / whole if whole > 0.0 else 0.0
            for k in parts:
                plant, turbine = s.plant[q[k].plant], s.transfer[q[k].transfer]
                turbine.cap[l] = plant.most[l]
                turbine.worth[l] = plant.per_m3[l] / whole if whole > 0.0 else 0.0


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        out, claim = y[i], s.claim[p[i].claim]
        parts = range(p[i].part, p[i].part + p[i].parts)
        _ask(p[i], u[i], out, q, s, dt)
        for l in range(claim.need.size):
            made, whole = 0.0, 0.0
            for k in parts:
                made += s.plant[q[k].plant].energy[l]
                whole += s.plant[q[k].plant].per_m3[l]
            out.grid_energy[l] = made
            lacks = max(0.0, out.grid_energy_requirement[l] - made)
            over = max(0.0, made - out.grid_energy_requirement[l])
            wanted = 0.0
            for k in range(p[i].trade, p[i].trade + p[i].trades):
                wanted += s.trade[k].wants[l]
            part = over / wanted if wanted > over else 1.0
            for k in range(p[i].trade, p[i].trade + p[i].trades):
                s.trade[k].taken[l] = part * s.trade[k].wants[l]
            out.grid_given_energy[l] = min(wanted, over)
            over -= out.grid_given_energy[l]
            bought = min(lacks, u[i].imports[l] * dt)
            sold = min(over, u[i].exports[l] * dt)
            out.grid_imported_energy[l] = bought
            out.grid_exported_energy[l] = sold
            out.grid_energy_deficit[l] = lacks - bought
            out.grid_cost[l] = bought * p[i].import_price - sold * p[i].export_price
            claim.supply[l] = min(claim.need[l], made / whole) if whole > 0.0 else 0.0


@kernel
def _ask(own: Any, u: Any, out: Any, q: Any, s: Step, dt: float) -> None:
    """Write what is asked of the plants: requirement and pumps, less what comes from elsewhere."""
    first = own.part + own.parts
    for l in range(out.grid_pumping_energy.size):
        out.grid_pumping_energy[l] = 0.0
    for k in range(first, first + own.pumps):
        pump = s.pump[q[k].pump]
        for l in range(out.grid_pumping_energy.size):
            out.grid_pumping_energy[l] += pump.energy[l]
    for l in range(out.grid_pumping_energy.size):
        asked = (u.energy[l] - u.other_generation[l]) * dt
        asked = max(0.0, asked + out.grid_pumping_energy[l])
        offered = 0.0
        for k in range(own.trade, own.trade + own.trades):
            offered += s.trade[k].offers[l]
        part = asked / offered if offered > asked else 1.0
        for k in range(own.trade, own.trade + own.trades):
            s.trade[k].used[l] = part * s.trade[k].offers[l]
        out.grid_received_energy[l] = min(offered, asked)
        out.grid_energy_requirement[l] = asked - out.grid_received_energy[l]
