"""The check of a whole network: its layers, and the classes that it predicts.

Three computations of one network: the machine's, in integers; each layer's twin, on the machine's
inputs; and a plain forward pass in floating point.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.check.activations import read_array, require_numbers, times
from simulator.check.asked import Asked
from simulator.check.chain import Chain
from simulator.check.comparison import LayerCheck
from simulator.check.drawn import drawn_images
from simulator.check.forward import Forward
from simulator.check.result import CheckResult, Classes
from simulator.check.stream import MOST_IMAGES, Stream
from simulator.machines import Hardware
from simulator.machines.families import family_of
from simulator.workload import Workload
from simulator.workload.source import file_sha256
from simulator.workload.values import images_sha256
from simulator.workload.vector_layer import VectorLayer


def check_network(
    workload: Workload,
    hardware: Hardware,
    *,
    seed: int,
    inputs: str | Path | None,
    progress: Progress | None,
) -> CheckResult:
    """Compute a whole network as a machine does, and compare it with plain numpy.

    Args:
        workload: a workload configured for scope `network`.
        hardware: the machine.
        seed: seed of the images, kernels and values that the workload does not have.
        inputs: a .npy file of images; None: `batch` random images.
        progress: called before every layer.

    Raises:
        InputError: the file does not contain images for the network, or the function of an
            activation is unknown.

    """
    _require_functions(workload)
    if inputs is None:
        images = drawn_images(_image_shape(workload, workload.batch), seed)
    else:
        images = read_images(inputs, workload).astype(np.float64)
    family = family_of(hardware)
    mapping = family.map(workload, hardware)
    forward = Forward(workload, seed)
    results = forward.run(images, progress)
    written = family.written(workload, hardware)
    chain = Chain(
        forward=forward,
        maps=written.maps,
        asked=Asked(written.maps, forward),
        inside=written.inside,
        pipelined=written.pipelined,
        weighted={mapped.layer.name: mapped for mapped in mapping.weighted},
        modes={mapped.layer.name: mapped.mode for mapped in mapping.layers},
        compute=family.compute,
    )
    watched = _watched(chain.run(images), len(workload.all_layers), progress)
    sent: LayerCheck | None = None
    if written.pipelined is None:
        layers = tuple(watched)
    else:
        stream = Stream(chain, min(len(images), MOST_IMAGES))
        layers = tuple(stream.kept(watched))
        sent = stream.check()
    return CheckResult(
        seed=seed,
        layers=layers,
        stream=sent,
        input_file=None if inputs is None else str(inputs),
        input_sha256=None if inputs is None else file_sha256(Path(inputs)),
        classes=_classes(workload, images, chain, results),
    )


def read_images(path: str | Path, workload: Workload) -> NDArray[Any]:
    """Read images [images, channels, height, width] of a network from a .npy file.

    Raises:
        InputError: no .npy file, or a shape or type other than that of the network's images.

    """
    array = read_array(path)
    shape = _image_shape(workload, 1)
    if array.shape == shape[1:]:
        array = array[None]
    if array.ndim != 4 or not len(array) or array.shape[1:] != shape[1:]:
        raise InputError(
            f"{path}: its shape is {times(array.shape)}, expected images x {times(shape[1:])}, "
            f"images x channels x height x width of {workload.name}"
        )
    require_numbers(array, path)
    if not all(np.isfinite(image).all() for image in array):
        raise InputError(f"{path}: has values that are not finite numbers")
    return array


def _require_functions(workload: Workload) -> None:
    for layer in workload.vector_layers:
        if layer.kind == "activation" and layer.function is None:
            raise InputError(
                f"the check of scope network computes relu, hardtanh and prelu; {layer.name} has "
                "another function; use scope weights"
            )


def _image_shape(workload: Workload, images: int) -> tuple[int, int, int, int]:
    """Return (images, channels, height, width) of the network's input."""
    for layer in workload.all_layers:
        if isinstance(layer, VectorLayer) and "input" in layer.reads:
            channels = layer.operand_channels[layer.reads.index("input")]
        elif not isinstance(layer, VectorLayer) and layer.reads == "input":
            seen = layer.in_height * layer.in_width  # 1 if it is fully connected
            channels = layer.in_channels * seen // (workload.input_height * workload.input_width)
        else:
            continue
        return images, channels, workload.input_height, workload.input_width
    raise InputError(f"{workload.name}: no layer reads the image")


def _watched(
    layers: Iterator[LayerCheck], total: int, progress: Progress | None
) -> Iterator[LayerCheck]:
    for number, layer in enumerate(layers):
        if progress is not None:
            progress("check of the whole network", number, total)
        yield layer


def _classes(
    workload: Workload, images: NDArray[np.float64], chain: Chain, results: NDArray[np.float64]
) -> Classes | None:
    """The predicted classes; None if the last layer does not give a number per class."""
    if results.shape[0] != len(images) or results.shape[2:] != (1, 1):
        return None
    last = chain.numbers[workload.all_layers[-1].name].values
    return Classes(
        machine=tuple(last.reshape(len(images), -1).argmax(axis=1).tolist()),
        forward=tuple(results.reshape(len(images), -1).argmax(axis=1).tolist()),
        trained=_known_classes(workload, images),
    )


def _known_classes(workload: Workload, images: NDArray[np.float64]) -> tuple[int, ...] | None:
    """The trained network's classes of these images; None if another network runs, or unknown."""
    known = workload.predictions
    binary = workload.binary_layers
    own = bool(binary) and all(layer.kernels is not None for layer in binary)
    as_trained = own and workload.activation_bits == 1
    if known is None or not as_trained or known.images_sha256 != images_sha256(images):
        return None
    return tuple(known.classes.tolist())
