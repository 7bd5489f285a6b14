"""Compare the array's results with a direct convolution, layer by layer, integer by integer."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.check.activations import (
    Source,
    given,
    random_stream,
    read_activations,
    seeded,
)
from simulator.check.reference import convolve
from simulator.machines import Hardware
from simulator.machines.families import family_of
from simulator.machines.family import Family, WeightedLayer
from simulator.workload import Layer, Workload
from simulator.workload.kernels import LISTED_WEIGHTS, KernelSet, id_type
from simulator.workload.source import file_sha256
from simulator.workload.subsets import one_bit, random_ids

Outputs = NDArray[np.int64]
"""[out_channels, images, rows, out_width]."""

_HELD = 1 << 21
"""The number of outputs in memory at once."""
_LEAST_PIXELS, _MOST_PIXELS = 64, 1 << 13
"""Bounds on the pixels of a tile: wide enough for whole vectors, small enough for caches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first wrong output, in the order of images, rows, columns and output channels."""

    layer: str
    image: int
    output_channel: int
    row: int
    column: int
    expected: int
    """The value from direct convolution."""
    got: int
    """The value from the array."""

    def __str__(self) -> str:
        """The difference as one line."""
        image = f"image {self.image}, " if self.image else ""
        return (
            f"{self.layer}: {image}output channel {self.output_channel}, row {self.row}, column "
            f"{self.column}: expected {self.expected}, got {self.got}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCheck:
    """The comparison of one layer's outputs."""

    layer: str
    mode: str
    """`lut`: LUT fill, fetches by index, additions; `direct`: a dot product for every use."""
    kernels: str
    """`given` with the workload, or `random`: drawn from the seed."""
    inputs: str
    """`given` in a file, or `random`: drawn from the seed."""
    outputs: int
    """The number of outputs in the comparison: all outputs of the layer."""
    difference: Difference | None

    @property
    def equal(self) -> bool:
        """True if all outputs are equal to the last bit."""
        return self.difference is None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The comparison of all binary layers of a workload."""

    seed: int
    layers: tuple[LayerCheck, ...]
    input_file: str | None = None
    """The path of the first binary layer's input, as given; None: random."""
    input_sha256: str | None = None
    """The fingerprint of the file's bytes."""

    @property
    def equal(self) -> bool:
        """True if all outputs of all layers are equal."""
        return all(layer.equal for layer in self.layers)

    @property
    def first_difference(self) -> Difference | None:
        """The difference of the first layer that has one."""
        return next((layer.difference for layer in self.layers if not layer.equal), None)

    @property
    def outputs(self) -> int:
        """The number of outputs in the comparison, over all layers."""
        return sum(layer.outputs for layer in self.layers)

    def plain(self) -> dict[str, Any]:
        """Return the result as plain data for JSON."""
        layers = [{**asdict(layer), "equal": layer.equal} for layer in self.layers]
        return {
            "equal": self.equal,
            "seed": self.seed,
            "input_file": self.input_file,
            "input_sha256": self.input_sha256,
            "outputs": self.outputs,
            "layers": layers,
        }


def check_workload(
    workload: Workload,
    hardware: Hardware,
    *,
    seed: int = 0,
    inputs: str | Path | None = None,
    progress: Progress | None = None,
) -> CheckResult:
    """Compute every binary layer as the array does and compare it with a direct convolution.

    The check runs each layer by itself, on seeded random activations. A layer without kernels gets
    seeded random kernels.

    Args:
        workload: a configured workload.
        hardware: decides output and input blocks, LUT passes and the mode of each layer.
        seed: the seed of the random activations and kernels, at least 0.
        inputs: a .npy file with the input of the first binary layer, instead of a random input.
        progress: called after every layer.

    Raises:
        InputError: the seed is negative, or the file does not contain the layer's input.

    """
    if seed < 0:
        raise InputError(f"check seed {seed}: expected 0 or more")
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

    Raises:
        InputError: the file does not contain the layer's input.

    """
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
        images, rows = _tile(layer)
        compared, difference = 0, None
        for image in _pieces(mapped.batch * layer.images, images):
            activations = source(image.start, image.stop)
            for row in _pieces(layer.out_height, rows):
                got = self.family.compute(mapped, kernels, activations, row)
                expected = convolve(layer, kernels, activations, row)
                compared += expected.size
                difference = difference or _first_difference(layer, expected, got, image, row)
        return LayerCheck(
            layer=layer.name,
            mode=mapped.mode,
            kernels="given" if layer.kernels else "random",
            inputs=told,
            outputs=compared,
            difference=difference,
        )


def _first_difference(
    layer: Layer, expected: Outputs, got: Outputs, images: range, rows: range
) -> Difference | None:
    wrong = np.argwhere((got != expected).transpose(1, 2, 3, 0))
    if not len(wrong):
        return None
    image, row, column, channel = wrong[0].tolist()
    return Difference(
        layer=layer.name,
        image=images[image],
        output_channel=channel,
        row=rows[row],
        column=column,
        expected=int(expected[channel, image, row, column]),
        got=int(got[channel, image, row, column]),
    )


def _tile(layer: Layer) -> tuple[int, int]:
    """Return (images, output rows) to keep in memory at once."""
    pixels = max(_LEAST_PIXELS, min(_HELD // layer.out_channels, _MOST_PIXELS))
    together = max(1, pixels // (layer.out_height * layer.out_width))
    return together, min(layer.out_height, max(1, pixels // layer.out_width))


def _pieces(whole: int, size: int) -> Iterator[range]:
    for first in range(0, whole, size):
        yield range(first, min(first + size, whole))


def random_kernels(layer: Layer, seed: int, number: int) -> KernelSet:
    """Return kernels for a layer with a shape alone: a random subset, random indices."""
    rng = random_stream(seed, number, 0)
    weights, shape = layer.unit_weights, (layer.out_channels, layer.units_in)
    if layer.tau is None and weights > LISTED_WEIGHTS:
        return one_bit(rng.choice(np.array([-1, 1], np.float32), (*shape, weights)))
    subset = random_ids(rng, weights, layer.subset_size).astype(id_type(weights))
    indices = rng.integers(0, len(subset), shape, dtype=np.uint16)
    return KernelSet(weights, subset, indices)
