"""The limit on the pixels of a map: both sides of it, for every kind of layer."""

from pathlib import Path
from typing import Any

import pytest

from simulator.base.errors import InputError
from simulator.workload import Workload
from simulator.workload.limits import MOST_PIXELS
from simulator.workload.network import network_from

pytestmark = pytest.mark.unit

BINARY = {"precision": "binary", "out_channels": 8}


def made(height: int, width: int, *layers: dict[str, Any]) -> Workload:
    """A network over an image of 3 channels."""
    data = {
        "name": "net",
        "title": "net",
        "ops_convention": "main_paper",
        "input": {"channels": 3, "height": height, "width": width},
        "layers": list(layers),
    }
    return network_from(data, Path("net.yaml"))


def conv(**keys: Any) -> dict[str, Any]:
    return {"name": "a", "type": "conv", "kernel": 3, **BINARY, **keys}


def test_the_limit_holds_an_8k_frame() -> None:
    assert MOST_PIXELS == 33_554_432 > 7680 * 4320


@pytest.mark.parametrize(
    ("within", "beyond", "words"),
    [
        # 4096 rows of 8192 pixels are 2^25
        ((4096, 8192, conv(padding=1)), (4096, 8193, conv(padding=1)), "input has 33,558,528"),
        # 6 + 2 x 2894 - 2 = 5792 rows and columns, 33,547,264 pixels
        ((6, 6, conv(padding=2894)), (6, 6, conv(padding=2895)), r"33,570,436 pixels \(5794x5794"),
        (
            (64, 64, conv(), {"name": "p", "type": "pool", "kernel": 3, "stride": 1}),
            (64, 64, conv(), {"name": "r", "type": "roi_pool", "size": 64, "count": 8193}),
            r"layer 'r': its output has 33,558,528 pixels \(8193 maps of 64x64\)",
        ),
    ],
)
def test_both_sides(within: Any, beyond: Any, words: str) -> None:
    made(*within)
    with pytest.raises(InputError, match=words) as error:
        made(*beyond)
    assert str(error.value).startswith("net.yaml: layer '")
    assert "the limit is 33,554,432" in str(error.value)


def test_a_huge_padding_is_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"3,600,480,016 pixels \(60004x60004\); the limit is"):
        made(6, 6, conv(padding=30000))


def test_a_large_padding_of_few_pixels_is_legal() -> None:
    layer = made(6, 6, conv(padding=30000, stride=6000)).layers[0]
    assert (layer.out_height, layer.out_width) == (11, 11)  # (6 + 60000 - 3) // 6000 + 1
