"""The table and the files of an extraction."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.workload.extract import ExtractedLayer, Extraction
from simulator.workload.sides import shown

if TYPE_CHECKING:
    from rich.console import Console


def layer_rows(extraction: Extraction) -> list[dict[str, Any]]:
    """Return the contents of `layers.csv`: one row per layer."""
    return [_row(one) for one in extraction.layers]


def _row(one: ExtractedLayer) -> dict[str, Any]:
    layer = one.layer
    kernels = layer.kernels
    bits = layer.unit_bits / layer.unit_weights
    return {
        "layer": layer.name,
        "out_channels": layer.out_channels,
        "in_channels_per_group": layer.in_channels // layer.groups,
        "kernel": shown(layer.kernel),
        "precision": "full" if layer.full_precision else f"{bits:.2f} bit".replace("1.00", "1"),
        "tau": layer.tau,
        "subset_kernels": None if kernels is None else len(kernels.subset),
        "kernels_used": None if kernels is None else len(one.uses),
        "squared_error": one.squared_error,
        "squared_error_1bit": one.squared_sign_error,
        "error_ratio": one.error_ratio,
        "lost_share": one.lost_share,
    }


def histogram_rows(extraction: Extraction) -> list[dict[str, Any]]:
    """Return the contents of `kernels.csv`: one row per layer and kernel that occurs in it."""
    return [
        {"layer": one.layer.name, "kernel_id": number, "count": count}
        for one in extraction.layers
        for number, count in one.uses.items()
    ]


def summary(extraction: Extraction) -> dict[str, Any]:
    """Return the extraction as one JSON object; docs/extract.md describes its fields."""
    workload = extraction.workload
    rows = layer_rows(extraction)
    for row, one in zip(rows, extraction.layers, strict=True):
        row["kernel_counts"] = {str(number): count for number, count in one.uses.items()}
    return {
        "model": workload.name,
        "source": extraction.source.name,
        "subset": extraction.choice.subset,
        "seed": extraction.choice.seed,
        "bits": round(workload.bits, 2),
        "input_size": [workload.input_height, workload.input_width],
        **totals(extraction),
        "layers": rows,
        "notes": list(workload.notes),
    }


def totals(extraction: Extraction) -> dict[str, float | None]:
    """Return the sums of errors over the layers that have weights."""
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
        InputError: the folder is not writable.

    """
    from simulator.base.writing import writable_folder, write_file, write_rows

    folder = writable_folder(folder)
    rows, counts = layer_rows(extraction), histogram_rows(extraction)
    written = [write_file(folder / "layers.csv", lambda path: write_rows(path, rows))]
    if counts:
        written.append(write_file(folder / "kernels.csv", lambda path: write_rows(path, counts)))
    return written


def print_extraction(extraction: Extraction, console: "Console") -> None:
    """Print the table by layer, the totals and the notes, without empty columns."""
    from simulator.base.lines import print_line
    from simulator.report.tables import Column, Table, print_table

    workload = extraction.workload
    rows = layer_rows(extraction)
    last = [""] if any(row["squared_error"] is not None for row in rows) else []

    def cells(key: str) -> list[str]:
        return ["" if row[key] is None else str(row[key]) for row in rows] + last

    shapes = [
        "x".join(map(str, (layer.out_channels, inputs, *layer.kernel_sides)))
        for layer, inputs in (
            (one.layer, one.layer.in_channels // one.layer.groups) for one in extraction.layers
        )
    ]
    errors = [_errors(row) for row in [*rows, totals(extraction)][: len(rows) + len(last)]]
    lost = ["" if row["lost_share"] is None else f"{100 * row['lost_share']:.2f}" for row in rows]
    columns = [
        Column(
            title="layer", cells=cells("layer")[: len(rows)] + ["TOTAL"] * len(last), kind="name"
        ),
        Column(title="shape", cells=shapes + last, kind="label", importance=40),
        Column(title="precision", cells=cells("precision"), kind="label", importance=60),
        Column(title="tau", cells=cells("tau"), importance=50),
        Column(title="subset", cells=cells("subset_kernels"), importance=70),
        Column(title="kernels used", cells=cells("kernels_used"), importance=80),
        Column(title="error", cells=[error for error, _ in errors]),
        Column(title="error vs. 1 bit", cells=[ratio for _, ratio in errors]),
        Column(title="lost %", cells=lost + last, importance=30),
    ]
    table = Table(
        title=f"{workload.title}, {workload.input_height}x{workload.input_width}: "
        f"{workload.bits:.2f} bit",
        ruled=frozenset({len(rows)}),
        sums=frozenset({len(rows)}),
        columns=[column for column in columns if any(column.cells)],
    )
    print_table(table, console)
    for note in workload.notes:
        print_line(console, f"note: {note}")


def _errors(row: dict[str, Any]) -> tuple[str, str]:
    ratio = row["error_ratio"]
    error = row["squared_error"]
    return (
        "" if error is None else f"{error:,.1f}",
        "" if ratio is None else f"{ratio:.3f}",
    )
