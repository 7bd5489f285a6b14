"""Broken and hostile network files: one line, status 2, no code runs, memory stays bounded."""

import json
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from simulator import cli, load_workload
from simulator.workload.extract import extract
from simulator.workload.store import write_workload
from tests.measure import SPREAD, measured
from tests.trained import NETWORK, state_dict

pytestmark = pytest.mark.command

Refused = Callable[[str], str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.yaml").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Run the command on a file in this process (torch is slow to import); return its one line."""

    def run(name: str) -> str:
        arguments = ["extract", name, "--network", "small.yaml", "-o", "out.npz"]
        monkeypatch.setattr(sys, "argv", ["simulate", *arguments])
        with pytest.raises(SystemExit) as error:
            cli.main()
        assert error.value.code == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(f"simulate: {name}: ")
        assert printed.err.count("\n") == 1
        assert len(printed.err) < 500
        assert not Path("out.npz").exists()
        return printed.err

    return run


class Evil:
    """An object that would write a file if something unpickled it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch was-run",))


def array_file(name: str, shape: str, data: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    """A .npz file whose only array claims a shape."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"
    header = text.encode().ljust(117) + b"\n"
    with zipfile.ZipFile(name, "w", compression) as archive:
        archive.writestr(
            "a.conv1.weight.npy",
            b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + data,
        )


@pytest.mark.torch
class TestCheckpoints:
    @pytest.mark.parametrize("zipped", [True, False])
    def test_code_is_refused_and_not_run(self, refused: Refused, zipped: bool) -> None:
        import torch

        torch.save({"x": Evil()}, "evil.pth", _use_new_zipfile_serialization=zipped)
        assert "refused because loading it would call posix.system" in refused("evil.pth")
        assert not Path("was-run").exists()

    def test_a_bare_pickle_that_runs_code(self, refused: Refused) -> None:
        Path("evil.pth").write_bytes(pickle.dumps({"a.weight": Evil()}, protocol=2))
        assert "refused because loading it would call posix.system" in refused("evil.pth")
        assert not Path("was-run").exists()

    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("share", [0, 0.2, 0.9])
    def test_truncated(self, refused: Refused, zipped: bool, share: float) -> None:
        import torch

        state = {name: torch.from_numpy(array) for name, array in state_dict().items()}
        torch.save(state, "net.pth", _use_new_zipfile_serialization=zipped)
        whole = Path("net.pth").read_bytes()
        Path("net.pth").write_bytes(whole[: int(len(whole) * share)])
        assert "not a readable PyTorch checkpoint" in refused("net.pth")

    @pytest.mark.parametrize(
        ("content", "words"),
        [([1], "found list"), ({"state_dict": 3}, "its keys are state_dict;"), ({}, "is empty")],
    )
    def test_no_state_dict(self, refused: Refused, content: object, words: str) -> None:
        import torch

        torch.save(content, "net.pt")
        assert words in refused("net.pt")

    def test_a_whole_module_and_torchscript(self, refused: Refused) -> None:
        import torch

        torch.save(torch.nn.Conv2d(1, 1, 1), "net.pth")
        assert "save the model's state_dict()" in refused("net.pth")
        with zipfile.ZipFile("net.pt", "w") as archive:
            archive.writestr("net/code/__torch__.py", "")
            archive.writestr("net/data.pkl", "")
        assert "TorchScript" in refused("net.pt")

    def test_a_tensor_larger_than_its_storage(self, refused: Refused) -> None:
        import torch

        state = {name: torch.from_numpy(array) for name, array in state_dict().items()}
        for shape in ((16, 12, 3, 3), (1 << 20, 1 << 20, 3, 3)):
            state["a.conv1.weight"] = torch.ones(1).expand(shape)
            torch.save(state, "net.pth")
            assert "a.conv1.weight claims the shape" in refused("net.pth")
        state["a.conv1.weight"] = torch.ones(2, 2).to_sparse()
        torch.save(state, "net.pth")
        assert "a.conv1.weight is not a dense tensor" in refused("net.pth")

    def test_a_compressed_archive(self, refused: Refused) -> None:
        with zipfile.ZipFile("bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("net/data.pkl", b"\0" * (1 << 24))
        assert "compressed; save the model with torch.save" in refused("bomb.pth")

    def test_a_legacy_storage_that_claims_8_gib(self) -> None:
        import torch

        torch.save(
            {"a.conv1.weight": torch.ones(64)}, "net.pth", _use_new_zipfile_serialization=False
        )
        _, harmless = measured("extract", "net.pth", "--network", "small.yaml")
        whole = Path("net.pth").read_bytes()
        # the element count of the storage, 64, as the pickle's BININT1, becomes a LONG1 of 2^31
        size = b"\x8a\x05" + (1 << 31).to_bytes(5, "little")
        assert whole.count(b"K@") >= 1
        Path("net.pth").write_bytes(whole.replace(b"K@", size, 1))
        text, peak = measured("extract", "net.pth", "--network", "small.yaml")
        assert text.startswith("simulate: net.pth: ")
        assert text.count("\n") == 1
        assert peak < SPREAD * harmless


class TestSafetensors:
    def test_truncated_empty_and_garbage(self, refused: Refused) -> None:
        save_file(state_dict(), "net.safetensors")
        whole = Path("net.safetensors").read_bytes()
        for data in (whole[:-9], whole[:99], b"", b"\xff" * 99):
            Path("net.safetensors").write_bytes(data)
            assert "not a readable safetensors file" in refused("net.safetensors")

    def test_a_header_of_2_gb_in_a_small_file(self) -> None:
        save_file(state_dict(), "good.safetensors")
        run = ("extract", "good.safetensors", "--network", "small.yaml")
        _, harmless = measured(*run, status=0)
        Path("net.safetensors").write_bytes(struct.pack("<Q", 2 << 30) + b"{}")
        text, peak = measured("extract", "net.safetensors", "--network", "small.yaml")
        assert "not a readable safetensors file: " in text
        assert peak < SPREAD * harmless

    def test_a_tensor_of_a_terabyte(self, refused: Refused) -> None:
        tensor = {"dtype": "F32", "shape": [1 << 19, 1 << 19], "data_offsets": [0, 1 << 40]}
        header = json.dumps({"a.conv1.weight": tensor}).encode()
        Path("net.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
        assert "not a readable safetensors file" in refused("net.safetensors")


class TestArrays:
    def test_truncated_empty_and_garbage(self, refused: Refused) -> None:
        np.savez("net.npz", **state_dict())
        whole = Path("net.npz").read_bytes()
        for data in (whole[: len(whole) // 2], b"", b"PK\x03\x04" + b"\xff" * 99):
            Path("net.npz").write_bytes(data)
            assert "not a readable" in refused("net.npz")

    def test_a_flipped_bit(self, refused: Refused) -> None:
        np.savez("net.npz", **state_dict())
        whole = bytearray(Path("net.npz").read_bytes())
        with zipfile.ZipFile("net.npz") as archive:
            at = archive.getinfo("a.conv1.weight.npy").header_offset
        whole[at + 1000] ^= 1
        Path("net.npz").write_bytes(whole)
        assert "Bad CRC-32" in refused("net.npz")

    def test_pickled_objects(self, refused: Refused) -> None:
        np.savez("net.npz", **{"a.conv1.weight": np.array([Evil()], dtype=object)})
        assert "is of object: expected numbers" in refused("net.npz")
        assert not Path("was-run").exists()

    @pytest.mark.parametrize(
        "shape", ["(1048576, 1048576)", "(-1,)", f"({1 << 62}, {1 << 62})", "(2.5,)", "[", "(" * 90]
    )
    def test_shapes_that_lie(self, refused: Refused, shape: str) -> None:
        array_file("net.npz", shape, b"")
        line = refused("net.npz")
        assert "claims the shape" in line or "not a readable" in line

    def test_a_zip_bomb_of_a_layer_as_large_as_the_network_says(self) -> None:
        np.savez("good.npz", **state_dict())
        _, harmless = measured("extract", "good.npz", "--network", "small.yaml", status=0)
        wide = NETWORK.replace("out_channels: 16", f"out_channels: {1 << 20}", 1)
        Path("small.yaml").write_text(wide.replace("out_channels: 12", "out_channels: 32", 1))
        data = os.urandom(1 << 21)  # does not deflate: 2 MiB that claim to be 576 times as large
        array_file("bomb.npz", f"({1 << 20}, 32, 3, 3)", data, zipfile.ZIP_DEFLATED)
        size = 128 + 4 * 32 * 9 * (1 << 20)  # header and 2^20 x 32 x 9 weights of 4 bytes
        whole = bytearray(Path("bomb.npz").read_bytes())
        struct.pack_into("<I", whole, whole.rindex(b"PK\x01\x02") + 24, size)
        Path("bomb.npz").write_bytes(whole)
        text, peak = measured("extract", "bomb.npz", "--network", "small.yaml")
        assert "too large: a.conv1" in text
        assert peak < SPREAD * harmless

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("tensor", ["a.conv1.weight", "a.conv1.binarize.patterns"])
    def test_values_that_are_no_numbers(self, refused: Refused, value: float, tensor: str) -> None:
        state = state_dict(tau=3)
        state[tensor].flat[5] = value
        np.savez("net.npz", **state)
        size = state[tensor].size
        assert f"{tensor}: 1 of {size:,} values are not finite numbers" in refused("net.npz")

    def test_double_precision_beyond_single(self, refused: Refused) -> None:
        state: dict[str, Any] = dict(state_dict())
        state["a.conv1.weight"] = np.full((16, 12, 3, 3), 1e300)
        np.savez("net.npz", **state)
        assert "a.conv1.weight: 1,728 of 1,728 values are not finite" in refused("net.npz")

    def test_the_same_array_twice(self, refused: Refused) -> None:
        np.savez("net.npz", **state_dict())
        with (
            pytest.warns(UserWarning, match="Duplicate name"),
            zipfile.ZipFile("net.npz", "a") as archive,
        ):
            archive.writestr("a.conv1.weight.npy", b"")
        assert "'a.conv1.weight' occurs twice" in refused("net.npz")


class TestWorkloads:
    """`--model` reads a workload file; these tests replace one member at a time."""

    @pytest.fixture
    def members(self) -> dict[str, bytes]:
        np.savez("state.npz", **state_dict(tau=3))
        workload = extract("state.npz", network="small.yaml").workload
        write_workload(workload, Path("net.npz"))
        with zipfile.ZipFile("net.npz") as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    @staticmethod
    def complaint(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> str:
        from simulator import InputError

        with zipfile.ZipFile("bad.npz", "w", compression) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        with pytest.raises(InputError) as error:
            load_workload("bad.npz")
        assert str(error.value).startswith("bad.npz: ")
        assert "\n" not in str(error.value)
        return str(error.value)

    @staticmethod
    def array(values: Any, dtype: str) -> bytes:
        np.save("array.npy", np.array(values, dtype=dtype))
        return Path("array.npy").read_bytes()

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ('"version":1', '"version":2', "version is 2"),
            ('"version":1', '"version":1,"extra":0', "unknown key 'extra'"),
            ('"out_channels":16', '"out_channels":0', "out_channels is 0"),
            ('"out_channels":16', '"out_channels":17', "'a.conv2': 17 input channels do not"),
            ('"a.conv1":3', '"a.conv1":10', "expected int <= 9"),
            ('"a.conv1":3', '"a.conv9":3', "taus.a.conv9 is 3, but no binary layer"),
            ('"a.wide":3', '"a.wide":9', "taus.a.wide is 9, but no binary layer"),
            ('"a.conv1":3', '"a.conv1":2', "uint16 [8]: expected 1 to 4 kernel ids"),
            ('"network"', '"networks"', "did you mean 'network'"),
            ("}", "", "JSON"),
            ("{", "[" * 5000, "JSON"),
        ],
    )
    def test_headers(self, members: dict[str, bytes], old: str, new: str, words: str) -> None:
        text = members["workload.json"].decode()
        assert old in text
        members["workload.json"] = text.replace(old, new, 1).encode()
        line = self.complaint(members)
        assert words in line or (words == "JSON" and "workload.json: " in line)

    def test_a_header_without_network_and_shapes(self, members: dict[str, bytes]) -> None:
        members["workload.json"] = b'{"version":1}'
        assert "expected either 'network' or 'shapes'" in self.complaint(members)

    @pytest.mark.parametrize(
        ("name", "values", "dtype", "words"),
        [
            ("a.conv1.subset", [512] * 8, "u2", "kernel id is not below 512"),
            ("a.wide.subset", [256] * 8, "u2", "kernel id is not below 256"),
            ("a.conv1.subset", [1, 2], "u2", "index is not below the subset's size, 2"),
            ("a.conv1.subset", [], "u2", "expected 1 to 8 kernel ids"),
            ("a.conv1.subset", [1.0] * 8, "f4", "float32 [8]: expected 1 to 8 kernel ids"),
            ("a.conv1.subset", [-1] * 8, "i2", "int16 [8]: expected 1 to 8 kernel ids"),
            ("a.conv1.indices", [[0] * 12], "u1", "indices of layer 'a.conv1' are [1, 12]"),
            ("a.conv1.indices", [[0] * 16] * 12, "u1", "are [12, 16]: expected [16, 12]"),
            ("stem.subset", [1], "u2", "has 'stem.subset' but not 'stem.indices'"),
            ("b.subset", [1], "u2", "the array 'b.subset' belongs to no layer"),
            ("a.conv1.weights", [1], "u2", "the array 'a.conv1.weights' belongs to no layer"),
        ],
    )
    def test_arrays(
        self, members: dict[str, bytes], name: str, values: Any, dtype: str, words: str
    ) -> None:
        members[f"{name}.npy"] = self.array(values, dtype)
        assert words in self.complaint(members)

    def test_kernels_of_a_full_precision_layer(self, members: dict[str, bytes]) -> None:
        members["stem.subset.npy"] = self.array([1], "u2")
        members["stem.indices.npy"] = self.array([[0]], "u1")
        assert "'stem' has full precision and kernels" in self.complaint(members)

    def test_duplicates_in_a_subset_are_legal(self, members: dict[str, bytes]) -> None:
        members["a.conv1.subset.npy"] = self.array([7] * 8, "u2")
        with zipfile.ZipFile("good.npz", "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        kernels = load_workload("good.npz").binary_layers[0].kernels
        assert kernels is not None
        assert kernels.subset.tolist() == [7] * 8
        write_workload(load_workload("good.npz"), Path("again.npz"))
        assert load_workload("again.npz") == load_workload("good.npz")

    def test_a_bomb_in_the_header(self, members: dict[str, bytes]) -> None:
        members["workload.json"] = b" " * (1 << 25)
        line = self.complaint(members, zipfile.ZIP_DEFLATED)
        assert "takes 33,554,432 bytes, which is too large for a header" in line

    def test_truncated(self, members: dict[str, bytes]) -> None:
        assert members
        _, harmless = measured("--hw", "cofluent64", "--model", "net.npz", status=0)
        whole = Path("net.npz").read_bytes()
        Path("net.npz").write_bytes(whole[:-30])
        text, peak = measured("--hw", "cofluent64", "--model", "net.npz")
        assert "net.npz: not a readable .npz file" in text
        assert peak < SPREAD * harmless
