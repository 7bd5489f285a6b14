"""Pipelines against measurements of two boards; docs/validation.md."""

import csv
import re
from pathlib import Path

import pytest

from simulator.machines import load_hardware
from simulator.machines.streaming.patterns import window_turns
from simulator.machines.streaming.schema import Fifos
from simulator.machines.streaming.turns import cycles_of, held, reads, turns, writes
from simulator.paper import silicon
from tools.environment import ROOT

pytestmark = pytest.mark.unit

PAGE = (ROOT / "docs" / "streaming.md").read_text(encoding="utf-8")


def test_one_image_is_within_two_percent_of_the_board() -> None:
    (first,) = [one for one in silicon.MEASURED if (one.network, one.images) == ("cnv-w1a1", 1)]
    cycles = silicon.predicted("cnv-w1a1", 1).run.cycles
    assert first.least * 0.98 <= cycles <= first.most


def test_three_images_wait_for_each_other() -> None:
    """A model in which results leave at once takes 19 % less than the boards."""
    for one in silicon.MEASURED:
        if (one.network, one.images) == ("cnv-w1a1", 3):
            stalling, flushing = (
                silicon.predicted("cnv-w1a1", 3, loop_style=style).run.cycles
                for style in ("stalling", "flushing")
            )
            assert stalling == pytest.approx(one.least, rel=0.003)
            assert flushing < 0.85 * one.least


def test_the_interval_of_lfc_is_not_that_of_its_slowest_stage() -> None:
    """Its FIFOs hold half an output vector; the boards take 841.2 cycles per image."""
    images = silicon.predicted("lfc-w1a1", 40).run.images
    assert images is not None
    assert images.interval_cycles == 841


class TestConstants:
    """The list in docs/streaming.md is that of the code."""

    def table(self) -> dict[str, str]:
        section = PAGE.partition("## Constants")[2]
        rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", section, flags=re.MULTILINE)
        return dict(rows[2:])

    def test_every_constant_is_listed(self) -> None:
        assert list(self.table().values()) == [
            "1", "2", "one less than a row", "one less than a row", "1", "2", "2",
        ]  # fmt: skip

    def test_words_of_a_stream(self) -> None:
        assert Fifos().depth == int(self.table()["words of a stream without a key"])

    def test_periods_of_windows(self) -> None:
        """Rows of 10 words of windows and 4 words to read: 9 iterations, of which 3 read."""
        pattern = window_turns(fill=6, rows=5, row_writes=10, row_reads=4, reads_after=12)
        fill, (often, row), *_ = pattern
        assert fill == (1, (reads(6),))
        assert [(turn.times, turn.reads, turn.writes) for turn in row] == [
            (3, True, True),
            (6, False, True),
        ]
        assert often == 4  # 12 words to read
        assert cycles_of(pattern) == 6 + 5 * 10

    def test_iterations_on_their_way(self) -> None:
        pattern = turns((2, (reads(3), writes(2))))
        late = held(pattern, result=False)
        flags = [
            (turn.reads, turn.writes)
            for often, each in late
            for _ in range(often)
            for turn in each
            for _ in range(turn.times)
        ]
        assert [write for _, write in flags] == [False] * 4 + [True] + [
            True,
            False,
            False,
            False,
            True,
        ]
        assert [read for read, _ in flags] == [True, True, True, False, False] * 2

    @pytest.mark.parametrize("network", silicon.NETWORKS)
    def test_no_hardware_file_has_a_constant_of_its_own(self, network: str) -> None:
        """Folds, depths and widths are structure; rates are a word per cycle."""
        hardware = load_hardware(network)
        channel = hardware.dma_channel
        assert channel.latency_cycles == 0
        assert 8 * channel.bytes_per_cycle == hardware.memory.word_bits  # type: ignore[attr-defined]
        assert hardware.fifos.depth == Fifos().depth  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_report_is_current(tmp_path: Path) -> None:
    for path in silicon.write(tmp_path):
        assert path.read_bytes() == (ROOT / "reports" / path.name).read_bytes(), path.name


def test_the_page_has_the_numbers_of_the_report() -> None:
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    with (ROOT / "reports" / "silicon.csv").open(encoding="utf-8") as file:
        predicted = {row["predicted"] for row in csv.DictReader(file)}
    section = page.partition("## Silicon")[2].partition("\n## ")[0]
    rows = [
        line.split(" | ") for line in section.splitlines() if line.startswith(("| CNV", "| LFC"))
    ]
    assert rows
    assert {row[3] for row in rows} <= predicted
