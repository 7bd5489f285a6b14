"""Readable form of programs."""

from collections.abc import Iterable

from simulator.program import Amount, Body, Loop, Program, Skip


def shown(program: Program) -> str:
    """Return a program as text: rates, channels and their tokens, then every section by unit."""
    lines = [f"rates {', '.join(_rates(program))}"]
    channels = (f"{each.name}={start}" for each, start in program.channels.items())
    lines += [f"channels {', '.join(channels)}", f"kinds {' '.join(k.name for k in program.kinds)}"]
    for name, section in zip(program.names, program.sections, strict=True):
        same = program.names[program.sections.index(section)]
        lines.append(name if same == name else f"{name} is {same}")
        if same == name:
            lines += [f"  {unit.name}: {_body(body)}" for unit, body in section.bodies.items()]
    return "\n".join(lines)


def _rates(program: Program) -> Iterable[str]:
    return (f"{name}={rate}+{latency}" for name, (rate, latency) in program.rates.items())


def _body(body: Body) -> str:
    parts = []
    for part in body:
        if isinstance(part, Loop):
            parts.append(f"{part.times} x {{{_body(part.body)}}}")
        elif isinstance(part, Skip):
            parts.append(f"skip {part.steps}")
        else:
            words = [part.kind.name]
            for name in ("cycles", "penalty", "bytes", "steps"):
                words += [f"{name}={value}"] if (value := getattr(part, name)) else []
            for name in ("takes", "begins", "gives"):
                words += [f"{name} {_amounts(given)}"] if (given := getattr(part, name)) else []
            parts.append(" ".join(words))
    return "; ".join(parts)


def _amounts(amounts: Iterable[Amount]) -> str:
    return "+".join(f"{tokens} {channel.name}" for channel, tokens in amounts)
