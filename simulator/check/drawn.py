"""Seeded kernels and values for layers without them, seeded images and regions."""

import numpy as np
from numpy.typing import NDArray

from simulator.check.activations import random_stream
from simulator.workload.kernels import LISTED_WEIGHTS, KernelSet, id_type
from simulator.workload.layer import Layer
from simulator.workload.sides import Sides
from simulator.workload.subsets import one_bit, random_ids
from simulator.workload.values import LayerValues, allowed_parts
from simulator.workload.vector_layer import AnyLayer, VectorLayer

_VALUES, _REGIONS, _IMAGES = 2, 3, 4
"""Purposes of a draw; 0 and 1 are kernels and activations."""


def random_kernels(layer: Layer, seed: int, number: int) -> KernelSet:
    """Return kernels for a layer with a shape alone: a random subset, random indices."""
    rng = random_stream(seed, number, 0)
    weights, shape = layer.unit_weights, (layer.out_channels, layer.units_in)
    if layer.tau is None and weights > LISTED_WEIGHTS:
        return one_bit(rng.choice(np.array([-1, 1], np.float32), (*shape, weights)))
    subset = random_ids(rng, weights, layer.subset_size).astype(id_type(weights))
    indices = rng.integers(0, len(subset), shape, dtype=np.uint16)
    return KernelSet(weights, subset, indices)


def drawn_values(
    layer: AnyLayer, entering: NDArray[np.float64], seed: int, number: int
) -> LayerValues:
    """Return random values of a layer.

    Weights have a variance of 1 per sum. A normalization gives each channel of its input on these
    images a mean around 0 and a deviation around 1, as after a training; a fourth of its factors
    are negative.

    Args:
        layer: a layer in full precision, a normalization, or a PReLU.
        entering: its input.
        seed: the check's seed.
        number: the layer's number.

    """
    rng = random_stream(seed, number, _VALUES)
    if isinstance(layer, Layer):
        shape = allowed_parts(layer)["weights"]
        weights = rng.standard_normal(shape, dtype=np.float32)
        return LayerValues(weights=weights / np.float32(np.sqrt(weights[0].size)))
    channels = layer.out_channels
    if layer.kind == "activation":
        return LayerValues(slope=rng.uniform(0, 0.5, channels).astype(np.float32))
    gamma = rng.uniform(0.5, 1.5, channels) * rng.choice([-1, 1, 1, 1], channels)
    beta = rng.normal(0, 0.3, channels)
    scale = gamma / np.sqrt(entering.var(axis=(0, 2, 3)) + 1e-5)
    shift = beta - scale * entering.mean(axis=(0, 2, 3))
    return LayerValues(scale=scale.astype(np.float32), shift=shift.astype(np.float32))


def drawn_samples(
    layer: VectorLayer, size: Sides, regions: int, seed: int, number: int
) -> NDArray[np.int64]:
    """[regions, 2, samples] rows and columns of the samples of random regions of a map."""
    rng = random_stream(seed, number, _REGIONS)
    found = []
    for _ in range(regions):
        axes = []
        for length, samples in zip(size, (layer.in_height, layer.in_width), strict=True):
            first, last = np.sort(rng.integers(0, length, 2))
            axes.append(np.linspace(first, last, samples).round().astype(np.int64))
        found.append(axes)
    return np.array(found)


def drawn_images(shape: tuple[int, ...], seed: int) -> NDArray[np.float64]:
    """[images, channels, height, width] random pixels of 8 bits, from -1 to 1."""
    pixels = [
        random_stream(seed, 0, _IMAGES, image).integers(-127, 128, shape[1:]) / 128
        for image in range(shape[0])
    ]
    return np.stack(pixels)
