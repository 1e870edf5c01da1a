"""init: shipped basins and scenarios, or a template → a user's folder; never overwrites."""

from __future__ import annotations

import os
from pathlib import Path

from watersim.errors import InputError, MachineError, Problem
from watersim.files import first
from watersim.sources import shipped_root

FOLDERS = ("data", "scenarios", "notebooks")


def init(folder: str | Path, blank: bool = False) -> list[Path]:
    """Copy what comes with watersim into a folder, which is made if it is not there.

    Parameters
    ----------
    folder
        where to; it may hold other files
    blank
        a commented template of one invented basin in place of the shipped basins

    Returns
    -------
    list of Path
        the files written, in the order of their names

    Raises
    ------
    InputError
        if a file that would be written is already there; then nothing is written.
    MachineError
        if the disk or a permission stands in the way.
    """
    folder = Path(folder)
    source = Path(__file__).resolve().parent / "template" if blank else shipped_root()
    names = files(source)
    problems = [problem for name in names for problem in _in_the_way(folder, name)]
    if problems:
        raise InputError(first(list(dict.fromkeys(problems))))
    written = []
    for name in names:
        target = folder / name
        try:
            content = (source / name).read_bytes()
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(content)
        except OSError as error:
            reason = error.strerror or str(error)
            raise MachineError(f"{target}: cannot be written ({reason})") from error
        written.append(target)
    return written


def files(source: Path) -> list[Path]:
    """Every file of the shipped folders, relative to their root; hidden ones are left out."""
    found = (
        path.relative_to(source)
        for name in FOLDERS
        for path in (source / name).rglob("*")
        if path.is_file()
    )
    return sorted(path for path in found if not any(part.startswith(".") for part in path.parts))


def _in_the_way(folder: Path, name: Path) -> list[Problem]:
    """What would be overwritten, or stands where a folder is needed."""
    target = folder / name
    if os.path.lexists(target):
        return [
            Problem("is already there and was left as it is; choose another folder", str(target))
        ]
    above = [parent for parent in target.parents if parent.exists() and not parent.is_dir()]
    return [Problem("is a file where a folder is needed", str(path)) for path in above]
