"""Read PyTorch checkpoints: a state dict, bare or under a key; never run their code."""

import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.extras import require
from simulator.workload import arrays
from simulator.workload.importers.formats import is_zip
from simulator.workload.importers.stand_ins import Array, stand_ins
from simulator.workload.importers.state_dicts import find_state_dict
from simulator.workload.importers.tensors import TensorFile

_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")


def read_checkpoint(path: Path) -> TensorFile:
    """Read a checkpoint's tensors; in torch's zip format, load only the tensors in use.

    Raises:
        InputError: torch is missing, the file is broken, or it holds more than plain data.

    """
    found = find_state_dict(_load(path), path, _is_weight)
    others = {name: _tensors(values, path) for name, values in found.others.items()}
    return replace(_tensors(found.values, path), notes=found.notes, others=others)


def _tensors(values: Mapping[str, Any], path: Path) -> TensorFile:
    """The tensors among named values."""
    there = path.stat().st_size
    shapes = {
        name: shape
        for name, value in values.items()
        if (shape := _shape(name, value, path, there)) is not None
    }

    def load(name: str) -> NDArray[Any]:
        value = values[name]
        if isinstance(value, Array):
            return value.numpy()
        if value.is_complex():
            raise InputError(f"{path}: {name} is of {value.dtype}: expected real numbers")
        numbers: NDArray[Any] = value.float().numpy(force=True)
        return numbers

    return TensorFile(path=path, shapes=shapes, load=load)


def _load(path: Path) -> Any:
    zipped = is_zip(path)
    if zipped:
        _require_stored(path)
    require("torch", f"{path}: reading PyTorch checkpoints")
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.serialization.safe_globals(stand_ins()):
                return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # a broken pickle may raise any error
        if found := _GLOBAL.search(str(error)):
            raise InputError(
                f"{path}: refused because loading it would call {found[1]}; save the model's "
                "state_dict()"
            ) from error
        reason = str(error).partition(". ")[0].partition("\n")[0][:200] or type(error).__name__
        raise InputError(f"{path}: not a readable PyTorch checkpoint: {reason}") from error


def _require_stored(path: Path) -> None:
    """Refuse TorchScript archives and compressed members.

    torch.save never compresses; a compressed member may be a zip bomb.
    """
    with arrays.opened(path, "PyTorch checkpoint") as archive:
        arrays.check_sizes(archive, path)
        for info in archive.infolist():
            if "/code/" in info.filename:
                raise InputError(f"{path}: is a TorchScript archive; save the model's state_dict()")
            if info.compress_type != zipfile.ZIP_STORED:
                raise InputError(
                    f"{path}: {info.filename[:80]!r} is compressed; save the model with torch.save"
                )


def _is_weight(value: Any) -> bool:
    """True for a tensor or an array of numpy with two or more dimensions."""
    import torch

    if isinstance(value, Array):
        return len(value.shape or ()) > 1
    return isinstance(value, torch.Tensor) and value.dim() > 1


def _shape(name: str, value: Any, path: Path, there: int) -> tuple[int, ...] | None:
    """The shape of a tensor; None for other values.

    Raises:
        InputError: the tensor is not dense, or not wholly in the file.

    """
    import torch

    if isinstance(value, Array):
        return value.shape
    if not isinstance(value, torch.Tensor):
        return None
    if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
        raise InputError(f"{path}: {name[:80]} is not a dense tensor of plain numbers")
    stored = value.untyped_storage().nbytes()
    if not value.numel() * value.element_size() <= stored <= there:
        raise InputError(
            f"{path}: {name[:80]} claims the shape {list(value.shape)}, but stores {stored:,} "
            f"bytes in this file of {there:,} bytes"
        )
    return tuple(value.shape)
