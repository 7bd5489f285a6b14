"""The contract between machines and engines: unit programs that interact through channels."""

from simulator.program.checks import ProgramError
from simulator.program.contract import (
    Amount,
    Balance,
    Body,
    Category,
    Channel,
    Command,
    CountsAs,
    Kind,
    Loop,
    Rate,
    Skip,
    Unit,
)
from simulator.program.items import Runs
from simulator.program.program import Program, Shape
from simulator.program.section import Section
from simulator.program.served import SharedDram, SharedPort, Words
from simulator.program.vocabulary import CategoryTerm, KindTerm, Term, UnitTerm, Vocabulary
from simulator.program.writer import Writer, write

__all__ = [
    "Amount",
    "Balance",
    "Body",
    "Category",
    "CategoryTerm",
    "Channel",
    "Command",
    "CountsAs",
    "Kind",
    "KindTerm",
    "Loop",
    "Program",
    "ProgramError",
    "Rate",
    "Runs",
    "Section",
    "Shape",
    "SharedDram",
    "SharedPort",
    "Skip",
    "Term",
    "Unit",
    "UnitTerm",
    "Vocabulary",
    "Words",
    "Writer",
    "write",
]
