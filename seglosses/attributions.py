"""Attribution maps: how much each place of the image, or of a feature map, speaks for a class.

They are gradients of the network's output and keep their graph, so that a loss of them trains the
network. The score of a class is the sum of its output over the pixels ``where`` it is looked at.

Cost: a backward pass per class looked at, from the output to the place of interest. Its graph is
kept, which takes about the memory of that part of the network once more per class, and is gone
through again when the loss trains. Layers that know no second derivative (SyncBatchNorm, deformable
convolutions, fused attention, reentrant checkpoints) raise PyTorch's own error.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def gradient_times_input(outputs: Tensor, base: Tensor, where: Tensor) -> Tensor:
    r"""Contribution of every place to the score of each class.

        a = sum_k x_k ds / dx_k,  s = sum over pixels of where * output

    In a network without biases that is piecewise linear (ReLU), the contributions add up to the
    score.

    Args:
        outputs: Logits of the classes, (N, C, *S), computed from ``base``.
        base: x, the image or a feature map, (N, K, *T).
        where: Pixels that make up the score, (N, C, *S), not negative; the output of others may
            hold anything. A class without any gets zeros and costs nothing.

    Returns:
        (N, C, *T), with a graph. Layers that mix images (batch norm in training mode) count what an
        image does to the scores of the others.

    Raises:
        ValueError: where ``outputs`` have no graph to ``base``, or ``base`` is no map.

    References:
        Shrikumar et al., 2016, arXiv:1605.01713; as the explanation to be guided in Rao et al.,
        ICCV 2023, arXiv:2303.11932, there of labels of whole images.

    Example:
        >>> x = torch.tensor([[[1.0, 2.0, 3.0]]], requires_grad=True)
        >>> logits = torch.tensor([[[5.0]]]) * x  # 5 x, looked at where the class is
        >>> gradient_times_input(logits, x, torch.tensor([[[0.0, 1.0, 1.0]]])).detach()
        tensor([[[ 0., 10., 15.]]])
    """
    return _maps(outputs, base, where, lambda slope: (base * slope).sum(1))


def gradient_length(outputs: Tensor, base: Tensor, where: Tensor) -> Tensor:
    r"""How strongly every place moves the score of each class, either way.

        a = sqrt(sum_k (ds / dx_k)^2),  s = sum over pixels of where * output

    Its square is the sum of squared gradients.

    Args:
        outputs: Log-probabilities (or logits) of the classes, (N, C, *S), computed from ``base``.
        base: As in :func:`gradient_times_input`.
        where: As in :func:`gradient_times_input`.

    Returns:
        (N, C, *T), not negative, with a graph.

    Raises:
        ValueError: where ``outputs`` have no graph to ``base``, or ``base`` is no map.

    References:
        Ross et al., IJCAI 2017, arXiv:1703.03717, equation 1: gradients of log-probabilities.

    Example:
        >>> x = torch.ones(1, 2, 1, requires_grad=True)
        >>> output = (torch.tensor([3.0, -4.0]).view(1, 2, 1) * x).sum(1, keepdim=True)
        >>> gradient_length(output, x, torch.ones(1, 1, 1)).detach()  # sqrt(3^2 + 4^2)
        tensor([[[5.]]])
    """
    return _maps(outputs, base, where, lambda slope: torch.linalg.vector_norm(slope, dim=1))


def _maps(outputs: Tensor, base: Tensor, where: Tensor, read: Callable[[Tensor], Tensor]) -> Tensor:
    if not outputs.requires_grad or not base.requires_grad:
        raise ValueError(
            "attributions need outputs with a graph to what they are attributed to, got"
            f" requires_grad={outputs.requires_grad} and {base.requires_grad}: call"
            " requires_grad_() on the image before the network sees it, and compute them with"
            " gradients enabled"
        )
    if base.dim() != outputs.dim():
        raise ValueError(
            f"outputs {tuple(outputs.shape)} are attributed to maps (N, K, *T) of as many"
            f" dimensions, got {tuple(base.shape)}: tokens have no places, reshape them in the"
            " network"
        )
    seen = where.flatten(2).sum(2).any(0).tolist()
    maps = []
    for k, looked_at in enumerate(seen):
        if not looked_at:
            kind = torch.promote_types(base.dtype, torch.float32)
            maps.append(torch.zeros_like(base[:, 0], dtype=kind))
            continue
        # where, not a product alone: outputs that do not count may be NaN
        counted = torch.where(where[:, k] > 0, outputs[:, k], 0.0) * where[:, k]
        (slope,) = torch.autograd.grad(counted.sum(), base, create_graph=True, allow_unused=True)
        if slope is None:
            raise ValueError(
                "attributions need outputs with a graph to what they are attributed to, got a"
                f" {tuple(base.shape)} tensor that they do not depend on: name the tensor that the"
                " network itself read, not a copy, and of its features one that the head takes"
            )
        maps.append(read(slope if slope.dtype == torch.float64 else slope.float()))
    return torch.stack(maps, 1)
