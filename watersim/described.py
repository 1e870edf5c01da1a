"""What every kind of node, link, agreement and policy answers: its fields, claims, parameters, reports; pure.

A kind is a frozen description (pydantic fields), a few class constants that say how it is laid out
in arrays, and up to three kernels in its module::

    start(p, x, s)                           what else it reports at the start of the run, in `x`
    before(p, u, x, y, q, w, s, dt, again)   state and forcing → needs and available water in `s`
    after(p, u, x, y, q, w, s, dt)           what flowed, from `s` → fluxes and new state in `y`

p, q  parameters of the kind's members and of their parts (zones…)    (n,), (m,) records
w     forcing of the parts in this step                               (m,) records
u     forcing of members in this step                                 (n,) records in lanes
x     what it reported of the step before, its state among it         (n,) records in lanes
      of a kind that looks back: of all steps, the state at the start first   (t + 1, n)
y     what it reports of this step; `before` may leave notes there    (n,) records in lanes
s     the step's shared arrays, `watersim.arrays.Step`;  dt  its length in seconds
again 0 in the first pass, 1 in the second, when `s` still holds what flowed in the first

Where the parts report for themselves (`part_reports`), two more arguments stand after ``w``:

v     what each part reported of the step before, its state among it  (m,) records in lanes
z     what it reports of this step                                    (m,) records in lanes

In lanes, a field is a short row with one number for each realization that advances side by side:
``y[i].storage[l]``. Loops over lanes stand innermost, over fields named before the loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from watersim.arrays import INSTREAM_LEAVING
from watersim.dated import Ahead, Beginning, Dated, as_day
from watersim.fields import (
    Described,
    Given,
    Report,
    Varying,
    field,
    varying,
)
from watersim.loss import Loss
from watersim.records import record

ORDERED = (
    "orders"  # sector of what is asked of the river above a long reach; no claim of the file's
)
DEAD_STORAGE = "dead_storage"  # key and sector of the claim that fills it; no claim of the file's

Standing = Literal["river", "site", "plant", "grid"]  # how a node is tied to the network
Course = Given | Dated | Ahead | Beginning
Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class Claim(NamedTuple):
    """A wish for water. ``priority`` None comes after all others, upstream before downstream."""

    key: str  # "" for the node's main claim
    sort: int  # CONSUMPTIVE, INSTREAM_LEAVING… of watersim.arrays
    priority: int | None
    sector: str
    group: str | None = None  # retention claims of one group share equally
    at: str = ""  # of a clause's claim: the river node where it is measured
    party: str = ""  # of a clause's claim: the party it serves
    ahead: str = ""  # the forcing that says as a flow what it will ask for later; "" as much as now


class Cap(NamedTuple):
    """A row of the allocation: what sites take is at most a limit that its clause writes."""

    key: str  # "" or the party whose sites they are
    sites: tuple[str, ...]
    counts: str  # supply (at the gate), diversion (from the river), consumption
    returning: tuple[str, ...] = ()  # sites whose return flow raises the limit…
    share: float = 0.0  # …by this share of it


class Outlet(NamedTuple):
    """A way out of a reservoir for water that no claim took and no zone keeps."""

    target: str
    capacity: str | None  # forcing key of its capacity, None if unlimited


class Place(Protocol):
    """Where `compile` put a member: the indices its kernels need."""

    def entry(self) -> str: ...
    def index(self) -> int: ...
    def owned(self, party: str) -> tuple[str, ...]: ...
    def above(self, name: str) -> tuple[str, ...]: ...
    def reservoirs(self) -> tuple[str, ...]: ...
    def node(self, name: str) -> Node: ...
    def section(self, name: str) -> int: ...
    def claim(self, key: str, of: str = "") -> int: ...
    def transfer(self, key: str) -> int: ...
    def row(self, key: str) -> int: ...
    def outlet(self) -> int: ...
    def part(self) -> int: ...
    def plant(self, name: str) -> int: ...
    def pump(self, name: str) -> int: ...
    def trade(self) -> int: ...
    def trades(self) -> tuple[int, int]: ...
    def cut(self) -> int: ...
    def curve(self, key: str) -> tuple[int, int, int]: ...


class Kind(Described):
    """Base of every kind of node, link, agreement and policy."""

    order: ClassVar[int] = 50  # place of `before` among the kinds; `after` runs in reverse…
    settled_last: ClassVar[bool] = False  # …those last of all that read what others report
    looks_back: ClassVar[str] = ""  # the report of earlier steps that its kernels read in `x`
    family: ClassVar[str]
    reports: ClassVar[tuple[Report, ...]] = ()
    parameter_record: ClassVar[np.dtype[np.void]] = record()
    forcing_record: ClassVar[np.dtype[np.void]] = record()
    part_record: ClassVar[np.dtype[np.void]] = record()
    part_forcing_record: ClassVar[np.dtype[np.void]] = record()
    part_family: ClassVar[str] = ""  # dim of what the parts report
    part_reports: ClassVar[tuple[Report, ...]] = ()

    @classmethod
    def name(cls) -> str:
        """The word written after ``kind:``."""
        return str(get_args(cls.model_fields["kind"].annotation)[0])

    @classmethod
    def report_record(cls) -> np.dtype[np.void]:
        """The record `y`: everything the kind reports."""
        return record(*(report.name for report in cls.reports))

    @classmethod
    def state_record(cls) -> np.dtype[np.void]:
        """The record `x`: the reports that are states."""
        return record(*(report.name for report in cls.reports if report.role == "state"))

    @classmethod
    def part_report_record(cls) -> np.dtype[np.void]:
        """The record `z`: everything a part reports."""
        return record(*(report.name for report in cls.part_reports))

    @classmethod
    def part_state_record(cls) -> np.dtype[np.void]:
        """The record `v`: the reports of a part that are states."""
        return record(*(report.name for report in cls.part_reports if report.role == "state"))

    def claims(self) -> list[Claim]:
        """The claims it makes, in a fixed order."""
        return []

    def entries(self) -> list[str]:
        """The keys of what it reports on, such as parties; "" is the member itself."""
        return [""]

    def forcing(self) -> Mapping[str, Course]:
        """What varies in time, by its name in `forcing_record`; None is an absent process (0)."""
        return {}

    def part_forcing(self) -> Sequence[Mapping[str, Course]]:
        """The same for each part."""
        return []

    def parameters(self, place: Place) -> Mapping[str, float]:
        """The member's row of `parameter_record`."""
        return {}

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        """The rows of `part_record`; the member's own row must say where they start."""
        return []

    def part_names(self) -> list[str]:
        """The names of the parts, where they report for themselves."""
        return []

    def part_initial(self, seconds: NDArray[np.float64]) -> list[Mapping[str, float]]:
        """The states of each part at the start of a run, SI, before steps of these lengths."""
        return []

    def part_coordinates(self) -> list[Mapping[str, Any]]:
        """Coordinates of the parts' family in the Dataset: name → value, for each part."""
        return []

    def needs_second_pass(self) -> bool:
        """Whether its area or head at the mean storage of the step changes what flows."""
        return False

    def lookback(self) -> float:
        """How far back its kernels read what it reported, s; 0: its state is enough."""
        return 0.0

    def initial(self) -> Mapping[str, float]:
        """The states at the start of a run, SI."""
        return {}

    def initial_of(self, place: Place) -> Mapping[str, float]:
        """The same for one entry, where it depends on what stands elsewhere."""
        return self.initial()

    def tables(self) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        """Tables it needs read: key → (file, {column: dimension})."""
        return {}

    def curves(self, tables: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> dict[str, Curve]:
        """Curves for the kernels: key → (x rising, level or y, area)."""
        return {}

    def problems(
        self, tables: Mapping[str, Mapping[str, NDArray[np.float64]]]
    ) -> Iterator[tuple[str, str]]:
        """What is wrong across fields: (key path, sentence with remedy)."""
        return iter(())

    def references(self) -> Iterator[tuple[str, str]]:
        """Names of nodes it refers to: (key path, name)."""
        return iter(())


class Node(Kind):
    """Base of every kind of node.

    ``place`` says how it is tied to the network: ``river`` nodes stand in `rivers`; ``site`` nodes
    stand ``at`` a river node or behind canals; ``plant`` nodes stand ``at`` a river node and have
    no water balance of their own; a ``grid`` joins plants.
    """

    place: ClassVar[Standing] = "river"
    ends_river: ClassVar[bool] = False
    limits_outlet: ClassVar[bool] = False
    fed_by_rain: ClassVar[tuple[str, ...]] = ()  # states whose water never comes to a river

    party: str | None = field("the party (state) it belongs to, a key of `parties`", default=None)
    lon: float | None = field("longitude, degrees east", default=None, ge=-180, le=180)
    lat: float | None = field("latitude, degrees north", default=None, ge=-90, le=90)

    def return_flow_to(self) -> tuple[float, str] | None:
        """Share of its supply that returns, and where to."""
        return None

    def asks_for_water(self) -> bool:
        """Whether a site ever asks for water."""
        return True

    def served_by(self) -> list[str]:
        """The plants that serve its energy claim together."""
        return []

    def lowest_tailwater(
        self, tables: Mapping[str, Mapping[str, NDArray[np.float64]]]
    ) -> float | None:
        """The lowest level of the water below its turbines, m; None if it has none."""
        return None

    def feeds(self) -> list[str]:
        """The pumped canals whose energy adds to its energy claim."""
        return []

    def returns_within(self, dt: float) -> float:
        """Share of its return flow that is back within a step of dt seconds."""
        return 1.0

    def has_outlet_limit(self) -> bool:
        """Whether the river below receives only what an outlet of limited capacity passes."""
        return False

    def surplus_outlets(self) -> list[Outlet]:
        """Further ways out, in the order of use."""
        return []

    def zone_names(self) -> list[str]:
        """The names of its storage zones from below, its first parts."""
        return []

    def coordinates(self) -> dict[str, Any]:
        """Further coordinates of its family in the Dataset: name → value."""
        return {}


class EnergyRequirement(Described):
    """Energy asked of plants, with its priority."""

    energy: Annotated[Varying, varying("power")] = field("the energy asked for, in MW or GWh/month")
    priority: int = field("its priority, 1 is served first", ge=1)
    other_generation: Annotated[Varying, varying("power")] | None = field(
        "generation elsewhere that covers it first", default=None
    )
    year: int | None = field(
        "the year whose use the energy is; a run of other years then needs its `factor`",
        default=None,
    )


class Days(Described):
    """Days of every year, the first and the last included."""

    first: Annotated[str, BeforeValidator(as_day)] = field("the first day, MM-DD", alias="from")
    last: Annotated[str, BeforeValidator(as_day)] = field("the last day, MM-DD", alias="to")


class Link(Kind):
    """Base of every kind of link between nodes, with what it loses on the way."""

    loss: Loss | None = field("the share of the flow entering that is lost", default=None)

    def is_seasonal(self) -> bool:
        """Whether its loss changes with the season."""
        return self.loss is not None and self.loss.fraction.form != "constant"

    def share_lost(self) -> float:
        """Share of the flow entering that is lost at all times, 0 where it changes."""
        return self.loss.most() if self.loss and not self.is_seasonal() else 0.0

    def returns_to(self) -> str | None:
        """The river node its loss comes back to."""
        return self.loss.node() if self.loss else None

    def share_back(self) -> float:
        """Share of the loss that comes back, at once or later."""
        return self.loss.share_back() if self.loss else 0.0

    def back_within(self, dt: float) -> float:
        """Share of the loss that is back within a step of dt seconds."""
        return self.loss.back_within(dt) if self.loss else 0.0

    def recession(self) -> float:
        """Time of the store in the ground, s; 0 where there is none."""
        return (self.loss.recession or 0.0) if self.loss else 0.0

    def in_ground(self) -> float:
        """Water in that store at the start of the run, m3."""
        return (self.loss.initial_storage or 0.0) if self.loss else 0.0

    def problems(
        self, tables: Mapping[str, Mapping[str, NDArray[np.float64]]]
    ) -> Iterator[tuple[str, str]]:
        return self.loss.problems() if self.loss else iter(())


class Agreement(Kind):
    """Base of every kind of clause between parties.

    A clause that caps takes has rows of the allocation, whose right-hand sides its `before` sets. One
    that claims water says at which river node, and for which party.
    """

    family: ClassVar[str] = "agreement"
    binds_sites: ClassVar[bool] = True  # each of its parties must have a site

    def caps(self, owned: Mapping[str, tuple[str, ...]]) -> list[Cap]:
        """Its rows; `owned` are the sites by party."""
        return []

    def river_references(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Names of nodes it refers to: (key path, name, the kinds it may be of)."""
        return iter(())

    def trades_with(self) -> str | None:
        """The grid with which each of its entries exchanges energy."""
        return None

    def parties(self) -> Iterator[tuple[str, str]]:
        """Names of parties it refers to: (key path, party)."""
        return iter(())


class Policy(Kind):
    """Base of every kind of operating policy of a reservoir.

    It asks for a release, limits the release, or trims what the zones keep. Its `before` runs after
    those of all other kinds, so that it sees their needs; the allocation does the rest.
    """

    order: ClassVar[int] = 70
    family: ClassVar[str] = "policy"
    limits_release: ClassVar[bool] = True  # whether the river below gets only what it lets pass

    at: str = field("the reservoir that it operates")

    def function_name(self) -> str:
        """The function of the user's that it calls between steps."""
        return ""

    def storages(self) -> Iterator[tuple[str, float]]:
        """Storages that it wants to hold, m3, by the key they stand at (``targets.04-01``)."""
        return iter(())

    def asks(self, priority: int | None) -> list[Claim]:
        """Its claim on what leaves the dam, if it has a priority."""
        if priority is None:
            return []
        return [Claim("", INSTREAM_LEAVING, priority, "operation", at=self.at)]
