"""Inputs of losses beyond logits and labels: a teacher's logits, the image, features, maps.

Heads of MMSegmentation call every loss with logits and labels only. Whoever has more (a segmentor,
a training loop) states it once around that call, and the losses that need it take it from there:

    with extra_inputs(teacher=teacher_logits, image=image):
        losses = head.loss(features, data_samples, train_cfg)

``docs/extra_inputs.md`` shows the segmentor that does this from a config.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.nn import functional as F

#: What may be given, and its layout.
KNOWN: Mapping[str, str] = {
    "teacher": "a teacher's logits (N, C, *S)",
    "image": "the image that the network saw (N, K, *S)",
    "features": "one feature vector a pixel (N, D, *S)",
    "attributions": "an attribution map a class (N, C, *S)",
    "signed_distance": "signed distance maps of the label (N, C, *S)",
    "projection": "projections of the label of a whole volume, see MIPLoss",
    "second_logits": "logits of a second branch (N, C, *S)",
}

_given: ContextVar[Mapping[str, Tensor]] = ContextVar("extra_inputs")


@contextmanager
def extra_inputs(**tensors: Tensor | None) -> Iterator[None]:
    """State extra inputs for all losses called inside the ``with`` block.

    Blocks nest: an inner one adds to the outer one, and ``None`` takes an input away. The state is
    that of the current thread.

    Args:
        tensors: Names out of :data:`KNOWN` and their tensors.

    Raises:
        ValueError: for a name that no loss knows.

    Example:
        >>> import torch
        >>> with extra_inputs(image=torch.ones(1)):
        ...     extra_input("image"), extra_input("teacher")
        (tensor([1.]), None)
        >>> extra_input("image") is None
        True
    """
    unknown = sorted(set(tensors) - set(KNOWN))
    if unknown:
        raise ValueError(f"extra inputs must be named {', '.join(KNOWN)}; got {unknown}")
    merged = {**_given.get({}), **tensors}
    token = _given.set({name: value for name, value in merged.items() if value is not None})
    try:
        yield
    finally:
        _given.reset(token)


def extra_input(name: str) -> Tensor | None:
    """The extra input of that name, or ``None`` where none is stated.

    Example:
        >>> extra_input("teacher") is None
        True
    """
    return _given.get({}).get(name)


def require_extra_input(name: str, owner: str) -> Tensor:
    """The extra input of that name.

    Args:
        name: One of :data:`KNOWN`.
        owner: Class that needs it, for the message.

    Raises:
        ValueError: when it is not stated, saying how to state it.

    Example:
        >>> import torch
        >>> with extra_inputs(image=torch.ones(1)):
        ...     require_extra_input("image", "MyLoss")
        tensor([1.])
    """
    tensor = extra_input(name)
    if tensor is None:
        raise ValueError(
            f"{owner} needs {KNOWN[name]}, and none was stated: call it inside `with"
            f" seglosses.extra_inputs.extra_inputs({name}=...)`, or train with the segmentor"
            " 'seglosses.ExtraInputsSegmentor' (docs/extra_inputs.md)"
        )
    return tensor


def extra_map(
    name: str, owner: str, batch: int, spatial: tuple[int, ...], channels: int | None = None
) -> Tensor:
    """The extra input of that name as maps of the size of the logits.

    Maps of another size are resampled linearly, as MMSegmentation resizes logits; half precision
    becomes float32.

    Args:
        name: One of :data:`KNOWN`.
        owner: Class that needs it, for messages.
        batch: Images expected.
        spatial: Size expected.
        channels: Channels expected, if it matters.

    Raises:
        ValueError: when it is not stated, or has another number of images or channels.

    Example:
        >>> import torch
        >>> with extra_inputs(teacher=torch.ones(1, 2, 2, 2)):
        ...     extra_map("teacher", "MyLoss", 1, (4, 4), channels=2).shape
        torch.Size([1, 2, 4, 4])
    """
    tensor = require_extra_input(name, owner)
    tensor = tensor if tensor.dtype == torch.float64 else tensor.float()
    fits = tensor.dim() == len(spatial) + 2 and len(tensor) == batch
    if not fits or (channels is not None and tensor.shape[1] != channels):
        expected = (batch, "C" if channels is None else channels, *spatial)
        raise ValueError(
            f"{owner} got {tuple(tensor.shape)} for {KNOWN[name]}, expected"
            f" {expected} or the same at another resolution"
        )
    if tensor.shape[2:] != spatial and tensor.numel():
        mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(spatial)]
        tensor = F.interpolate(tensor, spatial, mode=mode, align_corners=False)
    return tensor
