"""Quota: a volume that some sites together may take in a month, a season or a year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Agreement, Cap, Place
from watersim.fields import Opening, Report, field, quantity
from watersim.jit import kernel
from watersim.records import record

ROUNDING = 1e-12  # of the limit; a smaller rest of it is nothing


class Quota(Agreement):
    """A licence: in every step ``Σ supply ≤ limit − what was used so far in the window``.

    Only what arrives at the sites' gates counts. What was used is forgotten where a window begins:
    a month, a season (from 1 April, from 1 October) or a hydrological year (from 1 October).
    """

    kind: Literal["quota"]
    sites: list[str] = field("the sites whose supply it limits together")
    limit: Annotated[float, quantity("volume")] = field("the volume they may take in a window")
    per: Literal["month", "season", "year"] = field(
        "the window: a month, a season (from April, from October) or a year from October"
    )

    order: ClassVar[int] = 60
    family: ClassVar[str] = "quota"
    reports: ClassVar = (
        Report("quota_limit", "m3", "what its sites may take in the window", "diagnostic"),
        Report("quota_used", "m3", "what its sites took since the window began, at the end of the "
               "step", "state"),
    )  # fmt: skip
    parameter_record: ClassVar = record("row:i", "part:i", "parts:i", "limit")
    part_record: ClassVar = record("claim:i")
    part_forcing_record: ClassVar = record("opens")

    def caps(self, owned: Mapping[str, tuple[str, ...]]) -> list[Cap]:
        return [Cap("", tuple(self.sites), "supply")]

    def part_forcing(self) -> list[Mapping[str, Opening]]:
        return [{"opens": Opening(self.per)} for _ in self.sites]

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "row": place.row(""),
            "part": place.part(),
            "parts": len(self.sites),
            "limit": self.limit,
        }

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        return [{"claim": place.claim("", site)} for site in self.sites]

    def initial(self) -> Mapping[str, float]:
        return {"quota_used": 0.0}

    def references(self) -> Iterator[tuple[str, str]]:
        for k, site in enumerate(self.sites):
            yield f"sites.{k}", site

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if not self.sites:
            yield "sites", "is empty: nobody draws on the quota; name the sites, or remove it"
        for k, site in enumerate(self.sites):
            if site in self.sites[:k]:
                yield f"sites.{k}", f"names '{site}' a second time; name it once"


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        row, used, limit = s.row[p[i].row], x[i].quota_used, p[i].limit
        kept = 1.0 - w[p[i].part].opens
        for l in range(used.size):
            left = limit - kept * used[l]
            row.limit[l] = left if left > ROUNDING * limit else 0.0


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        used, out, limit = x[i].quota_used, y[i], p[i].limit
        kept = 1.0 - w[p[i].part].opens
        for l in range(used.size):
            out.quota_limit[l] = limit
            out.quota_used[l] = kept * used[l]
        for k in range(p[i].part, p[i].part + p[i].parts):
            claim = s.claim[q[k].claim]
            for l in range(used.size):
                out.quota_used[l] += claim.supply[l]
