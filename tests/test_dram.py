"""DRAM: every rule at its boundary, bandwidths against closed forms, and its use by the array."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from simulator import InputError, load_hardware, simulate
from simulator.analysis.energy import run_energy
from simulator.analysis.running import run_one
from simulator.api.simulate import with_settings
from simulator.dram import DramSystem, Rule, Timing
from simulator.dram.controller import PATIENCE, Burst, Controller
from simulator.dram.device import Device
from simulator.dram.system import Handed, Moved
from simulator.dram.tables import dram_timing, load_dram
from simulator.dram.timing import RANK_COMMANDS, Command, Level
from simulator.machines.family import Mapping
from simulator.machines.lut_array.event_only import why_not_fast
from simulator.machines.lut_array.mapper import map_workload
from simulator.program.written import write_out
from simulator.workload import Workload
from tests.build import layer, machine, network, traced
from tests.caches import anew, forget
from tests.conftest import ROOT
from tests.conftest import Command as RunCommand
from tests.numbering import Kind, Unit
from tests.programs import keeps_the_contract
from tests.strategies import Overrides, machines, networks
from tests.test_energy import TABLE

TABLES = ("ddr4-2400", "lpddr4-3200", "hbm2")
ACT, PRE, RD, RDA, WR, WRA, PREA, REF = Command
T0 = 1000


def timing_of(name: str, **options: object) -> Timing:
    """One channel of a shipped table."""
    keys = {"timing": name, "channels": 1, **options}
    hardware = machine({f"memory.dram.{key}": value for key, value in keys.items()})
    timing = dram_timing(hardware.dram, hardware.clock_ghz)
    assert timing is not None
    return timing


# --- rules ------------------------------------------------------------------------------------

ALL_RULES = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name in TABLES
    for number in range(len(timing_of(name).rules))
]


@pytest.mark.unit
@pytest.mark.parametrize(("name", "number"), ALL_RULES)
def test_every_rule_of_every_table_at_its_boundary(name: str, number: int) -> None:
    """A lone rule forbids cycle t - 1 and allows t within its reach; elsewhere it has no effect."""
    whole = timing_of(name, ranks=2)
    rule = whole.rules[number]
    timing = replace(whole, rules=(rule,))
    for preceding in rule.preceding:
        for following in rule.following:
            device = Device(timing)
            for back in range(rule.window):  # the window starts with the first command
                device.issue(preceding, 0, T0 + back)
            last = T0 + rule.window - 1
            bus = last + timing.command_cycles[preceding]
            if timing.separate_row_bus and is_column(preceding) != is_column(following):
                bus = 0
            inside, outside = instances(timing, rule, following)
            assert device.earliest(following, inside) == max(bus, T0 + rule.latency)
            if outside is not None:
                assert device.earliest(following, outside) == bus


def is_column(command: Command) -> bool:
    return command in {RD, RDA, WR, WRA}


def instances(timing: Timing, rule: Rule, following: Command) -> tuple[int, int | None]:
    """(farthest bank from bank 0 within the rule's reach, nearest bank beyond it)."""
    rank, group, bank = timing.rank_banks, timing.banks, 1
    if rule.sibling:
        return rank, 0
    reach = {
        Level.CHANNEL: (rank, None),
        Level.RANK: (rank - 1, rank),
        Level.BANK_GROUP: (group - 1, group),
        Level.BANK: (0, bank),
    }
    far, beyond = reach[rule.level]
    if following in RANK_COMMANDS:
        return 0, rank if rule.level == Level.RANK else None
    return far, beyond


SAME, GROUP, RANK, OTHER_RANK = "same bank", "same group", "same rank", "other rank"
BY_HAND = {
    "ddr4-2400": [
        (ACT, RD, SAME, 17),  # tRCD 14.16 ns x 1.2 GHz
        (ACT, PRE, SAME, 39),  # tRAS 32 ns
        (ACT, ACT, SAME, 56),  # tRC = 39 + 17
        (PRE, ACT, SAME, 17),  # tRP
        (RD, PRE, SAME, 9),  # tRTP 7.5 ns
        (WR, PRE, SAME, 34),  # CWL 12 + burst 4 + tWR 18
        (RDA, ACT, SAME, 26),  # tRTP 9 + tRP 17
        (WRA, ACT, SAME, 51),  # 34 + tRP 17
        (ACT, ACT, GROUP, 6),  # tRRD_L 4.9 ns
        (ACT, ACT, RANK, 4),  # tRRD_S
        (RD, RD, GROUP, 6),  # tCCD_L
        (RD, RD, RANK, 4),  # tCCD_S
        (WR, WR, GROUP, 6),
        (WR, WR, RANK, 4),
        (RD, WR, RANK, 11),  # CL 17 + burst 4 + 2 - CWL 12
        (WR, RD, GROUP, 25),  # CWL 12 + burst 4 + tWTR_L 9
        (WR, RD, RANK, 19),  # CWL 12 + burst 4 + tWTR_S 3
        (RD, RD, OTHER_RANK, 6),  # burst 4 + 2
        (RD, WR, OTHER_RANK, 11),  # CL 17 + burst 4 + 2 - CWL 12
        (WR, WR, OTHER_RANK, 6),
        (PREA, REF, RANK, 17),  # tRP
        (REF, ACT, RANK, 420),  # tRFC 350 ns
    ],
    "lpddr4-3200": [
        (ACT, RD, SAME, 29),  # tRCD 18 ns x 1.6 GHz
        (ACT, PRE, SAME, 68),  # tRAS 42 ns
        (ACT, ACT, SAME, 97),  # 68 + tRPpb 29
        (PRE, ACT, SAME, 29),
        (RD, PRE, SAME, 12),  # tRTP 7.5 ns
        (WR, PRE, SAME, 52),  # WL 14 + tDQSS 1 + burst 8 + tWR 29
        (ACT, ACT, RANK, 16),  # tRRD 10 ns
        (RD, RD, RANK, 8),  # tCCD
        (RD, WR, RANK, 30),  # RL 28 + tDQSCK 6 + burst 8 + tWPRE 2 - WL 14
        (WR, RD, RANK, 39),  # WL 14 + tDQSS 1 + burst 8 + tWTR 16
        (PRE, PRE, RANK, 4),  # tPPD
        (PREA, REF, RANK, 34),  # tRPab 21 ns
        (REF, ACT, RANK, 448),  # tRFCab 280 ns
    ],
    "hbm2": [
        (ACT, RD, SAME, 14),
        (ACT, WR, SAME, 12),
        (ACT, PRE, SAME, 34),
        (ACT, ACT, SAME, 48),  # tRAS 34 + tRP 14
        (PRE, ACT, SAME, 14),
        (RD, PRE, SAME, 5),
        (WR, PRE, SAME, 23),  # CWL 5 + burst 2 + tWR 16
        (ACT, ACT, RANK, 4),
        (RD, RD, GROUP, 4),  # tCCD_L
        (RD, RD, RANK, 2),  # tCCD_S
        (RD, WR, RANK, 13),  # CL 14 + burst 2 + 2 - CWL 5
        (WR, RD, GROUP, 15),  # CWL 5 + burst 2 + tWTR_L 8
        (WR, RD, RANK, 13),  # CWL 5 + burst 2 + tWTR_S 6
        (ACT, RD, RANK, 0),  # separate buses
        (REF, ACT, RANK, 350),
    ],
}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "preceding", "following", "where", "cycles"),
    [(name, *line) for name, lines in BY_HAND.items() for line in lines],
)
def test_gaps_by_hand(
    name: str, preceding: Command, following: Command, where: str, cycles: int
) -> None:
    timing = timing_of(name, ranks=2)
    banks = {SAME: 0, GROUP: 1, RANK: timing.rank_banks - 1, OTHER_RANK: timing.rank_banks}
    device = Device(timing)
    device.issue(preceding, 0, T0)
    earliest = device.earliest(following, banks[where])
    assert earliest == (T0 + cycles if cycles else 0)  # not at t - 1, but at t


@pytest.mark.unit
@pytest.mark.parametrize(("name", "window"), [("ddr4-2400", 26), ("lpddr4-3200", 64), ("hbm2", 15)])
def test_a_fifth_row_waits_for_the_window_of_four(name: str, window: int) -> None:
    timing = timing_of(name)
    device = Device(timing)
    for number in range(4):
        device.issue(ACT, number % timing.rank_banks, T0 + number)
    trrd = device.earliest(ACT, timing.rank_banks - 1)
    assert trrd == T0 + window
    device.issue(ACT, timing.rank_banks - 1, T0 + window)  # now the second one starts it
    assert device.earliest(ACT, timing.rank_banks - 2) >= T0 + 1 + window


# --- bandwidths -------------------------------------------------------------------------------


def move(
    timing: Timing, *streams: Iterable[tuple[int, int, bool]], gap: Fraction = Fraction(1, 1000)
) -> tuple[int, DramSystem]:
    """Let streams transfer (address, bytes, write) at full speed.

    Returns the memory cycles until the last data has moved, rounded to an array cycle, and the
    DRAM.
    """
    system = DramSystem(timing, (gap,) * len(streams))
    waiting = [iter(stream) for stream in streams]
    stream_of: dict[int, int] = {}
    last = 0

    def start(stream: int, cycle: int) -> None:
        following = next(waiting[stream], None)
        if following is not None:
            number = len(stream_of)
            stream_of[number] = stream
            address, size, write = following
            system.submit(stream, number, address=address, size=size, write=write, cycle=cycle)

    for stream in range(len(streams)):
        start(stream, 0)
    while (cycle := system.next_cycle()) is not None:
        for done in system.run(cycle):
            if isinstance(done, Handed):
                start(stream_of[done.transfer], max(cycle, done.end))
            else:
                last = max(last, done.cycle)
    return int(last * timing.clock), system


def row_bytes(timing: Timing) -> int:
    """Bytes from a row to the next row of the same bank, in the order RoRaBaCoBg."""
    return timing.ranks * timing.rank_banks * timing.columns * timing.burst_bytes


@pytest.mark.cycle
class TestOneBurst:
    # closed row: tRCD, then CL (CWL) and the burst; in memory cycles
    @pytest.mark.parametrize(
        ("name", "write", "cycles"),
        [
            ("ddr4-2400", False, 17 + 17 + 4),
            ("ddr4-2400", True, 17 + 12 + 4),
            ("lpddr4-3200", False, 29 + 28 + 6 + 8),
            ("lpddr4-3200", True, 29 + 14 + 1 + 8),
            ("hbm2", False, 14 + 14 + 2),
            ("hbm2", True, 12 + 5 + 2),
        ],
    )
    def test_takes_its_latency(self, name: str, write: bool, cycles: int) -> None:
        """The DRAM takes a burst of array cycle 10 in the first memory cycle after it."""
        timing = timing_of(name)
        system = DramSystem(timing, (Fraction(1),))
        system.submit(0, 0, address=0, size=timing.burst_bytes, write=write, cycle=10)
        taken = 10 * timing.clock // 1 + 1
        moved = ceil_of((taken + cycles) / timing.clock)  # first array cycle that sees it
        opened = {"ddr4-2400": 17, "lpddr4-3200": 29, "hbm2": 12 if write else 14}[name]
        row_miss = int(opened / timing.clock)
        assert system.run(1000) == [Handed(0, 11), Moved(0, moved, 1, row_miss, refresh=0)]

    def test_is_taken_in_the_cycle_behind_its_offer(self) -> None:
        timing = timing_of("hbm2")  # memory and array run at 1 GHz
        system = DramSystem(timing, (Fraction(1),))
        system.submit(0, 0, address=0, size=32, write=False, cycle=10)
        assert system.next_cycle() == 11
        assert system.run(10) == []
        assert system.run(11) == [Handed(0, 11)]
        # ACT 11, RD 25, data 41; the end of the data is known at the issue of RD
        assert system.run(24) == []
        assert system.run(25) == [Moved(0, 41, activates=1, row_miss=14, refresh=0)]

    def test_says_what_it_waited_for(self) -> None:
        """HBM2, 1 GHz: a row conflict and a refresh, each in its own part of the wait."""
        timing = timing_of("hbm2")
        system = DramSystem(timing, (Fraction(1),))
        conflict, row = row_bytes(timing), []
        for number, (address, cycle) in enumerate([(0, 100), (0, 200), (conflict, 300)]):
            system.submit(0, number, address=address, size=32, write=False, cycle=cycle)
            row += [done for done in system.run(cycle + 99) if isinstance(done, Moved)]
        # closed: ACT, 14 cycles later RD. Open: RD at once. Conflict: PRE, ACT, RD: 14 + 14
        assert [done.row_miss for done in row] == [14, 0, 28]
        assert [done.cycle for done in row] == [101 + 14 + 16, 201 + 16, 301 + 28 + 16]
        # due at 3900: PREA 3900, REF 3914, ACT 4264, RD 4278; offered at 3950, taken in 3951
        system.submit(0, 9, address=0, size=32, write=False, cycle=3950)
        (last,) = [done for done in system.run(5000) if isinstance(done, Moved)]
        assert last == Moved(9, 4278 + 16, activates=1, row_miss=14, refresh=4264 - 3951)


def ceil_of(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


@pytest.mark.cycle
class TestBandwidth:
    @pytest.mark.parametrize("write", [False, True])
    @pytest.mark.parametrize("name", TABLES)
    @pytest.mark.slow
    def test_peak_is_a_burst_after_the_other(self, name: str, write: bool) -> None:
        """Sequential bursts hit open rows: the data bus idles only during refresh."""
        timing, bursts = timing_of(name), 9000
        burst = {"ddr4-2400": 4, "lpddr4-3200": 8, "hbm2": 2}[name]
        whole, _ = move(
            replace(timing, refresh_interval=0), [(0, bursts * timing.burst_bytes, write)]
        )
        assert whole == pytest.approx(bursts * burst, rel=0.01)
        assert timing.peak_bytes_per_cycle == timing.burst_bytes * timing.clock / burst

    @pytest.mark.parametrize(
        ("name", "lost", "interval"),
        [
            # close (tRTP, tRP), refresh (tRFC), open (tRCD)
            ("ddr4-2400", 9 + 17 + 420 + 17, 9360),
            ("lpddr4-3200", 12 + 34 + 448 + 29, 6246),
            ("hbm2", 5 + 14 + 350 + 14, 3900),
        ],
    )
    @pytest.mark.slow
    def test_refresh_takes_its_share(self, name: str, lost: int, interval: int) -> None:
        timing, bursts = timing_of(name), 9000
        size = bursts * timing.burst_bytes
        without, _ = move(replace(timing, refresh_interval=0), [(0, size, False)])
        # ten intervals' worth of bursts, whatever their length
        bursts = 10 * interval * bursts // without
        taken, system = move(timing, [(0, bursts * timing.burst_bytes, False)])
        refreshes = system.controllers[0].refreshes
        assert refreshes == taken // interval
        busy = taken - refreshes * lost
        assert busy == pytest.approx(10 * interval, rel=0.01)

    @pytest.mark.parametrize(
        ("name", "write", "cycles"),
        [
            ("ddr4-2400", False, 56),  # tRC = tRAS 39 + tRP 17
            ("ddr4-2400", True, 17 + 34 + 17),  # tRCD, then CWL + burst + tWR, then tRP
            ("lpddr4-3200", False, 97),
            ("lpddr4-3200", True, 29 + 52 + 29),
            ("hbm2", False, 48),
            ("hbm2", True, 12 + 23 + 14),
        ],
    )
    def test_rows_of_one_bank_take_a_row_cycle_each(
        self, name: str, write: bool, cycles: int
    ) -> None:
        timing = replace(timing_of(name), refresh_interval=0)
        accesses = [(n * row_bytes(timing), timing.burst_bytes, write) for n in range(300)]
        taken, _ = move(timing, accesses)
        assert taken == pytest.approx(300 * cycles, rel=0.01)

    @pytest.mark.parametrize(
        ("name", "cycles"),
        [
            ("ddr4-2400", 26 / 4),  # four rows in a tFAW; tRRD_S 4 and the burst 4 are less
            ("lpddr4-3200", 16),  # tFAW 64 / 4 = tRRD 16
            ("hbm2", 4),  # tRRD 4, more than tFAW 15 / 4
        ],
    )
    def test_rows_of_all_banks_take_what_activations_allow(self, name: str, cycles: float) -> None:
        """The command bus takes one cycle per command and is therefore not a second bottleneck."""
        timing = replace(timing_of(name), refresh_interval=0, command_cycles=(1,) * len(Command))
        in_turn = timing.bank_groups * timing.columns * timing.burst_bytes
        accesses = [
            (
                row * row_bytes(timing) + bank * in_turn + group * timing.burst_bytes,
                timing.burst_bytes,
                False,
            )
            for row in range(60)
            for bank in range(timing.banks)
            for group in range(timing.bank_groups)
        ]
        taken, _ = move(timing, accesses)
        assert taken == pytest.approx(len(accesses) * cycles, rel=0.01)

    def test_without_group_interleaving_ddr4_reaches_two_thirds(self) -> None:
        timing = replace(timing_of("ddr4-2400", mapping="RoBaRaCoCh"), refresh_interval=0)
        taken, _ = move(timing, [(0, 512 * 64, False)])  # four rows, one in each bank of a group
        # tCCD_L 6 for a burst of 4; the first row has to be opened, the last data to move
        assert taken - (17 + 17 + 4) == pytest.approx(512 * 6, rel=0.01)

    @pytest.mark.parametrize("channels", [2, 4])
    def test_channels_add_up(self, channels: int) -> None:
        timing = replace(timing_of("lpddr4-3200"), refresh_interval=0)
        taken, _ = move(replace(timing, channels=channels), [(0, 8000 * 32, False)])
        assert taken == pytest.approx(8000 * 8 / channels, rel=0.01)

    @pytest.mark.parametrize(
        ("name", "pair"),
        [
            ("ddr4-2400", 11 + 19),  # read to write, write to read in another group
            ("lpddr4-3200", 30 + 39),
            ("hbm2", 13 + 13),
        ],
    )
    def test_the_bus_turns_around_between_reads_and_writes(self, name: str, pair: int) -> None:
        """In order, alternating reads and writes, each on its own open row."""
        timing = replace(timing_of(name, scheduler="in_order"), refresh_interval=0)
        burst = timing.burst_bytes
        other = burst if timing.bank_groups > 1 else timing.columns * burst
        taken, _ = move(timing, [(0, burst, False)] * 300, [(other, burst, True)] * 300)
        assert taken == pytest.approx(300 * pair, rel=0.01)

    def test_a_stream_is_no_faster_than_its_own_rate(self) -> None:
        timing = replace(timing_of("hbm2"), refresh_interval=0)
        taken, _ = move(timing, [(0, 2000 * 32, False)], gap=Fraction(7))
        assert taken == pytest.approx(2000 * 7, rel=0.01)  # array and memory run at 1 GHz


@pytest.mark.cycle
class TestScheduler:
    def hits_behind_a_conflict(self, **options: object) -> list[int]:
        """Order of service: burst 0, to row 1, arrives first; the other bursts hit row 0."""
        timing = timing_of("ddr4-2400", queue_depth=64, **options)
        controller = Controller(replace(timing, refresh_interval=0))
        controller.add(Burst(99, 0, 0, False), 0)  # opens row 0
        served: list[int] = []
        while len(served) < 1:
            self.step(controller, served)
        controller.add(Burst(0, 0, 1, False), 0)
        for number in range(1, 41):
            controller.add(Burst(number, 0, 0, False), 0)
        while len(served) < 42:
            self.step(controller, served)
        return served[1:]

    def step(self, controller: Controller, served: list[int]) -> None:
        issued = controller.step()
        if issued.command in {RD, RDA} and issued.burst is not None:
            served.append(issued.burst.transfer)

    def test_a_row_hit_overtakes_but_the_oldest_never_starves(self) -> None:
        served = self.hits_behind_a_conflict()
        assert served[:PATIENCE] == list(range(1, PATIENCE + 1))
        assert served[PATIENCE] == 0

    def test_in_order_nothing_overtakes(self) -> None:
        assert self.hits_behind_a_conflict(scheduler="in_order") == list(range(41))

    @pytest.mark.parametrize(("policy", "rows"), [("open", 1), ("closed", 3)])
    def test_a_closed_page_opens_its_row_again(self, policy: str, rows: int) -> None:
        timing = timing_of("ddr4-2400", page_policy=policy)
        system = DramSystem(timing, (Fraction(1),))
        opened = 0
        for number in range(3):  # far apart: no burst waits for the row
            system.submit(0, number, address=0, size=64, write=False, cycle=500 * number)
            opened += sum(
                done.activates for done in system.run(500 * number + 400) if isinstance(done, Moved)
            )
        assert opened == rows

    def test_a_closed_page_stays_open_while_a_burst_waits_for_it(self) -> None:
        timing = replace(timing_of("ddr4-2400", page_policy="closed"), refresh_interval=0)
        _, system = move(timing, [(0, 16 * 64, False)])
        assert all(row == -1 for row in system.controllers[0].device.open_row)
        done = DramSystem(timing, (Fraction(1, 1000),))
        done.submit(0, 0, address=0, size=16 * 64, write=False, cycle=0)
        (moved,) = [each for each in done.run(1000) if isinstance(each, Moved)]
        assert moved.activates == 4  # 16 bursts in 4 bank groups: a row each


# --- use by the array -------------------------------------------------------------------------

IDEAL = """
name: ideal
title: Every burst's data is there at once
clock_mhz: 1000000000
organisation: {{channels: 1, ranks: 1, bank_groups: 1, banks_per_group: 1, rows: 1048576,
  bursts_per_row: 1048576, burst_bytes: {burst}}}
mapping: RoRaBaBgCoCh
separate_row_bus: false
command_cycles: {{ACT: 1, PRE: 1, PREA: 1, RD: 1, RDA: 1, WR: 1, WRA: 1, REF: 1}}
timing: {{BL: 1}}
read_data: BL
write_data: BL
refresh_interval: 0
rules: []
energy: {{activate_pj: 0, read_byte_pj: 0, write_byte_pj: 0, background_mw: 0}}
"""


@pytest.fixture(scope="module")
def ideal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "ideal.yaml"
    path.write_text(IDEAL.format(burst=8))
    return path


def possible(workload: Workload, overrides: Overrides) -> bool:
    try:
        map_workload(workload, machine(overrides))
    except InputError:
        return False
    return True


@pytest.mark.invariant
class TestMachine:
    @given(workload=networks(), overrides=machines())
    def test_fast_enough_a_dram_gives_the_times_of_the_fixed_model(
        self, ideal: Path, workload: Workload, overrides: Overrides
    ) -> None:
        """A DRAM that moves each burst within a cycle of its offer leaves the DMA's own rate."""
        overrides |= {"memory.dram.burst_bytes": 8}
        if not possible(workload, overrides):
            return
        _, trace = traced(workload, overrides | {"memory.dram.timing": ideal})
        _, fixed = traced(workload, overrides)
        for column in ("start", "end", "latency", "cause", "channel"):
            assert np.array_equal(getattr(trace, column), getattr(fixed, column))

    @given(workload=networks(), overrides=machines())
    def test_a_trace_keeps_the_contract_with_the_times_that_it_measured(
        self, workload: Workload, overrides: Overrides
    ) -> None:
        overrides |= {"memory.dram.burst_bytes": 64}
        if not possible(workload, overrides):
            return
        mapping, trace = traced(workload, overrides | {"memory.dram.timing": "ddr4-2400"})
        keeps_the_contract(mapping.program, trace)
        # no command is faster than in the fixed model; therefore no run is faster
        _, fixed = traced(workload, overrides)
        assert np.all(trace.occupied >= fixed.occupied)
        assert np.all(trace.latency >= fixed.latency)
        assert trace.cycles >= fixed.cycles
        assert trace.dram is not None
        assert trace.dram.activates.sum() > 0
        waited = trace.dram.row_miss + trace.dram.refresh
        assert np.all(waited <= trace.occupied + trace.latency)

    def test_two_runs_give_the_same_bytes(self) -> None:
        workload = network(layer(64, 96, 6, 6, tau=4), layer(96, 64, 6, 6, tau=4))
        _, one = traced(workload, {"memory.dram.timing": "lpddr4-3200"})
        forget()
        _, two = traced(anew(workload), {"memory.dram.timing": "lpddr4-3200"})
        assert one.dram is not None
        assert two.dram is not None
        assert one.start.tobytes() == two.start.tobytes()
        assert one.end.tobytes() == two.end.tobytes()
        assert one.dram.refresh.tobytes() == two.dram.refresh.tobytes()


@pytest.mark.cycle
@pytest.mark.parametrize(
    ("name", "bytes_per_cycle"),
    [
        # bytes per memory cycle x GHz x (1 - (tRTP + tRP + tRFC + tRCD) / tREFI)
        ("ddr4-2400", 64 / 4 * 1.2 * (1 - 463 / 9360)),
        ("lpddr4-3200", 32 / 8 * 1.6 * (1 - 523 / 6246)),
        ("hbm2", 32 / 2 * 1.0 * (1 - 383 / 3900)),
    ],
)
@pytest.mark.slow
def test_a_dram_bound_layer_runs_at_the_bandwidth_of_the_table(
    name: str, bytes_per_cycle: float
) -> None:
    """512 -> 1024 channels at 1 bit over one pixel: 590 kB of kernels, little to compute."""
    _, trace = traced(
        network(layer(512, 1024, 1, 1)),
        {
            "memory.dram.timing": name,
            "memory.dram.channels": 1,
            "memory.dram.bytes_per_cycle": 1000.0,
            "memory.index_buffer.kib": 2000.0,
            "memory.index_buffer.bytes_per_cycle": 1000.0,
        },
    )
    moved = 512 * 1024 * 9 // 8
    # 8 groups x 8 blocks x 128 cycles are 8192 cycles of dot products; the last block's last group
    # (128 cycles), its drain and the fixed latency come after the last byte
    behind = 100 + 128 + 32
    assert trace.cycles - behind == pytest.approx(moved / bytes_per_cycle, rel=0.01)


# --- addresses --------------------------------------------------------------------------------


Transfers = dict[tuple[Kind, int], list[tuple[int, int]]]
"""(address, bytes) of every command of a kind in a layer, in the unit's order."""


def regions(workload: Workload, overrides: Overrides | None = None) -> tuple[Mapping, Transfers]:
    hardware = machine({"memory.dram.timing": "ddr4-2400", **(overrides or {})})
    mapping = map_workload(workload, hardware)
    assert mapping.program.dram is not None
    rows = write_out(mapping.program)
    found: Transfers = {}
    for unit, addresses in mapping.program.dram.streams.items():
        for row, address in zip(rows.rows(unit), addresses(), strict=True):
            command = rows.commands[rows.index[row]]
            kind = Kind[command.kind.name.upper()]
            found.setdefault((kind, int(rows.section[row])), []).append((address, command.bytes))
    return mapping, found


def bursts(transfers: Transfers, kind: Kind, number: int) -> list[int]:
    """Every burst that a layer's commands of a kind move, in the unit's order."""
    return [
        place
        for address, size in transfers[kind, number]
        for place in range(address, address + size, 64)
    ]


@pytest.mark.unit
class TestAddresses:
    NET = network(layer(64, 128, 8, 8, tau=5), layer(128, 64, 8, 8, tau=5, name="next"))

    def test_what_is_read_once_is_read_in_order(self) -> None:
        _, transfers = regions(self.NET)
        for number, (kib, channels) in enumerate([(8, 64), (8, 128)]):
            loads = bursts(transfers, Kind.LOAD_WEIGHTS, number)
            assert len(loads) == len(set(loads))
            assert loads == sorted(loads)
            # 64 x 128 x 5 bit are 80 bursts, the subset's 36 bytes begin another
            assert len(loads) == 81
            reads = bursts(transfers, Kind.READ_INPUTS, number)
            # 8 x 8 pixels of 64 channels at 1 bit are 8 bursts, of 128 channels 16
            assert reads == list(range(reads[0], reads[0] + kib * channels, 64))

    def test_a_layer_reads_where_the_previous_layer_wrote(self) -> None:
        _, transfers = regions(self.NET)
        written = bursts(transfers, Kind.WRITE_OUTPUTS, 0)
        assert set(bursts(transfers, Kind.READ_INPUTS, 1)) == set(written)

    def test_another_shape_has_a_region_of_its_own(self) -> None:
        net = network(layer(64, 64, 8, 8, tau=5), layer(64, 64, 4, 4, tau=5, name="pooled"))
        _, transfers = regions(net)
        written = bursts(transfers, Kind.WRITE_OUTPUTS, 0)
        assert not set(bursts(transfers, Kind.READ_INPUTS, 1)) & set(written)

    def test_regions_do_not_overlap(self) -> None:
        _, transfers = regions(self.NET)
        first = set(bursts(transfers, Kind.LOAD_WEIGHTS, 0))
        second = set(bursts(transfers, Kind.LOAD_WEIGHTS, 1))
        activations = {
            place
            for number in range(2)
            for kind in (Kind.READ_INPUTS, Kind.WRITE_OUTPUTS)
            for place in bursts(transfers, kind, number)
        }
        assert not first & second
        assert not (first | second) & activations

    @pytest.mark.parametrize("kib", [4.0, 2.6])
    def test_weights_that_are_loaded_again_come_from_the_same_place(self, kib: float) -> None:
        """5 KiB fit a block of 128 x 64 x 5 bit; smaller buffers fit only a weight tile."""
        net = network(layer(256, 32, 6, 6, tau=5))
        once, _ = regions(net)
        mapping, transfers = regions(net, {"memory.index_buffer.kib": kib})
        assert mapping.layers[0].weights != "layer"
        assert once.layers[0].weights == "layer"
        loads = bursts(transfers, Kind.LOAD_WEIGHTS, 0)
        assert len(loads) > len(set(loads))
        # 4 weight tiles of 32 x 64 x 5 bit, 20 bursts each, and the subset's burst after the first
        assert len(set(loads)) == 4 * 20 + 1

    def test_inputs_that_are_read_again_come_from_the_same_place(self) -> None:
        """Two blocks: a buffer too small for rows reads each patch again for each block."""
        net = network(layer(64, 256, 9, 40, tau=5))
        mapping, transfers = regions(net, {"memory.activation_buffer.kib": 1.3})
        assert mapping.layers[0].inputs == "patches"
        reads = [address for address, _ in transfers[Kind.READ_INPUTS, 0]]
        per_block = np.array(reads).reshape(9, 2, -1)  # row, block, transfer
        assert per_block[:, 0].tolist() == per_block[:, 1].tolist()
        # the patch of row r begins at input row r - 1: 40 pixels of 8 bytes are 5 bursts
        tops = [max(0, row - 1) * 5 * 64 for row in range(9)]
        assert (per_block[:, 0, 0] - per_block[0, 0, 0]).tolist() == tops

    def test_a_network_larger_than_the_dram_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "small.yaml"
        text = IDEAL.format(burst=64).replace("rows: 1048576", "rows: 2")
        path.write_text(text.replace("bursts_per_row: 1048576", "bursts_per_row: 4"))
        with pytest.raises(InputError, match=r"needs .* bytes, .*small.yaml .* has 512"):
            regions(self.NET, {"memory.dram.timing": path})


# --- user-visible results ---------------------------------------------------------------------


SMALL = network(*(layer(64, 64, 8, 8, tau=5, name=name) for name in "ab"))


@pytest.mark.unit
class TestInput:
    @pytest.mark.parametrize(
        ("keys", "reason"),
        [
            ({"timing": "ddr5"}, "unknown DRAM timing table 'ddr5'"),
            ({"timing": "ddr4-2400", "mapping": "RoCo"}, "memory.dram.mapping is 'RoCo'"),
            ({"timing": "ddr4-2400", "mapping": "RoRaBaCoBgChCh"}, "each of Ro, Ra, Bg"),
            ({"timing": "ddr4-2400", "scheduler": "fifo"}, "memory.dram.scheduler is 'fifo'"),
            ({"timing": "ddr4-2400", "channels": 0}, "memory.dram.channels is 0"),
            ({"timing": "ddr4-2400", "burst_bytes": 32}, "ddr4-2400 moves bursts of 64 bytes"),
        ],
    )
    def test_wrong_keys(self, keys: dict[str, object], reason: str) -> None:
        with pytest.raises(InputError) as caught:
            machine({f"memory.dram.{key}": value for key, value in keys.items()})
        assert reason in str(caught.value)

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ("read_data: BL", "read_data: BL + XL", "'XL' is neither a number nor one of"),
            ("RD: 1, ", "", "command_cycles: expected exactly ACT, PRE, PREA"),
            ("rules: []", "rules: [{level: row, preceding: [RD], following: [RD], latency: 1}]",
             "rules[0].level is 'row'"),
            ("rules: []", "rules: [{level: bank, preceding: [REF], following: [ACT], latency: 1}]",
             "commands of a whole rank"),
            ("rules: []", "rules: [{level: rank, preceding: [RD], following: [RD], latency: CL}]",
             "rules[0].latency is 'CL'"),
        ],
    )  # fmt: skip
    def test_a_wrong_table(self, tmp_path: Path, old: str, new: str, reason: str) -> None:
        path = tmp_path / "mine.yaml"
        text = IDEAL.format(burst=64)
        assert old in text
        path.write_text(text.replace(old, new))
        with pytest.raises(InputError) as caught:
            load_dram(path)
        assert reason in str(caught.value)
        assert "mine.yaml" in str(caught.value)

    def test_a_key_of_a_table_without_one_is_an_error_in_a_file(self, tmp_path: Path) -> None:
        text = (ROOT / "hw_configs/cofluent64.yaml").read_text()
        path = tmp_path / "mine.yaml"
        path.write_text(text.replace("burst_bytes: 64 ", "burst_bytes: 64\n    channels: 2 "))
        with pytest.raises(InputError, match=r"memory\.dram\.channels has an effect only with"):
            load_hardware(path)

    def test_only_the_event_engine_knows_a_table(self) -> None:
        assert why_not_fast(machine()) is None
        reason = why_not_fast(machine({"memory.dram.timing": "hbm2"}))
        assert reason is not None
        assert "memory.dram.timing is hbm2" in reason


@pytest.mark.unit
def test_energy_counts_rows_and_what_waits_in_the_background() -> None:
    workload = network(layer(64, 64, 4, 4, tau=5))
    run = run_one(workload, machine({"memory.dram.timing": "ddr4-2400"}), "event")
    by = {(s.unit, s.action): s for s in run_energy(run, TABLE).spent}
    rows = by["dram_weights", "dram_activate"]
    # 41 bursts of weights in 4 bank groups: a row each, 3466 pJ
    assert (rows.count, rows.attojoules) == (4, 4 * 3_466_000_000)
    assert by["dram_weights", "dram_read_byte"].attojoules == 41 * 64 * 46_000_000
    background = by["static", "dram_background_cycle"]
    assert background.attojoules == run.cycles * 502_000_000  # 502 mW x 1 ns


@pytest.mark.unit
def test_the_table_is_part_of_the_configuration() -> None:
    fixed, detailed = (
        simulate(SMALL, machine({"memory.dram.timing": name}), tau=5)
        for name in ("fixed", "ddr4-2400")
    )
    assert detailed.configuration["dram"]["name"] == "ddr4-2400"
    assert "dram" not in fixed.configuration
    assert detailed.cycles > fixed.cycles


@pytest.mark.unit
def test_auto_takes_the_event_engine_and_says_why() -> None:
    hardware = machine({"memory.dram.timing": "hbm2"})
    result = simulate(SMALL, hardware, tau=5)
    assert result.engine == "event"
    assert result.notes()[0].startswith(
        "both runs use the event engine because memory.dram.timing is hbm2"
    )
    with pytest.raises(
        InputError, match=r"engine fast: not available because memory\.dram\.timing is hbm2"
    ):
        simulate(SMALL, hardware, tau=5, engine="fast")


@pytest.mark.unit
def test_a_setting_may_take_the_table_away(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = (ROOT / "hw_configs/cofluent64.yaml").read_text()
    path.write_text(text.replace("timing: fixed ", "timing: hbm2 "))
    setting = ["memory.dram.timing=fixed"]
    result = simulate(SMALL, load_hardware(path, setting), tau=5)
    assert result.engine == "fast"
    (effect,) = with_settings(result, path, setting).settings
    assert (effect.before, effect.after) == ("hbm2", "fixed")
    assert effect.time_ms_after < effect.time_ms_before


@pytest.mark.command
def test_settings_say_what_they_did(command: RunCommand) -> None:
    run = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56", "--input-size", "8")
    done = command(*run, "--set", "memory.dram.channels=2")
    assert "has no effect because it applies only with a DRAM table" in done.stdout
    both = ("--set", "memory.dram.timing=lpddr4-3200", "--set", "memory.dram.channels=1")
    done = command(*run, *both)
    assert done.returncode == 0
    assert "note: memory.dram.timing fixed -> lpddr4-3200 lengthens the run from " in done.stdout
    assert "note: memory.dram.channels unset -> 1 " in done.stdout


@pytest.mark.cycle
def test_units_share_the_dram_in_a_fixed_order() -> None:
    """Three streams with one simultaneous burst each: weights, inputs, outputs."""
    timing = replace(timing_of("ddr4-2400", scheduler="in_order"), refresh_interval=0)
    system = DramSystem(timing, (Fraction(1),) * 3)
    for stream, unit in enumerate((Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS)):
        system.submit(stream, int(unit), address=0, size=64, write=stream == 2, cycle=0)
    moved = [done.transfer for done in system.run(1000) if isinstance(done, Moved)]
    assert moved == [Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS]
