"""Where words go: lines with or without colour, and a region that is drawn anew in place."""

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, TextIO

from midwatch.approvals.visible import visible

WIDTH_PLAIN = 100
HEIGHT_PLAIN = 24
WIDTH_MIN = 40
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]")


class Styled(NamedTuple):
    """A piece of a line in a style; without colour it is just its text."""

    text: str
    style: str


Part = str | Styled


class PipeClosedError(Exception):
    """Nobody reads any more, as with `midwatch runs | head -1`."""


class Screen:
    """One stream of a terminal, or of a pipe."""

    def __init__(
        self, out: TextIO, *, colour: bool, width: int, live: bool, unicode: bool, height: int = 24
    ) -> None:
        """Write to `out`; `live` allows to draw a region in place, of less than `height` lines."""
        self.height = height
        self._out = out
        self._colour = colour
        self.width = max(WIDTH_MIN, width)
        self.live = live
        self.tick = "\N{CHECK MARK}" if unicode else "+"
        self.cross = "\N{MULTIPLICATION X}" if unicode else "x"
        self.dot = "\N{MIDDLE DOT}" if unicode else "-"
        self._drawn = 0

    def line(self, *parts: Part) -> None:
        """Write one line."""
        self._drawn = 0
        self._write(self._rendered(parts) + "\n")

    def draw(self, lines: Sequence[Sequence[Part]]) -> None:
        """Draw lines over those drawn before, each cut to the width; only where `live`."""
        back = f"\x1b[{self._drawn}F" if self._drawn else ""
        body = "".join(f"\x1b[2K{self._rendered(self._cut(line))}\n" for line in lines)
        self._write(back + body)
        self._drawn = len(lines)

    def raw(self, text: str) -> None:
        """Write text as it is: JSON, scripts, a card as it was stored."""
        self._drawn = 0
        self._write(text if text.endswith("\n") else text + "\n")

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError as error:
            raise PipeClosedError from error

    def _rendered(self, parts: Sequence[Part]) -> str:
        return "".join(self._piece(part) for part in parts)

    def _piece(self, part: Part) -> str:
        text = _CONTROL.sub(lambda found: visible(found[0]), part if isinstance(part, str) else part.text)
        if isinstance(part, str) or not self._colour or not text:
            return text
        return f"\x1b[{_STYLES[part.style]}m{text}\x1b[0m"

    def _cut(self, parts: Sequence[Part]) -> list[Part]:
        """Return the parts that fit the width, the last of them cut short."""
        left, kept = self.width - 1, list[Part]()
        for part in parts:
            text = part if isinstance(part, str) else part.text
            fitting = fitted(text, left)
            kept.append(fitting if isinstance(part, str) else Styled(fitting, part.style))
            left -= columns(fitting)
            if fitting != text:
                break
        return kept


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
        for char in text
    )


def fitted(text: str, width: int) -> str:
    """Return the beginning of a text that takes at most so many columns."""
    while columns(text) > width:
        text = text[:-1]
    return text


def padded(text: str, width: int) -> str:
    """Return the text with blanks up to a number of columns."""
    return text + " " * max(0, width - columns(text))


def screen_on(out: TextIO) -> Screen:
    """Return the screen on a stream of this process."""
    is_terminal = out.isatty()
    is_dumb = os.environ.get("TERM", "") == "dumb"
    no_colour = os.environ.get("NO_COLOR", "") != ""
    encoding = (getattr(out, "encoding", None) or "ascii").lower().replace("-", "")
    if hasattr(out, "reconfigure"):
        out.reconfigure(errors="backslashreplace")
    seen = shutil.get_terminal_size((WIDTH_PLAIN, HEIGHT_PLAIN))
    return Screen(
        out,
        colour=is_terminal and not is_dumb and not no_colour,
        width=seen.columns if is_terminal else WIDTH_PLAIN,
        height=seen.lines,
        live=is_terminal and not is_dumb,
        unicode=encoding in {"utf8", "utf16"},
    )


def standard() -> Screen:
    """Return the screen on standard output."""
    return screen_on(sys.stdout)


def standard_error() -> Screen:
    """Return the screen on standard error."""
    return screen_on(sys.stderr)


def table(rows: Sequence[Sequence[str]], *, heads: Sequence[str]) -> list[str]:
    """Return rows as lines with aligned columns; the last column keeps its length."""
    widths = [
        max([columns(head), *(columns(row[index]) for row in rows)]) for index, head in enumerate(heads)
    ]
    lines = []
    for row in (heads, *rows):
        cells = [padded(cell, width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines
