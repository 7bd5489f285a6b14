"""Convolutions that binarize their weights as published networks do; needs torch.

Each class follows the paper's published code in the operators that it uses, because exporters write
these operators into the graph. `expected` computes the signs independently, with numpy.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 # torch's own name for it
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float64]


class _Sign(torch.autograd.Function):
    """A sign with a gradient of its own, as most of the networks define it."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return torch.sign(x)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient


class Binarizing(nn.Module):
    """A 3x3 convolution with weights that are not centered, and an input of 8 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(
            0.05 * torch.randn(16, 8, 3, 3) + 0.02 * torch.randn(16, 1, 1, 1)
        )

    def binarized(self) -> Tensor:
        raise NotImplementedError

    def expected(self, weight: Floats) -> Floats:
        """[16, 8, 3, 3] the signs for real weights of this shape."""
        return np.sign(weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.binarized(), padding=1)


class XnorNet(Binarizing):
    """XNOR-Net-PyTorch: centered over input channels, clamped; alpha expanded to the weights."""

    def binarized(self) -> Tensor:
        weight = self.weight
        mean = weight.mean(1, keepdim=True).mul(-1).expand_as(weight)
        weight = weight.add(mean).clamp(-1.0, 1.0)
        n = weight[0].nelement()
        alpha = weight.norm(1, 3, keepdim=True).sum(2, keepdim=True).sum(1, keepdim=True).div(n)
        return weight.sign().mul(alpha.expand(weight.size()))

    def expected(self, weight: Floats) -> Floats:
        return np.sign(weight - weight.mean(1, keepdims=True))


class BinaryNetworks(Binarizing):
    """binary-networks-pytorch: XNORWeightBinarizer with centered weights."""

    def binarized(self) -> Tensor:
        x = self.weight
        x = x.sub(x.mean(1, keepdim=True).expand_as(x))
        alpha = x.abs().view(x.size(0), -1).mean(-1)
        return _Sign.apply(x).mul(alpha.view(-1, 1, 1, 1).expand_as(x))  # type: ignore[no-any-return, no-untyped-call]

    def expected(self, weight: Floats) -> Floats:
        return np.sign(weight - weight.mean(1, keepdims=True))


class DoReFa(Binarizing):
    """DoReFa-Net at 1 bit: the signs times the mean over the layer."""

    def binarized(self) -> Tensor:
        scale = self.weight.abs().mean().detach()
        return _Sign.apply(self.weight / scale) * scale  # type: ignore[no-any-return, no-untyped-call]


class DoReFaTanh(Binarizing):
    """DoReFa-Net's quantizer of k bits at k = 1, which rounds tanh(w) to 0 or 1."""

    def binarized(self) -> Tensor:
        weight = torch.tanh(self.weight)
        weight = weight / 2 / torch.max(torch.abs(weight)) + 0.5
        return 2 * torch.round(weight) - 1


class BiReal(Binarizing):
    """Bi-Real-Net and ReActNet: alpha * sign(w) - clip(w) + clip(w) keeps alpha up to rounding."""

    def binarized(self) -> Tensor:
        weight = self.weight
        alpha = torch.mean(torch.abs(weight), dim=(1, 2, 3), keepdim=True).detach()
        signs = alpha * torch.sign(weight)
        clipped = torch.clamp(weight, -1.0, 1.0)
        return signs.detach() - clipped.detach() + clipped


class IrNet(Binarizing):
    """IR-Net: standardized weights; alpha is a power of two."""

    def binarized(self) -> Tensor:
        w = self.weight
        bw = w - w.view(w.size(0), -1).mean(-1).view(w.size(0), 1, 1, 1)
        bw = bw / bw.view(bw.size(0), -1).std(-1).view(bw.size(0), 1, 1, 1)
        power = torch.round(torch.log(bw.abs().view(bw.size(0), -1).mean(-1)) / np.log(2))
        sw = torch.pow(torch.tensor([2.0] * bw.size(0)), power).view(bw.size(0), 1, 1, 1).detach()
        return _Sign.apply(bw) * sw  # type: ignore[no-any-return, no-untyped-call]

    def expected(self, weight: Floats) -> Floats:
        return np.sign(weight - weight.mean((1, 2, 3), keepdims=True))


class AdaBin(Binarizing):
    """AdaBin: two levels, beta - alpha and beta + alpha, per output channel."""

    def binarized(self) -> Tensor:
        w = self.weight
        beta = w.mean((1, 2, 3)).view(-1, 1, 1, 1)
        alpha = torch.sqrt(((w - beta) ** 2).sum((1, 2, 3)) / w[0].numel()).view(-1, 1, 1, 1)
        return _Sign.apply((w - beta) / alpha) * alpha + beta  # type: ignore[no-any-return, no-untyped-call]

    def expected(self, weight: Floats) -> Floats:
        return np.sign(weight - weight.mean((1, 2, 3), keepdims=True))


class Bit(Binarizing):
    """BiT: centered over the layer."""

    def binarized(self) -> Tensor:
        real = self.weight - self.weight.mean()
        return _Sign.apply(real) * real.abs().mean()  # type: ignore[no-any-return, no-untyped-call]

    def expected(self, weight: Floats) -> Floats:
        return np.sign(weight - weight.mean())


class SubBit(Binarizing):
    """The SNN paper: the nearest of 16 patterns for every standardized kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.patterns = nn.Parameter(torch.randn(16, 9))

    def choose(self, rows: Tensor, signs: Tensor) -> Tensor:
        return signs[(rows @ signs.t()).argmax(1)]

    def binarized(self) -> Tensor:
        flat = self.weight.flatten(1)
        flat = flat - flat.mean(1, keepdim=True)
        flat = flat / flat.std(1, keepdim=True)
        signs = _Sign.apply(self.patterns)  # type: ignore[no-untyped-call]
        return self.choose(flat.reshape(-1, 9), signs).view(self.weight.shape)

    def expected(self, weight: Floats) -> Floats:
        flat = weight.reshape(16, -1)
        flat = (flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)
        signs = np.sign(self.patterns.detach().numpy())
        return np.asarray(signs[(flat.reshape(-1, 9) @ signs.T).argmax(1)].reshape(weight.shape))


class SubBitByDistance(SubBit):
    """The same choice by distances and a product with one-hot rows."""

    def choose(self, rows: Tensor, signs: Tensor) -> Tensor:
        distances = ((rows[:, None] - signs[None]) ** 2).sum(2)
        return F.one_hot(distances.argmin(1), len(signs)).float() @ signs


class Comparing(Binarizing):
    """Signs by a comparison, with a straight-through estimator."""

    def binarized(self) -> Tensor:
        w = self.weight
        signs = torch.where(w >= 0, torch.ones_like(w), -torch.ones_like(w))
        return signs * w.abs().mean((1, 2, 3), keepdim=True)


class Published(nn.Module):
    """All of these layers side by side, on one input."""

    def __init__(self) -> None:
        super().__init__()
        kinds: list[type[Binarizing]] = [
            XnorNet, BinaryNetworks, DoReFa, DoReFaTanh, BiReal, IrNet, AdaBin, Bit, SubBit,
            SubBitByDistance, Comparing,
        ]  # fmt: skip
        self.layers = nn.ModuleList(kind() for kind in kinds)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([layer(x) for layer in self.layers]).sum(0)
