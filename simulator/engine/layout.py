"""The memory layout of the fast engine.

The memory is one row of integers: a list in interpreted code, an array in compiled code. A *record*
is a sequence of consecutive numbers. Its address is the position of the first number. Each constant
below is the offset of a field from that address: `m[unit + DONE]` is the number of commands that a
unit has run.

Programs that differ only in rates run together as a batch, each in a *lane*. Counts alone determine
the next command. Lanes therefore differ only in times and in values that times decide: causes and
sums of cycles. Each such value is a *block*, `LANES` consecutive numbers: in lane `n`, a unit is
free in cycle `m[unit + FREE + n]`. Blocks are the last fields of a record. After every time comes a
block of its slopes: the shift of the time from iteration to iteration of a loop.
"""

from enum import IntEnum

NONE = 0
"""The address that means "no record": the address of the header."""
NEVER = -1
"""The value of an absent start, lot, or key."""
SOMEWHERE = -2
"""The pointer of a taker without a next lot since it began the section."""
EVERYTHING = 1 << 60
"""A number past the last lot, token, or cycle."""
KEY_BITS = 40
"""The number of low bits of a command's key that hold its number on its unit. The bits above hold
the rank of its kind."""

# --- the header: one of each, at the beginning of the memory --------------------------------------

FAST_FORWARDING = 0
"""1: the engine leaves out iterations that repeat."""
KNOWN = 1
"""1: an earlier run has found the ends of sections."""
AHEAD = 2
"""1: a unit ran ahead into a section before the previous section had ended."""
STATUS = 3
"""The outcome of the run; see `Status`."""
LACKING = 4
"""The channel of the missing token of the last command that could not start."""
LACKED = 5
"""The number of the lot that contains the missing token."""
RAN = 6
"""The number of commands that ran."""
FAST_FORWARDS = 7
"""The number of times that the engine left out iterations."""
WASTED = 8
"""The number of commands that ran while the engine followed an iteration in vain."""
STARTS = 9
"""The address of the noted starts, in a run with one lane; NONE: no notes."""
SLOPES = 10
"""The offset from the noted start of a command to the noted slope of that start."""
UNITS = 11
"""The first unit; the first giver comes after the last unit."""
UNIT_SIZE = 12
GIVER_RECORDS = 13
TAKER_RECORDS = 14
TAKER_RECORDS_END = 15
SECTIONS = 16
"""The first section; the sections, `SECTION_SIZE` long each, extend to `SECTIONS_END`."""
SECTIONS_END = 17
SECTION_SIZE = 18
SHARE_SIZE = 19
NODES = 20
"""The first node of critical paths."""
NODE_NEXT = 21
"""The next free node."""
NODES_END = 22
"""The address past the last node."""
NODE_BASE = 23
"""The total size of the nodes that preceded the first node, all of them forgotten."""
STACK = 24
"""The unit that runs by itself; each entry above it is the unit that gives what the entry below
lacks."""
STACK_TOP = 25
TRACKING = 26
"""1: the engine follows slopes, and comparisons limit `LIMIT`."""
LIMIT = 27
"""The number of iterations after the followed one in which all comparisons keep their outcomes."""
FOLLOWED = 28
"""The frame of the followed loop; NONE: no loop."""
NOTES = 29
"""The notes of the end of the last iteration, indexed by loop depth."""
FOLLOWED_NOTE = 30
"""The note of the beginning of the followed iteration."""
NOTE_SIZE = 31
STATE_SIZE = 32
RANKS = 33
"""The units, indexed by the rank of the kind that each runs."""
SPARE = 34
"""Space for all lots of a channel during a move."""
NOWHERE = 35
"""A lot without a giver: the lot of a taker that does not know its next lot."""
WIDTH = 36
"""The number of categories: the length of a vector."""
ITERATION_VECTOR = 37
"""A vector: the cycles up to the end of an iteration."""
LANES = 38
"""The number of programs that run together."""
LOT_SIZE = 39
NODE_SIZE = 40
START = 41
"""The start of the next command, four blocks: time, slope, `CAUSE`, and `WAITED`."""
READY = 42
"""The result of the running command, three blocks as in a lot: time, slope, cause."""
WALKED = 43
"""The state of the walk along critical paths, six blocks: time, path, and the four below."""
COUNTED = 44
"""Three blocks: cycles of a command on a critical path: penalty, busy, and latent."""
GROWTH = 45
"""The growth of the section's waits from iteration to iteration, in the order of the section."""
NODES_FULL = 46
"""The address of the node from which on the engine forgets nodes that it does not need."""
FORWARD = 47
"""For every node, the path to its new place while the engine forgets nodes."""
RINGS = 48
"""The first lot of the first ring; the rings extend to `SPARE`."""
HEADER = 49

# blocks after `WALKED`

LEFT = 2
"""The number of repeated iterations that remain; 0: no repetition."""
PLACE = 3
"""The position of the path through the repeated iterations in their table."""
TABLE = 4
"""The path to the first entry of the table of the repeated iterations."""
SINCE = 5
"""The time at the end of the iteration."""

# blocks after a time, of the start and of a lot

CAUSE = 2
"""The key of the command that determines the time."""
WAITED = 3
"""The field of the unit's share that counts the wait for the start."""


class Status(IntEnum):
    """The outcome of a run."""

    DONE = 0
    DEADLOCK = 1
    """The units on the stack wait for each other."""
    TOO_SMALL = 2
    """A channel, `LACKING`, is out of space for another lot."""


# --- units ----------------------------------------------------------------------------------------

AT = 0
"""The address of the next instruction."""
STOP = 1
"""The address past the section's last instruction."""
SECTION = 2
"""The number of the current section."""
DEPTH = 3
"""The number of loops around the next instruction."""
DONE = 4
"""The number of commands that the unit has run."""
KEY = 5
"""The key of the unit's last command."""
UNIT_PATH = 6
"""The critical path to `FREE`."""
SHARE = 7
"""The unit's share of the section."""
UNIT_NUMBER = 8
TAKERS = 9
"""The address of the unit's first taker."""
TAKERS_END = 10
"""The address past the unit's last taker."""
GIVERS = 11
"""The address of the unit's first giver."""
GIVERS_END = 12
"""The address past the unit's last giver."""
FRAMES = 13
"""The frame of the outermost loop."""
ROWS = 14
"""The address of the notes of the starts of the unit's commands."""
WAITING = 15
"""1: the unit is on the stack, below the last entry."""
FREE = 16
"""Two blocks: the cycle in which the last command ends, and its slope; frames come after them."""

# --- frames: the loops that a unit is in ----------------------------------------------------------

BEGIN = 0
"""The address of the loop's first instruction."""
ITERATION = 1
"""The number of iterations that are over."""
ITERATIONS = 2
FRAME_SIZE = 3

# --- sections, and each unit's share of one -------------------------------------------------------

PACE = 0
"""The unit that paces the section."""
FLOOR = 1
"""The first block: the cycle in which the previous sections have ended."""
END = 1
"""Offset in blocks from `FLOOR`: the cycle in which the section's last result is ready, and its
slope."""
END_KEY = 3
"""The key of the command that produces the last result."""
END_PATH = 4
"""The critical path to the last result."""
VECTOR = 5
"""The section's cycles along this path, a block for each category; the units' shares come after
them."""

BODY = 0
"""The address of the first instruction."""
BODY_END = 1
"""The address past the last instruction."""
BUSY = 2
"""The first block: the cycles after `FLOOR` for which the unit's commands occupy it."""
FIRST_START = 1
"""Offset in blocks from `BUSY`: the start of the unit's first command, in its section; elsewhere 0.
"""
WAITS = 2
"""Offset in blocks from `BUSY`, one block for each channel: cycles between the end of a command and
the start of the next."""

# --- code -----------------------------------------------------------------------------------------

COMMAND = 1
"""An instruction that runs a command; its operand is the address of the command. An instruction is
one of these three codes and an operand."""
LOOP = 2
"""An instruction that begins a loop; its operand is the number of iterations, and `TRUST` comes
after it."""
LOOP_END = 3
"""An instruction after a loop's body; its operand has no effect."""
OPERAND = 1
INSTRUCTION_SIZE = 2
LOOP_SIZE = 3
TRUST = -1
"""Before a loop's body: the recent number of vain attempts to follow its repetition."""

# --- commands, and the amounts that they take and give --------------------------------------------

PENALTY = 0
RANK = 1
"""The rank of the command's kind, as part of a key; the cause with the largest rank counts."""
BUSY_CATEGORY = 2
LATENCY_CATEGORY = 3
PENALTY_CATEGORY = 4
ENTRY_CATEGORY = 5
"""The category of a command that begins with its section; NEVER: none."""
TAKES = 6
"""The address of the first amount that the command takes, in the order of channels."""
TAKES_END = 7
GIVES = 8
"""The address of the first amount that the command gives; amounts given at the start come first."""
GIVES_END = 9
CYCLES = 10
"""Two blocks: cycles, and latency."""

TAKER = 0
TAKE_TOKENS = 1
TAKE_WAIT = 2
"""The field of the unit's share that counts waits for this channel."""
TAKE_SIZE = 3

GIVER = 0
GIVE_TOKENS = 1
AT_START = 2
GIVE_SIZE = 3

# --- channels, their lots, and the units at their ends --------------------------------------------

RING = 0
"""The address of the first lot."""
RING_END = 1
"""The address past the last lot."""
MASK = 2
"""The number of lots that fit, less 1: a power of two less 1."""
LOW = 3
"""A lot number; the takers have taken all lots before it."""
OPEN = 4
"""The first section that has not taken all its tokens."""
HANDOFF = 5
"""The lot at which the taker of the section before `OPEN` was done."""
ENDS = 6
"""The channel's ends in the first section."""
CHANNEL_SIZE = 7

FIRST_TAKEN = 0
"""The number of the first token that the section takes."""
FIRST_GIVEN = 1
"""The number of the first token that the section gives."""
FIRST_LOT = 2
"""The number of the first lot that the section gives."""
TAKING = 3
"""The section's taker; NONE: no taker."""
GIVING = 4
"""The section's giver; NONE: no giver."""
ENDS_SIZE = 5

TAKEN = 0
"""The number of the next token to take."""
POINTER = 1
"""The number of the lot that contains the next token."""
HERE = 2
"""The address of the lot that contains the next token."""
TAKEN_CHANNEL = 3
TAKING_UNIT = 4
QUEUE = 5
"""The offset of the taker's queue in a note."""
QUEUE_SIZE = 6
"""The number of lots of the queue that fit in a note."""
FLOW = 7
"""The taker's flow in the iterations to leave out; 0: the taker takes no tokens in them."""
SETTLED = 1
"""A flow: the taker takes only lots that come before its unit is free."""
PAIRED = 2
"""A flow: the taker takes as much as its giver gives; their queue keeps its length."""
TAKER_SIZE = 8

GIVEN = 0
"""The number of the next token to give."""
NEXT_LOT = 1
"""The number of the next lot to give."""
THERE = 2
"""The address of the next lot to give."""
GIVEN_CHANNEL = 3
GIVING_UNIT = 4
GIVES_PAIR = 5
"""1: the giver has a pair, a taker."""
REFILLED = 6
"""The settled taker whose queue the giver refills; NONE: no taker."""
GIVER_SIZE = 7

LOT = 0
"""The number of the lot in this slot."""
BEHIND = 1
"""The number of the token after the lot's last token."""
LOT_PATH = 2
"""The critical path to `TIME`."""
TIME = 3
"""Three blocks: the cycle from which the lot is available, its slope, and its cause."""

# --- nodes of critical paths; `paths.py` ----------------------------------------------------------

NODE_COMMAND = 0
"""The command on the path, or `ANCHOR` or `REPEATED`."""
NODE_ITERATIONS = 1
NODE_PLACE = 2
NODE_BEFORE = 3
"""A block: the path to the command's start, or to the first entry of a table."""
ANCHOR = -1
"""Instead of a command: the position of the path at the beginning of the followed iteration."""
REPEATED = -2
"""Instead of a command: the path repeats the path of the followed iteration."""
ENTRY = -3
"""Instead of a command: an entry of a table of paths, which `REPEATED` nodes lead to."""

# --- the stack of units that run ------------------------------------------------------------------

CALLED = 0
"""The unit."""
LACKS_CHANNEL = 1
"""The channel of the token that the unit lacks."""
LACKS_LOT = 2
"""The number of the lot that the unit lacks."""
CALL_SIZE = 3

# --- notes: the state at the end of an iteration --------------------------------------------------

NOTED_ITERATION = 0
"""The number of iterations that were over; NEVER: the note is empty."""
NOTED_RAN = 1
"""The number of commands that had run at the end of the last iteration, noted or not."""
NOTED_LOTS = 2
"""The number of noted lots at the head of every queue with as many lots."""
NOTED_STATE = 3
"""Units, givers, and takers; after them, the section with its shares, and the queues."""
MOST_NOTED = 1 << 16
"""The largest number of lots of a queue that a note has space for."""
