"""The Chu's inflow tables follow from the Ala-Archa statistics, as data/README.md says."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1] / "data" / "chu"
MEAN = {  # m3/s, of the rivers with the shape of the Ala-Archa
    "chon_kemin": 21.0, "issyk_ata": 7.0, "alamedin": 6.3, "sokuluk": 5.2, "ak_suu": 4.9,
    "kara_balta": 5.3, "shamsi": 4.8, "kegety": 2.1, "jardy_kaindy": 2.0, "aspara": 2.9,
    "middle_chu": 9.0, "east_streams": 5.0, "west_streams": 5.0, "merke_streams": 6.0,
}  # fmt: skip
LATE = ("chon_kemin",)  # shifted towards July and August
EARLY = ("shamsi", "kegety", "middle_chu", "east_streams", "west_streams", "merke_streams")
SPRINGS = 10.0
ORTO_TOKOI = [26, 25, 24, 22, 27, 38, 40, 35, 26, 26, 28, 28]  # m3/s by month
DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
LENGTH = [(10, 10, DAYS[d // 3] - 20)[d % 3] for d in range(36)]
WARMING = {4: 1.15, 5: 1.08, 7: 0.92, 8: 0.85}


def mean(values: list[float]) -> float:
    """Of a year of 365 days."""
    return sum(value * days for value, days in zip(values, LENGTH, strict=True)) / 365


def shape() -> list[float]:
    """The Ala-Archa's mean year, m3/s by decade."""
    lines = (DATA / "ala_archa_decades.csv").read_text().splitlines()
    table = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [float(row["mean_m3s"]) for row in table]


def mean_year() -> dict[str, list[float]]:
    """Every column of a mean year, m3/s by decade."""
    ala_archa = shape()
    found = {"kochkor": [float(ORTO_TOKOI[d // 3]) for d in range(36)], "ala_archa": ala_archa}
    for river, flow in MEAN.items():
        early, late = (0.8, 1.2) if river in LATE else (1.4, 0.7) if river in EARLY else (1.0, 1.0)
        by_month = {5: early, 6: early, 7: late, 8: late}
        bent = [q * by_month.get(d // 3 + 1, 1.0) for d, q in enumerate(ala_archa)]
        found[river] = [q * flow / mean(bent) for q in bent]
    return found | {"fan_springs": [SPRINGS] * 36}


def year_2050() -> dict[str, list[float]]:
    """A mean year, warmer; water that came through the ground as it was."""
    return {
        river: [q * (1.0 if river == "fan_springs" else WARMING.get(d // 3 + 1, 1.0))
                for d, q in enumerate(year)]
        for river, year in mean_year().items()
    }  # fmt: skip


def year_2023() -> dict[str, list[float]]:
    """2023: April to September drier, the other months as in a mean year."""
    found = {}
    may = {"chon_kemin": 0.55, "alamedin": 0.56}
    volumes = [q * days for q, days in zip(shape(), LENGTH, strict=True)]
    april, of_may, june = sum(volumes[9:12]), sum(volumes[12:15]), sum(volumes[15:18])
    rest = (0.78 * (april + of_may + june) - 0.66 * of_may) / (april + june)
    for river, year in mean_year().items():
        dry = dict.fromkeys(range(4, 10), rest) | {5: may.get(river, 0.66)}
        if river == "fan_springs":
            dry = {}
        found[river] = [q * dry.get(d // 3 + 1, 1.0) for d, q in enumerate(year)]
    kochkor = mean_year()["kochkor"]
    until = sum(kochkor[d] * LENGTH[d] * 0.0864 for d in range(9, 23))
    share = (230.0 - 30.0 * 11 * 0.0864) / until  # 1 April to 20 August
    found["kochkor"] = [q * share if 9 <= d < 23 else q for d, q in enumerate(kochkor)]
    found["kochkor"][23] = 30.0
    return found


def forecast_2023() -> list[list[str]]:
    """April to September of a mean year and of two dry ones, by exceedance."""
    year = mean_year()
    table = [["date", "exceedance_percent", *(f"{river}_m3s" for river in year)]]
    for exceedance, z in ((50, 0.0), (75, 0.674), (90, 1.282)):
        share = {river: 1.0 if river == "fan_springs" else 1.0 - z * 0.154 for river in year}
        for d in range(9, 27):
            day = date(2023, d // 3 + 1, 10 * (d % 3) + 1).isoformat()
            flows = [f"{values[d] * share[river]:.3f}" for river, values in year.items()]
            table.append([day, str(exceedance), *flows])
    return table


def rows(year: dict[str, list[float]], first: int, last: int) -> list[list[str]]:
    """The table as it stands in the file: a header, then a row a decade."""
    table = [["date", *(f"{river}_m3s" for river in year)]]
    for number in range(first, last + 1):
        for d in range(36):
            day = date(number, d // 3 + 1, 10 * (d % 3) + 1)
            table.append([day.isoformat(), *(f"{values[d]:.3f}" for values in year.values())])
    return table


TABLES = {
    "inflow.csv": (mean_year, 2001, 2003),
    "inflow_2050.csv": (year_2050, 2001, 2003),
    "inflow_2023.csv": (year_2023, 2023, 2023),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_inflow_follows_from_the_statistics(name: str) -> None:
    make, first, last = TABLES[name]
    lines = (DATA / name).read_text().splitlines()
    assert list(csv.reader(x for x in lines if not x.startswith("#"))) == rows(make(), first, last)


def test_the_forecast_follows_from_the_mean_year_and_the_year_types() -> None:
    lines = (DATA / "forecast_2023.csv").read_text().splitlines()
    assert list(csv.reader(x for x in lines if not x.startswith("#"))) == forecast_2023()


def test_the_rivers_sum_to_the_mountain_rim() -> None:
    assert sum(mean(year) for year in mean_year().values()) == pytest.approx(130.0, abs=0.2)


def test_orto_tokoi_receives_230_hm3_from_april_to_august_2023() -> None:
    year = year_2023()["kochkor"]
    assert sum(year[d] * LENGTH[d] * 0.0864 for d in range(9, 24)) == pytest.approx(230.0)
