"""plan_workbook: a season's plan → an XLSX workbook that a planner reads and the parties sign."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from watersim.bounds import party_names
from watersim.plan_tables import assumptions, blocks, period, season_tables


def write_xlsx(plan: xr.Dataset, path: Path) -> None:
    """Write the workbook: the season on one sheet, one sheet of decades for each exceedance."""
    from openpyxl import Workbook

    book = Workbook()
    book.properties.title = str(plan.attrs["title"])
    book.properties.creator = "watersim"
    _front(book.active, plan)
    for k, exceedance in enumerate(plan["exceedance"].values):
        _decades(book.create_sheet(f"exceeded in {exceedance:g} %"), plan, k)
    book.save(path)


def _front(sheet: Any, plan: xr.Dataset) -> None:
    """The season at a glance, what was assumed, and where to sign."""
    from openpyxl.styles import Alignment, Font

    sheet.title = "season"
    sheet.append([str(plan.attrs["title"])])
    sheet["A1"].font = Font(bold=True, size=14)
    sheet.append([period(plan)])
    sheet.append([])
    for table in season_tables(plan):
        sheet.append([table.title])
        sheet.cell(sheet.max_row, 1).font = Font(bold=True)
        sheet.append(list(table.columns))
        for cell in sheet[sheet.max_row]:
            cell.font, cell.alignment = Font(italic=True), Alignment(horizontal="right")
        for row in table.rows:
            sheet.append([row[0], *(_number(cell) for cell in row[1:])])
            for cell, shown in zip(sheet[sheet.max_row][1:], row[1:], strict=False):
                cell.alignment = Alignment(horizontal="right")
                cell.number_format = "0.0" if "." in shown else "0"
        sheet.append([])
    sheet.append(["Assumed"])
    sheet.cell(sheet.max_row, 1).font = Font(bold=True)
    for line in assumptions(plan):
        sheet.append([line])
        sheet.merge_cells(start_row=sheet.max_row, end_row=sheet.max_row, start_column=1,
                          end_column=7)  # fmt: skip
        sheet.cell(sheet.max_row, 1).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[sheet.max_row].height = 15.0 * (1 + len(line) // 95)
    sheet.append([])
    for party, name in party_names(plan).items():
        if party in plan["party"].values:
            sheet.append([f"For {name}:", "", "", "date:"])
            sheet.row_dimensions[sheet.max_row].height = 30.0
    sheet.column_dimensions["A"].width = 34
    for column in "BCDEFG":
        sheet.column_dimensions[column].width = 13
    _on_paper(sheet, "portrait")


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _decades(sheet: Any, plan: xr.Dataset, k: int) -> None:
    """Decades across, one block of rows for every party, site, account and place."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    days = plan["time"].values.astype("datetime64[D]").astype(object)
    seen = plan["observed"].values.astype(bool)
    grey = PatternFill("solid", fgColor="E7E7E7")
    sheet.append([str(plan.attrs["title"])])
    sheet["A1"].font = Font(bold=True, size=13)
    exceedance = float(plan["exceedance"].values[k])
    sheet.append([f"{period(plan)}; inflow exceeded in {exceedance:g} %; hm3 in the decade"])
    sheet.append(["", "", *("fact" if one else "plan" for one in seen), ""])
    sheet.append(["", "decade from", *days, "season"])
    for cell in sheet[4]:
        cell.font, cell.alignment = Font(bold=True), Alignment(horizontal="right")
        cell.border = Border(bottom=Side(style="medium"))
        cell.number_format = "D MMM" if isinstance(cell.value, date) else "General"
    for cell in sheet[3]:
        cell.font, cell.alignment = Font(italic=True, size=9), Alignment(horizontal="right")
    for block in blocks(plan, k):
        for r, row in enumerate(block.rows):
            values = [None if np.isnan(value) else float(value) for value in row.values]
            total = None if np.isnan(row.total) else row.total
            sheet.append([("  " * (block.level - 1) + block.title) if r == 0 else "", row.label,
                          *values, total])  # fmt: skip
            cells = sheet[sheet.max_row]
            cells[0].font = Font(bold=block.level == 1)
            for cell in cells[2:]:
                cell.number_format = "0 %" if row.share else "0.00"
            for cell, one in zip(cells[2:-1], seen, strict=True):
                if one:
                    cell.fill = grey
            cells[-1].font = Font(bold=True)
            if r == 0:
                for cell in cells:
                    cell.border = Border(top=Side(style="thin", color="AAAAAA"))
    sheet.freeze_panes = "C5"
    sheet.column_dimensions["A"].width = 26
    sheet.column_dimensions["B"].width = 23
    for column in range(3, 4 + len(days)):
        sheet.column_dimensions[sheet.cell(4, column).column_letter].width = 8.5
    sheet.print_title_rows, sheet.print_title_cols = "1:4", "A:B"
    _on_paper(sheet, "landscape")


def _on_paper(sheet: Any, orientation: str) -> None:
    sheet.page_setup.orientation = orientation
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
