"""Deliveries: a party owes another what must arrive at a gauge of the border, and keeps its debt."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import INSTREAM_ARRIVING, Step
from watersim.described import Agreement, Claim, Days, Place
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

ROUNDING = 1e-12  # of what is called for; a smaller rest is nothing


class Debt(Described):
    """What of a delivery that fell short, or went beyond it, counts in later steps."""

    limit: Annotated[float, quantity("volume")] = field(
        "the most that is owed; what is owed beyond it is forgotten"
    )
    credit_limit: Annotated[float, quantity("volume")] = field(
        "the most that is delivered ahead; it lowers what is called for later", default=0.0
    )
    repay_within: Annotated[float, quantity("time", least=1.0)] | None = field(
        "the time in which a debt is repaid evenly; without it, all of it is due at once",
        default=None,
    )
    season: Days | None = field("the days on which debts are repaid; without it, all", default=None)


class Deliveries(Agreement):
    """A schedule of what arrives at a gauge, with the debt of what did not arrive, in m3.

    In every step ``claim = scheduled + repayment due − credit used``, measured on what arrives at
    the gauge, and ``balance(end) = balance(start) + scheduled − delivered + adjustment``. A balance
    above 0 is owed to the party that receives; below 0 it has been delivered ahead. The adjustment
    is what is forgotten: at the end of a period, beyond the debt limit, and by spill.
    """

    kind: Literal["deliveries"]
    gauge: str = field("the gauge at which the water must arrive")
    giver: str = field("the party that owes the water", alias="from")
    receiver: str = field("the party to which it is owed", alias="to")
    schedule: Annotated[Varying, varying("flow")] = field("the flow that must arrive")
    priority: int = field("its priority, 1 is served first", ge=1)
    counts: Literal["scheduled", "all"] = field(
        "whether only what was called for counts, and ahead of it the credit limit while something "
        "is scheduled, or all that arrives, at any time",
        default="scheduled",
    )
    debt: Debt | None = field(
        "what falls short is owed; without it, it is forgotten at the end of each step",
        default=None,
    )
    forfeit_on_spill: str | None = field(
        "a reservoir whose spill cancels as much of the debt", default=None
    )
    period: Literal["decade", "month", "season", "year"] | None = field(
        "when balances begin anew at 0; without it, never", default=None
    )
    initial_balance: Annotated[float, quantity("volume", least=-math.inf)] | None = field(
        "what is owed at the start, below 0 what was delivered ahead; without it, nothing",
        default=None,
    )

    order: ClassVar[int] = 62
    binds_sites: ClassVar[bool] = False
    reports: ClassVar = (
        Report("entitlement", "m3", "what is scheduled in the step", "diagnostic"),
        Report("delivered", "m3", "what arrived in the step and counts", "diagnostic"),
        Report("balance", "m3", "what is owed at the end of the step", "state", signed=True),
        Report("adjustment", "m3", "change of the account by settlement, limit and spill",
               "diagnostic", signed=True),
        Report("account_limit", "m3", "what is called for in the step", "diagnostic"),
        Report("debt_age", "s", "mean age of what is owed, in days of the season", "state"),
    )  # fmt: skip
    parameter_record: ClassVar = record(
        "claim:i", "gauge:i", "dam:i", "all:i", "debt_limit", "credit_limit", "repay_within"
    )
    forcing_record: ClassVar = record("schedule", "opens", "repays")

    def entries(self) -> list[str]:
        return [self.receiver]

    def claims(self) -> list[Claim]:
        return [
            Claim("", INSTREAM_ARRIVING, self.priority, "delivery", at=self.gauge,
                  party=self.receiver, ahead="schedule")
        ]  # fmt: skip

    def forcing(self) -> Mapping[str, Varying | Opening | Window | None]:
        season = self.debt.season if self.debt else None
        first, last = (season.first, season.last) if season else ("01-01", "12-31")
        return {
            "schedule": self.schedule,
            "opens": Opening(self.period) if self.period else None,
            "repays": Window(first, last, inside=1.0),
        }

    def parameters(self, place: Place) -> Mapping[str, float]:
        debt = self.debt
        return {
            "claim": place.claim(""),
            "gauge": place.section(self.gauge),
            "dam": place.section(self.forfeit_on_spill) if self.forfeit_on_spill else -1,
            "all": self.counts == "all",
            "debt_limit": debt.limit if debt else 0.0,
            "credit_limit": debt.credit_limit if debt else 0.0,
            "repay_within": debt.repay_within or 0.0 if debt else 0.0,
        }

    def initial(self) -> Mapping[str, float]:
        return {"balance": self.initial_balance or 0.0, "debt_age": 0.0}

    def parties(self) -> Iterator[tuple[str, str]]:
        yield "from", self.giver
        yield "to", self.receiver

    def river_references(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        yield "gauge", self.gauge, ("gauge",)
        if self.forfeit_on_spill is not None:
            yield "forfeit_on_spill", self.forfeit_on_spill, ("reservoir",)

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if self.giver == self.receiver:
            yield "to", f"is the party that owes it (got {self.receiver}); name the other party"
        if self.schedule.is_zero:
            yield "schedule", "is 0 all year: nobody is owed anything; correct it, or remove it"
        if self.debt is None:
            for key in ("forfeit_on_spill", "period", "initial_balance"):
                if getattr(self, key) is not None:
                    yield key, "has nothing to act on without a debt; write `debt`, or remove it"
        else:
            owed, debt = self.initial_balance or 0.0, self.debt
            if not -debt.credit_limit <= owed <= debt.limit:
                bounds = f"{0.0 - debt.credit_limit / 1e6:g} to {debt.limit / 1e6:g} hm3"
                yield (
                    "initial_balance",
                    (f"must lie within the limits of the debt, {bounds} (got {owed / 1e6:g} hm3)"),
                )


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        out, had, claim, within = y[i], x[i], s.claim[p[i].claim], p[i].repay_within
        for l in range(out.balance.size):
            scheduled = u[i].schedule[l] * dt
            anew = u[i].opens[l] > 0.0
            balance = 0.0 if anew else had.balance[l]
            age = 0.0 if anew else had.debt_age[l]
            left = within - age
            part = dt / left if left > dt else 1.0
            due = max(0.0, balance) * part * u[i].repays[l]
            used = min(scheduled, max(0.0, -balance))
            out.balance[l] = balance
            out.adjustment[l] = balance - had.balance[l]
            out.debt_age[l] = age + dt * u[i].repays[l] if balance > 0.0 else 0.0
            out.entitlement[l] = scheduled
            out.account_limit[l] = scheduled + due - used
            claim.need[l] = out.account_limit[l]


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        out, at, dam = y[i], s.at[p[i].gauge], s.at[max(0, p[i].dam)]
        most, ahead = p[i].debt_limit, p[i].credit_limit
        everything, cancels = p[i].all == 1, p[i].dam >= 0
        for l in range(out.balance.size):
            start, called = out.balance[l], out.account_limit[l]
            has = start + out.entitlement[l]
            room = max(0.0, ahead + min(0.0, has - called)) if out.entitlement[l] > 0.0 else 0.0
            counted = max(0.0, has + ahead) if everything else called + room
            out.delivered[l] = min(at.inflow[l], counted)
            owed = has - out.delivered[l]
            left = owed if abs(owed) > ROUNDING * called else 0.0
            left -= min(max(0.0, left), dam.spill[l]) if cancels else 0.0
            left = min(left, most)
            out.balance[l] = left
            out.adjustment[l] += left - owed
            out.debt_age[l] *= min(1.0, start / left) if left > 0.0 else 0.0
