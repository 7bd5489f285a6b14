"""Load a workload from a shipped name or any kind of file."""

from collections.abc import Collection
from pathlib import Path

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.shipped import find
from simulator.workload.importers.formats import GRAPHS, format_of
from simulator.workload.network import network_from
from simulator.workload.workload import Workload


def load_workload(
    name_or_path: str | Path,
    input_size: tuple[int, int] | None = None,
    binarize: Collection[str] = (),
) -> Workload:
    """Load a network file or a workload file, by path or by the bare name of a shipped file.

    Args:
        name_or_path: for example `"r18"`, `"my/network.yaml"` or `"my/workload.npz"`.
        input_size: (height, width) in pixels, instead of the file's size.
        binarize: globs over the layers of another simulator's list, which then has only these
            binary layers.

    Raises:
        InputError: the file is wrong, its shapes do not fit together, or it marks its binary
            layers and `binarize` would have no effect.

    Example:
        >>> from simulator import load_workload
        >>> [layer.name for layer in load_workload("r18").binary_layers][:2]
        ['layer1.0.conv1', 'layer1.0.conv2']

    """
    path = find("workloads", name_or_path)
    if holds_workload(path):
        from simulator.workload.store import read_workload

        if binarize:
            raise InputError(f"{path}: holds no real weights; leave out --binarize")
        return read_workload(path, input_size)
    if is_trained_file(path):
        raise InputError(
            f"{path}: holds a trained network without map sizes; name its network file with "
            f"--network, or extract a workload first (simulate extract {path.name} --network NAME)"
        )
    return read_shapes(path, input_size, binarize)


def read_shapes(
    path: Path, input_size: tuple[int, int] | None = None, binarize: Collection[str] = ()
) -> Workload:
    """Read a network file, or another simulator's list of layers.

    Args:
        path: the file, or a folder of Timeloop's problems; the content determines the format.
        input_size: (height, width) in pixels, instead of the file's size.
        binarize: as in `load_workload`.

    Raises:
        InputError: the file is wrong, its layers have sizes of their own, or it marks its binary
            layers.

    """
    from simulator.workload import peers

    found = peers.read_folder(path) if guard.is_folder(path) else peers.read_file(path)
    if not isinstance(found, peers.Listed):
        if binarize:
            raise InputError(f"{path}: marks its binary layers itself; leave out --binarize")
        return network_from(found, path, input_size)
    if input_size is not None:
        raise InputError(f"{path}: its layers have sizes of their own; leave out --input-size")
    return peers.workload_of(found, path, binarize)


def holds_workload(path: Path) -> bool:
    """True if a file is a workload file of `simulator.workload.store`."""
    if path.suffix.lower() != ".npz" or guard.is_folder(path):
        return False
    from simulator.workload.store import is_workload_file

    return is_workload_file(path)


def is_trained_file(path: Path) -> bool:
    """True if a file holds a trained network, not a network file, a folder or a workload.

    Raises:
        InputError: the file is in a format that the simulator does not read.

    """
    if guard.is_folder(path):
        return False
    if path.suffix.lower() in GRAPHS:
        return True
    return format_of(path) is not None and not holds_workload(path)
