"""Pipelines: CNV-W1A1, a ResNet-18, and random ones."""

from random import Random

import hypothesis.strategies as st

from simulator.program import Program
from tests.free_programs import program
from tests.layer_pipelines import Fifo, Pipeline, Window
from tests.untimed import with_room


def cnv() -> Pipeline:
    """The shapes, folds, and FIFO depths of CNV-W1A1 (BNN-PYNQ)."""
    line = Pipeline()
    fifo = line.source(32 * 32, depth=128)
    fifo = line.convolution(fifo, Window(32, 1, padding=0), 4)
    fifo = line.convert(fifo, 30 * 30, 4, 2, depth=128)
    fifo = line.convolution(fifo, Window(30, 2, padding=0), 2)
    fifo = line.pool(fifo, 28, 2, depth=128)
    fifo = line.convolution(fifo, Window(14, 2, padding=0), 8)
    fifo = line.convert(fifo, 12 * 12, 8, 4, depth=128)
    fifo = line.convolution(fifo, Window(12, 4, padding=0), 8)
    fifo = line.convert(fifo, 10 * 10, 8, 4)
    fifo = line.pool(fifo, 10, 4, depth=81)
    fifo = line.convolution(fifo, Window(5, 4, padding=0), 64)
    fifo = line.convert(fifo, 9, 64, 8, depth=1)
    fifo = line.convolution(fifo, Window(3, 8, padding=0), 256)
    fifo = line.convert(fifo, 1, 256, 64)
    fifo = line.products(fifo, 1, 64, 512)
    fifo = line.convert(fifo, 8, 64, 1, depth=128)
    fifo = line.convert(fifo, 8, 1, 8)
    fifo = line.products(fifo, 1, 64, 512)
    fifo = line.convert(fifo, 8, 64, 1, depth=3)
    fifo = line.convert(fifo, 8, 1, 64)
    fifo = line.products(fifo, 1, 512, 16)
    line.sink(fifo, 16)
    return line


def residual_block(
    line: Pipeline, fifo: Fifo, side: int, words: int, folds: int, *, strided: bool, bypass: int
) -> Fifo:
    """Two convolutions and an addition; a strided block has a 1x1 convolution on the bypass."""
    first = Window(side * 2, words // 2, stride=2) if strided else Window(side, words)
    size = first.side**2 * first.words
    main, other = line.fork(fifo, size, 0, bypass)
    main = line.convolution(main, first, folds)
    main = line.convert(main, side * side, folds, words) if folds != words else main
    main = line.convolution(main, Window(side, words), folds)
    main = line.convert(main, side * side, folds, words) if folds != words else main
    if strided:
        narrow = Window(first.side, first.words, size=1, stride=2, padding=0)
        other = line.convolution(other, narrow, folds, windows=8)
        other = line.convert(other, side * side, folds, words) if folds != words else other
    return line.add(main, other, side * side * words)


def resnet18(side: int = 224) -> Pipeline:
    """A ResNet-18 in 60 to 80 units: stem, pool, eight residual blocks, and a linear layer."""
    line = Pipeline()
    fifo = line.source(side * side)
    stem = Window(side, 1, size=7, stride=2, padding=3, wide=7)
    fifo = line.convolution(fifo, stem, 1, windows=32)
    fifo = line.pool(fifo, side // 2, 1)
    fifo = line.convert(fifo, (side // 4) ** 2, 1, 2)
    for stage, (words, folds) in enumerate(((2, 1), (4, 2), (8, 4), (16, 8))):
        across = side // 4 >> stage
        for block in range(2):
            strided = stage > 0 and block == 0
            bypass = 7 * across * words * (2 if strided else 1)
            fifo = residual_block(line, fifo, across, words, folds, strided=strided, bypass=bypass)
    across = side // 32
    fifo = line.convert(fifo, 16, across * across, 1)
    fifo = line.products(fifo, 1, 16, 10, depth=16)
    line.sink(fifo, 10)
    return line


# --- random pipelines -----------------------------------------------------------------------------

DEPTHS = (1, 1, 2, 2, 3, 8, 20, 60)


def random_pipeline(seed: int, most: int = 4_000) -> Program:
    """Return the program of a seed: up to 50 images, and about `most` commands."""
    return _pipeline(Random(seed), most)


@st.composite
def pipelines(draw: st.DrawFn, most: int = 3_000) -> Program:
    """Pipelines with forks, joins, several depths, and several images, without a deadlock."""
    return _pipeline(draw(st.randoms(use_true_random=False)), most)


def _pipeline(rng: Random, most: int) -> Program:
    line = Pipeline(rng.choice((1, 2, 2, 4)))
    side, words = rng.randint(2, 5), rng.choice((1, 1, 1, 2))
    fifo = line.source(side * side * words, rng.choice((0, 1, 1, 2, 5, 9)))
    for _ in range(rng.randint(1, 4)):
        fifo, side, words = _stage(rng, line, fifo, side, words)
    outputs = rng.choice((1, 2, 10))
    line.sink(line.products(fifo, 1, side * side * words, outputs, rng.choice(DEPTHS)), outputs)
    images = max(2, min(50, most // line.commands))
    room = {channel for channel in line.channels if channel.name.startswith("space")}
    return program(with_room(line.parts(images), room, rng), {})


def _stage(rng: Random, line: Pipeline, fifo: Fifo, side: int, words: int) -> tuple[Fifo, int, int]:
    """Add a stage, or several; return its output, side, and words per pixel."""
    kind = rng.choice(("convolution", "convolution", "pool", "width", "residual", "exit"))
    if kind == "pool" and side % 2 == 0:
        return line.pool(fifo, side, words, depth=rng.choice(DEPTHS)), side // 2, words
    if kind == "width":
        more = rng.choice((1, 2, 3))
        return line.convert(fifo, side * side, words, more, rng.choice(DEPTHS)), side, more
    if kind == "exit":  # another output of the network
        fifo, early = line.fork(fifo, side * side * words, rng.choice(DEPTHS), rng.choice(DEPTHS))
        line.sink(early, side * side * words)
        return fifo, side, words
    if kind == "residual":
        main, bypass = line.fork(fifo, side * side * words, 0, rng.choice(DEPTHS))
        main = line.convolution(main, Window(side, words), words, windows=rng.choice(DEPTHS))
        return line.add(main, bypass, side * side * words, rng.choice(DEPTHS)), side, words
    size = rng.randint(1, min(3, side))
    window = Window(side, words, size, rng.choice((1, 1, 2)), rng.randrange(size))
    folds = rng.choice((1, 1, 2, 5))
    fifo = line.convolution(fifo, window, folds, rng.choice(DEPTHS), rng.choice(DEPTHS))
    return fifo, window.out, folds
