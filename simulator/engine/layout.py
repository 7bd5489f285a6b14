"""Where everything lies in the memory of the fast engine.

The memory is one row of whole numbers: a list where code is interpreted, an array where it is
compiled. A *record* is some numbers behind one another. Its address is the place of the first, and
a constant below is the distance of a field from there: `m[unit + DONE]` is how many commands a unit
has run.

Programs that differ only in rates run together, each in a *lane*. What runs next depends on counts
alone, so lanes differ in times and in what times decide: causes and sums of cycles. Whatever
lanes differ in is a *block*, `LANES` numbers behind one another: in lane `n`, a unit is free in
cycle `m[unit + FREE + n]`. Blocks are the last fields of a record. Behind every time is a block of
its slopes: by how much it moves from turn to turn of a loop.
"""

from enum import IntEnum

NONE = 0
"""The address of no record: the header lies there."""
NEVER = -1
"""A start, a lot, or a key that is not there."""
SOMEWHERE = -2
"""Where a taker points whose next lot has not been given since it began the section."""
EVERYTHING = 1 << 60
"""Behind the last lot, token or cycle of all."""
KEY_BITS = 40
"""A command's key is the rank of its kind, and in its lowest bits its number on its unit."""

# --- the header: one of each, at the beginning of the memory --------------------------------------

JUMPING = 0
"""1: leave out turns that repeat."""
KNOWN = 1
"""1: an earlier run has found out when sections end."""
AHEAD = 2
"""1: a unit ran ahead into a section before the section in front of it had ended."""
STATUS = 3
"""How the run ended; see `Status`."""
LACKING = 4
"""Channel of the token that the last command lacked which could not start,"""
LACKED = 5
"""and number of the lot that the token is in."""
RAN = 6
"""Commands that were run,"""
JUMPS = 7
"""times that turns were left out,"""
FAILED = 8
"""and that repetitions were followed in vain."""
STARTS = 9
"""Where the start of every command is noted, if there is one lane; NONE: it is not."""
SLOPES = 10
"""How far behind the start of a command its slope is noted, if the start has one."""
UNITS = 11
"""The first unit; the first giver is behind the last one."""
UNIT_SIZE = 12
GIVER_RECORDS = 13
TAKER_RECORDS = 14
TAKER_RECORDS_END = 15
SECTIONS = 16
"""The first section; the table of `SECTION_SIZE` is as long as `SECTIONS_END` says."""
SECTIONS_END = 17
SECTION_SIZE = 18
SHARE_SIZE = 19
NODES = 20
"""The nodes of critical paths, the next one that is free, and the place behind the last;"""
NODE_NEXT = 21
NODES_END = 22
NODE_BASE = 23
"""and how many numbers the nodes had that were there before the first one."""
STACK = 24
"""The unit that runs by itself, and above it those that give what the one below lacks."""
STACK_TOP = 25
TRACKING = 26
"""1: slopes are followed, and comparisons bound `LIMIT`."""
LIMIT = 27
"""Turns behind the first followed one in which every comparison still has its outcome."""
FOLLOWED = 28
"""Frame of the loop whose repetition is followed; NONE: of no loop."""
NOTES = 29
"""By depth of loops, the note of the end of the last turn."""
FOLLOWED_NOTE = 30
"""The note of the beginning of the turn that is followed."""
NOTE_SIZE = 31
STATE_SIZE = 32
RANKS = 33
"""By rank, the unit that runs the kind."""
SPARE = 34
"""Space for all lots of a channel while they are moved."""
NOWHERE = 35
"""A lot that no one gives: where a taker is that does not know its next lot."""
WIDTH = 36
"""Categories: the length of a vector."""
TURN_VECTOR = 37
"""A vector: the cycles up to the end of a turn."""
LANES = 38
"""Programs that run together."""
LOT_SIZE = 39
NODE_SIZE = 40
START = 41
"""The start of the command that is next, four blocks: time, slope, and the two below."""
READY = 42
"""The result of the command that runs, three blocks as in a lot: time, slope, cause."""
WALKED = 43
"""Where the walk along critical paths has come to, six blocks: time, path, and the four below."""
COUNTED = 44
"""Three blocks: cycles of a command on a critical path: penalty, busy and latent."""
HEADER = 45

# blocks behind `WALKED`

LEFT = 2
"""Repeated turns that are left; 0: no turns are repeated,"""
PLACE = 3
"""in which place of the table the path through them is,"""
TABLE = 4
"""and the table."""
SINCE = 5
"""Time at the end of the turn."""

# blocks behind a time, of the start and of a lot

CAUSE = 2
"""Key of the command that the time comes from."""
WAITED = 3
"""In which field of the unit's share the wait for the start is counted."""


class Status(IntEnum):
    """How a run ended."""

    DONE = 0
    DEADLOCK = 1
    """The units on the stack wait for each other."""
    TOO_SMALL = 2
    """A channel, `LACKING`, has no space for another lot."""


# --- units ----------------------------------------------------------------------------------------

AT = 0
"""Place of the next instruction,"""
STOP = 1
"""and the place behind the last one of the section."""
SECTION = 2
"""Number of the section in which it is."""
DEPTH = 3
"""Loops that it is in."""
DONE = 4
"""Commands that it has run."""
KEY = 5
"""Of its last command."""
UNIT_PATH = 6
"""The critical path to `FREE`."""
SHARE = 7
"""Its share of the section."""
UNIT_NUMBER = 8
TAKERS = 9
"""The first of its takers, and the place behind the last;"""
TAKERS_END = 10
GIVERS = 11
"""the same of its givers."""
GIVERS_END = 12
FRAMES = 13
"""The frame of its outermost loop."""
ROWS = 14
"""Where the starts of its commands are noted."""
FREE = 15
"""Two blocks: cycle in which its last command ends, and its slope; frames are behind them."""

# --- frames: the loops that a unit is in ----------------------------------------------------------

BEGIN = 0
"""Place of the loop's first instruction."""
TURN = 1
"""Turns that are over."""
TURNS = 2
FRAME_SIZE = 3

# --- sections, and each unit's share of one -------------------------------------------------------

PACE = 0
"""The unit that paces it."""
FLOOR = 1
"""The first block: cycle in which the sections before it have ended."""
END = 1
"""Blocks behind it: cycle in which its last result is ready, the slope of this,"""
END_KEY = 3
"""key of the command that the result is of,"""
END_PATH = 4
"""and the critical path to it."""
VECTOR = 5
"""Its cycles along this path, a block for each category; the units' shares are behind them."""

BODY = 0
"""Place of the first instruction,"""
BODY_END = 1
"""and the place behind the last."""
BUSY = 2
"""The first block: cycles behind `FLOOR` for which its commands occupy the unit."""
WAITS = 1
"""Blocks behind it, one for each channel: cycles between the end of a command and the start of the
next."""

# --- code -----------------------------------------------------------------------------------------

COMMAND = 1
"""An instruction is one of these three, and an operand: the address of a command,"""
LOOP = 2
"""the turns of a loop, behind which stands `TRUST`,"""
LOOP_END = 3
"""or nothing, behind a loop's body."""
OPERAND = 1
INSTRUCTION_SIZE = 2
LOOP_SIZE = 3
TRUST = -1
"""In front of a loop's body: how often its repetition was followed in vain of late."""

# --- commands, and what they take and give --------------------------------------------------------

PENALTY = 0
RANK = 1
"""Of its kind, as part of a key: the larger is named first as a cause."""
BUSY_CATEGORY = 2
LATENCY_CATEGORY = 3
PENALTY_CATEGORY = 4
ENTRY_CATEGORY = 5
"""NEVER: it has none."""
TAKES = 6
"""What it takes, in the order of channels."""
TAKES_END = 7
GIVES = 8
"""Those with the start come first."""
GIVES_END = 9
CYCLES = 10
"""Two blocks: cycles, and latency."""

TAKER = 0
TAKE_TOKENS = 1
TAKE_WAIT = 2
"""In which field of the unit's share waits for it are counted."""
TAKE_SIZE = 3

GIVER = 0
GIVE_TOKENS = 1
AT_START = 2
GIVE_SIZE = 3

# --- channels, their lots, and the units at their ends --------------------------------------------

RING = 0
"""Place of the lots,"""
RING_END = 1
"""and the place behind them."""
MASK = 2
"""Lots that there is space for, less 1: a power of two less 1."""
LOW = 3
"""Lots before this one have been taken."""
OPEN = 4
"""The first section in which not all has been taken,"""
HANDOFF = 5
"""and the lot at which the taker of the section before it was done."""
ENDS = 6
"""The channel's ends in the first section."""
CHANNEL_SIZE = 7

FIRST_TAKEN = 0
"""Number of the first token that the section takes,"""
FIRST_GIVEN = 1
"""of the first token that it gives,"""
FIRST_LOT = 2
"""and of the first lot."""
TAKING = 3
"""Its taker,"""
GIVING = 4
"""and its giver; NONE: it has none."""
ENDS_SIZE = 5

TAKEN = 0
"""Number of the next token to take,"""
POINTER = 1
"""and of the lot that it is in,"""
HERE = 2
"""and the lot's place."""
TAKEN_CHANNEL = 3
TAKING_UNIT = 4
FLOW = 5
"""How it goes on taking in the turns that may be left out: it takes nothing (0),"""
SETTLED = 1
"""only what was there before its unit was free,"""
PAIRED = 2
"""or as much as its giver gives, so that their queue keeps its length."""
TAKER_SIZE = 6

GIVEN = 0
"""Number of the next token to give,"""
NEXT_LOT = 1
"""and of the next lot,"""
THERE = 2
"""and the lot's place."""
GIVEN_CHANNEL = 3
GIVING_UNIT = 4
GIVES_PAIR = 5
"""1: to a taker that it is paired with."""
GIVER_SIZE = 6

LOT = 0
"""Number of the lot that lies here."""
BEHIND = 1
"""Number of the token behind its last."""
LOT_PATH = 2
"""The critical path to `TIME`."""
TIME = 3
"""Three blocks: cycle in which it is there, its slope, and its cause."""

# --- nodes of critical paths; `paths.py` ----------------------------------------------------------

NODE_COMMAND = 0
"""The command that the path leads through, or one of the two below."""
NODE_TURNS = 1
NODE_PLACE = 2
NODE_BEFORE = 3
"""A block: the path to its start."""
ANCHOR = -1
"""No command: the path was here when the turn began that was followed."""
REPEATED = -2
"""The path repeats that of the followed turn."""

# --- the stack of units that run ------------------------------------------------------------------

CALLED = 0
"""The unit,"""
LACKS_CHANNEL = 1
"""the channel of the token that it lacks,"""
LACKS_LOT = 2
"""and the number of the lot."""
CALL_SIZE = 3

# --- notes: the state at the end of a turn --------------------------------------------------------

NOTED_TURN = 0
"""Turns that were over; NEVER: nothing is noted."""
NOTED_RAN = 1
"""Commands that had been run at the end of the last turn, noted or not."""
NOTED_STATE = 2
"""Units, givers and takers; behind them the section with its shares, and the queues."""
QUEUE = 16
"""Lots at the head of every taker's queue that are noted."""
