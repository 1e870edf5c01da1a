"""Shares: parties divide a resource; each has an account of what it was given and what it took."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Agreement, Cap, Days, Place
from watersim.fields import (
    Described,
    Opening,
    Report,
    Varying,
    Window,
    field,
    quantity,
    varying,
)
from watersim.jit import kernel
from watersim.records import record
from watersim.settlement import STORE, settle, settle_store
from watersim.units import UNITS, parse_quantity

WHOLE = 1e-9  # of all shares; a smaller misfit is rounding of what was written
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DIVERSION, CONSUMPTION, ARRIVAL = 0, 1, 2
# what a part of an account is, besides a STORE
SITE, RETURN, RUNOFF, EXPECTED, INFLOW, GAUGE = 0, 1, 2, 3, 4, 5


class TakenAbove(Described):
    """Use above the record, which it lacks: part of the resource, charged at once."""

    party: str = field("the party that takes it")
    volume: Annotated[Varying, varying("flow")] = field("the volume of a year, in hm3/year")
    months: list[int] = field("the months, 1 to 12, in which it is taken evenly")

    def flow(self) -> Varying:
        """The same as a flow that varies by month."""
        number, unit = parse_quantity(str(self.volume.constant))
        days = [n if m + 1 in self.months else 0 for m, n in enumerate(DAYS)]
        shares = [100.0 * n / sum(days) for n in days]
        return Varying(
            dimension="flow", annual=f"{number * UNITS[unit].factor!r} m3", shares=shares, unit="%"
        )


class Resource(Described):
    """What is divided: exactly one of `inflow_of`, `storage_of` and `volume`."""

    inflow_of: list[str] | None = field("catchments and gauges whose flow is divided", default=None)
    taken_above: TakenAbove | None = field(
        "use above them that their record already lacks", default=None
    )
    storage_of: str | None = field("a reservoir whose stored water is divided", default=None)
    volume: Annotated[Varying, varying("flow")] | None = field(
        "a fixed or forecast volume with its course over the year", default=None
    )
    return_flow: bool = field("whether what returns to the river adds to it", default=False)


class Arrival(Described):
    """Parties that are charged what arrives at a gauge; the others are charged diversions."""

    arrival: dict[str, str] = field("the gauge at which a party's water arrives, by party")
    season: Days | None = field("the days that count; without it, all", default=None)


class CarryOver(Described):
    """What of a balance is carried into the next period."""

    limit: Annotated[float, quantity("volume")] | None = field(
        "the most that is carried over; without it, all", default=None
    )
    debt_limit: Annotated[float, quantity("volume")] = field(
        "how far a party may overdraw its account", default=0.0
    )
    repay_within: Annotated[float, quantity("time", least=1.0)] | None = field(
        "the time after which an overdrawn account may not be overdrawn; it falls evenly to that",
        default=None,
    )


class Shares(Agreement):
    """Accounts of a shared resource, one for each party, in m3.

    In every step ``credit = share × resource``, ``charge`` is what the party's sites took, and
    ``balance(end) = balance(start) + credit − charge + adjustment``. Its sites may take at most
    ``max(0, balance(start) + credit + debt allowed)``. The adjustment is what is settled at the end
    of a period, what passes to other parties because the party's share of storage cannot hold it, and
    what is lost.
    """

    kind: Literal["shares"]
    resource: Resource = field("what is divided")
    shares: dict[str, Annotated[float, quantity("fraction", most=1.0)]] = field(
        "the share of each party; together 100 %"
    )
    counts: Literal["diversion", "consumption"] | Arrival = field(
        "what is charged: diversion from the river, consumption, or arrival at a gauge",
        default="diversion",
    )
    period: Literal["decade", "month", "season", "year"] = field("when balances are settled")
    carry_over: CarryOver | None = field(
        "what is carried into the next period; without it, nothing", default=None
    )
    unused: Literal["shared", "kept"] = field(
        "whether a balance above the party's share of storage passes to the others, or is kept",
        default="shared",
    )
    stores: list[str] | None = field(
        "the reservoirs that hold unused water; without it, all of the basin", default=None
    )
    initial_balance: dict[str, Annotated[float, quantity("volume", least=-math.inf)]] | None = (
        field("the balances at the start; without it, shares of what is in store", default=None)
    )

    order: ClassVar[int] = 61
    settled_last: ClassVar[bool] = True
    reports: ClassVar = (
        Report("entitlement", "m3", "share of the resource in the step", "diagnostic"),
        Report("delivered", "m3", "what was charged to the account in the step", "diagnostic"),
        Report("balance", "m3", "account at the end of the step", "state", signed=True),
        Report("adjustment", "m3", "change of the account by settlement, passing on, lapse and "
               "losses", "diagnostic", signed=True),
        Report("account_limit", "m3", "what the party's sites may take in the step", "diagnostic"),
        Report("debt_age", "s", "time for which the account has been overdrawn", "state"),
    )  # fmt: skip
    parameter_record: ClassVar = record(
        "row:i", "part:i", "parts:i", "first:i", "count:i", "share", "counts:i", "above:i",
        "hold", "carries:i", "limit", "debt_limit", "repay_within", "passes:i", "store:i",
    )  # fmt: skip
    forcing_record: ClassVar = record("opens", "volume", "taken_above", "counted")
    part_record: ClassVar = record("what:i", "index:i", "dead")

    def entries(self) -> list[str]:
        return sorted(self.shares)

    def party_counts(self, party: str) -> int:
        """What is charged to a party."""
        if isinstance(self.counts, Arrival):
            return ARRIVAL if party in self.counts.arrival else DIVERSION
        return CONSUMPTION if self.counts == "consumption" else DIVERSION

    def caps(self, owned: Mapping[str, tuple[str, ...]]) -> list[Cap]:
        returning = tuple(
            site for party in self.entries() if self.resource.return_flow
            for site in owned.get(party, ())
        )  # fmt: skip
        return [
            Cap(party, owned.get(party, ()),
                "consumption" if self.party_counts(party) == CONSUMPTION else "diversion",
                returning, self.shares[party])
            for party in self.entries() if self.party_counts(party) != ARRIVAL
        ]  # fmt: skip

    def forcing(self) -> Mapping[str, Varying | Opening | Window | None]:
        season = self.counts.season if isinstance(self.counts, Arrival) else None
        above = self.resource.taken_above
        return {
            "opens": Opening(self.period),
            "volume": self.resource.volume,
            "taken_above": above.flow() if above else None,
            "counted": Window(season.first, season.last, inside=1.0)
            if season
            else Window("01-01", "12-31", inside=1.0),
        }

    def parameters(self, place: Place) -> Mapping[str, float]:
        party, carry, entries = place.entry(), self.carry_over, self.entries()
        above = self.resource.taken_above
        return {
            "row": place.row(party),
            "part": place.part(),
            "parts": len(self.parts(place)),
            "first": place.index() - entries.index(party),
            "count": len(entries),
            "share": self.shares[party],
            "counts": self.party_counts(party),
            "above": above is not None and above.party == party,
            "hold": sum(capacity for _, capacity in self._stores(place))
            * (self.shares[party] if self.unused == "shared" else 1.0),
            "carries": carry is not None,
            "limit": carry.limit if carry and carry.limit is not None else math.inf,
            "debt_limit": carry.debt_limit if carry else 0.0,
            "repay_within": carry.repay_within or math.inf if carry else math.inf,
            "passes": self.unused == "shared",
            "store": place.section(self.resource.storage_of) if self.resource.storage_of else -1,
        }

    def _stores(self, place: Place) -> list[tuple[str, float]]:
        """The reservoirs that hold unused water, and how much each holds above dead storage."""
        names = [self.resource.storage_of] if self.resource.storage_of else self.stores
        found = []
        for name in names if names is not None else place.reservoirs():
            node = place.node(str(name))
            found.append((str(name), getattr(node, "capacity") - getattr(node, "dead_storage")))  # noqa: B009
        return found

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        party, resource = place.entry(), self.resource

        def part(what: int, index: int, dead: float = 0.0) -> Mapping[str, float]:
            return {"what": what, "index": index, "dead": dead}

        found = [part(SITE, place.claim("", site)) for site in place.owned(party)]
        if resource.return_flow:
            found += [part(RETURN, place.claim("", site)) for other in self.entries()
                      for site in place.owned(other)]  # fmt: skip
        measured = [resource.storage_of] if resource.storage_of else resource.inflow_of or []
        for name in measured:
            if type(place.node(name)).name() == "catchment":
                found.append(part(RUNOFF, place.section(name)))
                continue
            found.append(part(INFLOW, place.section(name)))
            found += [part(EXPECTED, place.section(upper)) for upper in place.above(name)
                      if type(place.node(upper)).name() == "catchment"]  # fmt: skip
        for name, _ in self._stores(place):
            dead = getattr(place.node(name), "dead_storage")  # noqa: B009
            found.append(part(STORE, place.section(name), dead))
        if isinstance(self.counts, Arrival) and party in self.counts.arrival:
            found.append(part(GAUGE, place.section(self.counts.arrival[party])))
        return found

    def needs_second_pass(self) -> bool:
        return bool(self.resource.storage_of or self.resource.inflow_of)

    def initial_of(self, place: Place) -> Mapping[str, float]:
        party = place.entry()
        if self.initial_balance is not None:
            return {"balance": self.initial_balance[party], "debt_age": 0.0}
        held = 0.0
        for name, _ in self._stores(place):
            node = place.node(name)
            held += max(0.0, getattr(node, "initial_storage") - getattr(node, "dead_storage"))  # noqa: B009
        return {"balance": self.shares[party] * held, "debt_age": 0.0}

    def parties(self) -> Iterator[tuple[str, str]]:
        for party in self.shares:
            yield f"shares.{party}", party

    def river_references(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        resource = self.resource
        for k, name in enumerate(resource.inflow_of or ()):
            yield f"resource.inflow_of.{k}", name, ("catchment", "gauge")
        if resource.storage_of is not None:
            yield "resource.storage_of", resource.storage_of, ("reservoir",)
        for k, name in enumerate(self.stores or ()):
            yield f"stores.{k}", name, ("reservoir",)
        if isinstance(self.counts, Arrival):
            for party, name in self.counts.arrival.items():
                yield f"counts.arrival.{party}", name, ("gauge",)

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        whole = sum(self.shares.values())
        if abs(whole - 1.0) > WHOLE:
            yield "shares", f"must sum to 100 % (got {100 * whole:g} %); correct them"
        resource = self.resource
        given = [key for key in ("inflow_of", "storage_of", "volume")
                 if getattr(resource, key) is not None]  # fmt: skip
        if len(given) != 1:
            got = " and ".join(given) or "none"
            yield "resource", f"needs one of inflow_of, storage_of and volume (got {got})"
        if resource.inflow_of == []:
            yield "resource.inflow_of", "is empty; name the catchments and gauges that are divided"
        above = resource.taken_above
        if above is not None:
            if resource.inflow_of is None:
                yield "resource.taken_above", "goes with inflow_of only; remove it"
            if above.party not in self.shares:
                known = ", ".join(sorted(self.shares))
                yield (
                    "resource.taken_above.party",
                    f"has no share (got {above.party}); it is one of {known}",
                )
            text = above.volume.constant
            if text is None or UNITS[parse_quantity(text)[1]].per != "year":
                yield "resource.taken_above.volume", "must be one volume per year, as 547 hm3/year"
            wrong = [m for m in above.months if not 1 <= m <= 12]
            if not above.months or wrong or len(set(above.months)) < len(above.months):
                yield "resource.taken_above.months", "must be months from 1 to 12, each once"
        for key, given_for in (
            ("initial_balance", self.initial_balance or {}),
            ("counts.arrival", self.counts.arrival if isinstance(self.counts, Arrival) else {}),
        ):
            for party in given_for:
                if party not in self.shares:
                    known = ", ".join(sorted(self.shares))
                    yield f"{key}.{party}", f"has no share (got {party}); parties are {known}"
        named = self.shares if self.initial_balance is None else self.initial_balance
        without = sorted(set(self.shares) - set(named))
        if without:
            yield (
                "initial_balance",
                f"must name every party (got nothing for {', '.join(without)}); write 0 hm3 where "
                "there is none",
            )
        if resource.storage_of is not None and self.stores is not None:
            yield "stores", "does not go with storage_of, which holds its water itself; remove it"


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        out, had, carries, limit = y[i], x[i], p[i].carries, p[i].limit
        for l in range(out.balance.size):
            balance = had.balance[l]
            if u[i].opens[l] > 0.0:
                balance = min(balance, limit) if carries == 1 else 0.0
            out.balance[l] = balance
            out.entitlement[l] = (u[i].volume[l] + u[i].taken_above[l]) * dt
            out.delivered[l] = u[i].taken_above[l] * dt if p[i].above == 1 else 0.0
            out.adjustment[l] = 0.0  # for now, what its sites can be charged at most
        for k in range(p[i].part, p[i].part + p[i].parts):
            what, index = q[k].what, q[k].index
            if what == SITE:
                claim = s.claim[index]
                counts = p[i].counts
                head = 1.0 / (1.0 - claim.loss)
                part = 1.0 - claim.back if counts == CONSUMPTION else head
                for l in range(out.balance.size):
                    out.adjustment[l] += claim.need[l] * part
            elif what == RETURN:
                claim = s.claim[index]
                for l in range(out.balance.size):
                    out.entitlement[l] += claim.ground[l]
            elif what == RUNOFF or (what == EXPECTED and again == 0):
                at = s.at[index]
                for l in range(out.balance.size):
                    out.entitlement[l] += at.runoff[l]
            elif what == INFLOW and again == 1:
                at = s.at[index]
                for l in range(out.balance.size):
                    out.entitlement[l] += at.inflow[l]
        debt, repay = p[i].debt_limit, p[i].repay_within
        for l in range(out.balance.size):
            has = out.balance[l] + p[i].share * out.entitlement[l] - out.delivered[l]
            out.entitlement[l] = has
            out.account_limit[l] = max(0.0, has + debt * max(0.0, 1.0 - had.debt_age[l] / repay))
    for i in range(p.shape[0]):
        if p[i].first == i:
            _offer(i, p, y)
    for i in range(p.shape[0]):
        if p[i].row >= 0:
            row, out = s.row[p[i].row], y[i]
            for l in range(out.balance.size):
                out.account_limit[l] += out.adjustment[l]
                row.limit[l] = out.account_limit[l]


@kernel
def _offer(first: int, p: Any, y: Any) -> None:
    """Offer what storage cannot hold to the parties that need more than they have, by their shares.

    On entry `adjustment` is what a party's sites can be charged at most and `entitlement` what it
    has; on return `adjustment` is what it may take beyond that.
    """
    last, passes = first + p[first].count, p[first].passes == 1 and p[first].store < 0
    for l in range(y[first].balance.size):
        left, short = 0.0, 0.0
        for i in range(first, last):
            over = y[i].entitlement[l] - y[i].adjustment[l]
            left += max(0.0, over - p[i].hold)
            short += p[i].share if over < 0.0 else 0.0
        offered = left if passes and short > 0.0 else 0.0
        for i in range(first, last):
            lacks = y[i].entitlement[l] < y[i].adjustment[l]
            y[i].adjustment[l] = offered * p[i].share / short if lacks and offered > 0.0 else 0.0


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        out, share, counts = y[i], p[i].share, p[i].counts
        for l in range(out.balance.size):
            out.entitlement[l] = (u[i].volume[l] + u[i].taken_above[l]) * dt
            out.delivered[l] = u[i].taken_above[l] * dt if p[i].above == 1 else 0.0
        for k in range(p[i].part, p[i].part + p[i].parts):
            what, index = q[k].what, q[k].index
            if what == SITE and counts != ARRIVAL:
                claim = s.claim[index]
                for l in range(out.balance.size):
                    taken = claim.supply[l] + claim.way_loss[l]
                    used = claim.supply[l] * (1.0 - claim.back)
                    out.delivered[l] += used if counts == CONSUMPTION else taken
            elif what == RETURN:
                claim = s.claim[index]
                for l in range(out.balance.size):
                    out.entitlement[l] += claim.ground[l] + claim.way_return[l]
            elif what == RUNOFF:
                at = s.at[index]
                for l in range(out.balance.size):
                    out.entitlement[l] += at.runoff[l]
            elif what == INFLOW:
                at = s.at[index]
                for l in range(out.balance.size):
                    out.entitlement[l] += at.inflow[l]
            elif what == GAUGE:
                at = s.at[index]
                for l in range(out.balance.size):
                    out.delivered[l] += at.inflow[l] * u[i].counted[l]
        for l in range(out.balance.size):
            out.entitlement[l] *= share
    for i in range(p.shape[0]):
        if p[i].first == i:
            for l in range(y[i].balance.size):
                if p[i].store >= 0:
                    settle_store(i, l, p, y, q, s)
                else:
                    settle(i, l, p, y, q, s)
        out, had = y[i], x[i]
        for l in range(out.balance.size):
            change = out.balance[l] - had.balance[l]
            out.adjustment[l] = change - (out.entitlement[l] - out.delivered[l])
            owes = had.balance[l] < 0.0 and out.balance[l] < 0.0
            out.debt_age[l] = had.debt_age[l] + dt if owes else 0.0
