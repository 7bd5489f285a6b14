"""Phrases for notes and reports, grammatical for any value: counts, layers, sizes, times."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

_UNITS = (("s", 1e-3), ("ms", 1.0), ("µs", 1e3), ("ns", 1e6))
"""Units of time, and the number of units per millisecond."""
_NAMED = 4
"""Maximum number of layers and ranges in a list, which then counts further layers."""
_RANGE = 3
"""Minimum number of neighboring layers in a range."""
_DIGITS = 3
_MOST_DIGITS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Layers as a noun phrase, singular or plural."""

    text: str
    plural: bool

    def inflect(self, singular: str, plural: str) -> str:
        """Return the template that agrees with the layers, with their names at `{layers}`."""
        return (plural if self.plural else singular).replace("{layers}", self.text)


def in_yaml(value: object) -> str:
    """Return a value as a hardware file has it: `true` or `false` for a boolean."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def layers_phrase(names: Sequence[str], network: Sequence[str]) -> Layers:
    """Name layers: "all layers", or the first names and ranges, such as "a, c to f, and h".

    Args:
        names: names of the layers, at least one, in the order of the network.
        network: names of all layers of the network, in order.

    """
    if len(names) == len(network) > 1:
        return Layers(text="all layers", plural=True)
    items: list[str] = []
    named = 0
    for run in _runs(names, network):
        if len(items) == _NAMED:
            break
        if len(run) >= _RANGE:
            items.append(f"{run[0]} to {run[-1]}")
            named += len(run)
        else:
            shown = run[: _NAMED - len(items)]
            items += shown
            named += len(shown)
    if more := len(names) - named:
        items.append(counted(more, "more layer"))
    return Layers(text=listed(items), plural=len(names) > 1)


def _runs(names: Sequence[str], network: Sequence[str]) -> list[list[str]]:
    """Split names into runs of neighbors in the network."""
    places = {name: place for place, name in enumerate(network)}
    runs: list[list[str]] = []
    for name in names:
        if runs and places[name] == places[runs[-1][-1]] + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return runs


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return the number and the noun: "1 cycle", "2,000 cycles"; `plural` if it is irregular."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def kilobytes(size: int) -> str:
    """Return a size in kB with one decimal, or in bytes below 1 kB."""
    return f"{size / 1e3:,.1f} kB" if size >= 1000 else counted(size, "byte")


def significant(value: float, digits: int = _DIGITS) -> str:
    """Round to significant digits, without an exponent."""
    if value == 0:
        return "0"
    exponent = floor(log10(abs(float(f"{value:.{digits - 1}e}"))))
    return f"{value:,.{max(0, digits - 1 - exponent)}f}"


def percent(fraction: float) -> str:
    """Return a fraction from 0 to 1 in percent: whole, or with two significant digits below 10."""
    value = 100 * fraction
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{value:.2g} %"


def signed_percent(change: float) -> str:
    """Return a relative change in percent: two decimals, or one significant digit below 0.01 %."""
    percent = 100 * change
    return f"{percent:+.2f} %" if abs(percent) >= 0.005 else f"{percent:+.1g} %"


def time_pair(one: float, other: float) -> tuple[str, str]:
    """Return two times in milliseconds as texts of one unit that differ if the times differ."""
    unit, factor = time_unit((one, other))
    texts = different(one * factor, other * factor)
    return f"{texts[0]} {unit}", f"{texts[1]} {unit}"


def different(one: float, other: float) -> tuple[str, str]:
    """Round to three significant digits, or to as many as show the difference (at most seven)."""
    texts = significant(one), significant(other)
    for digits in range(_DIGITS + 1, _MOST_DIGITS + 1):
        if one == other or texts[0] != texts[1]:
            break
        texts = significant(one, digits), significant(other, digits)
    return texts


def listed(words: Sequence[str], last: str = "and") -> str:
    """Join words as English does: `a`, `a and b`, `a, b, and c`."""
    if len(words) < 3:
        return f" {last} ".join(words)
    return f"{', '.join(words[:-1])}, {last} {words[-1]}"


def times_in_one_unit(milliseconds: Sequence[float]) -> list[str]:
    """Format times with three decimals, in one unit that leaves the shortest time three digits."""
    unit, factor = time_unit(milliseconds)
    return [f"{factor * time:.3f} {unit}" for time in milliseconds]


def time_unit(milliseconds: Sequence[float]) -> tuple[str, float]:
    """Return the largest unit in which no nonzero time is below 0.1, and units per millisecond."""
    return unit_of(milliseconds, _UNITS)


def unit_of(values: Sequence[float], units: Sequence[tuple[str, float]]) -> tuple[str, float]:
    """Return the first unit in which no nonzero value is below 0.1, or the last unit.

    Args:
        values: values that are not negative.
        units: names, the largest unit first, each with its number per unit of the values.

    """
    least = min((value for value in values if value > 0), default=1.0)
    return next((unit for unit in units if unit[1] * least >= 0.1), units[-1])
