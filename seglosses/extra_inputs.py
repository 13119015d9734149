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
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.pages import page


class Extra(NamedTuple):
    """An extra input.

    Attributes:
        what: What it is, with its layout.
        config: Where a config of MMSegmentation states it.

    Example:
        >>> KNOWN["features"].config
        "give the segmentor 'seglosses.ExtraInputsSegmentor' feature_index=<stage>"
    """

    what: str
    config: str


_SEGMENTOR = "the segmentor 'seglosses.ExtraInputsSegmentor'"

#: What may be given.
KNOWN: Mapping[str, Extra] = {
    "teacher": Extra(
        "a teacher's logits (N, C, *S)",
        f"give {_SEGMENTOR} teacher=dict(config=<file>, checkpoint=<file>)",
    ),
    "teacher_features": Extra(
        "a teacher's feature vectors (N, D, *S)",
        f"give {_SEGMENTOR} teacher=dict(...) and feature_index=<stage>",
    ),
    "image": Extra(
        "the image that the network saw (N, K, *S)", f"train with {_SEGMENTOR}, which states it"
    ),
    "features": Extra(
        "one feature vector per pixel (N, D, *S)", f"give {_SEGMENTOR} feature_index=<stage>"
    ),
    "attributions": Extra(
        "an attribution map per class (N, C, *S)",
        f"give {_SEGMENTOR} attribute_to='image' (or a stage), and the loss computes them",
    ),
    "attribute_to": Extra(
        "the image or features of which the logits were computed (N, K, *S)",
        f"give {_SEGMENTOR} attribute_to='image' (or a stage)",
    ),
    "signed_distance": Extra(
        "signed distance maps of the label (N, C, *S)",
        "append dict(type='seglosses.AddSignedDistance', num_classes=...) to the training pipeline"
        f" of {_SEGMENTOR}",
    ),
    "projection": Extra(
        "projections of the label of a whole volume, see MIPLoss",
        f"let a step of the pipeline add extra_projection to the data samples of {_SEGMENTOR}",
    ),
    "labelled": Extra(
        "which classes were labelled in each image (N, C), 1 or 0",
        "append dict(type='seglosses.AddLabelled', classes=[...], num_classes=...) to the pipeline"
        f" of each data set of {_SEGMENTOR}",
    ),
    "source": Extra(
        "which images are of the source domain (N,), 1 or 0",
        f"let a step of each data set's pipeline add extra_source to the samples of {_SEGMENTOR}",
    ),
    "second_logits": Extra(
        "logits of a second branch (N, C, *S)",
        f"give {_SEGMENTOR} second_branch=True and an auxiliary_head",
    ),
}

_given: ContextVar[Mapping[str, Tensor]] = ContextVar("extra_inputs")


class _Latest:
    """What the process stated last, in the form that a graph can guard."""

    given: Mapping[str, Tensor] = MappingProxyType({})


_latest = _Latest()


@contextmanager
def extra_inputs(**tensors: Tensor | None) -> Iterator[None]:
    """State extra inputs for all losses called inside the ``with`` block.

    Blocks nest: an inner one adds to the outer one, and ``None`` takes an input away. The state is
    that of the current thread; losses compiled by ``torch.compile`` take what the process stated
    last, for a graph cannot tell threads apart.

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
    stated = {name: value for name, value in merged.items() if value is not None}
    token, before = _given.set(stated), _latest.given
    _latest.given = stated
    try:
        yield
    finally:
        _given.reset(token)
        _latest.given = before


def extra_input(name: str) -> Tensor | None:
    """The extra input of that name, or ``None`` where none is stated.

    Example:
        >>> extra_input("teacher") is None
        True
    """
    if torch.compiler.is_compiling():
        return _latest.given.get(name)
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
            f"{owner} needs {KNOWN[name].what}, and none was stated: call it inside `with"
            f" seglosses.extra_inputs.extra_inputs({name}=...)`; in a config,"
            f" {KNOWN[name].config} ({page('docs/extra_inputs.md')})"
        )
    return tensor


def require_graph(tensor: Tensor, name: str, owner: str, logits: Tensor) -> None:
    """Refuse to train on an extra input that the network cannot change.

    For losses whose gradient goes to the extra input alone: without one they would be a constant.

    Args:
        tensor: The extra input.
        name: One of :data:`KNOWN`.
        owner: Class that needs it, for the message.
        logits: What the loss was called with. Logits without a graph mean that nothing trains, and
            all is well.

    Raises:
        ValueError: when the logits have a graph and the extra input has none.

    Example:
        >>> import torch
        >>> detached, logits = torch.ones(1), torch.ones(1, requires_grad=True)
        >>> require_graph(detached, "features", "MyLoss", logits.detach())
        >>> require_graph(2 * logits, "features", "MyLoss", logits)
    """
    if torch.is_grad_enabled() and logits.requires_grad and not tensor.requires_grad:
        raise ValueError(
            f"{owner} trains the network through {KNOWN[name].what} alone, and got a tensor without"
            " a graph (detached, made under no_grad, or from the data loader), which would train"
            " nothing: compute it with gradients enabled, by layers that train; in a config,"
            f" {KNOWN[name].config} ({page('docs/extra_inputs.md')})"
        )


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
    return at_size(_fitting(name, owner, batch, spatial, channels), spatial)


def _fitting(
    name: str, owner: str, batch: int, spatial: tuple[int, ...], channels: int | None = None
) -> Tensor:
    tensor = require_extra_input(name, owner)
    tensor = tensor if tensor.dtype == torch.float64 else tensor.float()
    fits = tensor.dim() == len(spatial) + 2 and len(tensor) == batch
    if not fits or (channels is not None and tensor.shape[1] != channels):
        expected = (batch, "C" if channels is None else channels, *spatial)
        raise ValueError(
            f"{owner} got {tuple(tensor.shape)} for {KNOWN[name].what}, expected"
            f" {expected} or the same at another resolution"
        )
    return tensor


def extra_vectors(name: str, owner: str, spatial: tuple[int, ...], places: Tensor) -> Tensor:
    """Vectors of :func:`extra_map` at some pixels; maps of another size are not resampled whole.

    Args:
        name: One of :data:`KNOWN`.
        owner: Class that needs it, for messages.
        spatial: Size of the maps, two or three axes.
        places: Pixels in reading order, (N, S).

    Returns:
        (N, S, D).

    Raises:
        ValueError: as :func:`extra_map`.

    Example:
        >>> import torch
        >>> with extra_inputs(features=torch.tensor([[[[0.0, 1.0]]]])):
        ...     extra_vectors("features", "MyLoss", (1, 4), torch.tensor([[3, 1]]))
        tensor([[[1.0000],
                 [0.2500]]])
    """
    maps = _fitting(name, owner, len(places), spatial)
    if maps.shape[2:] == spatial or not maps.numel() or not places.numel():
        flat = at_size(maps, spatial).flatten(2)
        index = places.unsqueeze(1).expand(-1, flat.shape[1], -1)
        return flat.gather(2, index).transpose(1, 2)
    rest, axes = places, []
    for length in reversed(spatial):
        axes.append((2 * (rest % length).to(maps.dtype) + 1) / length - 1)
        rest = rest // length
    grid = torch.stack(axes, -1).view(len(places), *(1,) * (len(spatial) - 1), -1, len(spatial))
    found = F.grid_sample(maps, grid, padding_mode="border", align_corners=False)
    return found.flatten(2).transpose(1, 2)


def at_size(maps: Tensor, spatial: tuple[int, ...]) -> Tensor:
    """Maps (N, C, *T) resampled linearly to (N, C, *spatial), as MMSegmentation resizes logits.

    Example:
        >>> import torch
        >>> at_size(torch.tensor([[[0.0, 1.0]]]), (4,))
        tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """
    if maps.shape[2:] == spatial or not maps.numel():
        return maps
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(spatial)]
    return F.interpolate(maps, spatial, mode=mode, align_corners=False)
