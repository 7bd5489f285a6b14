"""The configurations with recorded values: random configurations, and all shipped ones.

A random configuration follows from its number alone. Its generator is `random.Random.random`, the
only method whose sequence Python keeps from version to version.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

import numpy as np

from simulator import Result, load_hardware, load_workload, simulate
from simulator.base.shipped import shipped_names, trained_names
from simulator.machines import Hardware
from simulator.workload import Layer, Workload
from tests.build import layer, machine, network, with_kernels

DRAM, INDEX, ACTIVATION = "memory.dram", "memory.index_buffer", "memory.activation_buffer"
RATES = (0.3, 1, 2, 4, 16, 64)
"""DRAM bytes per cycle and channel."""
TABLES = ("ddr4-2400", "lpddr4-3200", "hbm2")
FIRST = "cofluent64"
"""Hardware of the trained networks and of `LONG`; other PEs may not store the trained subsets."""
LONG = {"faster-rcnn-r18": (64, 64), "ssd300-vgg16": None}
"""Networks with millions of commands, with a smaller input if their shapes allow one."""
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A workload and its hardware."""

    name: str
    title: str
    """Description for readers who rebuild the configuration: sizes and overrides."""
    workload: Workload
    hardware: Hardware
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of `simulate`."""

    def run(self, engine: str = "event") -> Result:
        """Simulate the configuration.

        Raises:
            InputError: the hardware cannot run the workload.

        """
        return simulate(self.workload, self.hardware, engine=engine, **self.options)

    @property
    def inputs(self) -> str:
        """Digest of all drawn values and names, without the hardware file's contents."""
        kernels = [x.kernels.indices.tolist() if x.kernels else None for x in self.workload.layers]
        text = json.dumps([self.title, self.options, kernels], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def configuration(name: str) -> Configuration:
    """Return a configuration by its name, such as `random-17` or `cofluent64/r18/binary`."""
    kind, _, number = name.partition("-")
    return random_configuration(int(number)) if kind == "random" else shipped_configuration(name)


# --- shipped -------------------------------------------------------------------------------------


UNRECORDED = frozenset({
    "alexnet", "binarydensenet28", "birealnet18", "quicknet", "reactnet-a", "vgg16",
    "systolic-equal-area", "streaming-r18",
    "cnv-w1a1", "cnv-w1a2", "cnv-w2a2", "lfc-w1a1",
})  # fmt: skip
"""Files whose layers and machine parts are those of others; their figures would take minutes."""


def shipped_configurations() -> list[str]:
    """Names for all shipped hardware files and networks, with and without full precision."""
    short = [x for x in shipped_names("workloads") if x not in LONG and x not in UNRECORDED]
    machines = [x for x in shipped_names("hw_configs") if x not in UNRECORDED]
    pairs = [(hardware, model) for hardware in machines for model in short]
    pairs += [(FIRST, model) for model in trained_names()]
    names = [f"{hw}/{model}/{layers}" for hw, model in pairs for layers in ("binary", "all")]
    return [*names, *(f"{FIRST}/{model}/all" for model in LONG)]


def shipped_configuration(name: str) -> Configuration:
    """Return a configuration at 0.56 bit, or at a trained network's bits, with a 1-bit baseline."""
    hardware, model, layers = name.split("/")
    options: dict[str, Any] = {
        "scope": "weights" if layers == "all" else "binary",
        "baseline_bits": 1,
    }
    if model not in trained_names():
        options["bits"] = 0.56
    return Configuration(
        name=name,
        title=f"{model} on {hardware}, {layers} layers",
        workload=load_workload(model, LONG.get(model)),
        hardware=load_hardware(hardware),
        options=options,
    )


# --- random --------------------------------------------------------------------------------------


class Draw:
    """Random choices that are the same in every version of Python."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def between(self, least: int, most: int) -> int:
        """Return a whole number."""
        return least + int(self._random.random() * (most - least + 1))

    def of(self, *options: _T) -> _T:
        """Return one of some options."""
        return options[self.between(0, len(options) - 1)]

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return self._random.random() < share

    def indices(self, shape: tuple[int, int], size: int) -> np.ndarray[Any, Any]:
        """Return indices below `size`. Small indices are likelier, to shorten a Huffman code."""
        values = [int(size * self._random.random() ** 2) for _ in range(shape[0] * shape[1])]
        return np.array(values).reshape(shape)


def random_configuration(number: int) -> Configuration:
    """Draw a small network and hardware; the hardware may be too small for the network."""
    draw = Draw(number)
    drawn = [_layer(draw, f"conv{place}") for place in range(draw.between(1, 3))]
    if all(each.full_precision for each in drawn):
        drawn.append(_layer(draw, "binary", full=False))
    options = {
        "batch": draw.of(1, 1, 1, 2, 3),
        "activation_bits": draw.of(1, 1, 1, 2, 8),
        "baseline_bits": draw.of(1, 1, _bits_of_tau_5(drawn)),
        "scope": "weights",
    }
    overrides = _machine(draw) | {f"{ACTIVATION}.kib": _activation_kib(draw, drawn, options)}
    if draw.chance(0.35):
        overrides |= _dram_table(draw)
    if draw.chance(0.4):
        overrides |= _one_port(draw)
    return Configuration(
        name=f"random-{number}",
        title=_title(drawn, options, overrides),
        workload=network(*drawn),
        hardware=machine(overrides),
        options=options,
    )


def _bits_of_tau_5(layers: list[Layer]) -> float:
    """The bits per weight of tau 5: 5/9, or 5/8 without a 3x3 layer."""
    return 0.56 if any(x.kernel == 3 for x in layers if not x.full_precision) else 0.62


def _layer(draw: Draw, name: str, full: bool | None = None) -> Layer:
    kernel = draw.of(1, 3, 3)
    groups = draw.of(1, 1, 1, 2, 4)
    full = draw.chance(0.2) if full is None else full
    has_tau = not full and not draw.chance(0.15)
    bare = layer(
        groups * draw.between(1, 60 // groups),
        groups * draw.between(12 // groups, 100 // groups),
        draw.between(1, 5),
        draw.between(1, 9),
        kernel=kernel,
        stride=draw.of(1, 1, 2, 3),
        padding=draw.between(kernel // 2, draw.of(2, 4)),
        groups=groups,
        tau=draw.of(1, 2, 2, 3, 3, 4, 4, 5, 6, 8) if has_tau else None,
        full_precision=full,
        name=name,
    )
    if full or draw.chance(0.5):
        return bare
    shape = (bare.out_channels, bare.units_in)
    return with_kernels(bare, draw.indices(shape, bare.subset_size))


def _machine(draw: Draw) -> dict[str, Any]:
    return {
        "array.pes": draw.between(1, 20),
        "array.spatial": draw.of("input_channels", "output_pixels"),
        "array.pe.lut_entries": draw.of(2, 3, 4, 8, 8, 16, 32, "none"),
        "array.pe.lut_banks": draw.between(1, 3),
        "array.pe.index_register_sets": draw.between(1, 4),
        "array.pe.accumulators": draw.between(1, 5),
        "array.pe.partial_sums": draw.between(1, 60),
        "array.pe.dots_per_cycle": draw.of(1, 1, 2, 3),
        "array.pe.lut_read_ports": draw.of("accumulators", 1, 2),
        "array.pe.lut_subbanks": draw.of("none", "none", 1, 2, 4),
        f"{DRAM}.latency_cycles": draw.of(0, 5, 60),
        f"{DRAM}.bytes_per_cycle": draw.of(*RATES),
        f"{DRAM}.burst_bytes": draw.of(1, 8, 64),
        f"{INDEX}.kib": draw.of(0.02, 0.05, 0.1, 0.2, 0.5, 4, 64),
        f"{INDEX}.bytes_per_cycle": draw.of(0.5, 4, 100),
        f"{INDEX}.encoding": draw.of("fixed", "huffman"),
        f"{ACTIVATION}.transfer_pixels": draw.between(1, 9),
        f"{ACTIVATION}.bytes_per_cycle": draw.of("windows", "windows", 0.3, 2, 11),
        "full_precision.macs_per_cycle": draw.of(1, 50),
        "full_precision.bits": draw.of(8, 32),
    }


def _activation_kib(draw: Draw, layers: Sequence[Layer], options: dict[str, Any]) -> float:
    """Draw a buffer size from a fraction of the largest input to several times its size."""
    values = max(each.in_channels * each.in_height * each.in_width for each in layers)
    share = draw.of(0.15, 0.25, 0.4, 0.6, 1, 2, 10)
    return round(share * values * options["activation_bits"] / 8192 + draw.of(0, 0.05, 0.2), 4)


def _dram_table(draw: Draw) -> dict[str, Any]:
    """Draw a DRAM with timing. The channels' rates and bursts are compatible with the DRAM's."""
    return {
        f"{DRAM}.timing": draw.of(*TABLES),
        f"{DRAM}.channels": draw.of(1, 2),
        f"{DRAM}.ranks": draw.of(1, 2),
        f"{DRAM}.scheduler": draw.of("first_ready", "in_order"),
        f"{DRAM}.page_policy": draw.of("open", "closed"),
        f"{DRAM}.queue_depth": draw.of(1, 4, 16),
        f"{DRAM}.burst_bytes": draw.of(64, 128),
    }


def _one_port(draw: Draw) -> dict[str, Any]:
    """One port at one buffer, or at both."""
    keys: dict[str, Any] = {}
    for buffer in draw.of((INDEX,), (ACTIVATION,), (INDEX, ACTIVATION)):
        keys |= {f"{buffer}.ports": 1, f"{buffer}.banks": draw.between(1, 4)}
    return keys


def _title(layers: Sequence[Layer], options: dict[str, Any], overrides: dict[str, Any]) -> str:
    texts = [_layer_text(each) for each in layers]
    texts += [f"{key}={value}" for key, value in (options | overrides).items()]
    return ", ".join(texts)


def _layer_text(each: Layer) -> str:
    bits = "full precision" if each.full_precision else f"tau {each.tau}"
    real = f" with {len(each.kernels.subset)} kernels" if each.kernels else ""
    return (
        f"{each.name} {each.in_channels}->{each.out_channels} over {each.in_height}x"
        f"{each.in_width} (kernel {each.kernel}, stride {each.stride}, padding {each.padding}, "
        f"groups {each.groups}, {bits}{real})"
    )
