"""Totals of a section whose layers run at once, split by layer.

Every unit works for one layer, and every kind and category belongs to one unit's layer. A total by
unit, kind, or category is therefore one layer's.
"""

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.summary import Summary
from simulator.engine.sums import commands_by_unit
from simulator.program import Program


def split(program: Program, whole: Summary) -> Summary:
    """Split the totals of a program of one section: L layers, U units.

    Args:
        program: the program; all its layers run at once.
        whole: its totals, with one row.

    """
    layers, owner = len(program.names), np.array(program.owners)
    of_kinds = owner[[program.units.index(kind.unit) for kind in program.kinds]]
    spent = _rows(whole.spent, _owners_of_categories(program), layers)
    starts, ends = _spans(program, whole, owner)
    return Summary(
        starts=starts,
        ends=ends,
        layer_cycles=spent.sum(axis=1),
        busy=_rows(whole.busy, owner, layers),
        bytes=_rows(whole.bytes, owner, layers),
        pe_cycles=_rows(whole.pe_cycles, of_kinds, layers),
        spent=spent,
        waits=_rows(whole.waits, owner, layers),
        lost=_rows(whole.lost, owner, layers),
        first_starts=whole.first_starts,
        last_ends=whole.last_ends,
        ran=whole.ran,
    )


def _rows(totals: Ints, owner: Ints, layers: int) -> Ints:
    """[layers, columns, ...] every column of [1, columns, ...] totals in its owner's row."""
    rows = np.zeros((layers, *totals.shape[1:]), dtype=np.int64)
    columns = np.arange(len(owner))
    rows[owner, columns] = totals[0]
    return rows


def _owners_of_categories(program: Program) -> Ints:
    """[categories] the layer of each category; the first layer for one that no kind names."""
    first, *_ = names = program.names
    layers = program.vocabulary.category_layers.values()
    return np.array([names.index(min(of, default=first)) for of in layers])


def _spans(program: Program, whole: Summary, owner: Ints) -> tuple[Ints, Ints]:
    """[layers] first start of a layer's units, and [layers] end of their last command."""
    starts = np.full(len(program.names), whole.cycles)
    ends = np.zeros(len(program.names), dtype=np.int64)
    works = commands_by_unit(program)[0] > 0
    np.minimum.at(starts, owner[works], whole.first_starts[works])
    np.maximum.at(ends, owner[works], whole.last_ends[works])
    starts[ends == 0] = 0
    return starts, ends
