"""Settlement: what a step leaves on the accounts of parties that share a resource; kernels.

Accounts of one clause are the rows `first` to `last` of its records: **p** parameters, **y** what is
reported, **q** the parts of an account, `l` the lane. Together they hold no more than is in store.
"""

from __future__ import annotations

import math
from typing import Any

from watersim.arrays import Step
from watersim.jit import kernel

STORE = 6  # the part of an account that is a reservoir's store


@kernel
def settle(first: int, l: int, p: Any, y: Any, q: Any, s: Step) -> None:
    """Book the step, so that all together have no more than is in store.

    What a party took of what the others left, because their part of storage could not hold it,
    passes from the largest balance to it. What is no longer in store is taken from the balances:
    what spilled from the largest, other losses from each by what it has.
    """
    last, held, spilled = first + p[first].count, 0.0, 0.0
    for k in range(p[first].part, p[first].part + p[first].parts):
        if q[k].what == STORE:
            at = s.at[q[k].index]
            held += max(0.0, at.stored[l] - q[k].dead)
            spilled += at.spill[l]
    passed = 0.0
    for i in range(first, last):
        has = y[i].balance[l] + y[i].entitlement[l]
        beyond = max(0.0, y[i].delivered[l] - max(0.0, has))
        y[i].adjustment[l] = min(beyond, y[i].adjustment[l])  # taken of what the others left
        y[i].balance[l] = has - y[i].delivered[l]
        passed += y[i].adjustment[l]
    _take_from_largest(first, last, l, passed, y)
    for i in range(first, last):
        y[i].balance[l] += y[i].adjustment[l]
    if p[first].passes == 1:
        _pass_on(first, last, l, p, y)
    over = -held
    for i in range(first, last):
        over += y[i].balance[l]  # what one owes, another has to its credit
    if over > 0.0:
        _take_from_largest(first, last, l, min(over, spilled), y)
        _take_from_all(first, last, l, over - min(over, spilled), p, y)


@kernel
def settle_store(first: int, l: int, p: Any, y: Any, q: Any, s: Step) -> None:
    """Book the step so that the balances sum to what the reservoir holds above dead storage.

    What left the reservoir is charged to who took it, the rest of it to the largest balances; what
    evaporated is taken from each by what it has in store.
    """
    last, at, dead = first + p[first].count, s.at[p[first].store], 0.0
    for k in range(p[first].part, p[first].part + p[first].parts):
        dead = q[k].dead if q[k].what == STORE else dead
    gone = at.carry[l] + at.inflow[l] - at.drained[l] - at.stored[l]
    asked = 0.0
    for i in range(first, last):
        asked += y[i].delivered[l]
    for i in range(first, last):
        if asked > gone:  # the river below gave the rest
            y[i].delivered[l] *= max(0.0, gone) / asked
        y[i].adjustment[l] = y[i].balance[l] + y[i].entitlement[l] - y[i].delivered[l]
        y[i].balance[l] = y[i].adjustment[l]
    _take_from_largest(first, last, l, max(0.0, gone - asked), y)
    total = 0.0
    for i in range(first, last):
        y[i].delivered[l] += y[i].adjustment[l] - y[i].balance[l]
        total += y[i].balance[l]
    _take_from_all(first, last, l, total - (at.stored[l] - dead), p, y)


@kernel
def _pass_on(first: int, last: int, l: int, p: Any, y: Any) -> None:
    """Pass what is above a party's part of storage to those whose part has room, by their shares."""
    for _ in range(last - first):
        left, room = 0.0, 0.0
        for i in range(first, last):
            left += max(0.0, y[i].balance[l] - p[i].hold)
            room += p[i].share if y[i].balance[l] < p[i].hold else 0.0
        if left <= 0.0 or room <= 0.0:
            break
        moved = 0.0
        for i in range(first, last):
            if y[i].balance[l] < p[i].hold:
                gets = min(left * p[i].share / room, p[i].hold - y[i].balance[l])
                y[i].balance[l] += gets
                moved += gets
        for i in range(first, last):
            over = y[i].balance[l] - p[i].hold
            if over > 0.0:
                y[i].balance[l] -= moved * over / left


@kernel
def _in_credit(first: int, last: int, l: int, y: Any) -> float:
    """The sum of the balances that are not overdrawn."""
    total = 0.0
    for i in range(first, last):
        total += max(0.0, y[i].balance[l])
    return total


@kernel
def _take_from_largest(first: int, last: int, l: int, amount: float, y: Any) -> None:
    """Lower the largest balance, when it meets the next both, and so on."""
    for _ in range(2 * (last - first)):
        if amount <= 0.0:
            break
        top, second, many = -math.inf, -math.inf, 0
        for i in range(first, last):
            top = max(top, y[i].balance[l])
        for i in range(first, last):
            many += 1 if y[i].balance[l] == top else 0
            second = max(second, y[i].balance[l]) if y[i].balance[l] < top else second
        part = min(amount / many, top - second)
        for i in range(first, last):
            if y[i].balance[l] == top:
                y[i].balance[l] -= part
        amount -= part * many


@kernel
def _take_from_all(first: int, last: int, l: int, amount: float, p: Any, y: Any) -> None:
    """Take from each balance by what it has in credit, by its share where nobody has anything."""
    total = _in_credit(first, last, l, y)
    for i in range(first, last):
        weight = max(0.0, y[i].balance[l]) / total if total > 0.0 else p[i].share
        y[i].balance[l] -= amount * weight
