"""The trace as a table: its order, the wait of every command, its file."""

import subprocess
import sys
from ast import literal_eval
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from simulator import InputError, Result, load_hardware, simulate
from simulator.analysis.attribution import attribute
from simulator.analysis.trace_file import read_traces, read_vocabulary, vocabulary_text
from simulator.base.writing import write_files
from simulator.engine.trace import Trace
from simulator.program import Program
from simulator.report.files import trace_writers
from simulator.workload import Workload
from tests.build import layer, network, trace_of, traced
from tests.programs import programs
from tests.strategies import Overrides, machines, mapping_of, networks

ARRAY = {"dot", "mac"}
ENDS = {
    "index_buffer": ({"index_fetch", "mac"}, {"dram_weights"}),
    "weight_tile": ({"dram_weights"}, {"index_fetch", "mac"}),
    "registers": ({"accumulate", "dot"}, {"index_fetch"}),
    "indices": ({"index_fetch"}, {"accumulate", "dot"}),
    "activation_buffer": ({"accumulate", "dot", "mac"}, {"dram_inputs"}),
    "inputs": ({"dram_inputs"}, ARRAY),
    "bank": ({"accumulate"}, {"dot"}),
    "filled_bank": ({"dot"}, {"accumulate"}),
    # the cause that delayed the start of the previous drain, or the drain itself
    "partial_sums": ({"drain", "dram_outputs"}, {"accumulate", "dot"}),
    "sums": ({"accumulate", "dot"}, {"drain"}),
    "output_slot": ({"dram_outputs"}, {"drain", "mac"}),
    "outputs": ({"drain", "mac"}, {"dram_outputs"}),
    "previous_outputs": ({"dram_outputs"}, {"dram_inputs"} | ARRAY),
    "previous_layer": ({"dram_outputs"}, ARRAY),
    "step_done": ({"accumulate", "dot", "mac"}, {"dram_inputs"}),
    "drain_done": ({"drain"}, {"dram_inputs"}),
    "inputs_for_load": ({"dram_inputs"}, {"dram_weights"}),
    "inputs_for_fetch": ({"dram_inputs"}, {"index_fetch"}),
}
"""Units of the deciding and of the waiting commands, by channel."""


@pytest.mark.cycle
def test_the_worked_example() -> None:
    """docs/machine.md: 64 -> 64 channels, 3x3, tau 5, two pixels."""
    _, trace = traced(network(layer(64, 64, 1, 2, tau=5)))
    (table,) = trace.tables(100)
    names = [[*column.names, ""] for column in (table["kind"], table["waits_for"])]  # type: ignore[union-attr]
    rows = zip(trace.kind.tolist(), trace.channel.tolist(), trace.cause.tolist(), strict=True)
    assert [(names[0][kind], names[1][channel], cause) for kind, channel, cause in rows] == [
        ("load_weights", "", -1),
        ("read_inputs", "", -1),
        ("fetch_indices", "weight_tile", 0),
        ("fill", "inputs", 1),
        ("accumulate", "indices", 2),  # the bank was filled earlier
        ("drain", "sums", 4),
        ("write_outputs", "outputs", 9),  # serves step 1, and comes before the array in a row
        ("fill", "", 3),  # its unit was busy
        ("accumulate", "", 4),
        ("drain", "", 8),  # no wait: its unit was free, and the sums came, in the same cycle
    ]


@pytest.mark.invariant
@given(workload=networks(), overrides=machines())
def test_every_start_has_the_cause_that_its_row_names(
    workload: Workload, overrides: Overrides
) -> None:
    trace = trace_of(mapping_of(workload, overrides))
    place = np.lexsort((trace.unit, trace.step, trace.layer))
    assert place.tolist() == list(range(len(trace)))
    free = [(-1, 0)] * len(trace.units)
    for row in np.lexsort((trace.step, trace.layer)).tolist():
        start, unit = int(trace.start[row]), int(trace.unit[row])
        (before, end), free[unit] = free[unit], (row, int(trace.end[row]))
        cause, channel = int(trace.cause[row]), int(trace.channel[row])
        assert start >= end
        assert (channel < 0) == (start == end)  # it waits for a token, or for its unit alone
        if cause < 0:
            assert start == 0
        elif cause != before:
            assert start == trace.ready[cause]
        if channel >= 0:
            givers, takers = ENDS[trace.channels[channel]]
            assert trace.units[trace.unit[cause]] in givers
            assert trace.units[unit] in takers


@pytest.mark.unit
def test_of_two_layers_the_second_waits_for_the_outputs_of_the_first() -> None:
    def channels_of(trace: Trace, kind: str) -> list[str]:
        chosen = trace.channel[(trace.layer == 1) & (trace.kind == trace.kinds.index(kind))]
        return [(*trace.channels, "")[channel] for channel in chosen]

    small = {"memory.dram.latency_cycles": 0}
    _, trace = traced(network(*(layer(64, 64, 1, 2, tau=5, name=n) for n in "ab")), small)
    assert channels_of(trace, "read_inputs")[0] == "previous_outputs"
    # padding alone: 1 x 1 pixel below a 1 x 1 kernel that starts two pixels outside
    first = layer(8, 8, 1, 1, tau=2, name="a")
    edge = layer(8, 8, 1, 1, kernel=1, padding=2, stride=5, tau=2, name="b")
    _, trace = traced(network(first, edge), small)
    assert channels_of(trace, "read_inputs") == []
    assert channels_of(trace, "fill") + channels_of(trace, "direct") == ["previous_outputs"]


class TestFile:
    """The file alone is enough for every layer's attribution."""

    NET = network(layer(64, 64, 4, 6, tau=5, name="a"), layer(64, 64, 4, 6, tau=5, name="b"))
    MACHINES = (
        (),
        ("array.pe.lut_subbanks=4", "memory.activation_buffer.bytes_per_cycle=1.5"),
        ("memory.index_buffer.ports=1", "memory.activation_buffer.ports=1"),
        ("memory.dram.timing=ddr4-2400", "memory.index_buffer.ports=1"),
    )

    @pytest.mark.unit
    @pytest.mark.parametrize("settings", MACHINES)
    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_attribution(self, form: str, settings: tuple[str, ...], tmp_path: Path) -> None:
        result = simulate(self.NET, load_hardware("cofluent64", settings), tau=5)
        write_files(tmp_path, trace_writers(result, f"trace.{form}"))
        found = read_traces(tmp_path / f"trace.{form}")
        layers = result.summary(why=True)["layers"]
        assert list(found) == ["run", "baseline"]
        for name, key in (("run", "attribution"), ("baseline", "baseline_attribution")):
            assert list(attribute(found[name])) == [one[key] for one in layers]

    @pytest.mark.unit
    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_every_column_and_word_comes_back(self, form: str, tmp_path: Path) -> None:
        result = self.saved(tmp_path, form)
        found = read_traces(tmp_path)["run"]
        assert found.vocabulary == result.run.trace.vocabulary
        for field in fields(Trace)[1:]:
            ours, theirs = (getattr(one, field.name) for one in (result.run.trace, found))
            assert np.array_equal(ours, theirs), field.name

    @pytest.mark.unit
    @pytest.mark.parametrize(
        ("before", "after", "reason"),
        [
            (",cause", ",because", "not a trace: the column cause is missing"),
            ("weight_tile", "weight_tiles", "waits_for: 'weight_tiles' is unknown"),
            ("fetch_indices", "", "kind: nan is unknown"),
            (",2560,", ",many,", "bytes: contains a value that is not a whole number"),
        ],
    )
    def test_no_trace(self, before: str, after: str, reason: str, tmp_path: Path) -> None:
        self.saved(tmp_path)
        self.change(tmp_path / "trace.csv", before, after)
        with pytest.raises(InputError, match=f"trace.csv: {reason}"):
            read_traces(tmp_path)

    @pytest.mark.unit
    @pytest.mark.parametrize(
        ("before", "after", "reason"),
        [
            ("{", "", "not a readable vocabulary: Extra data"),
            ('"units"', '"unit"', "unknown key 'unit': did you mean 'units'"),
            ('"title": "drain"', '"title": 1', "units[6] (drain).title is 1: expected str"),
            ('"name": "mac"', '"name": "dot"', "a name occurs twice in dram_weights, "),
            ('"unit": "mac"', '"unit": "x"', "the unit 'x' of 'mac' is not in the list"),
            ('"category": "mac"', '"category": "x"', "the category 'x' is not in the list"),
            (
                '_category": "previous_layer"',
                '_category": "before"',
                "the category 'before' is not in the list",
            ),
        ],
    )
    def test_no_vocabulary(self, before: str, after: str, reason: str, tmp_path: Path) -> None:
        self.saved(tmp_path)
        self.change(tmp_path / "trace.json", before, after)
        with pytest.raises(InputError) as error:
            read_traces(tmp_path)
        place = f"{tmp_path / 'trace.json'}: vocabulary of the trace: "
        assert str(error.value).startswith(place + reason)
        assert "\n" not in str(error.value)

    @pytest.mark.unit
    @pytest.mark.parametrize("word", ["row_miss", "refresh", "conflict"])
    def test_a_vocabulary_without_a_category_that_the_table_needs(
        self, word: str, tmp_path: Path
    ) -> None:
        settings = ("memory.dram.timing=ddr4-2400", "memory.index_buffer.ports=1")
        result = simulate(self.NET, load_hardware("cofluent64", settings), tau=5)
        assert result.run.trace.lost.any()
        write_files(tmp_path, trace_writers(result, "trace.csv"))
        names = {"conflict": "buffer_conflict"}
        self.change(
            tmp_path / "trace.json", f'"{word}": "{names.get(word, word)}"', f'"{word}": ""'
        )
        with pytest.raises(InputError, match=r"trace\.csv: its vocabulary has no categor"):
            read_traces(tmp_path)

    @pytest.mark.unit
    def test_a_timeline_of_the_file_needs_no_machine(self, tmp_path: Path) -> None:
        result = self.saved(tmp_path)
        code = (
            "import sys\n"
            "from simulator.report.timeline import plot_trace_file\n"
            f"figure = plot_trace_file({str(tmp_path)!r})\n"
            "print([text.get_text() for text in figure.axes[0].get_yticklabels()])\n"
            "print([text.get_text() for axes in figure.axes for text in axes.texts])\n"
            "print([name for name in sys.modules if name.startswith('simulator.machines.lut')])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        units, texts, machines = map(literal_eval, done.stdout.splitlines())
        busy = np.any([run.summary.busy.any(axis=0) for run in result.runs], axis=0)
        words = result.run.vocabulary.units
        assert units == [words[n].title for n in reversed(np.flatnonzero(busy).tolist())]
        assert {f"run: {result.cycles} cycles", "conv"} <= set(texts)
        assert machines == []

    @pytest.mark.unit
    def test_a_missing_vocabulary_or_trace(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"contains neither trace\.csv nor trace\.parquet"):
            read_traces(tmp_path)
        self.saved(tmp_path)
        (tmp_path / "trace.json").unlink()
        with pytest.raises(InputError, match=r"trace\.json: cannot be read: No such"):
            read_traces(tmp_path)
        pd.read_csv(tmp_path / "trace.csv").to_parquet(tmp_path / "trace.parquet")
        with pytest.raises(InputError, match=r"trace\.parquet: its schema has no text 'vocab"):
            read_traces(tmp_path)

    @pytest.mark.unit
    @given(program=programs())
    def test_a_file_of_any_machine(self, program: Program) -> None:
        text = vocabulary_text(program.vocabulary)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "trace.json"
            path.write_text(text)
            assert read_vocabulary(path.with_suffix(".csv")) == program.vocabulary

    def saved(self, folder: Path, form: str = "csv") -> Result:
        result = simulate(network(layer(64, 64, 1, 2, tau=5)), "cofluent64", tau=5)
        write_files(folder, trace_writers(result, f"trace.{form}"))
        return result

    def change(self, path: Path, before: str, after: str) -> None:
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))
