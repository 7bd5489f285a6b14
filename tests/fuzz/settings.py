"""Kinds: hardware files, tables, and the words of the command."""

from random import Random

from tests.fuzz.changed import RUN, Words, write_text, write_yaml
from tests.fuzz.mutations import NUMBERS, TEXTS
from tests.fuzz.seeds import Seeds


def hardware(seeds: Seeds, random: Random) -> Words:
    """A hardware file."""
    name = random.choice(("hardware.yaml", "systolic.yaml", "cycles.yaml"))
    write_yaml(seeds, name, random)
    return ["--hw", name, *RUN[2:]]


def dram(seeds: Seeds, random: Random) -> Words:
    """A DRAM timing table."""
    write_yaml(seeds, "dram.yaml", random)
    return [*RUN, "--set", "memory.dram.timing=dram.yaml"]


def energy(seeds: Seeds, random: Random) -> Words:
    """An energy table."""
    write_yaml(seeds, "energy.yaml", random)
    return [*RUN, "--energy", "energy.yaml"]


_KEYS = (
    "array.pes", "array.spatial", "array.pe.lut_entries", "memory.index_buffer.kib", "machine",
    "memory.dram.bytes_per_cycle", "memory.dram.gigabytes_per_second", "memory.dram.latency_ns",
    "memory.dram.latency_cycles", "memory.dram.burst_bytes", "memory.dram.timing", "clock_ghz",
    "memory.dram.queue_depth", "memory.dram.channels", "memory.dram.mapping",
    "vector.lanes", "vector.bits", "vector.fused", "vector.cycles.pool", "vector",
    "full_precision.bits", "name", "links", "x.y", "array", "",
)  # fmt: skip


def _value(random: Random) -> str:
    """A value, a list, a range or an expression, right or wrong."""
    forms = ("{}", "{}", "{},{}", "{}:{}:x2", "{}:{}:+{}", "{}:{}", "({})", "{} * {}")
    pieces = (random.choice((*NUMBERS, *TEXTS, "16", "128")) for _ in range(3))
    return random.choice(forms).format(*pieces)


def setting(_seeds: Seeds, random: Random) -> Words:
    """Values of --set."""
    words = list(RUN)
    for _ in range(random.choice((1, 1, 2))):
        words += ["--set", f"{random.choice(_KEYS)}={_value(random)}"]
    return words


def dram_setting(_seeds: Seeds, random: Random) -> Words:
    """Keys of a DRAM with a table, in values of all sizes."""
    words = [*RUN, "--set", "memory.dram.timing=ddr4-2400"]
    for _ in range(random.choice((1, 1, 2))):
        key = random.choice(("queue_depth", "channels", "ranks", "mapping", "scheduler",
                             "page_policy", "burst_bytes", "gigabytes_per_second"))  # fmt: skip
        size = str(random.choice((1, 2, 3, 16, 64, 1000, 1 << 16, 1 << 20, 1 << 31)))
        value = random.choice((size, size, random.choice(("in_order", "closed", "RoBaRaCoCh")),
                               _value(random)))  # fmt: skip
        words += ["--set", f"memory.dram.{key}={value}"]
    return words


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
    write_text(seeds, "points.csv", random)
    return ["sweep", "--hw", "hardware.yaml", "--model", "network.yaml", "--points", "points.csv",
            "--jobs", "1"]  # fmt: skip


_OPTIONS = (
    "--bits", "--tau", "--tau-1x1", "--layer-tau", "--batch", "--activation-bits", "--input-size",
    "--baseline-bits", "--engine", "--energy", "--network", "--rename", "--center", "--binarize",
    "--subset", "--seed", "--model", "--hw", "--check-seed", "--style", "--why", "--json",
    "--check", "--quiet", "--no-baseline", "--set",
)  # fmt: skip
_COMMANDS = (
    "", "", "", "", "", "list", "show", "show", "compare", "verify", "export", "ops", "ops",
    "kernels", "extract", "init", "search",
)  # fmt: skip


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
