"""Streaming pipelines against BNN-PYNQ's measurements on two boards.

Nothing is fitted: the hardware files have the structure of the public source, and docs/streaming.md
lists every constant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simulator.api.result import Result
from simulator.api.simulate import simulate
from simulator.base.progress import Progress
from simulator.machines import load_hardware
from simulator.paper.markdown import Row, table, write_csv, write_report

_BATCH = 60
"""Images with which an interval settles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A time that BNN-PYNQ's notebooks print, in cycles of the board's clock."""

    network: str
    images: int
    least: int
    """The cycles of the printed time; times of one image are whole microseconds, rounded down."""
    most: int
    source: str
    """Board, notebook and cell."""


def _printed(
    network: str, images: int, microseconds: float, *, rest: float, board: str, source: str
) -> Measurement:
    """Return a printed time in cycles; `rest` microseconds may be cut off."""
    clock = {"Pynq-Z1": 100, "Ultra96": 300}[board]
    return Measurement(
        network=network,
        images=images,
        least=round(microseconds * clock),
        most=round((microseconds + rest) * clock),
        source=f"{board}, {source}",
    )


MEASURED = (
    _printed("cnv-w1a1", 1, 527, rest=1, board="Ultra96", source="CNV-QNN_Cifar10, cell 8"),
    _printed("cnv-w1a1", 3, 2742, rest=1, board="Pynq-Z1", source="CNV-BNN_Road-Signs, cell 7"),
    _printed("cnv-w1a1", 3, 915, rest=1, board="Ultra96", source="CNV-BNN_Road-Signs, cell 7"),
    _printed(
        "cnv-w1a1", 1330, 437705, rest=1, board="Pynq-Z1", source="CNV-BNN_Road-Signs, cell 14"
    ),
    _printed(
        "cnv-w1a1", 1330, 145902, rest=1, board="Ultra96", source="CNV-BNN_Road-Signs, cell 14"
    ),
    _printed(
        "cnv-w1a1",
        10000,
        3278691.10,
        rest=0,
        board="Pynq-Z1",
        source="CNV-QNN_Cifar10_Testset, cell 8",
    ),
    _printed(
        "cnv-w1a1",
        10000,
        1092898.03,
        rest=0,
        board="Ultra96",
        source="CNV-QNN_Cifar10_Testset, cell 8",
    ),
    _printed("cnv-w1a2", 1, 542, rest=2, board="Ultra96", source="CNV-QNN_Cifar10, cells 8 and 10"),
    _printed(
        "cnv-w1a2",
        10000,
        3278505.86,
        rest=0,
        board="Pynq-Z1",
        source="CNV-QNN_Cifar10_Testset, cell 11",
    ),
    _printed(
        "cnv-w1a2",
        10000,
        1092836.00,
        rest=0,
        board="Ultra96",
        source="CNV-QNN_Cifar10_Testset, cell 11",
    ),
    _printed(
        "cnv-w2a2", 1, 1621, rest=2, board="Ultra96", source="CNV-QNN_Cifar10, cells 8 and 10"
    ),
    _printed(
        "cnv-w2a2",
        10000,
        11626531.98,
        rest=0,
        board="Pynq-Z1",
        source="CNV-QNN_Cifar10_Testset, cell 14",
    ),
    _printed(
        "cnv-w2a2",
        10000,
        3875513.92,
        rest=0,
        board="Ultra96",
        source="CNV-QNN_Cifar10_Testset, cell 14",
    ),
    _printed("lfc-w1a1", 1, 7, rest=2, board="Ultra96", source="LFC-BNN_Chars_Webcam, cell 16"),
    _printed("lfc-w1a1", 10000, 84116, rest=1, board="Pynq-Z1", source="LFC-QNN_MNIST, cell 7"),
    _printed("lfc-w1a1", 10000, 28040, rest=1, board="Ultra96", source="LFC-QNN_MNIST, cell 7"),
)
NETWORKS = tuple(dict.fromkeys(one.network for one in MEASURED))


def predicted(
    network: str, images: int, progress: Progress | None = None, **keys: object
) -> Result:
    """Run a network on its pipeline.

    Args:
        network: the name of the network and of its hardware file.
        images: the batch.
        progress: called during the run.
        keys: hardware keys to replace.

    """
    return simulate(network, network, bits=1, batch=images, set=keys or None, progress=progress)


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write silicon.md, silicon.csv and silicon_fifos.csv."""
    totals = list(_totals(progress))
    fifos = list(_fifos(progress))
    return [
        write_report(
            folder / "silicon.md",
            "Streaming pipelines against measurements",
            "simulate reproduce silicon",
            [_TOTALS, table(totals), _FIFOS, table(fifos), _LIMITS],
        ),
        write_csv(folder / "silicon.csv", totals),
        write_csv(folder / "silicon_fifos.csv", fifos),
    ]


def _totals(progress: Progress | None) -> Iterator[Row]:
    """Yield a row for each measured time."""
    known: dict[tuple[str, int, str], int] = {}
    for one in MEASURED:
        for style in ("stalling", "flushing"):
            key = (one.network, one.images, style)
            if key not in known:
                run = predicted(one.network, one.images, progress, loop_style=style).run
                known[key] = run.cycles
        stalling = known[one.network, one.images, "stalling"]
        flushing = known[one.network, one.images, "flushing"]
        yield {
            "network": one.network,
            "images": f"{one.images:,}",
            "measured cycles": _span(one),
            "predicted": f"{stalling:,}",
            "difference": difference(one, stalling),
            "with flushing loops": f"{flushing:,}",
            "difference, flushing": difference(one, flushing),
            "measured on": one.source,
        }


def difference(measured: Measurement, cycles: int) -> str:
    """Return the difference from the nearest cycles that agree with the print, in percent."""
    nearest = min(max(cycles, measured.least), measured.most)
    return f"{100 * (cycles / nearest - 1):+.4f} %"


def _span(one: Measurement) -> str:
    if one.most == one.least:
        return f"{one.least:,}"
    return f"{one.least:,} to {one.most:,}"


def _fifos(progress: Progress | None) -> Iterator[Row]:
    """Yield a row for each network and each size of its FIFOs."""
    for network in NETWORKS:
        keys = load_hardware(network).fifos  # type: ignore[attr-defined] # a pipeline
        halved = {layer: -(-words // 2) for layer, words in keys.depths.items()}
        for label, change in (
            ("as built", {}),
            ("half as deep", {"fifos.depths": halved, "fifos.depth": -(-keys.depth // 2)}),
            ("2 words", {"fifos.limit": 2}),
            ("1 word", {"fifos.limit": 1}),
        ):
            run = predicted(network, _BATCH, progress, **change).run
            images = run.images
            assert images is not None  # all layers run at once
            interval = images.interval_cycles
            slowest = max(unit.cycles for layer in run.mapping.weighted for unit in layer.stages)
            yield {
                "network": network,
                "FIFOs": label,
                "slowest stage, by formula": f"{slowest:,}",
                "interval": f"{interval:,}" if interval else "not settled",
                "over formula": f"{100 * (interval / slowest - 1):+.2f} %" if interval else "",
                "first image": f"{images.first_cycles:,}",
            }


_TOTALS = """\
The pipelines are those of BNN-PYNQ (Xilinx/BNN-PYNQ, commit d39c1c7), with its folding and its
FIFO depths. The notebooks of that repository print the times of two boards with different clocks:
Pynq-Z1 (100 MHz) and Ultra96 (300 MHz). Both take the same number of cycles. The printed times
include the call of the host. *Predicted* has stalling loops, as in the hardware files;
*flushing* loops are shown for comparison
([docs/streaming.md](../docs/streaming.md#stalling-loops)). No constant was chosen to match a
time. The difference is from the nearest cycles that agree with the printed digits.
"""
_FIFOS = """
## Where a formula and the pipeline part

A formula gives the interval as the cycles of the slowest stage. The pipeline's interval is longer
if FIFOs are too short to decouple the stages. Measured intervals with the FIFOs as built:
32,768.0 cycles for CNV-W1A1 (slope between 1,330 and 10,000 images), 841.2 for LFC-W1A1 (10,000
images). CNV-W1A1 is the case in which any formula is right; LFC-W1A1 and CNV-W2A2 are cases in
which it is not.
"""
_LIMITS = """
## Open questions

- The style of the loops, and the number of iterations on their way. Neither is in the source.
  With flushing loops, a batch of three images differs by far more than with stalling loops; a
  single image and the interval of CNV differ little.
- The default depth of streams, 2, which is the tool's.
- The cycles between loops, and the registers inside them. They add to the first image.
- The hosts' share of a printed time. For one image it is at most the difference above.
- The boards ran builds of 2018; the sources of these builds have the same loops, depths and
  folding.
- CNV-W2A2 has 2-bit weights on the board and 1-bit weights here. Its loops have the same trip
  counts.
"""
