"""The handwritten digits that scikit-learn ships: 1797 images of 8x8 pixels."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 # torch's own name for it
from torch import Tensor

TEST_SHARE = 0.5
SPLIT_SEED = 0
"""ASSUMED: half of the images are test images, stratified by digit; all runs share one split."""
SHIFT = 1
"""ASSUMED: maximum shift of a training image in pixels; the usual crop, scaled to 8x8."""


@dataclass(frozen=True, slots=True)
class Digits:
    """Images [n, 1, 8, 8] from -1 to 1 and their labels [n]."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def load_digits() -> Digits:
    """Load the images, with the split that every run uses."""
    from sklearn import datasets, model_selection

    digits = datasets.load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    labels = torch.tensor(digits.target, dtype=torch.long)
    train, test = model_selection.train_test_split(
        range(len(labels)), test_size=TEST_SHARE, random_state=SPLIT_SEED, stratify=labels.numpy()
    )
    return Digits(images[train], labels[train], images[test], labels[test])


def shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """[n, 1, 8, 8] images shifted by up to SHIFT pixels each way; background fills the gaps."""
    count, _, height, width = images.shape
    padded = F.pad(images, (SHIFT,) * 4, value=-1.0)
    down, right = torch.randint(2 * SHIFT + 1, (2, count, 1), generator=generator)
    rows = (down + torch.arange(height))[:, :, None]
    columns = (right + torch.arange(width))[:, None, :]
    return padded[torch.arange(count)[:, None, None], 0, rows, columns].unsqueeze(1)
