"""Files that may be read, regular, inside a root folder, UTF-8; files written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from watersim.errors import InputError, MachineError, Problem

MAX_PROBLEMS = 20


def display(path: Path) -> str:
    """A path as the user reads it: relative to the current folder where it lies below it."""
    with suppress(ValueError, OSError):  # elsewhere, or the current folder is gone
        whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
        path = whole.relative_to(Path.cwd())
    return printable(path.as_posix(), 1000)


def printable(text: str, longest: int = 40) -> str:
    """A text fit for one line of a message: no control characters, cut after `longest`."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= longest else text[:longest] + "…"


def first(problems: Sequence[Problem]) -> list[Problem]:
    """The first 20 problems in file order, and a line saying how many there are besides."""
    problems = sorted(problems, key=lambda problem: problem.line)
    rest = len(problems) - MAX_PROBLEMS
    if rest <= 0:
        return problems
    return [*problems[:MAX_PROBLEMS], Problem(f"and {rest} more", problems[0].file)]


def resolve_inside(path: Path, root: Path, shown: str | None = None) -> Path:
    """The real path of a regular file inside `root`, after following symbolic links.

    Raises
    ------
    InputError
        if it is missing, not a regular file, or lies outside `root`.
    MachineError
        if the machine does not let it be looked at.
    """
    shown = display(path) if shown is None else shown
    try:
        real, folder = path.resolve(strict=True), root.resolve(strict=True)
        mode = real.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
        if not whole.is_relative_to(os.path.abspath(root)):  # noqa: PTH100
            raise InputError(_outside(root, shown)) from error
        raise InputError(Problem("does not exist; check the name and its folder", shown)) from error
    except RuntimeError as error:  # Python < 3.13 on a circle of symbolic links
        raise InputError(Problem("is a circle of symbolic links", shown)) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(Problem("is a circle of symbolic links", shown)) from error
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(Problem("has a name too long for a file", shown)) from error
        raise MachineError(f"{shown}: cannot be read: {error.strerror}") from error
    if not real.is_relative_to(folder):
        raise InputError(_outside(root, shown))
    if not stat.S_ISREG(mode):
        what = "is a folder" if stat.S_ISDIR(mode) else "is not a regular file"
        raise InputError(Problem(f"{what}; name a file", shown))
    return real


def _outside(root: Path, shown: str) -> Problem:
    return Problem(f"lies outside {display(root)}; reading is confined to that folder", shown)


# NUL and other control characters, line ends that only some readers see, marks in mid-text
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
SURROGATE = re.compile("[\ud800-\udfff]")


def read_text(path: Path, root: Path, shown: str, longest: int) -> str:
    """The text of a regular UTF-8 file inside `root`, of at most `longest` bytes.

    Raises
    ------
    InputError, MachineError
        as `resolve_inside`, and for a file too long, not UTF-8 or with control characters.
    """
    real = resolve_inside(path, root, shown)
    try:
        with real.open("rb") as stream:
            raw = stream.read(longest + 1)
    except OSError as error:
        raise MachineError(f"{shown}: cannot be read: {error.strerror}") from error
    if len(raw) > longest:
        message = f"must be at most {longest / 1e6:g} MB; split it or leave out what is not read"
        raise InputError(Problem(message, shown))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(Problem("must be UTF-8 text; save it as UTF-8", shown, line)) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    problems = [
        Problem(f"has the control character U+{ord(found[0]):04X}; remove it", shown, number)
        for number, line in enumerate(text.split("\n"), start=1)
        if (found := CONTROL.search(line))
    ]
    if problems:
        raise InputError(first(problems))
    return text


def make_folder(folder: Path) -> None:
    """Make a folder for what is written, unless it is there.

    Raises
    ------
    InputError
        if a file stands in its place.
    MachineError
        if the disk or a permission stands in the way.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem("is a file; name a folder", display(folder)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritten(folder, error) from error


def write_whole(path: Path, make: Callable[[Path], object]) -> Path:
    """Let `make` write a file beside its final name, with the same ending, and move it there.

    Raises
    ------
    InputError
        if a folder has that name.
    MachineError
        if the disk or a permission stands in the way; nothing is left behind.
    """
    if path.is_dir():
        raise InputError(Problem("is a folder; name a file", display(path)))
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        make(part)
        part.replace(path)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def _unwritten(path: Path, error: OSError) -> MachineError:
    return MachineError(f"{display(path)}: cannot be written ({error.strerror or error})")
