"""The hardware file's schema: one structure per hardware noun, every number with its unit."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from simulator.errors import InputError
from simulator.inputs import convert, parse_yaml, read_yaml
from simulator.shipped import find

Count = Annotated[int, Meta(ge=1, le=1 << 20)]
Cycles = Annotated[int, Meta(ge=0, le=1 << 30)]
Rate = Annotated[float, Meta(gt=0, le=1e9)]


class Pe(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One processing element: Dot9, table (LUT), accumulators, line buffer."""

    lut_entries: Count
    """Dot products that one bank of the table holds."""
    lut_banks: Count
    """Banks of the table; 2 is a double buffer."""
    accumulators: Count
    """Table entries fetched and added per cycle."""
    partial_sums: Count
    """Sums in the line buffer, the largest block of output channels."""
    dots_per_cycle: Count
    """Dot products per cycle at 1-bit activations."""
    lut_read_ports: Count | Literal["accumulators"] = "accumulators"
    """Different entries that a bank delivers per cycle; `accumulators`: one to each of them."""
    lut_subbanks: Count | Literal["none"] = "none"
    """Single-ported parts of a bank, entry e in part e % lut_subbanks; `none`: any entries at
    once."""


class Array(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The PEs and what each of them is given."""

    pes: Count
    spatial: Literal["input_channels", "output_pixels"]
    """What differs from PE to PE within a step."""
    pe: Pe


class Dram(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Off-chip memory: one DMA channel each for weights, inputs and outputs."""

    latency_cycles: Cycles
    """From a read's request to its first byte; requests are pipelined."""
    bytes_per_cycle: Rate
    """Of each of the three channels."""
    burst_bytes: Count
    """A transfer moves whole bursts."""


class IndexBuffer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On-chip buffer of indices (sub-bit) or kernels (1-bit)."""

    kib: Rate
    bytes_per_cycle: Rate
    """Into the PEs' index registers, decoded."""
    encoding: Literal["fixed", "huffman"] = "fixed"
    """How DRAM and buffer hold indices: at fixed length, or in a Huffman code per layer."""


class ActivationBuffer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On-chip buffer of input rows and outgoing results."""

    kib: Rate
    transfer_pixels: Count
    """Output pixels whose input, or whose results, one DMA transfer carries."""


class Memory(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """DRAM and the two on-chip buffers."""

    dram: Dram
    index_buffer: IndexBuffer
    activation_buffer: ActivationBuffer


class FullPrecision(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The MAC unit for first, last and downsample layers."""

    macs_per_cycle: Count
    bits: Annotated[int, Meta(ge=1, le=64)]
    """Of a full-precision weight and of its activations."""


class Hardware(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole accelerator; frozen, so that a result can carry it."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    clock_ghz: Rate
    array: Array
    memory: Memory
    full_precision: FullPrecision


def load_hardware(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Hardware:
    """Load a hardware file, by path or by the bare name of a shipped one.

    Args:
        name_or_path: for example `"cofluent64"` or `"my/array.yaml"`.
        overrides: `KEY=VALUE` strings such as `"array.pes=128"`, applied in order.

    Raises:
        InputError: the file or an override is wrong.

    """
    path = find("hw_configs", name_or_path)
    data = read_yaml(path)
    hardware = convert(data, Hardware, str(path))
    for override in overrides:
        _apply(data, override)
        hardware = convert(data, Hardware, f"--set {override}")
    return hardware


def _apply(data: dict[str, Any], override: str) -> None:
    """Put `a.b.c=value` into nested plain data; the schema finds an unknown last key."""
    key, equals, text = override.partition("=")
    if not equals or not key or not text:
        raise InputError(f"--set {override}: expected KEY=VALUE, for example array.pes=128")
    *parents, last = key.split(".")
    inner: Any = data
    for depth, parent in enumerate(parents):
        if not isinstance(inner.get(parent), dict):
            known = [name for name, value in inner.items() if isinstance(value, dict)]
            where = ".".join(parents[: depth + 1])
            raise InputError(
                f"--set {override}: unknown key {where!r}: sections here are {', '.join(known)}"
            )
        inner = inner[parent]
    if isinstance(inner.get(last), dict):
        raise InputError(
            f"--set {override}: {key!r} is a section, set one of its keys: {', '.join(inner[last])}"
        )
    inner[last] = parse_yaml(text, f"--set {override}")


def value_of(hardware: Hardware, key: str) -> object:
    """The value under a dotted key, for example `"array.pes"`."""
    value: object = hardware
    for part in key.split("."):
        value = getattr(value, part)
    return value
