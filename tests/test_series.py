"""Tables: what is read, in which unit, what is refused, and how a series drives a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watersim.errors import InputError
from watersim.series import Series, drive, flow_values, measured_as, read_series
from watersim.table import Table, read_table
from watersim.timeline import DAY, Timeline, edges

Read = Callable[..., Series]
LEVELS = {"level": "length", "area": "area", "storage": "volume"}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_text(text: str, column: str = "q_m3s", missing: tuple[str, ...] = ()) -> Series:
        path = tmp_path / "q.csv"
        path.write_bytes(text.encode())
        return read_series(path, column, tmp_path, "q.csv", missing)

    return read_text


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], Table]:
    def read_text(text: str) -> Table:
        path = tmp_path / "levels.csv"
        path.write_bytes(text.encode())
        return read_table(path, LEVELS, tmp_path, "levels.csv")  # type: ignore[arg-type]

    return read_text


def problems(read: Callable[..., object], *arguments: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(*arguments)
    return [str(problem) for problem in caught.value.problems]


def months(*cells: str, first: str = "2003-01") -> str:
    start = np.datetime64(first, "M")
    rows = [f"{start + k},{cell}" for k, cell in enumerate(cells)]
    return "\n".join(["month,q_m3s", *rows, ""])


# --- what is read


def test_a_monthly_table_is_read(read: Read) -> None:
    series = read(
        '# Talas at Kluchevka, "gauge 5"\n\nmonth,x,q_m3s\n2003-12,a,1\n2004-01,b,2.5\n\n'
    )
    assert series.step == "month"
    assert list(series.starts.astype(str)) == ["2003-12-01", "2004-01-01"]
    assert list(series.ends.astype(str)) == ["2004-01-01", "2004-02-01"]
    assert list(series.values) == [1.0, 2.5]
    assert (series.unit, series.dimension) == ("m3/s", "flow")
    assert (series.file, series.column) == ("q.csv", "q_m3s")


@pytest.mark.parametrize(
    ("rows", "step"),
    [
        (["2004-02-28", "2004-02-29", "2004-03-01"], "day"),
        (["2004-02-11", "2004-02-21", "2004-03-01"], "decade"),
        (["2003-12-01", "2004-01-01", "2004-02-01"], "month"),
    ],
)
def test_the_step_follows_from_the_dates(read: Read, rows: list[str], step: str) -> None:
    series = read("date,q_m3s\n" + "".join(f"{row},1\n" for row in rows))
    assert series.step == step
    assert list(series.starts.astype(str)) == rows


def test_a_mark_of_order_windows_lines_and_a_last_line_without_end_are_read(read: Read) -> None:
    series = read("\ufeffmonth,q_m3s\r\n2003-01, 1 \r\n2003-02,.5e1")
    assert list(series.values) == [1.0, 5.0]


def test_a_declared_marker_is_a_missing_value(read: Read) -> None:
    series = read(months("1", "NA", "-999.0", ""), "q_m3s", ("NA", "-999", ""))
    assert series.values[0] == 1.0
    assert np.isnan(series.values[1:]).all()


@pytest.mark.parametrize(
    ("column", "cell", "value", "dimension"),
    [
        ("a_hm3", "2", 2e6, "volume"),
        ("a_ls", "2", 2e-3, "flow"),
        ("a_mm_per_day", "8.64", 1e-7, "depth rate"),
        ("a_hm3_per_month", "2.4192", 1.0, "flow"),
        ("a_mm_per_month", "24.192", 1e-8, "depth rate"),
        ("a_GWh_per_month", "0.672", 1e6, "power"),
        ("a_km3_per_year", "0.031536", 1.0, "flow"),
        ("a_percent", "25", 0.25, "fraction"),
    ],
)
def test_a_column_becomes_si_by_its_unit_and_true_month(
    read: Read, column: str, cell: str, value: float, dimension: str
) -> None:
    series = read(f"month,{column}\n2003-02,{cell}\n", column)
    assert series.values[0] == pytest.approx(value, rel=1e-14)
    assert series.dimension == dimension


def test_a_rate_per_month_in_a_decade_table_counts_the_month_it_lies_in(read: Read) -> None:
    rows = "date,a_hm3_per_month\n2004-02-21,2.5056\n2004-03-01,2.6784\n"
    assert list(read(rows, "a_hm3_per_month").values) == pytest.approx([1.0, 1.0], rel=1e-14)


def test_volumes_of_months_become_flows_by_their_true_length(read: Read) -> None:
    series = read("month,a_hm3\n2004-01,2.6784\n2004-02,2.5056\n", "a_hm3")
    assert list(flow_values(series)) == pytest.approx([1.0, 1.0], rel=1e-14)
    assert (flow_values(series) * (series.ends - series.starts).astype(float) * DAY).sum() == (
        pytest.approx(5.184e6, rel=1e-14)
    )


def test_flows_stay_flows(read: Read) -> None:
    series = read(months("3", "4"))
    assert list(flow_values(series)) == [3.0, 4.0]


def test_a_column_that_is_no_rate_has_no_flow(read: Read) -> None:
    with pytest.raises(ValueError, match=" ") as caught:
        flow_values(read("month,a_km2\n2004-01,1\n", "a_km2"))
    assert str(caught.value) == "a_km2 must be a rate, or an amount per period"


def test_a_series_is_measured_as_the_field_asks(read: Read) -> None:
    volume = read("month,a_hm3\n2003-02,2.4192\n", "a_hm3")
    assert measured_as(volume, "volume") is volume
    flow = measured_as(volume, "flow")
    assert (flow.dimension, flow.values[0]) == ("flow", pytest.approx(1.0, rel=1e-14))
    rain = measured_as(read("month,a_mm\n2003-02,24.192\n", "a_mm"), "depth rate")
    assert rain.values[0] == pytest.approx(1e-8, rel=1e-14)


def test_a_series_that_measures_something_else_is_refused(read: Read) -> None:
    with pytest.raises(ValueError, match=" ") as caught:
        measured_as(read("month,a_mm\n2003-02,1\n", "a_mm"), "flow")
    assert str(caught.value) == (
        "a_mm must be in m3/s, hm3/month, hm3/year or l/s (got mm); "
        "choose another column or correct its unit"
    )


# --- what is refused


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "no value for 2003-01; fill the gap or declare how missing values are treated"),
        ("NA", "must be a number (got 'NA'); correct it, or declare it a missing value"),
        ('"12,5"', "has a decimal comma (got '12,5'); write 12.5"),
        ('"1,250"', "has a comma (got '1,250'); write 1.250 or 1250"),
        ('"1,234.5"', "has a thousands separator (got '1,234.5'); write 1234.5"),
        ("1 234.5", "has a thousands separator (got '1 234.5'); write 1234.5"),
        ("1\u00a0234", "has a thousands separator (got '1?234'); write 1234"),
        ("inf", "must be finite (got 'inf'); leave out what is not known"),
        ("-NaN", "must be finite (got '-NaN'); leave out what is not known"),
        ("1e999", "must be finite (got '1e999'); leave out what is not known"),
        ("１２", "must be written with the digits 0-9 and the signs + - . (got '１２')"),
        ("−5", "must be written with the digits 0-9 and the signs + - . (got '−5')"),
        ("12 m3/s", "must be a bare number (got '12 m3/s'); the unit stands in the column's name"),
        ("1_000", "must be a number (got '1_000'); correct it, or declare it a missing value"),
        ("0x1F", "must be a bare number (got '0x1F'); the unit stands in the column's name"),
        ("1.2.3", "must be a number (got '1.2.3'); correct it, or declare it a missing value"),
    ],
)
def test_a_cell_that_is_no_number_is_refused(read: Read, cell: str, message: str) -> None:
    assert problems(read, months(cell)) == [f"q.csv:2: q_m3s: {message}"]


@pytest.mark.parametrize("cell", ["12", "-1.5", "+.5", "1.", "1e3", "1E-3", "0", "007"])
def test_a_plain_number_is_accepted(read: Read, cell: str) -> None:
    assert read(months(cell)).values[0] == float(cell)


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["2003-01-01", "2003-02-01", "2003-03-15", "2003-04-01"],
         ["q.csv:4: date: 2003-03-15 is not the first day of a month; write 2003-03-01"]),
        (["2003-01-01", "2003-01-11", "2003-01-20", "2003-02-01"],
         ["q.csv:4: date: 2003-01-20 is not the first day of a decade; write 2003-01-21"]),
        (["2003-01-01", "2003-02-01", "2003-02-01", "2003-03-01"],
         ["q.csv:4: date: 2003-02 stands twice, on lines 3 and 4; remove one"]),
        (["2003-01-01", "2003-02-01", "2003-04-01", "2003-05-01"],
         ["q.csv:4: date: nothing for 2003-03; fill the gap"]),
        (["2003-01-01", "2003-01-02", "2003-01-06", "2003-01-07"],
         ["q.csv:4: date: nothing for 2003-01-03 to 2003-01-05; fill the gap"]),
        (["2003-01-01", "2003-03-01", "2003-02-01", "2003-04-01"],
         ["q.csv:4: date: 2003-02 stands after 2003-03; put the rows in order"]),
        (["2003-01-01", "2003-04-01", "2003-02-01", "2003-05-01", "2003-06-01", "2003-07-01"],
         ["q.csv:3: date: nothing for 2003-03; fill the gap",
          "q.csv:4: date: 2003-02 stands after 2003-04; put the rows in order"]),
        (["2003-01-01", "2003-02-01", "2003-06-01", "2003-04-01", "2003-07-01", "2003-08-01",
          "2003-09-01"],
         ["q.csv:4: date: nothing for 2003-03, 2003-05; fill the gap",
          "q.csv:5: date: 2003-04 stands after 2003-06; put the rows in order"]),
        (["2003-01-01", "2003-02-30", "2003-03-01", "2003-04-01"],
         ["q.csv:3: date: must be a date of the calendar (got '2003-02-30')"]),
        (["2003-01-01", "01.02.2003", "2003-03-01", "2003-04-01"],
         ["q.csv:3: date: must be a date YYYY-MM-DD (got '01.02.2003')"]),
        (["2003-01-01", "2003-04-01", "2003-07-01"],
         ["q.csv:2: date: must be daily, by decade (1, 11, 21) or monthly "
          "(rows are 90.5 days apart)"]),
        (["2003-01-01"],
         ["q.csv:2: date: has too few dates to tell its step; name the column 'month' and write "
          "YYYY-MM"]),
        (["x", "y"],
         ["q.csv:2: date: must be a date YYYY-MM-DD (got 'x')",
          "q.csv:3: date: must be a date YYYY-MM-DD (got 'y')"]),
    ],
)  # fmt: skip
def test_a_date_that_does_not_fit_is_refused(read: Read, rows: list[str], lines: list[str]) -> None:
    assert problems(read, "date,q_m3s\n" + "".join(f"{row},1\n" for row in rows)) == lines


@pytest.mark.parametrize("cell", ["2003-13", "2003-1", "2003-01-01", "0000-01", "２003-01"])
def test_a_month_written_otherwise_is_refused(read: Read, cell: str) -> None:
    text = f"month,q_m3s\n{cell},1\n"
    assert problems(read, text) == [f"q.csv:2: month: must be a month YYYY-MM (got '{cell}')"]


@pytest.mark.parametrize(
    ("text", "column", "line"),
    [
        ("", "q_m3s", "q.csv: is empty; write a header and rows of values"),
        ("# a note\n\n", "q_m3s", "q.csv: is empty; write a header and rows of values"),
        ("month,q_m3s\n", "q_m3s", "q.csv:1: has a header but no rows; add them"),
        ("month;q_m3s\n2003-01;1\n", "q_m3s",
         "q.csv:1: must be separated by commas (got ';' or a tab)"),
        ("# note\nDate,q_m3s\n2003-01-01,1\n", "q_m3s",
         "q.csv:2: the first column must be 'date' or 'month' (got 'Date')"),
        ("month,q_m3s,\n2003-01,1,\n", "q_m3s",
         "q.csv:1: column 3 has no name; name it or remove it"),
        ("month,q_m3s,q_m3s\n2003-01,1,2\n", "q_m3s",
         "q.csv:1: column 'q_m3s' stands twice; rename or remove one"),
        ("month,q_m3s\n2003-01,1\n", "q_m3",
         "q.csv:1: q_m3: is not a column of the table; did you mean 'q_m3s'?"),
        ("month,q_m3s,a_mm\n2003-01,1,2\n", "level",
         "q.csv:1: level: is not a column of the table; it has q_m3s, a_mm"),
        ("month,inflow\n2003-01,1\n", "inflow",
         "q.csv:1: inflow: must end in its unit, such as _m3s, _hm3, _mm, _mm_per_day, _m, _km2, "
         "_ha, _MW, _GWh or _percent"),
        ("month,q_m3s\n2003-01,1\n2003-02,1,5\n", "q_m3s",
         "q.csv:3: has 3 cells where the header has 2; look for decimal commas, which split a "
         "number in two"),
        ("month,q_m3s\n2003-01,1\n2003-02\n", "q_m3s",
         "q.csv:3: has 1 cells where the header has 2; write every cell, also an empty one"),
        ("month,q_m3s\n2003-01,1\n\n2003-02,2\n", "q_m3s",
         "q.csv:3: is a blank line between rows; remove it"),
        ('month,q_m3s\n2003-01,1\n2003-02,"1\n2003-03,2\n', "q_m3s",
         "q.csv:3: has an open quote, or text after a closing one; correct the quotes"),
        ("month,q_m3s\n2003-01,1\x00\n", "q_m3s",
         "q.csv:2: has the control character U+0000; remove it"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_refused(
    read: Read, text: str, column: str, line: str
) -> None:
    assert problems(read, text, column) == [line]


def test_all_problems_come_at_once_in_file_order(read: Read) -> None:
    text = "month,q_m3s\n2003-01,x\n2003-03,\n2003-04,1,5\n2003-05,1\n2003-05,2\n"
    assert [line.split(": ")[0] for line in problems(read, text)] == [
        "q.csv:2", "q.csv:3", "q.csv:3", "q.csv:4", "q.csv:6"
    ]  # fmt: skip


def test_after_twenty_problems_the_rest_is_counted(read: Read) -> None:
    lines = problems(read, months(*["x"] * 50))
    assert len(lines) == 21
    assert lines[-1] == "q.csv: and 30 more"
    assert len(problems(read, months(*["x"] * 20))) == 20
    assert problems(read, months(*["x"] * 21))[-1] == "q.csv: and 1 more"


def test_the_suffixes_named_in_the_message_exist(read: Read) -> None:
    (line,) = problems(read, "month,inflow\n2003-01,1\n", "inflow")
    for suffix in line.split("such as ")[1].replace(" or ", ", ").split(", "):
        assert read(f"month,a{suffix}\n2003-01,1\n", f"a{suffix}").values.shape == (1,)


# --- small tables


def test_a_table_of_levels_is_read_in_si(table: Callable[[str], Table]) -> None:
    read = table("# surveyed 1975\nstorage_hm3,level_m,area_km2\n0,840,0.5\n50,850,10\n")
    assert list(read.values["storage"]) == [0.0, 50e6]
    assert list(read.values["level"]) == [840.0, 850.0]
    assert list(read.values["area"]) == [0.5e6, 10e6]
    assert read.lines == [3, 4]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("level_m,area_km2\n840,1\n",
         ["levels.csv:1: storage: is missing; add a column storage_ with one of m3, hm3, Mm3 or "
          "km3"]),
        ("level_m,area_km2,storage_km2\n840,1,2\n",
         ["levels.csv:1: storage_km2: must be in m3, hm3, Mm3 or km3 (got km2)"]),
        ("level_m,area_km2,storage_hm3_per_month\n840,1,2\n",
         ["levels.csv:1: storage_hm3_per_month: must be in m3, hm3, Mm3 or km3 (got hm3/month)"]),
        ("level_m,area_km2,storage_hm3,x_m\n840,1,2,3\n",
         ["levels.csv:1: x_m: is not a column of this table; it has level, area, storage"]),
        ("level_m,aera_km2,storage_hm3\n840,1,2\n",
         ["levels.csv:1: aera_km2: is not a column of this table; did you mean 'area_km2'?",
          "levels.csv:1: area: is missing; add a column area_ with one of m2, ha or km2"]),
        ("level_m,level_cm,area_km2,storage_hm3\n840,1,2,3\n",
         ["levels.csv:1: level_cm: 'level' stands twice; remove one"]),
        ("level_min_m,level_m,area_km2,storage_hm3\n840,1,2,3\n",
         ["levels.csv:1: level_min_m: is not a column of this table; it has level, area, storage"]),
        ("level_m,area_km2,storage_hm3\n840,,x\n850,1,inf\n",
         ["levels.csv:2: area_km2: no value; fill the cell",
          "levels.csv:2: storage_hm3: must be a number (got 'x'); correct it",
          "levels.csv:3: storage_hm3: must be finite (got 'inf'); leave out what is not known"]),
        ("level_m,area_km2,storage_hm3\n",
         ["levels.csv:1: has a header but no rows; add them"]),
    ],
)  # fmt: skip
def test_a_table_of_levels_that_does_not_fit_is_refused(
    table: Callable[[str], Table], text: str, lines: list[str]
) -> None:
    assert problems(table, text) == lines


def test_a_rate_per_month_needs_dates(tmp_path: Path) -> None:
    path = tmp_path / "rating.csv"
    path.write_text("flow_hm3_per_month\n1\n")
    assert problems(read_table, path, {"flow": "flow"}, tmp_path, "rating.csv") == [
        "rating.csv:1: flow_hm3_per_month: must not be a rate per month in a table without dates"
    ]
    path.write_text("flow_m3s\n1\n")
    assert list(read_table(path, {"flow": "flow"}, tmp_path).values["flow"]) == [1.0]


# --- driving a run


def test_a_finer_series_is_averaged_exactly(read: Read) -> None:
    series = read("date,q_m3s\n2004-02-01,29\n2004-02-11,58\n2004-02-21,2.9\n")
    month = Timeline(date(2004, 2, 1), date(2004, 2, 29), "month")
    assert drive(series, month)[0] == pytest.approx(10 + 20 + 0.9, rel=1e-15)


def test_a_coarser_series_must_say_how_it_is_refined(read: Read) -> None:
    series = read(months("1", "2"))
    daily = Timeline(date(2003, 1, 1), date(2003, 2, 28), "day")
    with pytest.raises(ValueError, match=" ") as caught:
        drive(series, daily)
    assert str(caught.value) == (
        "is monthly and the run is daily; declare `finer: hold` or `finer: {disaggregate: [...]}`"
    )
    with pytest.raises(ValueError, match=r"^is monthly and the run is by decade; declare"):
        drive(series, Timeline(date(2003, 1, 1), date(2003, 2, 28), "decade"))
    held = drive(series, daily, "hold")
    assert (held[:31] == 1.0).all()
    assert (held[31:] == 2.0).all()


def test_days_outside_the_table_are_named(read: Read) -> None:
    with pytest.raises(ValueError, match=" ") as caught:
        drive(read(months("1", "2")), Timeline(date(2003, 1, 1), date(2003, 3, 31), "month"))
    assert str(caught.value) == (
        "has no value for 2003-03-01; it runs from 2003-01-01 to 2003-02-28; "
        "fill the table or choose another period"
    )


def test_a_shape_by_decade_keeps_the_mean_of_the_month(read: Read) -> None:
    series = read(months("10", "28"))
    decade = Timeline(date(2003, 1, 1), date(2003, 2, 28), "decade")
    shape = [0.0] * 36
    shape[3:6] = [1.0, 2.0, 5.0]
    shape[0:3] = [1.0, 1.0, 1.0]
    flow = drive(series, decade, shape)
    assert list(flow) == pytest.approx([10, 10, 10, 28 / 2.5, 56 / 2.5, 140 / 2.5], rel=1e-14)


def test_a_run_that_starts_within_a_month_takes_its_part_of_the_shape(read: Read) -> None:
    series = read(months("10", "28"))
    shape = np.ones(366)
    shape[:15] = 3.0
    whole = drive(series, Timeline(date(2003, 1, 1), date(2003, 1, 31), "day"), shape)
    part = drive(series, Timeline(date(2003, 1, 20), date(2003, 2, 3), "day"), shape)
    assert whole.mean() == pytest.approx(10.0, rel=1e-14)
    assert list(part[:12]) == list(whole[19:])
    assert list(part[12:]) == pytest.approx([28.0] * 3, rel=1e-14)


@given(
    values=st.lists(st.floats(0.0, 1e4), min_size=24, max_size=24),
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([36, 366]),
    step=st.sampled_from(["day", "decade"]),
)
def test_a_shape_keeps_every_month(values: list[float], seed: int, size: int, step: str) -> None:
    bounds = edges("month", date(2003, 1, 1), 24)
    series = Series(
        bounds[:-1], bounds[1:], "month", np.array(values), "m3/s", "flow", "q.csv", "q_m3s"
    )
    shape = np.random.default_rng(seed).random(size) + 0.01
    timeline = Timeline(date(2003, 1, 1), date(2004, 12, 31), step)  # type: ignore[arg-type]
    volume = drive(series, timeline, shape) * timeline.seconds
    month = timeline.starts.astype("datetime64[M]").astype(int) - 33 * 12
    seconds = (series.ends - series.starts).astype(float) * DAY
    assert np.bincount(month, volume) == pytest.approx(np.array(values) * seconds, rel=1e-12)


def test_a_month_without_water_may_have_no_shape(read: Read) -> None:
    shape = [0.0] * 3 + [1.0] * 33
    decade = Timeline(date(2003, 1, 1), date(2003, 2, 28), "decade")
    assert list(drive(read(months("0", "5")), decade, shape)) == [0.0] * 3 + [5.0] * 3
    with pytest.raises(ValueError, match=" ") as caught:
        drive(read(months("1", "5")), decade, shape)
    assert str(caught.value) == (
        "`disaggregate` is 0 throughout the period of 2003-01-01, the value is not"
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([1.0] * 12, "`disaggregate` must hold 36 or 366 weights (got 12)"),
        ([-1.0] + [1.0] * 35, "`disaggregate` must hold finite weights of at least 0"),
        ([float("inf")] + [1.0] * 35, "`disaggregate` must hold finite weights of at least 0"),
        ([float("nan")] + [1.0] * 35, "`disaggregate` must hold finite weights of at least 0"),
    ],
)
def test_a_shape_that_is_none_is_refused(read: Read, shape: list[float], message: str) -> None:
    decade = Timeline(date(2003, 1, 1), date(2003, 1, 31), "decade")
    with pytest.raises(ValueError, match=" ") as caught:
        drive(read(months("1")), decade, shape)
    assert str(caught.value) == message


def test_a_missing_value_stays_missing_in_its_steps(read: Read) -> None:
    series = read(months("NA", "5"), "q_m3s", ("NA",))
    flow = drive(series, Timeline(date(2003, 1, 1), date(2003, 2, 28), "decade"), [1.0] * 36)
    assert np.isnan(flow[:3]).all()
    assert list(flow[3:]) == pytest.approx([5.0] * 3, rel=1e-14)
