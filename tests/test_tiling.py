"""The order of steps that moves the fewest bytes."""

import pytest

from simulator.analysis.run import Run
from simulator.analysis.running import run_one
from simulator.machines.lut_array.notes import notes
from simulator.machines.lut_array.tiling import Band, best_band
from tests.build import layer, machine, network

pytestmark = pytest.mark.unit

# 64 -> 256 channels at 1 bit over 16 x 16 pixels: two blocks of 128 x 64 x 9 bit = 9216 bytes,
# 16 input rows of 16 x 8 bytes = 128, outputs of 256 x 32 bytes = 8192
NET = network(layer(64, 256, 16, 16))


def run(index_kib: float, activation_kib: float) -> Run:
    keys = {"index_buffer.kib": index_kib, "activation_buffer.kib": activation_kib}
    return run_one(NET, machine({f"memory.{key}": value for key, value in keys.items()}), "event")


def test_a_layer_that_fits_is_read_once_in_any_order() -> None:
    fits = run(64.0, 64.0)
    band = best_band(fits.mapping.layers[0])
    assert band == Band(rows=1, bytes=2 * 9216 + 16 * 128, fewer=0)
    assert not list(notes(fits))


def test_one_band_where_the_whole_input_fits() -> None:
    """Single rows read the weights 16 times."""
    rows = run(10.0, 64.0)
    band = best_band(rows.mapping.layers[0])
    assert band == Band(rows=16, bytes=18432 + 2048, fewer=15 * 18432)
    # Inputs come in 3 transfers of a burst a row, 5 in the first: 47 bursts. Single rows therefore
    # move 16 x 18432 + 47 x 64 + 8192 = 306112 bytes, and 15 x 18432 are 90 % of them.
    assert list(notes(rows))[-1] == (
        "conv would move 90 % fewer DRAM bytes (29.6 kB instead of 306.1 kB) block by "
        "block in bands of 16 rows instead of row by row."
    )


def test_reading_inputs_twice_can_be_less_than_reading_weights_twice() -> None:
    """1.5 KiB less two outgoing transfers of 128 bytes fit 10 rows: bands of 8.

    These bands would read 2 x 18432 + 2048; one band reads its inputs for each of two blocks.
    """
    band = best_band(run(10.0, 1.5).mapping.layers[0])
    assert (band.rows, band.bytes) == (16, 18432 + 2 * 2048)


def test_bands_as_high_as_the_buffer_allows() -> None:
    """16-bit activations: a row is 2048 bytes; inputs therefore weigh more than weights.

    Two outgoing transfers are 4096 bytes; 26 KiB less those fit 11 rows. Bands of 8 need 9 rows at
    the edges of the map. Bands of 9 would need 10 rows and be two bands as well.
    """
    wide = network(layer(64, 256, 16, 16), activation_bits=16)
    keys = {"memory.index_buffer.kib": 10.0, "memory.activation_buffer.kib": 26.0}
    mapped = run_one(wide, machine(keys), "event").mapping.layers[0]
    assert best_band(mapped) == Band(rows=8, bytes=2 * 18432 + 16 * 2048, fewer=14 * 18432)
