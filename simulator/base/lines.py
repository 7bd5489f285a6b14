"""Print lines of text: wrap them between words, and use only characters of the terminal."""

import re
from textwrap import wrap

from rich.console import Console
from rich.text import Text

PLAIN = {
    "→": "->", "×": "x", "µ": "u", "τ": "tau", "±": "+/-", "−": "-", "–": "-", "─": "-",
    "…": "...", "²": "2",
}  # fmt: skip
"""Replacements for terminals that cannot show a character."""

_UNIT = re.compile(r"(?<=\d) (?=(?:GHz|[mµn]?s|kB|KiB|%|bits?|PEs|cycles)\b|%)|(?<=\btau) (?=\d)")
"""A space between a number and its unit, or between tau and its value; no line ends there."""
_BOUND = "\0"


def shown(text: str, encoding: str) -> str:
    """Return the text in characters of an encoding; names from files may hold any.

    Args:
        text: any text; a line feed stays, and any other control character becomes `?`.
        encoding: encoding of the terminal or file that receives the text.

    """
    text = "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = "".join(PLAIN.get(character, character) for character in text)
        text = text.encode(encoding, "replace").decode(encoding)
    return text


def print_line(console: Console, text: str, *, bold: str = "") -> None:
    """Print a line of text; if it is too long, wrap it between words, with a hanging indent.

    A word that is longer than the console, such as a path, stays whole.

    Args:
        console: the terminal; its width limits the lines.
        text: any text; a line feed begins a new line.
        bold: beginning of the text to print in bold.

    """
    text, bold = shown(text, console.encoding), shown(bold, console.encoding)
    paragraphs = text.split("\n")
    for line in (x for each in paragraphs for x in wrapped(each, console.width, indent="  ")):
        printed = Text(line)
        if line.startswith(bold):
            printed.stylize("bold", 0, len(bold))
        console.print(printed, highlight=False, soft_wrap=True)


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return the text's lines; a word that is too long stays whole, on a line of its own."""
    lines = wrap(
        _UNIT.sub(_BOUND, text),
        max(width, 1),
        subsequent_indent=indent if width > len(indent) else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_BOUND, " ") for line in lines] or [""]


def words(text: str) -> list[str]:
    """Split a text at the positions where lines may end."""
    return [word.replace(_BOUND, " ") for word in _UNIT.sub(_BOUND, text).split()]
