"""Extraction of trained networks: every format, matched to a network, from a user's view."""

import json
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from simulator import InputError, cli, load_hardware, load_workload, simulate
from simulator.base import shipped
from simulator.report.extraction import layer_rows
from simulator.workload.choice import Choice
from simulator.workload.extract import extract
from simulator.workload.importers import formats
from simulator.workload.kernels import ids_of
from simulator.workload.subsets import units_of
from simulator.workload.trained import TrainedLayer
from tests.conftest import ROOT, Command
from tests.hidden import run_without
from tests.measure import measured
from tests.test_bad_input import refused
from tests.trained import BINARY, NETWORK, State, state_dict, state_of

pytestmark = pytest.mark.command


FORMATS = ("a.npz", "b.npz", "c.safetensors")
CHECKPOINTS = ("d.pth", "e.pth.tar", "f.pt")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder that contains only the network file."""
    (tmp_path / "small.yaml").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)


def extracted(state: State, **choice: object) -> object:
    np.savez("state.npz", **state)  # type: ignore[arg-type]
    chosen = Choice(**choice)  # type: ignore[arg-type]
    return extract("state.npz", network="small.yaml", choice=chosen)


def complaint(state: State, **choice: object) -> str:
    with pytest.raises(InputError) as error:
        extracted(state, **choice)
    return str(error.value)


class TestFormats:
    def test_every_format_gives_the_same_kernels(self) -> None:
        state = state_dict(tau=5, prefix="module.")
        np.savez("a.npz", **state)
        np.savez_compressed("b.npz", **state)
        save_file(state, "c.safetensors")
        found = [extract(x, network="small.yaml").workload for x in FORMATS]
        assert [workload.name for workload in found] == ["a", "b", "c"]
        for workload in found[1:]:
            assert workload.layers == found[0].layers
        for layer in found[0].binary_layers:
            patterns = state[f"module.{layer.name}.binarize.patterns"]
            assert layer.tau == 5
            assert layer.kernels is not None
            assert layer.kernels.subset.tolist() == ids_of(patterns).tolist()

    @pytest.mark.torch
    def test_every_checkpoint_gives_the_kernels_of_arrays(self) -> None:
        import torch

        state = state_dict(tau=5, prefix="module.")
        tensors = {name: torch.from_numpy(array) for name, array in state.items()}
        np.savez("a.npz", **state)
        torch.save(tensors, "d.pth")
        torch.save({"epoch": 3, "state_dict": tensors, "best": torch.ones(1)}, "e.pth.tar")
        torch.save(tensors, "f.pt", _use_new_zipfile_serialization=False)
        arrays = extract("a.npz", network="small.yaml").workload
        found = [extract(x, network="small.yaml").workload for x in CHECKPOINTS]
        assert [workload.name for workload in found] == ["d", "e", "f"]
        assert all(workload.layers == arrays.layers for workload in found)

    def test_half_precision_and_integers(self) -> None:
        state = {name: np.sign(array) for name, array in state_dict().items()}
        np.savez("a.npz", **state)
        np.savez("b.npz", **{n: a.astype(np.int8) for n, a in state.items()})  # type: ignore[arg-type]
        save_file({n: a.astype(np.float16) for n, a in state.items()}, "c.safetensors")
        found = [extract(f, network="small.yaml") for f in FORMATS]
        assert found[0].workload.layers == found[1].workload.layers == found[2].workload.layers
        assert all(one.squared_error in {None, 0} for one in found[0].layers)

    @pytest.mark.torch
    def test_half_precision_of_torch(self) -> None:
        import torch

        state = {name: np.sign(array) for name, array in state_dict().items()}
        np.savez("a.npz", **state)
        torch.save({n: torch.from_numpy(a).bfloat16() for n, a in state.items()}, "d.pth")
        arrays, half = (extract(f, network="small.yaml") for f in ("a.npz", "d.pth"))
        assert arrays.workload.layers == half.workload.layers
        assert all(one.squared_error in {None, 0} for one in half.layers)

    def test_torch_and_safetensors_are_asked_for_when_they_are_missing(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "a.pth").write_bytes(b"\x80\x02}.")
        (tmp_path / "a.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
        hidden = ("torch", "safetensors")
        for file, needs in {
            "a.pth": "reading PyTorch checkpoints needs torch: pip install "
            "'subbit-simulator[torch]', or save the state dict as .npz or .safetensors",
            "a.safetensors": "reading .safetensors files needs safetensors: pip install "
            "'subbit-simulator[safetensors]'",
        }.items():
            done = run_without(tmp_path, hidden, "extract", file, "--network", "small.yaml")
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr == f"simulate: {file}: {needs}\n"

    def test_a_graph_brings_its_own_sizes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from dataclasses import replace

        shapes = replace(load_workload("small.yaml"), network=None, name="graph")
        layer = shapes.binary_layers[0]
        weights = np.ones((16, 12, 3, 3), np.float32)
        trained = TrainedLayer(name=layer.name, weights=weights)

        def read_toy(path: Path, binarize: tuple[str, ...], size: object) -> object:
            assert (path.name, binarize, size) == ("net.toy", ("a.*",), None)
            return shapes, {layer.name: trained}

        module = types.ModuleType("toy")
        module.read_toy = read_toy  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "simulator.workload.importers.toy", module)
        monkeypatch.setitem(formats.GRAPHS, ".toy", "toy")
        Path("net.toy").touch()
        found = extract("net.toy", binarize=("a.*",), choice=Choice(tau=1))
        assert [x.kernels is not None for x in found.workload.binary_layers] == [True] + 3 * [False]
        assert {x.tau for x in found.workload.binary_layers} == {1}
        with pytest.raises(InputError, match="leave out --network small"):
            extract("net.toy", network="small", binarize=("a.*",))


class TestMatching:
    def test_wrappers_around_names(self) -> None:
        plain = extracted(state_dict(tau=4)).workload  # type: ignore[attr-defined]
        state = {}
        for name, array in state_dict(tau=4).items():
            layer, _, rest = name.rpartition(".")
            # the convolution inside a wrapper module, its patterns next to or below it
            wrapped = f"module.module.{layer}.conv.{rest}"
            wrapped = wrapped.replace("a.conv1.binarize.conv", "a.conv1.binarize")
            wrapped = wrapped.replace(".binarize.conv.patterns", ".conv.binarize.patterns")
            state[wrapped] = array
        assert "module.module.a.conv1.binarize.patterns" in state
        assert "module.module.a.conv2.conv.binarize.patterns" in state
        assert extracted(state).workload.layers == plain.layers  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"a.conv1.weight": None}, "not in the file: a.conv1"),
            ({"b.conv9.weight": (4, 4, 3, 3)}, "not in the network: b.conv9"),
            ({"a.conv1.weight": (16, 12, 5, 5)}, "a.conv1 (16x12x5x5, the network has 16x12x3x3)"),
            ({"a.conv1.weight": (0, 12, 3, 3)}, "a.conv1 (0x12x3x3, the network has 16x12x3x3)"),
            ({"fc.weight": (10, 17)}, "fc (10x17, the network has 10x16x1x1)"),
            ({"stem.binarize.patterns": (4, 9)}, "stem (full precision in the network file)"),
            ({"a.conv1.binarize.patterns": (3, 9)}, "a.conv1 (3x9, expected 2^tau x 9, tau 1 "),
            ({"a.wide.binarize.patterns": (4, 9)}, "a.wide (4x9, expected 2^tau x 8, tau 1 to 8)"),
            ({"a.conv1.patterns": ()}, "a.conv1 (a single number, expected"),
            ({"a.binarize.patterns": (4, 9)}, "patterns without a layer: a.binarize.patterns"),
            ({"module.a.conv1.conv.weight": (16, 12, 3, 3)}, "not in the network: module.a.conv1"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_named(
        self, change: dict[str, tuple[int, ...] | None], words: str
    ) -> None:
        state = state_dict()
        for name, shape in change.items():
            if shape is None:
                del state[name]
            else:
                state[name] = np.ones(shape, np.float32)
        text = complaint(state)
        assert "state.npz: does not fit the network small: " in text
        assert words in text

    def test_several_names_for_one_layer(self) -> None:
        state = state_dict()
        values = state.pop("a.conv1.weight")
        state |= {"module.a.conv1.weight": values, "a.conv1.conv.weight": values}
        assert "'a.conv1' matches module.a.conv1, a.conv1.conv" in complaint(state)

    def test_what_would_match_by_shape_and_order_is_suggested_not_taken(self) -> None:
        state = state_dict()
        for old, new in (("a.conv1", "layer.0"), ("a.wide", "layer.3")):
            state[f"{new}.weight"] = state.pop(f"{old}.weight")
        text = complaint(state)
        assert (
            "(these match by shape and order: --rename layer.0=a.conv1 --rename layer.3=a.wide)"
        ) in text

    def test_patterns_beside_the_very_name_and_a_wrapped_one(self) -> None:
        network = NETWORK.replace("name: a.conv1", "name: b").replace(
            "name: a.conv2", "name: b.conv"
        )
        Path("small.yaml").write_text(network)
        state = {
            name.replace("a.conv1", "b").replace("a.conv2", "b.conv"): array
            for name, array in state_dict(tau=3).items()
        }
        layers = extracted(state).workload.binary_layers  # type: ignore[attr-defined]
        for layer in layers[:2]:
            patterns = state[f"{layer.name}.binarize.patterns"]
            assert layer.kernels.subset.tolist() == ids_of(patterns).tolist()

    def test_a_network_is_asked_for(self, command: Command) -> None:
        np.savez("state.npz", **state_dict())
        for arguments in (("extract", "state.npz"), ("--hw", "cofluent64", "--model", "state.npz")):
            assert "--network" in refused(command, *arguments)
        with pytest.raises(InputError, match=r"simulate extract state\.npz --network NAME"):
            load_workload("state.npz")
        assert "is not a network file" in refused(
            command, "extract", "state.npz", "--network", "state.npz"
        )


class TestChoosing:
    def test_real_weights_are_1_bit(self) -> None:
        state = state_dict()
        found = extracted(state)
        for one in found.layers:  # type: ignore[attr-defined]
            if not one.layer.full_precision:
                units = units_of(state[f"{one.layer.name}.weight"])
                assert one.layer.tau is None
                assert one.layer.kernels.indices.tolist() == ids_of(units).tolist()
                assert one.error_ratio == pytest.approx(1)
                assert sum(one.uses.values()) == units.shape[0] * units.shape[1]

    def test_tau_by_network_kind_and_layer(self) -> None:
        found = extracted(
            state_dict(), subset="frequent", tau=5, tau_1x1=3, taus={"a.conv2": 2, "a.wide": 1}
        )
        layers = found.workload.binary_layers  # type: ignore[attr-defined]
        assert [(x.name, x.tau) for x in layers] == [
            ("a.conv1", 5), ("a.conv2", 2), ("a.narrow", 3), ("a.wide", 1),
        ]  # fmt: skip
        assert [len(x.kernels.subset) for x in layers] == [32, 4, 8, 2]

    def test_a_subset_of_another_kind_at_the_tau_that_the_file_has(self) -> None:
        found = extracted(state_dict(tau=3), subset="uniform").workload  # type: ignore[attr-defined]
        assert found.binary_layers[0].kernels.subset.tolist() == [*range(0, 512, 64)]

    def test_seeds(self) -> None:
        def subsets(seed: int | None) -> list[list[int]]:
            found = extracted(state_dict(), subset="random", tau=4, seed=seed)
            return [x.kernels.subset.tolist() for x in found.workload.binary_layers]  # type: ignore[attr-defined]

        assert subsets(None) == subsets(0) != subsets(1)
        assert len({tuple(subset) for subset in subsets(0)}) == len(BINARY)

    @pytest.mark.parametrize(
        ("choice", "words"),
        [
            ({"subset": "refined"}, "layer 'a.conv1' holds no patterns"),
            ({"tau": 5}, "layer 'a.conv1' holds no patterns"),
            (
                {"subset": "uniform"},
                "--subset uniform has no effect because every layer is at 1 bit",
            ),
            ({"subset": "uniform", "bits": 1}, "--subset uniform has no effect"),
            (
                {"subset": "uniform", "tau": 3, "seed": 1},
                "seed 1: has no effect without --subset random",
            ),
            ({"subset": "uniform", "taus": {"fc": 3}}, "no such binary layer"),
            ({"subset": "uniform", "taus": {"a.wide": 9}}, "tau of a.wide 9: expected 1 to 8"),
            ({"subset": "uniform", "bits": 0.5}, "bits 0.5: not available for"),
        ],
    )
    def test_what_cannot_be_had(self, choice: dict[str, object], words: str) -> None:
        assert words in complaint(state_dict(), **choice)


class TestCommand:
    def test_table_json_csv_and_workload(self, command: Command) -> None:
        save_file(state_dict(tau=5), "net.safetensors")
        run = ("extract", "net.safetensors", "--network", "small.yaml", "--subset", "frequent")
        done = command(*run, "-o", "net.npz", "--out", "report")
        assert done.returncode == 0, done.stderr
        for words in ("a.conv1", "16x12x3x3", "0.56 bit", "full", "TOTAL", "written: net.npz"):
            assert words in done.stdout
        result = json.loads(command(*run, "--json").stdout)
        layers = pd.read_csv("report/layers.csv")
        counts = pd.read_csv("report/kernels.csv")
        assert result["model"] == "net"
        assert [row["layer"] for row in result["layers"]] == layers["layer"].tolist()
        assert result["layers"][1]["tau"] == 5
        assert result["squared_error"] == pytest.approx(layers["squared_error"].sum())
        of_layer = counts[counts["layer"] == "a.conv1"]
        assert of_layer["count"].sum() == 16 * 12
        assert len(of_layer) == result["layers"][1]["kernels_used"]
        assert (
            dict(zip(of_layer["kernel_id"].astype(str), of_layer["count"], strict=True))
            == (result["layers"][1]["kernel_counts"])
        )
        workload = load_workload("net.npz")
        kernels = workload.binary_layers[0].kernels
        assert kernels is not None
        assert (
            sorted(set(kernels.subset[kernels.indices].ravel())) == of_layer["kernel_id"].tolist()
        )

    def test_simulate_a_workload_as_stored_and_the_trained_file_itself(
        self, command: Command
    ) -> None:
        np.savez("net.npz", **state_dict(tau=3))  # type: ignore[arg-type]
        assert (
            command("extract", "net.npz", "--network", "small.yaml", "-o", "w.npz").returncode == 0
        )
        line = refused(command, "extract", "w.npz", "--network", "small.yaml")
        assert "holds no real weights; leave out --network" in line
        stored = json.loads(command("--hw", "cofluent64", "--model", "w.npz", "--json").stdout)
        direct = command(
            "--hw", "cofluent64", "--model", "net.npz", "--network", "small.yaml", "--json"
        )
        assert json.loads(direct.stdout) == stored
        assert (stored["tau"], stored["baseline"]["bits"]) == (3, 1)
        counted = json.loads(command("ops", "--model", "w.npz", "--json").stdout)
        assert counted["bits"] == stored["bits"]

    def test_a_tau_that_the_stored_kernels_do_not_have(self) -> None:
        workload = extracted(state_dict(tau=3)).workload  # type: ignore[attr-defined]
        hardware = load_hardware("cofluent64")
        assert not any("shape-only" in x for x in simulate(workload, hardware).notes())
        notes = simulate(workload, hardware, taus={"a.conv1": 2}).notes()
        assert any("bit: a.conv1 runs shape-only, with evenly spread indices" in x for x in notes)
        notes = simulate(workload, hardware, tau=2).notes()
        assert any("bit: all layers run shape-only" in x for x in notes)

    def test_tau_by_layer_is_said(self, command: Command) -> None:
        run = ("--hw", "cofluent64", "--model", "small.yaml", "--tau", 5)
        done = command(*run, "--layer-tau", "a.conv1=2")
        assert "tau by layer" in done.stdout
        for text in ("a.conv1", "a.conv1=x", "=3"):
            assert "expected NAME=K" in refused(command, *run, "--layer-tau", text)
        assert "did you mean 'a.conv2'?" in refused(command, *run, "--layer-tau", "a.conv=2")

    @pytest.mark.parametrize(
        "option",
        [("--network", "r18"), ("--subset", "random"), ("--seed", 1), ("--binarize", "x")],
    )
    def test_options_without_effect(self, command: Command, option: tuple[object, ...]) -> None:
        run = ("--hw", "cofluent64", "--model", "r20", "--tau", 5)
        assert f"leave out {option[0]}" in refused(command, *run, *option)

    def test_the_output(self, command: Command, tmp_path: Path) -> None:
        np.savez("net.npz", **state_dict())
        run = ("extract", "net.npz", "--network", "small.yaml")
        before = (tmp_path / "net.npz").read_bytes()
        assert "is the input file" in refused(command, *run, "-o", "net.npz")
        assert (tmp_path / "net.npz").read_bytes() == before
        assert "ends in .npz" in refused(command, *run, "-o", "net.bin")
        assert "cannot be written" in refused(command, *run, "-o", "none/net.npz")
        assert "no such file" in refused(command, "extract", "no.pth", "--network", "small.yaml")
        (tmp_path / "net.bin").write_bytes(b"\0")
        assert "unknown format" in refused(command, "extract", "net.bin", "--network", "small.yaml")
        assert "small.yaml: marks its binary layers itself" in refused(
            command, *run, "--binarize", "a.*"
        )

    def test_a_shipped_workload_has_a_bare_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from simulator.base.writing import write_file
        from simulator.workload.store import write_workload

        workload = extracted(state_dict(tau=2)).workload  # type: ignore[attr-defined]
        trained = tmp_path / "data/workloads/trained"  # as in a wheel
        trained.mkdir(parents=True)
        write_file(trained / "trained-small.npz", lambda path: write_workload(workload, path))
        monkeypatch.setattr(shipped, "_PACKAGE", tmp_path)
        assert shipped.trained_names() == ["trained-small"]
        assert load_workload("trained-small") == workload
        with pytest.raises(InputError, match="did you mean 'trained-small'"):
            load_workload("trained-smal")


@pytest.mark.docs
class TestDocuments:
    TEXT = (ROOT / "docs/extract.md").read_text()

    @pytest.mark.parametrize("ending", ["npz", pytest.param("pth", marks=pytest.mark.torch)])
    @pytest.mark.slow
    def test_memory_grows_with_a_few_times_the_file(self, ending: str) -> None:
        """Extraction works layer by layer and never needs four times the memory of all weights."""
        for name, network in (("r20", "r20"), ("r18", "r18")):
            state = state_of(network, tau=5)
            if ending == "npz":
                np.savez(f"{name}.npz", **state)
            else:
                import torch

                torch.save({n: torch.from_numpy(a) for n, a in state.items()}, f"{name}.pth")
        peaks = {}
        for name in ("r20", "r18"):
            run = ("extract", f"{name}.{ending}", "--network", name, "--quiet", "-o", "w.npz")
            _, peaks[name] = measured(*run, status=0)
        size_kib = Path(f"r18.{ending}").stat().st_size / 1024
        assert peaks["r18"] - peaks["r20"] < 4 * size_kib

    @pytest.mark.torch
    def test_its_commands_run(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        import torch

        published = state_of("r18-snn", tau=5, prefix="module.")
        tensors = {name: torch.from_numpy(array) for name, array in published.items()}
        torch.save({"state_dict": tensors}, "r18-snn.pth.tar")
        save_file(state_of("r18"), "r18.safetensors")
        commands = re.findall(r"^simulate .*$", self.TEXT, flags=re.M)
        assert len(commands) == 4
        for line in commands:
            monkeypatch.setattr(sys, "argv", shlex.split(line, comments=True))
            cli.main()  # in this process: torch is slow to import
            printed = capsys.readouterr()
            assert printed.err == ""
            assert "written: " in printed.out or "speedup 3.13×" in printed.out

    def test_its_python_runs(self, tmp_path: Path) -> None:
        (code,) = re.findall(r"^```python\n(.*?)^```", self.TEXT, flags=re.M | re.S)
        np.savez("r20.npz", **state_of("r20"))
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(r"0\.\d+ \d\.\d+\n", done.stdout)

    def test_its_fields_are_there(self) -> None:
        section = self.TEXT.partition("## Approximation error")[2].partition("##")[0]
        np.savez("state.npz", **state_dict())
        row = layer_rows(extract("state.npz", network="small.yaml"))[0]
        fields = set(re.findall(r"^- `(\w+)`", section, flags=re.M))
        assert len(fields) == 4
        assert fields <= row.keys()
