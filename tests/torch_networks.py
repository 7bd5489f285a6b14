"""Networks that torch exports as ONNX graphs; needs torch."""

import torch
from torch import nn


class Block(nn.Module):
    """Convolutions of many kinds, each followed by batch normalization that exporters fold in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 2 * channels, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(2 * channels)
        self.conv2 = nn.Conv2d(
            2 * channels, 2 * channels, 3, padding=2, dilation=2, groups=4, bias=False
        )
        self.bn2 = nn.BatchNorm2d(2 * channels)
        self.down = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 1, 2), nn.BatchNorm2d(2 * channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.down(x))


class Net(nn.Module):
    """Sequences in sequences, odd sizes, and a classifier after a reshape."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        self.layer1 = nn.Sequential(Block(8), nn.Sequential(Block(16)))
        self.fc = nn.Linear(32, 10)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.weight.uniform_(0.5, 2)
                    module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr, operator]
            signs = self.layer1[0].conv1.weight
            signs.copy_(torch.where(signs > 0, 1.0, -1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.max_pool2d(self.layer1(self.stem(x)), 2).mean((2, 3))
        return self.fc(y.view(y.size(0), -1))  # type: ignore[no-any-return]
