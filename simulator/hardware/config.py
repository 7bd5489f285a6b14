"""The hardware file's schema: one structure per hardware noun, every number with its unit."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs, to_builtins

from simulator.base.errors import InputError
from simulator.base.inputs import convert, parse_yaml, read_yaml
from simulator.base.nearest import did_you_mean
from simulator.base.shipped import find
from simulator.hardware.keys import NumberKey, leaves, number_keys
from simulator.hardware.links import Link, is_expression, links_in, resolved

Count = Annotated[int, Meta(ge=1, le=1 << 20)]
Cycles = Annotated[int, Meta(ge=0, le=1 << 30)]
Rate = Annotated[float, Meta(gt=0, le=1e9)]


class Pe(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One processing element: Dot9, table (LUT), accumulators, line buffer."""

    lut_entries: Count | Literal["none"]
    """Dot products that one bank of the LUT holds; `none`: no LUT, every binary layer is direct."""
    lut_banks: Count = 2
    """Banks of the LUT; 2 is a double buffer. This key and the LUT's ports and sub-banks have an
    effect only with a LUT."""
    subset_entries: Count | Literal["none"] = 256
    """Kernels of a layer's subset that a PE stores; `none`: it can run no sub-bit layer."""
    accumulators: Count
    """Table entries fetched and added per cycle."""
    partial_sums: Count
    """Sums in the line buffer, the largest block of output channels."""
    dots_per_cycle: Count
    """Dot products per cycle at 1-bit activations."""
    index_register_sets: Annotated[int, Meta(ge=1, le=64)] = 2
    """Sets of index registers: a set is filled while the others are read."""
    lut_read_ports: Count | Literal["accumulators"] = "accumulators"
    """Different entries that a bank delivers per cycle; `accumulators`: one to each of them."""
    lut_subbanks: Count | Literal["none"] = "none"
    """Single-ported parts of a bank, entry e in part e % lut_subbanks; `none`: any entries at
    once."""
    partial_sum_bits: Annotated[int, Meta(ge=1, le=64)] = 16
    """Width of a sum at 1-bit activations; counts for energy and area, not for time."""

    @property
    def lut_size(self) -> int:
        """Entries of a bank of the LUT; 0 without a LUT."""
        return 0 if self.lut_entries == "none" else self.lut_entries

    @property
    def subset_size(self) -> int:
        """Kernels in the store of the subset; 0 without a store."""
        return 0 if self.subset_entries == "none" else self.subset_entries


LUT_KEYS = frozenset({"lut_banks", "lut_read_ports", "lut_subbanks"})
"""Keys of `array.pe` that have an effect only with a LUT."""


class Array(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The PEs and what each of them is given."""

    pes: Count
    spatial: Literal["input_channels", "output_pixels"]
    """What differs from PE to PE within a step."""
    pe: Pe


class Dram(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Off-chip memory: one DMA channel each for weights, inputs and outputs.

    With a table (`timing`), the three channels share the DRAM behind them; docs/dram.md.
    """

    latency_cycles: Cycles
    """From a read's request to its first byte; requests are pipelined."""
    bytes_per_cycle: Rate
    """Of each of the three channels."""
    burst_bytes: Count
    """A transfer moves whole bursts."""
    timing: Annotated[str, Meta(min_length=1)] = "fixed"
    """`fixed`: the three numbers above. Else a DRAM table behind them, by name or path."""
    channels: Count | None = None
    """Instead of the table's; this and the keys below have an effect only with a table."""
    ranks: Count | None = None
    """Per channel, instead of the table's."""
    mapping: str | None = None
    """Fields of an address from the highest to the lowest, instead of the table's."""
    scheduler: Literal["first_ready", "in_order"] | None = None
    """`first_ready` (FR-FCFS) if not given."""
    page_policy: Literal["open", "closed"] | None = None
    """`open` if not given."""
    queue_depth: Count | None = None
    """Bursts that each channel's controller holds; 16 if not given."""


DRAM_TABLE_KEYS = frozenset(
    {"channels", "ranks", "mapping", "scheduler", "page_policy", "queue_depth"}
)
"""Keys of `memory.dram` that have an effect only with a table."""


class IndexBuffer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On-chip buffer of indices (sub-bit) or kernels (1-bit)."""

    kib: Rate
    bytes_per_cycle: Rate
    """Into the PEs' index registers, decoded: one line per cycle."""
    encoding: Literal["fixed", "huffman"] = "fixed"
    """How DRAM and buffer hold indices: at fixed length, or in a Huffman code per layer."""
    ports: Literal[1, 2] = 2
    """2: reading and writing do not meet. 1: a bank does one or the other in a cycle."""
    banks: Count | None = None
    """Between which lines alternate, 1 if not given; has an effect only with one port."""


class ActivationBuffer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On-chip buffer of input rows and outgoing results."""

    kib: Rate
    transfer_pixels: Count
    """Output pixels whose input, or whose results, one DMA transfer carries."""
    bytes_per_cycle: Rate | Literal["windows"] = "windows"
    """Into the PEs' windows: one line per cycle. `windows`: a line holds those of all PEs."""
    ports: Literal[1, 2] = 2
    """As of the index buffer."""
    banks: Count | None = None
    """As of the index buffer."""


class Memory(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """DRAM and the two on-chip buffers."""

    dram: Dram
    index_buffer: IndexBuffer
    activation_buffer: ActivationBuffer

    @property
    def buffers(self) -> dict[str, IndexBuffer | ActivationBuffer]:
        """The two on-chip buffers by their dotted keys."""
        return {
            "memory.index_buffer": self.index_buffer,
            "memory.activation_buffer": self.activation_buffer,
        }


class FullPrecision(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The MAC unit for first, last and downsample layers."""

    macs_per_cycle: Count
    bits: Annotated[int, Meta(ge=1, le=64)]
    """Of a full-precision weight and of its activations."""


class HardwareFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of a hardware file."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    clock_ghz: Rate
    array: Array
    memory: Memory
    full_precision: FullPrecision


class Hardware(HardwareFile, frozen=True, kw_only=True):
    """A whole accelerator; frozen, so that a result can carry it."""

    links: tuple[Link, ...] = ()
    """Keys whose values follow from other keys; the values above are the numbers."""


def load_hardware(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Hardware:
    """Load a hardware file, by path or by the bare name of a shipped one.

    Args:
        name_or_path: for example `"cofluent64"` or `"my/array.yaml"`.
        overrides: `KEY=VALUE` strings such as `"array.pes=128"`, applied in order.

    Raises:
        InputError: the file or an override is wrong.

    Example:
        >>> from simulator import load_hardware
        >>> load_hardware("cofluent64", ["array.pes=128"]).array.pes
        128

    """
    path = find("hw_configs", name_or_path)
    data = read_hardware(path)
    checked = with_numbers(_made(data, lambda _: str(path)))
    sources = dict.fromkeys(hardware_keys(), str(path))
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key or not text:
            raise InputError(f"--set {override}: expected KEY=VALUE, for example array.pes=128")
        source = f"--set {override}"
        value = parse_yaml(text, source)
        _put(data, key, value, source)
        sources[key] = source
        if not is_expression(key, value, number_schema()):
            _put(checked, key, value, source)
            convert(checked, HardwareFile, source)
    hardware = _made(data, sources.__getitem__)
    _require_table(hardware)
    return hardware


def read_hardware(name_or_path: str | Path) -> dict[str, Any]:
    """The plain data of a hardware file, checked; for many variants of it with `hardware_from`.

    Linked keys hold their expressions.

    Raises:
        InputError: the file is wrong.

    """
    path = find("hw_configs", name_or_path)
    data = read_yaml(path)
    _refuse_idle(data, _made(data, lambda _: str(path)), path)
    return data


def hardware_from(data: dict[str, Any], values: Mapping[str, Any], source: str) -> Hardware:
    """Check a hardware file's plain data with some keys replaced; `data` stays as it is.

    Args:
        data: from `read_hardware`.
        values: by dotted key such as `"array.pes"`; numbers, words or expressions.
        source: names the hardware in errors.

    Raises:
        InputError: a key is unknown, a value is not allowed, or an expression has no value.

    """
    plain = _sections_copied(data)
    for key, value in values.items():
        _put(plain, key, value, source)
    hardware = _made(plain, lambda _: source)
    _require_table(hardware)
    return hardware


def _made(data: dict[str, Any], source_of: Callable[[str], str]) -> Hardware:
    """Hardware from plain data whose expressions become numbers; `source_of` a key, for errors."""
    links = links_in(data, number_schema())
    if links:
        data = resolved(data, links, number_schema(), source_of)
    file = convert(data, HardwareFile, source_of("name"))
    return Hardware(**structs.asdict(file), links=links)


def with_numbers(hardware: Hardware) -> dict[str, Any]:
    """The plain data of hardware, a number at each linked key."""
    data: dict[str, Any] = to_builtins(hardware)
    del data["links"]
    return data


def with_expressions(hardware: Hardware) -> dict[str, Any]:
    """The plain data of hardware as `hardware_from` takes it: linked keys hold expressions."""
    data = with_numbers(hardware)
    for link in hardware.links:
        _put(data, link.key, link.expression, hardware.name)
    return data


def _sections_copied(data: dict[str, Any]) -> dict[str, Any]:
    """New dictionaries, the same values: all that setting keys needs, and faster than deepcopy."""
    return {k: _sections_copied(v) if isinstance(v, dict) else v for k, v in data.items()}


def _refuse_idle(data: dict[str, Any], hardware: Hardware, path: Path) -> None:
    """Raise if a file sets a key that has no effect beside its others."""
    idle = sorted(DRAM_TABLE_KEYS & data["memory"]["dram"].keys())
    if idle and hardware.memory.dram.timing == "fixed":
        raise InputError(
            f"{path}: memory.dram.{idle[0]} has an effect only with a DRAM table, but "
            "memory.dram.timing is fixed"
        )
    without = sorted(LUT_KEYS & data["array"]["pe"].keys())
    if without and not hardware.array.pe.lut_size:
        raise InputError(
            f"{path}: array.pe.{without[0]} has an effect only with a LUT, but "
            "array.pe.lut_entries is none"
        )
    for key, buffer in hardware.memory.buffers.items():
        if "banks" in data["memory"][key.rpartition(".")[2]] and buffer.ports > 1:
            raise InputError(f"{path}: {key}.banks has an effect only with {key}.ports 1")


@cache
def hardware_keys() -> Mapping[str, type]:
    """Every dotted key that a hardware file may have, with the type of its values."""
    return dict(leaves(HardwareFile))


@cache
def number_schema() -> Mapping[str, NumberKey | None]:
    """Every dotted key of a hardware file, with the numbers that it takes or expressions give."""
    return dict(number_keys(HardwareFile))


def wrong_key(key: str, others: Iterable[str] = ()) -> str | None:
    """Why no hardware file has the key, with the nearest one; None if it may have it.

    Args:
        key: dotted, such as `array.pes`.
        others: names that stand for no key, but may be meant.

    """
    known = hardware_keys()
    if key in known:
        return None
    if inside := [name for name in known if name.startswith(f"{key}.")]:
        return f"{key!r} is a section; set one of its keys: {', '.join(inside)}"
    hint = did_you_mean(key, [*others, *known])
    return f"unknown key {key!r}: {hint or '`simulate show cofluent64` prints the keys'}"


def _put(data: dict[str, Any], key: str, value: Any, source: str) -> None:
    """Put a value under `a.b.c` of nested plain data that the schema has checked."""
    if wrong := wrong_key(key):
        raise InputError(f"{source}: {wrong}")
    *parents, last = key.split(".")
    inner: Any = data
    for parent in parents:
        inner = inner[parent]
    inner[last] = value


def value_of(hardware: Hardware, key: str) -> object:
    """The value under a dotted key, for example `"array.pes"`."""
    value: object = hardware
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _require_table(hardware: Hardware) -> None:
    """Read a DRAM table: a wrong one is an error now, not when it is first used."""
    if hardware.memory.dram.timing != "fixed":
        from simulator.hardware.dram import dram_timing

        dram_timing(hardware)
