"""Topology CSV of SCALE-Sim 2 and 3 (`scalesim/topology_utils.py` reads these files).

The first line names the columns; every further line is a layer. SCALE-Sim has no padding: the map
of a layer includes it. It rounds the number of output rows and columns up. `DP` in a name marks a
depthwise layer, whose filters apply to every channel.
"""

import csv
import re
from collections.abc import Iterator
from itertools import groupby
from math import ceil
from typing import Any

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.workload.peers.layers import Listed, map_of, names, pixel_rows
from simulator.workload.sides import per_axis

_CONVOLUTION = (
    "ifmap height", "ifmap width", "filter height", "filter width", "channels", "filters", "stride",
)  # fmt: skip
_GEMM = ("M", "N", "K")
_BATCH = "batch size"
_STRIDE_WIDTH = "stride width"
_GROUP = re.compile(r"(.+)\.group(\d+)")
"""Name of a line that `simulate export` writes for a convolution group."""


def is_topology(text: str) -> bool:
    """True if the first line is the header of a topology."""
    header = _cells(text.lstrip("\ufeff").partition("\n")[0])
    return _is_gemm(header) or (len(header) >= 8 and "ifmap" in header[1] and "fil" in header[3])


def _cells(line: str) -> list[str]:
    """The columns of a header, in lower case; some files use tabs."""
    cells = [cell.strip().lower() for cell in line.replace("\t", ",").split(",")]
    while cells and not cells[-1]:
        del cells[-1]
    return cells


def _is_gemm(header: list[str]) -> bool:
    return header[1:4] == ["m", "n", "k"]


def read(text: str, source: str) -> Listed:
    """Read a topology.

    Args:
        text: contents of the file.
        source: name of the file in errors.

    Raises:
        InputError: a line lacks a number, or its filter is larger than its map.

    """
    lines = text.lstrip("\ufeff").splitlines()
    header = _cells(lines[0])
    gemm = _is_gemm(header)
    required = _GEMM if gemm else _CONVOLUTION
    more = header[len(required) + 1 :]
    layers, rounded, headings = [], [], []
    for number, line in enumerate(lines[1:], 2):
        where = f"{source}, line {number}"
        with guard.reading(where, "line of a table"):
            cells = [cell.strip() for cell in next(csv.reader([line.replace("\t", ",")]), [])]
        if not any(cells):
            continue
        if not any(cells[1:]):
            headings.append(cells[0])
            continue
        values = _numbers(cells[1:], required, more, where)
        if gemm:
            layers.append(_product(cells[0], values))
            continue
        layer, is_rounded = _convolution(cells[0], values, where)
        layers.append(layer)
        rounded += [layer["name"]] * is_rounded
    if not layers:
        raise InputError(f"{source}: has no layer; add a line below the header")
    notes = [*_notes(more, rounded)]
    if headings:
        notes.append(f"lines without numbers are headings: {names(headings)}.")
    return Listed(tool="SCALE-Sim", layers=_merged(layers), notes=notes)


def _numbers(
    cells: list[str], required: tuple[str, ...], more: list[str], where: str
) -> dict[str, int]:
    """The numbers of a line by column; a second stride has a column of its own, or none."""
    columns = [*required, *more]
    if len(cells) > len(required) == len(columns) and cells[len(required)].isdecimal():
        columns.append(_STRIDE_WIDTH)
    values = {}
    for column, cell in zip(columns, cells, strict=False):
        if column in required or (column in {_BATCH, _STRIDE_WIDTH} and cell):
            if not (cell.isascii() and cell.isdecimal()) or len(cell) > 9 or int(cell) < 1:
                raise InputError(f"{where}: {column} is {cell!r}, expected a whole number >= 1")
            values[column] = int(cell)
    missing = [column for column in required if column not in values]
    if missing:
        raise InputError(f"{where}: has no {missing[0]}; expected {len(required)} numbers")
    return values


def _product(name: str, values: dict[str, int]) -> dict[str, Any]:
    """M x K by K x N: a 1x1 layer with M pixels in a row, K inputs and N outputs."""
    return {
        "name": name,
        "out_channels": values["N"],
        "kernel": 1,
        "input": map_of(values["K"], *pixel_rows(values["M"])),
    }


def _convolution(name: str, values: dict[str, int], where: str) -> tuple[dict[str, Any], bool]:
    """Return a convolution, and true if its last outputs reach beyond the map in the file."""
    strides = (values["stride"], values.get(_STRIDE_WIDTH, values["stride"]))
    kernel = (values["filter height"], values["filter width"])
    size = (values["ifmap height"], values["ifmap width"])
    if any(filters > pixels for filters, pixels in zip(kernel, size, strict=True)):
        raise InputError(
            f"{where}: the filter of {name!r} is {kernel[0]}x{kernel[1]}, larger than its map, "
            f"{size[0]}x{size[1]}"
        )
    height, width = (
        (ceil((pixels - filters + stride) / stride) - 1) * stride + filters
        for pixels, filters, stride in zip(size, kernel, strides, strict=True)
    )
    groups = values["channels"] if "DP" in name else 1
    layer = {
        "name": name,
        "out_channels": values["filters"] * groups,
        "kernel": per_axis(*kernel),
        "stride": per_axis(*strides),
        "groups": groups,
        "input": map_of(
            values["channels"], max(height, size[0]), max(width, size[1]), values.get(_BATCH, 1)
        ),
    }
    return layer, height > size[0] or width > size[1]


def _merged(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the lines of a convolution's groups, as `simulate export` writes them."""
    found = []
    for _, run in groupby(layers, lambda layer: _base(layer["name"]) or id(layer)):
        lines = list(run)
        base = _base(lines[0]["name"])
        numbers = [f"{base}.group{number}" for number in range(len(lines))]
        alike = all({**line, "name": ""} == {**lines[0], "name": ""} for line in lines)
        if base is None or not alike or [line["name"] for line in lines] != numbers:
            found += lines
            continue
        inputs = lines[0]["input"]
        found.append(
            {
                **lines[0],
                "name": base,
                "groups": len(lines),
                "out_channels": lines[0]["out_channels"] * len(lines),
                "input": {**inputs, "channels": inputs["channels"] * len(lines)},
            }
        )
    return found


def _base(name: str) -> str | None:
    found = _GROUP.fullmatch(name)
    return found[1] if found else None


def _notes(more: list[str], rounded: list[str]) -> Iterator[str]:
    """Name the columns that are not read, and the layers that SCALE-Sim enlarges."""
    unread = [name for name in more if name and name not in {_BATCH, _STRIDE_WIDTH}]
    if unread:
        yield f"columns of the topology that are not read: {names(unread)}."
    if rounded:
        yield (
            f"SCALE-Sim rounds the number of outputs up: the map of {names(rounded)} is enlarged "
            "to contain the last output's window."
        )
