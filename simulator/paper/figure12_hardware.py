"""Figure 12 on hardware: speedups over 1 bit without and with the first and last layers."""

from collections.abc import Sequence

from simulator.base.progress import Progress
from simulator.paper.cases import Case, Measured, measure
from simulator.paper.markdown import Row
from simulator.workload.scope import SCOPES, Scope

HARDWARE = "cofluent64"
ACTIVATION_BITS = (32, 1)
"""Bits per activation: those of the paper's figure, and those of its machine."""


def hardware_rows(
    models: Sequence[str], taus: Sequence[int], progress: Progress | None = None
) -> list[Row]:
    """Run networks at 1 bit and at each tau, in every scope.

    Args:
        models: shipped networks.
        taus: index widths of 3x3 kernels.
        progress: called before every network.

    Returns:
        A row per number of activation bits, network and tau, with times at 1 bit over times at
        tau, and the same of energies.

    """
    keys = [(bits, model) for bits in ACTIVATION_BITS for model in models]
    widths = {tau: round(tau / 9, 2) for tau in (9, *taus)}
    cases = {
        (*key, tau, scope): _case(*key, widths[tau], scope)
        for key in keys
        for tau in widths
        for scope in SCOPES
    }
    found = measure(cases.values(), progress)

    def result(*key: object) -> Measured:
        (case,) = [case for at, case in cases.items() if at == key]
        measured = found[case]
        assert isinstance(measured, Measured), measured
        assert not measured.case.settings, measured.case  # every layer fits in the shipped buffers
        return measured

    return [
        {
            "activation bits": bits,
            "network": model,
            "tau": tau,
            "bits": f"{result(bits, model, tau, 'binary').bits:.2f}",
            **{
                f"speedup {scope}": _ratio(
                    result(bits, model, 9, scope).milliseconds,
                    result(bits, model, tau, scope).milliseconds,
                )
                for scope in SCOPES
            },
            **{
                f"energy {scope}": _ratio(
                    result(bits, model, 9, scope).energy_uj,
                    result(bits, model, tau, scope).energy_uj,
                )
                for scope in SCOPES
            },
        }
        for bits, model in keys
        for tau in taus
    ]


def _case(activation_bits: int, model: str, bits: float, scope: Scope) -> Case:
    return Case(
        machine=HARDWARE,
        network=model,
        bits=bits,
        scope=scope,
        activation_bits=activation_bits,
    )


def _ratio(one: float, sub: float) -> str:
    return f"{one / sub:.2f}x"
