"""The mapper's decisions for a layer: its folds, its data on chip, and the transfer size.

Every decision follows from the layer's matrix products and the hardware; docs/systolic.md has the
rules.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Literal

from simulator.base.errors import InputError
from simulator.machines.systolic.gemm import Gemm, gemm_of
from simulator.machines.systolic.schema import Scratchpad, Systolic
from simulator.machines.systolic.shortcuts import ShortcutSpace
from simulator.machines.systolic.spread import Loop, Spread
from simulator.machines.vector.fusion import Epilogue
from simulator.machines.vector.on_chip import IN_DRAM, OnChip
from simulator.workload import Layer

Lifetime = Literal["layer", "strip", "fold"]
"""The time that an operand stays in its scratchpad: the layer, the folds of a strip, or a fold."""
SumsPlace = Literal["array", "scratchpad", "dram"]
"""The place of partial sums until the next fold of their strip; `array`: a fold completes them."""
Index = Literal["strip", "place", "fold"]
"""The index of the tile of an operand that a fold uses: its strip, its place in the strip, or
both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """Inputs or weights as a dataflow uses them."""

    name: Literal["inputs", "weights"]
    index: Index
    """The index of its tiles; `fold`: the operand stays in the PEs."""
    bits: Fraction
    """Bits of an element."""
    layer_elements: Fraction
    """Elements of the layer, each counted once."""


@dataclass(frozen=True, kw_only=True)
class LayerPlan:
    """One layer on one array.

    A fold is the work of the array with one tile of stationary values. A tile has up to `rows` x
    `columns` values, and a fold has `steps` steps of moving operands. A strip is a run of folds:
    `strips` x `places` folds make a convolution group.
    """

    layer: Layer
    machine: Systolic
    batch: int
    activation_bits: int
    copies: tuple[int, ...]
    """Bits of an output in every copy that the layer writes."""
    epilogue: Epilogue | None = None
    """The work of the vector unit on each output; None: outputs go to DRAM at once."""
    keeps_maps: bool = False
    """True if maps of the network may stay on chip."""
    on_chip: OnChip = IN_DRAM
    """The maps on chip while the layer runs; they change no fold, lifetime or piece."""

    @cached_property
    def gemm(self) -> Gemm:
        """Matrix products of the layer."""
        return gemm_of(self.layer, self.machine, self.batch, self.activation_bits)

    @property
    def weight_operand_bits(self) -> int:
        """Bits of a weight that the array multiplies."""
        return self.machine.full_precision.bits if self.layer.full_precision else 1

    @property
    def stationary(self) -> bool:
        """True if an operand stays in the PEs; False if the partial sums do."""
        return self.machine.array.dataflow != "output_stationary"

    # --- folds -----------------------------------------------------------------------------------

    @property
    def strip_total(self) -> int:
        """Pixels or output channels, divided into strips."""
        weight_stationary = self.machine.array.dataflow == "weight_stationary"
        return self.gemm.channels if weight_stationary else self.gemm.pixels

    @property
    def place_total(self) -> int:
        """Output channels or elements of the reduction, divided among the folds of a strip."""
        return self.gemm.reduction if self.stationary else self.gemm.channels

    @property
    def strip_size(self) -> int:
        """PEs along which a fold's strip extends."""
        array = self.machine.array
        return array.columns if self.stationary else array.rows

    @property
    def place_size(self) -> int:
        """PEs along which a fold's part of the strip extends."""
        array = self.machine.array
        return array.rows if self.stationary else array.columns

    @property
    def strips(self) -> int:
        """Strips of a convolution group."""
        return ceil(self.strip_total / self.strip_size)

    @property
    def places(self) -> int:
        """Folds of a strip."""
        return ceil(self.place_total / self.place_size)

    @property
    def steps(self) -> int:
        """Steps of a fold: in each, an element of a moving operand enters each row or column."""
        gemm = self.gemm
        return {
            "output_stationary": gemm.reduction,
            "weight_stationary": gemm.pixels,
            "input_stationary": gemm.channels,
        }[self.machine.array.dataflow]

    @property
    def skew_cycles(self) -> int:
        """Cycles from a step's entry into the first PE until its results leave the last PE."""
        return self.machine.array.rows + self.machine.array.columns - 2

    @property
    def drain_cycles(self) -> int:
        """Cycles after the last step of a fold in which no other fold begins.

        Results of an output-stationary fold leave a column in as many cycles as it has rows; with
        `overlap_folds` a shorter next fold waits for them.
        """
        if not self.machine.array.overlap_folds:
            return self.skew_cycles
        return 0 if self.stationary else max(0, self.machine.array.rows - self.steps)

    # --- operands --------------------------------------------------------------------------------

    @cached_property
    def inputs(self) -> Operand:
        """Inputs; a tile contains im2col copies, a whole map contains none."""
        gemm = self.gemm
        index: dict[str, Index] = {
            "output_stationary": "strip",
            "weight_stationary": "place",
            "input_stationary": "fold",
        }
        return Operand(
            name="inputs",
            index=index[self.machine.array.dataflow],
            bits=gemm.input_bits,
            layer_elements=gemm.groups * gemm.map_elements,
        )

    @cached_property
    def weights(self) -> Operand:
        """Weights, or their indices in a layer with a decoder."""
        gemm = self.gemm
        fold = self.machine.array.dataflow == "weight_stationary"
        return Operand(
            name="weights",
            index="fold" if fold else "place",
            bits=gemm.weight_bits,
            layer_elements=Fraction(gemm.groups * gemm.reduction * gemm.channels),
        )

    @property
    def stationary_operand(self) -> Operand | None:
        """The operand that stays in the PEs; None: the partial sums stay."""
        return next((x for x in (self.inputs, self.weights) if x.index == "fold"), None)

    @property
    def moving_operands(self) -> tuple[Operand, ...]:
        """The operands that move past the stationary values."""
        return tuple(x for x in (self.inputs, self.weights) if x.index != "fold")

    def lifetime(self, operand: Operand) -> Lifetime:
        """Return the longest lifetime of the operand in its scratchpad that fits one buffer."""
        buffer = self._buffer_bits(operand)
        if operand.layer_elements * operand.bits <= buffer:
            return "layer"
        if operand.index == "strip" and self.lanes(operand) * self.steps * operand.bits <= buffer:
            return "strip"
        return "fold"

    def stays_on_chip(self, operand: Operand) -> bool:
        """True if earlier layers have left an operand on chip."""
        return operand.name == "inputs" and self.on_chip.all_operands

    def entered_elements(self, operand: Operand) -> int:
        """Elements of an operand that enter the array in the layer."""
        elements = {
            "strip": self.strip_total * self.places * self.steps,
            "place": self.place_total * self.strips * self.steps,
            "fold": self.strip_total * self.place_total,
        }
        return self.gemm.groups * elements[operand.index]

    def loaded_elements(self, operand: Operand) -> Fraction:
        """Elements of an operand that DRAM transfers in the layer."""
        if self.stays_on_chip(operand):
            return Fraction(0)
        lifetime = self.lifetime(operand)
        if lifetime == "layer":
            return operand.layer_elements
        times = self.places if lifetime == "strip" else 1
        return Fraction(self.entered_elements(operand), times)

    def subset_bytes(self, operand: Operand) -> int:
        """Bytes of the subset, which the layer's first weights bring."""
        return ceil(self.gemm.subset_bits / 8) if operand.name == "weights" else 0

    @cached_property
    def spreads(self) -> dict[str, Spread]:
        """Loads of the operands that stay for the layer, by name."""
        loops: dict[Index, dict[Loop, int]] = {
            "strip": {"group": self.gemm.groups, "strip": self.strips, "piece": self.pieces},
            "place": {"group": self.gemm.groups, "place": self.places, "piece": self.pieces},
            "fold": {"group": self.gemm.groups, "strip": self.strips, "place": self.places},
        }
        burst = self.machine.memory.dram.burst_bytes
        return {
            x.name: Spread(
                loops=loops[x.index],
                bursts=ceil((ceil(x.layer_elements * x.bits / 8) + self.subset_bytes(x)) / burst),
                burst_bytes=burst,
            )
            for x in (self.inputs, self.weights)
            if self.lifetime(x) == "layer" and not self.stays_on_chip(x)
        }

    # --- partial sums ----------------------------------------------------------------------------

    @cached_property
    def sums(self) -> SumsPlace:
        """The place of partial sums between the folds of a strip."""
        if not self.stationary or self.places == 1:
            return "array"
        return "scratchpad" if self.strip_sums_fit else "dram"

    def sum_bytes(self, values: int) -> int:
        """Bytes of `values` sums."""
        return ceil(values * self.machine.array.pe.accumulator_bits / 8)

    @property
    def exact_sum_bits(self) -> int:
        """Bits of the largest sum, with its sign."""
        operands = self.layer.taps * (self.layer.in_channels // self.layer.groups)
        bits = self.gemm.activation_bits + self.weight_operand_bits
        return bits - 1 + operands.bit_length()

    @property
    def strip_sum_bits(self) -> int:
        """Bits of the sums of a strip that leave the columns step by step."""
        return self.columns * self.steps * self.machine.array.pe.accumulator_bits

    @property
    def strip_sums_fit(self) -> bool:
        """True if the sums of a strip fit in one buffer of the output scratchpad."""
        return self.strip_sum_bits <= self.machine.memory.output_scratchpad.buffer_bits

    # --- results ---------------------------------------------------------------------------------

    def output_bytes(self, values: int) -> tuple[int, ...]:
        """[writes] bytes that some outputs write, in whole bursts: copies that leave, or 0."""
        leaving = self.on_chip.leaving(self.copies)
        return tuple(self.in_bursts(ceil(values * bits / 8)) for bits in leaving) or (0,)

    @cached_property
    def shortcut_space(self) -> ShortcutSpace:
        """The slots for operands of additions on the vector unit."""
        steps = min(self.steps, self.machine.memory.transfer_steps)
        least, most = (1, steps) if self.stationary else (self.strip_lanes,) * 2
        return ShortcutSpace(
            scratchpad=self.machine.memory.input_scratchpad,
            bits=() if self.epilogue is None else self.epilogue.shortcut_bits,
            least=least * self.columns,
            most=most * self.columns,
        )

    @property
    def shortcuts_from_dram(self) -> tuple[int, ...]:
        """Bits of the values that additions read from DRAM for an output."""
        every = () if self.epilogue is None else self.epilogue.shortcut_bits
        return self.on_chip.shortcuts_in_dram(every)

    @property
    def reads(self) -> bool:
        """True if it reads inputs or shortcut values from DRAM."""
        return not self.on_chip.all_operands or bool(self.shortcuts_from_dram)

    # --- transfers -------------------------------------------------------------------------------

    @cached_property
    def piece_steps(self) -> int:
        """Steps of a piece: a part of a fold whose operands, or results, one transfer carries.

        Raises:
            InputError: a scratchpad is too small for the smallest piece.

        """
        most = [self.steps, self.machine.memory.transfer_steps]
        for operand in (self.inputs, self.weights):
            if self.lifetime(operand) == "fold":
                most += self._most_steps_of(operand)
        return min(*most, *self._most_steps_of_sums(), *self._most_steps_of_shortcuts())

    @property
    def pieces(self) -> int:
        """Pieces of a fold."""
        return ceil(self.steps / self.piece_steps)

    def _most_steps_of(self, operand: Operand) -> list[int]:
        """Steps whose elements of an operand fit a buffer; no limit if it stays in the PEs."""
        smallest = self.lanes(operand) * operand.bits
        if operand.index == "fold":
            smallest *= self.columns
        if operand.name == "inputs" and self.shortcut_space.bits:
            self._fits_beside_shortcuts(smallest)
        else:
            self._fits(f"{operand.name[:-1]}_scratchpad", self._scratchpad(operand), smallest)
        return [] if operand.index == "fold" else [int(self._buffer_bits(operand) / smallest)]

    def _most_steps_of_sums(self) -> list[int]:
        """Steps whose sums fit; no limit if the sums of a strip fit."""
        scratchpad = self.machine.memory.output_scratchpad
        sums = self.columns * self.machine.array.pe.accumulator_bits
        if not self.stationary:
            sums *= self.strip_lanes
            self._fits("output_scratchpad", scratchpad, Fraction(sums))
            return []
        if self.strip_sums_fit:
            return []
        if self.sums == "dram":
            sums *= 2  # half of the space is for returning sums, half for leaving sums
        self._fits("output_scratchpad", scratchpad, Fraction(sums))
        return [scratchpad.buffer_bits // sums]

    def _most_steps_of_shortcuts(self) -> list[int]:
        """Steps whose shortcut values fit a slot; no limit without shortcuts."""
        if not self.shortcut_space.bits:
            return []
        outputs = self.shortcut_space.outputs_of_a_slot(self.layer.name)
        return [outputs // self.columns] if self.stationary else []

    def _fits_beside_shortcuts(self, bits: Fraction) -> None:
        """Raise if the smallest transfer of inputs and the slots do not fit in a buffer."""
        space = self.shortcut_space
        if bits > space.buffer_bits:
            need = ceil(space.scratchpad_bytes(ceil(bits)) / 10.24) / 100
            raise InputError(
                f"memory.input_scratchpad.kib is {space.scratchpad.kib:g}: layer "
                f"{self.layer.name} needs at least {need:g} KiB, {space.scratchpad.buffers} x its "
                "smallest transfer and the slots of its shortcut values"
            )

    def _fits(self, name: str, scratchpad: Scratchpad, bits: Fraction) -> None:
        """Raise if the smallest transfer does not fit a buffer."""
        if bits > scratchpad.buffer_bits:
            need = ceil(bits * scratchpad.buffers / 8192 * 100) / 100
            raise InputError(
                f"memory.{name}.kib is {scratchpad.kib:g}: layer {self.layer.name} needs at least "
                f"{need:g} KiB, {scratchpad.buffers} x its smallest transfer"
            )

    def in_bursts(self, size: int) -> int:
        """Bytes of `size` bytes, rounded up to whole bursts of the DRAM."""
        burst = self.machine.memory.dram.burst_bytes
        return -(-size // burst) * burst

    @property
    def columns(self) -> int:
        """PE columns that the layer's largest fold uses."""
        total = self.strip_total if self.stationary else self.place_total
        return min(total, self.machine.array.columns)

    @property
    def strip_lanes(self) -> int:
        """PEs along the strip that the layer's largest fold uses."""
        return min(self.strip_total, self.strip_size)

    def lanes(self, operand: Operand) -> int:
        """PE rows or columns at which an operand's largest tile enters."""
        if operand.index == "strip":
            return self.strip_lanes
        return min(self.place_total, self.place_size)

    def _buffer_bits(self, operand: Operand) -> int:
        if operand.name == "inputs":
            return self.shortcut_space.buffer_bits
        return self._scratchpad(operand).buffer_bits

    def _scratchpad(self, operand: Operand) -> Scratchpad:
        memory = self.machine.memory
        return memory.input_scratchpad if operand.name == "inputs" else memory.weight_scratchpad
