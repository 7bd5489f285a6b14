"""The hardware file of a streaming pipeline: folding, FIFOs, memories, with units."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, json

from simulator.base.errors import InputError
from simulator.base.quantities import Count
from simulator.dram.section import Dram, refuse_idle
from simulator.machines.hardware import Hardware

WordBits = Annotated[int, Meta(ge=1, le=65536)]


class Fold(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parallelism of one layer's stage. A key that is left out follows from the rule."""

    pe: Count | None = None
    """Outputs that the stage computes at once; in a stage without weights, channels per word."""
    simd: Count | None = None
    """Inputs of each output that the stage takes per cycle; with shared kernels, kernels."""
    dots: Count | None = None
    """Dot products per cycle and input kernel; has an effect only in a layer of shared kernels."""


class Folding(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parallelism of all stages."""

    cycles: Count
    """The rule: every stage without a fold of its own gets the least parallelism with which it
    takes at most this many cycles per image."""
    layers: dict[str, Fold] = {}
    """Folds by layer."""


class Fifos(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The streams between units: FIFOs of words."""

    depth: Count = 2
    """Words of every FIFO that no other key sets. 2: a register pair, the default of HLS tools."""
    depths: dict[str, Count] = {}
    """Words of the FIFO in front of a layer, by layer; or of any FIFO between two units, by its own
    name. The FIFO's own name comes first."""
    widths: dict[str, WordBits] = {}
    """Bits of a word of the FIFO in front of a layer, by layer; otherwise as its stage reads."""
    joins: Count | Literal["auto"] = "auto"
    """Words of the FIFOs in front of layers with several inputs. `auto`: the fewest with which no
    path of the join stops another."""
    limit: Count | None = None
    """The most words of any FIFO; None: no limit."""


class Memory(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """DRAM and the stages' memories."""

    dram: Dram
    word_bits: WordBits = 64
    """Bits of a word of the streams from and to DRAM."""
    weights: Literal["on_chip", "streamed"] = "on_chip"
    """`on_chip`: every stage keeps its weights. `streamed`: they come from DRAM for every pixel."""


class FullPrecision(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layers whose weights are not binary."""

    bits: Literal[2, 4, 8, 16, 32]
    """Bits of a weight and of an input of such a layer."""


class Streaming(Hardware, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole accelerator of this family."""

    folding: Folding
    fifos: Fifos = Fifos()
    memory: Memory
    full_precision: FullPrecision
    loop_style: Literal["flushing", "stalling"] = "flushing"
    """The behavior of the units' pipelined loops without input. `flushing`: results on their way
    leave. `stalling`: the whole loop stops, and the result of an iteration leaves with the
    next iteration. ASSUMED: one iteration is on its way, the fewest that a stalling loop has."""
    shared_kernels: Literal["lut", "expanded"] = "lut"
    """Stages of sub-bit layers. `lut`: dot products of the subset in a table, then fetch and add.
    `expanded`: as 1-bit layers, with the kernels of every weight in the weight memory."""

    def __hash__(self) -> int:
        """Return a hash; keys by layer are in dictionaries, which have none."""
        return hash(json.encode(self))

    @property
    def pes(self) -> None:
        """None: every stage has its own, see `Mapping.pes`."""
        return None

    @property
    def dram(self) -> Dram:
        """The DRAM and its DMA channels."""
        return self.memory.dram


def require_effects(data: dict[str, Any], hardware: Streaming, source: str) -> None:
    """Raise if a file sets a key that has no effect with its other keys.

    Args:
        data: plain data of the file.
        hardware: the checked file.
        source: the name of the file in the error.

    Raises:
        InputError: the file has such a key.

    """
    refuse_idle(data["memory"]["dram"], hardware.dram, source)
    if hardware.vector is not None:
        raise InputError(
            f"{source}: vector has no effect: in a pipeline, layers without weights are stages of "
            "their own"
        )
