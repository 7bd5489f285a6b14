"""Convert a layer's real weights to kernels: one module per method, in a layer's `binarize`.

All modules take standardized weights as rows of 9 and return kernels as rows of 9 signs.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from simulator.training.estimator import ErrorDecay, sign, signs
from simulator.workload.kernels import signs_of

KERNELS = 512
"""Number of different 3x3 kernels."""
MEMORY_THRESHOLD = 1e-3
"""Minimum absolute value of a pattern to set a kernel's sign.

ASSUMED: the supplement gives no value; this is the value in the authors' published code.
"""
PATTERN_START = 0.03
"""Initial absolute value of the patterns.

ASSUMED: the supplement gives no value. The published code starts at +-1 with another optimizer
(Adam). With SGD, a pattern moves by some hundredths in this study. From +-1, no sign would
therefore ever flip.
"""


class Signs(nn.Module):
    """1 bit: every kernel may occur."""

    def __init__(self, decay: ErrorDecay) -> None:
        """Use the network's estimator."""
        super().__init__()
        self.decay = decay

    def forward(self, weights: Tensor) -> Tensor:
        """[kernels, 9] the signs of the weights [kernels, 9]."""
        return sign(weights, self.decay)

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Do not update anything; signs have no state."""


class _Choose(torch.autograd.Function):
    """The nearest kernel of a subset for every row of weights.

    The gradient passes straight through. The weights receive it times the slope of the estimator; a
    pattern receives the sum over the rows that chose it.
    """

    @staticmethod
    def forward(
        ctx: Any, weights: Tensor, patterns: Tensor, subset: Tensor, decay: ErrorDecay
    ) -> Tensor:
        chosen = nearest(weights, subset)
        ctx.save_for_backward(weights, chosen)
        ctx.decay, ctx.shape = decay, patterns.shape
        return subset[chosen]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        weights, chosen = ctx.saved_tensors
        to_patterns = None
        if ctx.needs_input_grad[1]:
            to_patterns = gradient.new_zeros(ctx.shape).index_add_(0, chosen, gradient)
        return gradient * ctx.decay.slope(weights), to_patterns, None, None


def nearest(weights: Tensor, subset: Tensor) -> Tensor:
    """[kernels] the row of the subset [n, 9] nearest to each row of the weights [kernels, 9].

    The nearest row has the largest product, because all rows of a subset have the same length. The
    first row wins ties.
    """
    products: Tensor = weights @ subset.T
    return torch.from_numpy(products.numpy().argmax(axis=1))  # twice as fast as torch's


class Subset(nn.Module):
    """A fixed subset: Vanilla-SNN (random ids) and Baseline A (uniform ids)."""

    subset: Tensor
    """[2^tau, 9] the kernels in use."""

    def __init__(self, ids: Tensor, decay: ErrorDecay, refined: bool = False) -> None:
        """Start with the kernels of these ids [2^tau]."""
        super().__init__()
        self.register_buffer("subset", kernels(ids), persistent=False)
        self.patterns = nn.Parameter(PATTERN_START * self.subset, requires_grad=refined)
        self.decay = decay

    def forward(self, weights: Tensor) -> Tensor:
        """[kernels, 9] the nearest kernel for every row of the weights [kernels, 9]."""
        given = (weights, self.patterns, self.subset, self.decay)
        out: Tensor = _Choose.apply(*given)  # type: ignore[no-untyped-call] # torch's
        return out

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Do not update anything."""

    def stored_patterns(self) -> Tensor:
        """[2^tau, 9] the patterns for a checkpoint; their signs are the kernels in use."""
        return self.subset * self.patterns.detach().abs().clamp(min=MEMORY_THRESHOLD)


class RefinedSubset(Subset):
    """SNN: training refines patterns; their signs are the subset, without duplicates."""

    def __init__(self, ids: Tensor, decay: ErrorDecay, generator: torch.Generator) -> None:
        """Start with these ids [2^tau]; `generator` draws the replacements of duplicates."""
        super().__init__(ids, decay, refined=True)
        self.generator = generator

    @torch.no_grad()
    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Update the subset from the signs of the patterns; replace duplicates.

        A sign in use flips only if the pattern passes 0 by at least the threshold.
        """
        sure = self.patterns.abs() >= MEMORY_THRESHOLD
        self.subset.copy_(torch.where(sure, signs(self.patterns), self.subset))
        ids = kernel_ids(self.subset)
        rows, drawn = replacements(ids, self.generator)
        if not len(rows):
            return
        self.subset[rows] = kernels(drawn)
        self.patterns[rows] = PATTERN_START * self.subset[rows]
        optimizer.state[self.patterns]["momentum_buffer"][rows] = 0  # the old kernel's momentum


class FrequentSubset(Subset):
    """Baseline B: the most frequent kernels of the weights' signs, updated every few iterations."""

    def __init__(self, ids: Tensor, decay: ErrorDecay, every: int) -> None:
        """Start with these ids [2^tau]; update the subset every `every` training iterations."""
        super().__init__(ids, decay)
        self.every = every
        self.iteration = 0

    def forward(self, weights: Tensor) -> Tensor:
        """[kernels, 9] the nearest kernel for every row of the weights [kernels, 9]."""
        if self.training:
            if self.iteration % self.every == 0:
                chosen = kernels(most_frequent(weights.detach(), len(self.subset)))
                self.subset.copy_(chosen)
                self.patterns.data.copy_(chosen)
            self.iteration += 1
        return super().forward(weights)


def kernels(ids: Tensor) -> Tensor:
    """[n, 9] the kernels with these ids [n]."""
    return torch.from_numpy(signs_of(ids.numpy().astype(np.uint16), 9).astype(np.float32))


def kernel_ids(subset: Tensor) -> Tensor:
    """[n] the ids of kernels [n, 9]."""
    return (subset > 0).long() @ (1 << torch.arange(8, -1, -1))


def random_ids(count: int, generator: torch.Generator) -> Tensor:
    """[count] different ids."""
    return torch.randperm(KERNELS, generator=generator)[:count]


def uniform_ids(count: int) -> Tensor:
    """[count] ids at equal intervals, from 0 (supplement E, Baseline A)."""
    return torch.arange(count) * (KERNELS // count)


def most_frequent(weights: Tensor, count: int) -> Tensor:
    """[count] the most frequent ids in the signs of weights [kernels, 9]; lower ids win ties."""
    occurrences = torch.bincount(kernel_ids(weights), minlength=KERNELS)
    return torch.argsort(occurrences, descending=True, stable=True)[:count]


def replacements(ids: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the rows of `ids` [n] that repeat an earlier id, and a random absent id for each."""
    seen: set[int] = set()
    repeated = []
    for row, kernel in enumerate(ids.tolist()):
        if kernel in seen:
            repeated.append(row)
        seen.add(kernel)
    absent = torch.tensor([kernel for kernel in range(KERNELS) if kernel not in seen])
    drawn = torch.randperm(len(absent), generator=generator)[: len(repeated)]
    return torch.tensor(repeated, dtype=torch.long), absent[drawn]
