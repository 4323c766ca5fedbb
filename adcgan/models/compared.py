"""Parts of the compared methods' networks that PyTorch does not have."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Conv2d


class SameConv2d(Conv2d):
    """A convolution padded as TensorFlow's SAME, (N, C, H, W) -> (N, K, ceil(H/s), ceil(W/s)).

    Where the padding is odd, the extra row or column is at the end, which PyTorch's own ``padding`` cannot say.
    """

    def forward(self, x: Tensor) -> Tensor:
        sides = zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        total = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side, kernel, stride in sides]
        height, width = [(extra // 2, extra - extra // 2) for extra in total]
        return super().forward(F.pad(x, (*width, *height)))


class SameConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution cropped as TensorFlow's SAME, (N, C, H, W) -> (N, K, sH, sW).

    Where the crop is odd, the extra row or column goes at the end.
    """

    def forward(self, x: Tensor) -> Tensor:
        sides = zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        height, width = [
            slice(max(kernel - stride, 0) // 2, max(kernel - stride, 0) // 2 + stride * side)
            for side, kernel, stride in sides
        ]
        return super().forward(x)[:, :, height, width]


class PointConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution of single points, (N, C, 1, 1) -> (N, K, k, k): a matrix product, computed as one.

    For thousands of channels PyTorch's general one takes most of a training step: two thirds of AE-GAN's on a CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.permute(0, 2, 3, 1)  # (C, k, k, K), as channels-last memory has it
        maps = (x.flatten(1) @ weight.flatten(1)).unflatten(1, weight.shape[1:])
        return maps.permute(0, 3, 1, 2) + self.bias[:, None, None]


class Unflatten(nn.Module):
    """Vectors (N, K M M) as maps (N, K, M, M)."""

    def __init__(self, side: int = 1):
        super().__init__()
        self.side = side

    def forward(self, z: Tensor) -> Tensor:
        return z.unflatten(1, (-1, self.side, self.side))


def initialise(network: nn.Module, weight: Callable[[Tensor], object], bias: float) -> nn.Module:
    """Draw the weights of every convolution and linear layer by ``weight``, set the biases; returns ``network``."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            weight(module.weight.data)
            nn.init.constant_(module.bias, bias)
    return network
