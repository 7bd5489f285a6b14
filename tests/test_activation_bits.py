"""Activation bits by layer: from the network's file, or from the command for all layers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import load_hardware, load_workload, simulate, verify
from simulator.analysis.title import title
from simulator.base.errors import InputError
from simulator.workload import Workload, configure
from simulator.workload.store import read_workload, write_workload
from tests.build import layer, network

TEXT = """
name: net
title: Net
ops_convention: main_paper
input: {channels: 3, height: 12, width: 10}
layers:
  - {name: image, type: conv, precision: binary, out_channels: 32, kernel: 3, activation_bits: 8}
  - {name: pool, type: pool, kernel: 2, stride: 2}
  - {name: left, type: conv, precision: binary, out_channels: 32, kernel: 3, padding: 1,
     activation_bits: 2}
  - {name: right, type: conv, from: pool, precision: binary, out_channels: 32, kernel: 1,
     activation_bits: 4}
  - {name: sum, type: add, other: left}
  - {name: head, type: linear, precision: binary, out_features: 10}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def widths(workload: Workload) -> dict[str, tuple[int, int]]:
    return {x.name: (workload.input_bits(x), workload.output_bits(x)) for x in workload.layers}


@pytest.mark.unit
class TestTheFile:
    def test_a_layer_writes_what_its_widest_reader_reads(self, file: Path) -> None:
        found = widths(configure(load_workload(file)))
        assert found == {"image": (8, 4), "left": (2, 1), "right": (4, 1), "head": (1, 1)}

    def test_the_command_replaces_all_widths_and_a_note_names_the_layers(self, file: Path) -> None:
        found = configure(load_workload(file), activation_bits=2)
        assert set(widths(found).values()) == {(2, 2)}
        assert found.activations_overridden == ("image", "right")
        result = simulate(file, "cofluent64", tau=5, activation_bits=2)
        (note,) = [x for x in result.notes() if "per activation" in x]
        assert "image and right read 2 bits per activation, as the command asks" in note

    def test_no_note_without_the_option(self, file: Path) -> None:
        result = simulate(file, "cofluent64", tau=5)
        assert not [x for x in result.notes() if "per activation" in x]
        assert "1- to 8-bit activations" in title(result)

    def test_a_layer_in_full_precision_has_none(self, tmp_path: Path) -> None:
        text = TEXT.replace(
            "image, type: conv, precision: binary", "image, type: conv, precision: full"
        )
        (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="'image': activation_bits = 8 has no effect"):
            load_workload(tmp_path / "net.yaml")

    @pytest.mark.parametrize("bits", [0, 33])
    def test_out_of_range(self, tmp_path: Path, bits: int) -> None:
        text = TEXT.replace("activation_bits: 8", f"activation_bits: {bits}")
        (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="activation_bits"):
            load_workload(tmp_path / "net.yaml")

    def test_a_workload_file_keeps_them(self, file: Path, tmp_path: Path) -> None:
        workload = load_workload(file)
        write_workload(workload, tmp_path / "a.npz")
        assert widths(read_workload(tmp_path / "a.npz")) == widths(workload)
        graph = replace(workload, network=None)  # shapes of a graph, without a network file
        write_workload(graph, tmp_path / "b.npz")
        assert widths(read_workload(tmp_path / "b.npz")) == widths(workload)

    @pytest.mark.parametrize("bits", [pytest.param(None, marks=pytest.mark.slow), 2])
    @pytest.mark.slow
    def test_a_saved_result_runs_again(self, file: Path, tmp_path: Path, bits: int | None) -> None:
        simulate(file, "cofluent64", tau=5, activation_bits=bits).save(tmp_path / "out")
        assert verify(tmp_path / "out").equal


@pytest.mark.unit
@pytest.mark.parametrize("hardware", ["cofluent64", "tpu-like"])
class TestTheMachine:
    def test_equal_widths_are_the_option(self, hardware: str) -> None:
        """A layer's own width, for inputs and outputs, gives the run of the option."""
        plain = layer(16, 24, 5, 6, tau=None)
        own = replace(plain, activation_bits=4, output_bits=4)
        assert run_of(network(own), hardware) == run_of(network(plain, activation_bits=4), hardware)

    def test_bytes_follow_the_widths(self, hardware: str) -> None:
        """The bytes of a layer's inputs and outputs, in bursts of 64 bytes."""
        plain = layer(64, 64, 8, 8, tau=None)
        own = replace(plain, activation_bits=8, output_bits=2)
        (row,) = simulate_network(network(own), hardware).run.layers
        pixels = 64 * 64
        assert row.dram_written_bytes == pixels * 2 // 8
        weights = 64 * 64 * 9 // 8
        assert row.dram_read_bytes == weights + pixels * 8 // 8

    def test_a_machine_is_as_wide_as_its_widest_layer(self, hardware: str) -> None:
        narrow, wide = layer(16, 24, 5, 6, tau=None), layer(24, 16, 5, 6, tau=None)
        both = network(replace(wide, activation_bits=4), narrow)
        assert both.widest_activation == 4
        result = simulate_network(both, hardware)
        alone = simulate_network(network(narrow, activation_bits=4), hardware)
        assert result.area == alone.area


def simulate_network(workload: Workload, hardware: str) -> Any:
    return simulate(workload, load_hardware(hardware))


def run_of(workload: Workload, hardware: str) -> tuple[int, np.ndarray]:
    result = simulate_network(workload, hardware)
    return result.cycles, result.run.summary.bytes.tolist()
