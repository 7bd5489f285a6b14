"""Networks in the formats of other simulators: shapes of convolutions and linear layers.

The other tools know neither sub-bit weights nor LUTs. A file therefore has only shapes. An `Export`
names each layer that the format cannot express, with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from simulator.base.errors import InputError
from simulator.workload.exporters import scalesim, zigzag
from simulator.workload.exporters.shapes import LeftOut
from simulator.workload.precision import configure
from simulator.workload.workload import Workload

Format = Literal["scalesim", "zigzag"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[Format, str] = {"scalesim": ".csv", "zigzag": ".yaml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A network in another tool's format."""

    text: str
    """Contents of the file."""
    layers: int
    """Number of layers of the network in the file."""
    left_out: tuple[LeftOut, ...]
    """Layers that are not in the file, with the reasons."""

    @property
    def notes(self) -> list[str]:
        """A sentence for each reason to omit layers."""
        reasons = dict.fromkeys(layer.reason for layer in self.left_out)
        return [
            f"left out: {_named([x.layer for x in self.left_out if x.reason == reason])}: {reason}"
            for reason in reasons
        ]


def export(
    workload: Workload,
    to: str,
    *,
    gemm: bool = False,
    batch: int = 1,
    scope: str | None = None,
) -> Export:
    """Write a network's layers with weights in another simulator's format.

    Args:
        workload: a network from `load_workload`.
        to: `"scalesim"` (topology CSV of SCALE-Sim 3.0.0) or `"zigzag"` (workload YAML of ZigZag
            3.9.1).
        gemm: use SCALE-Sim's GEMM form: each layer as an M x K by K x N matrix product.
        batch: images per run.
        scope: `binary` (default) for the binary layers, `weights` for every layer with weights;
            `network` also names the layers without weights as left out.

    Raises:
        InputError: the format is unknown, does not have an option, or cannot express any layer; or
            the batch is out of range.

    Example:
        >>> from simulator import export, load_workload
        >>> print(export(load_workload("r20"), "scalesim").text.splitlines()[1])
        layer1.0.conv1, 34, 34, 3, 3, 16, 16, 1,

    """
    if to not in FORMATS:
        raise InputError(f"unknown format {to!r}: expected {' or '.join(FORMATS)}")
    if gemm and to != "scalesim":
        raise InputError(f"the GEMM form is one of SCALE-Sim's: it has no effect on {to}")
    run = configure(workload, batch=batch, scope=scope)
    chosen = {layer.name for layer in run.layers}
    left_out = [
        LeftOut(layer=layer.name, reason="full precision; --scope weights adds them")
        for layer in workload.layers
        if layer.name not in chosen
    ]
    if run.scope == "network":
        reason = "without weights; the file has only layers with weights"
        left_out += [LeftOut(layer=x.name, reason=reason) for x in run.vector_layers]
    text, more = zigzag.write(run) if to == "zigzag" else scalesim.write(run, gemm)
    layers = len(run.layers) - len(more)
    if not layers:
        raise InputError(f"{workload.name} has no layer that {to} can express: {more[0].reason}")
    return Export(text=text, layers=layers, left_out=(*left_out, *more))


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
