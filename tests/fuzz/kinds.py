"""The kinds of input: each writes changed input into the current folder and returns its run."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import yaml

from tests.fuzz.mutations import NUMBERS, TEXTS, bytes_changed, data_changed, text_changed
from tests.fuzz.seeds import Seeds, summary_of

Words = list[str]
"""The arguments of the command."""
Kind = Callable[[Seeds, Random], Words | Callable[[], object]]
"""A function of the valid input and the case's random stream; returns the command, or a call."""

RUN = ["--hw", "hardware.yaml", "--model", "network.yaml", "--bits", "0.56"]


def _write(name: str, data: bytes) -> None:
    Path(name).write_bytes(data)


def _changed_yaml(seeds: Seeds, name: str, random: Random) -> None:
    """Write a YAML file, changed as data, as text or as bytes."""
    way = random.randrange(3)
    if way == 0:
        text = yaml.safe_dump(data_changed(seeds.plain(name), random), allow_unicode=True)
        _write(name, text.encode("utf-8", "surrogatepass"))
    elif way == 1:
        text = text_changed(seeds.files[name].decode(), random)
        _write(name, text.encode("utf-8", "surrogatepass"))
    else:
        _write(name, bytes_changed(seeds.files[name], random))


def hardware(seeds: Seeds, random: Random) -> Words:
    """A hardware file."""
    name = random.choice(("hardware.yaml", "systolic.yaml"))
    _changed_yaml(seeds, name, random)
    return ["--hw", name, *RUN[2:]]


def network(seeds: Seeds, random: Random) -> Words:
    """A network file."""
    _changed_yaml(seeds, "network.yaml", random)
    return random.choice((RUN, ["ops", "--model", "network.yaml", "--bits", "0.56"],
                          ["extract", "network.yaml"]))  # fmt: skip


def dram(seeds: Seeds, random: Random) -> Words:
    """A DRAM timing table."""
    _changed_yaml(seeds, "dram.yaml", random)
    return [*RUN, "--set", "memory.dram.timing=dram.yaml"]


def energy(seeds: Seeds, random: Random) -> Words:
    """An energy table."""
    _changed_yaml(seeds, "energy.yaml", random)
    return [*RUN, "--energy", "energy.yaml"]


_KEYS = ("array.pes", "memory.dram.bytes_per_cycle", "clock_ghz", "name", "memory.dram.timing",
         "memory.index_buffer.kib", "machine", "links", "x.y", "array", "")  # fmt: skip


def _value(random: Random) -> str:
    """A value, a list, a range or an expression, right or wrong."""
    forms = ("{}", "{},{}", "{}:{}:x2", "{}:{}:+{}", "{}:{}", "({})", "{} * {}")
    pieces = (random.choice((*NUMBERS, *TEXTS, "16", "128")) for _ in range(3))
    return random.choice(forms).format(*pieces)


def setting(_seeds: Seeds, random: Random) -> Words:
    """A value of --set."""
    return [*RUN, "--set", f"{random.choice(_KEYS)}={_value(random)}"]


def axis(_seeds: Seeds, random: Random) -> Words:
    """The values of a study's axis; one point of them runs."""
    study = ["sweep", "--hw", "hardware.yaml", "--model", "network.yaml", "--jobs", "1"]
    name = random.choice(("--bits", "--tau", "--batch", "--set", "--input-size", "--hw", "--model"))
    value = _value(random)
    if name == "--set":
        value = f"{random.choice(_KEYS)}={value}"
    return [*study, "--sample", "1", name, value] + (["--bits", "1"] if name != "--bits" else [])


def points(seeds: Seeds, random: Random) -> Words:
    """A file of points."""
    data = seeds.files["points.csv"]
    changed = random.choice((
        bytes_changed(data, random),
        text_changed(data.decode(), random).encode("utf-8", "surrogatepass"),
    ))  # fmt: skip
    _write("points.csv", changed)
    return ["sweep", "--hw", "hardware.yaml", "--model", "network.yaml", "--points", "points.csv",
            "--jobs", "1"]  # fmt: skip


_OPTIONS = (
    "--bits", "--tau", "--tau-1x1", "--layer-tau", "--batch", "--activation-bits", "--input-size",
    "--baseline-bits", "--engine", "--energy", "--network", "--binarize", "--subset", "--seed",
    "--model",
    "--hw", "--check-seed", "--style", "--why", "--json", "--check", "--quiet", "--no-baseline",
    "--set",
)  # fmt: skip
_COMMANDS = ("", "", "", "list", "show", "compare", "verify", "export", "ops", "kernels", "extract")


def arguments(_seeds: Seeds, random: Random) -> Words:
    """The command's own words."""
    first = random.choice(_COMMANDS)
    words = [first] if first else list(RUN)
    for _ in range(random.choice((1, 2, 3))):
        word = random.choice(_OPTIONS)
        value = random.choice((*NUMBERS, *TEXTS, "r20", "cofluent64", "network.yaml", "0.56", "3"))
        words += random.choice(([word], [word, value], [value], [f"{word}={value}"]))
    # no operating system passes these characters
    return [w.replace("\0", "").encode("utf-8", "replace").decode() for w in words]


def _file(name: str, *command: str) -> Kind:
    def kind(seeds: Seeds, random: Random) -> Words:
        _write(name, bytes_changed(seeds.files[name], random))
        return list(command)

    kind.__doc__ = f"The bytes of {name}."
    return kind


def archive(seeds: Seeds, random: Random) -> Words:
    """The members of a workload file: their names, order, compression and contents."""
    old = zipfile.ZipFile(io.BytesIO(seeds.files["workload.npz"]))
    members = [(info.filename, old.read(info)) for info in old.infolist()]
    place = random.randrange(len(members))
    name, data = members[place]
    if name == "workload.json" and random.random() < 0.8:
        data = json.dumps(data_changed(json.loads(data), random)).encode()
    elif random.random() < 0.8:
        data = bytes_changed(data[:120], random) + data[120:]
    else:
        name = random.choice(TEXTS).replace("\0", "").encode("utf-8", "replace").decode()
    members[place] = (name, data)
    compression = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile("workload.npz", "w", compression) as new:
        for name, data in dict(members).items():
            new.writestr(name, data)
    return [*RUN[:2], "--model", "workload.npz"]


def saved(seeds: Seeds, random: Random) -> Words:
    """A saved result."""
    text = seeds.folders["result"]["summary.json"]
    if random.random() < 0.8:
        text = json.dumps(data_changed(summary_of(seeds), random)).encode()
    else:
        text = bytes_changed(text, random)
    _write("summary.json", text)
    return random.choice((["compare", "summary.json", "summary.json"], ["verify", "summary.json"]))


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
            _write(name, bytes_changed(data, random) if random.random() < 0.7 else data)
    name = next(n for n in ("trace.parquet", "trace.csv") if Path(n).exists())
    return lambda: read_traces(Path(name))


def plot(_seeds: Seeds, random: Random) -> Callable[[], object]:
    """The columns of a study's own plot."""
    from simulator.studies.chosen_figure import chosen

    words = " ".join(
        random.choice(("x=", "y=", "hue=", "", "z=")) + random.choice((*TEXTS, "time_ms", "bits"))
        for _ in range(random.choice((1, 2, 3)))
    )
    return lambda: chosen(words, baselines=True)


KINDS: dict[str, Kind] = {
    "hardware": hardware,
    "network": network,
    "dram": dram,
    "energy": energy,
    "setting": setting,
    "axis": axis,
    "points": points,
    "arguments": arguments,
    "archive": archive,
    "workload": _file("workload.npz", *RUN[:2], "--model", "workload.npz"),
    "npz": _file("weights.npz", "extract", "weights.npz", "--network", "network.yaml"),
    "npy": _file("input.npy", *RUN, "--check", "--check-input", "input.npy"),
    "pth": _file("weights.pth", "extract", "weights.pth", "--network", "network.yaml"),
    "safetensors": _file(
        "weights.safetensors", "extract", "weights.safetensors", "--network", "network.yaml"
    ),
    "onnx": _file("graph.onnx", "extract", "graph.onnx"),
    "saved": saved,
    "study": study,
    "trace": trace,
    "plot": plot,
}
"""Every kind by name."""
