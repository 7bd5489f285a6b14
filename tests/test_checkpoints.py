"""State dicts as trainers and published networks save them, against a plain reading of the file."""

import argparse
import collections
import gzip
import json
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from simulator import InputError
from simulator.workload.extract import Extraction, extract
from simulator.workload.importers import archive, read_tensors
from simulator.workload.importers.formats import format_of
from simulator.workload.importers.names import renamed
from simulator.workload.importers.parameters import parameters
from simulator.workload.importers.shards import fingerprint
from simulator.workload.importers.tensors import TensorFile

Array = NDArray[Any]

NETWORK = """\
name: tiny
title: tiny
ops_convention: main_paper
input: {channels: 8, height: 8, width: 8}
layers:
  - {name: conv1, type: conv, precision: binary, out_channels: 8, kernel: 3, padding: 1}
  - {name: layer1.conv2, type: conv, precision: binary, out_channels: 16, kernel: 1}
"""
LAYERS = ("conv1", "layer1.conv2")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.yaml").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)


def state(seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {
        "conv1.weight": rng.standard_normal((8, 8, 3, 3)).astype("f4"),
        "layer1.conv2.weight": rng.standard_normal((16, 8, 1, 1)).astype("f4"),
    }


def of_npz(values: dict[str, Array], **options: Any) -> Extraction:
    np.savez("net.npz", **values)
    return extract("net.npz", network="tiny.yaml", **options)


def kernels_are(found: Extraction, weights: dict[str, Array]) -> bool:
    """True if all kernels are the signs of the weights, read here without the package."""
    for name in LAYERS:
        layer = next(x for x in found.workload.layers if x.name == name)
        units = weights[f"{name}.weight"].reshape(layer.out_channels, -1, layer.unit_weights)
        assert layer.kernels is not None
        if not (layer.kernels.signs() == np.where(units > 0, 1, -1)).all():
            return False
    return True


class TestNames:
    @pytest.mark.parametrize(
        "prefix",
        ["module.", "_orig_mod.", "module._orig_mod.", "model.", "net.", "model.backbone.",
         "ema.module.", "my_resnet.", "a.b.c."],
    )  # fmt: skip
    def test_wrappers(self, prefix: str) -> None:
        assert kernels_are(of_npz({prefix + k: v for k, v in state().items()}), state())

    def test_a_wrapper_in_the_middle_and_a_convolution_inside(self) -> None:
        values = {
            "conv1.conv.weight": state()["conv1.weight"],
            "layer1.module.conv2.weight": state()["layer1.conv2.weight"],
        }
        assert kernels_are(of_npz(values), state())

    def test_renames(self) -> None:
        values = {
            "features.1.weight": state()["layer1.conv2.weight"],
            "stem.kernel": state()["conv1.weight"],
            "head.weight": np.ones((10, 16), "f4"),
        }
        found = of_npz(
            values,
            renames=(
                ("features.*", "layer*.conv2"),
                ("stem.kernel", "conv1.weight"),
                ("head*", ""),
            ),
        )
        assert kernels_are(found, state())
        assert found.workload.source is not None
        assert found.workload.source.renames[1] == ("stem.kernel", "conv1.weight")

    @pytest.mark.parametrize(
        ("renames", "words"),
        [
            ((("feature.*", "layer*"),), "no tensor has this name; the file has conv1.weight, "),
            ((("*", "x"),), "conv1.weight and layer1.conv2.weight the same name, x.weight"),
        ],
    )
    def test_renames_that_do_not_apply(self, renames: Any, words: str) -> None:
        with pytest.raises(InputError) as error:
            of_npz(state(), renames=renames)
        assert words in str(error.value)

    def test_a_suggestion_can_be_followed(self) -> None:
        values = {f"features.{k}": v for k, v in state().items()}
        values["other.weight"] = values.pop("features.conv1.weight")
        with pytest.raises(InputError) as error:
            of_npz(values)
        hint = "--rename other=conv1 --rename features.layer1.conv2=layer1.conv2"
        assert hint in str(error.value)
        both = (("other", "conv1"), ("features.layer1.conv2", "layer1.conv2"))
        assert kernels_are(of_npz(values, renames=both), state())

    def test_the_names_that_are_there(self) -> None:
        values = {"conv1.kernel": state()["conv1.weight"], **state()}
        del values["conv1.weight"]
        with pytest.raises(InputError) as error:
            of_npz(values)
        assert ("not in the file: conv1; the file's other tensors: conv1.kernel (8x8x3x3)") in str(
            error.value
        )

    def test_a_star_stands_for_any_text(self) -> None:
        file = TensorFile(path=Path("x"), shapes={"a.b.c": (1,)}, load=lambda _: np.zeros(1))
        new = renamed(file, [("*.b", "z*")])
        assert list(new.shapes) == ["za.c"]
        assert new.load("za.c").tolist() == [0]


class TestParameters:
    def test_flat_weights_of_birealnet_and_reactnet(self) -> None:
        values = {f"module.{k}s": v.reshape(-1, 1) for k, v in state().items()}
        assert kernels_are(of_npz(values), state())

    def test_pruned_weights(self) -> None:
        values = {f"{k}_orig": v for k, v in state().items()}
        mask = np.ones((8, 8, 3, 3), "f4")
        mask[0, 0] = 0
        values["conv1.weight_mask"] = mask
        weights = {**state(), "conv1.weight": state()["conv1.weight"] * mask}
        found = of_npz(values)
        assert kernels_are(found, weights)
        assert "In conv1, 1.6 % of the weights are 0 and count as -1." in found.workload.notes

    @pytest.mark.parametrize("names", [
        ("weight_g", "weight_v"),
        ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ])  # fmt: skip
    def test_a_negative_length_of_a_normalized_weight_flips_its_channel(
        self, names: tuple[str, str]
    ) -> None:
        values = state()
        direction = values.pop("conv1.weight")
        length = np.ones((8, 1, 1, 1), "f4")
        length[3] = -2
        values |= {f"conv1.{names[0]}": length, f"conv1.{names[1]}": direction}
        flipped = direction.copy()
        flipped[3] *= -1
        assert kernels_are(of_npz(values), {**state(), "conv1.weight": flipped})

    def test_lengths_that_do_not_fit(self) -> None:
        values = state()
        values["conv1.weight_v"] = values.pop("conv1.weight")
        values["conv1.weight_g"] = np.ones((3, 1, 1, 1), "f4")
        with pytest.raises(InputError, match=r"conv1\.weight_g has the shape \[3, 1, 1, 1\]"):
            of_npz(values)

    def test_a_parametrized_weight(self) -> None:
        shapes = {"a.parametrizations.weight.original": (4, 4, 3, 3), "a.bias": (4,)}
        assert list(parameters(shapes)) == ["a"]


class TestCentering:
    @pytest.mark.parametrize(
        ("center", "axes"), [("channel", (1, 2, 3)), ("layer", (0, 1, 2, 3)), ("position", 1)]
    )
    def test_means(self, center: Any, axes: Any) -> None:
        values = {k: v + np.float32(0.5) for k, v in state().items()}
        means = {k: v - v.mean(axes, keepdims=True, dtype="f8") for k, v in values.items()}
        found = of_npz(values, center=center)
        assert kernels_are(found, means)
        assert not found.workload.notes

    def test_a_note_if_it_would_matter(self) -> None:
        values = {k: v + np.float32(0.5) for k, v in state().items()}
        found = of_npz(values)
        assert kernels_are(found, values)
        (note,) = found.workload.notes
        assert "--center channel would do so and change " in note
        assert note.endswith("of the kernels of all layers.")
        assert not of_npz(values, center="none").workload.notes
        balanced = {k: v - v.mean((1, 2, 3), keepdims=True) for k, v in values.items()}
        assert not of_npz(balanced).workload.notes

    def test_signs_have_no_mean(self) -> None:
        with pytest.raises(InputError, match="--center channel has no effect"):
            of_npz({k: np.ones_like(v) for k, v in state().items()}, center="channel")


class TestFormats:
    def test_shards_an_index_and_a_shard(self) -> None:
        files = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
        index = {"metadata": {}, "weight_map": dict(zip(state(), files, strict=True))}
        Path("model.safetensors.index.json").write_text(json.dumps(index))
        for (name, values), file in zip(state().items(), files, strict=True):
            save_file({name: values}, file)
        for given in ("model.safetensors.index.json", files[0]):
            assert kernels_are(extract(given, network="tiny.yaml"), state())
        before = fingerprint(Path(files[0]))
        save_file({"layer1.conv2.weight": -state()["layer1.conv2.weight"]}, files[1])
        assert fingerprint(Path(files[0])) != before
        Path(files[1]).unlink()
        with pytest.raises(InputError, match="its part model-00002-of-00002"):
            extract(files[0], network="tiny.yaml")
        Path("x.index.json").write_text('{"weight_map": {"a": "../a.safetensors"}}')
        with pytest.raises(InputError, match="not a file in its folder"):
            extract("x.index.json", network="tiny.yaml")

    def test_archives(self) -> None:
        save_file(state(), "net.safetensors")
        with tarfile.open("net.tar", "w") as tar, tarfile.open("net.tgz", "w:gz") as tgz:
            for one in (tar, tgz):
                one.add("tiny.yaml", "run/tiny.yaml")
                one.add("net.safetensors", "run/net.safetensors")
        Path("net.safetensors.gz").write_bytes(gzip.compress(Path("net.safetensors").read_bytes()))
        for name in ("net.tar", "net.tgz", "net.safetensors.gz"):
            found = extract(name, network="tiny.yaml")
            assert kernels_are(found, state())
            assert "net.safetensors in net." in found.workload.notes[0] or name.endswith(".gz")

    def test_archives_that_hold_none_too_many_or_too_much(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def complaint(*names: str) -> str:
            with tarfile.open("net.tgz", "w:gz") as tar:
                for name in names:
                    tar.add("tiny.yaml", name)
            with pytest.raises(InputError) as error:
                extract("net.tgz", network="tiny.yaml")
            assert str(error.value).startswith("net.tgz: ")
            return str(error.value)

        assert "holds no trained network, only a.yaml" in complaint("a.yaml")
        assert "holds several networks, a.pth and b.pth" in complaint("a.pth", "b.pth")
        assert "not a readable" in complaint("a.npz")
        monkeypatch.setattr(archive, "MOST_BYTES", 100)
        assert "unpacks to more than 100 bytes" in complaint("a.npz")

    @pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float16])
    def test_types_of_numbers(self, dtype: Any) -> None:
        signs = {
            k: (v > 0 if dtype in {np.uint8, np.bool_} else np.sign(v)) for k, v in state().items()
        }
        signs = {k: v.astype(dtype) for k, v in signs.items()}
        save_file(signs, "net.safetensors")
        for found in (of_npz(signs), extract("net.safetensors", network="tiny.yaml")):
            assert kernels_are(found, state())
            assert found.layers[0].lost_share == 0

    def test_bfloat16(self) -> None:
        values = state()["conv1.weight"]
        halves = (values.view(np.uint32) >> 16).astype("<u2")
        entry = {"dtype": "BF16", "shape": [8, 8, 3, 3], "data_offsets": [0, halves.nbytes]}
        header = json.dumps({"conv1.weight": entry}).encode()
        Path("net.safetensors").write_bytes(
            len(header).to_bytes(8, "little") + header + halves.tobytes()
        )
        found = read_tensors(Path("net.safetensors")).read("conv1.weight")
        assert (found.view(np.uint32) == halves.astype(np.uint32) << 16).all()

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (
                b"\x1c\0\0\0TFL3" + bytes(64),
                "is a TensorFlow Lite model, a format that the simulator does",
            ),
            (b"\x89HDF\r\n\x1a\n" + bytes(9), "is an HDF5 file"),
            (bytes(range(200)), "unknown format; use a network file"),
        ],
    )
    def test_formats_that_are_not_read(self, data: bytes, words: str) -> None:
        Path("net.bin2").write_bytes(data)
        with pytest.raises(InputError) as error:
            format_of(Path("net.bin2"))
        assert words in str(error.value)


def legacy(content: object, name: str) -> None:
    import torch

    torch.save(content, name, _use_new_zipfile_serialization=False)


@pytest.mark.torch
class TestTorch:
    @pytest.fixture
    def tensors(self) -> dict[str, Any]:
        import torch

        return {name: torch.from_numpy(values) for name, values in state().items()}

    @pytest.mark.parametrize(
        "key",
        ["state_dict", "model", "net", "model_state_dict", "state_dict_ema", "ema", "my_network"],
    )
    def test_keys(self, tensors: Any, key: str) -> None:
        import torch

        optimizer = {"state": {0: {"exp_avg": torch.ones(3, 3)}}}
        torch.save({"epoch": 3, key: tensors, "optimizer": optimizer}, "net.pth")
        found = extract("net.pth", network="tiny.yaml")
        assert kernels_are(found, state())
        assert not any("in the file" in note for note in found.workload.notes)

    def test_averaged_weights_are_passed_over_and_named(self, tensors: Any) -> None:
        import torch

        negative = {name: -values for name, values in tensors.items()}
        torch.save({"model_ema": negative, "model": tensors}, "net.pth")
        found = extract("net.pth", network="tiny.yaml")
        assert kernels_are(found, state())
        assert found.workload.notes[0] == (
            "The weights are those under model in the file; it also holds weights under model_ema. "
            "--rename 'model_ema.*=*' reads those instead."
        )

    @pytest.mark.parametrize("key", ["state_dict_ema", "ema_state_dict", "module_ema", "ema"])
    def test_a_rename_chooses_averaged_weights(self, tensors: Any, key: str) -> None:
        import torch

        negative = {f"module.{name}": -values for name, values in tensors.items()}
        torch.save({key: tensors, "state_dict": negative}, "net.pth")
        found = extract("net.pth", network="tiny.yaml", renames=((f"{key}.*", "*"),))
        assert kernels_are(found, state())
        assert found.workload.notes[0] == (
            f"The weights are those under {key} in the file, as --rename asks."
        )

    def test_parts_of_equal_rank_are_one_network(self, tensors: Any) -> None:
        import torch

        parts = {"stem": {"weight": tensors["conv1.weight"]}, "layer1.conv2": {}}
        parts["layer1.conv2"]["weight"] = tensors["layer1.conv2.weight"]
        torch.save(parts, "net.pth")
        found = extract("net.pth", network="tiny.yaml", renames=(("stem", "conv1"),))
        assert kernels_are(found, state())

    def test_a_checkpoint_without_weights_names_its_keys(self) -> None:
        import torch

        torch.save({"net": {"a": 1}, "acc": 91.2, "epoch": 3}, "net.pth")
        with pytest.raises(InputError, match="its keys are net, acc, epoch; save the model's"):
            extract("net.pth", network="tiny.yaml")

    @pytest.mark.parametrize("save", [legacy, None])
    def test_harmless_objects(
        self, tensors: Any, save: Callable[[object, str], None] | None
    ) -> None:
        import torch

        extra = [
            np.float64(91.2), np.int64(3), np.zeros(3), argparse.Namespace(lr=0.1, out=Path("x")),
            collections.defaultdict(list, a=[1]),
        ]  # fmt: skip
        (save or torch.save)({"state_dict": tensors, "extra": extra}, "net.th")
        assert kernels_are(extract("net.th", network="tiny.yaml"), state())

    def test_arrays_of_numpy_as_weights(self) -> None:
        import torch

        values = {**state(), "conv1.weight": np.asfortranarray(state()["conv1.weight"])}
        torch.save(values, "net.ckpt")
        assert kernels_are(extract("net.ckpt", network="tiny.yaml"), state())

    def test_objects_of_numpy_arrays_are_not_built(self) -> None:
        import torch

        torch.save({**state(), "x.weight": np.array([[object]], dtype=object)}, "net.pth")
        with pytest.raises(InputError, match=r"refused because loading it would call object"):
            extract("net.pth", network="tiny.yaml")

    def test_an_archive_of_a_checkpoint(self, tensors: Any) -> None:
        import torch

        torch.save(tensors, "in.pth")
        with tarfile.open("real.tar", "w") as tar:
            tar.add("in.pth")
        assert kernels_are(extract("real.tar", network="tiny.yaml"), state())

    def test_a_plain_pickle_is_refused(self) -> None:
        Path("net.pth").write_bytes(pickle.dumps(state(), protocol=2))
        with pytest.raises(InputError, match="not a readable PyTorch checkpoint"):
            extract("net.pth", network="tiny.yaml")
