"""Compare a machine's results with plain numpy, layer by layer, integer by integer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.check.activations import (
    Source,
    given,
    read_activations,
    seeded,
)
from simulator.check.comparison import LayerCheck, first_difference, pieces, tile
from simulator.check.drawn import random_kernels
from simulator.check.network import check_network, read_images
from simulator.check.reference import convolve
from simulator.check.result import CheckResult
from simulator.machines import Hardware
from simulator.machines.families import family_of
from simulator.machines.family import Family, WeightedLayer
from simulator.workload import Workload
from simulator.workload.source import file_sha256


def check_workload(
    workload: Workload,
    hardware: Hardware,
    *,
    seed: int = 0,
    inputs: str | Path | None = None,
    progress: Progress | None = None,
) -> CheckResult:
    """Compute layers as the machine does and compare them with plain numpy.

    In scope `network`, the check runs the whole network; see `simulator.check.network`. In the
    other scopes, it runs each binary layer by itself, on seeded random activations, and compares
    the sums with a direct convolution. A layer without kernels gets seeded random kernels.

    Args:
        workload: a configured workload.
        hardware: decides output and input blocks, LUT passes and the mode of each layer.
        seed: the seed of the random activations and kernels, at least 0.
        inputs: a .npy file with the input of the first binary layer, or in scope `network` with
            images, instead of a random input.
        progress: called after every layer.

    Raises:
        InputError: the seed is negative, or the file does not contain the layer's input.

    """
    if seed < 0:
        raise InputError(f"check seed {seed}: expected 0 or more")
    if workload.scope == "network":
        return check_network(workload, hardware, seed=seed, inputs=inputs, progress=progress)
    family = family_of(hardware)
    numbered = [
        (number, mapped)
        for number, mapped in enumerate(family.map(workload, hardware).weighted)
        if not mapped.layer.full_precision
    ]
    if not numbered:
        raise InputError("the check computes binary layers, and no layer is binary")
    first = numbered[0][1].layer
    values = None if inputs is None else read_input(inputs, workload)
    layers: list[LayerCheck] = []
    for number, mapped in numbered:
        if progress is not None:
            progress("check against a direct convolution", len(layers), len(numbered))
        if values is not None and mapped.layer is first:
            source, told = given(values), "given"
        else:
            source, told = seeded(mapped.layer, mapped.activation_bits, seed, number), "random"
        layers.append(_Checked(family, mapped, seed, number).against(source, told))
    return CheckResult(
        seed=seed,
        layers=tuple(layers),
        input_file=None if inputs is None else str(inputs),
        input_sha256=None if inputs is None else file_sha256(Path(inputs)),
    )


def read_input(path: str | Path, workload: Workload) -> NDArray[Any]:
    """Read the input of a configured workload's first binary layer from a .npy file.

    In scope `network`, the input is that of the network.

    Raises:
        InputError: the file does not contain this input.

    """
    if workload.scope == "network":
        return read_images(path, workload)
    first = workload.binary_layers[0]
    return read_activations(path, first, workload.batch, workload.input_bits(first))


@dataclass(frozen=True, slots=True)
class _Checked:
    """A layer of a machine before its comparison."""

    family: Family[Any, Any]
    mapped: WeightedLayer
    seed: int
    number: int

    def against(self, source: Source, told: str) -> LayerCheck:
        """Compare all outputs with those of a direct convolution.

        Args:
            source: the source of the activations.
            told: the origin of the activations, `given` or `random`.

        """
        mapped, layer = self.mapped, self.mapped.layer
        kernels = layer.kernels or random_kernels(layer, self.seed, self.number)
        images, rows = tile(layer)
        compared, difference = 0, None
        for image in pieces(mapped.batch * layer.images, images):
            activations = source(image.start, image.stop)
            for row in pieces(layer.out_height, rows):
                got = self.family.compute(mapped, kernels, activations, row)
                expected = convolve(layer, kernels, activations, row)
                compared += expected.size
                difference = difference or first_difference(layer.name, expected, got, image, row)
        return LayerCheck(
            layer=layer.name,
            mode=mapped.mode,
            kernels="given" if layer.kernels else "random",
            inputs=told,
            outputs=compared,
            difference=difference,
        )
