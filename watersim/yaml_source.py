"""read: YAML file → plain data and the line of every value; guarded, evaluates nothing.

The file is read as a stream of parser events and never composed, so an alias is refused where it
stands and nothing is ever expanded. Scalars follow the YAML 1.2 core schema, narrowed: what two
readers might take for different numbers (``012``, ``0x1F``, ``1_000``, ``.nan``, ``１２``) is
refused, and dates and times of day stay text. A UTF-8 byte order mark is accepted.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from watersim.errors import InputError, Problem
from watersim.files import CONTROL, SURROGATE, display, first, printable, read_text

MAX_BYTES = 4_000_000
MAX_DEPTH = 24
MAX_VALUES = 200_000
DIGITS = 18  # of a whole number

Place = tuple[str | int, ...]


class Source(NamedTuple):
    """Where a value stands: the file as shown to the user and the line, counted from 1."""

    file: str
    line: int


class Document(NamedTuple):
    """A YAML file: its data, and the `Source` of every path in it (``()`` is the document).

    The line of a mapping's entry is the line of its key.
    """

    data: Any
    sources: dict[Place, Source]


# --- scalars -----------------------------------------------------------------------------------

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF|nan|NaN|NAN)")
_BASED = re.compile(r"[-+]?0([oO][0-7]+|[xX][0-9a-fA-F]+|[bB][01]+)")
_UNDERSCORED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?")
_MINUS = str.maketrans("−–﹣－", "----")


def _looks_like_a_number(text: str) -> bool:
    """Whether the first word would be a number if its digits or sign were ASCII."""
    try:
        float(text.split(maxsplit=1)[0].rstrip("%").translate(_MINUS))
    except (ValueError, IndexError):
        return False
    return True


def plain_scalar(text: str) -> Any:
    """The value of an unquoted scalar; ValueError with a sentence if it is refused."""
    if text in _WORDS:
        return _WORDS[text]
    if not text.isascii():
        if _looks_like_a_number(text):
            raise ValueError("must be written with the digits 0-9 and the signs + - .")
        return text
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("must be a finite number")
    if _BASED.fullmatch(text) or _UNDERSCORED.fullmatch(text):
        raise ValueError("must be a plain decimal number, or text in quotes")
    if not _FLOAT.fullmatch(text):
        return text
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        raise ValueError("must not begin with 0; leave the 0 out, or put text in quotes")
    if _INTEGER.fullmatch(text):
        if len(digits) > DIGITS:
            raise ValueError(
                f"must have at most {DIGITS} digits; write a decimal number or text in quotes"
            )
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    if number == 0.0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise ValueError("is too small to be told from 0")
    return number


# --- the document ------------------------------------------------------------------------------

_SENTENCES = (
    ("mapping values", "has a ': ' too many or a wrong indentation; put text with ': ' in quotes"),
    ("could not find expected ':'", "is not KEY: VALUE; write a colon and a space after the key"),
    ("expected <block end>", "does not stand under its neighbours; give them one indentation"),
    ("sequence entries", "has a list in a place where it cannot begin; start it on its own line"),
    ("expected ',' or", "begins a list or mapping that lacks a comma or its closing bracket"),
    ("cannot start any token", "has text that begins with @, %, ` or a tab; put it in quotes"),
    ("unexpected end of stream", "begins a quoted text that is not closed; add the quote"),
    ("unknown escape", "has an unknown escape after a backslash; use 'single quotes'"),
    ("alphabetic or numeric", "has text that begins with * or &; put it in quotes"),
    ("found '<stream end>'", "ends inside a list or mapping; close its bracket"),
    ("node content", "has a bracket or a comma where a value should be"),
)
_UNREADABLE = "cannot be read as YAML; look at indentation, quotes and brackets"
_TAB = re.compile(r" *\t[ \t]*[^\s#]")


class _Frame:
    """A mapping or list being read; in a mapping, the key that awaits its value."""

    def __init__(self, into: dict[str, Any] | list[Any], place: Place) -> None:
        self.into = into
        self.place = place
        self.key: str | None = None
        self.lines: dict[str, int] = {}  # the first line of every key


class _Reader:
    """Builds data, sources and problems from parser events."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.data: Any = None
        self.sources: dict[Place, Source] = {}
        self.problems: list[Problem] = []
        self.stack: list[_Frame] = []
        self.documents = 0

    def note(self, message: str, line: int, place: Place = ()) -> None:
        key = ".".join(printable(str(part)) for part in place)
        self.problems.append(Problem(message, self.shown, line, key))

    def stop(self, message: str, line: int, place: Place = ()) -> NoReturn:
        self.note(message, line, place)
        raise InputError(first(self.problems))

    def feed(self, event: Any) -> None:
        """Take the parser's next event."""
        line = event.start_mark.line + 1
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.stop("must hold one document; remove what follows the first", line)
            if event.version or event.tags:
                self.note("directives (%YAML, %TAG) are not accepted; remove the line", line)
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self.stack.pop()
        elif isinstance(event, (AliasEvent, ScalarEvent, MappingStartEvent, SequenceStartEvent)):
            frame = self.stack[-1] if self.stack else None
            if frame and isinstance(frame.into, dict) and frame.key is None:
                self._key(frame, event, line)
            else:
                self._value(frame, event, line)

    def _plain_only(self, event: Any, line: int, place: Place) -> None:
        """Note what YAML offers beyond plain data."""
        name = printable(str(event.anchor))
        if isinstance(event, AliasEvent):
            self.note(f"aliases (*{name}) are not accepted; repeat the value", line, place)
            return
        if event.anchor is not None:
            self.note(f"anchors (&{name}) are not accepted; remove it", line, place)
        if event.tag is not None:
            tag = printable(str(event.tag).replace("tag:yaml.org,2002:", "!!"))
            self.note(f"tags ({tag}) are not accepted; remove it", line, place)

    def _key(self, frame: _Frame, event: Any, line: int) -> None:
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            self.stop("a key must be text, not a list or mapping", line, frame.place)
        is_alias = isinstance(event, AliasEvent)
        text = str(event.anchor if is_alias else event.value)
        place = (*frame.place, text)
        self._plain_only(event, line, place)
        if text == "<<" and not is_alias and not event.style:
            self.note("merge keys (<<) are not accepted; write the entries out", line, place)
        elif not is_alias:
            known = len(self.problems)
            value = self._scalar(event, line, frame.place)
            if len(self.problems) == known and (not isinstance(value, str) or not value):
                got = printable(text)
                self.note(f"a key must be text (got {got!r}); put it in quotes", line, frame.place)
            elif text in frame.lines:
                lines = f"lines {frame.lines[text]} and {line}"
                self.note(f"is written twice, on {lines}; keep one", line, place)
        frame.key = text
        frame.lines.setdefault(text, line)
        self.sources[place] = Source(self.shown, line)

    def _value(self, frame: _Frame | None, event: Any, line: int) -> None:
        place: Place = ()
        if frame is not None:
            place = (*frame.place, len(frame.into) if frame.key is None else frame.key)
        if len(self.sources) >= MAX_VALUES:
            self.stop(f"must hold at most {MAX_VALUES} values; use tables (CSV)", line, place)
        self.sources.setdefault(place, Source(self.shown, line))
        self._plain_only(event, line, place)
        value: Any = None
        if isinstance(event, ScalarEvent):
            value = self._scalar(event, line, place)
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            value = {} if isinstance(event, MappingStartEvent) else []
            if len(self.stack) >= MAX_DEPTH:
                self.stop(f"must not nest deeper than {MAX_DEPTH} levels", line, place)
            self.stack.append(_Frame(value, place))
        if frame is None:
            self.data = value
        elif isinstance(frame.into, dict):
            frame.into[str(frame.key)], frame.key = value, None
        else:
            frame.into.append(value)

    def _scalar(self, event: Any, line: int, place: Place) -> Any:
        text: str = event.value
        hidden = CONTROL.search(text) or SURROGATE.search(text)
        if hidden:
            code = f"U+{ord(hidden[0]):04X}"
            self.note(f"has the control character {code}; remove it", line, place)
        elif not event.style:
            try:
                return plain_scalar(text)
            except ValueError as error:
                self.note(f"{error} (got {printable(text)!r})", line, place)
        return text


def _syntax_problem(error: Exception, shown: str, line: int, last: int) -> Problem:
    """A sentence in place of the parser's own; an unclosed bracket or quote by where it opens."""
    if not isinstance(error, MarkedYAMLError):
        return Problem(_UNREADABLE, shown, line)
    said = f"{error.problem}"
    sentence = next((human for part, human in _SENTENCES if part in said), _UNREADABLE)
    opens = sentence.startswith("begins") or "find expected" in said
    mark = (opens and error.context_mark) or error.problem_mark or error.context_mark
    return Problem(sentence, shown, min(mark.line + 1, last) if mark else line)


def read_yaml(path: Path, root: Path, shown: str | None = None) -> Document:
    """Read a YAML file inside `root` as plain data (dict, list, str, int, float, bool, None).

    Parameters
    ----------
    path, root : Path
        the file, and the folder that reading is confined to (symbolic links are followed first).
    shown : str, optional
        the file's name in messages and sources; by default `display` of `path`.

    Raises
    ------
    InputError
        with every problem of the file; a syntax error ends the search for more.
    MachineError
        if the machine does not let the file be read.
    """
    shown = display(path) if shown is None else shown
    text = read_text(path, root, shown, MAX_BYTES)
    tabs = [
        Problem("has a tab in its indentation; use spaces", shown, number)
        for number, line in enumerate(text.split("\n"), start=1)
        if _TAB.match(line)
    ]
    if tabs:
        raise InputError(first(tabs))
    reader = _Reader(shown)
    line, last = 1, text.rstrip().count("\n") + 1
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            line = event.start_mark.line + 1
            reader.feed(event)
    except (YAMLError, ValueError, OverflowError) as error:
        raise InputError(
            first([*reader.problems, _syntax_problem(error, shown, line, last)])
        ) from error
    if reader.data is None and not reader.problems:
        reader.stop("is empty; write KEY: VALUE", 1)
    if not isinstance(reader.data, dict):
        what = "a list" if isinstance(reader.data, list) else repr(printable(str(reader.data)))
        reader.note(f"must be KEY: VALUE at the top (got {what})", reader.sources[()].line)
    if reader.problems:
        raise InputError(first(reader.problems))
    return Document(reader.data, reader.sources)
