"""Quota: a volume that some sites together may take in a month, season, year or rolling window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Agreement, Cap, Place
from watersim.fields import Opening, Report, Rolling, field, quantity
from watersim.jit import kernel
from watersim.records import record

ROUNDING = 1e-12  # of the limit; a smaller rest of it is nothing


class Quota(Agreement):
    """A licence: in every step ``Σ supply ≤ limit − what was used so far in the window``.

    Only what arrives at the sites' gates counts. What was used is forgotten where a window begins:
    a month, a season (from 1 April, from 1 October) or a hydrological year (from 1 October). A
    rolling window ends with every step, and forgets an earlier step when no part of it lies in it.
    """

    kind: Literal["quota"]
    sites: list[str] = field("the sites whose supply it limits together")
    limit: Annotated[float, quantity("volume")] = field("the volume they may take in a window")
    per: Literal["month", "season", "year"] | None = field(
        "the window: a month, a season (from April, from October) or a year from October",
        default=None,
    )
    window: Annotated[float, quantity("time", least=1.0)] | None = field(
        "in place of it a rolling window that ends with every step, such as 365 days", default=None
    )

    order: ClassVar[int] = 60
    family: ClassVar[str] = "quota"
    reports: ClassVar = (
        Report("quota_limit", "m3", "what its sites may take in the window", "diagnostic"),
        Report("quota_used", "m3", "what its sites took since the window began, at the end of the "
               "step", "state"),
        Report("quota_supply", "m3", "what its sites took in the step", "diagnostic"),
    )  # fmt: skip
    looks_back: ClassVar[str] = "quota_supply"
    parameter_record: ClassVar = record("row:i", "part:i", "parts:i", "limit", "rolls:i")
    part_record: ClassVar = record("claim:i")
    part_forcing_record: ClassVar = record("opens", "back", "earlier")

    def caps(self, owned: Mapping[str, tuple[str, ...]]) -> list[Cap]:
        return [Cap("", tuple(self.sites), "supply")]

    def part_forcing(self) -> list[Mapping[str, Opening | Rolling | None]]:
        own: dict[str, Opening | Rolling | None] = {
            "opens": Opening(self.per) if self.per else None,
            "back": Rolling(self.window) if self.window else None,
            "earlier": None,  # used before the run began, see `watersim.simulation.with_past`
        }
        return [own for _ in self.sites]

    def lookback(self) -> float:
        return self.window or 0.0

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "row": place.row(""),
            "part": place.part(),
            "parts": len(self.sites),
            "limit": self.limit,
            "rolls": self.window is not None,
        }

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        return [{"claim": place.claim("", site)} for site in self.sites]

    def initial(self) -> Mapping[str, float]:
        return {"quota_used": 0.0}

    def references(self) -> Iterator[tuple[str, str]]:
        for k, site in enumerate(self.sites):
            yield f"sites.{k}", site

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        given = [key for key in ("per", "window") if getattr(self, key) is not None]
        if len(given) != 1:
            got = " and ".join(given) or "neither"
            yield (
                "window" if given else "per",
                (
                    f"needs one of per and window (got {got}); write per: season, or window: 365 days"
                ),
            )
        if not self.sites:
            yield "sites", "is empty: nobody draws on the quota; name the sites, or remove it"
        for k, site in enumerate(self.sites):
            if site in self.sites[:k]:
                yield f"sites.{k}", f"names '{site}' a second time; name it once"


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        row, out, limit = s.row[p[i].row], y[i], p[i].limit
        _used_before(i, p, x, w, out.quota_used)
        for l in range(out.quota_used.size):
            left = limit - out.quota_used[l]
            row.limit[l] = left if left > ROUNDING * limit else 0.0


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        out, limit = y[i], p[i].limit
        _used_before(i, p, x, w, out.quota_used)
        for l in range(out.quota_used.size):
            out.quota_limit[l] = limit
            out.quota_supply[l] = 0.0
        for k in range(p[i].part, p[i].part + p[i].parts):
            claim = s.claim[q[k].claim]
            for l in range(out.quota_used.size):
                out.quota_supply[l] += claim.supply[l]
        for l in range(out.quota_used.size):
            out.quota_used[l] += out.quota_supply[l]


@kernel
def _used_before(i: int, p: Any, x: Any, w: Any, used: Any) -> None:
    """What was used in the window before this step, into `used`, the oldest step first."""
    now, own = x.shape[0] - 1, w[p[i].part]
    if p[i].rolls == 0:
        had = x[now, i].quota_used
        kept = 1.0 - own.opens
        for l in range(used.size):
            used[l] = kept * had[l]
        return
    for l in range(used.size):
        used[l] = own.earlier
    for step in range(now - int(own.back), now):
        took = x[step + 1, i].quota_supply
        for l in range(used.size):
            used[l] += took[l]
