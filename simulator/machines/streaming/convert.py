"""Data-width converters between words of two widths."""

from math import ceil, lcm

from simulator.machines.streaming.operators import Operator
from simulator.machines.streaming.patterns import convert_turns


def conversions(source: int, target: int, packets: int, packet_bits: int) -> list[Operator]:
    """Return the converters between two widths: none, one, or two.

    If neither width divides the other, the first converter writes words of their least common
    multiple, if packets are whole such words.

    Args:
        source: bits of a word before.
        target: bits of a word after.
        packets: packets per image; each begins with a new word.
        packet_bits: bits of a packet.

    """
    words_in, words_out = ceil(packet_bits / source), ceil(packet_bits / target)
    if source == target or words_in == words_out == 1:
        return []
    common = lcm(source, target)
    if words_in % words_out and words_out % words_in and packet_bits % common == 0:
        parts = packets * packet_bits // common
        return [
            _converter(source, common, parts, common),
            _converter(common, target, parts, common),
        ]
    return [_converter(source, target, packets, packet_bits)]


def _converter(source: int, target: int, packets: int, packet_bits: int) -> Operator:
    turns = convert_turns(packets=packets, packet_bits=packet_bits, source=source, target=target)
    return Operator("convert", turns, target, packets * ceil(packet_bits / target))
