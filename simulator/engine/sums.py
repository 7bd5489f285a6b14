"""Totals of a program that do not depend on when commands run."""

from collections.abc import Sequence

import numpy as np

from simulator.base.columns import Ints
from simulator.program import Program


def bytes_by_unit(program: Program) -> Ints:
    """[sections, units] bytes moved."""
    units = {unit: number for number, unit in enumerate(program.units)}
    sums = np.zeros((len(program.sections), len(units)), dtype=np.int64)
    for section, row in zip(program.sections, sums, strict=True):
        for unit, commands in section.counts.items():
            row[units[unit]] = sum(times * command.bytes for command, times in commands)
    return sums


def commands_by_unit(program: Program) -> Ints:
    """[sections, units] commands, with loops written out."""
    units = {unit: number for number, unit in enumerate(program.units)}
    sums = np.zeros((len(program.sections), len(units)), dtype=np.int64)
    for section, row in zip(program.sections, sums, strict=True):
        for unit, commands in section.counts.items():
            row[units[unit]] = sum(times for _, times in commands)
    return sums


def pe_cycles_by_kind(programs: Sequence[Program]) -> Ints:
    """[programs, sections, kinds] PE-cycles worked by programs that differ only in rates."""
    program = programs[0]
    kinds = {kind: number for number, kind in enumerate(program.kinds)}
    sums = np.zeros((len(programs), len(program.sections), len(kinds)), dtype=np.int64)
    for number, section in enumerate(program.sections):
        for commands in section.counts.values():
            for command, times in commands:
                if command.pes:
                    alike = programs[:1] if command.kind.rate is None else programs
                    cycles = np.array([each.cycles(command) for each in alike])
                    sums[:, number, kinds[command.kind]] += times * command.pes * cycles
    return sums
