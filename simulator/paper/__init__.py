"""Reproduce the paper: write each item into a folder, with printed and simulated values."""

from collections.abc import Callable
from pathlib import Path

from simulator.base.progress import Progress
from simulator.base.writing import writable_folder
from simulator.paper import (
    accuracy,
    equal_area_report,
    fair_report,
    figure12,
    figure13,
    networks,
    pe_study,
    pipelines_report,
    silicon,
    table4,
    table6,
    training_speed,
    whole_network_report,
)

ITEMS: dict[str, Callable[[Path, Progress | None], list[Path]]] = {
    "table4": table4.write,
    "table6": table6.write,
    "figure12": figure12.write,
    "figure13": figure13.write,
    "fair": fair_report.write,
    "equal-area": equal_area_report.write,
    "networks": networks.write,
    "whole-network": whole_network_report.write,
    "pe-study": pe_study.write,
    "pipelines": pipelines_report.write,
    "training-speed": training_speed.write,
    "accuracy": accuracy.write,
    "silicon": silicon.write,
}


def reproduce(item: str, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Regenerate one of `ITEMS` into `folder`; return the files written.

    Raises:
        InputError: the folder is not writable.

    """
    return ITEMS[item](writable_folder(folder), progress)
