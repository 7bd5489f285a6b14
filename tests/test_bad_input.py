"""Wrong input: one clear line on stderr, exit status 2, no incomplete files."""

import os
from pathlib import Path

import pytest

from tests.conftest import ROOT, Command

pytestmark = pytest.mark.command

HW = (ROOT / "hw_configs/cofluent64.yaml").read_text()
NET = """\
name: net
title: Net
ops_convention: main_paper
input: {channels: 64, height: 4, width: 4}
layers:
  - {name: a, type: conv, precision: binary, out_channels: 64, kernel: 3, padding: 1}
  - {name: b, type: conv, precision: binary, out_channels: 64, kernel: 3, padding: 1}
"""
GOOD = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56")


def refused(command: Command, *arguments: object) -> str:
    """Run the command, check its refusal, and return the line."""
    done = command(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("simulate: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


class TestHardwareFile:
    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("  pes: 64", "  pess: 64", ["array.pess", "did you mean 'pes'?"]),
            ("  pes: 64", "  pes: many", ["array.pes is 'many'", "a whole number or an expr"]),
            ("  pes: 64", "  pes: 0", ["array.pes is 0", "expected int >= 1"]),
            ("  pes: 64", "  pes: -3", ["array.pes is -3", "expected int >= 1"]),
            ("  pes: 64", "  pes: 1.5", ["array.pes is 1.5", "expected int"]),
            ("  pes: 64", "  pes: true", ["array.pes is True", "expected int"]),
            ("  pes: 64", "", ["missing key 'array.pes'"]),
            ("  pes: 64", "  pes: 64\n  pes: 65", ["line 11", "'pes' is given twice"]),
            ("clock_ghz: 1.0", "clock_ghz: .nan", ["clock_ghz is nan", ">= 0.001"]),
            ("clock_ghz: 1.0", "clock_ghz: .inf", ["clock_ghz is inf"]),
            ("input_channels", "diagonal", ["array.spatial is 'diagonal'", "input_channels or"]),
            ("array:\n", "array: [\n", ["line", "malformed YAML"]),
            ("kib: 576", "kib: 0", ["memory.index_buffer.kib is 0", "> 0"]),
        ],
    )
    def test_is_refused(
        self, command: Command, tmp_path: Path, old: str, new: str, words: list[str]
    ) -> None:
        file = tmp_path / "hw.yaml"
        assert old in HW
        file.write_text(HW.replace(old, new, 1))
        line = refused(command, "--hw", file, *GOOD[2:])
        for word in ("hw.yaml", *words):
            assert word in line

    def test_missing_file(self, command: Command) -> None:
        assert "none.yaml: no such file" in refused(command, "--hw", "none.yaml", *GOOD[2:])

    def test_unknown_name(self, command: Command) -> None:
        line = refused(command, "--hw", "cofluent46", *GOOD[2:])
        assert "did you mean 'cofluent64'?" in line

    def test_binary_file(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "hw.yaml").write_bytes(b"\xff\xfe\x00")
        assert "not UTF-8" in refused(command, "--hw", "hw.yaml", *GOOD[2:])

    def test_a_list_is_no_hardware(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "hw.yaml").write_text("- 1\n")
        assert "expected keys and values" in refused(command, "--hw", "hw.yaml", *GOOD[2:])

    def test_a_folder_is_no_hardware(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "hw").mkdir()
        assert "is a folder" in refused(command, "--hw", tmp_path / "hw", *GOOD[2:])


class TestNetworkFile:
    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("kernel: 3", "kernal: 3", ["layers[0] (a).kernal", "did you mean 'kernel'?"]),
            ("kernel: 3", "kernel: -3", ["layers[0] (a).kernel is -3", ">= 1"]),
            ("kernel: 3", "kernel: 8", ["'a'", "63 weights", "kernel = 8x8"]),
            ("kernel: 3", "kernel: [1, 64]", ["'a'", "63 weights", "kernel = 1x64"]),
            ("kernel: 3", "kernel: [3]", ["layers[0] (a).kernel is [3]", "length >= 2"]),
            ("kernel: 3", "kernel: [3, 0]", ["layers[0] (a).kernel[1] is 0", ">= 1"]),
            ("kernel: 3", "kernel: 3, groups: 3", ["'a'", "64 input channels", "groups = 3"]),
            ("type: conv", "type: conf", ["layers[0] (a).type is 'conf'"]),
            (
                "binary",
                "ternary",
                ["layers[0] (a).precision is 'ternary'", "expected binary or full\n"],
            ),
            ("name: b", "name: a", ["'a'", "earlier entry has this name"]),
            ("name: b,", "name: b, from: c,", ["'b'", "reads 'c'"]),
            ("height: 4", "height: 0", ["input.height is 0"]),
            ("padding: 1}\n  - {name: b", "stride: 4}\n  - {name: b, dilation: 9", ["window"]),
            ("layers:", "layers: []\nlayer:", ["layer"]),
            ("ops_convention: main_paper\n", "", ["missing key 'ops_convention'"]),
        ],
    )
    def test_is_refused(
        self, command: Command, tmp_path: Path, old: str, new: str, words: list[str]
    ) -> None:
        assert old in NET
        (tmp_path / "net.yaml").write_text(NET.replace(old, new, 1))
        line = refused(command, *GOOD[:2], "--model", "net.yaml", *GOOD[4:])
        for word in ("net.yaml", *words):
            assert word in line

    def test_shapes_that_do_not_add_up(self, command: Command, tmp_path: Path) -> None:
        add = "  - {name: c, type: add, other: input}\n"
        (tmp_path / "net.yaml").write_text(
            NET.replace("out_channels: 64", "out_channels: 32") + add
        )
        line = refused(command, *GOOD[:2], "--model", "net.yaml", *GOOD[4:])
        assert "'c' adds 32x4x4 and 'input', which is 64x4x4" in line

    def test_nothing_binary(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "net.yaml").write_text(NET.replace("binary", "full"))
        run = (*GOOD[:2], "--model", "net.yaml")
        assert "no binary layer; use bits 32" in refused(command, *run, *GOOD[4:])
        assert "run the full-precision layers with --scope weights" in refused(
            command, *run, "--bits", 1
        )
        assert command(*run, "--bits", 32).returncode == 0

    def test_unknown_model(self, command: Command) -> None:
        line = refused(command, *GOOD[:2], "--model", "r81", *GOOD[4:])
        assert "unknown network 'r81'" in line
        assert "shipped are" in line

    def test_an_image_too_small_for_the_network(self, command: Command) -> None:
        line = refused(
            command, *GOOD[:2], "--model", "ssd300-vgg16", "--tau", 5, "--input-size", 32
        )
        assert "use a larger input" in line


class TestOptions:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--bits", 0.5), ["bits 0.5", "0.44 (tau 4), 0.56 (tau 5)", "1 (BNN)"]),
            (("--bits", 0), ["bits 0"]),
            (("--bits", "nan"), ["bits nan"]),
            (("--bits", "half"), ["'half'"]),
            (("--tau", 0), ["tau 0", "1 to 9"]),
            (("--tau", 10), ["tau 10", "1 to 9"]),
            (("--tau", 5, "--bits", 0.56), ["choose one"]),
            (("--tau", 5, "--tau-1x1", 3), ["no binary 1x1 layer"]),
            (("--tau", 5, "--baseline-bits", 0.3), ["bits 0.3"]),
            (("--tau", 5, "--activation-bits", 0), ["activation bits 0", "1 to 32"]),
            (("--tau", 5, "--batch", -1), ["batch -1"]),
            (("--tau", 5, "--input-size", "0x4"), ["0x4", "224 or 600x1000"]),
            (("--tau", 5, "--input-size", "big"), ["'big'"]),
            (("--tau", 5, "--engine", "steam"), ["'steam'", "event"]),
            (
                ("--tau", 5, "--set", "array.pess=3"),
                ["--set array.pess=3", "did you mean 'array.pes'?"],
            ),
            (
                ("--tau", 5, "--set", "aray.pes=3"),
                ["unknown key 'aray.pes'", "did you mean 'array.pes'"],
            ),
            (("--tau", 5, "--set", "array.pes"), ["expected KEY=VALUE"]),
            (("--tau", 5, "--set", "array=3"), ["'array' is a section"]),
            (("--tau", 5, "--set", "array.pes=0"), ["array.pes is 0", ">= 1"]),
            (("--tau", 5, "--set", "array.pes=[1"), ["malformed YAML"]),
            (("--tau", 5, "--nonsense"), ["--nonsense"]),
            ((), ["--bits or --tau"]),
        ],
    )
    def test_is_refused(
        self, command: Command, arguments: tuple[object, ...], words: list[str]
    ) -> None:
        line = refused(command, *GOOD[:4], *arguments)
        for word in words:
            assert word in line

    @pytest.mark.parametrize("missing", [0, 2])
    def test_hardware_and_model_are_needed(self, command: Command, missing: int) -> None:
        rest = GOOD[:missing] + GOOD[missing + 2 :]
        assert f"missing option {GOOD[missing]}" in refused(command, *rest)

    def test_buffers_too_small_for_anything(self, command: Command) -> None:
        line = refused(command, *GOOD, "--set", "memory.index_buffer.kib=0.1")
        assert "memory.index_buffer.kib is 0.1: layer layer1.0.conv1 needs at least" in line
        line = refused(command, *GOOD, "--set", "memory.activation_buffer.kib=0.01")
        assert "memory.activation_buffer.kib is 0.01: layer layer1.0.conv1 needs at least" in line

    def test_an_option_before_a_subcommand_would_be_ignored(self, command: Command) -> None:
        line = refused(command, "--bits", 0.56, "ops", "--model", "r18", "--bits", 1)
        assert "--bits before 'ops' would have no effect" in line

    def test_unknown_subcommand_and_item(self, command: Command) -> None:
        assert "figure14" in refused(command, "reproduce", "figure14")
        assert "simulat" in refused(command, "simulat")


class TestOut:
    def test_a_file_in_the_way(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("mine")
        assert "taken: cannot be written" in refused(command, *GOOD, "--out", "taken")
        assert (tmp_path / "taken").read_text() == "mine"

    def test_a_folder_in_the_way_of_a_file(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "out/layers.csv").mkdir(parents=True)
        assert "layers.csv: cannot be written" in refused(command, *GOOD, "--out", "out")
        left = [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
        assert left == []

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
    def test_a_full_disk(self, tmp_path: Path) -> None:
        from simulator.base.errors import InputError
        from simulator.base.writing import write_file

        def fill(path: Path) -> None:
            path.write_bytes(b"half")
            with Path("/dev/full").open("w") as full:
                full.write("x" * 100_000)

        with pytest.raises(InputError, match=r"No space left"):
            write_file(tmp_path / "file", fill)
        assert os.listdir(tmp_path) == []  # noqa: PTH208 # hidden files too


def test_names_that_look_like_markup_are_names(command: Command, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(
        "name: net\ntitle: 'T [/x] [bold]'\nops_convention: main_paper\n"
        "input: {channels: 8, height: 4, width: 4}\nlayers:\n"
        "  - {name: 'a[/x]', type: conv, precision: binary, out_channels: 64, kernel: 3}\n"
    )
    done = command("--hw", "cofluent64", "--model", "net.yaml", "--tau", 5)
    assert done.returncode == 0, done.stderr
    assert "a[/x]" in done.stdout
    assert "T [/x] [bold]" in done.stdout
