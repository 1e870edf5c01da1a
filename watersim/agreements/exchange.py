"""Exchange: water released in a season against energy in return, and who owes whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import INSTREAM_ARRIVING, Step
from watersim.dated import Beginning
from watersim.described import Agreement, Claim, Course, Days, Place
from watersim.fields import Described, Report, Varying, Window, field, quantity, varying
from watersim.jit import kernel
from watersim.records import record


class Energy(Described):
    """Energy that changes hands, at most so much, at a price."""

    energy: Annotated[Varying, varying("power")] = field("the energy, in MW or GWh/month")
    price: Annotated[float, quantity("energy price")] = field("the price at which it is booked")


class Receiver(Described):
    """One of those for whom the water is released."""

    share: Annotated[float, quantity("fraction", most=1.0)] = field("its share of the water")
    takes: Energy | None = field(
        "what it takes of the surplus that the plants make in the season", default=None
    )
    gives: Energy | None = field(
        "what it gives in return for the whole volume; for less it gives less", default=None
    )
    fee: Annotated[float, quantity("water price")] = field(
        "what it pays for the water to be kept until the season", default=0.0
    )


class Exchange(Agreement):
    """The giver releases a schedule in a season, the receivers give energy in return.

    In the season the schedule is a claim on what arrives at the gauge. The surplus of the giver's
    grid, made with water that it did not need for itself, goes to the receivers as far as they take
    it. Each gives its energy in return on its own schedule, times the fulfilment: of the season
    under way, or the last one, what arrived as a share of what was scheduled. That lowers what is
    asked of the giver's plants, so the water can stay in the dam. The account books it all:
    ``value(end) = value(start) + takes × price + fee × delivered − gives × price``; above 0 the
    receiver owes the giver.
    """

    kind: Literal["exchange"]
    giver: str = field("the party that releases the water", alias="from")
    grid: str = field("its power system")
    gauge: str = field("the gauge at which the water must arrive")
    season: Days = field("the days in which it is released")
    schedule: Annotated[Varying, varying("flow")] = field("the flow that must arrive in the season")
    priority: int = field("its priority, 1 is served first", ge=1)
    initial_fulfilment: Annotated[float, quantity("fraction", most=1.0)] = field(
        "the share of the water of the season before the run that arrived"
    )
    receivers: dict[str, Receiver] = field("who receives, by party")

    order: ClassVar[int] = 31  # before a grid, which counts on what it brings
    settled_last: ClassVar[bool] = True
    family: ClassVar[str] = "exchange"
    binds_sites: ClassVar[bool] = False
    reports: ClassVar = (
        Report("exchange_entitlement", "m3", "water scheduled for the receiver in the step",
               "diagnostic"),
        Report("exchange_delivered", "m3", "of it what arrived", "diagnostic"),
        Report("exchange_owed", "m3", "water of the season that has not arrived, at the end of the "
               "step; 0 out of season", "state"),
        Report("exchange_scheduled", "m3", "water scheduled since the season began; 0 out of "
               "season", "state"),
        Report("exchange_fulfilment", "1", "share of the season's water that arrived, of the season "
               "under way or the last", "state"),
        Report("exchange_taken_energy", "J", "surplus energy that the receiver took",
               "diagnostic"),
        Report("exchange_given_energy", "J", "energy that the receiver gave in return",
               "diagnostic"),
        Report("exchange_value", "USD", "what the receiver owes the giver at the end of the step; "
               "below 0 what the giver owes", "state", signed=True),
    )  # fmt: skip
    parameter_record: ClassVar = record(
        "claim:i", "gauge:i", "trade:i", "part:i", "share", "take_price", "give_price", "fee"
    )
    forcing_record: ClassVar = record("schedule", "season", "begins")
    part_record: ClassVar = record()
    part_forcing_record: ClassVar = record("takes", "gives")

    def entries(self) -> list[str]:
        return list(self.receivers)

    def claims(self) -> list[Claim]:
        return [Claim("", INSTREAM_ARRIVING, self.priority, "delivery", at=self.gauge)]

    def trades_with(self) -> str | None:
        return self.grid

    def forcing(self) -> Mapping[str, Course | None]:
        days = self.season
        return {
            "schedule": self.schedule,
            "season": Window(days.first, days.last, inside=1.0),
            "begins": Beginning(days.first, days.last),
        }

    def part_forcing(self) -> list[Mapping[str, Varying | None]]:
        return [
            {
                "takes": receiver.takes.energy if receiver.takes else None,
                "gives": receiver.gives.energy if receiver.gives else None,
            }
            for receiver in self.receivers.values()
        ]

    def parameters(self, place: Place) -> Mapping[str, float]:
        own = self.receivers[place.entry()]
        return {
            "claim": place.claim(""),
            "gauge": place.section(self.gauge),
            "trade": place.trade(),
            "part": place.part(),
            "share": own.share,
            "take_price": own.takes.price if own.takes else 0.0,
            "give_price": own.gives.price if own.gives else 0.0,
            "fee": own.fee,
        }

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        return [{}]

    def initial(self) -> Mapping[str, float]:
        return {
            "exchange_owed": 0.0,
            "exchange_scheduled": 0.0,
            "exchange_fulfilment": self.initial_fulfilment,
            "exchange_value": 0.0,
        }

    def parties(self) -> Iterator[tuple[str, str]]:
        yield "from", self.giver
        for party in self.receivers:
            yield f"receivers.{party}", party

    def river_references(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        yield "gauge", self.gauge, ("gauge",)
        yield "grid", self.grid, ("grid",)

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if not self.receivers:
            yield "receivers", "is empty: nobody gives anything in return; name a party"
        if self.giver in self.receivers:
            yield (
                f"receivers.{self.giver}",
                f"is the party that releases the water (got {self.giver}); name the others",
            )
        if self.schedule.is_zero:
            yield "schedule", "is 0 all year: nothing is released; correct it, or remove it"
        total = sum(receiver.share for receiver in self.receivers.values())
        if self.receivers and abs(total - 1.0) > 1e-9:
            yield "receivers", f"have shares that sum to {100 * total:g} %; they must sum to 100 %"


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        claim, trade = s.claim[p[i].claim], s.trade[p[i].trade]
        takes, gives = w[p[i].part].takes * dt, w[p[i].part].gives * dt
        for l in range(claim.need.size):
            claim.need[l] = u[i].schedule[l] * u[i].season[l] * dt
            trade.wants[l] = takes * u[i].season[l]
            trade.offers[l] = gives * x[i].exchange_fulfilment[l]


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        had, out, at, trade = x[i], y[i], s.at[p[i].gauge], s.trade[p[i].trade]
        share, fee = p[i].share, p[i].fee
        take_price, give_price = p[i].take_price, p[i].give_price
        for l in range(out.exchange_owed.size):
            asked = u[i].schedule[l] * u[i].season[l] * dt
            came = share * min(at.inflow[l], asked)
            asked *= share
            on = 1.0 if u[i].season[l] > 0.0 else 0.0
            kept = 1.0 if u[i].begins[l] == 0.0 else 0.0
            scheduled = on * (kept * had.exchange_scheduled[l] + asked)
            owed = on * (kept * had.exchange_owed[l] + asked - came)
            part = had.exchange_fulfilment[l]
            out.exchange_entitlement[l] = asked
            out.exchange_delivered[l] = came
            out.exchange_scheduled[l] = scheduled
            out.exchange_owed[l] = owed
            out.exchange_fulfilment[l] = 1.0 - owed / scheduled if scheduled > 0.0 else part
            out.exchange_taken_energy[l] = trade.taken[l]
            out.exchange_given_energy[l] = trade.used[l]
            worth = trade.taken[l] * take_price - trade.used[l] * give_price
            out.exchange_value[l] = had.exchange_value[l] + worth + came * fee
