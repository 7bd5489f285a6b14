"""Notes on what the weights of a trained network leave open, one sentence per kind of layer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from simulator.base.wording import Layers, counted, layers_phrase, percent
from simulator.workload.levels import Levels

MOVED = 0.01
"""Minimum share of a layer's kernels that centering must change for a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The weights of one binary layer, and the reader's decision."""

    layer: str
    weights: int
    """Number of weights of the layer."""
    levels: Levels
    moved: float = 0.0
    """Fraction of the kernels that the mean of each output channel would change; 0 if the file or
    the user decides whether it is subtracted."""
    unused_tau: int | None = None
    """Index width of the kernels in use, if it would not save bits."""


def weight_notes(findings: Sequence[Finding], network: Sequence[str]) -> tuple[str, ...]:
    """Return the notes on a network's weights.

    Args:
        findings: the binary layers with weights.
        network: names of all layers of the network, in order.

    """
    return tuple(note for kind in _KINDS for note in kind(findings, network))


def _bits(findings: Sequence[Finding], network: Sequence[str]) -> Iterator[str]:
    found = [x for x in findings if x.levels.kind == "bits"]
    if found:
        yield _layers(found, network).inflect(
            "{layers} stores its weights as 0 and 1; 0 is read as -1.",
            "{layers} store their weights as 0 and 1; 0 is read as -1.",
        )


def _ternary(findings: Sequence[Finding], network: Sequence[str]) -> Iterator[str]:
    found = [x for x in findings if x.levels.kind == "ternary"]
    if found:
        share = _range(x.levels.zeros / x.weights for x in found)
        yield _layers(found, network).inflect(
            f"{{layers}} has ternary weights: -α, 0 and +α per output channel, {share} of them 0. "
            "A kernel has no 0; each 0 is read as -1.",
            f"{{layers}} have ternary weights: -α, 0 and +α per output channel, {share} of them 0. "
            "A kernel has no 0; each 0 is read as -1.",
        )


def _pairs(findings: Sequence[Finding], network: Sequence[str]) -> Iterator[str]:
    found = [(x, x.levels.pair) for x in findings if x.levels.pair is not None]
    if found:
        least, most = found[0][1]
        where = f"{least:.4g} and {most:.4g} in the first channel of {found[0][0].layer}"
        yield (
            f"The weights of {_layers([x for x, _ in found], network).text} have two levels per "
            f"output channel other than ±α ({where}). The smaller level is read as -1; the run "
            "leaves out the product of their middle and the inputs."
        )


def _zeros(findings: Sequence[Finding], network: Sequence[str]) -> Iterator[str]:
    found = [x for x in findings if x.levels.kind == "real" and x.levels.zeros]
    if found:
        share = _range(x.levels.zeros / x.weights for x in found)
        yield f"In {_layers(found, network).text}, {share} of the weights are 0 and count as -1."


def _near_misses(findings: Sequence[Finding], network: Sequence[str]) -> Iterator[str]:
    found = [x for x in findings if x.levels.is_near_miss]
    if found:
        miss = percent(max(x.levels.deviation for x in found))
        yield (
            f"The weights of {_layers(found, network).text} miss ±α by up to {miss}, more than "
            "rounding does; they count as real weights, without a subset of their own."
        )


def _dead(findings: Sequence[Finding], network: Sequence[str]) -> Iterator[str]:
    found = [x for x in findings if x.levels.dead]
    if found:
        channels = sum(x.levels.dead for x in found)
        yield (
            f"{counted(channels, 'output channel')} of {_layers(found, network).text} "
            f"{'has' if channels == 1 else 'have'} only weights of 0; the kernels there are the "
            "first of the subset."
        )


def _small(findings: Sequence[Finding], network: Sequence[str]) -> Iterator[str]:
    found = [x for x in findings if x.unused_tau is not None]
    if found:
        first = found[0]
        yield _layers(found, network).inflect(
            "{layers} is too small for its few kernels to save bits as a subset; it runs at 1 bit "
            f"(--layer-tau {first.layer}={first.unused_tau} makes it sub-bit).",
            "{layers} are too small for their few kernels to save bits as subsets; they run at 1 "
            f"bit (--layer-tau {first.layer}={first.unused_tau} makes {first.layer} sub-bit).",
        )


def _uncentered(findings: Sequence[Finding], network: Sequence[str]) -> Iterator[str]:
    found = [x for x in findings if x.moved > MOVED]
    if found:
        yield (
            "The file does not tell whether the network subtracts the mean of each output channel "
            "before the sign. --center channel would do so and change "
            f"{_range(x.moved for x in found)} of the kernels of {_layers(found, network).text}."
        )


_KINDS: tuple[Callable[[Sequence[Finding], Sequence[str]], Iterator[str]], ...] = (
    _bits, _pairs, _ternary, _zeros, _near_misses, _dead, _small, _uncentered,
)  # fmt: skip


def _layers(found: Sequence[Finding], network: Sequence[str]) -> Layers:
    return layers_phrase([x.layer for x in found], network)


def _range(shares: Iterable[float]) -> str:
    """Fractions in percent: one value, or the smallest and the largest."""
    values = sorted(shares)
    least, most = percent(values[0]), percent(values[-1])
    return most if least == most else f"{least} to {most}"
