"""The sign function with the error decay estimator as its gradient (IR-Net; supplement A)."""

from dataclasses import dataclass

import torch
from torch import Tensor

T_MIN, T_MAX = 0.1, 10.0
"""IR-Net's range of t. The supplement names the estimator but not its constants."""


@dataclass(slots=True)
class ErrorDecay:
    """The estimator k tanh(t x) at one point of the training; all layers of a network share one.

    With k = max(1/t, 1), the estimator changes from the identity to the sign during the training.
    """

    t: float = T_MIN

    def move_to(self, progress: float) -> None:
        """Set t for the completed fraction of the training, 0 to 1; log t grows linearly."""
        self.t = T_MIN * (T_MAX / T_MIN) ** progress

    def slope(self, x: Tensor) -> Tensor:
        """[...] the derivative of the estimator at x [...]: k t (1 - tanh^2(t x)).

        The code uses the logistic function s(2 t x), because torch has a faster kernel for it:
        1 - tanh^2(y) = 4 s(2 y) (1 - s(2 y)).
        """
        logistic = torch.sigmoid(2 * self.t * x)
        return 4 * max(1.0, self.t) * logistic * (1 - logistic)


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, decay: ErrorDecay) -> Tensor:
        ctx.save_for_backward(x)
        ctx.decay = decay  # type: ignore[attr-defined] # torch's way to pass values to backward
        return signs(x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined] # same
        return gradient * ctx.decay.slope(x), None  # type: ignore[attr-defined] # same


def signs(x: Tensor) -> Tensor:
    """[...] +1 for elements of x [...] above 0, -1 for all others."""
    return (x > 0).to(x.dtype) * 2 - 1


def sign(x: Tensor, decay: ErrorDecay) -> Tensor:
    """Compute `signs`, with the gradient of the estimator."""
    out: Tensor = _Sign.apply(x, decay)  # type: ignore[no-untyped-call] # torch's
    return out
