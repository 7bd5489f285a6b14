"""Kinds: files that earlier runs wrote, and plots of them."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzz.changed import Words, write
from tests.fuzz.mutations import TEXTS, bytes_changed, data_changed
from tests.fuzz.seeds import Seeds


def saved(seeds: Seeds, random: Random) -> Words:
    """A saved result."""
    if random.random() < 0.8:
        write("summary.json", json.dumps(data_changed(seeds.plain["summary.json"], random)))
    else:
        write("summary.json", bytes_changed(seeds.folders["result"]["summary.json"], random))
    return random.choice((["compare", "summary.json", "summary.json"], ["verify", "summary.json"]))


def folder(seeds: Seeds, random: Random) -> Words:
    """The folder that `--out` made, with a damaged file."""
    Path("result").mkdir()
    changed = random.choice(list(seeds.folders["result"]))
    for name, data in seeds.folders["result"].items():
        write(f"result/{name}", bytes_changed(data, random) if name == changed else data)
    return random.choice((["compare", "result", "result"], ["verify", "result"]))


def study(seeds: Seeds, random: Random) -> Callable[[], object]:
    """The folder of a finished study."""
    from simulator.studies import grid_study, run_study
    from simulator.studies.axes import axis

    Path("study").mkdir()
    changed = random.choice(list(seeds.folders["study"]))
    for name, data in seeds.folders["study"].items():
        if name != changed:
            Path("study", name).write_bytes(data)
        elif random.random() < 0.9:
            Path("study", name).write_bytes(bytes_changed(data, random))
    texts = {"hw": "hardware.yaml", "model": "network.yaml", "bits": "0.56,1"}
    again = grid_study([axis(name, text) for name, text in texts.items()])
    return lambda: run_study(again, "study", jobs=1, tables_only=True)


def trace(seeds: Seeds, random: Random) -> Callable[[], object]:
    """The file of a trace, or its vocabulary."""
    from simulator.analysis.trace_file import read_traces

    for name in ("trace.parquet", "trace.csv", "trace.json"):
        if name in seeds.folders["result"]:
            data = seeds.folders["result"][name]
            write(name, bytes_changed(data, random) if random.random() < 0.7 else data)
    name = random.choice([n for n in ("trace.parquet", "trace.csv") if Path(n).exists()])
    return lambda: read_traces(Path(name))


def plot(_seeds: Seeds, random: Random) -> Callable[[], object]:
    """The columns of a study's own plot."""
    from simulator.studies.chosen_figure import chosen

    words = " ".join(
        random.choice(("x=", "y=", "hue=", "", "z=")) + random.choice((*TEXTS, "time_ms", "bits"))
        for _ in range(random.choice((1, 2, 3)))
    )
    return lambda: chosen(words, baselines=True)
