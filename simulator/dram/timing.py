"""The model of a DRAM: sizes, commands and a table of rules, in memory cycles.

After a `preceding` command, a `following` command at the same instance of `level` waits `latency`
cycles, from start to start. With `window` n, the wait counts from the n-th last `preceding`
command. A `sibling` rule applies to all other instances of the level within the channel instead.
"""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction


class Command(IntEnum):
    """A controller's commands: for a bank up to WRA, for a whole rank after WRA.

    Inner loops use plain integers, `int(Command.ACT)`, because comparing enumerations is slow.
    """

    ACT = 0
    """Open a row."""
    PRE = 1
    """Close the row."""
    RD = 2
    RDA = 3
    """Read, then close the row."""
    WR = 4
    WRA = 5
    """Write, then close the row."""
    PREA = 6
    """Close all rows of a rank."""
    REF = 7
    """Refresh a rank whose rows are all closed."""


COLUMN_COMMANDS = (Command.RD, Command.RDA, Command.WR, Command.WRA)
RANK_COMMANDS = (Command.PREA, Command.REF)


class Level(IntEnum):
    """The scope of a rule."""

    CHANNEL = 0
    RANK = 1
    BANK_GROUP = 2
    BANK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a timing table."""

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
    """Bank groups per rank."""
    banks: int
    """Banks per bank group."""
    rows: int
    columns: int
    """Bursts per row."""
    burst_bytes: int
    order: tuple[str, ...]
    """The fields of an address from the lowest to the highest, among Ch, Co, Bg, Ba, Ra, Ro."""
    rules: tuple[Rule, ...]
    command_cycles: tuple[int, ...]
    """Cycles for which each command occupies the command bus."""
    separate_row_bus: bool
    """True if row and column commands have separate buses."""
    read_data: int
    """Memory cycles from a read to the end of its data."""
    write_data: int
    refresh_interval: int
    """Memory cycles between two refreshes of a rank; 0: no refresh."""
    first_ready: bool
    """True if a row hit may overtake older bursts; False: strictly in order."""
    open_page: bool
    """True if rows stay open; False: a row closes after its last waiting request."""
    queue_depth: int
    """Requests in a channel's queue."""

    @property
    def rank_banks(self) -> int:
        """The number of banks of a rank."""
        return self.bank_groups * self.banks

    @property
    def data_cycles(self) -> int:
        """Memory cycles of a burst's data: the interval between two reads of open rows."""
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
        """Bytes per array cycle of all channels' data buses: back-to-back reads of open rows."""
        return self.channels * self.burst_bytes * self.clock / self.data_cycles

    @property
    def capacity(self) -> int:
        """The capacity of all channels in bytes."""
        bursts = self.ranks * self.rank_banks * self.rows * self.columns
        return self.channels * bursts * self.burst_bytes
