"""Kinds: files of networks, of other simulators' layers, and of trained networks."""

import io
import json
import zipfile
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from tests.fuzz.changed import RUN, Words, write, write_text, write_yaml
from tests.fuzz.mutations import NUMBERS, TEXTS, bytes_changed, data_changed
from tests.fuzz.seeds import Seeds


def network(seeds: Seeds, random: Random) -> Words:
    """A network file."""
    write_yaml(seeds, "network.yaml", random)
    return random.choice((RUN, _described("network.yaml"), ["extract", "network.yaml"]))


def whole(seeds: Seeds, random: Random) -> Words:
    """A network file with layers of every kind, in the scope that runs them all."""
    write_yaml(seeds, "whole.yaml", random)
    hardware = random.choice(("hardware.yaml", "systolic.yaml"))
    run = ["--hw", hardware, "--model", "whole.yaml", "--bits", "1", "--scope", "network"]
    return random.choice((run, [*run, "--set", "vector.fused=false"], [*run, "--why"]))


def _described(name: str) -> Words:
    return ["ops", "--model", name, "--bits", "0.56"]


# --- layers of other simulators -------------------------------------------------------------------


def topology(seeds: Seeds, random: Random) -> Words:
    """A topology CSV of SCALE-Sim, of convolutions or of matrix products."""
    name = random.choice(("convolutions.csv", "products.csv"))
    write_text(seeds, name, random)
    return _model(name, random)


def problem(seeds: Seeds, random: Random) -> Words:
    """A problem YAML of Timeloop."""
    write_yaml(seeds, "problem.yaml", random)
    return _model("problem.yaml", random)


def zigzag(seeds: Seeds, random: Random) -> Words:
    """A workload YAML of ZigZag."""
    write_yaml(seeds, "zigzag.yaml", random)
    return _model("zigzag.yaml", random)


def listed(seeds: Seeds, random: Random) -> Words:
    """A list of layers, each with its own input."""
    write_yaml(seeds, "layers.yaml", random)
    return _model("layers.yaml", random)


def _model(name: str, random: Random) -> Words:
    run = [*RUN[:2], "--model", name, "--bits", "0.56"]
    return random.choice((run, [*run, "--include-full-precision"], _described(name)))


# --- trained networks -----------------------------------------------------------------------------


def archive(seeds: Seeds, random: Random) -> Words:
    """The members of a workload file: their names, order, compression and contents."""
    old = zipfile.ZipFile(io.BytesIO(seeds.files["workload.npz"]))
    members = [(info.filename, old.read(info)) for info in old.infolist()]
    place = random.randrange(len(members))
    name, data = members[place]
    if name == "workload.json" and random.random() < 0.8:
        data = json.dumps(data_changed(json.loads(data), random)).encode()
    elif random.random() < 0.8:
        data = bytes_changed(data[:120], random) + data[120:]
    else:
        name = random.choice(TEXTS).replace("\0", "").encode("utf-8", "replace").decode()
    members[place] = (name, data)
    compression = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile("workload.npz", "w", compression) as new:
        for name, data in dict(members).items():
            new.writestr(name, data)
    return [*RUN[:2], "--model", "workload.npz"]


_TRAINED = ["--network", "network.yaml"]
_TYPES = ("f2", "f8", "i1", "u1", "i8", "u8", "b1", "c8", "S3", "U3", "M8[s]", ">f4")


def state(seeds: Seeds, random: Random) -> Words:
    """The tensors of a state dict: their names, types, shapes and values."""
    tensors = dict(np.load(io.BytesIO(seeds.files["weights.npz"])))
    for _ in range(random.choice((1, 1, 2, 4))):
        name = random.choice(list(tensors) or [""])
        array = tensors.pop(name, np.ones((16, 12, 3, 3), np.float32))
        tensors[_name_changed(name, random)] = _array_changed(array, random)
    with zipfile.ZipFile("weights.npz", "w") as file:
        for name, array in tensors.items():
            with file.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=True)
    return ["extract", "weights.npz", *_TRAINED, *_options(random)]


def _name_changed(name: str, random: Random) -> str:
    text = random.choice(TEXTS).replace("\0", "").encode("utf-8", "replace").decode()
    return random.choice((name, name, f"module.{name}", f"{name}.{text}", text, "a.conv1.weight"))


def _array_changed(array: Any, random: Random) -> Any:
    """Change a tensor's values, type or shape."""
    value = random.choice((0, 1, -1, 0.5, float("nan"), float("inf"), 1e-45, 3e38))
    match random.randrange(7):
        case _ if array.dtype.kind not in "fiub":
            pass  # changed before
        case 0:
            kept = np.arange(array.size).reshape(array.shape) % 3 > 0
            array = np.where(kept, array, np.float32(value))
        case 1:
            array = np.full(array.shape, value, np.float32)
        case 2:
            with np.errstate(all="ignore"):
                array = array.astype(random.choice(_TYPES))
        case 3:
            array = array.reshape(-1)[: random.choice((0, 1, array.size))]
        case 4:
            array = np.moveaxis(array, 0, -1)[..., None] if array.ndim else array
        case 5:
            array = np.array(random.choice((None, [None], {}, "x")), object)
        case _:
            scale = random.choice((1, 0.1, 1e-30))
            array = (np.where(array > 0, 1, -1) * scale).astype(np.float32)
    return array


def tensors(seeds: Seeds, random: Random) -> Words:
    """The header of a safetensors file."""
    data = seeds.files["weights.safetensors"]
    size = int.from_bytes(data[:8], "little")
    header = data_changed(json.loads(data[8 : 8 + size]), random)
    text = json.dumps(header).encode()
    length = random.choice((len(text), len(text), len(text), 1 << 40)).to_bytes(8, "little")
    write("weights.safetensors", length + text + data[8 + size :])
    return ["extract", "weights.safetensors", *_TRAINED, *_options(random)]


def packed(seeds: Seeds, random: Random) -> Words:
    """An archive that holds a state dict."""
    name = random.choice([name for name in seeds.files if name.startswith("packed")])
    write(name, bytes_changed(seeds.files[name], random))
    return ["extract", name, *_TRAINED]


def shards(seeds: Seeds, random: Random) -> Words:
    """The index and the parts of a split state dict."""
    index, *parts = sorted(name for name in seeds.files if name.startswith("part"))[::-1]
    write(index, json.dumps(data_changed(seeds.plain["index"], random)))
    for part in parts:
        data = seeds.files[part]
        write(part, bytes_changed(data, random) if random.random() < 0.2 else data)
    return ["extract", random.choice((index, index, parts[0])), *_TRAINED]


def renamed(seeds: Seeds, random: Random) -> Words:
    """Names and means of the tensors of a valid state dict."""
    write("weights.npz", seeds.files["weights.npz"])
    return ["extract", "weights.npz", *_TRAINED, *_options(random, 1.0)]


def _options(random: Random, likely: float = 0.2) -> Words:
    """Options of a trained network, with a likelihood each."""
    pieces = ("*", "**", "a", "a.*", "stem", "fc", "", "=", "[", "\\1", "?", *TEXTS[:12])
    words: Words = []
    if random.random() < likely:
        form = random.choice(("{}={}", "{}*={}", "*{}={}*", "{}", "{}={}={}"))
        words += ["--rename", form.format(*(random.choice(pieces) for _ in range(3)))]
    if random.random() < likely:
        words += ["--center", random.choice(("channel", "layer", "position", "none", "x", ""))]
    if random.random() < likely / 2:
        words += ["--tau", random.choice(("1", "5", "9", random.choice(NUMBERS)))]
    return words


# --- graphs ---------------------------------------------------------------------------------------

_OPERATORS = (
    "Conv", "Sign", "Relu", "Add", "Mul", "Sub", "Div", "Gemm", "MatMul", "Reshape", "Transpose",
    "Concat", "Slice", "Split", "Gather", "Shape", "Expand", "Cast", "Clip", "Where", "Tanh", "Pad",
    "Resize", "Flatten", "Squeeze", "Unsqueeze", "MaxPool", "AveragePool", "GlobalAveragePool",
    "BatchNormalization", "QuantizeLinear", "DequantizeLinear", "Constant", "ConstantOfShape",
    "ConvTranspose", "LSTM", "If", "Loop", "Identity", "ReduceMean", "Range", "Tile", "Einsum",
    "ConvInteger", "QLinearConv", "Attention", "NoSuchOperator", "",
)  # fmt: skip
_SIZES = (-1, 0, 1, 2, 3, 7, 1 << 20, 1 << 31, 1 << 62)


def graph(seeds: Seeds, random: Random) -> Words:
    """The nodes, attributes, tensors and shapes of an ONNX graph."""
    model = onnx.load_model_from_string(seeds.files["graph.onnx"])
    for _ in range(random.choice((1, 1, 2, 3))):
        random.choice((node_changed, node_changed, _tensor_changed, _shape_changed))(
            model.graph, random
        )
    if random.random() < 0.1:
        model.opset_import[0].version = random.choice((0, 1, 7, 11, 13, 18, 22, 99, 1 << 40))
    write("graph.onnx", model.SerializeToString())
    return random.choice((
        ["extract", "graph.onnx"],
        ["extract", "graph.onnx", "--binarize", random.choice(("*", "conv*", "["))],
        [*RUN[:2], "--model", "graph.onnx", "--bits", "0.56"],
    ))  # fmt: skip


def node_changed(graph: Any, random: Random) -> None:
    """Change, remove or repeat a node."""
    node = random.choice(graph.node)
    names = ["", "x", *(x for other in graph.node for x in other.output),
             *(tensor.name for tensor in graph.initializer)]  # fmt: skip
    match random.randrange(7):
        case 0:
            node.op_type = random.choice(_OPERATORS)
        case 1:
            graph.node.remove(node)
        case 2 if node.input:
            node.input[random.randrange(len(node.input))] = random.choice(names)
        case 3:
            node.input.append(random.choice(names))
        case 4 if node.attribute:
            attribute = random.choice(node.attribute)
            if attribute.ints:
                attribute.ints[random.randrange(len(attribute.ints))] = random.choice(_SIZES)
            else:
                attribute.i = random.choice(_SIZES)
        case 5:
            node.domain = random.choice(("", "com.microsoft", "qonnx.custom_op.general", "x.y"))
        case _:
            added = graph.node.add()
            added.CopyFrom(node)
            added.output[0] = random.choice(("z", *names))


def _tensor_changed(graph: Any, random: Random) -> None:
    if not graph.initializer:
        return
    tensor = random.choice(graph.initializer)
    match random.randrange(5):
        case 0 if tensor.dims:
            tensor.dims[random.randrange(len(tensor.dims))] = random.choice(_SIZES)
        case 1:
            tensor.data_type = random.choice([*TensorProto.DataType.values(), 77])
        case 2:
            tensor.raw_data = bytes_changed(tensor.raw_data, random)
        case 3:
            graph.initializer.remove(tensor)
        case _:
            tensor.data_location = TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key = random.choice(("location", "offset", "length", "x"))
            entry.value = random.choice(("network.yaml", "../x", "/dev/zero", *NUMBERS[:20]))


def _shape_changed(graph: Any, random: Random) -> None:
    info = random.choice([*graph.input, *graph.output])
    dims = info.type.tensor_type.shape.dim
    match random.randrange(4):
        case 0 if dims:
            random.choice(dims).dim_value = random.choice(_SIZES)
        case 1 if dims:
            random.choice(dims).dim_param = random.choice(("n", *TEXTS[:6])).encode(
                "utf-8", "replace"
            )
        case 2:
            info.type.tensor_type.elem_type = random.choice((0, 1, 3, 7, 10, 16, 77))
        case _:
            dims.add().dim_value = random.choice(_SIZES)
