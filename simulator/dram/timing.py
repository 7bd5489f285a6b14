"""What the model knows of a DRAM: sizes, commands and a table of rules, in memory cycles.

A rule says: behind a `preceding` command, a `following` one at the same instance of `level` waits
`latency` cycles, counted from start to start; with `window` n, behind the n-th last `preceding`
one. A `sibling` rule binds all other instances of the level within the channel instead.
"""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction


class Command(IntEnum):
    """What a controller can ask for; of a bank up to WRA, of a whole rank behind it.

    Inner loops hold commands as plain integers, `int(Command.ACT)`: comparing enumerations is slow.
    """

    ACT = 0
    """Open a row."""
    PRE = 1
    """Close it."""
    RD = 2
    RDA = 3
    """Read, then close the row."""
    WR = 4
    WRA = 5
    """Write, then close the row."""
    PREA = 6
    """Close all rows of a rank."""
    REF = 7
    """Refresh a rank, all of whose rows are closed."""


COLUMN_COMMANDS = (Command.RD, Command.RDA, Command.WR, Command.WRA)
RANK_COMMANDS = (Command.PREA, Command.REF)


class Level(IntEnum):
    """Where a rule holds."""

    CHANNEL = 0
    RANK = 1
    BANK_GROUP = 2
    BANK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a timing table."""

    level: Level
    preceding: tuple[Command, ...]
    following: tuple[Command, ...]
    latency: int
    window: int = 1
    sibling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A DRAM and its controllers."""

    clock: Fraction
    """Memory cycles per array cycle."""
    channels: int
    ranks: int
    bank_groups: int
    """Per rank."""
    banks: int
    """Per bank group."""
    rows: int
    columns: int
    """Bursts per row."""
    burst_bytes: int
    order: tuple[str, ...]
    """Fields of an address from the lowest: of Ch, Co, Bg, Ba, Ra, Ro."""
    rules: tuple[Rule, ...]
    command_cycles: tuple[int, ...]
    """Cycles for which each command occupies the command bus."""
    separate_row_bus: bool
    """Row and column commands have a bus each."""
    read_data: int
    """From a read to the end of its data."""
    write_data: int
    refresh_interval: int
    """0: no refresh."""
    first_ready: bool
    """Whether a row hit may overtake; else strictly in order."""
    open_page: bool
    """Whether rows stay open; else a row closes behind its last waiting request."""
    queue_depth: int
    """Requests that a channel holds."""

    @property
    def rank_banks(self) -> int:
        """Banks of a rank."""
        return self.bank_groups * self.banks

    @property
    def data_cycles(self) -> int:
        """Memory cycles of a burst's data: the distance of two reads of open rows."""
        apart = (
            rule.latency
            for rule in self.rules
            if rule.level == Level.CHANNEL
            and not rule.sibling
            and Command.RD in rule.preceding
            and Command.RD in rule.following
        )
        return max(1, *apart, 1)

    @property
    def peak_bytes_per_cycle(self) -> Fraction:
        """Of all channels' data buses, in array cycles: reads of open rows behind one another."""
        return self.channels * self.burst_bytes * self.clock / self.data_cycles

    @property
    def capacity(self) -> int:
        """Bytes of all channels."""
        bursts = self.ranks * self.rank_banks * self.rows * self.columns
        return self.channels * bursts * self.burst_bytes
