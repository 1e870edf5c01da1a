"""rational: an allocation in fractions, by the words of the contract; slow, exact, the oracle."""

from __future__ import annotations

from fractions import Fraction

from networks import Network

Row = list[Fraction]
ZERO, ONE = Fraction(0), Fraction(1)


def allocate(network: Network, rounds: int = 40) -> tuple[Row, Row]:
    """Return what each claim is given, and the transfers of least weighted carrying."""
    problem = network.problem
    A = [[Fraction(v) for v in row] for row in problem.A.tolist()]
    T = [[Fraction(v) for v in row] for row in problem.T.tolist()]
    b, need, cap = ([Fraction(v) for v in a.tolist()] for a in network[1:])
    y = [ZERO for _ in need]
    for _ in range(rounds):
        before = list(y)
        for rank in sorted(set(problem.rank.tolist())):
            group = [i for i, p in enumerate(problem.rank.tolist()) if p == rank]
            _settle(A, T, b, need, cap, y, group)
        change = max((new - old for new, old in zip(y, before, strict=True)), default=ZERO)
        if not problem.rounds or change <= Fraction(1, 10**13) * max(need):
            break
    return y, _carry(A, T, b, cap, y, [Fraction(v) for v in problem.price.tolist()])


def _settle(
    A: list[Row], T: list[Row], b: Row, need: Row, cap: Row, y: Row, group: list[int]
) -> None:
    floor = list(y)
    active = [i for i in group if y[i] < need[i]]
    while active:
        cover = _common(A, T, b, need, cap, y, floor, active)
        if cover == 1:
            for i in active:
                y[i] = need[i]
            return
        doubtful = [i for i in active if floor[i] <= cover * need[i]]
        while doubtful:
            ahead = _ahead(A, T, b, need, cap, y, floor, active, cover, doubtful)
            if not any(ahead):
                break
            doubtful = [i for i, more in zip(doubtful, ahead, strict=True) if more == 0]
        assert doubtful, "no claim is blocked"
        for i in doubtful:
            y[i] = cover * need[i]
        active = [i for i in active if i not in doubtful]


def _rows(
    A: list[Row], T: list[Row], b: Row, cap: Row, y: Row, floor: Row, active: list[int], more: int
) -> tuple[list[Row], Row]:
    """Rows over (rise above the floor of the active, transfers, `more` others)."""
    start = [floor[i] if i in active else y[i] for i in range(len(y))]
    matrix, right = [], []
    for a, t, limit in zip(A, T, b, strict=True):
        matrix.append([a[i] for i in active] + list(t) + [ZERO] * more)
        right.append(limit - sum((c * v for c, v in zip(a, start, strict=True)), ZERO))
    width = len(active) + len(cap) + more
    for t, limit in enumerate(cap):
        matrix.append(_unit(width, len(active) + t))
        right.append(limit)
    return matrix, right


def _unit(width: int, at: int) -> Row:
    return [ONE if j == at else ZERO for j in range(width)]


def _common(
    A: list[Row], T: list[Row], b: Row, need: Row, cap: Row, y: Row, floor: Row, active: list[int]
) -> Fraction:
    """The largest cover that all active claims can have together."""
    matrix, right = _rows(A, T, b, cap, y, floor, active, 1)
    width = len(active) + len(cap) + 1
    for j, i in enumerate(active):
        matrix.append(_unit(width, j))
        right.append(need[i] - floor[i])
        row = [-v for v in _unit(width, j)]
        row[-1] = need[i]
        matrix.append(row)
        right.append(floor[i])
    matrix.append(_unit(width, width - 1))
    right.append(ONE)
    return solve(_unit(width, width - 1), matrix, right)[-1]


def _ahead(
    A: list[Row],
    T: list[Row],
    b: Row,
    need: Row,
    cap: Row,
    y: Row,
    floor: Row,
    active: list[int],
    cover: Fraction,
    doubtful: list[int],
) -> Row:
    """How far the doubtful claims can be ahead of the common cover, together as far as possible."""
    count = len(doubtful)
    matrix, right = _rows(A, T, b, cap, y, floor, active, count)
    width = len(active) + len(cap) + count
    for j, i in enumerate(active):
        matrix.append(_unit(width, j))
        right.append(need[i] - floor[i])
        row = [-v for v in _unit(width, j)]
        if i in doubtful:
            row[width - count + doubtful.index(i)] = ONE
        matrix.append(row)
        right.append(floor[i] - cover * need[i])
    goal = [ZERO] * (width - count) + [ONE] * count
    return solve(goal, matrix, right)[width - count :]


def _carry(A: list[Row], T: list[Row], b: Row, cap: Row, y: Row, price: Row) -> Row:
    matrix, right = _rows(A, T, b, cap, y, y, [], 0)
    return solve([-v for v in price], matrix, right)


def solve(goal: Row, matrix: list[Row], right: Row) -> Row:
    """Maximise goal·x, matrix·x ≤ right, x ≥ 0: two phases, Bland's rule."""
    n, m = len(goal), len(right)
    table = [list(row) for row in matrix]
    basic, free = list(range(n, n + m)), list(range(n))
    value = list(right)
    if any(v < 0 for v in value):
        for row in table:
            row.append(-ONE)
        free.append(n + m)
        cost = [ZERO] * n + [-ONE]
        worst = min(range(m), key=lambda r: value[r])
        _pivot(table, value, cost, basic, free, worst, n)
        _climb(table, value, cost, basic, free)
        if n + m in basic:
            r = basic.index(n + m)
            assert value[r] == 0, "infeasible"
            c = next((c for c, v in enumerate(table[r]) if v != 0), None)
            if c is not None:
                _pivot(table, value, cost, basic, free, r, c)
        if n + m in free:
            c = free.index(n + m)
            free.pop(c)
            for row in table:
                row.pop(c)
    cost = [goal[v] if v < n else ZERO for v in free]
    for r, v in enumerate(basic):
        if v < n and goal[v] != 0:
            cost = [q - goal[v] * w for q, w in zip(cost, table[r], strict=True)]
    _climb(table, value, cost, basic, free)
    x = [ZERO] * (n + m + 1)
    for r, v in enumerate(basic):
        x[v] = value[r]
    return x[:n]


def _climb(table: list[Row], value: Row, cost: Row, basic: list[int], free: list[int]) -> None:
    while True:
        rising = [c for c, q in enumerate(cost) if q > 0]
        if not rising:
            return
        c = min(rising, key=lambda c: free[c])
        limits = [(value[r] / row[c], basic[r], r) for r, row in enumerate(table) if row[c] > 0]
        assert limits, "unbounded"
        _pivot(table, value, cost, basic, free, min(limits)[2], c)


def _pivot(
    table: list[Row], value: Row, cost: Row, basic: list[int], free: list[int], r: int, c: int
) -> None:
    """Exchange the basic variable of row r for the free one of column c."""
    inverse = 1 / table[r][c]
    table[r] = [v * inverse if v else v for v in table[r]]
    table[r][c] = inverse
    value[r] *= inverse
    used = [(j, v) for j, v in enumerate(table[r]) if v and j != c]
    for k, row in enumerate(table):
        f = row[c]
        if k == r or f == 0:
            continue
        for j, v in used:
            row[j] -= f * v
        row[c] = -f * inverse
        value[k] -= f * value[r]
    f = cost[c]
    if f != 0:
        for j, v in used:
            cost[j] -= f * v
        cost[c] = -f * inverse
    basic[r], free[c] = free[c], basic[r]
