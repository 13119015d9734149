"""An input for every exported loss, in the variants that a training may hold."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seglosses.catalogue import loss_classes
from seglosses.extra_inputs import extra_inputs
from seglosses.losses.base import BoxLoss, Loss, PixelLoss, SegmentationLoss
from seglosses.losses.box.fine_grained import DecoupledDistillationFocalLoss
from seglosses.losses.box.quality import QualityLoss
from seglosses.losses.classes import ClassLoss
from seglosses.losses.classwise import MapLoss
from seglosses.losses.rows import RotatedBoxLoss, RowLoss

CLASSES = 4

#: Numbers for each of four classes, or of two under one channel, in options of some losses.
NUMBERS: dict[str, Any] = {
    "prior": [0.1, 0.2, 0.3, 0.4],
    "label_sets": [[0, 3], [1], [3, 2], [2]],
    "betti": [1, 0],
    "groups": [[[0, 1]]],
}


class Case(NamedTuple):
    """A loss and the tensors of one call of it."""

    loss: Loss
    tensors: dict[str, Tensor]

    def moved(self, move: Callable[[Tensor], Tensor]) -> Case:
        """The case with every tensor replaced; buffers of the loss, too."""
        for name, buffer in list(self.loss.named_buffers()):
            setattr(self.loss, name, move(buffer))
        return Case(self.loss, {name: move(each) for name, each in self.tensors.items()})

    def fresh(self) -> dict[str, Tensor]:
        """The tensors as new leaves."""
        return {
            name: each.detach().clone().requires_grad_(each.requires_grad)
            for name, each in self.tensors.items()
        }

    def value(self, loss: Callable[..., Tensor] | None = None) -> Tensor:
        """The loss, or what another callable makes of its inputs."""
        named = dict(self.tensors)
        pred, target = named.pop("pred"), named.pop("target")
        both: Any = (target, named.pop("beside")) if "beside" in named else target
        weight = named.pop("weight", None)
        with extra_inputs(**named):
            return (self.loss if loss is None else loss)(pred, both, weight)

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of one backward pass, by name."""
        self.value().sum().backward()
        found = {k: v.grad for k, v in self.tensors.items() if v.requires_grad}
        return {k: v for k, v in found.items() if v is not None}


def labels(images: int, size: tuple[int, ...], classes: int = CLASSES) -> Tensor:
    """Boxes of every class, and a first row that is ignored."""
    made = torch.zeros((images, *size), dtype=torch.long)
    for number, image in enumerate(made):
        for c in range(1, classes):
            low = [(3 * c + 2 * number + axis) % max(n // 2, 1) for axis, n in enumerate(size)]
            image[tuple(slice(a, a + max(n // 3, 1)) for a, n in zip(low, size, strict=True))] = c
    made[..., :1, :] = 255
    return made


def _boxes(cls: type[Loss], generator: torch.Generator, n: int) -> dict[str, Tensor]:
    near = torch.rand(n, 4, generator=generator) * 30
    target = torch.cat([near[:, :2], near[:, :2] + near[:, 2:] + 1], 1)
    if issubclass(cls, RotatedBoxLoss):
        centre, size = (target[:, :2] + target[:, 2:]) / 2, target[:, 2:] - target[:, :2]
        target = torch.cat([centre, size, torch.rand(n, 1, generator=generator)], 1)
    pred = target + torch.randn(target.shape, generator=generator) / 2
    return dict(pred=pred.requires_grad_(), target=target)


def _extras(cls: type[Loss], shape: tuple[int, ...], generator: torch.Generator) -> Any:
    images, _, *size = shape
    made = {
        "teacher": lambda: 2 * torch.randn(shape, generator=generator),
        "second_logits": lambda: 2 * torch.randn(shape, generator=generator),
        "image": lambda: 50 * torch.rand((images, 3, *size), generator=generator),
        "features": lambda: torch.randn((images, 8, *size), generator=generator),
        "teacher_features": lambda: torch.randn((images, 8, *size), generator=generator),
        "attributions": lambda: torch.rand(shape, generator=generator),
    }
    tensors = {name: made[name]() for name in cls.needs if name in made}
    for name in ("second_logits", "features", "attributions"):
        if name in tensors:
            tensors[name].requires_grad_()
    return tensors


def case(
    cls: type[Loss],
    variant: str = "plain",
    classes: int = CLASSES,
    plane: tuple[int, ...] = (24, 20),
) -> Case | None:
    """The loss in a variant, or ``None`` where it knows none such."""
    generator = torch.Generator().manual_seed(0)
    if issubclass(cls, RowLoss):
        return _rows_case(cls, variant, generator)
    if not issubclass(cls, SegmentationLoss):
        return None
    options: dict[str, Any] = {}
    images, channels, size = 2, classes, plane
    if issubclass(cls, MapLoss) and cls.spatial_dims == (3,):
        size = (4, 12, 10)
    if variant == "volume":
        if issubclass(cls, MapLoss) and 3 not in cls.spatial_dims:
            return None
        size = (4, 12, 10)
    elif variant == "one channel":
        channels = 1
    elif variant == "empty":
        images = 0
    elif variant == "class weights":
        options["class_weight"] = [0.5, 1.0, 2.0, 1.5]
    elif variant == "chosen classes":
        if not issubclass(cls, ClassLoss):
            return None
        options["classes"] = [1, 3]
    elif variant == "sigmoid":
        options["use_sigmoid"] = True
    elif variant == "rows":
        images, size = 32, ()
    elif variant == "numbers":
        known = inspect.signature(cls).parameters
        options |= {name: given for name, given in NUMBERS.items() if name in known}
        if not options:
            return None
    shape = (images, channels, *size)
    try:
        loss = cls(**options)
    except ValueError:
        return None  # options that the loss refuses, and says why
    target = labels(images, size, max(channels, 2)) if size else torch.arange(images) % channels
    if size and variant == "nothing ignored":
        target = target.where(target != 255, 0)
    logits = 2 * torch.randn(shape, generator=generator)
    tensors = dict(pred=logits.requires_grad_(), target=target)
    tensors.update(_extras(cls, shape, generator))
    if variant == "dense":
        hot = target.unsqueeze(1) == torch.arange(channels).view(1, -1, *(1,) * len(size))
        tensors["target"] = hot.float()
    elif variant == "weighted":
        structures = getattr(cls, "of_structures", False)
        weight = torch.rand(target.shape, generator=generator)
        tensors["weight"] = (weight > 0.3).float() if structures else weight
    elif variant == "weighted images":
        tensors["weight"] = torch.rand(images, generator=generator)
    return Case(loss, tensors)


def _rows_case(cls: type[Loss], variant: str, generator: torch.Generator) -> Case | None:
    if variant not in ("plain", "weighted", "empty"):
        return None
    n = 0 if variant == "empty" else 48
    if issubclass(cls, BoxLoss):
        tensors = _boxes(cls, generator, n)
    elif issubclass(cls, QualityLoss):
        logits = torch.randn(n, CLASSES, generator=generator).requires_grad_()
        wanted = torch.randint(0, CLASSES + 1, (n,), generator=generator)
        tensors = dict(pred=logits, target=wanted, beside=torch.rand(n, generator=generator))
    else:
        logits = torch.randn(n, 17, generator=generator).requires_grad_()
        tensors = dict(pred=logits, target=15 * torch.rand(n, generator=generator))
        if cls is DecoupledDistillationFocalLoss:
            tensors["target"] = torch.randn(n, 17, generator=generator)
            tensors["beside"] = torch.rand(n, generator=generator) < 0.5
    if variant == "weighted":
        tensors["weight"] = (torch.rand(n, generator=generator) - 0.4).clamp(min=0)
    return Case(cls(), tensors)


VARIANTS = (
    "plain", "nothing ignored", "weighted", "weighted images", "class weights", "chosen classes",
    "sigmoid", "one channel", "volume", "dense", "rows", "empty",
    "numbers",
)  # fmt: skip


def every_case(variants: tuple[str, ...] = VARIANTS) -> Iterator[tuple[str, str]]:
    """Names of losses and variants that exist."""
    for name, cls in loss_classes().items():
        for variant in variants:
            if case(cls, variant) is not None:
                yield name, variant


__all__ = ["CLASSES", "VARIANTS", "Case", "PixelLoss", "case", "every_case", "labels"]
