"""The interface of a machine family to the rest of the simulator.

A family is a package in this folder. It has a `FAMILY`, an object of a subclass of `Family`. Its
hardware files name the package in their key `machine`. docs/architecture.md shows how to add a
family.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from collections.abc import Mapping as Items
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.base.progress import Progress
from simulator.engine.summary import Summary
from simulator.machines.folds import Folds
from simulator.machines.hardware import Hardware
from simulator.machines.vector.fusion import fusion_of
from simulator.machines.vector.mapped import VECTOR_MODES, MappedVector
from simulator.machines.written import Written
from simulator.program import Category, Program, Section, UnitTerm
from simulator.workload import Layer, Workload
from simulator.workload.kernels import KernelSet
from simulator.workload.scope import SCOPES, Scope
from simulator.workload.vector_layer import AnyLayer

Counts = dict[tuple[str, str], int]
"""The number of each action on each unit, by the unit's name and the action."""
Outputs = NDArray[np.int64]
"""[out_channels, images, rows, out_width] sums."""


class MappedLayer(Protocol):
    """A layer as a machine runs it; each family adds its own choices."""

    @property
    def layer(self) -> AnyLayer:
        """The layer of the network."""
        ...

    @property
    def batch(self) -> int:
        """Images per run."""
        ...

    @property
    def activation_bits(self) -> int:
        """The bits of the layer's input and output activations."""
        ...

    @property
    def section(self) -> Section:
        """The layer's part of the program.

        A section, or, if all layers run at once, the part of the section that the layer's own units
        run.
        """
        ...

    @property
    def mode(self) -> str:
        """The layer's mode, in one word."""
        ...

    @property
    def stored_bytes(self) -> int:
        """Bytes of the layer's weights in DRAM, in the form that the machine reads."""
        ...

    @property
    def columns(self) -> dict[str, object]:
        """The family's own columns of `layers.csv`."""
        ...


class WeightedLayer(MappedLayer, Protocol):
    """A layer with weights as a machine runs it."""

    @property
    def layer(self) -> Layer:
        """The layer of the network."""
        ...


H = TypeVar("H", bound=Hardware)
L = TypeVar("L", bound=MappedLayer)
Layers = Sequence[L | MappedVector]
"""The layers of a run, with and without weights, in order."""


@dataclass(frozen=True, kw_only=True)
class Mapping(Generic[L]):
    """A program and the choices that led to it."""

    hardware: Hardware
    layers: tuple[L | MappedVector, ...]
    program: Program
    """A program of these layers: one section each, or one for all, whose units name their layer."""
    remarks: tuple[str, ...] = ()
    """Notes on choices that concern several layers together."""

    @cached_property
    def weighted(self) -> tuple[L, ...]:
        """The layers with weights, which the family has mapped."""
        return tuple(one for one in self.layers if isinstance(one.layer, Layer))

    @property
    def commands(self) -> int:
        """The number of commands of the program, with loops unrolled."""
        return self.program.commands

    @cached_property
    def layer_pes(self) -> tuple[int, ...]:
        """[layers] the PEs that can work on each layer: all, or, at once, those of its units."""
        if not self.program.at_once:
            return (self.pes,) * len(self.layers)
        (section,) = self.program.sections
        found = dict.fromkeys(self.program.names, 0)
        for unit, commands in section.counts.items():
            found[unit.layer] += max((one.pes for one, _ in commands), default=0)
        return tuple(found.values())

    @property
    def pes(self) -> int:
        """The number of PEs: the hardware's, or, if all layers run at once, those of all layers."""
        if self.program.at_once:
            return sum(self.layer_pes)
        assert self.hardware.pes is not None  # only programs of layers at once come without
        return self.hardware.pes


class Ran(Protocol[L]):
    """A mapped workload and its totals."""

    @property
    def mapping(self) -> Mapping[L]:
        """The mapped workload."""
        ...

    @property
    def summary(self) -> Summary:
        """The totals of the run."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[L]):
    """Runs on two hardware configurations that differ in one key."""

    key: str
    before: tuple[Ran[L], ...]
    """The run and, if it has one, its baseline."""
    after: tuple[Ran[L], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """A limit on multiply-accumulates per cycle, independent of bytes."""

    name: str
    """A short name, followed by a colon and its factors."""
    macs_per_cycle: float


class Family(ABC, Generic[H, L]):
    """A kind of machine."""

    schema: ClassVar[type[Any]]
    """The structure of its hardware files, a subclass of `Hardware`."""
    example: ClassVar[str]
    """A shipped hardware file."""
    categories: ClassVar[tuple[Category, ...]]
    """The categories of cycles that do not depend on the network. A study's table has a column for
    each, and a saved result lists only others; (): a program of this family has its own."""
    mode_titles: ClassVar[Items[str, str]]
    """The names of its layers' modes in reports."""
    rate_keys: ClassVar[Items[str, str]]
    """The key that gives each unit its rate, by the unit's name or, if several units share one, by
    their role."""
    size_keys: ClassVar[frozenset[str]]
    """Keys that change the number of PEs."""
    not_chosen: ClassVar[frozenset[str]]
    """Numeric keys that follow from technology or network instead of a design choice."""
    capacities: ClassVar[Items[str, str]]
    """Keys of buffers that avoid rereads if a layer's data fits, each with a noun for the data."""
    buffers: ClassVar[frozenset[str]]
    """Parts of the area that are the cells of on-chip buffers, not logic; a run may lack some."""
    scopes: ClassVar[tuple[Scope, ...]] = SCOPES
    """The scopes of runs, in the order of `SCOPES`; the first is the default."""
    at_once: ClassVar[bool] = False
    """True if all layers of a program run at once, as a pipeline."""
    folds: ClassVar[Folds[Any, Any] | None] = None
    """The folds of its stages, for a folding search; None: it has no stages."""
    baseline_bits: ClassVar[float | None]
    """Bits per weight of the baseline unless others are asked for; None: runs have no baseline."""

    def title_of(self, mode: str) -> str:
        """Return the name of a mode in reports, of a vector layer too."""
        return VECTOR_MODES.get(mode) or self.mode_titles[mode]

    def rate_key(self, unit: UnitTerm) -> str | None:
        """Return the key that gives a unit its rate; None: no key does."""
        return self.rate_keys.get(unit.name) or self.rate_keys.get(unit.role)

    # --- hardware files and programs ------------------------------------------------------------

    @abstractmethod
    def require_effects(self, data: dict[str, Any], hardware: H, source: str) -> None:
        """Raise an error if a file sets a key that has no effect with its other keys.

        Args:
            data: plain data of the file.
            hardware: the checked file.
            source: names the file in the error.

        Raises:
            InputError: the file has such a key.

        """

    @abstractmethod
    def why_not_fast(self, hardware: H) -> str | None:
        """Return the reason why only the event engine can run it, as a clause; None: both can."""

    @abstractmethod
    def map(self, workload: Workload, hardware: H, progress: Progress | None = None) -> Mapping[L]:
        """Map a configured workload onto a machine.

        Args:
            workload: a configured workload.
            hardware: the machine.
            progress: called before every layer.

        Raises:
            InputError: the machine cannot run a layer.

        """

    @abstractmethod
    def expected_cycles(self, mapped: L) -> int | None:
        """Return the cycles of a layer that runs alone and waits for no memory, in closed form.

        Tests compare the engines with it. None: the form does not cover the layer.
        """

    @abstractmethod
    def largest_subset(self, hardware: H) -> int:
        """Return the largest number of kernels in a layer's subset that fits the machine."""

    # --- outputs --------------------------------------------------------------------------------

    @abstractmethod
    def compute(
        self, mapped: L, kernels: KernelSet, activations: NDArray[np.int64], rows: range
    ) -> Outputs:
        """Compute some rows of a binary layer's output in the machine's own order.

        Args:
            mapped: the layer.
            kernels: its kernels.
            activations: [images, channels, height, width] -1 or +1 at 1 bit, otherwise 0 to
                2^bits - 1.
            rows: the output rows.

        """

    def written(self, workload: Workload, hardware: H) -> Written:
        """Return how the machine writes the maps of a network, for a check of their values.

        Raises:
            InputError: the network has layers without weights, and the machine no unit for them.

        """
        fusion = fusion_of(workload, hardware.vector, self.mac_bits(hardware))
        return Written(fusion.maps, fusion.inside)

    # --- energy and area ------------------------------------------------------------------------

    @abstractmethod
    def actions(
        self, mapped: L | MappedVector, moved: Ints, activates: Ints | None = None
    ) -> Counts:
        """Count a layer's actions.

        Args:
            mapped: the layer.
            moved: [units] bytes that its commands move.
            activates: [units] DRAM rows opened for these bytes, if a DRAM table ran.

        """

    @abstractmethod
    def counted_by(self, hardware: H) -> Hashable:
        """Return the part of the hardware that counts of actions depend on."""

    @abstractmethod
    def memories(
        self, hardware: H, layers: Layers[L], mapped: L | MappedVector
    ) -> dict[str, float]:
        """Return the size in KiB of a bank of each memory with actions per bit, by name.

        The actions of memory `m` are `m_read_bit` and `m_write_bit`.

        Args:
            hardware: the machine.
            layers: all layers of the run, for which the machine is sized.
            mapped: the layer of the actions.

        """

    @abstractmethod
    def mac_bits(self, hardware: H) -> int:
        """Return the operand width of the action `mac` in bits."""

    @abstractmethod
    def buffer_kib(self, hardware: H, layers: Layers[L]) -> float:
        """Return the total size in KiB of all on-chip buffers, which decides their leakage."""

    @abstractmethod
    def area(self, hardware: H, layers: Layers[L]) -> dict[str, int]:
        """Return the gate equivalents by part of the machine.

        Args:
            hardware: the machine.
            layers: the layers of a run. An array is as wide as their operands need; () leaves it as
                wide as 1-bit layers need. A pipeline has a stage for each.

        """

    def gate_equivalents(self, hardware: H, layers: Layers[L]) -> int:
        """Return the area of the whole machine in gate equivalents; the arguments as for `area`."""
        return sum(self.area(hardware, layers).values())

    # --- explanations ---------------------------------------------------------------------------

    @abstractmethod
    def roofs(self, hardware: H, layers: Sequence[L]) -> list[Roof]:
        """Return the limits on the rate of these layers, the highest first."""

    @abstractmethod
    def notes(self, run: Ran[L]) -> Iterable[str]:
        """Return notes for the reader of a run: cuts, passes, rereads, waits."""

    @abstractmethod
    def idle_pes(self, change: Change[L]) -> list[str]:
        """Name the layers in which most PEs are idle, if a change makes more of them idle."""

    @abstractmethod
    def why_no_effect(self, change: Change[L]) -> str | None:
        """Return the reason why a changed key changes no cycles, as a clause; None: unknown."""

    @abstractmethod
    def next_sizes(self, key: str, layers: Sequence[L]) -> list[tuple[float, list[str]]]:
        """Return sizes in KiB at which more layers read their data once, with their names.

        Args:
            key: one of `capacities`.
            layers: the layers of a run.

        """
