"""Subsets and indices: the nearest rows, the four ways to choose, and the loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator import InputError
from simulator.workload.kernels import ids_of, signs_of
from simulator.workload.subsets import (
    chosen,
    held_tau,
    kernels_of,
    least_tau,
    lost_share,
    nearest_rows,
    occurring,
    one_bit,
    refined,
    squared_error,
    squared_sign_error,
    units_of,
)
from simulator.workload.trained import TrainedLayer

pytestmark = pytest.mark.unit

Floats = NDArray[np.float32]


def weights(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def trained(values: Floats, patterns: Floats | None = None) -> TrainedLayer:
    return TrainedLayer(name="conv", weights=values, patterns=patterns)


small = st.integers(-3, 3).map(lambda n: n / 2)  # exact in binary; ties are therefore frequent


@pytest.mark.invariant
class TestNearestRow:
    @given(st.data())
    def test_it_is_the_first_row_at_the_least_distance(self, data: st.DataObject) -> None:
        size = data.draw(st.sampled_from([8, 9]))
        ids = data.draw(st.lists(st.integers(0, 2**size - 1), min_size=1, max_size=12))
        rows = data.draw(st.lists(st.lists(small, min_size=size, max_size=size), min_size=1))
        subset = np.array(ids, dtype=np.uint16)  # duplicates are legal
        units = np.array(rows, dtype=np.float32)[:, None, :]
        kernels = signs_of(subset, size).astype(float)
        distances = np.square(kernels[None] - units.astype(float)).sum(axis=2)
        assert nearest_rows(units, subset)[:, 0].tolist() == distances.argmin(axis=1).tolist()

    @given(st.integers(0, 99), st.integers(1, 9))
    def test_indices_expand_to_the_binarised_weights(self, seed: int, tau: int) -> None:
        units = units_of(weights(5, 7, 3, 3, seed=seed))
        kernels = refined(units, weights(2**tau, 9, seed=seed + 1))
        rows = signs_of(kernels.subset, 9)
        for out, unit in np.ndindex(5, 7):
            distances = np.square(rows - units[out, unit]).sum(axis=1)
            assert (kernels.signs()[out, unit] == rows[distances.argmin()]).all()

    def test_a_layer_in_several_products_is_the_layer_in_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        units, subset = units_of(weights(16, 33, 3, 3)), np.arange(3, 35, dtype=np.uint16)
        whole = nearest_rows(units, subset)
        monkeypatch.setattr("simulator.workload.subsets._PRODUCTS", 100)
        assert (nearest_rows(units, subset) == whole).all()

    def test_all_rows_at_hand_give_the_signs(self) -> None:
        units = units_of(weights(4, 4, 3, 3))
        everything = np.arange(512, dtype=np.uint16)
        assert (nearest_rows(units, everything) == ids_of(units)).all()


class TestPadding:
    def test_vectors_run_along_the_input_channels(self) -> None:
        units = units_of(np.arange(24, dtype=np.float32).reshape(1, 24, 1, 1))
        assert units.tolist() == [[[*range(8)], [*range(8, 16)], [*range(16, 24)]]]

    def test_channels_that_do_not_divide_by_8_get_weights_of_0(self) -> None:
        units = units_of(np.ones((2, 10, 1, 1), np.float32))
        assert units.shape == (2, 2, 8)
        assert units[0, 1].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]

    def test_signs_of_padding_have_no_say(self) -> None:
        units = units_of(np.array([[1, -1]], np.float32).reshape(1, 2, 1, 1))
        far, near = 0b01_111111, 0b10_000000
        for padding in range(64):
            assert nearest_rows(units, np.array([far, near | padding], np.uint16)).item() == 1
        # rows that differ in padding alone tie: the lowest wins
        assert nearest_rows(units, np.array([near | 5, near], np.uint16)).item() == 0

    def test_padding_counts_in_no_error(self) -> None:
        values = np.array([0.5, -0.5], np.float32).reshape(1, 2, 1, 1)
        assert squared_error(values, one_bit(units_of(values))) == 0.5  # 2 x (0.5 - 1)^2


class TestWaysToChoose:
    def test_uniform_takes_ids_at_one_interval(self) -> None:
        kernels = chosen("uniform", units_of(weights(4, 4, 3, 3)), 5, (0,))
        assert kernels.subset.tolist() == list(range(0, 512, 16))  # 512 / 32
        vectors = chosen("uniform", units_of(weights(4, 16, 1, 1)), 3, (0,))
        assert vectors.subset.tolist() == list(range(0, 256, 32))

    def test_frequent_takes_the_most_used_and_of_equals_the_lowest_ids(self) -> None:
        # ids: 3 x 500, 2 x 7, 1 x 300, 1 x 20
        units = signs_of(np.array([500, 7, 300, 500, 7, 20, 500], np.uint16), 9)[None]
        kernels = chosen("frequent", units.astype(np.float32), 1, (0,))
        assert kernels.subset.tolist() == [7, 500]
        kernels = chosen("frequent", units.astype(np.float32), 3, (0,))
        assert kernels.subset.tolist() == [0, 1, 2, 3, 7, 20, 300, 500]

    def test_random_draws_without_replacement_by_seed(self) -> None:
        units = units_of(weights(4, 4, 3, 3))
        subsets = [chosen("random", units, 5, seed).subset.tolist() for seed in ((0, 1), (0, 2))]
        assert subsets[0] != subsets[1]
        assert all(len(set(subset)) == 32 for subset in subsets)
        assert chosen("random", units, 5, (0, 1)).subset.tolist() == subsets[0]

    def test_refined_keeps_the_order_and_duplicates_of_its_patterns(self) -> None:
        patterns = np.full((4, 9), -0.1, np.float32)
        patterns[0] = patterns[2] = 0.2
        kernels = refined(np.ones((1, 3, 9), np.float32), patterns)
        assert kernels.subset.tolist() == [511, 0, 511, 0]
        assert kernels.indices.tolist() == [[0, 0, 0]]  # a tie goes to the lowest row

    def test_occurring_is_what_occurs(self) -> None:
        units = signs_of(np.array([[500, 7], [7, 20]], np.uint16), 9).astype(np.float32)
        kernels = occurring(units)
        assert kernels.subset.tolist() == [7, 20, 500]
        assert kernels.indices.tolist() == [[2, 0], [0, 1]]
        assert (kernels.signs() == units).all()

    @pytest.mark.parametrize("method", ["random", "uniform", "frequent"])
    def test_all_512_kernels_lose_nothing_over_1_bit(self, method: str) -> None:
        values = weights(8, 8, 3, 3)
        kernels = kernels_of(trained(values), 9, method, (0,))  # type: ignore[arg-type]
        assert squared_error(values, kernels) == squared_error(values, one_bit(units_of(values)))


class TestWhatTheFileHolds:
    @pytest.mark.parametrize(("kernels", "tau"), [(1, 1), (2, 1), (3, 2), (32, 5), (33, 6)])
    def test_signs_have_the_tau_of_what_occurs(self, kernels: int, tau: int) -> None:
        ids = np.arange(kernels * 8, dtype=np.uint16).reshape(2, -1) % kernels
        scale = np.array([0.3, 2.0], np.float32)[:, None, None, None]  # per output channel
        values = scale * signs_of(ids, 9).reshape(2, 4 * kernels, 3, 3)
        layer = trained(values.astype(np.float32))
        assert held_tau(layer) == tau
        assert (kernels_of(layer, tau, None, ()).signs() == np.sign(units_of(values))).all()

    def test_signs_of_more_than_256_kernels_are_1_bit(self) -> None:
        for count, tau in ((256, 8), (257, None)):
            ids = np.tile(np.arange(count, dtype=np.uint16), 16)
            assert held_tau(trained(signs_of(ids, 9).reshape(1, -1, 3, 3).astype("f4"))) == tau

    def test_one_other_size_makes_weights_real(self) -> None:
        values = np.ones((2, 2, 3, 3), np.float32)
        assert held_tau(trained(values)) == 1
        values[1, 1, 2, 2] = 1.5
        assert held_tau(trained(values)) is None
        assert held_tau(trained(0 * values)) is None

    def test_a_small_layer_has_no_subset_that_saves_no_bits(self) -> None:
        ids = np.random.default_rng(0).integers(0, 512, (64, 3))
        layer = trained(signs_of(ids.astype(np.uint16), 9).reshape(64, 3, 3, 3).astype("f4"))
        used = len(set(ids.ravel().tolist()))
        assert 128 < used <= 256
        assert (least_tau(layer), held_tau(layer)) == (8, None)
        kernels = kernels_of(layer, 8, None, ())  # asked for, it is sub-bit
        assert kernels.ids.tolist() == ids.tolist()
        assert len(kernels.subset) == used
        with pytest.raises(InputError, match=f"uses {used} kernels, more than the 32 of tau 5"):
            kernels_of(layer, 5, None, ())

    def test_the_kernels_of_a_dead_channel_are_the_first(self) -> None:
        ids = np.full((40, 8), 300, np.uint16)
        ids[::2] = 200
        values = signs_of(ids, 9).reshape(40, 8, 3, 3).astype("f4")
        values[5] = 0
        assert held_tau(trained(values)) == 1
        kernels = kernels_of(trained(values), 1, None, ())
        assert kernels.subset.tolist() == [200, 300]
        ids[5] = 200
        assert kernels.ids.tolist() == ids.tolist()

    def test_refined_needs_patterns_of_the_same_tau(self) -> None:
        values = weights(4, 4, 3, 3)
        with pytest.raises(InputError, match="'conv' holds no patterns"):
            kernels_of(trained(values), 5, "refined", ())
        with pytest.raises(InputError, match="holds no patterns"):
            kernels_of(trained(values), 5, None, ())
        layer = trained(values, weights(8, 9))
        for method in ("refined", None):
            with pytest.raises(InputError, match="tau 3, not tau 5"):
                kernels_of(layer, 5, method, ())  # type: ignore[arg-type]
        with pytest.raises(InputError, match="tau 3, not 1 bit"):
            kernels_of(layer, None, "refined", ())
        assert len(kernels_of(layer, 3, "refined", ()).subset) == 8
        assert (kernels_of(layer, None, None, ()).signs() == np.sign(units_of(values))).all()


class TestErrors:
    def test_by_hand(self) -> None:
        values = np.full((1, 1, 3, 3), 0.5, np.float32)
        values[0, 0, 0, 0] = -2
        kernels = refined(units_of(values), np.ones((1, 9), np.float32))
        # nearest of all +1: (-2 - 1)^2 + 8 x (0.5 - 1)^2; signs: (2 - 1)^2 + 8 x 0.25
        assert squared_error(values, kernels) == 9 + 2
        assert squared_sign_error(values) == 1 + 2
        # best scale: a = (-2 + 8 x 0.5) / 9, kept 9 a^2 = 4 / 9 of 4 + 8 x 0.25
        assert lost_share(values, kernels) == pytest.approx(1 - 4 / 9 / 6)

    @given(st.integers(0, 99), st.floats(0.01, 100))
    def test_what_is_lost_does_not_depend_on_the_scale(self, seed: int, scale: float) -> None:
        values = weights(3, 5, 3, 3, seed=seed)
        kernels = chosen("random", units_of(values), 4, (seed,))
        scaled = (values * scale).astype(np.float32)
        assert lost_share(scaled, kernels) == pytest.approx(lost_share(values, kernels), rel=1e-5)

    @given(st.integers(0, 99), st.integers(1, 8))
    def test_no_subset_beats_the_signs(self, seed: int, tau: int) -> None:
        values = weights(3, 5, 3, 3, seed=seed)
        least = squared_error(values, one_bit(units_of(values)))
        assert least == pytest.approx(squared_sign_error(values))
        for method in ("random", "uniform", "frequent"):
            kernels = kernels_of(trained(values), tau, method, (seed,))  # type: ignore[arg-type]
            assert squared_error(values, kernels) >= least
