"""The command line: one set of options, help within 80 columns, nearest names."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest

from simulator.base.nearest import did_you_mean, nearest
from simulator.base.shipped import find
from simulator.cli import _COMMANDS, cli
from simulator.cli.options import _SHARED
from simulator.engine import ENGINES
from tests.conftest import Command
from tests.test_bad_input import refused
from tests.trained import NETWORK, state_dict

pytestmark = pytest.mark.command

RUN = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56")


def subcommand(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def help_of(name: str | None) -> str:
    command = cli if name is None else subcommand(name)
    parent = None if name is None else click.Context(cli, info_name="simulate")
    context = command.make_context(name or "simulate", ["x"], parent, resilient_parsing=True)
    return context.get_help()


def examples(text: str) -> Iterator[list[str]]:
    """The commands of a help text, as words."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("  simulate ") and "--help" not in line:
            yield shlex.split(line.partition(">")[0])[1:]


class TestHelp:
    @pytest.mark.parametrize("name", [None, *_COMMANDS])
    def test_fits_80_columns_and_breaks_no_word(self, name: str | None) -> None:
        text = help_of(name)
        for line in text.splitlines():
            assert len(line) <= 80, line
            assert not re.search(r"\w-$", line), line
        assert "…" not in text

    @pytest.mark.parametrize("name", [None, *_COMMANDS])
    def test_examples_parse(self, name: str | None) -> None:
        found = list(examples(help_of(name)))
        assert found
        for words in found:
            parse(words)

    @pytest.mark.parametrize("name", _COMMANDS)
    def test_each_command_has_one_short_line(self, name: str) -> None:
        (line,) = [x for x in help_of(None).splitlines() if x.startswith(f"  {name} ")]
        assert not line.endswith("...")

    def test_sections(self) -> None:
        text = help_of(None)
        places = [text.index(f"\n{x}:\n") for x in ("Hardware", "Network", "Run", "Output")]
        assert places == sorted(places)
        assert text.index("--set KEY=VALUE") < places[1] < text.index("--layer-tau") < places[2]

    def test_a_bare_command_prints_a_short_help(self, command: Command) -> None:
        done = command()
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Usage: simulate")
        assert len(list(examples(done.stdout))) == 5
        assert "--layer-tau" not in done.stdout  # --help adds the options
        assert all(f"\n  {name} " in done.stdout for name in _COMMANDS)
        for words in examples(done.stdout):
            parse(words)


def parse(words: list[str]) -> None:
    """Raise a ClickException unless the words are a command that the program accepts."""
    if words[0] in _COMMANDS:
        subcommand(words[0]).make_context(words[0], list(words[1:]))
    else:
        cli.make_context("simulate", list(words))


class TestShared:
    def test_one_spelling_type_and_meaning(self) -> None:
        """Options with the same name have one help text."""
        texts: dict[str, set[str | None]] = {}
        for command in (cli, *map(subcommand, _COMMANDS)):
            for parameter in command.params:
                if isinstance(parameter, click.Option):
                    name = parameter.opts[-1].removeprefix("--")
                    shared = _SHARED.get(name)
                    if shared is None or command.name in {"train", "verify"}:
                        continue
                    text = (parameter.help or "").partition(" May be a list")[0]
                    texts.setdefault(name, set()).add(text)
        # written files, drawn values and defaults differ by command
        own = {"out", "set", "seed", "quiet", "energy", "batch", "bits"}
        assert {name for name, several in texts.items() if len(several) > 1} <= own
        assert len(texts) == len(_SHARED)

    def test_lists_say_so(self) -> None:
        for name in (
            "bits",
            "tau",
            "tau_1x1",
            "batch",
            "activation_bits",
            "input_size",
            "settings",
        ):
            (option,) = [x for x in subcommand("sweep").params if x.name == name]
            assert isinstance(option, click.Option)
            assert "May be a list or range." in (option.help or "")

    def test_the_engines_are_all_there(self) -> None:
        assert set(_SHARED["engine"].click["type"].choices) == {"auto", *ENGINES}

    @pytest.mark.parametrize("name", ["compare", "ops", "sweep", "search"])
    def test_what_takes_a_model_reads_a_trained_file(self, name: str) -> None:
        names = {parameter.name for parameter in subcommand(name).params}
        assert {"model", "network", "binarize", "input_size", "scope"} <= names


class TestNearest:
    KEYS = ("clock_ghz", "array.pes", "array.pe.accumulators", "a.kib", "b.kib")

    @pytest.mark.parametrize(
        ("given", "names"),
        [
            ("pes", ["array.pes"]),
            ("array.pess", ["array.pes"]),
            ("kib", ["a.kib", "b.kib"]),
            ("clock", ["clock_ghz"]),
            ("accumulator", ["array.pe.accumulators"]),
            ("zzz", []),
            ("", []),
        ],
    )
    def test_keys(self, given: str, names: list[str]) -> None:
        assert nearest(given, self.KEYS) == names

    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("resnet18", "r18"), ("ResNet-18", "r18"), ("resnet-50", "r50"), ("r81", "r18"),
            ("vgg", "vgg-small"), ("resnet18-cifar10", "r18-cifar10"), ("resnet34", None),
        ],
    )  # fmt: skip
    def test_titles(self, given: str, name: str | None) -> None:
        titles = {
            "r18": "ResNet-18 (ImageNet)",
            "r18-cifar10": "ResNet-18 (CIFAR-10)",
            "r50": "ResNet-50 (ImageNet)",
            "vgg-small": "VGG-small (CIFAR-10)",
        }
        found = nearest(given, titles, titles)
        assert found == ([name] if name else found)
        if name is None:  # one neighbor at most, never several
            assert len(found) <= 1

    def test_the_sentence(self) -> None:
        assert did_you_mean("kib", self.KEYS) == "did you mean 'a.kib' or 'b.kib'?"
        assert did_you_mean("zzz", self.KEYS) == ""


class TestWrongWords:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((*RUN, "--set", "pes=128"), "unknown key 'pes': did you mean 'array.pes'?"),
            ((*RUN, "--set", "zzz=1"), "`simulate show cofluent64` prints the keys"),
            ((*RUN[:3], "resnet18", "--bits", "1"), "did you mean 'r18'?"),
            (("--hw", "cofluent", *RUN[2:]), "did you mean 'cofluent64'?"),
            ((*RUN, "--energy", "45"), "did you mean '45nm'?"),
            ((*RUN, "--set", "memory.dram.timing=ddr4"), "did you mean 'ddr4-2400'?"),
            ((*RUN, "--engine", "evnt"), "did you mean 'event'? allowed are auto, fast, event"),
            ((*RUN, "--modle", "r18"), "Did you mean '--model'"),
            (("swep",), "unknown command 'swep': did you mean 'sweep'?"),
            (("show", "resnet18"), "unknown shipped file 'resnet18': did you mean 'r18'?"),
            (("list", "network"), "did you mean 'networks'?"),
            (("reproduce", "fig12"), "did you mean 'figure12'?"),
            (("sweep", *RUN, "--set", "pes=1,2", "--out", "s"), "did you mean 'array.pes'?"),
            (("sweep", *RUN, "--set", "array=1,2", "--out", "s"), "'array' is a section; set one"),
            (("search", *RUN[:4], "--objective", "bits", "--set", "pes=1,2"), "'array.pes'?"),
            ((*RUN[:4], "--tau", "5", "--batch", "two"), "expected a whole number"),
        ],
    )
    def test_nearest_name(self, command: Command, arguments: tuple[str, ...], words: str) -> None:
        assert words in refused(command, *arguments)

    @pytest.mark.parametrize("values", ["16,32", "16:128:x2"])
    def test_a_list_belongs_to_a_sweep(self, command: Command, values: str) -> None:
        line = refused(command, *RUN, "--set", f"array.pes={values}")
        shown = line.partition("lists and ranges belong to a sweep: ")[2]
        options = f"--hw cofluent64 --set array.pes={values} --model r20 --bits 0.56 --out study"
        assert shown == f"simulate sweep {options}\n"
        parse(shlex.split(shown)[1:])

    def test_a_sweep_needs_bits_as_a_run_does(self, command: Command) -> None:
        for words in ((), ("sweep",)):
            line = refused(command, *words, "--hw", "cofluent64", "--model", "r20")
            assert "missing option --bits or --tau" in line

    def test_several_bits_belong_to_a_sweep(self, command: Command) -> None:
        line = refused(command, *RUN[:4], "--bits", "1,0.56")
        assert "expected a number; lists and ranges belong to `simulate sweep`" in line

    def test_a_comma_in_a_name_is_a_name(self, command: Command) -> None:
        done = command(*RUN, "--input-size", "8", "--set", "name=a,b")
        assert done.returncode == 0, done.stderr


class TestModels:
    """Every command accepts every kind of network."""

    @pytest.fixture(autouse=True)
    def trained(self, tmp_path: Path) -> None:
        """A trained network with its network file, and an ONNX graph."""
        (tmp_path / "small.yaml").write_text(NETWORK)
        np.savez(tmp_path / "net.npz", **state_dict(tau=5))  # type: ignore[arg-type]

    def test_extract_of_what_is_described_already(self, command: Command) -> None:
        shown = command("extract", "trained-r20-0.56")
        assert shown.returncode == 0, shown.stderr
        assert "kernels used" in shown.stdout
        assert "error" not in shown.stdout  # the network has no real weights
        plain = command("extract", "r20", "--input-size", "16", "-o", "r20.npz")
        assert "ResNet-20 (CIFAR-10), 16" in plain.stdout
        assert command("extract", "r20.npz").stdout == plain.stdout.partition("written")[0]
        for options in (("--tau", "5"), ("--network", "r20"), ("--subset", "random")):
            line = refused(command, "extract", "trained-r20-0.56", *options)
            assert f"holds no real weights; leave out {options[0]}" in line

    def test_a_workload_file_is_written_as_it_was(self, command: Command, tmp_path: Path) -> None:
        done = command("extract", "trained-r20-0.56", "-o", "copy.npz", "--json")
        shipped = find("workloads", "trained-r20-0.56").read_bytes()
        assert (tmp_path / "copy.npz").read_bytes() == shipped
        found = json.loads(done.stdout)
        assert (found["bits"], found["squared_error"], found["error_ratio"]) == (0.56, None, None)

    def test_compare_ops_and_search_read_a_trained_file(self, command: Command) -> None:
        trained = ("--model", "net.npz", "--network", "small.yaml")
        settings = ("--set", "array.pes=32,64")
        done = command("compare", "cofluent64", *settings, *trained, "--json")
        assert done.returncode == 0, done.stderr
        assert [x["key"] for x in json.loads(done.stdout)["configuration"]] == [
            "hardware.array.pes"
        ]
        counted = command("ops", *trained, "--json")
        assert json.loads(counted.stdout)["bits"] == pytest.approx(5 / 9, abs=0.02)
        limits = ("--objective", "bits", "--max-time-ms", "9")
        found = command("search", "--hw", "cofluent64", *trained, *limits)
        assert found.returncode == 0, found.stderr
        assert "all layers run shape-only" in " ".join(found.stdout.split())

    @pytest.mark.slow
    def test_sweep(self, command: Command, tmp_path: Path) -> None:
        base = ("sweep", "--hw", "cofluent64", "--jobs", 1, "--out", "s")
        models = ("--model", "net.npz,small.yaml", "--network", "small.yaml")
        done = command(*base, *models, "--tau", "4,5", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["models_without_kernels"] == ["net.npz"]
        text = command(*base[:-1], "t", *models, "--tau", "4").stdout
        assert "note: at a tau other than its own, net.npz runs shape-only" in text
        own = command(*base[:-1], "u", *models, "--tau", "5").stdout
        assert "shape-only" not in own
        rows = pd.read_parquet(tmp_path / "s/study.parquet")
        direct = command(
            "--hw", "cofluent64", *models[:1], "net.npz", *models[2:], "--json"
        )  # fmt: skip
        own = rows[(rows["model"] == "net.npz") & (rows["tau"] == 5)]
        assert own["cycles"].tolist() == [json.loads(direct.stdout)["cycles"]]
        assert own["kernels"].tolist() == ["file"]
        assert set(rows[rows["model"] == "small.yaml"]["kernels"]) == {"shape only"}

    def test_a_sweep_chooses_subsets_for_each_point(self, command: Command) -> None:
        trained = ("--model", "net.npz", "--network", "small.yaml", "--subset", "frequent")
        done = command(
            "sweep", "--hw", "cofluent64", *trained, "--tau", "3,4", "--jobs", 1, "--json"
        )
        assert done.returncode == 0, done.stderr
        rows = json.loads(done.stdout)["points"]
        assert [row["kernels"] for row in rows] == ["chosen", "chosen"]
        for row in rows:
            direct = command("--hw", "cofluent64", *trained, "--tau", row["tau"], "--json")
            single = json.loads(direct.stdout)
            assert row["cycles"] == single["cycles"]
            assert row["baseline_cycles"] == single["baseline"]["cycles"]
            assert row["config_sha256"] == single["config_sha256"]

    def test_sweep_refuses_what_has_no_effect(self, command: Command, tmp_path: Path) -> None:
        run = ("sweep", "--hw", "cofluent64", "--model", "r20", "--tau", "5", "--out", "s")
        assert "leave out --network" in refused(command, *run, "--network", "r20")
        assert "leave out --binarize" in refused(command, *run, "--binarize", "x")
        assert not (tmp_path / "s").exists()

    def test_kernels_as_json(self, command: Command) -> None:
        done = command("kernels", "trained-r20-0.56", "--out", "k", "--json")
        (snapshot,) = json.loads(done.stdout)["snapshots"]
        assert snapshot["bits"] == 0.56
        assert snapshot["layers"][0].keys() == {
            "layer", "kernels_used", "subset_kernels", "top_16_percent", "entropy_bits",
        }  # fmt: skip


def test_a_closed_pipe_is_no_traceback() -> None:
    """The reader of the output may stop reading."""
    command = f"{shlex.quote(sys.executable)} -m simulator list | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("Networks")
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 141}
