"""One training run, scaled down from supplement A; docs/training.md lists the assumptions."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import torch
import torch.nn.functional as F  # noqa: N812 # torch's own name for it
from torch import Tensor

from simulator.base.errors import InputError
from simulator.training.data import Digits, shifted
from simulator.training.methods import Method
from simulator.training.network import Network

MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
"""Values of supplement A, like the cosine schedule that starts at `Recipe.learning_rate`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The settings that all runs of a study share."""

    network: str
    epochs: int
    batch: int
    learning_rate: float

    def iterations(self, images: int) -> int:
        """Number of optimizer steps of a run with this number of training images."""
        return self.epochs * (images // self.batch)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run."""

    network: Network
    losses: tuple[float, ...]
    """Mean training loss of every epoch."""
    predicted: Tensor
    """[test images] the classes that the network of the last iteration predicts."""
    test_accuracy: float
    """Fraction of the test images that it classifies correctly."""


AfterEpoch = Callable[[int, Network], None]
"""A callback with the number of completed epochs (0 before the first) and the network."""


def train(
    recipe: Recipe,
    method: Method,
    seed: int,
    digits: Digits,
    after_epoch: AfterEpoch = lambda _done, _network: None,
) -> Outcome:
    """Train one network; equal arguments give equal bits on the same computer.

    Raises:
        InputError: the network file is wrong or not trainable, or the training diverges.

    """
    torch.set_num_threads(1)  # fixes the order of sums; small layers do not gain from threads
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = torch.Generator().manual_seed(seed)
        network = Network(recipe.network, method.binarizers(drawn))
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(
        [p for p in network.parameters() if p.requires_grad],
        lr=recipe.learning_rate,
        momentum=MOMENTUM,
        weight_decay=WEIGHT_DECAY,
    )
    steps = recipe.iterations(len(digits.train_labels))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    losses = []
    after_epoch(0, network)
    for epoch in range(recipe.epochs):
        network.decay.move_to(epoch / recipe.epochs)
        loss = _epoch(network, optimizer, schedule, batch=recipe.batch, digits=digits, order=order)
        if not isfinite(loss):
            raise InputError(
                f"{method.title}, seed {seed}: the loss is not finite in epoch {epoch + 1}: "
                f"learning rate {recipe.learning_rate:g} is too high for this network"
            )
        losses.append(loss)
        after_epoch(epoch + 1, network)
    classes = predicted(network, digits)
    return Outcome(network, tuple(losses), classes, accuracy(classes, digits))


def _epoch(
    network: Network,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    *,
    batch: int,
    digits: Digits,
    order: torch.Generator,
) -> float:
    """Train once on all images, in whole batches; return the mean loss."""
    network.train()
    images = shifted(digits.train_images, order)
    batches = len(images) // batch
    total = 0.0
    for chosen in torch.randperm(len(images), generator=order)[: batches * batch].view(-1, batch):
        loss = F.cross_entropy(network(images[chosen]), digits.train_labels[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch's
        optimizer.step()
        schedule.step()
        for layer in network.binary.values():
            layer.binarize.after_step(optimizer)
        total += loss.item()
    return total / batches


@torch.no_grad()
def predicted(network: Network, digits: Digits) -> Tensor:
    """[test images] the classes that the network predicts."""
    network.eval()
    logits: Tensor = network(digits.test_images)
    return logits.argmax(1)


def accuracy(classes: Tensor, digits: Digits) -> float:
    """Fraction of the test images that have these classes."""
    return (classes == digits.test_labels).double().mean().item()
