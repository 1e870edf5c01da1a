"""Irrigation regime: most of the year's release belongs to the growing season, the winter is limited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.dated import Beginning, Dated, day_after
from watersim.described import Claim, Course, Days, Place, Policy
from watersim.fields import Report, Varying, Window, field, quantity, varying
from watersim.jit import kernel
from watersim.operation import POLICY_REPORTS, ask, open_gates, report
from watersim.records import record


class IrrigationRegime(Policy):
    """A share of the year's release is due to the growing season, as for Toktogul in 1984.

    ``winter release ≤ min(winter_limit, (G (1 − share) / share − W) / time until the season)``, where G
    left the dam in the last growing season and W since. Spill counts. In the growing season claims
    below, and `release` if it is given, call for what they need; in winter the limit binds them,
    and only what the full lake cannot keep goes beyond it.
    """

    kind: Literal["irrigation_regime"]
    growing_season: Days = field("the days of the growing season, 04-01 to 09-30 in 1984")
    share: Annotated[float, quantity("fraction", least=0.01, most=1.0)] = field(
        "the least share of the year's release that the growing season gets, 75 % in 1984"
    )
    winter_limit: Annotated[Varying, varying("flow")] | None = field(
        "the most that is released outside it, 180 m3/s in 1984; without it, only the share limits",
        default=None,
    )
    released_before: Annotated[float, quantity("volume")] | None = field(
        "what left the dam before the run in the last growing season, or so far in one under way; "
        "without it, the share binds from the first growing season that begins in the run",
        default=None,
    )
    release: Annotated[Varying, varying("flow")] | None = field(
        "the flow asked for in the growing season whatever claims below need", default=None
    )
    priority: int | None = field("the priority of `release`, 1 is served first", default=None, ge=1)

    reports: ClassVar = (  # its own first: numba takes a record that begins like another for its kind
        Report("growing_release", "m3", "released since the last growing season began, while it "
               "lasted; 0 but for an irrigation regime", "state"),
        Report("winter_release", "m3", "released since that season ended; 0 but for an irrigation "
               "regime", "state"),
        Report("growing_counted", "1", "1 where the last growing season is known from its beginning, and "
               "the share binds; 0 but for an irrigation regime", "state"),
        *POLICY_REPORTS,
    )  # fmt: skip
    parameter_record: ClassVar = record("section:i", "claim:i", "rest", "limited:i")
    forcing_record: ClassVar = record("release", "winter_limit", "growing", "begins", "seconds")

    def claims(self) -> list[Claim]:
        return self.asks(self.priority)

    def forcing(self) -> Mapping[str, Course]:
        season = self.growing_season
        return {
            "release": self.release,
            "winter_limit": self.winter_limit,
            "growing": Window(season.first, season.last, inside=1.0),
            "begins": Beginning(season.first, season.last),
            "seconds": Dated(((season.first, 0.0),), "seconds"),
        }

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "section": place.section(self.at),
            "claim": place.claim(""),
            "rest": (1.0 - self.share) / self.share,
            "limited": self.winter_limit is not None,
        }

    def initial(self) -> Mapping[str, float]:
        known = self.released_before
        return {
            "growing_release": known or 0.0,
            "winter_release": 0.0,
            "growing_counted": 0.0 if known is None else 1.0,
        }

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if day_after(self.growing_season.last) == self.growing_season.first:
            yield "growing_season", "is the whole year: no winter is left to limit; shorten it"
        if (self.release is None) != (self.priority is None):
            key, other = ("release", "priority") if self.release else ("priority", "release")
            yield key, f"goes with '{other}'; give both, or neither"


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        report(y[i])
        at, own, had, out = s.at[p[i].section], u[i], x[i], y[i]
        for l in range(out.release_target.size):
            anew = own.begins[l] > 0.0
            out.growing_release[l] = 0.0 if anew else had.growing_release[l]
            out.winter_release[l] = 0.0 if anew else had.winter_release[l]
            out.growing_counted[l] = 1.0 if anew else had.growing_counted[l]
            out.release_target[l] = own.release[l] if own.growing[l] > 0.0 else 0.0
            if own.growing[l] == 0.0:
                if p[i].limited == 1:
                    at.outlet[l] = min(at.outlet[l], own.winter_limit[l] * dt)
                due = out.growing_release[l] * p[i].rest - out.winter_release[l]
                if out.growing_counted[l] > 0.0:
                    even = max(0.0, due) * dt / own.seconds[l]
                    at.outlet[l] = min(at.outlet[l], even)
        ask(p[i].claim, out, s, dt)


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        open_gates(p[i].section, s)
        at, own, out = s.at[p[i].section], u[i], y[i]
        for l in range(out.growing_release.size):
            out.growing_release[l] += at.outflow[l] * own.growing[l]
            out.winter_release[l] += at.outflow[l] * (1.0 - own.growing[l])
