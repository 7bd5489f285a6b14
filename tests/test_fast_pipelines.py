"""The fast engine on pipelines: one section, all stages at once, and a batch of images."""

import pytest
from hypothesis import given, note

from simulator.engine import event, fast, space
from simulator.engine.assembly import _pace
from simulator.engine.fast import totals
from simulator.engine.summary import summarize
from simulator.program import Program, ProgramError
from tests.layer_pipeline_networks import cnv, pipelines, random_pipeline, residual_block, resnet18
from tests.layer_pipelines import Pipeline, Window
from tests.shown import shown
from tests.test_fast import Counts, agree, same

pytestmark = pytest.mark.invariant


@given(line=pipelines(1_000))
def test_random_pipelines(line: Program) -> None:
    note(shown(line))
    agree(line)


@given(line=pipelines())
def test_the_compiled_form(line: Program) -> None:
    assert same(totals(line, compiled=True), totals(line, compiled=False))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(5))
def test_hundreds_of_pipelines(block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        line = random_pipeline(seed)
        assert same(totals(line), summarize(event.run(line))), seed


def test_most_of_these_pipelines_are_fast_forwarded() -> None:
    lines = [random_pipeline(seed, 1_500) for seed in range(20)]
    assert sum(Counts(line).fast_forwards > 0 for line in lines) >= 10


# --- images ---------------------------------------------------------------------------------------


def uneven(images: int, depth: int) -> Program:
    """A stage with 9 cycles per word, a FIFO of some depth, and a stage with 10 cycles per word."""
    line = Pipeline()
    fifo = line.source(4, 9, depth)
    line.sink(line.products(fifo, 4, 1, 1), 4)
    slow = line.image
    unit, body = list(slow.items())[1]
    (loop,) = body
    (command,) = loop.body  # type: ignore[union-attr]
    slow[unit] = (loop._replace(body=(command._replace(cycles=10),)),)  # type: ignore[union-attr]
    return line.program(images)


def test_a_fifo_that_fills_for_hundreds_of_images() -> None:
    # an image leaves the first stage 4 cycles before the second stage is done with it: the FIFO of
    # 100 words, 25 images, is full after some 25 * 4 * 10 / 4 = 250 images
    agree(uneven(400, depth=100))
    counts = Counts(uneven(40_000, depth=100))
    assert counts.ends == [9 + 40_000 * 4 * 10 + 1]  # the first word, every word, the last command
    assert counts.ran < 60 * uneven(1, depth=100).commands
    assert counts.ran == Counts(uneven(80_000, depth=100)).ran


def test_the_number_of_commands_run_does_not_grow_with_the_images() -> None:
    line = block(16)
    ran = [Counts(line.program(images)).ran for images in (20, 2_000)]
    assert ran[0] == ran[1] <= 10 * line.commands


def test_space_that_lasts_for_some_images_ends_no_skip() -> None:
    # 49 words per image, from a slow source: the space of 128 words lasts for two images
    line = Pipeline()
    fifo = line.convolution(line.source(49, 20, depth=128), Window(7, 1, 3, padding=1), 1, 2, 2)
    line.sink(line.products(fifo, 49, 1, 1, 2), 49)
    agree(line.program(12))
    ran = [Counts(line.program(images)).ran for images in (90, 9_000)]
    assert ran[0] == ran[1] <= 3 * line.commands


def test_skips_within_an_image_do_not_prevent_skips_of_images() -> None:
    # the engine skips most of the 40 results of an image, which it notes with few lots of queues
    line = Pipeline()
    fifo = line.source(12 * 12, depth=60)
    fifo = line.convolution(fifo, Window(12, 1), 4, 60, 60)
    line.sink(line.products(fifo, 1, 12 * 12 * 4, 40, depth=60), 40)
    agree(line.program(8))
    assert Counts(line.program(30)).ran <= 5 * line.commands


def test_the_engine_follows_images_again_after_many_failures() -> None:
    # the FIFOs before and behind the slow stages fill one after another, image by image
    line = Pipeline()
    fifo = line.source(5, depth=60)
    for folds in range(1, 5):
        fifo = line.products(fifo, 5, 1, folds, depth=60)
        fifo = line.convert(fifo, 5, folds, 1, depth=60)
    line.sink(fifo, 5)
    ran = [Counts(line.program(images)).ran for images in (500, 1_000)]
    assert ran[0] == ran[1] < 200 * line.commands


def test_totals_have_the_number_of_commands_that_ran() -> None:
    line = uneven(400, depth=4)
    assert totals(line, fast_forwarding=False).ran == line.commands
    assert totals(line).ran < line.commands / 10
    assert summarize(event.run(line)).ran == line.commands


def test_the_last_unit_paces_a_program_of_one_section() -> None:
    line = resnet18(32).program(3)
    assert _pace(line.shape, line.sections[0]) is line.units[-1]


@pytest.mark.slow
def test_a_network_of_the_measured_pipeline_takes_32768_cycles_per_further_image() -> None:
    # 64 words and 512 folds of layers 6 and 7
    ends = [totals(cnv().program(images)).cycles for images in (100, 200)]
    assert ends[1] - ends[0] == 100 * 64 * 512


# --- memory ---------------------------------------------------------------------------------------


def test_nodes_of_paths_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "FIRST_NODES", 400)
    for seed in range(6):
        line = random_pipeline(seed, 1_000)
        expected = summarize(event.run(line))
        for fast_forwarding in (True, False):
            space.space_of.cache_clear()
            found = totals(line, compiled=False, fast_forwarding=fast_forwarding)
            assert same(found, expected), seed


def test_space_for_nodes_does_not_grow_with_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "FIRST_NODES", 1 << 13)
    line = uneven(2_000, depth=4)  # 24,000 commands
    space.space_of.cache_clear()
    fast.totals(line, compiled=False, fast_forwarding=False)
    assert space.space_of(line.shape, False).nodes == 1 << 15  # the longest path has 8,000 nodes
    space.space_of.cache_clear()


# --- deadlocks ------------------------------------------------------------------------------------


def block(bypass: int) -> Pipeline:
    """A residual block of 4 x 4 pixels whose bypass has a FIFO of some depth."""
    line = Pipeline()
    fifo = residual_block(line, line.source(16), 4, 1, 1, strided=False, bypass=bypass)
    line.sink(fifo, 16)
    return line


def test_a_bypass_with_too_little_space_is_reported_as_a_circle() -> None:
    # needed: all words that the two convolutions take before the second gives its first word
    least = next(depth for depth in range(1, 17) if finishes(block(depth).program(2)))
    stuck = block(least - 1).program(1_000)
    with pytest.raises(ProgramError, match=r"deadlock: fork 0 waits for space in FIFO 2") as raised:
        totals(stuck)
    with pytest.raises(ProgramError) as by_events:
        event.run(stuck)
    assert str(raised.value) == str(by_events.value)
    for part in ("swu 0 waits for a word", "mvtu 1 waits for a word", "add 0 waits for a word"):
        assert part in str(raised.value)
    agree(block(least).program(6))


def finishes(line: Program) -> bool:
    try:
        totals(line)
    except ProgramError:
        return False
    return True


def test_random_pipelines_without_room_stop_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.layer_pipeline_networks.with_room", lambda parts, *_: parts)
    stuck = [line for seed in range(30) if not finishes(line := random_pipeline(seed, 1_000))]
    assert len(stuck) >= 3
    for line in stuck:
        with pytest.raises(ProgramError) as raised:
            totals(line)
        with pytest.raises(ProgramError) as by_events:
            event.run(line)
        assert str(raised.value) == str(by_events.value)
