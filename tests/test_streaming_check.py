"""`--check` on pipelines: stages alone, and images word by word through all units."""

import numpy as np
import pytest

from simulator import load_hardware, load_workload
from simulator.check import check_workload
from simulator.check.stream import MOST_IMAGES
from simulator.machines.streaming import patterns, values
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.streams import Input, StreamError
from simulator.machines.streaming.turns import turns, writes
from simulator.machines.streaming.words import Format
from simulator.workload import configure
from tests.conftest import ROOT
from tests.streaming_strategies import machine, network_of
from tests.test_network_check import DIGITS, trained

pytestmark = pytest.mark.unit

CONV = {"name": "conv", "type": "conv", "precision": "binary", "out_channels": 4, "kernel": 3}
NET = network_of([CONV, {"name": "norm", "type": "norm"}], (4, 5, 6), batch=2)


@pytest.mark.parametrize("form", [Format(1, True), Format(3, True), Format(8, False)])
def test_words_return_their_values(form: Format) -> None:
    rng = np.random.default_rng(0)
    low, high = (0, 1 << form.bits) if form.codes else (-127, 128)
    given = rng.integers(low, high, (5, 7))
    given = 2 * given - 1 if form.bits == 1 else given
    words = [form.packed(one) for one in given]
    assert all(word < 1 << 7 * form.bits for word in words)
    assert (form.unpacked(words, 7) == given).all()


def test_the_first_value_has_the_lowest_bits() -> None:
    assert Format(4, True).packed(np.array([1, 2])) == 0x21
    assert Format(1, True).packed(np.array([1, -1, -1])) == 0b001


def test_padding_is_zero_at_one_bit() -> None:
    assert Format(1, True).unpacked([None, 0], 2).tolist() == [[0, 0], [-1, -1]]


def test_a_small_network_sends_all_its_images() -> None:
    result = check_workload(NET, machine())
    assert result.equal
    assert result.stream is not None
    assert result.stream.outputs == MOST_IMAGES * 4 * 3 * 4


def test_a_window_that_leaves_too_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit fills its buffer with one row instead of three."""
    right = patterns.window_turns

    def early(*, fill: int, row_reads: int, reads_after: int, **more: int) -> object:
        late = 2 * row_reads
        return right(fill=fill - late, row_reads=row_reads, reads_after=reads_after + late, **more)

    monkeypatch.setattr(patterns, "window_turns", early)
    with pytest.raises(StreamError, match=r"conv\.window writes"):
        check_workload(NET, machine())


def test_a_wrong_order_of_words_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values.window_places
    monkeypatch.setattr(values, "window_places", lambda plan: right(plan)[:, ::-1][_swapped(plan)])
    result = check_workload(NET, machine())
    assert not result.equal
    assert result.first_difference is not None
    assert all(layer.equal for layer in result.layers)


def _swapped(plan: values.Plan) -> np.ndarray:
    """Places with the first two taps of every window exchanged."""
    per_tap = plan.pixel_words
    order = np.arange(plan.shape.out_pixels * plan.shape.taps * per_tap)
    windows = order.reshape(plan.shape.out_pixels, plan.shape.taps, per_tap)
    windows[:, :2] = windows[:, 1::-1].copy()
    return windows.ravel()


def test_an_operator_cannot_take_a_word_that_the_unit_has_not_read() -> None:
    read = Input("unit", Fifo("fifo", "layer", 8, 3, 2))
    read.waiting.append(5)
    assert read() == 5
    with pytest.raises(StreamError, match="unit writes a word before"):
        read()
    assert turns((1, (writes(0),))) == ()


@pytest.mark.parametrize("tau", [5, pytest.param(None, marks=pytest.mark.slow)])
def test_cnv(tau: int | None) -> None:
    workload = configure(load_workload("cnv-w1a1"), scope="network", tau=tau)
    assert check_workload(workload, load_hardware("cnv-w1a1")).failure is None


@pytest.mark.slow
def test_digits_have_the_classes_of_the_trained_network() -> None:
    workload = trained("trained-r20-0.56")
    hardware = load_hardware(ROOT / "tests/streaming-digits.yaml")
    result = check_workload(workload, hardware, inputs=DIGITS)
    assert result.equal
    assert result.classes is not None
    assert result.classes.as_trained == result.classes.images == 899
