"""Input activations of a check: seeded random activations, or those of a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.guard import reading, require_path
from simulator.workload import Layer

Activations = NDArray[np.int64]
"""[images, channels, height, width]: -1 or +1 at 1 bit, otherwise 0 to 2^bits - 1."""
Source = Callable[[int, int], Activations]
"""A function that returns the activations of images [first, last) of a layer."""


def seeded(layer: Layer, bits: int, seed: int, number: int) -> Source:
    """Return a source of uniformly random activations of the layer with this number.

    Each image has its own random stream. It therefore does not depend on the grouping of images.
    """
    shape = (layer.in_channels, layer.in_height, layer.in_width)

    def images(first: int, last: int) -> Activations:
        drawn = [
            random_stream(seed, number, 1, image).integers(0, 1 << bits, shape, dtype=np.int64)
            for image in range(first, last)
        ]
        values = np.stack(drawn)
        return 2 * values - 1 if bits == 1 else values

    return images


def random_stream(seed: int, *place: int) -> np.random.Generator:
    """Return the random stream of a place: the layer's number and the purpose of the draw."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=place))


def given(values: NDArray[Any]) -> Source:
    """Return a source of given activations, which `read_activations` has checked."""
    return lambda first, last: values[first:last].astype(np.int64)


def read_activations(path: str | Path, layer: Layer, batch: int, bits: int) -> NDArray[Any]:
    """Read a layer's input from a .npy file: [images, channels, height, width].

    A file for a single image may omit the first axis.

    Raises:
        InputError: no .npy file, or a shape, type or range other than the layer's.

    """
    array = read_array(path)
    shape = (batch * layer.images, layer.in_channels, layer.in_height, layer.in_width)
    if array.shape == shape[1:] and shape[0] == 1:
        array = array[None]
    if array.shape != shape:
        raise InputError(
            f"{path}: its shape is {times(array.shape)}, expected {times(shape)}, images x "
            f"channels x height x width of {layer.name}, the first binary layer"
        )
    require_numbers(array, path)
    allowed = "-1 or +1" if bits == 1 else f"integers from 0 to {(1 << bits) - 1}"
    for image in array:
        fits = (abs(image) == 1) if bits == 1 else _is_unsigned(image, bits)
        if not fits.all():
            raise InputError(
                f"{path}: {image[~fits].ravel()[0]} is not a {bits}-bit activation; use {allowed}"
            )
    return array


def read_array(path: str | Path) -> NDArray[Any]:
    """Open the array of a .npy file.

    Raises:
        InputError: the file is not readable, or holds several arrays.

    """
    with reading(path, "array of numbers in numpy's .npy format"):
        array: NDArray[Any] = np.load(require_path(path), mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: is a .npz archive; use a single array in a .npy file")
    return array


def require_numbers(array: NDArray[Any], path: str | Path) -> None:
    """Raise InputError if an array does not hold integers or floats."""
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path}: its type is {array.dtype}, expected integers or floats")


def _is_unsigned(image: NDArray[Any], bits: int) -> NDArray[np.bool_]:
    fits: NDArray[np.bool_] = (image >= 0) & (image < 1 << bits) & (image == np.trunc(image))
    return fits


def times(shape: tuple[int, ...]) -> str:
    """Return a shape as text, such as 3x8x8."""
    return "x".join(map(str, shape)) or "that of a single number"
