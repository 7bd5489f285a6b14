"""What `simulate extract` shows and writes of an extraction."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.workload.extract import ExtractedLayer, Extraction

if TYPE_CHECKING:
    from rich.console import Console


def layer_rows(extraction: Extraction) -> list[dict[str, Any]]:
    """One row per layer: what is in `layers.csv`."""
    return [_row(one) for one in extraction.layers]


def _row(one: ExtractedLayer) -> dict[str, Any]:
    layer = one.layer
    kernels = layer.kernels
    bits = layer.unit_bits / layer.unit_weights
    return {
        "layer": layer.name,
        "out_channels": layer.out_channels,
        "in_channels_per_group": layer.in_channels // layer.groups,
        "kernel": layer.kernel,
        "precision": "full" if layer.full_precision else f"{bits:.2f} bit".replace("1.00", "1"),
        "tau": layer.tau,
        "subset_kernels": None if kernels is None else len(kernels.subset),
        "kernels_used": None if kernels is None else int(np.count_nonzero(one.counts)),
        "squared_error": one.squared_error,
        "squared_error_1bit": one.squared_sign_error,
        "error_ratio": one.error_ratio,
        "lost_share": one.lost_share,
    }


def histogram_rows(extraction: Extraction) -> list[dict[str, Any]]:
    """One row per layer and kernel that occurs in it: what is in `kernels.csv`."""
    return [
        {"layer": one.layer.name, "kernel_id": number, "count": count}
        for one in extraction.layers
        for number, count in enumerate(one.counts.tolist())
        if count
    ]


def summary(extraction: Extraction) -> dict[str, Any]:
    """The extraction as one JSON object; docs/extract.md describes its fields."""
    workload = extraction.workload
    rows = layer_rows(extraction)
    for row, one in zip(rows, extraction.layers, strict=True):
        row["kernel_counts"] = {
            str(n): count for n, count in enumerate(one.counts.tolist()) if count
        }
    return {
        "model": workload.name,
        "source": extraction.source.name,
        "subset": extraction.choice.subset,
        "seed": extraction.choice.seed,
        "bits": round(workload.bits, 2),
        "input_size": [workload.input_height, workload.input_width],
        **totals(extraction),
        "layers": rows,
    }


def totals(extraction: Extraction) -> dict[str, float | None]:
    """Errors summed over the layers that have weights."""
    known = [one for one in extraction.layers if one.squared_error is not None]
    if not known:
        return dict.fromkeys(("squared_error", "squared_error_1bit", "error_ratio"))
    error = sum(one.squared_error or 0.0 for one in known)
    least = sum(one.squared_sign_error or 0.0 for one in known)
    return {
        "squared_error": error,
        "squared_error_1bit": least,
        "error_ratio": error / least if least else None,
    }


def save(extraction: Extraction, folder: Path) -> list[Path]:
    """Write layers.csv and, if any layer has kernels, kernels.csv.

    Raises:
        InputError: the folder cannot be written.

    """
    from simulator.report.files import writable_folder, write_file, write_rows

    folder = writable_folder(folder)
    rows, counts = layer_rows(extraction), histogram_rows(extraction)
    written = [write_file(folder / "layers.csv", lambda path: write_rows(path, rows))]
    if counts:
        written.append(write_file(folder / "kernels.csv", lambda path: write_rows(path, counts)))
    return written


def print_extraction(extraction: Extraction, console: "Console") -> None:
    """Print the table by layer and the totals, without columns that are empty in every layer."""
    from rich import box
    from rich.table import Table

    workload = extraction.workload
    rows = [_cells(row) for row in layer_rows(extraction)]
    rows.append(_cells({"layer": "TOTAL"} | totals(extraction)))
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    console.print(
        f"{workload.title}, {workload.input_height}x{workload.input_width}: "
        f"{workload.bits:.2f} bit",
        highlight=False,
        soft_wrap=True,
    )
    for name in columns:
        text = name in {"layer", "shape", "bits"}
        table.add_column(name, justify="left" if text else "right", overflow="fold")
    for row in rows[:-1]:
        table.add_row(*(row[name] for name in columns))
    if rows[-1]["error"]:
        table.add_section()
        table.add_row(*(rows[-1][name] for name in columns), style="bold")
    console.print(table)


def _cells(row: dict[str, Any]) -> dict[str, str]:
    """A row's columns as they are printed; a value that is missing is blank."""
    size, lost = row.get("kernel"), row.get("lost_share")
    shape = f"{row['out_channels']}x{row['in_channels_per_group']}x{size}x{size}" if size else ""
    error, ratio = _errors(row)
    return {
        "layer": row["layer"],
        "shape": shape,
        "bits": row.get("precision", "").removesuffix(" bit"),
        "τ": _cell(row.get("tau")),
        "subset": _cell(row.get("subset_kernels")),
        "used": _cell(row.get("kernels_used")),
        "error": error,
        "/ 1 bit": ratio,
        "lost %": "" if lost is None else f"{100 * lost:.2f}",
    }


def _errors(row: dict[str, Any]) -> tuple[str, str]:
    ratio = row["error_ratio"]
    error = row["squared_error"]
    return (
        "" if error is None else f"{error:,.1f}",
        "" if ratio is None else f"{ratio:.3f}",
    )


def _cell(value: object) -> str:
    return "" if value is None else str(value)
