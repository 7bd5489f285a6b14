"""Levels of weights: weights that count as signs, and near misses."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.workload.kernels import ids_of
from simulator.workload.levels import Levels, levels_of, without_offset
from simulator.workload.subsets import held_tau, kernels_of, units_of
from simulator.workload.trained import TrainedLayer
from simulator.workload.weight_notes import Finding, weight_notes


def signs(seed: int, kernels: int = 4, shape: tuple[int, int] = (16, 16)) -> NDArray[np.float32]:
    """[*shape, 3, 3] signs of a few kernels."""
    rng = np.random.default_rng(seed)
    some = np.where(rng.random((kernels, 9)) < 0.5, -1, 1)
    return some[rng.integers(0, kernels, shape)].reshape(*shape, 3, 3).astype(np.float32)


@given(
    seed=st.integers(0, 999),
    exponents=st.lists(st.floats(-6, 3), min_size=16, max_size=16),
    rounding=st.floats(0, 1e-6),
    flips=st.lists(st.booleans(), min_size=16, max_size=16),
)
def test_scales_and_rounding_change_no_kernel(
    seed: int, exponents: list[float], rounding: float, flips: list[bool]
) -> None:
    plain = signs(seed)
    noise = 1 + rounding * np.random.default_rng(seed).uniform(-1, 1, plain.shape)
    alpha = np.where(flips, -1, 1) * 10.0 ** np.array(exponents)
    weights = (alpha[:, None, None, None] * plain * noise).astype(np.float32)
    layer = TrainedLayer(name="c", weights=weights)
    assert layer.levels.kind == "signs"
    flipped = plain * np.where(flips, -1, 1)[:, None, None, None]
    tau = held_tau(layer)
    assert tau is not None  # up to 8 kernels in 256
    kernels = kernels_of(layer, tau, None, ())
    assert (kernels.ids == ids_of(units_of(flipped))).all()


def test_a_straight_through_estimator() -> None:
    weights = np.random.default_rng(0).standard_normal((8, 16, 3, 3)).astype(np.float32) * 0.1
    alpha = np.abs(weights).mean((1, 2, 3), keepdims=True)
    clipped = np.clip(weights, -1, 1)
    estimated = (alpha * np.sign(weights) - clipped) + clipped
    assert not np.array_equal(estimated, alpha * np.sign(weights))
    assert levels_of(estimated).kind == "signs"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (2.0, Levels(kind="signs", deviation=0.0, zeros=0, dead=0)),
        (0.0, Levels(kind="ternary", deviation=1.0, zeros=1, dead=0)),
        (3.0, Levels(kind="real", deviation=0.2, zeros=0, dead=0)),
    ],
)
def test_one_weight_decides(change: float, expected: Levels) -> None:
    weights = np.full((4, 2, 3, 3), -2, np.float32)
    weights[3, 1, 2, 2] = change
    assert levels_of(weights) == expected
    weights[0] = 0  # a dead channel
    assert levels_of(weights) == replace(expected, dead=1)


def test_bits_near_misses_and_single_weights() -> None:
    plain = signs(1)
    assert levels_of((plain + 1) / 2) == Levels(kind="bits", deviation=0.0, zeros=0, dead=0)
    half = (plain * np.float32(0.3)).astype(np.float16).astype(np.float32)
    assert levels_of(half).kind == "signs"  # one value per channel in any precision
    near = plain.copy()
    near[0, 0, 0, 0] *= 1.002
    found = levels_of(near)
    assert found.is_near_miss
    assert found.deviation == pytest.approx(0.001, rel=1e-2)
    column = np.array([0.5, -0.7], np.float32).reshape(2, 1, 1, 1)
    assert levels_of(column).kind == "real"  # one weight per channel: any number would fit
    assert levels_of(0 * plain).kind == "real"


def test_notes() -> None:
    def finding(name: str, kind: str, **values: object) -> Finding:
        fields = {"kind": kind, "deviation": 0.0, "zeros": 0, "dead": 0, **values}
        return Finding(layer=name, weights=100, levels=Levels(**fields))  # type: ignore[arg-type]

    names = ["a", "b", "c", "d", "e", "f"]
    notes = weight_notes(
        [
            finding("a", "bits"),
            finding("c", "pair", deviation=0.5, pair=(0.2, 0.6)),
            finding("b", "ternary", zeros=30, deviation=1.0),
            finding("d", "real", zeros=3, deviation=1.0),
            finding("e", "real", deviation=0.002),
            finding("f", "signs", dead=2),
        ],
        names,
    )
    assert notes == (
        "a stores its weights as 0 and 1; 0 is read as -1.",
        "The weights of c have two levels per output channel other than ±α (0.2 and 0.6 in the "
        "first channel of c). The smaller level is read as -1; the run leaves out the product of "
        "their middle and the inputs.",
        "b has ternary weights: -α, 0 and +α per output channel, 30 % of them 0. A kernel has no "
        "0; each 0 is read as -1.",
        "In d, 3 % of the weights are 0 and count as -1.",
        "The weights of e miss ±α by up to 0.2 %, more than rounding does; they count as real "
        "weights, without a subset of their own.",
        "2 output channels of f have only weights of 0; the kernels there are the first of the "
        "subset.",
    )


@pytest.mark.parametrize(("least", "most"), [(0.0, 0.7), (0.2, 0.6), (-0.9, -0.1), (-0.1, 0.4)])
def test_pairs(least: float, most: float) -> None:
    """Two levels per output channel, from beta +- alpha or from 0 and alpha."""
    plain = signs(1)
    weights = np.where(plain > 0, most, least).astype(np.float32)
    found = levels_of(weights)
    assert (found.kind, found.zeros) == ("pair", 0)
    assert found.pair == pytest.approx((least, most))
    moved = without_offset(weights)
    assert moved is not None
    assert np.array_equal(np.sign(moved), np.sign(plain))
    weights[0, 0, 0, 0] = 1  # a third level
    assert levels_of(weights).kind != "pair"
