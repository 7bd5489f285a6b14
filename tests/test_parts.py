"""The cut into parts that fit, against all other cuts."""

from collections.abc import Iterator
from math import ceil

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from simulator.machines.lut_array.parts import parts

pytestmark = pytest.mark.unit


def cuts(total: int, most: int, count: int) -> Iterator[tuple[int, ...]]:
    """All cuts into this many parts that fit."""
    if count == 1:
        yield from [(total,)] if 0 < total <= most else []
        return
    for first in range(1, min(most, total) + 1):
        yield from ((first, *rest) for rest in cuts(total - first, most, count - 1))


@settings(max_examples=60)
@given(total=st.integers(1, 26), most=st.integers(6, 9), group=st.integers(1, 7))
def test_no_cut_takes_fewer_parts_or_groups(total: int, most: int, group: int) -> None:
    found = parts(total, most, group)
    assert sum(found) == total
    assert max(found) <= most
    assert len(found) == ceil(total / most)
    others = list(cuts(total, most, len(found)))
    groups = [ceil(size / group) for size in found]
    assert sum(groups) == min(sum(ceil(size / group) for size in other) for other in others)
    assert max(groups) == min(max(ceil(size / group) for size in other) for other in others)
    assert list(found) == sorted(found, reverse=True)


@given(total=st.integers(1, 300), most=st.integers(1, 300))
def test_single_items_are_cut_evenly(total: int, most: int) -> None:
    found = parts(total, most)
    assert max(found) - min(found) <= 1
