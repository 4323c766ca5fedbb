"""The networks' layers, faster on a CPU: the same mathematics, the same names of weights, the same initial ones.

PyTorch's general convolution reaches a tenth of a matrix product's rate where a map is a single point, and its spectral
norm copies and divides whole weight tensors at every pass. On any other device these layers are PyTorch's own.
`benchmarks/cpu_step.py` measures what they bring.
"""

import ctypes
import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import Function, once_differentiable
from torch.nn.utils.parametrize import is_parametrized

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h


def keep_memory() -> None:
    """Let this process keep the memory that it frees, where the C library is glibc.

    A step's larger maps and gradients would go back to the system and be asked for again in the next: 2 microseconds a
    page of 4 KiB, 5 to 10 % of a step.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def plain(x: Tensor) -> bool:
    """Whether to compute as PyTorch does: on another device, and where the graph is exported for any batch."""
    return x.device.type != "cpu" or torch.compiler.is_compiling()


class Linear(nn.Linear):
    """A linear layer, (N, I) -> (N, O)."""

    def forward(self, x: Tensor) -> Tensor:
        if plain(x):
            return super().forward(x)
        x, weight = normalised(self, x)
        return F.linear(x, weight, self.bias)


class Conv2d(nn.Conv2d):
    """A convolution, (N, I, H, W) -> (N, O, H', W')."""

    def forward(self, x: Tensor) -> Tensor:
        if plain(x):
            return super().forward(x)
        (height, width), (rows, columns), (top, left) = x.shape[2:], self.kernel_size, self.padding
        down, right = self.stride
        x, weight = normalised(self, x)
        if height + 2 * top - rows < down and width + 2 * left - columns < right:
            return self._point(x, weight)
        if self.out_channels == 1 and self.stride == (1, 1):
            return self._shifted(x, weight)
        return self._conv_forward(x, weight, self.bias)

    def _point(self, x, weight):
        """One point of output is a matrix product of the map and the kernel where they meet: 10 times faster."""
        (height, width), (rows, columns), (top, left) = x.shape[2:], self.kernel_size, self.padding
        x = x[:, :, : rows - top, : columns - left]
        weight = weight[:, :, top : top + height, left : left + width]
        return F.linear(in_memory(x).flatten(1), in_memory(weight).flatten(1), self.bias)[:, :, None, None]

    def _shifted(self, x, weight):
        """To one channel: a map for each of the kernel's offsets, then the sum of them, shifted; 3 times faster."""
        maps = F.conv2d(x, in_memory(weight.flip(2, 3)).reshape(-1, self.in_channels, 1, 1))  # (N, k k, H, W)
        rows, columns = [kernel - 1 - pad for kernel, pad in zip(self.kernel_size, self.padding, strict=True)]
        size = x.shape[2] - 2 * rows + self.kernel_size[0] - 1, x.shape[3] - 2 * columns + self.kernel_size[1] - 1
        return F.fold(maps.flatten(2), size, self.kernel_size, padding=(rows, columns)) + self.bias[:, None, None]


class ConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution, (N, I, H, W) -> (N, O, H', W')."""

    def forward(self, x: Tensor) -> Tensor:
        if plain(x):
            return super().forward(x)
        x, weight = normalised(self, x)
        if x.shape[2:] == (1, 1):  # a matrix product: 10 times faster
            (rows, columns), (top, left) = self.kernel_size, self.padding
            weight = in_memory(weight[:, :, top : rows - top, left : columns - left])  # (I, k, k, O)
            maps = (x.flatten(1) @ weight.flatten(1)).unflatten(1, weight.shape[1:]).permute(0, 3, 1, 2)
        else:
            maps = F.conv_transpose2d(x, weight, None, self.stride, self.padding)
        return maps.add_(self.bias[:, None, None])  # apart: PyTorch's own routine adds it number by number


class PReLU(nn.PReLU):
    """PReLU with one slope: PyTorch's gradient takes 6 ns an element, this one a tenth."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if plain(x) else _PReLU.apply(x, self.weight)


class _PReLU(Function):
    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x, slope)
        return F.prelu(x, slope)

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        x, slope = ctx.saved_tensors
        g_slope = inner(g, x.clamp(max=0)).view(1) if ctx.needs_input_grad[1] else None
        positive = torch.ops.aten.threshold_backward(g, x, 0)  # g where x > 0, else 0
        return positive.lerp_(g, slope), g_slope  # slope g elsewhere


# --- Optimisers --------------------------------------------------------------------------------------------


class _InMemoryOrder:
    """Hands Adam channels-last weights in their order in memory: its fused CPU step copies them otherwise."""

    def _init_group(self, group, params, grads, *rest):
        found = super()._init_group(group, params, grads, *rest)
        lists = [some for some in (params, grads, *rest[:2]) if len(some) == len(params)]
        for n, weight in enumerate(params):
            if weight.device.type == "cpu" and all(_channels_last(some[n]) for some in lists):
                for some in lists:
                    some[n] = in_memory(some[n])
        return found


def _channels_last(x):
    return x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


class Adam(_InMemoryOrder, torch.optim.Adam):
    """PyTorch's Adam."""


class AdamW(_InMemoryOrder, torch.optim.AdamW):
    """PyTorch's AdamW."""


# --- Spectral norm ------------------------------------------------------------------------------------------


def normalised(layer: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """An input and weights whose product is that of ``x`` and the layer's weights, W or W / sigma.

    Spectral norm's sigma divides the smaller of x and W. In training mode one power iteration comes first, as in
    PyTorch's own, whose u and v it moves.
    """
    if not is_parametrized(layer, "weight"):
        return x, layer.weight
    norm, weight = layer.parametrizations.weight[0], layer.parametrizations.weight.original
    u, v, sigma = singular(norm, weight.detach())
    if weight.requires_grad and torch.is_grad_enabled():
        return _Normalised.apply(x, weight, u, v, sigma, norm.dim)
    return (x / sigma, weight) if x.numel() < weight.numel() else (x, weight / sigma)


def singular(norm: nn.Module, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """u, v and sigma = u^T W v, v in the order of the weights in memory; in training mode after a power iteration."""
    W = matrix(weight, norm.dim)
    kept = norm._v.view(weight.shape[1:]).permute(1, 2, 0) if norm.dim == 0 and weight.ndim == 4 else norm._v
    u, v = norm._u, kept.flatten()
    if not norm.training:
        return u.clone(), v.clone(), torch.dot(u, torch.mv(W, v))
    u = torch.mv(W, v)
    u /= torch.linalg.vector_norm(u)
    v = torch.mv(W.T, u)
    sigma = torch.linalg.vector_norm(v)  # = u^T W v once v is divided by it: one product less
    v /= sigma
    norm._u.copy_(u)
    kept.copy_(v.view(kept.shape))
    return u, v, sigma


def matrix(weight: Tensor, dim: int) -> Tensor:
    """Weights as spectral norm's matrix (O, k k I), for ``dim`` 1 (O, I k k); without a copy if channels-last."""
    return in_memory(weight).flatten(1) if dim == 0 else in_memory(weight).flatten(0, 2).T


def in_memory(x: Tensor) -> Tensor:
    """(N, C, H, W) as (N, H, W, C), which is the order in memory if channels-last."""
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x


def inner(a: Tensor, b: Tensor) -> Tensor:
    """The sum of products of two tensors of one shape."""
    return torch.dot(in_memory(a).flatten(), in_memory(b).flatten())


class _Normalised(Function):
    """(x, W) -> (x / sigma, W) or (x, W / sigma), for one layer that is linear in either."""

    @staticmethod
    def forward(ctx, x, weight, u, v, sigma, dim):
        ctx.dim, ctx.of_x = dim, x.numel() < weight.numel()
        x, weight = (x / sigma, weight) if ctx.of_x else (x, weight / sigma)
        ctx.save_for_backward(x, weight, u, v, sigma)
        if not ctx.needs_input_grad[0]:
            ctx.mark_non_differentiable(x)
        ctx.set_materialize_grads(False)
        return x, weight

    @staticmethod
    @once_differentiable
    def backward(ctx, g_x, g_weight):
        x, weight, u, v, sigma = ctx.saved_tensors
        # - sigma times the gradient of sigma: the layer is linear in x and in W, so either gives it
        total = inner(g_x, x) if ctx.of_x and g_x is not None else inner(g_weight, weight)
        if g_weight.ndim == 4:
            g_weight = g_weight.contiguous(memory_format=torch.channels_last)
        # This layer alone has made it: added to in place. data, or autograd would copy it twice on its way to the leaf.
        g_weight = g_weight.data if ctx.of_x else g_weight / sigma
        matrix(g_weight, ctx.dim).addr_(u * (total / -sigma), v)
        return g_x / sigma if ctx.of_x and g_x is not None else g_x, g_weight, None, None, None, None
