"""The arrays that kinds and engine share in one step of some realizations, as records; pure.

Volumes are m3 per step. A *section* is a river node, numbered upstream first. Kinds meet only here:
`before` writes what a section has and what claims need, `after` reads what flowed. Fields in lanes
(``[]``) hold one number for each realization of the block.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CONSUMPTIVE, INSTREAM_LEAVING, INSTREAM_ARRIVING, RETENTION, ENERGY = 0, 1, 2, 3, 4
CANAL, OUTLET, TURBINE = 0, 1, 2


SECTION = (
    "down:i",  # next section down the river, −1 at the end
    "limited:i",  # transfer that stands for the section's outlet, −1 if unlimited
    "row:i",  # row of the allocation, −1 if the section cannot bind
    "store:i",  # 1 where water can stay
    "dead_claim:i",  # claim that fills dead storage with water from elsewhere, −1
    "way:i",  # first surplus outlet, −1 where there is none
    "cut:i",  # the long reach below it, −1 where there is none
    "full",  # m3 the store can hold
    "dead",  # m3 of the store without an outlet
    "gain",  # share of the outflow that reaches the next section within the step
    "passes",  # the same as claims below count on it: 0 above a long reach
    "runoff[]",  # m3 that enters from outside the network, or from under way
    "carry[]",  # m3 in store before any water of this step arrives
    "drain[]",  # m3 that evaporation and seepage can take
    "drained[]",  # m3 they took
    "withheld[]",  # m3 of the dead storage that is there
    "refill[]",  # m3 that fill it before anything leaves
    "set_aside[]",  # m3 of them that reach the section in any case
    "lacked[]",  # m3 that it took more in the last turn
    "shut:i[]",  # 1 where claims below cannot count on it in this pass: it is below dead storage
    "outlet[]",  # m3 the outlet can pass, or a policy lets pass; inf where there is no limit
    "gates[]",  # m3 the outlet of a reservoir can pass whatever a policy says
    "level[]",  # m, mean level of the lake in this pass
    "reach[]",  # m3 that can reach the section
    "spilled[]",  # m3 known to spill, or to leave a reservoir that is shut
    "inflow[]",  # m3 that entered
    "outflow[]",  # m3 that left down the river: release + spill
    "release[]",  # m3 of that through outlets and turbines
    "spill[]",  # m3 over the crest
    "stored[]",  # m3 in store at the end
    "taken[]",  # m3 diverted here
    "given_back[]",  # m3 returned or carried into the section
    "turbined[]",  # m3 that went through turbines
)
CLAIM = (
    "section:i",  # where it draws or is measured
    "nature:i",  # CONSUMPTIVE, INSTREAM_LEAVING, INSTREAM_ARRIVING, RETENTION or ENERGY
    "row:i",  # own row of an in-stream claim, −1
    "many:i",  # 1 where several canals serve it
    "loss_to:i",  # section where its canal's loss comes back, −1: it leaves the model
    "back_to:i",  # section its return flow comes back to, −1
    "loss",  # share of the diversion lost on the way to the gate
    "loss_back",  # share of that which is back at `loss_to` within the step
    "back",  # share of the supply that returns
    "prompt",  # share of that which is back within the step
    "need[]",  # m3 it asks for
    "y[]",  # m3 the allocation gives it
    "bound:i[]",  # what stopped it, see `allocation.problem`
    "rate[]",  # m3 it asks of its rank, 0 where that is rounding
    "given[]",  # m3 it has so far, see `watersim.river`
    "stopped:i[]",  # the row that stopped it, −1
    "supply[]",  # m3 it was given, at the site's gate or in the stream
    "way_loss[]",  # m3 lost between river and gate
    "ground[]",  # m3 of its earlier return flow that comes back from the ground
    "way_return[]",  # m3 of its return flow that is back within the step
)
TRANSFER = (
    "source:i",  # section it takes from
    "target:i",  # section it leads to, −1 if to a claim
    "claim:i",  # claim it serves, −1
    "nature:i",  # CANAL, OUTLET (of a reservoir) or TURBINE (moves no water)
    "row:i",  # row that a turbine feeds, −1
    "loss_to:i",  # section where its loss comes back, −1
    "loss",  # share of what it takes that is lost
    "loss_back",  # share of that which is back at `loss_to` within the step
    "cap[]",  # m3 it can carry
    "z[]",  # m3 the allocation sends through it
    "carried[]",  # m3 it carries, at its head
    "worth[]",  # what a unit through a turbine gives its row
)
WAY_OUT = (
    "source:i",  # section of the reservoir; surplus outlets stand in the order of use
    "target:i",  # section it leads to
    "cap",  # m3 it can pass
    "flow[]",  # m3 it passed
    "known[]",  # m3 known to go through it
)
PLANT = (
    "row:i",  # row of the water that passes the turbines at its section, −1
    "section:i",  # where it stands
    "per_m3[]",  # J a m3 gives at the head of this pass
    "most[]",  # m3 it can pass
    "energy[]",  # J it generated
)
PUMP = (
    "energy[]",  # J that lifted a canal's water: before the second pass, that of the first
)
TRADE = (
    "offers[]",  # J that an exchange brings a grid in this step
    "used[]",  # J of it that the grid had use for
    "wants[]",  # J of the grid's surplus that it takes away at most
    "taken[]",  # J of it that there was
)
CUT = (
    "head:i",  # section above a long reach
    "lower:i",  # section where it ends
    "passing[]",  # m3 known to enter it in this step
    "due[]",  # m3 under way that arrive in this step
    "more[]",  # m3 that arrive beside them if as much enters as did of late
    "under_way[]",  # m3 under way at the start of the step
)
ROW = (
    "limit[]",  # m3, right-hand side of a row that is no section
    "b[]",  # m3, right-hand side
    "below[]",  # m3 not yet given
    "load[]",  # m3 that a unit of the common cover takes
)
LANE = (
    "live:i[]",  # 1 where the pass is not settled yet
    "shut:i[]",  # 1 where a reservoir is shut
    "todo:i[]",  # 1 where `watersim.river` leaves the allocation to `fill`
    "total[]",  # m3 of water in the step
    "least[]",  # m3 below which a volume is rounding
    "largest[]",  # m3 at stake: the largest need, or all water if that is less
    "cover[]",  # common cover of a row's claims
    "rest[]",  # m3 that a row has for them, or that one of them loses
    "asked[]",  # m3 that they ask of it
    "stop:i[]",  # row that stops a claim, −1
)


class Step(NamedTuple):
    """What kinds and engine share in one step. Sections, claims… are records, see above."""

    at: NDArray[Any]  # (sections) SECTION
    claim: NDArray[Any]  # (claims) CLAIM
    transfer: NDArray[Any]  # (transfers) TRANSFER
    way_out: NDArray[Any]  # (surplus outlets) WAY_OUT
    plant: NDArray[Any]  # (plants) PLANT
    pump: NDArray[Any]  # (pumped canals) PUMP
    trade: NDArray[Any]  # (receivers of exchanges, by grid) TRADE
    row: NDArray[Any]  # (rows) ROW
    lane: NDArray[Any]  # (1) LANE
    cut: NDArray[Any]  # (long reaches) CUT
    curve: Floats  # (3, points) x, level, area of all curves, one after the other
    guide: Integers  # (curves, GUIDES) where in its curve an even share of x is found
