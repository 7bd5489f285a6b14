"""From a list of layers in another simulator's file to a workload, by way of a network file."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from simulator.base.errors import InputError
from simulator.base.inputs import convert
from simulator.base.wording import listed
from simulator.workload import schema
from simulator.workload.network import derive
from simulator.workload.sides import sides
from simulator.workload.workload import Workload

_MOST = 1 << 20
"""Upper limit of all sizes, as in network files."""
_MOST_NAMED = 4
_MOST_CHARACTERS = 190
"""Maximum length of a network's name before the tool's name follows; files allow 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The layers of a file, and what the file has that a workload does not model."""

    tool: str
    layers: list[dict[str, Any]]
    """Entries of type conv of a network file, without type and precision."""
    notes: list[str] = field(default_factory=list)


def workload_of(found: Listed, path: Path, binarize: Collection[str] = ()) -> Workload:
    """Return the workload of a list of layers.

    Args:
        found: the layers.
        path: their file or folder, which names the network.
        binarize: globs over the names of the binary layers; without any, all 3x3 and 1x1 layers
            are binary.

    Raises:
        InputError: a size is out of range, the shapes of a layer do not fit, or a glob matches no
            layer or another kernel.

    """
    layers, renamed = _with_unique_names(found.layers)
    source = str(path)
    binary = _named(layers, binarize, source) if binarize else None
    name = (path.stem or path.resolve().name or found.tool)[:_MOST_CHARACTERS]
    plain = {
        "name": name,
        "title": f"{name} ({found.tool})",
        "ops_convention": "main_paper",
        "layers": [
            {**layer, "type": "conv", "precision": _precision(layer, binary)} for layer in layers
        ],
    }
    file = convert(plain, schema.NetworkFile, source)
    workload = derive(file, source)
    marks = [] if binarize else _binary_note(found.tool, workload)
    notes = [*marks, *renamed, *found.notes]
    return replace(workload, notes=(*workload.notes, *notes))


def _precision(layer: Mapping[str, Any], binary: Collection[str] | None) -> str:
    """`binary` for the layers that the user names, or for all kernels of a binary layer."""
    chosen = _may_be_binary(layer) if binary is None else layer["name"] in binary
    return "binary" if chosen else "full"


def _may_be_binary(layer: Mapping[str, Any]) -> bool:
    return sides(layer["kernel"]) in {(3, 3), (1, 1)}


def _named(layers: list[dict[str, Any]], globs: Collection[str], source: str) -> set[str]:
    """Names of the layers that globs match."""
    found = set()
    for glob in globs:
        matched = [layer for layer in layers if fnmatchcase(layer["name"], glob)]
        if not matched:
            known = names([layer["name"] for layer in layers])
            raise InputError(
                f"{source}: binarize {glob!r} matches no layer; the layers are {known}"
            )
        for layer in matched:
            if not _may_be_binary(layer):
                height, width = sides(layer["kernel"])
                raise InputError(
                    f"{source}: binarize {glob!r} matches layer {layer['name']!r}, whose kernel is "
                    f"{height}x{width}; a binary kernel is 3x3 or 1x1"
                )
            found.add(layer["name"])
    return found


def _binary_note(tool: str, workload: Workload) -> Iterable[str]:
    others = [layer.name for layer in workload.layers if layer.full_precision]
    rest = f"; {names(others)} run in full precision" if others else ""
    if len(others) == 1:
        rest = rest.replace(" run in ", " runs in ")
    if workload.binary_layers:
        yield (
            f"{tool}'s files do not mark binary layers: 3x3 and 1x1 layers are binary{rest}. "
            "--binarize names the binary layers instead."
        )


def _with_unique_names(layers: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Number names that occur again; return the layers, and a note if there are such names."""
    given, taken = Counter(layer["name"] for layer in layers), set[str]()
    again, named = [], []
    for layer in layers:
        base, number = layer["name"], 1
        name = base
        while name in taken or (name != base and name in given):
            number += 1
            name = f"{base}_{number}"
        if name != base:
            again.append(name)
        taken.add(name)
        named.append({**layer, "name": name})
    return named, [f"names that occur again are numbered: {names(again)}."] if again else []


def names(all_names: list[str]) -> str:
    """Name the first layers, and count the rest."""
    more = len(all_names) - _MOST_NAMED
    return listed([*all_names[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])


def pixel_rows(pixels: int) -> tuple[int, int]:
    """Height and width of a map for the rows of a matrix: one row of pixels, if it is not too long.

    A map is at most 2^20 pixels wide.
    """
    rows = next((n for n in range(1, 1 << 10) if pixels % n == 0 and pixels // n <= _MOST), 1)
    return rows, pixels // rows


def map_of(channels: int, height: int, width: int, images: int = 1) -> Mapping[str, int]:
    """The key `input` of an entry."""
    return {"channels": channels, "height": height, "width": width, "images": images}
