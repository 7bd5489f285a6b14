"""Read `.npz` files of raw state-dict arrays, without torch."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from simulator.workload import arrays
from simulator.workload.importers.tensors import TensorFile

_WHAT = ".npz file"


def read_npz(path: Path) -> TensorFile:
    """Read the names and shapes of a .npz file, stored or compressed.

    Raises:
        InputError: the file is not a .npz file, or an array claims a wrong size.

    """
    with arrays.opened(path, _WHAT) as archive:
        members = arrays.members(archive, path)

    def load(name: str) -> NDArray[Any]:
        with arrays.opened(path, _WHAT) as archive:
            return arrays.read(archive, members[name])

    return TensorFile(path=path, shapes={k: m.shape for k, m in members.items()}, load=load)
